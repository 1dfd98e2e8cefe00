from __future__ import annotations

import http.server
import threading
from pathlib import Path

import numpy as np
import pytest
from analytic_head import analytic_head

from dgbench.core.digests import sha256_bytes
from dgbench.core.errors import MissingError, UsageError
from dgbench.synthface.head import download as head_fetch
from dgbench.synthface.head import facekit as head_obj
from dgbench.synthface.head import model as head
from dgbench.synthface.head.download import fetch_head
from dgbench.synthface.head.facekit import FaceKitFile, facekit_files
from dgbench.synthface.head.load import find_head, load_head
from dgbench.synthface.head.model import Surface

NAMES = ("browDown_L", "jawOpen")


def test_scanned_head_has_what_the_release_describes(scanned):
    assert scanned.vertices.shape == (26719, 3)
    assert scanned.identity.shape == (100, 26719, 3)
    assert len(scanned.expression_names) == 53 and "jawOpen" in scanned.expression_names
    assert set(np.unique(scanned.surface)) == {int(s) for s in Surface}
    marks = scanned.vertices[scanned.landmarks68]
    assert marks[8, 1] < marks[57, 1] < marks[30, 1] < marks[27, 1]
    assert marks[0, 0] < 0 < marks[16, 0]  # landmark 0 at image-left
    for (first, last), side in zip(scanned.eye_vertices, (-1, 1), strict=True):
        assert np.sign(scanned.vertices[first:last, 0].mean()) == side


def test_sparse_shapes_are_the_dense_ones(scanned, head_file):
    with np.load(head_file) as archive:
        dense = archive["expression"].astype(np.float32)
    k = scanned.expression_names.index("jawOpen")
    part = slice(scanned.shape_start[k], scanned.shape_start[k + 1])
    rebuilt = np.zeros_like(dense[k])
    rebuilt[scanned.shape_vertex[part]] = scanned.shape_offset[part]
    assert np.abs(rebuilt - dense[k]).max() <= 1.01e-4


def test_analytic_head_has_the_same_names_and_sane_landmarks():
    head = analytic_head()
    assert len(head.expression_names) == 53 and len(head.landmarks68) == 68
    marks = head.vertices[head.landmarks68]
    assert (marks[:, 2] > 0).all()
    assert marks[30, 2] == marks[:, 2].max()
    assert marks[36:42, 0].max() < 0 < marks[42:48, 0].min()


def test_lookup_is_argument_then_environment_then_cache(tmp_path, monkeypatch):
    for name in ("argument", "environment"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("DGBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("DGBENCH_HEAD", raising=False)
    with pytest.raises(MissingError, match="fetch-head"):
        find_head()
    cached = tmp_path / "cache" / "head" / "ict_facekit.npz"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"x")
    assert find_head() == cached
    monkeypatch.setenv("DGBENCH_HEAD", str(tmp_path / "environment"))
    assert find_head() == tmp_path / "environment"
    assert find_head(tmp_path / "argument") == tmp_path / "argument"


@pytest.mark.parametrize("damage", ["truncated", "text", "other"])
def test_damaged_files_are_one_clear_error(tmp_path, damage):
    path = tmp_path / "head.npz"
    np.savez(path, vertices=np.zeros((4, 3)))
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:100])
    if damage == "text":
        path.write_text("not a head")
    with pytest.raises(UsageError, match=r"head\.npz"):
        load_head(path)


def test_digest_table_lists_the_release():
    table = facekit_files()
    assert len(table) == 160
    assert table["generic_neutral_mesh.obj"].size > 1e6
    assert all(len(row.sha256) == 64 for row in table.values())


def obj(points) -> bytes:
    vertices = "".join(f"v {x:.4f} {y:.4f} {z:.4f}\n" for x, y, z in points)
    return (f"# a comment\nmtllib x.mtl\n{vertices}vt 0 0\nf 1/1 2/1 3/1 4/1\nf 1/1 3/1 5/1\n").encode()


@pytest.fixture
def release(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(head, "_EYES", ((0, 2), (2, 4)))  # five vertices are enough here
    """A tiny release in the same format, with a table of its own; two identities, two expressions."""
    folder = tmp_path / "release" / "FaceXModel"
    folder.mkdir(parents=True)
    base = np.array([(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0.5, 0.5, 1)], float)
    rng = np.random.default_rng(0)
    content = {"generic_neutral_mesh.obj": obj(base)}
    for name in ("identity000", "identity001", *NAMES):
        content[f"{name}.obj"] = obj(base + rng.normal(0, 0.1, base.shape).round(4))
    marks = ", ".join(str(k % 5) for k in range(68))
    names = ", ".join(f'"{name}"' for name in NAMES)
    content["vertex_indices.json"] = f'{{"expressions": [{names}], "idx_to_landmark_verts": [{marks}]}}'.encode()
    for name, data in content.items():
        (folder / name).write_bytes(data)
    table = {name: FaceKitFile(name, len(data), sha256_bytes(data)) for name, data in content.items()}
    monkeypatch.setattr(head_obj, "_IDENTITIES", 2)
    monkeypatch.setattr(head_obj, "facekit_files", lambda: table)
    monkeypatch.setattr(head_fetch, "facekit_files", lambda: table)
    return folder


def test_obj_folder_and_compact_file_are_the_same_head(release, tmp_path):
    for place in (release, release.parent):
        from_obj = load_head(place)
    made = fetch_head(source=release, out=tmp_path / "compact.npz")
    from_file = load_head(made.path)
    assert from_obj.digest == from_file.digest == made.digest
    assert from_obj.identity.tobytes() == from_file.identity.tobytes()
    assert from_obj.triangles.tolist() == [[0, 1, 2], [0, 2, 3], [0, 2, 4]]
    assert from_obj.expression_names == NAMES
    assert "MIT" in (tmp_path / "NOTICE.txt").read_text()


@pytest.mark.parametrize("given", ["ict_facekit.npz", "."])
def test_a_compact_head_is_taken_as_dgbench_head_takes_it(release, tmp_path, given):
    made = fetch_head(source=release, out=tmp_path / "there" / "ict_facekit.npz")
    again = fetch_head(source=tmp_path / "there" / given, out=tmp_path / "here" / "head.npz")
    assert again.path.read_bytes() == made.path.read_bytes()
    (tmp_path / "bad.npz").write_bytes(b"no head")
    with pytest.raises(UsageError, match=r"bad\.npz: damaged"):
        fetch_head(source=tmp_path / "bad.npz", out=tmp_path / "third.npz")
    with pytest.raises(UsageError, match="nowhere: no such file or folder"):
        fetch_head(source=tmp_path / "nowhere", out=tmp_path / "third.npz")


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("triangles", lambda a: a + 3, "outside the 5"),
        ("triangles", lambda a: -a, "outside the 5"),
        ("triangles", lambda a: a.astype(np.float32), "not whole numbers"),
        ("landmarks68", lambda a: a[:67], r"landmarks68 is \(67,\)"),
        ("vertices", lambda a: a * np.nan, "not finite"),
        ("vertices", lambda a: a[:3], r"vertices is \(3, 3\)"),
        ("identity", lambda a: a[:, :4], "identity is"),
        ("expression_names", lambda a: a[:1], "expression is"),
    ],
)
def test_a_head_that_names_what_is_not_there_is_refused(release, tmp_path, name, change, words):
    made = fetch_head(source=release, out=tmp_path / "sound.npz").path
    with np.load(made) as stored:
        arrays = {key: stored[key] for key in stored.files}
    np.savez(tmp_path / "bad.npz", **{**arrays, name: change(arrays[name])})
    with pytest.raises(UsageError, match=words):
        load_head(tmp_path / "bad.npz")


def test_a_changed_or_missing_obj_is_named(release):
    path = release / "identity001.obj"
    whole = path.read_bytes()
    path.write_bytes(whole + b"\n")
    with pytest.raises(UsageError, match="identity001"):
        load_head(release)
    path.unlink()
    with pytest.raises(MissingError, match="identity001"):
        load_head(release)


class Server(http.server.SimpleHTTPRequestHandler):
    """Serves files with ranges; answers for ``broken`` stop halfway, ``times`` times."""

    broken: str = ""
    times: int = 0
    asked: list[tuple[str, str | None]] = []  # noqa: RUF012

    def do_GET(self) -> None:
        name = self.path.strip("/")
        span = self.headers.get("Range")
        type(self).asked.append((name, span))
        data = (Path(self.directory) / name).read_bytes()
        start = int(span.removeprefix("bytes=").rstrip("-")) if span else 0
        rest = data[start:]
        self.send_response(206 if span else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if name == self.broken and self.times:
            type(self).times -= 1
            rest = rest[: len(rest) // 2]
        self.wfile.write(rest)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(release, monkeypatch):
    monkeypatch.delenv("DGBENCH_OFFLINE")  # the only server asked here is this test's own
    Server.asked, Server.broken, Server.times = [], "", 0

    def make(*args: object) -> Server:
        return Server(*args, directory=str(release))  # type: ignore[arg-type]

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), make)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}/{{name}}"
    running.shutdown()
    running.server_close()


def test_download_is_checked_and_folded(server, release, tmp_path):
    made = fetch_head(out=tmp_path / "cache" / "head.npz", url=server)
    assert made.digest == load_head(release).digest
    assert made.downloaded == 6
    assert sorted(p.name for p in (tmp_path / "cache").iterdir()) == ["NOTICE.txt", "head.npz"]
    Server.asked = []
    assert fetch_head(out=made.path, url=server).downloaded == 0
    assert Server.asked == []


def test_an_interrupted_download_goes_on_where_it_stopped(server, release, tmp_path):
    out = tmp_path / "cache" / "head.npz"
    Server.broken, Server.times = "identity001.obj", 3
    with pytest.raises(MissingError, match="again"):
        fetch_head(out=out, url=server)
    assert not out.exists()
    Server.asked = []
    made = fetch_head(out=out, url=server)
    assert made.digest == load_head(release).digest
    ranges = dict(Server.asked)
    assert "identity000.obj" not in ranges
    assert ranges["identity001.obj"] is not None


def test_a_connection_that_breaks_once_is_taken_up_by_itself(server, release, tmp_path):
    Server.broken, Server.times = "jawOpen.obj", 1
    made = fetch_head(out=tmp_path / "head.npz", url=server)
    assert made.digest == load_head(release).digest
    assert [span is not None for name, span in Server.asked if name == "jawOpen.obj"] == [False, True]


def test_a_wrong_file_on_the_server_is_refused(server, release, tmp_path):
    path = release / "jawOpen.obj"
    path.write_bytes(b"#" * path.stat().st_size)
    with pytest.raises(UsageError, match="jawOpen"):
        fetch_head(out=tmp_path / "head.npz", url=server)
    assert not (tmp_path / "head.npz").exists()


def test_no_network_is_exit_3_with_instructions(tmp_path, monkeypatch):
    monkeypatch.delenv("DGBENCH_OFFLINE")
    with pytest.raises(MissingError, match="--from") as caught:
        fetch_head(out=tmp_path / "head.npz", url="http://127.0.0.1:9/{name}")
    assert caught.value.exit_code == 3
