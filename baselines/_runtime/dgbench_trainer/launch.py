"""The command line of every train.py: check, make the configuration, apply the shims, run the authors' script."""

import argparse
import json
import os
import runpy
import signal
import sys

from dgbench_worker.checks import check_checkout, check_packages, pinned_commit, versions
from dgbench_worker.entry import imports
from dgbench_worker.errors import WorkerError
from dgbench_worker.isolation import cut_network, import_paths, settle, take_channels
from dgbench_worker.shims import only_weights

from dgbench_trainer import perceptual
from dgbench_trainer.keeper import Keeper
from dgbench_trainer.meter import Finished, Meter, Stopped
from dgbench_trainer.trainer import looked_up, merged, nested


def main(kind, train_file):
    """Entry point of every train.py."""
    if sys.argv[1:] == ["--describe"]:
        print(json.dumps({"method": kind.method, "layout": kind.layout, "perceptual": bool(kind.perceptual_key)}))
        return 0
    if sys.argv[1:] in (["--imports"], ["--packages"]):
        return imports(kind, only_say=sys.argv[1] == "--packages")
    parser = argparse.ArgumentParser(description=f"Trains {kind.method} by its authors' script.")
    parser.add_argument("--repo", required=True, help="checkout of the authors' repository")
    parser.add_argument("--data", required=True, help="images as dgbench exported them, in the method's layout")
    parser.add_argument("--out", required=True, help="folder for configuration, state and trained checkpoint")
    parser.add_argument("--size", type=int, required=True, help="side of the images in pixels")
    parser.add_argument("--seconds", type=float, default=0.0, help="budget in processor (on a GPU: wall) seconds")
    parser.add_argument("--steps", type=int, default=0, help="budget in steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--perceptual", default="", help="pixels, network:FILE.npz or vgg19:FILE.pth")
    parser.add_argument("--change", default="", help="YAML file with further changes of the configuration")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of torch (default: torch's)")
    parser.add_argument("--any-commit", action="store_true", help="run another commit than the verified one")
    parser.add_argument("--resume", action="store_true", help="go on from the state in --out")
    args = parser.parse_args()
    for name in ("repo", "data", "out"):
        setattr(args, name, os.path.abspath(getattr(args, name)))
    _, said = take_channels()

    def say(message):
        said.write(json.dumps(message) + "\n")
        said.flush()

    try:
        say(train(kind(), train_file, args, say))
        return 0
    except WorkerError as error:
        say({"op": "fatal", "exit": error.exit_code, "error": str(error)})
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code


def train(trainer, train_file, args, say):
    """Train until the budget is used up or the user stops it; return the closing message."""
    trainer.repo, trainer.device = args.repo, "cpu"
    commit = check_checkout(trainer, pinned_commit(train_file), args.any_commit)
    network = cut_network()
    check_packages(trainer)
    only_weights()
    import torch
    import yaml

    on_gpu = torch.cuda.is_available()
    if args.threads:
        torch.set_num_threads(args.threads)
    config = _configuration(yaml, trainer, args)
    epochs = looked_up(config, trainer.epochs_key)
    keeper = Keeper(trainer, None, config, args.out, say)
    before = keeper.resumable() if args.resume else None
    meter = Meter(args.seconds, args.steps, epochs, on_gpu, before)
    keeper._meter = meter
    # The budget ends the training, between two steps; the script's own count is only its schedule.
    path = os.path.join(args.out, "config.yaml")
    with open(path, "w") as handle:
        yaml.safe_dump(merged(config, nested(trainer.epochs_key, 100 * epochs)), handle)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: setattr(meter, "stopping", True))
    import_paths(trainer)
    trainer.prepare_interpreter()
    settle(args.seed + 1000003 * (meter.sittings - 1))
    keeper.hook()
    _set_perceptual(trainer, args.perceptual)
    sys.argv = ["run.py", "--config", path, "--log_dir", os.path.join(args.out, "log"), *trainer.arguments]
    if before is not None:
        sys.argv += ["--checkpoint", keeper.prepare_resume()]
    say({"op": "hello", "commit": commit, "network": network, "versions": versions(), "gpu": on_gpu, "config": config})
    finished = True
    try:
        runpy.run_path(trainer.script(args.repo), run_name="__main__")
    except Finished:
        pass
    except Stopped:
        finished = False
    except Exception as error:  # whatever the authors' script raises
        import traceback

        traceback.print_exc()
        line = f"{type(error).__name__}: {error}".split("\n")[0][:300]
        raise WorkerError(f"{trainer.method}: the authors' script failed ({line})", 1)
    if not os.path.isfile(keeper.path):
        raise WorkerError(f"{trainer.method}: stopped before the first checkpoint; nothing is kept", 1)
    checkpoint = os.path.join(args.out, "checkpoint.pth.tar")
    keeper.write_networks(checkpoint)
    return {"op": "closed", "finished": finished, "checkpoint": checkpoint, **meter.state()}


def _configuration(yaml, trainer, args):
    with open(os.path.join(args.repo, trainer.config)) as handle:
        config = yaml.safe_load(handle)
    config = merged(config, trainer.overrides(args.size))
    config = merged(config, trainer.data(args.data, args.size))
    if trainer.perceptual_key:
        count = perceptual.COUNTS[args.perceptual.partition(":")[0]]
        weight = looked_up(config, trainer.perceptual_key)[0]
        config = merged(config, nested(trainer.perceptual_key, [weight] * count))
    if args.change:
        with open(args.change) as handle:
            config = merged(config, yaml.safe_load(handle))
    return config


def _set_perceptual(trainer, text):
    if not trainer.perceptual_key:
        return
    name, _, path = text.partition(":")
    if name == "network":
        trainer.set_perceptual(perceptual.from_network(path))
    elif name == "pixels":
        trainer.set_perceptual(perceptual.pixels())
    else:
        perceptual.vgg19_file(path)
