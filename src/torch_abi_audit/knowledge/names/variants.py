"""Packages that ship one library per torch release: the release of each file, by its path."""

from __future__ import annotations

from itertools import pairwise

from torch_abi_audit.model.releases import release_key
from torch_abi_audit.runtime.once import once

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

_WORDS = ("torch", "pt")
_SUFFIXES = (".so", ".pyd", ".dylib", ".dll", ".abi3")
_BEFORE = "-_./"
_BETWEEN = "-_v"


def torch_release(relative: str) -> str | None:
    """The torch release in a library's path, such as ``2.10``; None if there is none.

    Published wheels have paths like ``torch-2.10/_C.so``, ``x_torch211.so``, ``x.so.pt112cu116``,
    ``build/torch29-cxx11-cu126-x86_64-linux/x.so``.
    """
    if not _may_say(relative.lower()):
        return None
    marks = [match["dotted"] or _unpack(match["packed"]) for match in _mark().finditer(relative)]
    return marks[-1] if marks else None


def flavour(relative: str) -> str:
    """The part of a path that distinguishes variants: torch release, patch release, CUDA, ABI.

    ``2.1.1`` for ``libx_pytorch_2.1.1.so``, ``112cu116`` for ``x.so.pt112cu116``. Libraries of one
    flavour are used together, and replace those of another. Empty if the path names no release.
    """
    if not _may_say(relative.lower()):
        return ""
    matches = list(_mark().finditer(relative))
    if not matches:
        return ""
    start = min(at for at in (matches[-1].start("dotted"), matches[-1].start("packed")) if at >= 0)
    component = relative[start:].partition("/")[0]
    for suffix in _SUFFIXES:
        component = component.removesuffix(suffix)
    return component.lower()


def patch_release(of_flavour: str) -> str | None:
    """The patch release at the start of a flavour, such as ``2.1.1``; None if there is none."""
    numbers = of_flavour.split(".")
    if len(numbers) < 3 or not all(each.isdigit() for each in numbers[:2]):
        return None
    patch = numbers[2][: len(numbers[2]) - len(numbers[2].lstrip("0123456789"))]
    return ".".join([*numbers[:2], patch]) if patch else None


def releases(relatives: list[str]) -> tuple[str, ...]:
    """The releases for which a package ships variants, oldest first; empty for fewer than two."""
    found = {release for path in relatives if (release := torch_release(path)) is not None}
    return tuple(sorted(found, key=release_key)) if len(found) > 1 else ()


def _unpack(digits: str) -> str:
    return f"{digits[0]}.{digits[1:]}"


def _may_say(path: str) -> bool:
    """Whether a release may follow one of the words; rejects most paths without ``re``."""
    return any(
        before.removesuffix("py")[-1:] in _BEFORE and after.lstrip(_BETWEEN)[:1] in ("1", "2")
        for word in _WORDS
        for before, after in pairwise(path.split(word))
    )


@once
def _mark() -> re.Pattern[str]:
    import re  # rarely needed

    return re.compile(
        r"(?:^|[-_./])(?:py)?(?:torch|pt)[-_]?v?"
        r"(?:(?P<dotted>[12]\.\d{1,2})(?:\.\d+)*|(?P<packed>[12]\d{1,2}))"
        r"(?=[-_./+]|cu\d|cpu|rocm|$)",
        re.IGNORECASE,
    )
