"""Every parser of outside input, each with sound examples and the call that a user's file reaches it by."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from fabricated_records import write_run
from PIL import Image as Pillow

import dgbench
from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import UsageError
from dgbench.core.record import Record
from dgbench.datasets.manifest import make_frames
from dgbench.engine.run.plan import RunFolder, read_plan
from dgbench.io.images import encode_png

if TYPE_CHECKING:
    import torch

ROOT = Path(dgbench.__file__).parents[1]
_IMAGE = np.random.default_rng(0).integers(0, 256, (24, 24, 3), dtype=np.uint8)


@dataclass(frozen=True)
class Parser:
    """One parser: ``read`` is given a file of the mangled bytes, named ``name``."""

    name: str
    seeds: Sequence[bytes]
    read: Callable[[Path], object]
    share: float = field(default=1.0)


def _image(kind: str) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray(_IMAGE).save(buffer, format=kind)
    return buffer.getvalue()


def _images() -> Parser:
    from dgbench.io.images import read_image

    kinds = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "PPM")
    return Parser("image.png", [_image(kind) for kind in kinds], read_image, 2.0)


def _strips() -> Parser:
    from dgbench.io.strips import strip_frames

    buffer = io.BytesIO()
    Pillow.fromarray(np.hstack([_IMAGE] * 3)).save(buffer, format="JPEG")
    return Parser(
        "strip.jpg", [buffer.getvalue(), encode_png(np.hstack([_IMAGE] * 3))], lambda p: list(strip_frames(p))
    )


def _video(folder: Path) -> Parser:
    from dgbench.io.video import decode_frames, write_video

    write_video(folder / "sound.mp4", [_IMAGE] * 4)
    return Parser("clip.mp4", [(folder / "sound.mp4").read_bytes()], lambda path: list(decode_frames(path)))


def _pair_lists(folder: Path) -> list[Parser]:
    from dgbench.protocols.frozen_points import read_points
    from dgbench.protocols.pairs_file import read_pairs
    from dgbench.protocols.published_lists import COLUMN_ORDERS, read_list

    packed = (ROOT / "protocols/frll-self/v1/pairs.csv.gz").read_bytes()
    plain = b"\n".join(gzip.decompress(packed).splitlines()[:6]) + b"\n"
    points = gzip.decompress((ROOT / "protocols/frll-cross/v1/landmarks.csv.gz").read_bytes())

    def repacked(path: Path) -> object:
        """The list unpacked, so that what is mangled is the table and not only its packing."""
        data = path.read_bytes()
        path.write_bytes(gzip.compress(data, mtime=0))
        return read_pairs(path, sha256=sha256_bytes(data))

    def points_of(path: Path) -> object:
        data = path.read_bytes()
        path.write_bytes(gzip.compress(data, mtime=0))
        return read_points(path, sha256=sha256_bytes(data))

    bare = b"a/1.png b/2.png c/3.png\n" * 3
    listed = b"source,driving,frame\na.mp4,b.mp4,3\nc.mp4,d.mp4,4\n"
    return [
        Parser("pairs.csv.gz", [gzip.compress(plain, mtime=0)], read_pairs),
        Parser("pairs-table.csv.gz", [plain], repacked, 2.0),
        Parser("landmarks.csv.gz", [b"\n".join(points.splitlines()[:5])], points_of),
        Parser("list.csv", [listed, bare], lambda path: read_list(path, order=next(iter(COLUMN_ORDERS)))),
    ]


def _yaml() -> list[Parser]:
    from small_suite import TEXT

    from dgbench.engine.suite.file import read_suite
    from dgbench.methods.baseline_card import load_card
    from dgbench.protocols.drafts import read_protocol
    from dgbench.results.records.published import parse_published
    from dgbench.training.dg.config_file import load_config

    def card(path: Path) -> object:
        folder = path.parent / "cards" / "first-order-model"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "baseline.yaml").write_bytes(path.read_bytes())
        return load_card("first-order-model", folder=folder.parent)

    def seeds(*names: str) -> list[bytes]:
        return [(ROOT / name).read_bytes() for name in names]

    return [
        Parser("protocol.yaml", seeds("protocols/frll-self/v1/protocol.yaml"), read_protocol, 2.0),
        Parser("suite.yaml", [TEXT.encode()], read_suite),
        Parser("baseline.yaml", seeds("baselines/first-order-model/baseline.yaml"), card),
        Parser("train.yaml", seeds("suites/dg-synthface/full.yaml"), lambda path: load_config("small", path)),
        Parser(
            "published.yaml",
            seeds("results/published/face-adapter-eccv24.yaml"),
            lambda path: parse_published(path.read_bytes(), path.name),
        ),
    ]


def _metadata(folder: Path) -> list[Parser]:
    from dgbench.datasets.manifest_file import read_frames
    from dgbench.datasets.voxceleb.metadata import read_listed_clips, read_people
    from dgbench.datasets.voxceleb.poses import read_poses
    from dgbench.datasets.voxceleb.tracks import read_track
    from dgbench.metrics.table_audit import audit_table

    people = [
        b"VoxCeleb1 ID\tVGGFace1 ID\tGender\tNationality\tSet\nid10001\tA.J._Buckley\tm\tIreland\tdev\n",
        b"VoxCeleb2 ID ,VGGFace2 ID ,Gender ,Set \nid00012 ,n000012 ,m ,dev \nid00015 ,n000015 ,f ,test \n",
    ]
    clips = [
        b"video_id,start,end,bbox,fps,width,height,partition,person_id\nabc,10,80,1-2-30-40,25.0,640,360,test,id10001\n"
    ]
    track = [
        b"Identity  : \tid00017\nReference : \t01dfn2spqyE\nOffset    : \t3\nFV Conf   : \t20.3\nASD Conf  : \t4.5\n\n"
        b"FRAME \tX \tY \tW \tH \n000211 \t0.271 \t0.136 \t0.258 \t0.459 \n000212 \t0.272 \t0.136 \t0.25 \t0.46 \n",
        b"FRAME X Y W H\n1 10 20 30 40\n2 11 21 31 41\n",
    ]
    poses = b"key,yaw,pitch,roll,pose_source\nvox/a/b/c#1,10.5,-3.0,,whenet\nvox/a/b/c#2,,,,\n"
    rows = [{"key": f"k/{n}", "dataset": "frll", "subject": f"{n:03d}", "path": f"{n}.png"} for n in range(3)]
    frames = make_frames(rows)
    parquet = io.BytesIO()
    frames.to_parquet(parquet, index=False)
    numbers = (
        b"method,source,dataset,FID,SSIM,PSNR,L1,SSIM_rank\n"
        b"ours,us,voxceleb1,10.2,0.71,22.1,0.05,1\nfomm,us,voxceleb1,11,0.7,21,0.06,2\n"
    )
    return [
        Parser("vox1_meta.csv", people, read_people),
        Parser("vox-metadata.csv", clips, read_listed_clips),
        Parser("track.txt", track, lambda path: read_track(path).to_pixels(width=640, height=360)),
        Parser("dgbench-poses.csv", [poses], read_poses),
        Parser("manifest.csv", [frames.to_csv(index=False).encode()], read_frames),
        Parser("manifest.parquet", [parquet.getvalue()], read_frames),
        Parser("numbers.csv", [numbers], audit_table),
    ]


def _stores(folder: Path) -> list[Parser]:
    """A prepared store that somebody hands on: opened, and one image and its landmarks taken out."""
    from dgbench.core.face import Landmarks
    from dgbench.core.protocol import Frame
    from dgbench.datasets.manifest import Manifest
    from dgbench.preprocess.store import PreparedStore, StoredImage, finish_store, write_image

    frame = Frame(size=32, crop="as-stored")
    marks = Landmarks(np.zeros((68, 3), np.float32), np.ones(68, np.float32), "yunet")
    store = folder / "store"
    file, sha256 = write_image(store, "k/0", _IMAGE)
    row = StoredImage("k/0", file, sha256, "yunet", "", np.eye(2, 3), marks)
    table = make_frames([{"key": "k/0", "dataset": "frll", "subject": "0", "path": "0.png"}])
    finish_store(store, [row], manifest=Manifest("frll", folder, table), frame=frame, plan="", notes={})
    sound = {name: (store / name).read_bytes() for name in ("store.json", "index.parquet", "landmarks.npz")}

    def opened(path: Path, *, name: str, member: str = "") -> object:
        data = path.read_bytes()
        for other, content in sound.items():
            (store / other).write_bytes(content)
        (store / name).write_bytes(with_member(sound[name], member, data) if member else data)
        found = PreparedStore(store)
        return [(found.image(key), found.landmarks(key), found.problem(key)) for key in found._row], found.manifest()

    points = member_of(sound["landmarks.npz"], "points.npy")
    return [
        Parser("store.json", [sound["store.json"]], lambda path: opened(path, name="store.json")),
        Parser("index.parquet", [sound["index.parquet"]], lambda path: opened(path, name="index.parquet")),
        Parser("store_points.npz", [points], lambda path: opened(path, name="landmarks.npz", member="points.npy")),
    ]


def _worker_replies() -> Parser:
    from dgbench.methods.worker_protocol import ProtocolError, parse

    hello = {
        "op": "hello", "protocol": 1, "method": "m", "motion": "absolute", "needs": ["source"], "size": 256,
        "can_batch": False,
        "device": "cpu", "commit": None, "checkpoint_sha256": "0", "network": "python", "options": {},
        "versions": {"numpy": "2"},
    }  # fmt: skip
    done = {"op": "done", "id": "p", "ok": True, "seconds": 0.1, "height": 256, "width": 256}
    fatal = {"op": "fatal", "exit": 3, "error": "no weights"}

    def read(path: Path) -> object:
        try:
            return parse(path.read_bytes())
        except ProtocolError as error:  # the worker's failure of its pair
            raise UsageError(str(error)) from error

    return Parser("reply.json", [json.dumps(line).encode() for line in (hello, done, fatal)], read, 2.0)


def _records(folder: Path) -> list[Parser]:
    from dgbench.results.records.released import LOCK, parse_lock
    from dgbench.results.records.store import read_pair_scores, read_record

    run = write_run(folder / "records", "copy-source", 0.5)
    record = (run / "record.json").read_bytes()
    Record.model_validate(json.loads(record))

    def read(path: Path) -> object:
        (path.parent / "record.json").write_bytes(path.read_bytes())
        return read_record(path.parent)

    return [
        Parser("a-record.json", [record], read, 3.0),
        Parser("pair_scores.parquet", [(run / "pair_scores.parquet").read_bytes()], read_pair_scores),
        Parser(
            "released.lock",
            [(ROOT / "protocols" / LOCK).read_bytes()],
            lambda path: parse_lock(path.read_bytes(), path.name),
        ),
    ]  # fmt: skip


def _runs() -> list[Parser]:
    from dgbench.engine.run.state import journal_state

    lines = [
        {"pair_id": "p1", "status": "ok", "sha256": "0" * 64, "bytes": 10, "seconds": 0.1},
        {"pair_id": "p2", "status": "failed", "kind": "error", "message": "no"},
    ]
    plan = {
        "protocol": "frll-self@1", "protocol_digest": "0", "method": "m", "method_digest": "1", "motion": "absolute",
        "parameters": {"a": 1}, "pair_set": "2", "seed": 0, "limit": None, "data": "x",
    }  # fmt: skip

    def journal(path: Path) -> object:
        folder = path.parent / "journal"
        folder.mkdir(exist_ok=True)
        (folder / "1-of-1.jsonl").write_bytes(path.read_bytes())
        return journal_state(RunFolder(path.parent))

    def run_file(path: Path) -> object:
        (path.parent / "run.json").write_bytes(path.read_bytes())
        return read_plan(RunFolder(path.parent))

    whole = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    singles = [json.dumps(line).encode() for line in lines]
    return [
        Parser(
            "journal.jsonl",
            [whole, *singles],
            lambda path: (path.write_bytes(path.read_bytes() + b"\n"), journal(path)),
        ),
        Parser("plan.json", [json.dumps(plan).encode()], run_file),
    ]


def _weights(folder: Path) -> list[Parser]:
    import torch
    from cartoons import tiny_config

    from dgbench.models.dg.checkpoint import load_checkpoint, save_model
    from dgbench.models.dg.model import DgModel
    from dgbench.models.dg.official.networks import read_official
    from dgbench.networks.sessions import open_session
    from dgbench.synthface.head.load import load_head
    from dgbench.synthface.head.truth import read_truth, write_truth

    config = tiny_config().model
    save_model(folder / "dg", DgModel(config, seed=0).state_dict(), config=config, parts=("idsg", "rfg"), notes={})
    card, tensors = (folder / "dg" / "dg.json").read_bytes(), (folder / "dg" / "model.safetensors").read_bytes()
    torch.save(_official_shape_networks(), folder / "nets.ckpt")
    nets, head = (folder / "nets.ckpt").read_bytes(), _head()

    def inside(archive: bytes, member: str, read: Callable[[Path], object]) -> Callable[[Path], object]:
        """The mangled bytes as one member of a sound archive, so that no check sum keeps them from the parser."""

        def swapped(path: Path) -> object:
            path.write_bytes(with_member(archive, member, path.read_bytes()))
            return read(path)

        return swapped

    from dgbench.core.face import Landmarks, Pose

    marks = Landmarks(np.zeros((68, 3), np.float32), np.ones(68, np.float32), "truth")
    write_truth(folder / "truth.npz", keys=["k"], landmarks=[marks], poses=[Pose(0, 0, 0)], files={"a": "0"})

    def described(path: Path) -> object:
        place = path.parent / "dg"
        place.mkdir(exist_ok=True)
        (place / "dg.json").write_bytes(path.read_bytes())
        (place / "model.safetensors").write_bytes(tensors)
        return load_checkpoint(place).model()

    def weighed(path: Path) -> object:
        """The digest is brought in line, so that the tensor file itself is what is judged."""
        place = path.parent / "dg"
        place.mkdir(exist_ok=True)
        data = path.read_bytes()
        (place / "model.safetensors").write_bytes(data)
        (place / "dg.json").write_text(json.dumps(json.loads(card) | {"weights_sha256": sha256_bytes(data)}))
        return load_checkpoint(place).model()

    return [
        Parser("dg.json", [card], described),
        Parser("model.safetensors", [tensors], weighed, 0.5),
        Parser("nets_ema.ckpt", [nets], read_official),
        Parser("nets_pickle.ckpt", [member_of(nets, "data.pkl")], inside(nets, "data.pkl", read_official), 2.0),
        Parser("truth.npz", [(folder / "truth.npz").read_bytes()], read_truth),
        Parser("head.npz", [head, (folder / "truth.npz").read_bytes()], load_head, 0.5),
        Parser("head_triangles.npz", [member_of(head, "triangles.npy")], inside(head, "triangles.npy", load_head)),
        Parser("network.onnx", [_onnx()], open_session, 0.5),
    ]


def _official_shape_networks() -> dict[str, dict[str, torch.Tensor]]:
    """Both networks of a released landmark checkpoint, a few numbers wide."""
    import torch

    def perceptron(*widths: int) -> dict[str, torch.Tensor]:
        layers = enumerate(itertools.pairwise(widths))
        return {
            f"main.{2 * place}.{kind}": torch.zeros((out, come) if kind == "weight" else (out,))
            for place, (come, out) in layers
            for kind in ("weight", "bias")
        }

    return {"lm_linear_encoder": perceptron(136, 8, 8, 4), "linear_decoder": perceptron(4 + 16, 8, 8, 136)}


def _head() -> bytes:
    """A head file in which everything lies in one point."""
    count = 24_592
    buffer = io.BytesIO()
    np.savez_compressed(
        buffer,
        vertices=np.zeros((count, 3), np.float32),
        triangles=np.array([[0, 1, 2], [2, 3, count - 1]], np.int32),
        triangle_polygon=np.array([0, 1], np.int32),
        identity=np.zeros((1, count, 3), np.float16),
        expression=np.zeros((2, count, 3), np.float16),
        expression_names=np.array(["jawOpen", "eyeBlink_L"]),
        landmarks68=np.arange(68, dtype=np.int32),
    )
    return buffer.getvalue()


def member_of(archive: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return opened.read(next(item for item in opened.namelist() if item.endswith(name)))


def with_member(archive: bytes, name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(buffer, "w") as new:
        for item in old.namelist():
            new.writestr(item, data if item.endswith(name) else old.read(item))
    return buffer.getvalue()


def _onnx() -> bytes:
    """A network of one layer."""
    from onnx import TensorProto, helper, numpy_helper

    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 8, 8])
    found = helper.make_tensor_value_info("found", TensorProto.FLOAT, ["batch", 4, 6, 6])
    weight = numpy_helper.from_array(np.zeros((4, 3, 3, 3), np.float32), "weight")
    layer = helper.make_node("Conv", ["image", "weight"], ["found"])
    graph = helper.make_graph([layer], "small", [image], [found], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def _archives() -> Parser:
    from dgbench.io.archive import extract

    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/b.txt", "one" * 30)
        archive.writestr("c.txt", "two")
    import tarfile

    tarred = io.BytesIO()
    with tarfile.open(fileobj=tarred, mode="w:gz") as tar:
        info = tarfile.TarInfo("a/b.txt")
        info.size = 5
        tar.addfile(info, io.BytesIO(b"12345"))

    def read(path: Path) -> object:
        import shutil

        shutil.rmtree(path.parent / "out", ignore_errors=True)
        return extract(path, path.parent / "out", max_bytes=1 << 20, max_files=100)

    return Parser("set.zip", [zipped.getvalue(), tarred.getvalue(), gzip.decompress(tarred.getvalue())], read)


def every_parser(folder: Path) -> dict[str, Parser]:
    """Return the parsers by name; ``folder`` is scratch for their sound examples."""
    parsers = [
        _images(), _strips(), _video(folder), *_pair_lists(folder), *_yaml(), *_metadata(folder), *_stores(folder),
        _worker_replies(), *_records(folder), *_runs(), *_weights(folder), _archives(),
    ]  # fmt: skip
    return {parser.name: parser for parser in parsers}


NAMES = (
    "image.png", "strip.jpg", "clip.mp4", "pairs.csv.gz", "pairs-table.csv.gz", "landmarks.csv.gz", "list.csv",
    "protocol.yaml", "suite.yaml", "baseline.yaml", "train.yaml", "published.yaml", "vox1_meta.csv", "vox-metadata.csv",
    "track.txt", "dgbench-poses.csv", "manifest.csv", "manifest.parquet", "numbers.csv", "store.json", "index.parquet",
    "store_points.npz", "reply.json", "a-record.json", "pair_scores.parquet", "released.lock", "journal.jsonl",
    "plan.json", "dg.json", "model.safetensors", "nets_ema.ckpt", "nets_pickle.ckpt", "truth.npz", "head.npz",
    "head_triangles.npz", "network.onnx", "set.zip",
)  # fmt: skip
