"""Judges each library from its images and from what its siblings provide."""

from __future__ import annotations

from torch_abi_audit.audit.sharing import each_file
from torch_abi_audit.audit.siblings import provided, sought
from torch_abi_audit.judges import JUDGES
from torch_abi_audit.judges.interface import Case, Names
from torch_abi_audit.mangling import escape
from torch_abi_audit.model.reports import ExtensionReport, SliceReport
from torch_abi_audit.runtime.records import late_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from torch_abi_audit.audit.reading import Contents, Image, Library
    from torch_abi_audit.audit.siblings import Offers
    from torch_abi_audit.model.device_code import DeviceCode
    from torch_abi_audit.sources.found import Candidate, Found

_NAME = 1 << 16
"""Number of bytes that can be read in the time that demangling one name takes."""


def judged(
    contents: Contents, offers: Offers, found: Found, names: Names, *, shared: bool
) -> dict[str, ExtensionReport]:
    """Return the report on every library of a package by path, including unreadable ones.

    Args:
        contents: The files of the package, as read.
        offers: The names that its libraries provide to each other.
        found: The package.
        names: The names that the verdicts must contain.
        shared: Whether other processes may judge some libraries.
    """
    releases = {
        contents.libraries[path].candidate.path: release
        for path, release in contents.variants.items()
        if path in contents.libraries
    }

    def judge(library: Library) -> ExtensionReport:
        candidate = library.candidate
        release = releases.get(candidate.path)
        others = {path for path, one in releases.items() if release is not None and one != release}
        slices = [
            _slice(image, candidate, offers, found, names, others) for image in library.images
        ]
        return _report(library, slices, release.text if release is not None else None)

    errors = {**contents.errors, **offers.errors}
    libraries = [one for path, one in contents.libraries.items() if path not in errors]
    costs = [_cost(one, names) for one in libraries]
    reports = each_file(judge, libraries, costs, shared=shared)
    paths = (one.candidate.relative for one in libraries)
    return {**errors, **dict(zip(paths, reports, strict=True))}


def _cost(library: Library, names: Names) -> int:
    if names is not Names.ALL:
        return 0
    return _NAME * sum(len(each) for image in library.images for each in image.references)


def _slice(
    image: Image,
    candidate: Candidate,
    offers: Offers,
    found: Found,
    names: Names,
    others: Collection[str],
) -> SliceReport:
    """Judge one image; ``others`` are the paths of the variants for other torch releases."""
    binary = image.binary
    asked = offers.providers.keys() & sought(image, found)
    offered = {name: offers.providers[name] for name in asked}
    resolved = provided(binary, candidate.path, offered)
    apart: frozenset[bytes] = frozenset()
    if others and resolved:
        beside = {
            name: [one for one in offered[name] if one.path not in others] for name in resolved
        }
        apart = resolved - provided(binary, candidate.path, beside)
    filename = candidate.relative.rpartition("/")[2]
    verdicts = {
        judge.key: judge.judge(
            Case(binary, references, resolved, filename, names, apart, image.shown)
        )
        for judge, references in zip(JUDGES, image.references, strict=True)
    }
    return SliceReport(arch=binary.arch, **verdicts)


def _device_code(images: Sequence[Image]) -> DeviceCode | None:
    """That of all images, although only universal Mach-O files have several, and those none."""
    held = [one for image in images if (one := image.binary.device_code) is not None]
    if len(held) < 2:
        return held[0] if held else None
    from torch_abi_audit.formats.device_code.collect import merged  # for no common file

    return merged(held)


def _report(library: Library, slices: list[SliceReport], variant: str | None) -> ExtensionReport:
    images, first = library.images, library.images[0].binary
    return ExtensionReport(
        path=late_path(library.candidate.path),
        format=first.format,
        arch=first.arch if len(images) == 1 else "universal",
        needed=tuple(dict.fromkeys(name for image in images for name in image.binary.needed)),
        entry_points=tuple(
            sorted({escape(name) for image in images for name in image.binary.entry_points})
        ),
        variant=variant,
        slices=tuple(slices) if len(slices) > 1 else (),
        linkage=tuple(image.linkage for image in images),
        device_code=_device_code(images),
        **{judge.key: judge.worst(slices) for judge in JUDGES},  # type: ignore[arg-type]
    )
