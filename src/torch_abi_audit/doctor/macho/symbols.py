"""Where dyld looks up the names that an image imports, and the first that it does not find.

From ``resolveSymbol`` and ``hasExportedSymbol`` of dyld's ``Loader.cpp``.
"""

from __future__ import annotations

from typing import NamedTuple

from torch_abi_audit.doctor.macho import wording
from torch_abi_audit.formats.macho.binds import COALESCED, EXECUTABLE, FLAT, SELF
from torch_abi_audit.formats.macho.linking import imported
from torch_abi_audit.knowledge.names.python import is_libpython
from torch_abi_audit.knowledge.torch_namespaces import owns_c_name
from torch_abi_audit.knowledge.torch_shims import shim_names
from torch_abi_audit.mangling import owner
from torch_abi_audit.model.paths import file_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch_abi_audit.doctor.macho.images import Loaded
    from torch_abi_audit.formats.macho.binds import Bind

_STANDARD = frozenset({b"std", b"__cxxabiv1", b"__gnu_cxx"})
"""Namespaces of the C++ runtime, which is macOS' own."""
_PYTHON = (b"_Py", b"__Py")
_START = b"_Py_Initialize"
"""A name that the interpreter exports, by which it is recognised."""


class Lack(NamedTuple):
    """A name that dyld does not find."""

    symbol: bytes
    """As linkers spell it."""
    text: str
    """What dyld says."""
    expected: Loaded | None = None
    """The library that should have it."""
    asked: str | None = None
    """The name under which the image is linked to that library."""


class Images(NamedTuple):
    """The images that a name may be looked up in."""

    loaded: Sequence[Loaded]
    """In load order; the program comes first if there is one."""
    program: Loaded | None
    """None if the program cannot be seen."""


def first_lack(image: Loaded, images: Images) -> Lack | None:
    """The first name that dyld does not find for an image; None if it finds all.

    Raises:
        FormatError: a file is damaged.
        OSError: a file cannot be read.
    """
    if image.image is None:
        return None
    wanted = imported(image.image)
    missing: dict[bytes, Lack] = {}
    for ordinal, names in _by_ordinal(wanted).items():
        missing.update(_lacks(ordinal, names, image, images))
    return next((missing[name] for name in wanted if name in missing), None)


def _by_ordinal(wanted: Mapping[bytes, Bind]) -> dict[int, list[bytes]]:
    """The names that may not be missing, by the library in which they are looked up."""
    found: dict[int, list[bytes]] = {}
    for name, bind in wanted.items():
        if not bind.weak:
            found.setdefault(bind.ordinal, []).append(name)
    return found


def _lacks(
    ordinal: int, names: list[bytes], image: Loaded, images: Images
) -> Iterable[tuple[bytes, Lack]]:
    if ordinal == FLAT:
        for name in _not_in_any(names, image, images, images.loaded):
            yield name, Lack(name, wording.not_flat(_text(name)))
        return
    if ordinal == COALESCED:
        unifying = [one for one in images.loaded if one.image is None or one.image.weak_definitions]
        for name in _not_in_any(names, image, images, unifying):
            yield name, Lack(name, wording.not_defined(_text(name), image))
        return
    target, asked = _target(ordinal, image, images)
    if target is image and ordinal == EXECUTABLE:
        return
    absent = names if target is None else _not_in(target, names)
    for name in absent:
        yield name, Lack(name, wording.not_found(_text(name), image, target), target, asked)


def _target(ordinal: int, image: Loaded, images: Images) -> tuple[Loaded | None, str | None]:
    """The library of an ordinal, and the name under which the image is linked to it."""
    if ordinal == SELF:
        return image, None
    if ordinal == EXECUTABLE:
        return images.program or image, None  # the image itself: nothing is known
    dylibs = image.image.dylibs if image.image is not None else ()
    return _linked(image, ordinal), dylibs[ordinal - 1].name


def _not_in(target: Loaded, names: Sequence[bytes]) -> list[bytes]:
    """The names that neither a library has, nor what it re-exports, as far as that is seen."""
    found = _found(target, names)
    return [name for name in names if name not in found]


def _found(target: Loaded, names: Sequence[bytes]) -> set[bytes]:
    """The names that a library has, or what it re-exports; all where a file is not seen."""
    found: set[bytes] = set()
    seen: set[tuple[int, bytes, bytes]] = set()
    pending = [(target, [(name, name) for name in names])]  # each with the name that it is for
    while pending:
        image, pairs = pending.pop()
        pairs = [pair for pair in pairs if pair[1] not in found and (id(image), *pair) not in seen]
        seen.update((id(image), *pair) for pair in pairs)
        if image.image is None:
            found.update(origin for _, origin in pairs)
        if image.image is None or not pairs:
            continue
        known = image.exports([name for name, _ in pairs])
        lacking = []
        for name, origin in pairs:
            export = known[name]
            if export is None:
                lacking.append((name, origin))
            elif export.ordinal is None:
                found.add(origin)
            elif other := _linked(image, export.ordinal):
                pending.append((other, [(export.name, origin)]))
        if lacking:
            pending += [(other, lacking) for other in _reexported(image)]
    return found


def _linked(image: Loaded, ordinal: int) -> Loaded | None:
    """The library at a 1-based position; None if there is none or it is missing."""
    linked = image.dependents or ()
    return linked[ordinal - 1] if 0 < ordinal <= len(linked) else None


def _reexported(image: Loaded) -> list[Loaded]:
    dylibs = image.image.dylibs if image.image is not None else ()
    both = zip(dylibs, image.dependents or (), strict=False)  # they may not be looked for yet
    return [one for dylib, one in both if dylib.reexported and one is not None]


def _not_in_any(
    names: list[bytes], image: Loaded, images: Images, searched: Iterable[Loaded]
) -> list[bytes]:
    """The names that no image has, without those that a file that is not seen may have."""
    left = names
    for one in searched:
        if left and (one is image or not one.hidden) and one.image is not None:
            known = one.exports(left)
            own = {name for name in left if (export := known[name]) and export.ordinal is None}
            lent = [name for name in left if (export := known[name]) and export.ordinal is not None]
            own |= _found(one, lent) if lent else set()
            left = [name for name in left if name not in own]
    if not left or any(one.is_unseen for one in images.loaded):
        return []
    interpreter = any(_is_interpreter(one) for one in images.loaded)
    return [name for name in left if not _may_be_unseen(name, interpreter=interpreter)]


def _is_interpreter(image: Loaded) -> bool:
    return image.image is not None and image.exports([_START]).get(_START) is not None


def _may_be_unseen(name: bytes, *, interpreter: bool) -> bool:
    """Whether macOS, or an interpreter that is not seen, may export a name.

    The C++ names of libraries of macOS are those of the standard library; its C names are many.
    """
    if name.startswith(_PYTHON):
        return not interpreter
    plain = name.removeprefix(b"_")
    if plain.startswith(b"_Z"):
        named = owner(plain)
        return not named or named[0] in _STANDARD or named[0].startswith(b"{")
    return not (owns_c_name(plain) or plain in shim_names())


def is_python(image: Loaded) -> bool:
    """Whether an image is Python's library, by its name."""
    return is_libpython(file_name(image.path))


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
