"""Faithfulness of the Monkey-Net worker against transfer_one of the same checkout's transfer.py."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker.faithful import Kit, load_worker, main, unit_images
from dgbench_worker.shims import take_functions


class MonkeyNetKit(Kit):
    """The demo imports removed functions; transfer_one runs on the worker's own networks, move_location off."""

    worker = load_worker(__file__).MonkeyNet
    heads = (("kp_detector.predictor.decoder.conv", 1.0),)

    def official(self, worker, checkpoint, task):
        import numpy
        import torch

        transfer = take_functions(
            os.path.join(worker.repo, "transfer.py"), ("normalize_kp", "transfer_one"), {"np": numpy, "torch": torch}
        )[1]
        clips = [
            torch.tensor(image.astype(numpy.float32).transpose(2, 0, 1))[None, :, None]
            for image in unit_images(task, 256)
        ]
        still = {"normalization_params": {"movement_mult": False, "move_location": False, "adapt_variance": False}}
        with torch.no_grad():
            made = transfer(worker.parts["generator"], worker.parts["kp_detector"], *clips, transfer_params=still)
        plane = made["video_prediction"][0, :, 0].permute(1, 2, 0).numpy()
        return plane, (255 * plane).astype(numpy.uint8)


if __name__ == "__main__":
    sys.exit(main(MonkeyNetKit()))
