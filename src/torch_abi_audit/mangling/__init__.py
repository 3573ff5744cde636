# The grammars are read when a name needs them: most runs see plain nested names alone.
"""C++ manglings: whom a symbol belongs to, which names it spells, how it reads in C++.

Names are bytes as the binary holds them. ``owner`` and ``mentions`` work on the mangled name alone:
Itanium (``_Z…``, without the underscore that Mach-O adds) and MSVC (``?…``); every other name has C
linkage. Neither ever raises: what breaks the grammar owns and mentions nothing.

A qualified name is a tuple of its first two components, outermost first; of one, where it has one.
What has no identifier stands in braces, ``{operator}`` or ``{lambda}``; an unnamed namespace is
``_GLOBAL__N_1``.
"""

from __future__ import annotations

from torch_abi_audit.mangling.escaping import escape, mangled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.mangling.cursor import Name

__all__ = ["demangle", "escape", "mentions", "owner"]

_ZERO, _NINE, _K, _N, _Z = b"09KNZ"
_OF_A_TYPE = frozenset({b"TV", b"TI", b"TS", b"TT", b"TC", b"TH", b"TW"})
_OF_AN_OBJECT = frozenset({b"GV", b"GR"})
_CLONES = frozenset({b"GTt", b"GTn"})
_THUNKS = frozenset({b"Th", b"Tv"})


def owner(name: bytes) -> Name:
    """Where the declared entity lives; its own name counts as the last component.

    Vtables, type information and guards belong to what they are for, thunks to their function,
    what is local to a function to that function, a type's information to the class behind its
    pointers. Empty for C names and for what no name heads, such as the type ``void (at::Tensor)``.
    """
    if name[:2] != b"_Z":
        return _msvc_owner(name) if name[:1] == b"?" else ()
    # Nearly every name starts with two plain components: read here, they cost a tenth of what the
    # whole grammar does, and there may be 25,000 of them.
    try:
        if name[2] == _N:
            pos = 4 if name[3] == _K else 3
        elif name[2] not in b"TGZ" or not (pos := _nested(name)):
            return _itanium_owner(name)
        first = b""
        while True:
            length = name[pos] - _ZERO
            if 0 < length <= 9:
                pos += 1
                digit = name[pos] - _ZERO
                if 0 <= digit <= 9:
                    length = length * 10 + digit
                    pos += 1
                end = pos + length
                if end >= len(name) or _ZERO <= name[pos] <= _NINE:  # cut short; above 99
                    break
                if first:
                    return first, name[pos:end]
                first = name[pos:end]
                pos = end
            elif not first and name[pos : pos + 2] == b"St":
                first = b"std"
                pos += 2
            else:
                break
    except IndexError:
        return ()
    return _itanium_owner(name)


def mentions(name: bytes) -> frozenset[Name]:
    """Every qualified name that the demangled text spells, at its outermost level.

    The entity itself, the types of its signature, template arguments, what expressions name:
    ``foo::at::z(torch::Library&)`` mentions ``foo::at`` and ``torch::Library``. Of a name that
    nests too deep to be read to its end, those up to there.
    """
    if name[:2] == b"_Z":
        from torch_abi_audit.mangling.itanium.names import mentions as read
    elif name[:1] == b"?":
        from torch_abi_audit.mangling.msvc import mentions as read
    else:
        return frozenset()
    return read(name)


def prepare() -> None:
    """Import what nearly every library asks for, for processes that are about to part."""
    from torch_abi_audit.mangling.itanium import names  # noqa: F401


def demangle(names: Iterable[bytes]) -> list[str]:
    """Text for each name, in order, escaped; a name without a mangling stands as it is."""
    listed = list(names)
    if not any(name.startswith((b"_", b"?")) for name in listed):
        return mangled(listed)
    from torch_abi_audit.mangling.spelling import demangle as read

    return read(listed)


def _itanium_owner(name: bytes) -> Name:
    from torch_abi_audit.mangling.itanium.names import owner as read

    return read(name)


def _msvc_owner(name: bytes) -> Name:
    from torch_abi_audit.mangling.msvc import owner as read

    return read(name)


def _nested(name: bytes) -> int:
    """Where the first component of a nested name begins, behind all that may stand before it.

    Scopes of functions, tables and type information (through pointers and const), guards, clones,
    thunks. 0 where a name begins in another way, and is for the grammar to read.
    """
    pos = 2
    while name[pos] != _N:
        kind = name[pos : pos + 2]
        if kind in _OF_A_TYPE:
            pos += 2
            while name[pos] in b"PROK":
                pos += 1
        elif kind in _OF_AN_OBJECT:
            pos += 2
        elif kind[0] == _Z:
            pos += 1
        elif kind in _THUNKS:
            pos = _behind_offset(name, pos + 2)
            if pos and kind == b"Tv":
                pos = _behind_offset(name, pos)
            if not pos:
                return 0
        elif name[pos : pos + 3] in _CLONES:
            pos += 3
        else:
            return 0
    pos += 1
    while name[pos] in b"rVKRO":
        pos += 1
    return pos


def _behind_offset(name: bytes, pos: int) -> int:
    """Where ``16_`` or ``n24_``, an offset of a thunk, ends; 0 where there is none."""
    end = name.find(b"_", pos)
    return end + 1 if name[pos:end].removeprefix(b"n").isdigit() else 0
