"""Opens the requirements of a package: what is installed beside it, other TARGETs, or the index.

Nothing is opened before a rule asks, so a package that provides everything itself costs nothing.
"""

from __future__ import annotations

from torch_abi_audit.knowledge.names.distribution import canonical, required
from torch_abi_audit.knowledge.platforms import platform
from torch_abi_audit.sources.installed import distribution as metadata

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch_abi_audit.sources.found import Found
    from torch_abi_audit.sources.index.web import Watch

    Opener = Callable[[Found, str, bool], Found | None]
    """Opens the distribution that a ``Requires-Dist`` line of a package names; None if it is not
    there. The flag says whether it may be fetched. Raises ``TargetError`` if it cannot be read."""


def beside(found: Found, then: Opener | None = None) -> Opener | None:
    """Opens what is installed in the site-packages directory of an installed package.

    Args:
        found: The package that is audited.
        then: Asked for what is not installed there.
    """
    if found.from_archive or found.distribution is None:
        return then
    known: dict[str, metadata.Distribution] | None = None

    def open_(package: Found, line: str, fetch: bool) -> Found | None:  # noqa: FBT001
        nonlocal known
        if known is None:
            known = _installed(found.root)
        there = known.get(required(line))
        if there is not None:
            from torch_abi_audit.sources.installed.owned_files import (
                contents,
                owned_files,
            )
            from torch_abi_audit.sources.installed.owned_files import (
                package as whole,
            )

            owned = owned_files(there)
            return whole(owned, contents(owned))
        return None if then is None else then(package, line, fetch)

    return open_


def among(every: Callable[[], Iterable[Found]], then: Opener | None = None) -> Opener:
    """Opens what is another TARGET of the run, if it fits: its version, and its platform.

    Args:
        every: The packages that the TARGETs resolve to; called when the first one is asked for.
        then: Asked for what no TARGET is.
    """
    known: dict[str, list[Found]] | None = None

    def open_(package: Found, line: str, fetch: bool) -> Found | None:  # noqa: FBT001
        nonlocal known
        if known is None:
            known = {}
            for one in every():
                known.setdefault(canonical(one.distribution or ""), []).append(one)
        for one in known.get(required(line), ()):
            if _fits(one, line) and _is_for_platform_of(one, package):
                return one
        return None if then is None else then(package, line, fetch)

    return open_


def fetched(watch: Watch | None = None) -> Opener:
    """Opens wheels of the package index that pip is configured to use; only parts of them are read.

    The wheel is the one that an installer would choose for the platform and the Python of the
    package that requires it. Extras of the requirement are not followed.
    """
    known: dict[tuple[str, str | None, str | None], Found | None] = {}

    def open_(package: Found, line: str, fetch: bool) -> Found | None:  # noqa: FBT001
        if not fetch:
            return None
        place, python = _place(package)
        key = (line, place, python)
        if key not in known:
            from torch_abi_audit.sources.index.required import wheel_for

            known[key] = wheel_for(line, place, python, watch)
        return known[key]

    return open_


def _installed(root: str) -> dict[str, metadata.Distribution]:
    """The distributions of the site-packages directory that contains a package, by name."""
    from torch_abi_audit.sources.installed.packages import site_of

    site = site_of(root)
    if site is None:
        return {}
    return {one.key: one for one in metadata.installed([site])}


def _fits(found: Found, line: str) -> bool:
    """Whether a requirement admits the version of a distribution."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        specifier = Requirement(line).specifier
        return found.version is None or specifier.contains(found.version, prereleases=True)
    except InvalidRequirement:
        return False


def _is_for_platform_of(found: Found, package: Found) -> bool:
    """Whether the wheel tags of two packages have a platform in common; without tags, they may."""
    one, other = _places(found), _places(package)
    return not one or not other or not one.isdisjoint(other)


def _places(found: Found) -> frozenset[tuple[str, str]]:
    """The systems and architectures of the wheel tags; empty for ``any`` and without tags."""
    read = [platform(tag.rpartition("-")[2]) for tag in found.tags]
    return frozenset((one.system, arch) for one in read if one for arch in one.architectures)


def _place(package: Found) -> tuple[str | None, str | None]:
    """A platform tag and a Python for which a package is built; None for this machine's."""
    if not package.tags or not package.from_archive:
        return None, None
    python, abi, place = package.tags[-1].split("-", 2)
    number = python.removeprefix("cp3")
    fixed = number != python and number.isdecimal() and abi == python
    return (None if place == "any" else place), f"3.{number}" if fixed else None
