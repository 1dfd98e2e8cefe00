"""Runs LivePortrait (Guo et al., 2024) on still pairs: absolute motion, no cropping, no pasting back."""

import types
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import Worker, finite, main, only_weights

FILES = {
    "checkpoint_F": "appearance_feature_extractor.pth",
    "checkpoint_M": "motion_extractor.pth",
    "checkpoint_W": "warping_module.pth",
    "checkpoint_G": "spade_generator.pth",
    "checkpoint_S": "stitching_retargeting_module.pth",
}
WHOLE = (1, 2, 6, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)  # expression points that are taken whole in absolute mode


class LivePortrait(Worker):
    """The steps of live_portrait_pipeline.execute with flag_relative_motion=False, for one still."""

    method = "liveportrait"
    packages = ("torch", "numpy", "PIL", "cv2", "yaml")
    markers = ("inference.py", "src/live_portrait_wrapper.py", "src/config/models.yaml")
    checkpoint_files = tuple(sorted(FILES.values()))
    options = {"stitching": ("true", ("false", "true"))}

    def load(self):
        only_weights()
        from src.live_portrait_wrapper import LivePortraitWrapper
        from src.utils.camera import get_rotation_matrix

        # A plain object stands for InferenceConfig, whose constructor unpickles a table for the relative mode.
        config = types.SimpleNamespace(
            device_id=int(self.device.split(":")[1]) if ":" in self.device else 0,
            flag_do_torch_compile=False,
            flag_force_cpu=self.device == "cpu",
            flag_use_half_precision=False,
            input_shape=(256, 256),
            models_config=os.path.join(self.repo, "src", "config", "models.yaml"),
            **{key: self.weight(name) for key, name in FILES.items()}
        )
        self.wrapper, self.rotation = LivePortraitWrapper(config), get_rotation_matrix
        names = ("appearance_feature_extractor", "motion_extractor", "warping_module", "spade_generator")
        self.parts = {name: getattr(self.wrapper, name) for name in names}

    def generated(self, source, reference):
        """Two uint8 images -> float (512, 512, 3) in [0, 1] before clipping."""
        import torch

        wrapper = self.wrapper
        with torch.no_grad():
            image = wrapper.prepare_source(source)
            volume, ours = wrapper.extract_feature_3d(image), wrapper.get_kp_info(image)
            theirs = wrapper.get_kp_info(wrapper.prepare_source(reference))
            still = wrapper.transform_keypoint(ours)
            turn = self.rotation(theirs["pitch"], theirs["yaw"], theirs["roll"])
            expression = ours["exp"].clone()
            for index in WHOLE:
                expression[:, index, :] = theirs["exp"][:, index, :]
            expression[:, 3:5, 1] = theirs["exp"][:, 3:5, 1]
            expression[:, 5, 2] = theirs["exp"][:, 5, 2]
            expression[:, 8, 2] = theirs["exp"][:, 8, 2]
            expression[:, 9, 1:] = theirs["exp"][:, 9, 1:]
            shift = theirs["t"].clone()
            shift[..., 2].fill_(0)
            moved = ours["scale"] * (ours["kp"] @ turn + expression) + shift
            if self.chosen["stitching"] == "true":
                moved = wrapper.stitching(still, moved)
            moved = still + (moved - still) * 1.0  # driving_multiplier, at its default
            made = wrapper.warp_decode(volume, still, moved)["out"]
        return made

    def reenact(self, tasks):
        made = []
        for task in tasks:
            out = self.generated(task.source, task.reference)
            finite(out.cpu().numpy())
            made.append(self.wrapper.parse_output(out)[0])
        return made


if __name__ == "__main__":
    sys.exit(main(LivePortrait, __file__))
