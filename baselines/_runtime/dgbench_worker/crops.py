"""Methods that were trained on crops of their own: crop by their rule, run, paste back by the inverse similarity.

All rules here are similarities from the 68 landmarks of an image. A generated crop shows the head where it lies in
the reference's crop, so it is pasted by the inverse of the reference's similarity; around it the source stays.
"""

from typing import ClassVar, Dict

from dgbench_worker.method import Worker

#: Share of the crop's side over which the pasted crop fades into the source.
FADE = 0.04


def oriented_square(centre, right, size):
    """Return the (2, 3) matrix that maps the square about ``centre`` to (size, size) pixels.

    ``right`` is the vector from the centre to the middle of the square's right side, in the image's pixels.
    """
    import numpy

    scale = size / 2.0 / float(numpy.dot(right, right))
    turn = scale * numpy.array([[right[0], right[1]], [-right[1], right[0]]])
    return numpy.column_stack([turn, size / 2.0 - turn @ numpy.asarray(centre, dtype=float)])


def fitted(points, template):
    """Return the (2, 3) similarity of least squares that maps ``points`` to ``template``, both (N, 2)."""
    import numpy

    points, template = numpy.asarray(points, dtype=float), numpy.asarray(template, dtype=float)
    mean, goal = points.mean(axis=0), template.mean(axis=0)
    own, wanted = points - mean, template - goal
    power = (own**2).sum()
    real = (own * wanted).sum() / power
    imaginary = (own[:, 0] * wanted[:, 1] - own[:, 1] * wanted[:, 0]).sum() / power
    turn = numpy.array([[real, -imaginary], [imaginary, real]])
    return numpy.column_stack([turn, goal - turn @ mean])


def moved(points, matrix):
    """Return (N, 2) points mapped by a (2, 3) matrix."""
    return points @ matrix[:, :2].T + matrix[:, 2]


def cropped(image, matrix, size, border):
    """Return the (size, size, 3) crop of an image; ``border`` is "reflect" or "black"."""
    import cv2

    mode = cv2.BORDER_REFLECT if border == "reflect" else cv2.BORDER_CONSTANT
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=mode)


def pasted(made, matrix, size, onto):
    """Return ``onto`` with a generated crop in its place; ``matrix`` maps the image to the (size, size) crop."""
    import cv2
    import numpy

    made_size = made.shape[0]
    grown = matrix * (made_size / float(size))
    edge = numpy.minimum(numpy.arange(made_size) + 0.5, made_size - 0.5 - numpy.arange(made_size))
    ramp = numpy.clip(edge / (FADE * made_size), 0.0, 1.0).astype(numpy.float32)
    mask = numpy.minimum.outer(ramp, ramp)
    frame = (onto.shape[1], onto.shape[0])
    back = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    there = cv2.warpAffine(made.astype(numpy.float32), grown, frame, flags=back, borderMode=cv2.BORDER_REPLICATE)
    share = cv2.warpAffine(mask, grown, frame, flags=back, borderValue=0.0)[..., None]
    return numpy.rint(share * there + (1.0 - share) * onto).clip(0, 255).astype(numpy.uint8)


class CroppingWorker(Worker):
    """A method with a crop of its own. With ``crop=frame`` it is given the protocol's frame, as it is."""

    needs = ("source", "reference", "source_landmarks", "reference_landmarks")
    border = "reflect"
    options: ClassVar[Dict[str, tuple]] = {"crop": ("own", ("own", "frame"))}

    def square(self, points):
        """(68, 2) landmarks -> (2, 3) matrix from the image to the method's (size, size) crop."""
        raise NotImplementedError

    def reenact_crop(self, source, reference, source_points, reference_points):
        """uint8 (size, size, 3) crops, or frames at their own size, with (68, 2) points -> uint8 (h, h, 3)."""
        raise NotImplementedError

    def reenact(self, tasks):
        import numpy

        made = []
        for task in tasks:
            shown = {"source": task.source, "reference": task.reference}
            given = {"source": task.source_landmarks, "reference": task.reference_landmarks}
            points = {name: numpy.asarray(rows, dtype=float)[:, :2] for name, rows in given.items()}
            if self.chosen["crop"] == "frame":
                made.append(self.reenact_crop(*shown.values(), *points.values()))
                continue
            matrices = {name: self.square(points[name]) for name in shown}
            crops = [cropped(shown[name], matrices[name], self.size, self.border) for name in shown]
            inside = [moved(points[name], matrices[name]) for name in shown]
            out = self.reenact_crop(*crops, *inside)
            made.append(pasted(out, matrices["reference"], self.size, task.source))
        return made
