"""Faithfulness of the one-shot free-view worker against make_animation of the same checkout's demo.py."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker.faithful import Kit, authors_animation, load_worker, main, unit_images


class FreeViewKit(Kit):
    """The demo's loader uses yaml.load without a loader; its function runs on the worker's own networks."""

    worker = load_worker(__file__).FreeView
    heads = (
        ("kp_detector.kp", 1.0),
        ("he_estimator.fc_exp", 0.1),
        ("he_estimator.fc_t", 0.1),
        ("generator.dense_motion_network.mask", 2.0),
        ("generator.decoder.conv_img", 1.0),
    )

    def official(self, worker, checkpoint, task):
        source, reference = unit_images(task, 256)
        nets = [worker.parts[name] for name in ("generator", "kp_detector", "he_estimator")]
        names = ("headpose_pred_to_degree", "get_rotation_matrix", "keypoint_transformation", "make_animation")
        animate = authors_animation(worker.repo, {}, names)
        made = animate(
            source,
            [reference],
            *nets,
            relative=False,
            adapt_movement_scale=False,
            estimate_jacobian=worker.jacobian,
            cpu=True,
        )
        return made[0], None


if __name__ == "__main__":
    sys.exit(main(FreeViewKit()))
