"""Which fat binaries have kernels in them.

Source files without kernels, and the device linker for files that need no linking, leave fat
binaries with code for all architectures in which there is no function. The size of such code tells
most of them. It is no sure sign, as ptxas adds debug information and the device linker of CUDA 13
notes how it was called, at any length. What that leaves open matters where no other fat binary is
for the same architectures: there, a small cubin is read, and unpacked if need be.
"""

from __future__ import annotations

from struct import Struct

from torch_abi_audit.formats.device_code.fatbin import CUBIN, PTX, architecture
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from torch_abi_audit.formats.device_code.fatbin import Entry, Fatbin, Key
    from torch_abi_audit.model.binary import Readable

_EMPTY_PTX = 90
_EMPTY_CUBINS = ((100, 4500), (90, 1800), (75, 1480), (0, 1000))
_EMPTY_NEWER_CUBINS = ((100, 4500), (90, 2700), (70, 2300), (0, 1500))
"""Architectures from a number on, and the size of a cubin for them in which there is no code; the
second row for what is packed with zstd, as CUDA does since 12.8."""
_SMALL = 1 << 15
"""Most bytes of a cubin that is read: there are functions in larger ones."""
_USUAL = 4500
"""Code of more bytes is not looked at closer, unless it decides: no empty file makes that many."""
_MOST_READ = 64
"""Most cubins that are read for one file."""
_SECTIONS = Struct("<40xQ10xHH")
_FLAGS = Struct("<8xQ48x")
_SHF_EXECINSTR = 4


def with_kernels(source: Readable, found: Iterable[Fatbin]) -> list[Fatbin]:
    """Those of the fat binaries in a file in which there are kernels, as far as can be told."""
    kept: list[Fatbin] = []
    sure: set[Key] = set()
    small: dict[Key, list[Fatbin]] = {}
    for one in found:
        largest = one.largest
        if largest > _SMALL:
            sure.add(one.key)
        elif largest > _USUAL or _seems_to_have_kernels(one):
            small.setdefault(one.key, []).append(one)
        else:
            continue
        kept.append(one)
    if not small:
        return kept
    empty: set[int] = set()
    left = _MOST_READ
    for group in _undecided(small, {_targets(key) for key in sure}):
        for one in group:
            cubins = sum(entry.kind == CUBIN for entry in one.entries)
            left -= cubins
            if left < 0 or not cubins or has_kernels(source, one):
                break
            empty.add(one.offset)
    return [one for one in kept if one.offset not in empty] if empty else kept


def _undecided(
    small: Mapping[Key, list[Fatbin]], sure: Collection[frozenset[tuple[int, str]]]
) -> Iterable[list[Fatbin]]:
    """Those for the same architectures, unless others for these are ``sure``."""
    groups: dict[frozenset[tuple[int, str]], list[Fatbin]] = {}
    for key, group in small.items():
        targets = _targets(key)
        if targets not in sure:
            groups.setdefault(targets, []).extend(group)
    return groups.values()


def _targets(key: Key) -> frozenset[tuple[int, str]]:
    return frozenset((row[0], architecture(row[1], row[2])) for row in key)


def has_kernels(source: Readable, fatbin: Fatbin) -> bool:
    """Whether there are kernels in a fat binary, as far as its cubins tell when they are read."""
    if fatbin.largest > _SMALL:
        return True
    if not _seems_to_have_kernels(fatbin):
        return False
    cubins = [entry for entry in fatbin.entries if entry.kind == CUBIN]
    return not cubins or any(_has_code(source, entry) for entry in cubins)


def _seems_to_have_kernels(fatbin: Fatbin) -> bool:
    """Whether there can be kernels, by sizes; the PTX is of the same source as the cubins."""
    cubins = [entry for entry in fatbin.entries if entry.kind == CUBIN]
    return any(map(seems_to_have_kernels, cubins or fatbin.entries))


def seems_to_have_kernels(entry: Entry) -> bool:
    """Whether there can be kernels in an entry, judged by its size or its number of sections.

    The limits lie between what ptxas 9 to 13 write for an empty file and for an empty kernel.
    """
    if entry.kind == PTX:
        return entry.plain_size > _EMPTY_PTX
    if entry.kind != CUBIN:
        return True
    if entry.cubin is not None:
        return entry.cubin.has_code
    number = int(entry.architecture.rstrip("af"))
    limits = _EMPTY_NEWER_CUBINS if entry.is_zstd else _EMPTY_CUBINS
    return entry.plain_size > next(size for least, size in limits if number >= least)


def _has_code(source: Readable, entry: Entry) -> bool:
    """Whether a small cubin has a section of machine code; True if that cannot be read."""
    from torch_abi_audit.formats.device_code.cubin import header  # all of this is rare
    from torch_abi_audit.formats.device_code.unpacking import unpacked_lz4, unpacked_zstd

    stored = source.read_at(entry.offset, min(entry.size, _SMALL * 2))
    try:
        if entry.cubin is not None:
            text = stored
        elif entry.is_zstd:
            text = unpacked_zstd(stored, entry.plain_size)
        else:
            text = unpacked_lz4(stored, entry.plain_size)
    except FormatError:
        return True
    if header(text) is None or len(text) < _SECTIONS.size:
        return True
    start, size, count = _SECTIONS.unpack_from(text)
    table = text[start : start + count * _FLAGS.size]
    if size != _FLAGS.size or len(table) != count * _FLAGS.size or not count:
        return True
    return any(flags & _SHF_EXECINSTR for (flags,) in _FLAGS.iter_unpack(table))
