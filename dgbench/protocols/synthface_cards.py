"""The text of ``CARD.md`` for each SynthFace protocol."""

from __future__ import annotations

import textwrap

from dgbench.core.protocol import Protocol

_TALKERS = (
    "people who talk, turn, blink and look around, 2 videos of 2 clips each of 64 to 110 frames; one room, light and "
    "set of clothes per video; yaw up to 60 degrees."
)
_WORLDS = {
    "packaged": (
        "The mini set inside the package: 160 rendered people at 128 px, 128 for training (7 cells each, in 8 groups "
        "that share their cells) and 32 for testing (12 cells, the same for all: 6 with |yaw| up to 30, 6 with 45 to "
        "90). A cell fixes pose, the weight of every expression shape, gaze and light; person and backdrop are the "
        "rest. Pixels are the render's rounded to every fourth level, stored as lossless WebP: the same numbers on "
        "every machine."
    ),
    "rafd": (
        "SynthFace's world in RaFD's grammar: 67 people cast to suit the ids' groups and genders (no children: adults "
        "play the ten), 8 expressions x 3 gazes x 5 cameras. Whose left a gaze means is ours: the model's own."
    ),
    "multipie": (
        "SynthFace's world in Multi-PIE's grammar: 337 people, 4 sessions with the set's head-counts (who came when is "
        "ours), 13 cameras, shots of light 00 to 19 (where each flash stands is ours, but for the frontal 07)."
    ),
    "voxceleb1": f"SynthFace's world in VoxCeleb1's grammar: 1,251 {_TALKERS}",
    "voxceleb2": f"SynthFace's world in VoxCeleb2's grammar: 6,112 {_TALKERS}",
}
_MINI_IMAGES = "**Images** ship with dgbench; nothing is downloaded or rendered."
_RENDERED_IMAGES = (
    "**Images** are rendered at 256 px when they are asked for and kept in dgbench's cache; that needs the head model "
    "(`dgbench data fetch-head`). A key with `A@B` is person A in the performance of B: the exact target of a cross "
    "pair."
)
_TEST = (
    "**Primary metric.** SSIM to the target: an exact one exists for every pair, so it alone sees identity, pose, "
    "expression and light at once. CSIM cannot lead, since a copied source is near its top, and pose cannot, since a "
    "copied reference is."
)
_TRAIN = "**Use.** For training alone; its people are in no test list."
_OURS = (
    "**Ours / from the literature.** Everything is ours but the names' grammar and, where the world mirrors a real "
    "set, that set's split. Results on rendered faces say how methods compare where the truth is known; they are no "
    "substitute for photographs, and are never ranked with them."
)
_LICENCE = (
    "**Licence.** The images are rendered by dgbench from ICT-FaceKit light, Copyright (c) 2020 USC Institute for "
    "Creative Technologies, MIT License: keep that notice with any copy of the images."
)


def card(draft: Protocol) -> str:
    """Return the card of a SynthFace protocol."""
    edges = ", ".join(f"{edge:g}" for edge in draft.pose_bins)
    paragraphs = (
        f"**Task.** {draft.title}.",
        f"**Data.** {_WORLDS[draft.variant]}",
        f"**People.** {draft.split.rule} No person of one SynthFace world is in another, and the embedded networks are "
        "trained on people (numbers 100,000 to 999,999) whom no protocol tests or trains on.",
        f"**Pairs.** {draft.pairing.rule} The list is frozen in `pairs.csv.gz`; everyone is a source equally often.",
        f"**Bins** by |yaw| of the reference, named by their lower edge: {edges}.",
        _MINI_IMAGES if draft.variant == "packaged" else _RENDERED_IMAGES,
        "**Frame.** As stored: the camera always looks at the head, so nothing is cropped. Landmarks, visibility and "
        "pose are exact, from the geometry.",
        _TRAIN if draft.purpose == "train" else _TEST,
        _OURS,
        _LICENCE,
    )
    filled = (textwrap.fill(text, width=118, break_on_hyphens=False) for text in paragraphs)
    return f"# {draft.id}, version {draft.version}\n\n" + "\n\n".join(filled) + "\n"
