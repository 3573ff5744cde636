"""What LIEF reads from a Mach-O file, in the terms of the model: an oracle for our reader."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import lief

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_TYPE = lief.MachO.LoadCommand.TYPE
_LATER = {_TYPE.LOAD_WEAK_DYLIB, _TYPE.LAZY_LOAD_DYLIB}
_WEAK_REF = 0x40


class Facts(NamedTuple):
    offset: int
    imports: tuple[bytes, ...]
    weak_imports: tuple[bytes, ...]
    exports: frozenset[bytes]
    needed: tuple[str, ...]
    delay_needed: tuple[str, ...]
    providers: dict[bytes, str]
    """Import to library, for the names whose binding states one."""


def facts(path: Path) -> list[Facts]:
    """The facts of each slice: undefined symbols of the symbol table, exports of the trie."""
    fat = lief.MachO.parse(str(path))  # owns the slices, so it must outlive them
    assert fat is not None, path
    return [_facts(fat.at(index)) for index in range(fat.size)]


def _facts(one: lief.MachO.Binary | None) -> Facts:
    assert one is not None
    undefined = [symbol for symbol in one.symbols if int(symbol.raw_type) & 0xEF == 1]
    libraries = [entry for entry in one.libraries if entry.command != _TYPE.ID_DYLIB]
    trie = one.dyld_exports_trie or one.dyld_info
    bindings = one.dyld_info or one.dyld_chained_fixups
    providers = {
        _name(entry.symbol): entry.library.name
        for entry in (bindings.bindings if bindings else ())
        if not _coalesces(entry) and entry.library and entry.symbol
    }
    return Facts(
        offset=one.fat_offset,
        imports=_sorted(one for one in undefined if not one.description & _WEAK_REF),
        weak_imports=_sorted(one for one in undefined if one.description & _WEAK_REF),
        exports=frozenset(_name(entry.symbol) for entry in (trie.exports if trie else ())),
        needed=tuple(str(entry.name) for entry in libraries if entry.command not in _LATER),
        delay_needed=tuple(str(entry.name) for entry in libraries if entry.command in _LATER),
        providers={name: str(library) for name, library in providers.items()},
    )


def _coalesces(entry: lief.MachO.BindingInfo) -> bool:
    """Whether a binding is a weak bind of LC_DYLD_INFO, which does not require the symbol."""
    weak = lief.MachO.DyldBindingInfo.CLASS.WEAK
    return isinstance(entry, lief.MachO.DyldBindingInfo) and entry.binding_class == weak


def _sorted(symbols: Iterable[lief.MachO.Symbol]) -> tuple[bytes, ...]:
    return tuple(sorted(map(_name, symbols)))


def _name(symbol: lief.MachO.Symbol | None) -> bytes:
    assert symbol is not None
    name = symbol.name
    raw = name.encode("utf-8", "surrogateescape") if isinstance(name, str) else bytes(name)
    return raw.removeprefix(b"_")
