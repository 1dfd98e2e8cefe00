"""Why a rule makes no pair of a copy: who is missing, or which yaws decided."""

from __future__ import annotations

import pandas as pd

from dgbench.core.protocol import Protocol
from dgbench.protocols.samplers.common import people_of


def why_no_pair(frames: pd.DataFrame, protocol: Protocol) -> str:
    """Return in one sentence why a protocol's rule finds nothing among ``frames``, a manifest's rows."""
    people = people_of(frames, protocol)
    if not people:
        others = frames["subject"].nunique()
        return f"none of the {protocol.purpose} people of {protocol.name} is in this copy, which holds {others} others"
    mine = frames[frames["subject"].isin(people)]
    parameters = protocol.pairing.parameters
    if not parameters.get("min_reference_yaw"):
        return f"{len(people)} of the people of {protocol.name} are in this copy, but no images that make a pair"
    near, far = float(parameters.get("max_source_yaw", 0)), float(parameters["min_reference_yaw"])
    yaw = (mine["yaw"] if mine["yaw"].notna().any() else mine["yaw_nominal"]).dropna().abs()
    if yaw.empty:
        return f"{len(mine)} images of {len(people)} people are in this copy, but no yaw is known for any of them"
    return (
        f"of {len(yaw)} images of {len(people)} people whose yaw is known, {int((yaw <= near).sum())} have |yaw| up to "
        f"{near:g} (a source) and {int((yaw >= far).sum())} have {far:g} or more (a reference); the largest |yaw| is "
        f"{yaw.max():.1f}, and a pair needs both of one person in one video or session"
    )
