"""Packages that ship one library per torch release: which file serves which, by its name."""

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
    """The torch release, such as ``2.10``, that a library's path says it was built for.

    Forms seen in published wheels: ``torch-2.10/_C.so``, ``x_torch211.so``, ``x.so.pt112cu116``,
    ``build/torch29-cxx11-cu126-x86_64-linux/x.so``.
    """
    if not _may_say(relative.lower()):
        return None
    marks = [match["dotted"] or _unpack(match["packed"]) for match in _mark().finditer(relative)]
    return marks[-1] if marks else None


def flavour(relative: str) -> str:
    """What tells variants for one torch release apart: patch release, CUDA, ABI, as its path says.

    ``2.1.1`` of ``libx_pytorch_2.1.1.so``, ``112cu116`` of ``x.so.pt112cu116``: libraries of one
    flavour belong together, those of another are in their place.
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
    """The patch release that a flavour begins with: ``2.1.1``; None where it names none."""
    numbers = of_flavour.split(".")
    if len(numbers) < 3 or not all(each.isdigit() for each in numbers[:2]):
        return None
    patch = numbers[2][: len(numbers[2]) - len(numbers[2].lstrip("0123456789"))]
    return ".".join([*numbers[:2], patch]) if patch else None


def releases(relatives: list[str]) -> tuple[str, ...]:
    """The releases that a package ships variants for, oldest first; empty unless two or more."""
    found = {release for path in relatives if (release := torch_release(path)) is not None}
    return tuple(sorted(found, key=release_key)) if len(found) > 1 else ()


def _unpack(digits: str) -> str:
    return f"{digits[0]}.{digits[1:]}"


def _may_say(path: str) -> bool:
    """Whether a release could follow one of the words: most paths end here, without ``re``."""
    return any(
        before.removesuffix("py")[-1:] in _BEFORE and after.lstrip(_BETWEEN)[:1] in ("1", "2")
        for word in _WORDS
        for before, after in pairwise(path.split(word))
    )


@once
def _mark() -> re.Pattern[str]:
    import re  # seldom needed

    return re.compile(
        r"(?:^|[-_./])(?:py)?(?:torch|pt)[-_]?v?"
        r"(?:(?P<dotted>[12]\.\d{1,2})(?:\.\d+)*|(?P<packed>[12]\d{1,2}))"
        r"(?=[-_./+]|cu\d|cpu|rocm|$)",
        re.IGNORECASE,
    )
