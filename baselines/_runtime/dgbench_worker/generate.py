"""From tasks to checked images: every failure of foreign code becomes a counted reason of one pair."""

from dgbench_worker.errors import PairError
from dgbench_worker.isolation import settle


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
