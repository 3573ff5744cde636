# The grammars are imported when a name needs them: most runs only see plain nested names.
"""C++ name mangling: the owner of a symbol, the names that it mentions, and its demangled text.

Names are bytes, as in the binary. ``owner`` and ``mentions`` work on the mangled name: Itanium
(``_Z…``, without the underscore that Mach-O adds) and MSVC (``?…``); every other name has C
linkage. Neither of them raises: a name that breaks the grammar has no owner and mentions nothing.

A qualified name is a tuple of its first two components, outermost first, or of its only one.
Components without an identifier are in braces, ``{operator}`` or ``{lambda}``; an unnamed namespace
is ``_GLOBAL__N_1``.
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
    """The qualified name of the declared entity, up to two components.

    Vtables, type information and guards belong to their entity, thunks to their function, local
    entities to the enclosing function, and type information of a pointer to the class that it
    points to. Empty for C names and for entities without a name, such as type information of
    ``void (at::Tensor)``.
    """
    if name[:2] != b"_Z":
        return _msvc_owner(name) if name[:1] == b"?" else ()
    # Nearly every name starts with two plain components: reading them here takes a tenth of the
    # time of the whole grammar, and there may be 25,000 names.
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
    """Every qualified name in the demangled text, up to two components each.

    The entity itself, the types in its signature, template arguments, names in expressions:
    ``foo::at::z(torch::Library&)`` mentions ``foo::at`` and ``torch::Library``. If a name nests too
    deep, the result has the names up to that point.
    """
    if name[:2] == b"_Z":
        from torch_abi_audit.mangling.itanium.names import mentions as read
    elif name[:1] == b"?":
        from torch_abi_audit.mangling.msvc import mentions as read
    else:
        return frozenset()
    return read(name)


def prepare() -> None:
    """Import the grammar that nearly every library needs, before the process forks."""
    from torch_abi_audit.mangling.itanium import names  # noqa: F401


def demangle(names: Iterable[bytes]) -> list[str]:
    """The demangled text of each name, in order, escaped; other names are only escaped."""
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
    """Offset of the first component of a nested name, after all prefixes.

    Prefixes are function scopes, vtables and type information (through pointers and const), guards,
    clones and thunks. 0 if a name begins in another way, which only the full grammar can read.
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
    """Offset of the end of a thunk's offset, such as ``16_`` or ``n24_``; 0 if there is none."""
    end = name.find(b"_", pos)
    return end + 1 if name[pos:end].removeprefix(b"n").isdigit() else 0
