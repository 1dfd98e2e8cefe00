"""Faithfulness of the Thin-Plate Spline worker against demo.make_animation of the same checkout."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker.faithful import Kit, load_worker, main


class ThinPlateSplineKit(Kit):
    """The demo in its standard mode, from its own checkpoint loader on."""

    worker = load_worker(__file__).ThinPlateSpline
    heads = (
        ("kp_detector.fg_encoder.fc", 1.0),
        ("dense_motion_network.maps", 2.0),
        ("inpainting_network.final", 1.0),
    )

    def official(self, worker, checkpoint, task):
        import demo
        from skimage import img_as_ubyte
        from skimage.transform import resize

        config = os.path.join(worker.repo, "config", "vox-256.yaml")
        networks = demo.load_checkpoints(config, checkpoint, "cpu")
        source, reference = (resize(image, (256, 256))[..., :3] for image in (task.source, task.reference))
        made = demo.make_animation(source, [reference], *networks, device="cpu", mode="standard")[0]
        return made, img_as_ubyte(made)


if __name__ == "__main__":
    sys.exit(main(ThinPlateSplineKit()))
