"""Names of distributions and requirements, and the CUDA that they state."""

from __future__ import annotations

from itertools import pairwise

from torch_abi_audit.knowledge.names.library_file import is_word

_NAME = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
_OF_TOOLKIT = "cuda-runtime cublas cuda-nvrtc cuda-cupti nvjitlink npp"
_TOOLKIT = frozenset(
    ["cuda-toolkit", "cuda-bindings"] + [f"nvidia-{name}" for name in _OF_TOOLKIT.split()]
)
"""Distributions whose own version is the version of the CUDA that they contain."""


def canonical(name: str) -> str:
    """A distribution's name, normalised as in PEP 503."""
    return _hyphened(name).strip("-")


def is_torch(name: str | None) -> bool:
    """Whether a distribution with this name is torch itself."""
    return name is not None and canonical(name) == "torch"


def required(line: str) -> str:
    """The canonical name in a ``Requires-Dist`` line; empty if it has none."""
    text = line.lstrip()
    name = _hyphened(text.removesuffix(text.lstrip(_NAME)))
    return "" if name.startswith("-") else name


def cuda_of(line: str) -> int | None:
    """The CUDA major version of a requirement: 12 for ``nvidia-cublas-cu12``; None for most."""
    name = required(line)
    release = _pinned(line) if name in _TOOLKIT else _named(name)
    return int(release) if release else None


def extras_of(line: str) -> tuple[str, ...]:
    """The extras for which a requirement asks: ``cublas`` for ``cuda-toolkit[cublas]==13.*``."""
    before, bracket, after = line.partition("[")
    if not bracket or before.strip().strip(_NAME):
        return ()
    return tuple(
        canonical(one.strip()) for one in after.partition("]")[0].split(",") if one.strip()
    )


def _hyphened(name: str) -> str:
    name = name.lower().replace("_", "-").replace(".", "-")
    while "--" in name:
        name = name.replace("--", "-")
    return name


def _named(requirement: str) -> str:
    """``12`` for ``nvidia-cublas-cu12``."""
    stem, _, release = requirement.rpartition("-cu")
    library = stem.removeprefix("nvidia-")
    return release if library and library != stem and release.isdecimal() else ""


def _pinned(line: str) -> str:
    """``13`` for ``cuda-toolkit==13.0.2``: the first number after ``==``, ``~=`` or ``>=``."""
    for before, after in pairwise(line.split("=")):
        text = after.lstrip()
        rest = text.lstrip("0123456789")
        if (not before or before[-1] in "~>") and rest != text and not is_word(rest[:1]):
            return text.removesuffix(rest)
    return ""
