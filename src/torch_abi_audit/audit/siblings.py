"""Finds imports that another library of the same distribution provides, ahead of libtorch."""

from __future__ import annotations

from torch_abi_audit import formats
from torch_abi_audit.audit import reading
from torch_abi_audit.audit.sharing import each_file
from torch_abi_audit.judges import JUDGES
from torch_abi_audit.model.binary import Binary, Format, NotALibrary
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch_abi_audit.audit.reading import Contents, Image, Library, Unreadable
    from torch_abi_audit.model.reports import ExtensionReport
    from torch_abi_audit.sources.found import Candidate, Found

    _Offer = tuple["Provider", tuple[bytes, ...]]


@dataclass(frozen=True, slots=True)
class Provider:
    """One image of a library: the facts that decide whether another library can bind to it."""

    path: str
    """The path of its file, unique among libraries."""
    filename: str
    format: Format
    arch: str
    soname: str | None


@dataclass(frozen=True, slots=True)
class Offers:
    """The names that some libraries of a distribution export and others import."""

    providers: Mapping[bytes, tuple[Provider, ...]]
    """Name to the images that export it, for names that at least one image exports."""
    errors: Mapping[str, ExtensionReport]
    """The reports on libraries of the package whose exports cannot be read, by path."""


def offers(contents: Contents, found: Found, *, shared: bool) -> Offers:
    """Look up the imports of all libraries of a package in the libraries that may export them.

    These are the libraries of the package and the other libraries of its distribution, except
    torch's own.

    Args:
        contents: The files of the package, as read.
        found: The package.
        shared: Whether other processes may do part of the work.
    """
    images = [image for one in contents.libraries.values() for image in one.images]
    names = frozenset[bytes]().union(*(sought(image, found) for image in images))
    if not names:
        return Offers({}, {})
    places: list[Library | Candidate] = [*contents.libraries.values(), *found.siblings]
    places = [one for one in places if not reading.is_libtorch(_candidate(one), found)]
    results = each_file(
        lambda place: _look_up(place, names), places, list(map(_cost, places)), shared=shared
    )
    providers: dict[bytes, tuple[Provider, ...]] = {}
    errors: dict[str, ExtensionReport] = {}
    for place, result in zip(places, results, strict=True):
        if isinstance(result, tuple):
            for provider, exported in result:
                for name in exported:
                    providers[name] = (*providers.get(name, ()), provider)
        elif isinstance(place, reading.Library):  # only libraries of the package are reported
            candidate = place.candidate
            errors[candidate.relative] = reading.report(candidate.path, result)
    return Offers(providers, errors)


def sought(image: Image, found: Found) -> frozenset[bytes]:
    """Return the imports of an image that another library of its distribution may provide."""
    return frozenset[bytes]().union(
        *(
            judge.sought(references, found.is_torch)
            for judge, references in zip(JUDGES, image.references, strict=True)
        )
    )


def provided(
    binary: Binary, path: str, offers: Mapping[bytes, Iterable[Provider]]
) -> frozenset[bytes]:
    """Return the imports of ``binary`` that another library of its distribution provides.

    A provider must have the same format and architecture. If the import states its provider
    (Mach-O two-level names, PE), it must be that library.

    Args:
        binary: The importing library.
        path: The path of its file; a library is not its own provider.
        offers: Imports of ``binary`` to the images that export them.
    """
    kind = (binary.format, binary.arch)
    return frozenset(
        name
        for name, libraries in offers.items()
        if any(
            (one.format, one.arch) == kind
            and one.path != path
            and _may_come_from(binary, name, one)
            for one in libraries
        )
    )


def _may_come_from(binary: Binary, name: bytes, other: Provider) -> bool:
    stated = binary.providers.get(name)
    if stated is None:
        return binary.format is not Format.PE
    wanted = file_name(stated)
    if binary.format is Format.PE:
        return wanted.lower() == other.filename.lower()
    return wanted in (other.filename, file_name(other.soname or other.filename))


def _candidate(place: Library | Candidate) -> Candidate:
    return place.candidate if isinstance(place, reading.Library) else place


def _cost(place: Library | Candidate) -> int:
    """The maximum number of bytes to read; 0 if the exports are in memory."""
    if isinstance(place, reading.Library) and place.images[0].exports is not None:
        return 0
    return _candidate(place).size


def _look_up(
    place: Library | Candidate, names: frozenset[bytes]
) -> tuple[_Offer, ...] | Unreadable:
    """Return the images of a file that export some of the names, each with those names."""
    candidate = _candidate(place)
    try:
        if isinstance(place, reading.Library):
            found = [(each.binary, _exported(each, candidate, names)) for each in place.images]
        else:
            with candidate.open() as source:
                images = formats.read(source)
                if isinstance(images, NotALibrary):
                    return ()
                found = [(each, formats.exported(source, each, names)) for each in images]
    except (FormatError, OSError) as error:
        return reading.unreadable(error)
    return tuple((_provider(each, candidate), tuple(some)) for each, some in found if some)


def _exported(image: Image, candidate: Candidate, names: frozenset[bytes]) -> frozenset[bytes]:
    if image.exports is not None:
        return image.exports & names
    with candidate.open() as source:
        return formats.exported(source, image.binary, names)


def _provider(binary: Binary, candidate: Candidate) -> Provider:
    filename = candidate.relative.rpartition("/")[2]
    return Provider(candidate.path, filename, binary.format, binary.arch, binary.soname)
