"""What a damaged or hostile npz makes numpy and zipfile raise, so that every reader refuses it alike."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib

#: Everything seen from ``np.load(..., allow_pickle=False)`` and from taking arrays out, over mangled files.
DAMAGED_ARRAYS: tuple[type[Exception], ...] = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,  # a single array where an archive is expected
    OverflowError,
    SyntaxError,
    tokenize.TokenError,
    RecursionError,
    MemoryError,  # a header that promises more than there is room for
    NotImplementedError,  # a compression that zipfile does not know
    RuntimeError,  # an encrypted member
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
