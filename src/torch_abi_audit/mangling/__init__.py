# The grammars are read when a name needs them: most runs see plain nested names alone.
# ruff: noqa: PLC0415
"""C++ manglings: whom a symbol belongs to, which names it spells, how it reads in C++.

Names are bytes as the binary holds them. ``owner`` and ``mentions`` work on the mangled name alone:
Itanium (``_Z…``, without the underscore that Mach-O adds) and MSVC (``?…``); every other name has C
linkage. Neither ever raises: what breaks the grammar owns and mentions nothing.

A qualified name is a tuple of its first two components, outermost first; of one, where it has one.
What has no identifier stands in braces, ``{operator}`` or ``{lambda}``; an unnamed namespace is
``_GLOBAL__N_1``.
"""

from __future__ import annotations

from functools import cache

from .escaping import escape, mangled

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from .cursor import Name

__all__ = ["demangle", "escape", "mangled", "mentions", "owner"]

_ZERO, _NINE, _K, _N = b"09KN"
_PREFIXED = b"TGZ"


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
        elif name[2] in _PREFIXED and (match := _nested().match(name)):
            pos = match.end()
        else:
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
        from .itanium import mentions as read
    elif name[:1] == b"?":
        from .msvc import mentions as read
    else:
        return frozenset()
    return read(name)


def demangle(names: Iterable[bytes]) -> list[str]:
    """Text for each name, in order, escaped; a name without a mangling stands as it is."""
    listed = list(names)
    if not any(name.startswith((b"_", b"?")) for name in listed):
        return mangled(listed)
    from .spelling import demangle as read

    return read(listed)


def _itanium_owner(name: bytes) -> Name:
    from .itanium import owner as read

    return read(name)


def _msvc_owner(name: bytes) -> Name:
    from .msvc import owner as read

    return read(name)


@cache
def _nested() -> re.Pattern[bytes]:
    """Everything that may stand before the `N` of a nested name.

    Scopes of functions, tables and type information (through pointers and const), guards, clones,
    thunks. Possessive: linear.
    """
    import re

    return re.compile(
        rb"_Z(?:Z|T[VISTCHW][PROK]*+|G[VR]|GT[tn]|Thn?\d++_|Tvn?\d++_n?\d++_)*+N[rVKRO]*+"
    )
