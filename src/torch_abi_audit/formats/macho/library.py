"""Mach-O libraries (macOS dylibs and bundles, thin and universal), read as dyld reads them.

The symbol table lists undefined symbols; chained fixups or bind opcodes list what dyld looks up.
Tools may strip the first, and the loader uses the second: a symbol in either of them is an import.
"""

from __future__ import annotations

from bisect import bisect_left

from torch_abi_audit.formats.macho.binds import COALESCED, FLAT, SELF, Bind, bound
from torch_abi_audit.formats.macho.image import Image, open_image
from torch_abi_audit.formats.macho.slices import slices
from torch_abi_audit.formats.macho.symbols import external, external_with, undefined
from torch_abi_audit.formats.macho.trie import trie_names
from torch_abi_audit.model.binary import ENTRY_PREFIXES, Binary, Format, NotALibrary
from torch_abi_audit.model.errors import FormatError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.model.binary import Readable

_ENTRY_PREFIXES = tuple(b"_" + prefix for prefix in ENTRY_PREFIXES)


def read(source: Readable) -> tuple[Binary, ...] | NotALibrary:
    """Read what dyld would learn from each slice of a Mach-O file.

    Raises:
        FormatError: the file or one of its slices is damaged, cut short or of an unknown kind.
    """
    found = slices(source)
    if isinstance(found, NotALibrary):
        return found
    binaries: list[Binary] = []
    others: list[NotALibrary] = []
    for one in found:
        try:
            image = open_image(one)
            if isinstance(image, NotALibrary):
                others.append(image)
            else:
                binaries.append(_binary(image))
        except FormatError as error:
            if not one.offset:
                raise
            raise FormatError(f"slice at byte {one.offset}: {error}") from error
    return tuple(binaries) or others[0]


def exports(source: Readable, binary: Binary) -> frozenset[bytes]:
    """Names that other images can bind to in the slice that ``binary`` was read from.

    Raises:
        FormatError: the file is damaged, or has no such slice.
    """
    found = slices(source)
    if not isinstance(found, NotALibrary):
        for one in found:
            if one.offset == binary.offset:
                image = open_image(one)
                if isinstance(image, Image):
                    return frozenset(map(_c_name, _exported(image)))
    raise FormatError(f"the file has no library at byte {binary.offset}")


def exported(source: Readable, wanted: frozenset[bytes], binary: Binary) -> frozenset[bytes]:
    """The names in ``wanted`` that ``exports`` returns.

    Raises:
        FormatError: as ``exports`` does.
    """
    return exports(source, binary) & wanted


def exported_with(source: Readable, parts: tuple[bytes, ...], binary: Binary) -> frozenset[bytes]:
    """The names that the image at ``binary.offset`` exports and that contain one of ``parts``.

    Raises:
        FormatError: the file is damaged.
    """
    names = exports(source, binary)
    return frozenset(name for part in parts for name in names if part in name)


def _binary(image: Image) -> Binary:
    strong: dict[bytes, None] = {}
    weak: dict[bytes, None] = {}
    providers: dict[bytes, str] = {}
    for symbol, bind in _imported(image).items():
        name = _c_name(symbol)
        dylib = image.dylibs[bind.ordinal - 1] if image.two_level and bind.ordinal > 0 else None
        if dylib is not None:
            providers[name] = dylib.name
        optional = bind.weak or (dylib is not None and dylib.weak)
        (weak if optional else strong)[name] = None
    dylibs = image.dylibs
    return Binary(
        format=Format.MACHO,
        arch=image.arch,
        bits=64 if image.wide else 32,
        byteorder="big" if image.order == ">" else "little",
        imports=tuple(sorted(strong)),
        weak_imports=tuple(sorted(weak.keys() - strong)),
        needed=tuple(one.name for one in dylibs if not (one.weak or one.delayed)),
        delay_needed=tuple(one.name for one in dylibs if one.weak or one.delayed),
        soname=image.soname,
        entry_points=tuple(sorted(map(_c_name, _entry_points(image)))),
        providers=providers,
        rpaths=image.rpaths,
        min_os=image.versions.oldest,
        offset=image.source.offset,
    )


def _imported(image: Image) -> dict[bytes, Bind]:
    """The undefined symbols of the symbol table, and the symbols that dyld looks up elsewhere.

    If both list a symbol, dyld's tables decide whether it is weak and which library provides it. A
    name that only dyld's tables list, and that dyld looks up in every image, is not an import if
    the image itself defines it, as with C++ inline functions and type information.
    """
    found = undefined(image)
    anywhere: dict[bytes, Bind] = {}
    for name, bind in bound(image).items():
        listed = found.get(name)
        if listed == bind:
            continue
        if listed is not None:
            ordinal = bind.ordinal if bind.ordinal > 0 else listed.ordinal
            found[name] = Bind(ordinal, bind.weak)
        elif bind.ordinal in (FLAT, COALESCED):
            anywhere[name] = bind
        elif bind.ordinal != SELF:
            found[name] = bind
    for name in _defined(image, anywhere) if anywhere else ():
        anywhere.pop(name, None)
    return found | anywhere


def _defined(image: Image, names: Iterable[bytes]) -> Iterable[bytes]:
    """Exported names, including every one that is in ``names``."""
    if not image.exports.size:
        return external(image)
    wanted = sorted(names)

    def leads(path: bytes) -> bool:
        at = bisect_left(wanted, path)
        return at < len(wanted) and wanted[at].startswith(path)

    return trie_names(image.table(image.exports, "export trie"), leads)


def _exported(image: Image) -> Iterable[bytes]:
    """The names that dyld finds: if there is an export trie, dyld only looks there."""
    if image.exports.size:
        return trie_names(image.table(image.exports, "export trie"))
    return external(image)


def _entry_points(image: Image) -> Iterable[bytes]:
    """Exports that make the image an extension module; no other export is read."""
    if not image.exports.size:
        return external_with(image, _ENTRY_PREFIXES)

    def leads(path: bytes) -> bool:
        return path.startswith(_ENTRY_PREFIXES) or any(
            prefix.startswith(path) for prefix in _ENTRY_PREFIXES
        )

    trie = image.table(image.exports, "export trie")
    return (name for name in trie_names(trie, leads) if name.startswith(_ENTRY_PREFIXES))


def _c_name(symbol: bytes) -> bytes:
    """The C-level name: the platform's ABI puts one underscore before it."""
    return symbol.removeprefix(b"_") or symbol
