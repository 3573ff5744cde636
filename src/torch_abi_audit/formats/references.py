"""References from relocations: the function and the source line that contain each."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter

from torch_abi_audit.formats.object_file import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch_abi_audit.formats.dwarf_lines import LineTable
    from torch_abi_audit.formats.object_file import Definition, Relocation


def references(
    relocations: Iterable[Relocation],
    definitions: Iterable[Definition],
    lines: LineTable | None,
) -> Mapping[bytes, tuple[Reference, ...]]:
    """The references to each symbol in ``relocations``, the most frequent first."""
    functions = _Functions(definitions)
    counted: dict[bytes, Counter[tuple[bytes | None, str | None, int | None]]] = {}
    for one in relocations:
        source, line = (None, None) if lines is None else lines.at(one.section, one.offset)
        place = functions.at(one.section, one.offset), source, line
        counted.setdefault(one.symbol, Counter())[place] += 1
    return {
        symbol: tuple(
            Reference(function, source, line, count)
            for (function, source, line), count in sorted(
                places.items(),
                key=lambda one: (-one[1], one[0][1] or "", one[0][2] or 0, one[0][0] or b""),
            )
        )
        for symbol, places in counted.items()
    }


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
