"""Reading checkpoints without running pickle, and loading them strictly."""

import re

from dgbench_worker.errors import WorkerError


def read_checkpoint(path, allow=()):
    """Read a checkpoint without running pickled code: ``weights_only=True``, plus named harmless classes.

    ``allow`` lists plain classes (such as argparse.Namespace) that the authors' training script stored.
    """
    import torch

    version = tuple(int(part) for part in re.findall(r"\d+", torch.__version__)[:2])
    if version < (1, 13):
        raise WorkerError(f"torch {torch.__version__} reads checkpoints only by running pickle; use torch>=1.13", 3)
    if allow and hasattr(torch.serialization, "add_safe_globals"):
        torch.serialization.add_safe_globals(list(allow))
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WorkerError(f"no checkpoint at {path}", 3)
    except Exception as error:  # torch raises pickle, zip, runtime and type errors for damaged or unsafe files
        reason = str(error).strip().split("\n")[0][:160]
        raise WorkerError(
            f"{path} is damaged or holds more than weights, and is not read with pickle; save its state dicts alone "
            f"with torch.save in a place where you trust the file ({reason})"
        )


def part(checkpoint, key, path):
    """Return one entry of a checkpoint dict, or say which entries there are."""
    if not isinstance(checkpoint, dict) or key not in checkpoint:
        has = ", ".join(sorted(map(str, checkpoint))[:6]) if isinstance(checkpoint, dict) else type(checkpoint).__name__
        raise WorkerError(f"{path} has no {key!r} (it has: {has}): a checkpoint of another method?")
    return checkpoint[key]


def strict_load(module, state, what, strip=""):
    """Load a state dict and refuse any missing, foreign or differently shaped key; then ``eval()``."""
    if strip:
        state = {key[len(strip) :] if key.startswith(strip) else key: value for key, value in state.items()}
    own = module.state_dict()
    missing = sorted(set(own) - set(state))
    foreign = sorted(set(state) - set(own))
    shapes = sorted(key for key in set(own) & set(state) if tuple(own[key].shape) != tuple(state[key].shape))
    for fault, keys in (("missing", missing), ("foreign", foreign), ("wrongly shaped", shapes)):
        if keys:
            raise WorkerError(
                f"{what}: {len(keys)} {fault} keys, e.g. {keys[0]}: the checkpoint is of another model or variant"
            )
    module.load_state_dict(state, strict=True)
    module.eval()
    return module
