"""ELF shared objects, read the way the dynamic loader reads them.

Layouts: the System V gABI and, for symbol versions, the Linux Standard Base.
"""

from __future__ import annotations

from itertools import chain
from struct import Struct

from torch_abi_audit.formats.elf.image import Image, Tag, open_image
from torch_abi_audit.formats.elf.sections import section_names
from torch_abi_audit.formats.elf.symbols import symbols
from torch_abi_audit.formats.elf.versions import BASE, WEAK, definition_rows, need_rows
from torch_abi_audit.model.binary import (
    ENTRY_PREFIXES,
    Binary,
    Format,
    NotALibrary,
)
from torch_abi_audit.model.device_code import REGISTERING, SECTION_ENDINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch_abi_audit.model.binary import Readable
    from torch_abi_audit.model.device_code import DeviceCode

    _Needs = tuple[dict[int, tuple[int, int]], set[int]]

_DF_1_PIE = 0x08000000
_FEW = 1 << 10
"""Most names to look up one by one; for more, reading all exports is faster."""


def read(source: Readable) -> Binary | NotALibrary:
    """Read what the dynamic loader would learn from an ELF file.

    Raises:
        FormatError: the file is damaged, cut short, or of an unknown ELF class.
    """
    image = open_image(source)
    if isinstance(image, NotALibrary):
        return image
    tags, layout = image.tags, image.layout
    if tags.get(Tag.FLAGS_1, 0) & _DF_1_PIE or (image.interpreter and Tag.DEBUG in tags):
        return NotALibrary("executable")
    strong, weak = _undefined(image)
    needs, lenient = _version_needs(image)
    defined = _version_definitions(image)
    listed = [image.values(tag) for tag in (Tag.NEEDED, Tag.SONAME, Tag.RPATH, Tag.RUNPATH)]
    others = [*weak, *defined, *chain(*listed, *needs.values())]
    names, entries = image.strings().search([*strong, *others], ENTRY_PREFIXES)
    text = {offset: names[offset] for offset in others}
    for offset in text.keys() - strong:
        del names[offset]
    imports = {*names.values()}

    def texts(offsets: tuple[int, ...]) -> tuple[str, ...]:
        return tuple(_text(text[offset]) for offset in offsets)

    def pairs(versions: Iterable[tuple[int, int]]) -> tuple[tuple[str, str], ...]:
        return tuple(sorted({(_text(text[file]), _text(text[name])) for file, name in versions}))

    needed, soname, rpath, runpath = map(texts, listed)
    optional = {text[offset] for offset in weak}
    return Binary(
        format=Format.ELF,
        arch=image.architecture(),
        bits=64 if layout.wide else 32,
        byteorder="big" if layout.order == ">" else "little",
        imports=tuple(sorted(imports)),
        weak_imports=tuple(sorted(optional - imports)),
        needed=needed,
        soname=soname[0] if soname else None,
        entry_points=_entry_points(image, entries),
        version_needs=pairs(needs.values()),
        weak_version_needs=pairs(needs[index] for index in lenient) if lenient else (),
        version_definitions=texts(defined),
        executable_stack=image.executable_stack,
        device_code=_device_code(image, registers=not imports.isdisjoint(REGISTERING)),
        rpaths=tuple(entry for path in rpath + runpath if path for entry in path.split(":")),
    )


def exports(source: Readable, _binary: Binary | None = None) -> frozenset[bytes]:
    """Names that other libraries can bind to: defined, neither local nor hidden.

    Raises:
        FormatError: the file is damaged.
    """
    image = open_image(source)
    if isinstance(image, NotALibrary):
        return frozenset()
    return frozenset(image.strings().names(_exported(image)).values())


def exported(
    source: Readable, wanted: frozenset[bytes], _binary: Binary | None = None
) -> frozenset[bytes]:
    """The names in ``wanted`` that the file exports; creates no objects for other names.

    Raises:
        FormatError: the file is damaged.
    """
    image = open_image(source)
    if isinstance(image, NotALibrary):
        return frozenset()
    if len(wanted) <= _FEW:
        from torch_abi_audit.formats.elf.gnu_hash import lookup

        found = lookup(image, wanted)
        if found is not None:
            return found
    return image.strings().among(_exported(image), wanted)


def exported_with(
    source: Readable, parts: tuple[bytes, ...], _binary: Binary | None = None
) -> frozenset[bytes]:
    """The exported names that contain one of ``parts``; reads no symbols if no name does.

    Raises:
        FormatError: the file is damaged.
    """
    image = open_image(source)
    if isinstance(image, NotALibrary) or not image.strings().contains(parts):
        return frozenset()
    names = image.strings().names(_exported(image)).values()
    return frozenset(name for part in parts for name in names if part in name)


def versions(source: Readable) -> dict[bytes, str]:
    """The version of every undefined symbol that has one: ``memcpy`` to ``GLIBC_2.14``.

    Raises:
        FormatError: the file is damaged.
    """
    image = open_image(source)
    if isinstance(image, NotALibrary):
        return {}
    needs, _ = _version_needs(image)
    names: list[int] = []
    indices: list[int] = []
    for entries in symbols(image) if needs else ():
        column = entries.undefined() & entries.bindable()
        names += entries.names(column)
        indices += entries.indices(column)
    text = image.strings().names({*names}.union(*needs.values()))
    return {
        text[name]: _text(text[needs[version][1]])
        for name, version in zip(names, _version_indices(image, indices), strict=True)
        if name and version in needs
    }


def _undefined(image: Image) -> tuple[list[int], list[int]]:
    """String table offsets of the names of undefined symbols, strong and weak."""
    strong: list[int] = []
    weak: list[int] = []
    for entries in symbols(image):
        undefined = entries.undefined()
        if undefined:
            undefined &= entries.bindable()
            optional = entries.weak()
            strong += entries.names(undefined & ~optional)
            weak += entries.names(undefined & optional)
    return list(filter(None, strong)), list(filter(None, weak))


def _exported(image: Image) -> list[int]:
    """String table offsets of the names that other libraries can bind to."""
    offsets: list[int] = []
    for entries in symbols(image):
        offsets += entries.names(entries.exported())
    return list(filter(None, offsets))


def _device_code(image: Image, *, registers: bool) -> DeviceCode | None:
    """``Binary.device_code``; costs next to nothing for a library without any."""
    names = section_names(image)
    if names is not None and not registers and not any(each in names for each in SECTION_ENDINGS):
        return None
    from torch_abi_audit.formats.elf import device_code  # few libraries have any

    return device_code.of_image(image, names, registers=registers)


def _entry_points(image: Image, marked: dict[int, bytes]) -> tuple[bytes, ...]:
    """The names in ``marked``, by string table offset, that a symbol exports."""
    if not marked:
        return ()
    return tuple(sorted({marked[offset] for offset in marked.keys() & {*_exported(image)}}))


def _version_needs(image: Image) -> _Needs:
    """DT_VERNEED: version index, to the string offsets of (library, version); and the weak ones."""
    if Tag.VERSYM not in image.tags:
        return {}, set()
    rows = need_rows(image)
    needs = {index & 0x7FFF: (file, name) for file, name, _, index in rows}
    return needs, {index & 0x7FFF for _, _, flags, index in rows if flags & WEAK}


def _version_definitions(image: Image) -> tuple[int, ...]:
    """DT_VERDEF: the string offsets of the versions that the file defines, without its own name."""
    return tuple(name for name, flags, _ in definition_rows(image) if not flags & BASE)


def _version_indices(image: Image, indices: Sequence[int]) -> list[int]:
    """The DT_VERSYM entries of the given symbols."""
    if not indices:
        return []
    blob = image.table(image.tags[Tag.VERSYM], 2 * (max(indices) + 1), "symbol versions")
    found = Struct(f"{image.layout.order}{len(blob) // 2}H").unpack(blob)
    return [found[index] & 0x7FFF for index in indices]


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
