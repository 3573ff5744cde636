"""The releases of a project for a table of its history: which have no wheel that fits, and why."""

from __future__ import annotations

from torch_abi_audit.model.history import Release

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from packaging.version import Version

    from torch_abi_audit.sources.index.simple import Listed
    from torch_abi_audit.sources.index.wheels import Wheel

_OTHERS = (".egg", ".exe", ".rpm", ".msi")


def versions(files: Iterable[Listed], project: str) -> dict[Version, list[Listed]]:
    """The files of each release, oldest first; files whose version is not known are left out."""
    from packaging.version import InvalidVersion, Version

    found: dict[Version, list[Listed]] = {}
    for one in files:
        try:
            found.setdefault(Version(_version(one.filename, project)), []).append(one)
        except InvalidVersion:
            continue
    return dict(sorted(found.items()))


def gap(
    version: Version,
    files: Sequence[Listed],
    wheels: Sequence[Wheel],
    project: str,
    *,
    place: Callable[[Wheel], str],
    here: Callable[[Wheel], bool],
) -> Release:
    """A release without a wheel to audit.

    Args:
        version: The release.
        files: All files of the release.
        wheels: The wheels among them.
        project: The canonical name.
        place: The platform of a wheel.
        here: Whether a wheel is for the platform that was asked for.
    """
    why = "".join(_why(files, wheels, place, here))
    return Release(project, str(version), released(files), why=why)


def released(files: Iterable[Listed]) -> str | None:
    """The day of the first upload of the files of a release."""
    return min((one.uploaded for one in files if one.uploaded is not None), default=None)


def _why(
    files: Sequence[Listed],
    wheels: Sequence[Wheel],
    place: Callable[[Wheel], str],
    here: Callable[[Wheel], bool],
) -> Iterator[str]:
    if all(one.yanked for one in files):
        yield "yanked"
    elif not wheels:
        only = all(one.filename.lower().endswith(_OTHERS) for one in files)
        yield "only eggs or installers" if only else "only a source distribution"
    elif all(one.listed.yanked for one in wheels):
        yield "its wheels were yanked"
    elif fitting := [one for one in wheels if here(one)]:
        pythons = {tag.interpreter for one in fitting for tag in one.tags}
        yield f"wheels only for other Pythons: {', '.join(sorted(pythons, key=_natural))}"
    else:
        yield f"wheels only for {', '.join(sorted(set(map(place, wheels))))}"


def _natural(interpreter: str) -> tuple[int, str]:
    return len(interpreter), interpreter


def _version(filename: str, project: str) -> str:
    """The version in the name of a file of a project; no version if there is none."""
    name = filename
    for suffix in (".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".zip", ".whl", *_OTHERS):
        name = name.removesuffix(suffix)
    if filename.endswith((".whl", *_OTHERS)):
        parts = name[len(project) :].split("-")
        return parts[1] if len(parts) > 1 else ""
    return name[len(project) + 1 :]
