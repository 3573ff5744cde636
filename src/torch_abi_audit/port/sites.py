"""The places of uses as the author of the project sees them.

Code that comes from a header of torch was inlined where the project calls it, so the place of a
use is the innermost of these calls that stands in the project's own source.
"""

from __future__ import annotations

from torch_abi_audit.knowledge import torch_namespaces
from torch_abi_audit.mangling import demangle, owner
from torch_abi_audit.port.migration import Site
from torch_abi_audit.port.own_source import NOWHERE, Grounds, grounds, is_own
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.formats.object_file import Frame, Reference, SourceUnit

    _Place = tuple[bytes | None, str | None, int | None, bool | None]
    """Function, source, line and whether it is the project's own."""


class Authors:
    """Who wrote the files of one target, as all of its units together show."""

    __slots__ = ("_known", "_own", "_torch")

    def __init__(self) -> None:
        self._known: dict[SourceUnit, Grounds] = {}
        self._own: dict[tuple[str, Grounds], bool] = {}
        self._torch: tuple[str, ...] = ()

    def learn(self, references: Iterable[Reference]) -> None:
        """Take note of the units that references are in."""
        for one in references:
            unit = None if one.place is None else one.place.unit
            if unit is not None and unit not in self._known:
                found = self._known[unit] = grounds(unit)
                self._torch = tuple(dict.fromkeys(self._torch + found.torch))

    def is_own(self, path: str, unit: SourceUnit | None) -> bool:
        """Whether a source file that a unit names is the project's own."""
        known = NOWHERE if unit is None else self._known.get(unit, NOWHERE)
        if known.torch != self._torch:
            known = replace(known, torch=self._torch)
            if unit is not None:
                self._known[unit] = known
        key = path, known
        if key not in self._own:
            self._own[key] = is_own(path, known)
        return self._own[key]


def sites(references: Iterable[Reference], authors: Authors) -> tuple[Site, ...]:
    """The places of the references to a symbol, those used most often first."""
    placed = [(_place(one, authors), one.count) for one in references]
    functions = list(
        dict.fromkeys(function for (function, *_), _ in placed if function is not None)
    )
    text: dict[bytes | None, str | None] = {None: None}
    text.update(zip(functions, map(_around_lambda, demangle(functions)), strict=True))
    counted: dict[tuple[str | None, str | None, int | None, bool | None], int] = {}
    for (function, source, line, own), count in placed:
        key = text[function], source, line, own
        counted[key] = counted.get(key, 0) + count
    return tuple(
        Site(function, source, line, count, own)
        for (function, source, line, own), count in sorted(
            counted.items(),
            key=lambda one: (-one[1], one[0][1] or "", one[0][2] or 0, one[0][0] or ""),
        )
    )


def _around_lambda(function: str) -> str:
    """The function that a lambda is written in; any other function as it is."""
    before, found, _ = function.partition("::{lambda(")
    return before if found and before.count("<") == before.count(">") else function


def _place(one: Reference, authors: Authors) -> _Place:
    frames = () if one.place is None else one.place.frames
    unit = None if one.place is None else one.place.unit
    own = [
        number
        for number, frame in enumerate(frames)
        if frame.source is not None and authors.is_own(frame.source, unit)
    ]
    if own:
        best = next((number for number in own if frames[number].line), own[0])
        frame = frames[best]
        function = _function(one, frames, best, own)
        return (
            (function, frame.source, frame.line, True)
            if frame.line
            else (function, None, None, True)
        )
    if one.source is None and not any(frame.source for frame in frames):
        return one.function, None, None, _owned_by_name(one.function)
    return one.function, one.source, one.line, False


def _function(
    one: Reference, frames: tuple[Frame, ...], number: int, own: list[int]
) -> bytes | None:
    """The name of the function of a frame, as the linker knows it where possible.

    A lambda has no name but ``operator()``, so the function around it is named, if the project
    wrote it too.
    """
    name = frames[number].function
    if name is not None and name.startswith((b"_Z", b"?")):
        return name
    if number == len(frames) - 1:
        return one.function or name
    outer = [each for each in own if each > number]
    if name == b"operator()" and outer:
        return _function(one, frames, outer[0], own)
    return name


def _owned_by_name(function: bytes | None) -> bool | None:
    """False for a function of torch or the standard library; None if its name tells nothing."""
    if function is not None:
        declared = owner(function)
        if torch_namespaces.owns(declared) or declared[:1] in ((b"torch",), (b"std",)):
            return False
    return None
