"""The names that each final torch release since 2.4.0 exports, by platform: the data of ``compat``.

Files are read on first use, and each platform's file is opened once.
``tools/generate_export_index.py`` makes them from the published wheels and documents which names it
keeps; ``export_file`` describes their format. Every function raises ``IndexFileError`` if the file
is missing or damaged, and ``KeyError`` for a platform that the index does not cover.
"""

from __future__ import annotations

from functools import cache
from itertools import islice
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
    "beginning_with",
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
    """Another name of the same entity: an overload, or the function with another signature."""

    name: bytes
    exports: Exports


def platforms() -> tuple[str, ...]:
    """The platforms that the index covers, named as in wheel tags, without a version."""
    return tuple(one.name for one in PLATFORMS)


def platform_of(format_: Format, arch: str | None) -> str | None:
    """The platform of an image (``Binary.format`` and ``arch``); None if it is not covered."""
    return index_platform(format_, arch)


def releases(platform: str) -> tuple[IndexedRelease, ...]:
    """The releases in the index, oldest first; the bits of bitmaps have this order."""
    return _file(platform).releases


def newest(platform: str) -> str:
    """The newest release in the index; later releases are unknown."""
    return releases(platform)[-1].version


def lookup(platform: str, names: Iterable[bytes]) -> Mapping[bytes, Exports]:
    """The exporters of each of ``names``; no release exports a name that is missing in the result.

    On ELF platforms, the index has torch's own names and those of libraries whose headers torch
    ships; on other platforms, every name that torch's libraries export.
    """
    return _file(platform).lookup(names)


def with_cuda(names: Iterable[bytes]) -> Mapping[bytes, Exports]:
    """The exporters of each of ``names`` in CUDA builds, which all wheels for Linux x86_64 are."""
    return lookup("linux_x86_64", names)


def exported(platform: str, name: bytes) -> bool:
    """Whether any release exports a name."""
    return name in _file(platform).lookup((name,))


def nearest(platform: str, name: bytes) -> tuple[Neighbour, ...]:
    """Exported names of the same entity with another signature, the most similar first.

    Namespaces, classes, the name and its template arguments are the same; parameters, ``const``
    and the C++11 ABI tag may differ. Empty for C names, vtables and type information.
    """
    found: dict[bytes, Exports] = {}
    for prefix in _entities(name):
        found.update(_file(platform).starting_with(prefix))
    found.pop(name, None)
    alike = sorted(found, key=lambda other: (-_common(name, other), other))
    return tuple(Neighbour(other, found[other]) for other in alike)


def beginning_with(platform: str, prefix: bytes, most: int) -> Mapping[bytes, Exports]:
    """The exporters of at most ``most`` exported names that begin with a prefix."""
    return dict(islice(_file(platform).starting_with(prefix), most))


def first_cxx11(platform: str) -> str | None:
    """The first release with the C++11 ABI's ``std::string``; all later ones have it too.

    A library that uses torch's names with the old one (``uses_old_string``) loads on none of these
    releases. None on platforms whose C++ library has only one ABI.
    """
    for release in releases(platform):
        if release.cxx11_abi:
            return release.version
    return None


def uses_old_string(name: bytes) -> bool:
    """Whether an Itanium name mentions libstdc++'s ``std::string`` from before the C++11 ABI."""
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
        raise IndexFileError(
            f"{path.name} is the export index of {file.platform}, not of {platform}"
        )
    return file


def _entities(name: bytes) -> tuple[bytes, ...]:
    """Possible prefixes of the mangled names of an entity's overloads; empty if it has none."""
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
    """Offset of the signature in a mangled name; 0 for a name without one."""
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
    """The number of bytes in the common prefix and the common suffix of two names."""
    shorter = min(len(one), len(other))
    ahead = next((i for i in range(shorter) if one[i] != other[i]), shorter)
    behind = next((i for i in range(shorter - ahead) if one[-1 - i] != other[-1 - i]), None)
    return ahead + (shorter - ahead if behind is None else behind)
