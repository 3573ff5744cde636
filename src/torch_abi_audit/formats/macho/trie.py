"""The export trie of a Mach-O image: the names that dyld finds in it.

Layout: LC_DYLD_INFO's ``export_off`` in Apple's ``<mach-o/loader.h>``. A node consists of the size
of its terminal payload (0: no export ends here), the payload, and its edges, each of them a string
and a child.
"""

from __future__ import annotations

from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MOST_ULEB = 10  # bytes of a 64-bit number
_SLACK = 1 << 26  # names share prefixes: a small trie may spell far more bytes than it has


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
