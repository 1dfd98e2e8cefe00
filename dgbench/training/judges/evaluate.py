"""How good the embedded networks are, on SynthFace people that none of them has seen."""

from __future__ import annotations

import argparse
import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dgbench.core.face import Pose
from dgbench.io.atomic import write_json
from dgbench.metrics.pose import geodesic
from dgbench.networks.canonical import pose_from_landmarks
from dgbench.networks.embedded.judges import EmbeddedDetector, EmbeddedIdentity
from dgbench.networks.embedded.store import load_identity, load_landmarks
from dgbench.stats.verification import equal_error_rate
from dgbench.training.judges.data import EVALUATION_FIRST, FRAME, Faces, read_faces, render_people

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """What the embedded detector found in each frame; NaN where it found nothing.

    Attributes:
        detected: bool (N,).
        points: float64 (N, 68, 3) pixels.
        visibility: float64 (N, 68).
        pose: float64 (N, 3) degrees, fitted to the points.
    """

    detected: NDArray[np.bool_]
    points: NDArray[np.float64]
    visibility: NDArray[np.float64]
    pose: NDArray[np.float64]


def find(faces: Faces, *, folder: Path | None = None) -> Found:
    """Run the embedded detector, as the judges do, over every frame."""
    detector = EmbeddedDetector(*load_landmarks(folder=folder))
    count = len(faces.images)
    points, visibility = np.full((count, 68, 3), np.nan), np.full((count, 68), np.nan)
    pose = np.full((count, 3), np.nan)
    for index, image in enumerate(faces.images):
        (face,) = detector.detect([image])
        if face is not None and face.landmarks is not None:
            points[index], visibility[index] = face.landmarks.points, face.landmarks.visibility
            pose[index] = pose_from_landmarks(face.landmarks)
    return Found(np.isfinite(points[:, 0, 0]), points, visibility, pose)


def landmark_report(faces: Faces, found: Found) -> dict[str, float]:
    """Return error in % of the face box's longer side, detection rate, pose error in degrees by yaw, visibility.

    ``pose_error`` is the angle between the two rotations; near a yaw of 90° pitch and roll alone are ill defined.
    """
    box = (faces.points[..., :2].max(1) - faces.points[..., :2].min(1)).max(1)
    error = np.linalg.norm(found.points[..., :2] - faces.points[..., :2], axis=2).mean(1) / box * 100
    ok = found.detected
    fit = np.abs(found.pose - faces.pose)
    angle = np.full(len(ok), np.nan)
    angle[ok] = [geodesic(Pose(*one), Pose(*true)) for one, true in zip(found.pose[ok], faces.pose[ok], strict=True)]
    report = {
        "frames": float(len(ok)),
        "detected_percent": 100 * float(ok.mean()),
        "landmark_error_percent_of_box_mean": float(error[ok].mean()),
        "landmark_error_percent_of_box_95th": float(np.percentile(error[ok], 95)),
        "visibility_accuracy_percent": 100 * float(((found.visibility > 0.5) == (faces.visibility > 0.5))[ok].mean()),
    }
    for low, high in ((0, 30), (30, 60), (60, 90.001)):
        bin_ = ok & (np.abs(faces.pose[:, 0]) >= low) & (np.abs(faces.pose[:, 0]) < high)
        report[f"pose_error_median_{low}_{high:.0f}"] = float(np.median(angle[bin_]))
        report[f"yaw_error_median_{low}_{high:.0f}"] = float(np.median(fit[bin_, 0]))
        report[f"pitch_error_median_{low}_{high:.0f}"] = float(np.median(fit[bin_, 1]))
        report[f"roll_error_median_{low}_{high:.0f}"] = float(np.median(fit[bin_, 2]))
        report[f"landmark_error_mean_{low}_{high:.0f}"] = float(error[bin_].mean())
    return report


def identity_report(faces: Faces, found: Found, *, name: str, folder: Path | None = None) -> dict[str, float]:
    """Return equal error rates in %: both within ±30° yaw; 80° to 100° apart; and all pairs.

    Faces are aligned by their own detection; where none was found, by the fixed box, as the judges do.
    """
    chosen = "identity-train" if name == "identity-train" else "identity-measure-2"
    network, sha256 = load_identity(chosen, folder=folder)  # type: ignore[arg-type]
    judge = EmbeddedIdentity(network, name, sha256)
    crops = [
        judge.align(image, points if ok else None, None)[0]
        for image, points, ok in zip(faces.images, found.points, found.detected, strict=True)
    ]
    vectors = judge.embed(crops).astype(np.float64)
    first, second = np.triu_indices(len(vectors), 1)
    similarity = (vectors @ vectors.T)[first, second]
    same = faces.person[first] == faces.person[second]
    yaw = faces.pose[:, 0]
    frontal = (np.abs(yaw[first]) <= 30) & (np.abs(yaw[second]) <= 30)
    apart = np.abs(yaw[first] - yaw[second])
    across = (apart >= 80) & (apart <= 100)
    return {
        "eer_percent_within_30": 100 * equal_error_rate(similarity[frontal & same], similarity[frontal & ~same]),
        "eer_percent_across_90": 100 * equal_error_rate(similarity[across & same], similarity[across & ~same]),
        "eer_percent_all": 100 * equal_error_rate(similarity[same], similarity[~same]),
        "same_mean": float(similarity[same].mean()),
        "same_mean_across_90": float(similarity[across & same].mean()),
        "others_mean": float(similarity[~same].mean()),
    }


def at_size(faces: Faces, size: int) -> Faces:
    """Return the frames shrunk by area to ``size`` pixels, their points with them."""
    import cv2

    scale = size / faces.images.shape[1]
    small = [cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) for image in faces.images]
    return replace(faces, images=np.stack(small), points=faces.points * np.float32(scale))


def main(arguments: list[str] | None = None) -> None:
    """Render evaluation people and write ``evaluation.json`` into the folder."""
    from dgbench.synthface.head.load import load_head

    parser = argparse.ArgumentParser(prog="python -m dgbench.training.judges.evaluate", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for the renders and evaluation.json")
    parser.add_argument("--weights", type=Path, default=None, help="folder of safetensors; else the package's own")
    parser.add_argument("--head", type=Path, default=None, help="head model; else DGBENCH_HEAD or the cache")
    parser.add_argument("--people", type=int, default=50, help="people from number 200000 on (default 50)")
    parser.add_argument("--images", type=int, default=16, help="images of each (default 16)")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    head = load_head(chosen.head)
    folder = chosen.out / "eval"
    paths = render_people(head, folder, first=EVALUATION_FIRST, people=chosen.people, images=chosen.images)
    faces = read_faces(paths)
    found = find(faces, folder=chosen.weights)
    small = at_size(faces, 64)
    report = {
        f"landmarks at {FRAME} px": landmark_report(faces, found),
        "landmarks at 64 px": landmark_report(small, find(small, folder=chosen.weights)),
    }
    for name in ("identity-measure-2", "identity-train"):
        report[name] = identity_report(faces, found, name=name, folder=chosen.weights)
    write_json(chosen.out / "evaluation.json", report)
    log.info("%s", json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
