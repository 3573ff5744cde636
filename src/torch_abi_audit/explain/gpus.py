"""The CUDA releases that know a GPU architecture.

From the release notes of the CUDA Toolkit and the guide of nvcc (its tables of GPU architectures).
"""

from __future__ import annotations

import re

_FIRST = {
    **dict.fromkeys((60, 61, 62), "8.0"),
    70: "9.0",
    72: "9.2",
    75: "10.0",
    80: "11.0",
    86: "11.1",
    87: "11.4",
    **dict.fromkeys((89, 90), "11.8"),
    **dict.fromkeys((100, 101, 120), "12.8"),
    **dict.fromkeys((103, 121), "12.9"),
    **dict.fromkeys((88, 110), "13.0"),
}
_DROPPED = {
    **dict.fromkeys((20, 21), "9.0"),
    **dict.fromkeys((30, 32), "11.0"),
    **dict.fromkeys((35, 37), "12.0"),
    **dict.fromkeys((50, 52, 53, 60, 61, 62, 70, 72), "13.0"),
}
_NUMBER = re.compile(r"(?:(?:sm|compute)_)?(\d{1,2})\.?(\d)[a-z]?(?:\+PTX)?")


def first_cuda(architecture: str) -> str | None:
    """The first CUDA release that knows ``sm_120``, ``compute_89`` or ``8.9``.

    None if that is not known, or if a later release dropped the architecture.
    """
    return None if dropped_in(architecture) else _FIRST.get(_number(architecture))


def dropped_in(architecture: str) -> str | None:
    """The CUDA release that no longer compiles for an architecture; None if none has dropped it."""
    return _DROPPED.get(_number(architecture))


def _number(architecture: str) -> int:
    match = _NUMBER.fullmatch(architecture)
    return int(match[1] + match[2]) if match else 0
