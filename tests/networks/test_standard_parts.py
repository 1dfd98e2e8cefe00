"""The standard set's code against the libraries it stands for, on networks with random weights."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from insightface.model_zoo.arcface_onnx import ArcFaceONNX
from insightface.model_zoo.scrfd import SCRFD
from insightface.utils.face_align import norm_crop
from onnx import TensorProto, helper, numpy_helper

from dgbench.core.errors import UsageError
from dgbench.networks.detector import Detection, Scrfd
from dgbench.networks.identity import ArcFaceR50, align_face
from dgbench.networks.inception import Inception
from dgbench.networks.landmarks import FaceAlignment3D
from dgbench.networks.torchvision_shim import import_torchvision


def _tensor(name: str, values: np.ndarray) -> onnx.TensorProto:
    return numpy_helper.from_array(values, name)


def _save(path: Path, nodes: list, inputs: list, outputs: list, tensors: list) -> Path:
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))
    return path


@pytest.fixture(scope="module")
def arcface_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = np.random.default_rng(0)
    tensors = [
        _tensor("w", rng.normal(0, 0.1, (8, 3, 7, 7)).astype(np.float32)),
        _tensor("v", rng.normal(0, 0.1, (8 * 16 * 16, 32)).astype(np.float32)),
    ]
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], strides=[7, 7], kernel_shape=[7, 7], name="first"),
        helper.make_node("Relu", ["c"], ["r"], name="second"),
        helper.make_node("Flatten", ["r"], ["f"], name="third"),
        helper.make_node("MatMul", ["f", "v"], ["y"], name="fourth"),
    ]
    shape = [1, 3, 112, 112]
    return _save(
        tmp_path_factory.mktemp("arcface") / "w600k_r50.onnx",
        nodes,
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 32])],
        tensors,
    )


def test_embedding_equals_insightface(arcface_file: Path) -> None:
    ours, theirs = ArcFaceR50(arcface_file), ArcFaceONNX(str(arcface_file))
    rng = np.random.default_rng(1)
    faces = [rng.integers(0, 256, (112, 112, 3), dtype=np.uint8) for _ in range(4)]
    for face, unit in zip(faces, ours.embed(faces), strict=True):
        expected = theirs.get_feat(np.ascontiguousarray(face[..., ::-1]))[0]
        np.testing.assert_allclose(ours.raw(face), expected, rtol=1e-4, atol=1e-5)
        assert float(unit @ expected / np.linalg.norm(expected)) == pytest.approx(1, abs=1e-6)
        wrong_order = theirs.get_feat(face)[0]
        assert np.abs(ours.raw(face) - wrong_order).max() > 1e-2


def test_alignment_equals_insightface(photographs: dict[str, np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    for image in list(photographs.values())[:5]:
        points = np.array([[106, 118], [148, 117], [127, 145], [110, 165], [146, 165]]) + rng.normal(0, 6, (5, 2))
        expected = norm_crop(image, points.astype(np.float32))
        crop, how = align_face(image, points.astype(np.float32), None)
        assert how == "detector"
        assert np.abs(crop.astype(int) - expected).mean() < 0.02


def test_a_network_of_another_shape_is_refused(tmp_path: Path) -> None:
    path = _save(
        tmp_path / "other.onnx",
        [helper.make_node("Relu", ["x"], ["y"])],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3, 64, 64])],
        [],
    )
    with pytest.raises(UsageError, match="1×3×112×112"):
        ArcFaceR50(path)
    with pytest.raises(UsageError, match="five points"):
        Scrfd(path)


@pytest.fixture(scope="module")
def scrfd_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A detector of the shape of det_10g whose score is the brightness of the stride-8 cell's first anchor."""
    nodes, tensors, outputs = [], [_tensor("last", np.array([-1], np.int64))], []
    rng = np.random.default_rng(0)
    for kind, width in (("score", 1), ("bbox", 4), ("kps", 10)):
        for stride in (8, 16, 32):
            name = f"{kind}_{stride}"
            weight, bias = np.zeros((2 * width, 3, stride, stride), np.float32), np.zeros(2 * width, np.float32)
            if kind == "score":
                weight[0] = (1.0 if stride == 8 else 0.01) / (3 * stride * stride)
                bias[1] = -1.0
            elif kind == "bbox":
                bias[:] = np.tile([2.0, 3.0, 2.5, 3.5], 2)
            else:
                bias[:] = np.tile(rng.uniform(-2, 2, 10), 2)
            tensors += [_tensor(f"w_{name}", weight), _tensor(f"b_{name}", bias)]
            tensors.append(_tensor(f"shape_{name}", np.array([-1, width], np.int64)))
            nodes += [
                helper.make_node("Conv", ["x", f"w_{name}", f"b_{name}"], [f"c_{name}"], strides=[stride, stride]),
                helper.make_node("Transpose", [f"c_{name}"], [f"t_{name}"], perm=[0, 2, 3, 1]),
                helper.make_node("Reshape", [f"t_{name}", f"shape_{name}"], [name]),
            ]
            outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", width]))
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, "h", "w"])]
    return _save(tmp_path_factory.mktemp("scrfd") / "det_10g.onnx", nodes, inputs, outputs, tensors)


def test_detection_equals_insightface(scrfd_file: Path) -> None:
    image = np.zeros((128, 96, 3), np.uint8)
    image[60:76, 40:56] = 255
    ours = Scrfd(scrfd_file)
    theirs = SCRFD(model_file=str(scrfd_file))
    theirs.prepare(-1, input_size=(640, 640), det_thresh=0.5)
    boxes, points = theirs.detect(np.ascontiguousarray(image[..., ::-1]))
    found = ours.detect_all(image)
    assert len(found) == len(boxes) > 0
    for face, box, five in zip(found, boxes, points, strict=True):
        np.testing.assert_allclose(face.box, box[:4], atol=1e-4)
        np.testing.assert_allclose(face.points, five, atol=1e-4)
        assert face.score == pytest.approx(float(box[4]), abs=1e-6)
    best = ours.detect([image])[0]
    assert best is not None
    assert np.abs((best.box[:2] + best.box[2:]) / 2 - [48, 68]).max() < 10
    assert ours.detect([np.zeros((64, 64, 3), np.uint8)]) == [None]


def test_detection_reads_colours_in_insightfaces_order(scrfd_file: Path, tmp_path: Path) -> None:
    """A grey picture looks the same in both orders: this detector scores the last plane that it is given."""
    model = onnx.load(str(scrfd_file))
    for tensor in model.graph.initializer:
        if tensor.name.startswith("w_score"):
            weight = numpy_helper.to_array(tensor).copy()
            weight[0, :2] = 0
            tensor.CopyFrom(_tensor(tensor.name, 3 * weight))
    coloured = tmp_path / "det_10g.onnx"
    onnx.save(model, str(coloured))
    image = np.zeros((128, 96, 3), np.uint8)
    image[24:40, 16:32, 0] = image[88:104, 56:72, 2] = 255
    theirs = SCRFD(model_file=str(coloured))
    theirs.prepare(-1, input_size=(640, 640), det_thresh=0.5)
    boxes, _ = theirs.detect(np.ascontiguousarray(image[..., ::-1]))
    swapped, _ = theirs.detect(image)
    found = np.stack([face.box for face in Scrfd(coloured).detect_all(image)])
    np.testing.assert_allclose(found, boxes[:, :4], atol=1e-4)
    assert len(swapped) and np.abs(swapped[:, 1].mean() - found[:, 1].mean()) > 40


@pytest.fixture(scope="module")
def inception_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import_torchvision()
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    class Blank(FeatureExtractorInceptionV3):
        def load_state_dict(self, state_dict: object, strict: bool = True, assign: bool = False) -> None:
            """Keep the random weights."""

    empty = io.BytesIO()
    torch.save({}, empty)
    empty.seek(0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Blank("blank", ["2048"], feature_extractor_weights_path=empty)
    path = tmp_path_factory.mktemp("inception") / "random.pth"
    torch.save(network.state_dict(), path)
    return path


@pytest.mark.slow
def test_features_equal_torch_fidelity_and_any_split(inception_file: Path) -> None:
    """Inception on 299 px is slow on a CPU, so a few images must do."""
    from torch_fidelity.utils import create_feature_extractor

    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (size, size, 3), dtype=np.uint8) for size in (64, 64, 96)]
    network = Inception(inception_file)
    assert network.name.startswith("fd[inception-")
    features = network.features(images)
    theirs = create_feature_extractor(
        "inception-v3-compat", ["2048"], cuda=False, feature_extractor_weights_path=str(inception_file), verbose=False
    )
    for image, row in zip(images, features, strict=True):
        with torch.inference_mode():
            expected = theirs(torch.from_numpy(image).permute(2, 0, 1)[None])[0].numpy()[0]
        np.testing.assert_allclose(row, expected, rtol=0, atol=2e-6 * np.abs(expected).max())
    np.testing.assert_array_equal(network.features(images[1:2])[0], features[1])
    assert features.dtype == np.float32 and features.shape == (3, 2048)


def test_an_inception_file_with_code_in_it_never_runs(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return (open, (str(tmp_path / "sprung"), "w"))

    torch.save({"fc.weight": Trap()}, tmp_path / "trap.pth")
    (tmp_path / "raw.pth").write_bytes(pickle.dumps(Trap()))
    for name in ("trap.pth", "raw.pth"):
        with pytest.raises(UsageError, match="plain tensors"):
            Inception(tmp_path / name)
    assert not (tmp_path / "sprung").exists()


def test_tensors_of_another_network_are_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(UsageError, match="not those of Inception"):
        Inception(tmp_path / "other.pth")


@pytest.mark.slow
def test_landmarks_equal_face_alignment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import face_alignment
    from face_alignment.detection.scrfd.scrfd_detector import SCRFDDetector
    from face_alignment.models import FAN, ResNetDepth

    checkpoints = tmp_path / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        torch.save(FAN(4).state_dict(), checkpoints / FaceAlignment3D.FILES[0])
        depth = {f"module.{name}": value for name, value in ResNetDepth().state_dict().items()}
        torch.save({"state_dict": depth, "best": np.float64(0.5)}, checkpoints / FaceAlignment3D.FILES[1])
    ours = FaceAlignment3D((checkpoints / FaceAlignment3D.FILES[0], checkpoints / FaceAlignment3D.FILES[1]))
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr("face_alignment.utils.get_dir", torch.hub.get_dir)
    theirs = face_alignment.FaceAlignment(
        face_alignment.LandmarksType.THREE_D,
        device="cpu",
        flip_input=False,
        face_detector="folder",
        compile=False,
    )
    # The library's own crop of an SCRFD box; its detector's weights are not needed for that.
    theirs.face_detector = SCRFDDetector.__new__(SCRFDDetector)
    image = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    face = Detection(1.0, np.array([30, 25, 100, 110], np.float32), np.zeros((5, 2), np.float32))
    found = ours.find(image, face)
    (expected,) = theirs.get_landmarks_from_image(image, detected_faces=[[30, 25, 100, 110]])
    np.testing.assert_allclose(found.points[:, :2], expected[:, :2], atol=1e-3)
    np.testing.assert_allclose(found.points[:, 2], expected[:, 2] - expected[:, 2].mean(), atol=1e-3)
    torch.save({"x": torch.zeros(1), "y": io.BytesIO}, tmp_path / "trap.pth")
    with pytest.raises(UsageError, match="plain tensors"):
        FaceAlignment3D((tmp_path / "trap.pth", checkpoints / FaceAlignment3D.FILES[1]))
