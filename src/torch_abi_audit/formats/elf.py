"""ELF shared objects, read the way the dynamic loader reads them.

Layouts: the System V gABI and, for symbol versions, the Linux Standard Base.
"""

from __future__ import annotations

from array import array
from itertools import compress
from struct import Struct

from torch_abi_audit.errors import FormatError
from torch_abi_audit.formats.elf_image import Image, Tag, open_image, words
from torch_abi_audit.formats.elf_sections import carries_device_code
from torch_abi_audit.formats.window import window
from torch_abi_audit.model import Binary, Format, NotALibrary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.formats.strings import StringTable
    from torch_abi_audit.model import Readable

_DF_1_PIE = 0x08000000
_ENTRIES = (b"PyInit_", b"PyInitU_", b"PyModExport_", b"PyModExportU_")
_STB_LOCAL, _STB_WEAK = 0, 2
_NAMELESS_TYPES = frozenset({3, 4})  # STT_SECTION, STT_FILE
_SHN_UNDEF = 0
_HIDDEN = frozenset({1, 2})  # STV_INTERNAL, STV_HIDDEN

_BINDABLE = bytes(i >> 4 != _STB_LOCAL and i & 15 not in _NAMELESS_TYPES for i in range(256))
_SHOWN = bytes(other & 3 not in _HIDDEN for other in range(256))
_NOT_ZERO = bytes(byte != 0 for byte in range(256))
"""Tables for ``bytes.translate``: st_info, st_other and the bytes of st_shndx to 0 or 1."""
_VERNEED_LIMIT = 1 << 20


def read(source: Readable) -> Binary | NotALibrary:
    """Read what the loader would learn from an ELF file.

    Raises:
        FormatError: the file is damaged, cut short, or of an unknown ELF class.
    """
    image = open_image(source)
    if isinstance(image, NotALibrary):
        return image
    tags, layout = image.tags, image.layout
    if tags.get(Tag.FLAGS_1, 0) & _DF_1_PIE or (image.has_interpreter and Tag.DEBUG in tags):
        return NotALibrary("executable")
    strings = image.strings()
    strong, weak = _undefined(image)
    needs = _version_needs(image)
    versions = _import_versions(image, [*strong, *weak]) if needs else {}
    listed = [image.values(tag) for tag in (Tag.NEEDED, Tag.SONAME, Tag.RPATH, Tag.RUNPATH)]
    text = strings.names(
        {*strong.values(), *weak.values()}
        | {offset for offsets in listed for offset in offsets}
        | {offset for file, name in needs.values() for offset in (file, name)}
    )

    def texts(offsets: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(_text(text[offset]) for offset in offsets)

    needed, soname, rpath, runpath = map(texts, listed)
    named = {version: _text(text[name]) for version, (_, name) in needs.items()}
    imports = tuple(dict.fromkeys(text[offset] for offset in strong.values()))
    taken = frozenset(imports)
    return Binary(
        format=Format.ELF,
        arch=image.architecture(),
        bits=64 if layout.wide else 32,
        byteorder="big" if layout.order == ">" else "little",
        imports=imports,
        weak_imports=tuple(
            dict.fromkeys(name for offset in weak.values() if (name := text[offset]) not in taken)
        ),
        needed=needed,
        soname=soname[0] if soname else None,
        entry_points=_entry_points(image, strings),
        versions={
            text[offset]: named[version]
            for table in (weak, strong)
            for index, offset in table.items()
            if (version := versions.get(index, 0)) in named
        },
        version_needs=tuple(
            sorted({(_text(text[file]), _text(text[name])) for file, name in needs.values()})
        ),
        device_code=carries_device_code(image),
        rpaths=tuple(entry for path in rpath + runpath for entry in path.split(":") if entry),
    )


def exports(source: Readable, _binary: Binary | None = None) -> frozenset[bytes]:
    """Names that other libraries can bind to: defined, not local, not hidden.

    Raises:
        FormatError: the file is damaged.
    """
    image = open_image(source)
    if isinstance(image, NotALibrary):
        return frozenset()
    offsets: set[int] = set()
    for _, chunk in image.symbols():
        offsets.update(
            compress(
                words(image, chunk)[0 :: image.layout.symbol.size // 4], _visible(image, chunk)
            )
        )
    return frozenset(image.strings().names(offsets).values()) - {b""}


def _undefined(image: Image) -> tuple[dict[int, int], dict[int, int]]:
    """Strong and weak undefined symbols, as index to name offset."""
    unpack = image.layout.symbol.unpack_from
    entry = image.layout.symbol.size
    stride = entry // 2
    strong: dict[int, int] = {}
    weak: dict[int, int] = {}
    for first, chunk in image.symbols():
        sections = array("H", chunk)[3 if image.layout.wide else 7 :: stride]
        for position in _zeros(sections):
            name, info, _, _ = unpack(chunk, position * entry)
            if name and _BINDABLE[info]:
                (weak if info >> 4 == _STB_WEAK else strong)[first + position] = name
    return strong, weak


def _zeros(values: array[int]) -> Iterator[int]:
    """Positions of the zeros: found at C speed, since nearly all of a large table is defined."""
    position = 0
    for _ in range(values.count(0)):
        position = values.index(0, position)
        yield position
        position += 1


def _is_visible(info: int, other: int) -> bool:
    """Whether st_info and st_other are those of a symbol that other libraries can bind to."""
    return bool(_BINDABLE[info] and _SHOWN[other])


def _visible(image: Image, chunk: bytes) -> bytes:
    """For each symbol of a chunk, 1 where it is defined and other libraries can bind to it.

    Columns of the table are compared as a whole, as long integers: a hundred thousand symbols in
    the time that a loop takes for a few thousand.
    """
    entry = image.layout.symbol.size
    info, other, section = (4, 5, 6) if image.layout.wide else (12, 13, 14)
    bindable = chunk[info::entry].translate(_BINDABLE)
    shown = chunk[other::entry].translate(_SHOWN)
    low, high = (chunk[section + byte :: entry].translate(_NOT_ZERO) for byte in (0, 1))
    kept = (_number(bindable) & _number(shown)) & (_number(low) | _number(high))
    return kept.to_bytes(len(bindable), "little")


def _number(column: bytes) -> int:
    return int.from_bytes(column, "little")


def _entry_points(image: Image, strings: StringTable) -> tuple[bytes, ...]:
    """Exported ``PyInit``/``PyModExport`` names, without naming any other export."""
    found = strings.find_prefixes(_ENTRIES)
    if not found:
        return ()
    exported: set[bytes] = set()
    entry = image.layout.symbol.size
    for _, chunk in image.symbols():
        names = words(image, chunk)[0 :: entry // 4]
        for offset, name in found.items():
            position = -1
            for _ in range(names.count(offset)):
                position = names.index(offset, position + 1)
                _, info, other, section = image.layout.symbol.unpack_from(chunk, position * entry)
                if section != _SHN_UNDEF and _is_visible(info, other):
                    exported.add(name)
                    break
    return tuple(sorted(exported))


def _version_needs(image: Image) -> dict[int, tuple[int, int]]:
    """DT_VERNEED: version index to the string offsets of (library, version)."""
    tags, order = image.tags, image.layout.order
    if Tag.VERNEED not in tags or Tag.VERSYM not in tags:
        return {}
    offset, room = image.at(tags[Tag.VERNEED], "version needs")
    blob = window(image.source, offset, min(room, _VERNEED_LIMIT), "version needs")
    need, aux = Struct(order + "HHIII"), Struct(order + "IHHII")
    result: dict[int, tuple[int, int]] = {}
    at = 0
    for _ in range(tags.get(Tag.VERNEEDNUM, 0)):
        if at + need.size > len(blob):
            raise FormatError("version needs run past their segment")
        _, count, file, first, step = need.unpack_from(blob, at)
        inner = at + first
        for _ in range(count):
            if inner + aux.size > len(blob):
                raise FormatError("version needs run past their segment")
            _, _, index, name, onward = aux.unpack_from(blob, inner)
            result[index & 0x7FFF] = (file, name)
            if not onward:
                break
            inner += onward
        if not step:
            break
        at += step
    return result


def _import_versions(image: Image, indices: list[int]) -> dict[int, int]:
    """DT_VERSYM of the given symbols."""
    if not indices:
        return {}
    blob = image.table(image.tags[Tag.VERSYM], 2 * (max(indices) + 1), "symbol versions")
    versions = array("H", blob)
    if image.layout.swapped:
        versions.byteswap()
    return {index: versions[index] & 0x7FFF for index in indices}


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
