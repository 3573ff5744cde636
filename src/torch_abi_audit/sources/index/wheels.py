"""``pypi:NAME…`` as a TARGET: wheels of a project, found through the user's pip configuration.

Only wheels are read; nothing is built, installed or executed. A file on a server is read in ranges
if the server supports them.
"""

from __future__ import annotations

import re
import sys

from torch_abi_audit.knowledge.platforms import LEGACY_GLIBC
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.runtime.records import dataclass, replace
from torch_abi_audit.sources.archives.wheel import wheel
from torch_abi_audit.sources.index.pip_config import pip_config
from torch_abi_audit.sources.index.remote_file import opener
from torch_abi_audit.sources.index.simple import Listed, listing
from torch_abi_audit.sources.index.web import Web, ignore
from torch_abi_audit.sources.naming import INDEX_PREFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from packaging.tags import Tag
    from packaging.version import Version

    from torch_abi_audit.model.history import Release
    from torch_abi_audit.sources.found import Found
    from torch_abi_audit.sources.index.web import Watch

_LINUX = re.compile(r"(many|musl)linux_(\d+)_(\d+)_(\w+)")
_NEWEST_GLIBC, _NEWEST_MUSL, _NEWEST_MACOS = 60, 5, (40, 0)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of a project's wheels to audit."""

    platform: str | None = None
    """A platform tag; or ``linux_x86_64``, ``macosx_arm64`` or ``musllinux_x86_64``, without a
    version, for the newest of its kind; None for this machine."""
    python: str | None = None
    """Such as ``3.12``; None for the running Python, or else the newest Python with a wheel."""
    all_platforms: bool = False
    history: bool = False
    """Whether to audit the wheels of every release, oldest first."""
    told: Callable[[Release], None] | None = None
    """Called with every release, oldest first, if ``history`` is set."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel that an index lists, with its parsed name."""

    listed: Listed
    version: Version
    tags: frozenset[Tag]


def wheels(target: str, choice: Choice, watch: Watch = ignore) -> Iterator[Found | TargetError]:
    """The packages that a target ``pypi:…`` selects.

    If several wheels are selected, a ``TargetError`` stands in for each that cannot be read.

    Raises:
        TargetError: the target is malformed, no project or wheel matches it, the index cannot be
            reached, or the only wheel cannot be read.
    """
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        wanted = Requirement(target.removeprefix(INDEX_PREFIX))
    except InvalidRequirement as error:
        raise TargetError(
            f"{target} is not a valid target: write pypi:NAME, pypi:NAME==VERSION or another "
            "version specifier"
        ) from error
    if wanted.url or wanted.extras or wanted.marker:
        raise TargetError(
            f"{target} is not a valid target: only a name and a version specifier can follow pypi:"
        )
    config = pip_config()
    web = Web(config, watch)
    project = canonicalize_name(wanted.name)
    files = listing(project, config, web)
    known = [one for each in files if (one := _read(each, project)) is not None]
    if not known:
        what = "only other files, such as source distributions" if files else "no files"
        raise TargetError(f"{project} has no wheels: the index lists {what}")
    pinned = any(one.operator in {"==", "==="} for one in wanted.specifier)
    fitting = [
        one
        for one in known
        if wanted.specifier.contains(one.version, prereleases=True)
        and (pinned or not one.listed.yanked)
    ]
    final = [one for one in fitting if not one.version.is_prerelease]
    if not (config.pre or wanted.specifier.prereleases) and final:
        fitting = final
    if not fitting:
        newest = max(one.version for one in known)
        raise TargetError(f"no wheel of {project} matches {wanted}: the newest is {newest}")
    chosen, note = _chosen(fitting, choice, project)
    audited: list[tuple[Wheel, Found | TargetError]] = []
    for one in chosen:
        try:
            found = _opened(one.listed, web)
        except TargetError as error:
            if len(chosen) == 1:
                raise
            audited.append((one, error))
            yield error
        else:
            audited.append((one, found))
            yield replace(found, notes=(*found.notes, *note))
    if choice.history and choice.told is not None:
        from torch_abi_audit.sources.index import history

        places = {"any", *_accepted(choice.platform)}
        for release in history.releases(
            project,
            files,
            known,
            audited,
            matches=lambda version: wanted.specifier.contains(version, prereleases=True),
            place=_place,
            here=lambda one: any(tag.platform in places for tag in one.tags),
        ):
            choice.told(release)


def _opened(listed: Listed, web: Web) -> Found:
    if listed.is_local:
        return wheel(listed.url)
    place = f"{INDEX_PREFIX}{listed.filename}"
    return wheel(place, opener(web, listed.url, listed.size, listed.sha256))


def _read(listed: Listed, project: str) -> Wheel | None:
    if not listed.filename.endswith(".whl"):
        return None
    from packaging.utils import InvalidWheelFilename, parse_wheel_filename

    try:
        name, version, _, tags = parse_wheel_filename(listed.filename)
    except InvalidWheelFilename:
        return None
    return Wheel(listed, version, tags) if name == project else None


def _chosen(
    fitting: Sequence[Wheel], choice: Choice, project: str
) -> tuple[list[Wheel], tuple[str, ...]]:
    """The wheels to audit, and the notes that apply to all of them."""
    versions = sorted({one.version for one in fitting})
    if not choice.history:
        versions = versions[-1:] if choice.all_platforms else versions[::-1]
    chosen: list[Wheel] = []
    notes: tuple[str, ...] = ()
    for version in versions:
        group = [one for one in fitting if one.version == version]
        if choice.all_platforms:
            chosen += _one_each(group, choice)
            continue
        best, note = _best(group, choice)
        if best is not None:
            chosen.append(best)
            notes = notes or note
        if chosen and not choice.history:
            break
    if not chosen:
        where = choice.platform or "this machine"
        python = f" and Python {choice.python}" if choice.python else ""
        newest = [one for one in fitting if one.version == max(each.version for each in fitting)]
        raise TargetError(
            f"{project} has no wheel for {where}{python}; {newest[0].version} has wheels for "
            f"{_platforms(newest)}"
        )
    return chosen, notes


def _best(group: Sequence[Wheel], choice: Choice) -> tuple[Wheel | None, tuple[str, ...]]:
    """The wheel that an installer would choose; for another Python if none was asked for."""
    asked = choice.python or f"{sys.version_info[0]}.{sys.version_info[1]}"
    found = _ranked(group, asked, choice.platform)
    if found is not None or choice.python is not None:
        return found, ()
    for minor in range(40, 5, -1):
        found = _ranked(group, f"3.{minor}", choice.platform)
        if found is not None:
            return found, (f"there is no wheel for Python {asked}; this one is for 3.{minor}",)
    return None, ()


def _ranked(group: Sequence[Wheel], python: str, platform: str | None) -> Wheel | None:
    order = {tag: rank for rank, tag in reversed(list(enumerate(_supported(python, platform))))}
    ranked = [
        (min(order[tag] for tag in one.tags if tag in order), one.listed.filename, one)
        for one in group
        if not order.keys().isdisjoint(one.tags)
    ]
    return min(ranked, key=lambda each: each[:2])[2] if ranked else None


def _supported(python: str, platform: str | None) -> Iterator[Tag]:
    from packaging.tags import compatible_tags, cpython_tags

    parts = python.removesuffix("t").split(".")
    version = (int(parts[0]), int(parts[1]))
    places = _accepted(platform)
    interpreter = f"cp{version[0]}{version[1]}"
    abis = [f"{interpreter}t"] if python.endswith("t") else None
    yield from cpython_tags(version, abis, places)
    if version >= (3, 15):
        yield from (tag for tag in _abi3t(version, places))
    yield from compatible_tags(version, interpreter, places)


def _accepted(platform: str | None) -> list[str]:
    """The platform tags that an installer accepts, the best first; ``any`` is not among them."""
    from packaging.tags import platform_tags

    return list(platform_tags() if platform is None else _expanded(platform))


def _abi3t(version: tuple[int, int], places: Sequence[str]) -> Iterator[Tag]:
    from packaging.tags import Tag

    for minor in range(version[1], 14, -1):
        for place in places:
            yield Tag(f"cp3{minor}", "abi3t", place)


def _expanded(platform: str) -> Iterator[str]:
    """The platform tags that an installer on ``platform`` accepts, the best first."""
    from packaging.tags import mac_platforms

    name = platform.lower().replace("-", "_").replace(".", "_")
    for legacy, release in LEGACY_GLIBC.items():
        name = name.replace(f"{legacy}_", f"manylinux_{release[0]}_{release[1]}_")
    if name.startswith(("linux_", "manylinux_", "musllinux_")) and not _LINUX.fullmatch(name):
        kind, _, arch = name.partition("_")
        libc = f"musllinux_1_{_NEWEST_MUSL}"
        name = f"{libc if kind == 'musllinux' else f'manylinux_2_{_NEWEST_GLIBC}'}_{arch}"
    if match := _LINUX.fullmatch(name):
        kind, major, arch = match[1], match[2], match[4]
        for below in range(int(match[3]), 0, -1):
            yield f"{kind}linux_{major}_{below}_{arch}"
            for legacy, release in LEGACY_GLIBC.items():
                if kind == "many" and release == (int(major), below):
                    yield f"{legacy}_{arch}"
        yield f"linux_{arch}"
    elif name.startswith(("macosx_", "macos_")):
        numbers = re.fullmatch(r"macosx?_(?:(\d+)_(\d+)_)?(\w+)", name)
        if numbers is None:
            raise TargetError(
                f"{platform} is not a platform tag: write one such as macosx_14_0_arm64"
            )
        newest = (int(numbers[1]), int(numbers[2])) if numbers[1] else _NEWEST_MACOS
        yield from mac_platforms(newest, numbers[3])
    else:
        yield name


def _one_each(group: Sequence[Wheel], choice: Choice) -> Iterator[Wheel]:
    """For each platform of a release, the wheel for the requested Python, or the newest one."""
    platforms = sorted({_place(one) for one in group})
    for place in platforms:
        here = [one for one in group if _place(one) == place]
        best, _ = _best(here, replace(choice, platform=None if place == "any" else place))
        yield best if best is not None else max(here, key=lambda one: one.listed.filename)


def _place(one: Wheel) -> str:
    """A wheel's platform tag, without the version of the system."""
    platform = max(tag.platform for tag in one.tags)
    return re.sub(r"^(manylinux|musllinux|macosx)(?:\d*_|_\d+_\d+_)(?:\d+_\d+_)?", r"\1_", platform)


def _platforms(group: Iterable[Wheel]) -> str:
    return ", ".join(sorted({_place(one) for one in group}))
