"""What the name of a required distribution says: which one it is, and the CUDA that it brings."""

from __future__ import annotations

from itertools import pairwise

from torch_abi_audit.knowledge.names.system import is_word

_CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
_LIBRARIES = "cuda-runtime cublas cuda-nvrtc cuda-cupti nvjitlink npp"
_TOOLKIT = frozenset(
    ["cuda-toolkit", "cuda-bindings"] + [f"nvidia-{name}" for name in _LIBRARIES.split()]
)
"""Distributions whose own version is that of CUDA."""


def required(line: str) -> str:
    """The canonical name of what a ``Requires-Dist`` line requires; empty where it has none."""
    text = line.lstrip()
    name = text.removesuffix(text.lstrip(_CHARACTERS)).lower()
    name = name.replace("_", "-").replace(".", "-")
    if name.startswith("-"):
        return ""
    while "--" in name:
        name = name.replace("--", "-")
    return name


def cuda_of(line: str) -> int | None:
    """The CUDA whose libraries a ``Requires-Dist`` line brings; None where it brings none."""
    name = required(line)
    release = _pinned(line) if name in _TOOLKIT else _named(name)
    return int(release) if release else None


def _named(requirement: str) -> str:
    """``12`` of ``nvidia-cublas-cu12``."""
    stem, _, release = requirement.rpartition("-cu")
    library = stem.removeprefix("nvidia-")
    return release if library and library != stem and release.isdecimal() else ""


def _pinned(line: str) -> str:
    """``13`` of ``cuda-toolkit==13.0.2``: the first number behind ``==``, ``~=`` or ``>=``."""
    for before, after in pairwise(line.split("=")):
        text = after.lstrip()
        rest = text.lstrip("0123456789")
        if (not before or before[-1] in "~>") and rest != text and not is_word(rest[:1]):
            return text.removesuffix(rest)
    return ""
