"""Faithfulness of the First Order Motion Model worker against demo.make_animation of the same checkout."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker.faithful import Kit, load_worker, main


class FirstOrderModelKit(Kit):
    """The demo with absolute motion, from its own checkpoint loader on."""

    worker = load_worker(__file__).FirstOrderModel
    heads = (
        ("kp_detector.kp", 1.0),
        ("kp_detector.jacobian", 0.5),
        ("generator.dense_motion_network.mask", 2.0),
        ("generator.dense_motion_network.occlusion", 2.0),
        ("generator.final", 1.0),
    )

    def official(self, worker, checkpoint, task):
        import demo
        from skimage import img_as_ubyte
        from skimage.transform import resize

        generator, detector = demo.load_checkpoints(
            os.path.join(worker.repo, "config", "vox-256.yaml"), checkpoint, cpu=True
        )
        source, reference = (resize(image, (256, 256))[..., :3] for image in (task.source, task.reference))
        made = demo.make_animation(
            source, [reference], generator, detector, relative=False, adapt_movement_scale=False, cpu=True
        )[0]
        return made, img_as_ubyte(made)


if __name__ == "__main__":
    sys.exit(main(FirstOrderModelKit()))
