"""Faithfulness of the FReeNet worker against the script src/test_image.py of the same checkout."""

import os
import runpy
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker.faithful import Kit, load_worker, main

_module = load_worker(__file__)


class NoGpu(list):
    """An empty list of GPUs whose first entry is the CPU: the script indexes it without asking."""

    def __getitem__(self, index):
        return "cpu"


class FReeNetKit(Kit):
    """Folders, landmark files and weights are laid out as the script wants them; its pictures are caught."""

    worker = _module.FReeNet
    heads = (("ulc.fusion_flow.4", 8.0),)

    def save(self, parts, path):
        import torch

        os.makedirs(path, exist_ok=True)
        torch.save({"net_G": parts["ulc"].state_dict(), "epoch": 0}, os.path.join(path, "best.pth"))
        torch.save(parts["generator"].state_dict(), os.path.join(path, "latest_net_G.pth"))

    def points(self, task):
        side = task.source.shape[0]
        return [
            _module.resample([[row[0] * 512.0 / side, row[1] * 512.0 / side] for row in rows])
            for rows in (task.reference_landmarks, task.source_landmarks)
        ]

    def plane(self, worker, task):
        return worker.generated(task.source, *self.points(task))

    def warm(self, worker, task):
        self.plane(worker, task)

    def wrong_range(self, worker):
        plain = worker.tensor
        worker.tensor = lambda picture: (plain(picture) + 1) / 2

    def grey(self, worker):
        return 127.5

    def official(self, worker, checkpoint, task):
        import cv2
        import models.vgg
        import torch
        import util.util
        from options.test_options import TestOptions
        from PIL import Image

        work = os.path.join(os.path.dirname(checkpoint), "script")
        shutil.rmtree(work, ignore_errors=True)
        for folder in ("ULC/checkpoints/RaFD", "checkpoints/RaFD"):
            os.makedirs(os.path.join(work, folder))
        shutil.copy(os.path.join(checkpoint, "best.pth"), os.path.join(work, "ULC/checkpoints/RaFD"))
        shutil.copy(os.path.join(checkpoint, "latest_net_G.pth"), os.path.join(work, "checkpoints/RaFD"))
        reference, source = self.points(task)
        for people, file, points in (
            (("calm1", "calm2"), "landmark_calm.txt", source),
            (("target1", "target2"), "landmark.txt", reference),
        ):
            line = "1.jpg 512-512 " + " ".join("{!r}-{!r}".format(*tuple(point)) for point in points)
            for person in people:
                folder = os.path.join(work, "evaluation", "RaFD90", person)
                os.makedirs(folder)
                with open(os.path.join(folder, file), "w") as handle:
                    handle.write(line + "\n")
                Image.fromarray(task.source).save(os.path.join(folder, "1.jpg"), format="PNG")
        caught = []
        plain_tensor2im, plain_vgg, plain_write = util.util.tensor2im, models.vgg.vgg16, cv2.imwrite
        plain_parse = TestOptions.parse

        def parse(options):
            opt = plain_parse(options)
            opt.gpu_ids = NoGpu()
            return opt

        def tensor2im(image):
            caught.append(image.detach()[0].permute(1, 2, 0).cpu().numpy())
            return plain_tensor2im(image)

        levels = []
        TestOptions.parse = parse
        util.util.tensor2im = tensor2im
        models.vgg.vgg16 = lambda pretrained: torch.nn.Identity()  # downloads a perceptual net that testing never uses
        cv2.imwrite = lambda path, image: levels.append(image[:, :, ::-1].copy())
        before, argv = os.getcwd(), sys.argv
        os.chdir(work)
        sys.argv = ["test_image.py", "--dataroot", "none", "--name", "RaFD", "--model", "landmark_L64_Tri"]
        sys.argv += ["--gpu_ids", "-1"]
        try:
            runpy.run_path(os.path.join(worker.repo, "src", "test_image.py"), run_name="__main__")
        finally:
            os.chdir(before)
            sys.argv = argv
            TestOptions.parse, util.util.tensor2im = plain_parse, plain_tensor2im
            models.vgg.vgg16, cv2.imwrite = plain_vgg, plain_write
        return caught[0], levels[0]


if __name__ == "__main__":
    sys.exit(main(FReeNetKit()))
