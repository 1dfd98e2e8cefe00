"""Runs LivePortrait (Guo et al., 2024) on still pairs: absolute motion, on the authors' crop."""

import types
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "_runtime"))

from dgbench_worker import finite, main
from dgbench_worker.crops import CroppingWorker

FILES = {
    "checkpoint_F": "appearance_feature_extractor.pth",
    "checkpoint_M": "motion_extractor.pth",
    "checkpoint_W": "warping_module.pth",
    "checkpoint_G": "spade_generator.pth",
    "checkpoint_S": "stitching_retargeting_module.pth",
}
WHOLE = (1, 2, 6, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)  # expression points that are taken whole in absolute mode


class LivePortrait(CroppingWorker):
    """The steps of live_portrait_pipeline.execute with flag_relative_motion=False, for one still."""

    method = "liveportrait"
    packages = ("torch", "numpy", "PIL", "cv2", "yaml", "rich", "tqdm", "scipy")
    border = "black"
    markers = ("inference.py", "src/live_portrait_wrapper.py", "src/config/models.yaml")
    checkpoint_files = tuple(sorted(FILES.values()))
    options = {"crop": ("own", ("own", "frame")), "stitching": ("true", ("false", "true"))}

    def load(self):
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

    def square(self, points):
        """By the authors' function for 68 points, with the numbers of crop_config.py for a source."""
        import numpy
        from src.utils.crop import _estimate_similar_transform_from_pts

        matrix, _ = _estimate_similar_transform_from_pts(
            points.astype(numpy.float32), dsize=self.size, scale=2.3, vy_ratio=-0.125, flag_do_rot=True
        )
        return numpy.asarray(matrix, dtype=float)

    def reenact_crop(self, source, reference, source_points, reference_points):
        out = self.generated(source, reference)
        finite(out.cpu().numpy())
        return self.wrapper.parse_output(out)[0]


if __name__ == "__main__":
    sys.exit(main(LivePortrait, __file__))
