"""What every final torch release since 2.4.0 exports, by platform: the data behind ``compat``.

Nothing is read before it is asked for, and each platform's file is opened once. The files are made
from the published wheels by ``tools/generate_export_index.py``, which says what is kept of them;
their format is described in ``export_file``. Every function raises ``IndexFileError`` for a file
that is missing or damaged, and ``KeyError`` for a platform that is not covered.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from torch_abi_audit.knowledge.export_file import (
    NOWHERE,
    ExportFile,
    Exports,
    IndexedRelease,
    IndexFileError,
)
from torch_abi_audit.knowledge.platforms import PLATFORMS, index_platform
from torch_abi_audit.mangling import mentions, msvc
from torch_abi_audit.mangling.itanium import names as itanium

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch_abi_audit.model.binary import Format

__all__ = [
    "NOWHERE",
    "Exports",
    "IndexFileError",
    "IndexedRelease",
    "Neighbour",
    "exported",
    "first_cxx11",
    "lookup",
    "nearest",
    "newest",
    "platform_of",
    "platforms",
    "releases",
    "uses_old_string",
    "with_cuda",
]

DATA = Path(__file__).parents[1] / "data"

_CXX11_TAG = b"B5cxx11E"


class Neighbour(NamedTuple):
    """A name of the same entity as another: an overload, or the same with a changed signature."""

    name: bytes
    exports: Exports


def platforms() -> tuple[str, ...]:
    """The platforms that the index covers, as wheel tags have them, without a version."""
    return tuple(one.name for one in PLATFORMS)


def platform_of(format_: Format, arch: str | None) -> str | None:
    """The platform that an image (``Binary.format`` and ``arch``) is for; None: not covered."""
    return index_platform(format_, arch)


def releases(platform: str) -> tuple[IndexedRelease, ...]:
    """The releases that the index knows, oldest first; bitmaps count in this order."""
    return _file(platform).releases


def newest(platform: str) -> str:
    """The newest release that the index knows: what came later is unknown to it."""
    return releases(platform)[-1].version


def lookup(platform: str, names: Iterable[bytes]) -> Mapping[bytes, Exports]:
    """Who exports each of ``names``; a name that is missing here is exported by no release.

    On ELF, of what does not belong to torch only the names of libraries whose headers torch ships
    are known; on the others, every name that torch's libraries export.
    """
    return _file(platform).lookup(names)


def with_cuda(names: Iterable[bytes]) -> Mapping[bytes, Exports]:
    """Who exports each of ``names`` in builds with CUDA: on Linux x86_64 every build is one."""
    return lookup("linux_x86_64", names)


def exported(platform: str, name: bytes) -> bool:
    """Whether any release exports a name."""
    return name in _file(platform).lookup((name,))


def nearest(platform: str, name: bytes) -> tuple[Neighbour, ...]:
    """What any release exports of the same entity with another signature, most alike first.

    Namespaces, classes, the name and its template arguments are the same; parameters, ``const``
    and the C++11 ABI tag may differ. Empty for C names, vtables and type information.
    """
    found: dict[bytes, Exports] = {}
    for prefix in _entities(name):
        found.update(_file(platform).starting_with(prefix))
    found.pop(name, None)
    alike = sorted(found, key=lambda other: (-_common(name, other), other))
    return tuple(Neighbour(other, found[other]) for other in alike)


def first_cxx11(platform: str) -> str | None:
    """The first of the releases with the C++11 ABI's ``std::string``, which no later one left.

    A library that ``uses_old_string`` in torch's names loads on none of them. None where the
    question does not arise: the platform's C++ library has one ABI.
    """
    for release in releases(platform):
        if release.cxx11_abi:
            return release.version
    return None


def uses_old_string(name: bytes) -> bool:
    """Whether an Itanium name speaks of libstdc++'s ``std::string`` of before the C++11 ABI."""
    return b"Ss" in name and (b"std", b"basic_string") in mentions(name)


@cache
def _file(platform: str) -> ExportFile:
    if platform not in platforms():
        raise KeyError(platform)
    path = DATA / f"exports-{platform}.idx"
    try:
        file = ExportFile(path.read_bytes())
    except OSError as error:
        raise IndexFileError(f"the export index cannot be read: {error}") from error
    if file.platform != platform:
        raise IndexFileError(f"{path.name} is the export index of {file.platform}")
    return file


def _entities(name: bytes) -> tuple[bytes, ...]:
    """How the mangled names of an entity's overloads may begin; empty for what has none."""
    end = _entity_end(name)
    if not 0 < end < len(name):
        return ()
    prefix = name[:end]
    if not prefix.startswith(b"_ZN"):
        return (prefix,)
    path = prefix[4:] if prefix.startswith(b"_ZNK") else prefix[3:]
    plain = path.removesuffix(_CXX11_TAG) + b"E" if path.endswith(_CXX11_TAG) else path
    paths = (plain, plain[:-1] + _CXX11_TAG)
    return tuple(start + path for start in (b"_ZN", b"_ZNK") for path in paths)


def _entity_end(name: bytes) -> int:
    """Where a mangled name's signature begins; 0 for a name with none."""
    if name.startswith(b"?"):
        readers: tuple[itanium.Reader | msvc.Reader, ...] = (msvc.Reader(name, 0),)
    elif name.startswith(b"_Z"):
        readers = tuple(itanium.Reader(name, 2, clang=clang) for clang in (False, True))
    else:
        return 0
    for reader in readers:
        try:
            reader.entity()
        except (ValueError, IndexError):
            continue
        return reader.pos
    return 0


def _common(one: bytes, other: bytes) -> int:
    """How many bytes two names share at their beginning and at their end."""
    shorter = min(len(one), len(other))
    ahead = next((i for i in range(shorter) if one[i] != other[i]), shorter)
    behind = next((i for i in range(shorter - ahead) if one[-1 - i] != other[-1 - i]), None)
    return ahead + (shorter - ahead if behind is None else behind)
