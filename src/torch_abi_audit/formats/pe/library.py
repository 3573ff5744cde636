"""Read a PE file (Windows DLL, ``.pyd``): the import, delay-import and export directories.

Only these tables are read, and of their strings only the windows that contain wanted names. Every
value must fit the file's sections and what the Windows linker can produce; anything else is a
``FormatError``.
"""

from __future__ import annotations

import os
import struct
import sys
from array import array

from torch_abi_audit.formats.pe.image import Image, open_image
from torch_abi_audit.model.binary import (
    DEVICE_SECTIONS,
    ENTRY_PREFIXES,
    Binary,
    Format,
    NotALibrary,
)
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.runtime.records import MappingProxyType, dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.binary import Readable

_ARCHES = {
    0x014C: "i686",
    0x01C4: "armv7l",
    0x0200: "ia64",
    0x5064: "riscv64",
    0x6264: "loongarch64",
    0x8664: "x86_64",
    0xAA64: "arm64",
}
_EXPORTS, _IMPORTS, _DELAY_IMPORTS = 0, 1, 13
_SECTION_NAME = 8
"""Most bytes in a section's name: linkers truncate longer names."""
_MOST_DLLS = 1 << 14
_MOST_NAMES = 1 << 20
"""Most names of exports or imports: a DLL has at most 65,536 ordinals, but may have aliases."""


@dataclass(frozen=True, slots=True)
class _Library:
    """One import descriptor."""

    name: int
    """RVA of the DLL's name."""
    thunks: int
    """RVA of the import lookup table."""
    base: int
    """Value to subtract from each address in that table."""


def read(source: Readable) -> Binary | NotALibrary:
    """Read what the Windows loader learns from a DLL: imports, their DLLs, and entry points.

    Delay-loaded functions are part of ``imports``: they must resolve when they are called. An
    import by ordinal has no name, so only its DLL shows, in ``needed``. A name imported from two
    DLLs is attributed to the first; the import directory comes before delay imports.

    Raises:
        FormatError: the file is cut short or damaged, or is not a PE image.
    """
    image = open_image(source)
    if isinstance(image, NotALibrary):
        return image
    eager, delayed = _imported(image), _delay_imported(image)
    libraries = eager + delayed
    dlls = image.names([library.name for library in libraries], "name of an imported DLL")
    room = min(_MOST_NAMES, source.size * 8 // image.bits)
    tables: list[tuple[str, list[int]]] = []
    for library in libraries:
        dll = dlls[library.name].decode("utf-8", "surrogateescape")
        thunks = _thunks(image, library, room)
        room -= len(thunks)
        ordinal = 1 << (image.bits - 1)
        hint = 2 - library.base
        tables.append((dll, [thunk + hint for thunk in thunks if thunk < ordinal]))
    names = image.names((rva for _, rvas in tables for rva in rvas), "name of an import")
    providers: dict[bytes, str] = {}
    for dll, rvas in tables:
        for rva in rvas:
            providers.setdefault(names[rva], dll)
    soname, exported = _export_table(image)
    files = [dll for dll, _ in tables]
    return Binary(
        format=Format.PE,
        device_code=any(name[:_SECTION_NAME] in image.sections for name in DEVICE_SECTIONS),
        arch=_ARCHES.get(image.machine, f"machine-{image.machine}"),
        bits=image.bits,
        byteorder="little",
        imports=tuple(sorted(providers)),
        needed=tuple(dict.fromkeys(files[: len(eager)])),
        delay_needed=tuple(dict.fromkeys(files[len(eager) :])),
        soname=soname,
        entry_points=_entry_points(image, exported),
        providers=MappingProxyType(providers),
    )


def exports(source: Readable, binary: Binary) -> frozenset[bytes]:  # noqa: ARG001 - every format's signature
    """The names that the DLL exports, including forwarded ones; exports by ordinal have no name.

    Raises:
        FormatError: the file is cut short or damaged, or is not a PE image.
    """
    image = open_image(source)
    if isinstance(image, NotALibrary):
        return frozenset()
    return frozenset(image.names(_export_table(image)[1], "name of an export").values())


def exported(source: Readable, wanted: frozenset[bytes], binary: Binary) -> frozenset[bytes]:
    """The names in ``wanted`` that ``exports`` returns.

    Raises:
        FormatError: as ``exports`` does.
    """
    return exports(source, binary) & wanted


def exported_with(source: Readable, parts: tuple[bytes, ...], binary: Binary) -> frozenset[bytes]:
    """The names in the export table that contain one of ``parts``.

    Raises:
        FormatError: the file is damaged.
    """
    names = exports(source, binary)
    return frozenset(name for part in parts for name in names if part in name)


def _descriptors(image: Image, rva: int, width: int, what: str) -> Iterator[tuple[int, ...]]:
    """The 32-bit fields of each descriptor, at most ``_MOST_DLLS``; the caller detects the end."""
    seen = 0
    for rows in image.rows(rva, width, what):
        for fields in struct.iter_unpack(f"<{width // 4}I", rows):
            yield fields
            seen += 1
            if seen > _MOST_DLLS:
                raise FormatError(f"the {what} has more than {_MOST_DLLS} entries")


def _imported(image: Image) -> list[_Library]:
    libraries: list[_Library] = []
    rva = image.directory(_IMPORTS)
    if not rva:
        return libraries
    for lookup, _, _, name, bound in _descriptors(image, rva, 20, "import directory"):
        if not (name and bound):
            break
        # Old Borland linkers omit the lookup table; the address table refers to the names then.
        usable = image.headers_size <= lookup < image.image_size
        libraries.append(_Library(name, lookup if usable else bound, 0))
    return libraries


def _delay_imported(image: Image) -> list[_Library]:
    libraries: list[_Library] = []
    rva = image.directory(_DELAY_IMPORTS)
    if not rva:
        return libraries
    what = "delay-import directory"
    for attributes, name, _, _, lookup, _, _, _ in _descriptors(image, rva, 32, what):
        if not name:
            break
        base = 0 if attributes & 1 else image.base  # Visual C++ 6 wrote addresses, not RVAs
        libraries.append(_Library(name - base, lookup - base, base))
    return libraries


def _thunks(image: Image, library: _Library, room: int) -> array[int]:
    """The entries of an import lookup table, which ends with 0; at most ``room`` of them."""
    what = "import lookup table"
    thunks = array("I" if image.bits == 32 else "Q")
    for rows in image.rows(library.thunks, image.bits // 8, what):
        piece = array(thunks.typecode, rows)
        if sys.byteorder == "big":
            piece.byteswap()
        last = 0 in piece
        thunks.extend(piece[: piece.index(0)] if last else piece)
        if len(thunks) > room:
            raise FormatError(
                "the import lookup tables overlap: more imports than the file can hold"
            )
        if last:
            break
    return thunks


def _export_table(image: Image) -> tuple[str | None, array[int]]:
    """The DLL's own name, and the RVA of each exported name."""
    rvas = array("I")
    rva = image.directory(_EXPORTS)
    if not rva:
        return None, rvas
    directory = image.take(rva, 40, "export directory")
    own, count, table = struct.unpack("<12xI8xI4xI4x", directory)
    if count > _MOST_NAMES:
        raise FormatError(f"{count} exported names: more than in any real library")
    if count:
        rvas.frombytes(image.take(table, 4 * count, "table of exported names"))
        if sys.byteorder == "big":
            rvas.byteswap()
    if not own:
        return None, rvas
    soname = image.names([own], "DLL's own name")[own]
    return soname.decode("utf-8", "surrogateescape"), rvas


def _entry_points(image: Image, exported: array[int]) -> tuple[bytes, ...]:
    """The entry points, sorted; found by searching the strings, without reading other exports."""
    hits: set[int] = set()
    stem: bytes = os.path.commonprefix(ENTRY_PREFIXES)  # type: ignore[assignment]  # noqa: RUF071
    for start, blob, members in image.name_windows(exported, "name of an export"):
        found: set[int] = set()
        at = blob.find(stem)
        while at >= 0:
            if blob.startswith(ENTRY_PREFIXES, at):
                found.add(start + at)
            at = blob.find(stem, at + 1)
        if found:
            hits |= found.intersection(members)
    return tuple(sorted({*image.names(hits, "name of an export").values()}))
