"""What is read beside a metric, for rooms that import no metric.

The metric classes say the same (``companions``, ``parts``); a test holds the two against each other.
"""

from __future__ import annotations

#: Metric → its parts, and what frames it: the least and the most that is possible. Tables fold them out below it.
PARTS: dict[str, tuple[str, ...]] = {
    "csim": ("csim_fallback", "csim_target", "csim_ceiling", "csim_impostor"),
    "pose": ("pose_yaw", "pose_pitch", "pose_roll"),
}
#: The same, and what stands beside a metric in its own right: another unit, the number as papers compute it, the
#: rival for small N. Of ``fd[…]`` that is ``kd[…]``, in whatever features.
COMPANIONS: dict[str, tuple[str, ...]] = PARTS | {
    "landmark_nme": ("akd",),
    "ssim": ("paper/ssim-range2",),
    "fid": ("kid",),
}
