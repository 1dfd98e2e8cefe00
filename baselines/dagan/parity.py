"""Faithfulness of the DaGAN worker against make_animation of the same checkout's demo.py."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker.faithful import Kit, authors_animation, load_worker, main, unit_images


class DaGANKit(Kit):
    """The demo cannot be imported (yaml.load, global options); its function runs on the worker's own networks."""

    worker = load_worker(__file__).DaGAN
    heads = (
        ("kp_detector.kp", 1.0),
        ("kp_detector.jacobian", 0.5),
        ("generator.dense_motion_network.mask", 2.0),
        ("generator.dense_motion_network.occlusion", 2.0),
        ("generator.final", 1.0),
    )

    def save(self, parts, path):
        import torch

        os.makedirs(path, exist_ok=True)
        both = {name: parts[name].state_dict() for name in ("generator", "kp_detector")}
        prefixed = {name: {"module." + key: value for key, value in state.items()} for name, state in both.items()}
        torch.save(prefixed, os.path.join(path, "DaGAN_vox_adv_256.pth.tar"))
        torch.save(dict(parts["encoder"].state_dict(), height=256, width=256), os.path.join(path, "encoder.pth"))
        torch.save(parts["depth"].state_dict(), os.path.join(path, "depth.pth"))

    def official(self, worker, checkpoint, task):
        scope = {"depth_encoder": worker.parts["encoder"], "depth_decoder": worker.parts["depth"]}
        animate = authors_animation(worker.repo, scope)
        source, reference = unit_images(task, 256)
        nets = worker.parts["generator"], worker.parts["kp_detector"]
        return animate(source, [reference], *nets, relative=False, adapt_movement_scale=False, cpu=True)[2][0], None


if __name__ == "__main__":
    sys.exit(main(DaGANKit()))
