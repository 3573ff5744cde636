"""The functions that a DLL imports, and the first that is not there."""

from __future__ import annotations

from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch_abi_audit.doctor.pe.modules import Module, Wanted

_MOST_FORWARDS = 32
"""Most DLLs that a function is passed on through; the chains of Windows have three."""


class Lack(NamedTuple):
    """A function that is not there."""

    symbol: bytes
    """Its name, or ``#7`` for an ordinal."""
    dll: str
    """The DLL that should export it, as the import or the forwarder names it."""
    expected: Module


def first_lack(module: Module, load: Callable[[str, Module], Module | None]) -> Lack | None:
    """The first function that a DLL imports and that is not there; None if all are.

    Args:
        module: The DLL, with the DLLs that it is linked to.
        load: Gives the DLL that one forwards functions to, by its name; None if there is none.

    Raises:
        FormatError: a file is damaged.
        OSError: a file cannot be read.
    """
    for wanted, target in zip(module.wanted, module.linked, strict=True):
        for key in _keys(wanted):
            lack = _lack(key, wanted.dll, target, load)
            if lack is not None:
                return lack
    return None


def _keys(wanted: Wanted) -> Iterator[bytes | int]:
    yield from wanted.names
    yield from wanted.ordinals


def _lack(
    key: bytes | int, dll: str, target: Module, load: Callable[[str, Module], Module | None]
) -> Lack | None:
    for _ in range(_MOST_FORWARDS):
        found = target.export(key)
        if found is None:
            name = key if isinstance(key, bytes) else b"#%d" % key
            return Lack(name, dll, target)
        if not found:
            return None
        library, _, function = found.rpartition(b".")
        further = load(library.decode("utf-8", "surrogateescape") + ".dll", target)
        if further is None:
            return Lack(function, dll, target)
        ordinal = function.removeprefix(b"#")
        key = int(ordinal) if ordinal != function and ordinal.isdigit() else function
        dll, target = further.name, further
    name = key if isinstance(key, bytes) else b"#%d" % key
    return Lack(name, dll, target)
