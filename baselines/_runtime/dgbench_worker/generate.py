"""From tasks to checked images: every failure of foreign code becomes a counted reason of one pair."""

from dgbench_worker.errors import PairError, WorkerError
from dgbench_worker.isolation import settle
from dgbench_worker.method import Task


def is_out_of_memory(error):
    text = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in text or "can't allocate memory" in text


def to_frame(image, size):
    """Check one generated image and bring it to the protocol's size (Pillow: box when smaller, bicubic when larger)."""
    import numpy

    if image.dtype != numpy.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise PairError("error", f"the method returned {image.dtype} {image.shape}, not uint8 (H, W, 3)")
    if image.shape[:2] == (size, size):
        return image
    from PIL import Image

    method = Image.BOX if image.shape[0] > size else Image.BICUBIC
    return numpy.asarray(Image.fromarray(image).resize((size, size), method))


def generate(worker, tasks, size):
    """Return an image or a PairError per task; a batch that fails is tried again one pair at a time."""
    settle(tasks[0].seed)
    try:
        for task in tasks:
            absent = [need for need in worker.needs if getattr(task, need) is None]
            if absent:
                raise PairError("missing", "the pair has no {}".format(absent[0].replace("_", " ")))
        return [to_frame(image, size) for image in worker.reenact(tasks)]
    except Exception as error:  # whatever foreign code raises is this pair's failure, with its reason kept
        if len(tasks) > 1:
            return [generate(worker, [task], size)[0] for task in tasks]
        if isinstance(error, PairError):
            return [error]
        if is_out_of_memory(error):
            return [PairError("out-of-memory", str(error).strip().split("\n")[0][:200])]
        line = str(error).strip().split("\n")[0][:200]
        return [PairError("error", f"{type(error).__name__}: {line}")]


def trial_task(size):
    """Return a pair of smooth pictures with made-up landmarks: enough for every call that an inference makes."""
    import numpy

    ramp = numpy.linspace(0, 255, size).astype(numpy.uint8)
    plane = numpy.stack(
        [numpy.tile(ramp, (size, 1)), numpy.tile(ramp[:, None], (1, size)), numpy.full((size, size), 90)]
    )
    task = Task("trial", 0)
    task.source = numpy.ascontiguousarray(plane.transpose(1, 2, 0).astype(numpy.uint8))
    task.reference = numpy.ascontiguousarray(task.source[::-1])
    turn = numpy.linspace(0, 2 * numpy.pi, 68)
    points = size * numpy.stack([0.5 + 0.25 * numpy.cos(turn), 0.5 + 0.3 * numpy.sin(turn), 0 * turn], axis=1)
    task.source_landmarks = task.reference_landmarks = points.tolist()
    return task


def try_once(worker, size):
    """Make one inference before the first pair, so that a broken environment is one error and not one per pair.

    What the method says of this pair alone is no error: a made-up picture may lack what it looks for.
    """
    settle(0)
    try:
        worker.reenact([trial_task(size)])
    except PairError:
        return
    except Exception as error:
        line = f"{type(error).__name__}: {error}".strip().split("\n")[0][:200]
        if is_out_of_memory(error):
            raise WorkerError(f"{worker.method} ran out of memory in its first inference ({line})", 1)
        raise WorkerError(
            f"{worker.method}: its first inference failed ({line}): the checkout does not run with these packages; "
            "install the versions of its requirements.txt",
            3,
        )
