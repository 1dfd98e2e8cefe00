"""The faithfulness kit: a worker must equal its authors' own function exactly, and every mutant must not.

Run in the method's interpreter as ``python baselines/<name>/parity.py --repo CHECKOUT --source A --reference B
--work FOLDER``; prints one JSON object. Without ``--checkpoint`` it makes calibrated random weights in the
authors' checkpoint layout, so that no download is needed.
"""

import argparse
import copy
import json
import os
import sys
import time

from dgbench_worker.calibrate import calibrate
from dgbench_worker.checks import commit_of, versions
from dgbench_worker.isolation import be_deterministic, import_paths, settle, take_channels
from dgbench_worker.method import Task
from dgbench_worker.shims import take_functions

CAUGHT = 8.0  # a mutant must change some pixel by at least so many grey levels
BLIND = 10.0  # an output with a smaller spread (grey levels) could hide anything


class Kit:
    """What the kit must know of one method. ``worker`` is the class under test."""

    worker = None
    heads = ()  # see calibrate
    skipped = {}  # noqa: RUF012 - mutant -> why it cannot be told apart by this method

    def save(self, parts, path):
        """Store the networks in the authors' checkpoint layout; default: a dict of state dicts by name."""
        import torch

        torch.save({name: module.state_dict() for name, module in parts.items()}, path)

    def official(self, worker, checkpoint, task):
        """Run the authors' own function; return (float (H, W, 3) in the network's range, uint8 or None)."""
        raise NotImplementedError

    def plane(self, worker, task):
        """The worker's float output (H, W, 3) before it is rounded."""
        import torch

        with torch.no_grad():
            made = worker.infer(worker.prepare(task.source), worker.prepare(task.reference))
        return made[0].permute(1, 2, 0).cpu().numpy()

    def warm(self, worker, task):
        """One pass over both images in both roles, for the statistics of batch norms."""
        import torch

        images = [worker.prepare(task.source), worker.prepare(task.reference)]
        worker.infer(torch.cat(images), torch.cat(images[::-1]))

    def wrong_range(self, worker):
        """Make the worker feed its networks the other usual range."""
        plain = worker.prepare
        if worker.value_range == (0.0, 1.0):
            worker.prepare = lambda image: plain(image) * 2 - 1
        else:
            worker.prepare = lambda image: (plain(image) + 1) / 2

    def grey(self, worker):
        """How many grey levels one unit of the network's range is."""
        low, high = worker.value_range
        return 255.0 / (high - low)


def changed(task, **new):
    """Return a copy of a task with some fields replaced."""
    made = copy.copy(task)
    for name, value in new.items():
        setattr(made, name, value)
    return made


def swapped(task):
    """Source and reference exchanged."""
    return changed(
        task,
        source=task.reference,
        reference=task.source,
        source_landmarks=task.reference_landmarks,
        reference_landmarks=task.source_landmarks,
    )


def relative(task):
    """What relative motion comes to on one still: the reference moves nothing, so it may as well be the source."""
    return changed(task, reference=task.source, reference_landmarks=task.source_landmarks)


def mirrored(task):
    """The channels in the other order."""
    return changed(task, source=task.source[..., ::-1].copy(), reference=task.reference[..., ::-1].copy())


def resized(task, size):
    """The images at another size first, by nearest neighbour: another filter than any author's."""
    import numpy
    from PIL import Image

    def small(image):
        return numpy.asarray(Image.fromarray(image).resize((size, size), Image.NEAREST))

    return changed(task, source=small(task.source), reference=small(task.reference))


def _with_train_mode(kit, worker, task):
    kept = {name: copy.deepcopy(module.state_dict()) for name, module in worker.parts.items()}
    for module in worker.parts.values():
        module.train()
    try:
        settle(0)
        return kit.plane(worker, task)
    finally:
        for name, module in worker.parts.items():
            module.load_state_dict(kept[name])
            module.eval()


def _with_other_corners(kit, worker, task):
    """Flip what ``grid_sample`` means where its caller does not say; None where every caller says it."""
    import torch

    plain = torch.nn.functional.grid_sample
    unsaid = []

    def flipped(input, grid, mode="bilinear", padding_mode="zeros", align_corners=None):
        if align_corners is None:
            unsaid.append(1)
            align_corners = worker.chosen.get("align_corners") != "true"
        return plain(input, grid, mode=mode, padding_mode=padding_mode, align_corners=align_corners)

    torch.nn.functional.grid_sample = flipped
    try:
        made = kit.plane(worker, task)
    finally:
        torch.nn.functional.grid_sample = plain
    return made if unsaid else None


def _with_wrong_range(kit, worker, task):
    other = copy.copy(worker)
    kit.wrong_range(other)
    return kit.plane(other, task)


def mutants(kit, worker, task, large):
    """Yield (name, output or None where the mistake cannot be made with this method, whether at the large size)."""
    from torch import nn

    moody = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd)
    has_moods = any(isinstance(layer, moody) for part in worker.parts.values() for layer in part.modules())
    yield "swapped", kit.plane(worker, swapped(task)), False
    yield "relative", kit.plane(worker, relative(task)), False
    yield "bgr", kit.plane(worker, mirrored(task)), False
    yield "range", _with_wrong_range(kit, worker, task), False
    yield "train", _with_train_mode(kit, worker, task) if has_moods else None, False
    yield "align_corners", _with_other_corners(kit, worker, task), False
    yield "resize", kit.plane(worker, resized(large, worker.size)), True


def compare(kit, worker, checkpoint, task, large):
    """Compare worker and official function at the method's size and at a larger one, then the mutants."""
    import numpy

    grey = kit.grey(worker)
    report = {"sizes": {}, "mutants": {}}
    truth = {}
    for name, one in (("own", task), ("larger", large)):
        settle(0)  # a network that draws noise (MCNet does) is compared on the same draw
        began = time.time()
        plane = kit.plane(worker, one)
        seconds = time.time() - began
        settle(0)
        official, written = kit.official(worker, checkpoint, one)
        truth[name] = official
        settle(0)
        levels = worker.reenact([one])[0]
        entry = {
            "input": one.source.shape[0],
            "float_difference": float(numpy.abs(plane.astype(float) - official.astype(float)).max()),
            "spread": float(official.std() * grey),
            "finite": bool(numpy.isfinite(official).all()),
            "seconds": seconds,
        }
        if written is not None:
            entry["level_difference"] = int(numpy.abs(levels.astype(int) - written.astype(int)).max())
        report["sizes"][name] = entry
    for name, plane, is_large in mutants(kit, worker, task, large):
        if plane is None or name in kit.skipped:
            report["mutants"][name] = {"applies": False, "why": kit.skipped.get(name, "no layer or call for it")}
            continue
        off = numpy.abs(plane.astype(float) - truth["larger" if is_large else "own"].astype(float)) * grey
        report["mutants"][name] = {
            "applies": True,
            "max": float(off.max()),
            "mean": float(off.mean()),
            "caught": bool(off.max() >= CAUGHT),
        }
    sizes, tried = report["sizes"].values(), report["mutants"].values()
    report["blind"] = any(entry["spread"] < BLIND or not entry["finite"] for entry in sizes)
    report["equal"] = all(entry["float_difference"] == 0.0 and entry.get("level_difference", 0) == 0 for entry in sizes)
    report["all_caught"] = all(entry["caught"] for entry in tried if entry["applies"])
    report["ok"] = report["equal"] and report["all_caught"] and not report["blind"]
    return report


def template_landmarks(size, seed):
    """68 plausible landmarks in a square image, a little different for each seed; z is 0."""
    import numpy

    rng = numpy.random.RandomState(seed)
    turn = numpy.linspace(-0.1, 1.1, 17) * numpy.pi
    jaw = numpy.stack([0.5 - 0.32 * numpy.cos(turn), 0.48 + 0.36 * numpy.sin(turn)], 1)

    def ring(cx, cy, rx, ry, count):
        angle = numpy.arange(count) / count * 2 * numpy.pi
        return numpy.stack([cx - rx * numpy.cos(angle), cy - ry * numpy.sin(angle)], 1)

    def stroke(x0, y0, x1, y1, count):
        return numpy.stack([numpy.linspace(x0, x1, count), numpy.linspace(y0, y1, count)], 1)

    groups = [jaw, stroke(0.26, 0.36, 0.44, 0.35, 5), stroke(0.56, 0.35, 0.74, 0.36, 5)]
    groups += [stroke(0.5, 0.42, 0.5, 0.56, 4), stroke(0.44, 0.6, 0.56, 0.6, 5)]
    groups += [ring(0.35, 0.43, 0.06, 0.025, 6), ring(0.65, 0.43, 0.06, 0.025, 6)]
    groups += [ring(0.5, 0.72, 0.12, 0.05, 12), ring(0.5, 0.72, 0.09, 0.02, 8)]
    points = (numpy.concatenate(groups) + rng.normal(0, 0.01, (68, 2))) * size
    return [[float(x), float(y), 0.0] for x, y in points]


def read_pair(source, reference, size):
    """Two image files as a task at one size (Pillow, bicubic), with template landmarks."""
    import numpy
    from PIL import Image

    task = Task("parity", 0)
    for seed, (name, path) in enumerate((("source", source), ("reference", reference))):
        picture = Image.open(path).convert("RGB").resize((size, size), Image.BICUBIC)
        setattr(task, name, numpy.asarray(picture))
        setattr(task, name + "_landmarks", template_landmarks(size, seed))
    return task


def main(kit, larger=300):
    """Entry point of every parity.py."""
    parser = argparse.ArgumentParser(description=f"Compare the worker of {kit.worker.method} with the authors' code.")
    for name in ("repo", "source", "reference", "work"):
        parser.add_argument("--" + name, required=True)
    parser.add_argument("--checkpoint", help="real weights; default: calibrated random ones, kept in --work")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    _, said = take_channels()
    import torch

    torch.set_num_threads(1)
    be_deterministic()
    work = os.path.abspath(args.work)
    if not os.path.isdir(work):
        os.makedirs(work)
    pair = [os.path.abspath(path) for path in (args.source, args.reference)]
    worker = kit.worker(os.path.abspath(args.repo), None)
    import_paths(worker)
    task, large = read_pair(*pair, size=worker.size), read_pair(*pair, size=larger)
    checkpoint = os.path.abspath(args.checkpoint) if args.checkpoint else os.path.join(work, "weights.pth")
    if not args.checkpoint:
        worker.prepare_interpreter()
        worker.parts = worker.build()
        calibrate(worker.parts, lambda: kit.warm(worker, task), kit.heads, args.seed)
        kit.save(worker.parts, checkpoint)
    worker.checkpoint = checkpoint
    worker.load()
    settle(0)
    report = compare(kit, worker, checkpoint, task, large)
    report.update(method=worker.method, commit=commit_of(worker.repo)[0], versions=versions(), seed=args.seed)
    said.write(json.dumps(report, indent=2, sort_keys=True) + "\n")
    said.flush()
    return 0 if report["ok"] else 1


def authors_animation(repo, scope, names=("make_animation",)):
    """Return make_animation of the checkout's demo.py where that script itself cannot be imported any more.

    ``scope`` adds what its body uses; ``names`` the functions of the script that it calls, itself last.
    """
    import numpy
    import torch

    space = {"np": numpy, "torch": torch, "F": torch.nn.functional, "tqdm": lambda frames: frames}
    space["normalize_kp"] = take_functions(os.path.join(repo, "animate.py"), ("normalize_kp",), space)[0]
    return take_functions(os.path.join(repo, "demo.py"), names, dict(space, **scope))[-1]


def unit_images(task, size):
    """Source and reference as the FOMM family's demos read them: skimage's resize, float64 in [0, 1]."""
    from skimage.transform import resize

    return [resize(image, (size, size))[..., :3] for image in (task.source, task.reference)]


def load_worker(parity_file):
    """Import worker.py beside a parity.py and return its module."""
    import importlib.util

    path = os.path.join(os.path.dirname(os.path.abspath(parity_file)), "worker.py")
    spec = importlib.util.spec_from_file_location("dgbench_worker_under_test", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
