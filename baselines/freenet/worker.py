"""Runs FReeNet (Zhang et al., CVPR 2020) on still pairs: landmarks are converted to the source person, then drawn."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import Worker, finite, landmarks_at, main, read_checkpoint

CROP = 512  # the authors' landmarks are pixels of a 512 px crop

# How many of the 106 points each stroke of the 68 gets: (first, last, closed, points).
STROKES = (
    (0, 16, False, 33),  # face contour
    (17, 21, False, 9),
    (22, 26, False, 9),  # brows
    (27, 30, False, 7),
    (31, 35, False, 8),  # nose
    (36, 41, True, 10),
    (42, 47, True, 10),  # eyes
    (48, 59, True, 12),
    (60, 67, True, 8),  # mouth
)


def resample(points):
    """68 landmarks (rows x, y) -> 106, evenly spaced along each stroke of the face."""
    import numpy

    made = []
    for first, last, closed, count in STROKES:
        stroke = numpy.asarray(points[first : last + 1], dtype=numpy.float64)
        if closed:
            stroke = numpy.concatenate([stroke, stroke[:1]])
        along = numpy.concatenate([[0.0], numpy.cumsum(numpy.linalg.norm(numpy.diff(stroke, axis=0), axis=1))])
        wanted = numpy.linspace(0.0, along[-1], count + 1)[:-1] if closed else numpy.linspace(0.0, along[-1], count)
        made.extend(zip(numpy.interp(wanted, along, stroke[:, 0]), numpy.interp(wanted, along, stroke[:, 1])))
    return [[float(x), float(y)] for x, y in made]


class FReeNet(Worker):
    """ULC converts the reference's landmarks, GAG draws the source person with them."""

    method = "freenet"
    needs = ("source", "source_landmarks", "reference_landmarks")
    packages = ("torch", "numpy", "PIL", "cv2")
    markers = ("src/test_image.py", "src/ULC/net_ULC.py")
    paths = ("src",)
    checkpoint_files = ("best.pth", "latest_net_G.pth")

    def build(self):
        from models.networks import define_G
        from ULC.net_ULC import ULC

        # LandmarkL64TriModel is not used: its constructor downloads VGG and needs a GPU number.
        generator = define_G(3, 3, 64, "resnet_9blocks_cat", "instance", use_dropout=True, gpu_ids=[])
        return {"ulc": ULC(), "generator": generator}

    def states(self):
        converter = read_checkpoint(self.weight("best.pth"))
        return {"ulc": converter["net_G"], "generator": read_checkpoint(self.weight("latest_net_G.pth"))}

    def convert(self, reference, source):
        """106 landmarks of the reference and of the source, crop pixels -> the reference's on the source's face."""
        import torch

        flat = [torch.tensor(points, dtype=torch.float32).reshape(1, 212).to(self.device) for points in (reference, source)]
        return self.parts["ulc"](*flat)[0][0]

    def draw(self, landmarks):
        """212 crop coordinates -> the 64 px map of white dots in [-1, 1]."""
        import cv2
        import numpy
        from PIL import Image

        canvas = numpy.zeros((CROP, CROP, 3))
        flat = finite(landmarks.cpu().numpy())
        for x, y in flat.reshape(-1, 2):
            canvas = cv2.circle(canvas, (int(x), int(y)), 1, (255, 255, 255), 8)
        return self.tensor(Image.fromarray(numpy.uint8(canvas)).resize((64, 64), Image.BICUBIC))

    def tensor(self, picture):
        import numpy
        import torch

        plane = numpy.asarray(picture, dtype=numpy.uint8).transpose(2, 0, 1).astype(numpy.float32)
        return ((torch.from_numpy(plane) / 255 - 0.5) / 0.5).unsqueeze(0).to(self.device)

    def generated(self, image, reference, source):
        """uint8 image and two sets of 106 landmarks -> float (256, 256, 3) in [-1, 1]."""
        import torch
        from PIL import Image

        with torch.no_grad():
            mapped = self.draw(self.convert(reference, source))
            picture = Image.fromarray(image).resize((self.size, self.size), Image.BICUBIC)
            made = self.parts["generator"](self.tensor(picture), mapped)
        return finite(made[0].permute(1, 2, 0).cpu().numpy())

    def reenact(self, tasks):
        import numpy

        made = []
        for task in tasks:
            side = task.source.shape[0]
            reference = resample(landmarks_at(task.reference_landmarks, side, CROP))
            source = resample(landmarks_at(task.source_landmarks, side, CROP))
            plane = self.generated(task.source, reference, source)
            made.append(((plane + 1) / 2.0 * 255.0).astype(numpy.uint8))  # truncated, as util.tensor2im does
        return made


if __name__ == "__main__":
    sys.exit(main(FReeNet, __file__))
