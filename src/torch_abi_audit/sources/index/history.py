"""The releases of a project for a table of its history: which have no wheel that fits, and why."""

from __future__ import annotations

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.model.history import Release

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from packaging.version import Version

    from torch_abi_audit.sources.found import Found
    from torch_abi_audit.sources.index.simple import Listed
    from torch_abi_audit.sources.index.wheels import Wheel

_OTHERS = (".egg", ".exe", ".rpm", ".msi")


def releases(
    project: str,
    files: Iterable[Listed],
    wheels: Sequence[Wheel],
    audited: Sequence[tuple[Wheel, Found | TargetError]],
    *,
    matches: Callable[[Version], bool],
    place: Callable[[Wheel], str],
    here: Callable[[Wheel], bool],
) -> Iterator[Release]:
    """Every release, oldest first: once for each of its wheels that was chosen, or else once.

    Pre-releases are left out, unless some were chosen.

    Args:
        project: The canonical name.
        files: All files of the project.
        wheels: The wheels among them.
        audited: The wheels that were chosen, and what became of them.
        matches: Whether a release was asked for.
        place: The platform of a wheel.
        here: Whether a wheel is for the platform that was asked for.
    """
    early = any(one.version.is_prerelease for one, _ in audited)
    for version, mine in _versions(files, project).items():
        day = min((one.uploaded for one in mine if one.uploaded is not None), default=None)
        taken = [each for each in audited if each[0].version == version]
        for one, got in taken:
            where = place(one)
            if isinstance(got, TargetError):
                why = str(got)
                yield Release(project, str(version), day, where, why=why, broken=True)
            else:
                yield Release(project, str(version), day, where, root=got.root)
        if not taken and matches(version) and (early or not version.is_prerelease):
            others = [one for one in wheels if one.version == version]
            yield Release(project, str(version), day, why=_why(mine, others, place, here))


def _versions(files: Iterable[Listed], project: str) -> dict[Version, list[Listed]]:
    """The files of each release, oldest first; files whose version is not known are left out."""
    from packaging.version import InvalidVersion, Version

    found: dict[Version, list[Listed]] = {}
    for one in files:
        try:
            found.setdefault(Version(_version(one.filename, project)), []).append(one)
        except InvalidVersion:
            continue
    return dict(sorted(found.items()))


def _why(
    files: Sequence[Listed],
    wheels: Sequence[Wheel],
    place: Callable[[Wheel], str],
    here: Callable[[Wheel], bool],
) -> str:
    if all(one.yanked for one in files):
        return "yanked"
    if not wheels:
        only = all(one.filename.lower().endswith(_OTHERS) for one in files)
        return "only eggs or installers" if only else "only a source distribution"
    if all(one.listed.yanked for one in wheels):
        return "its wheels were yanked"
    fitting = [one for one in wheels if here(one)]
    if fitting:
        pythons = {tag.interpreter for one in fitting for tag in one.tags}
        return f"wheels only for other Pythons: {', '.join(sorted(pythons, key=_natural))}"
    return f"wheels only for {', '.join(sorted(set(map(place, wheels))))}"


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
