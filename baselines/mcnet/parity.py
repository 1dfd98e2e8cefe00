"""Faithfulness of the MCNet worker against make_animation of the same checkout's demo.py."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker.faithful import Kit, authors_animation, load_worker, main, unit_images


class MCNetKit(Kit):
    """The demo cannot be imported (yaml.load, global options); its function runs on the worker's own networks."""

    worker = load_worker(__file__).MCNet
    heads = (("kp_detector.kp", 1.0), ("kp_detector.jacobian", 0.5), ("generator.final", 1.0))

    def official(self, worker, checkpoint, task):
        source, reference = unit_images(task, 256)
        nets = worker.parts["generator"], worker.parts["kp_detector"]
        animate = authors_animation(worker.repo, {})
        return animate(source, [reference], *nets, relative=False, adapt_movement_scale=False, cpu=True)[2][0], None


if __name__ == "__main__":
    sys.exit(main(MCNetKit()))
