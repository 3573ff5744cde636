"""References from relocations: the function and the source line that contain each."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter

from torch_abi_audit.formats.object_file import Reference
from torch_abi_audit.runtime.records import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch_abi_audit.formats.object_file import Definition, Place, Relocation

NO_STARTS: Mapping[int, int] = MappingProxyType({})


def references(
    relocations: Iterable[Relocation],
    definitions: Iterable[Definition],
    places: Callable[[Iterable[int]], Mapping[int, Place]] | None = None,
    starts: Mapping[int, int] = NO_STARTS,
) -> Mapping[bytes, tuple[Reference, ...]]:
    """The references to each symbol in ``relocations``, the most frequent first.

    Args:
        relocations: Where symbols are referred to.
        definitions: The functions and objects of the file.
        places: Gives the source places of flat addresses.
        starts: The flat address of each section of code.
    """
    functions = _Functions(definitions)
    listed = list(relocations)
    found: Mapping[int, Place] = {}
    if places is not None:
        found = places(starts[one.section] + one.offset for one in listed if one.section in starts)
    counted: dict[bytes, Counter[tuple[bytes | None, Place | None]]] = {}
    for one in listed:
        start = starts.get(one.section)
        place = None if start is None else found.get(start + one.offset)
        at = functions.at(one.section, one.offset), place
        counted.setdefault(one.symbol, Counter())[at] += 1
    return {
        symbol: tuple(
            sorted(
                (_reference(function, place, count) for (function, place), count in each.items()),
                key=lambda one: (-one.count, one.source or "", one.line or 0, one.function or b""),
            )
        )
        for symbol, each in counted.items()
    }


def _reference(function: bytes | None, place: Place | None, count: int) -> Reference:
    if place is None:
        return Reference(function, count=count)
    at = place.frames[0]
    known = at.source is not None and at.line
    return Reference(
        function,
        at.source if known else None,
        at.line if known else None,
        count,
        place,
    )


class _Functions:
    """The definitions of each section, sorted by offset."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        by_section: dict[int, list[Definition]] = {}
        for one in definitions:
            by_section.setdefault(one.section, []).append(one)
        self._sections = {
            section: sorted(each, key=lambda one: (one.start, one.size, one.name))
            for section, each in by_section.items()
        }
        self._starts = {
            section: [one.start for one in each] for section, each in self._sections.items()
        }

    def at(self, section: int, offset: int) -> bytes | None:
        starts = self._starts.get(section)
        if starts is None:
            return None
        index = bisect_right(starts, offset) - 1
        if index < 0:
            return None
        found = self._sections[section][index]
        inside = not found.size or offset < found.start + found.size
        return found.name if inside else None
