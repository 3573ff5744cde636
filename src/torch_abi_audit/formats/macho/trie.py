"""The export trie of a Mach-O image: the names that dyld finds in it.

Layout: LC_DYLD_INFO's ``export_off`` in Apple's ``<mach-o/loader.h>``. A node consists of the size
of its terminal payload (0: no export ends here), the payload, and its edges, each of them a string
and a child.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import NamedTuple

from torch_abi_audit.formats.bounded import c_string
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_MOST_ULEB = 10  # bytes of a 64-bit number
_SLACK = 1 << 26  # names share prefixes: a small trie may spell far more bytes than it has

_REEXPORT = 0x08  # EXPORT_SYMBOL_FLAGS_REEXPORT


class Export(NamedTuple):
    """Where the symbol of one exported name is defined."""

    ordinal: int | None
    """1-based position of the library that it comes from; None if the image defines it."""
    name: bytes
    """Its name there."""


def uleb128(blob: bytes, at: int) -> tuple[int, int]:
    """The unsigned LEB128 number at ``at``, and the offset of its end.

    Raises:
        FormatError: the number runs past the blob or has more than 64 bits.
    """
    value = 0
    for index, byte in enumerate(blob[at : at + _MOST_ULEB]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if value >> 64:
                break
            return value, at + index + 1
    raise FormatError(f"ULEB128 number at byte {at} of {len(blob)} has no end or is too large")


def trie_names(trie: bytes, leads: Callable[[bytes], bool] | None = None) -> Iterator[bytes]:
    """Every exported name, unordered; with ``leads``, only those below prefixes that it accepts.

    Raises:
        FormatError: the trie runs out of bounds, has a cycle, or spells implausibly long names.
    """
    if not trie:
        return
    seen = bytearray(len(trie))
    budget = 16 * len(trie) + _SLACK
    pending = [(0, b"")]
    find = trie.find
    try:
        while pending:
            at, prefix = pending.pop()
            if seen[at]:
                raise FormatError(f"the export trie reaches its node at byte {at} twice")
            seen[at] = 1
            payload, at = trie[at], at + 1
            if payload:
                if payload > 0x7F:
                    payload, at = uleb128(trie, at - 1)
                at += payload
                yield prefix
            edges, at = trie[at], at + 1
            for _ in range(edges):
                end = find(0, at)
                if end < 0:
                    raise FormatError(f"the export trie has an unterminated edge at byte {at}")
                child = trie[end + 1]
                path = prefix + trie[at:end]
                at = end + 2
                if child > 0x7F:
                    child, at = uleb128(trie, end + 1)
                if leads is None or leads(path):
                    budget -= len(path)
                    pending.append((child, path))
            if budget < 0:
                raise FormatError("the export trie spells names out of proportion to its size")
    except IndexError:
        raise FormatError(f"the export trie runs past its {len(trie)} bytes") from None


def lookup(trie: bytes, names: Iterable[bytes]) -> dict[bytes, Export]:
    """Those of ``names`` that are exported; other parts of the trie are not read.

    Raises:
        FormatError: a part that is read runs out of bounds or has a cycle.
    """
    wanted = sorted(set(names))
    found: dict[bytes, Export] = {}
    if not trie or not wanted:
        return found
    seen = bytearray(len(trie))
    pending = [(0, b"", 0, len(wanted))]  # a node, its path, and the names that begin with it
    try:
        while pending:
            at, path, low, high = pending.pop()
            if seen[at]:
                raise FormatError(f"the export trie reaches its node at byte {at} twice")
            seen[at] = 1
            size, at = uleb128(trie, at)
            if size and wanted[low] == path:
                found[path] = _export(trie[at : at + size], path)
            at += size
            edges, at = trie[at], at + 1
            for _ in range(edges):
                end = trie.index(0, at)
                longer = path + trie[at:end]
                child, at = uleb128(trie, end + 1)
                first = bisect_left(wanted, longer, low, high)
                if first < high and wanted[first].startswith(longer):
                    pending.append((child, longer, first, _after(wanted, longer, first, high)))
    except (IndexError, ValueError):
        raise FormatError(f"the export trie runs past its {len(trie)} bytes") from None
    return found


def _after(ordered: list[bytes], prefix: bytes, low: int, high: int) -> int:
    """The end of the names that begin with ``prefix``, of which ``low`` is the first."""
    while low < high:
        middle = (low + high) // 2
        if ordered[middle].startswith(prefix):
            low = middle + 1
        else:
            high = middle
    return low


def _export(payload: bytes, name: bytes) -> Export:
    flags, at = uleb128(payload, 0)
    if not flags & _REEXPORT:
        return Export(None, name)
    ordinal, at = uleb128(payload, at)
    return Export(ordinal, c_string(payload, at, "re-exported name") or name)
