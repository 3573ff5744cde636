"""Mach-O libraries (macOS dylibs and bundles, thin and universal), read as dyld reads them.

The symbol table says what is undefined, and chained fixups or bind opcodes what dyld looks up:
tools strip the first and the loader uses the second, so an import is what either of them names.
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
        FormatError: the file is damaged, or holds no such slice.
    """
    found = slices(source)
    if not isinstance(found, NotALibrary):
        for one in found:
            if one.offset == binary.offset:
                image = open_image(one)
                if isinstance(image, Image):
                    return frozenset(map(_c_name, _exported(image)))
    raise FormatError(f"no library at byte {binary.offset}")


def exported(source: Readable, wanted: frozenset[bytes], binary: Binary) -> frozenset[bytes]:
    """Those of ``wanted`` that are among ``exports``.

    Raises:
        FormatError: as ``exports`` does.
    """
    return exports(source, binary) & wanted


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
        min_os=image.min_os,
        offset=image.source.offset,
    )


def _imported(image: Image) -> dict[bytes, Bind]:
    """The union of what the symbol table leaves undefined and what dyld looks up elsewhere.

    Where both name a symbol, dyld's word on its weakness and its library counts. A name that only
    dyld's tables hold, and that it looks up in every image, is no import if the image itself
    defines it: so it is with C++ inline functions and type information.
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
    """Exported names, all those among ``names`` included."""
    if not image.exports.size:
        return external(image)
    wanted = sorted(names)

    def leads(path: bytes) -> bool:
        at = bisect_left(wanted, path)
        return at < len(wanted) and wanted[at].startswith(path)

    return trie_names(image.table(image.exports, "export trie"), leads)


def _exported(image: Image) -> Iterable[bytes]:
    """The names that dyld finds: where there is an export trie, it looks into that alone."""
    if image.exports.size:
        return trie_names(image.table(image.exports, "export trie"))
    return external(image)


def _entry_points(image: Image) -> Iterable[bytes]:
    """Exports that make an extension module, without naming any other."""
    if not image.exports.size:
        return external_with(image, _ENTRY_PREFIXES)

    def leads(path: bytes) -> bool:
        return path.startswith(_ENTRY_PREFIXES) or any(
            prefix.startswith(path) for prefix in _ENTRY_PREFIXES
        )

    trie = image.table(image.exports, "export trie")
    return (name for name in trie_names(trie, leads) if name.startswith(_ENTRY_PREFIXES))


def _c_name(symbol: bytes) -> bytes:
    """The C-level name: the platform puts one underscore before each."""
    return symbol.removeprefix(b"_") or symbol
