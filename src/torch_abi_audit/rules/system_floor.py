"""L401 to L403, L408: the system that a library needs against the one that the tag promises."""

from __future__ import annotations

from torch_abi_audit.facts.floors import symbol_versions
from torch_abi_audit.knowledge.names.system import is_glibc, is_musl
from torch_abi_audit.knowledge.policies import oldest_tag, policy
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.rules.definition import Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from torch_abi_audit.knowledge.platforms import Platform
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import Linkage
    from torch_abi_audit.rules import Detectors
    from torch_abi_audit.rules.context import Context

    _Beyond = tuple[str, str, str]
    """A namespace of symbol versions, the needed number, and the newest number promised."""

_ARM_BEGINS = (11, 0)
_REPORTED = frozenset({"GLIBC", "GLIBCXX", "CXXABI", "GCC"})
"""The namespaces of symbol versions that are compared: of glibc, libstdc++ and libgcc."""


L401 = Rule(
    "L401",
    "glibc-too-new",
    "A library needs a newer glibc than the wheel's tag promises",
    "Installers put the wheel on systems with the older glibc, where loading fails with `version "
    "GLIBC_… not found`.",
    "Tag the wheel for the glibc that its libraries need, or build on an older system.",
    Severity.ERROR,
    itemized=True,
    one_floor=True,
    example="_C.so: needs glibc 2.34, but the wheel's tag manylinux_2_28_x86_64 promises only 2.28",
)

L402 = Rule(
    "L402",
    "libstdcxx-too-new",
    "A library needs a newer libstdc++ or libgcc than the wheel's tag promises",
    "Systems that the tag admits may have the older library, and loading fails there with "
    "`version GLIBCXX_… not found`, unless something else, such as conda, provides a newer one.",
    "Tag the wheel for the libstdc++ that its libraries need, or build with the compiler of the "
    "manylinux image, which links the newer parts statically.",
    Severity.ERROR,
    itemized=True,
    one_floor=True,
    example="_C.so: needs GLIBCXX_3.4.30, but the wheel's tag manylinux_2_28_x86_64 promises only "
    "GLIBCXX_3.4.24",
)


def symbol_version_floor(context: Context) -> Iterator[Finding]:
    """Symbol versions that the oldest system admitted by the tags lacks.

    A library that the package bundles, such as its own libstdc++, provides its own versions. The
    fix names one tag for the whole wheel.
    """
    versions = symbol_versions(context.package)
    limits: dict[str, Mapping[str, _Beyond]] = {}
    found: list[tuple[str, Linkage, Platform, list[_Beyond]]] = []
    for path, image, lowest in _elf_images(context):
        is_musl_tag, uses_musl = lowest.libc == "musl", any(map(is_musl, image.needed))
        if is_musl_tag or uses_musl:
            continue  # musl has no symbol versions to compare; L408 reports a wrong C library
        if image.arch not in limits:
            limits[image.arch] = _beyond(lowest, versions)
        beyond = limits[image.arch]
        over = [
            beyond[name]
            for library, name in image.version_needs
            if name in beyond
            and library not in context.shipped_names
            and (beyond[name][0] != "GLIBC" or is_glibc(library))
            and beyond[name][0] in _REPORTED
        ]
        if over:
            found.append((path, image, lowest, over))
    tags = {
        arch: oldest_tag(arch, ((space, number) for space, number, _ in _all(found, arch)))
        for arch in {image.arch for _, image, _, _ in found}
    }
    for path, image, lowest, over in found:
        yield from _too_new(path, lowest, over, tags[image.arch])


def _all(
    found: Iterable[tuple[str, Linkage, Platform, list[_Beyond]]], arch: str
) -> Iterator[_Beyond]:
    """What all libraries for an architecture need beyond the tags."""
    for _, image, _, over in found:
        if image.arch == arch:
            yield from over


def _too_new(
    path: str, lowest: Platform, over: Sequence[_Beyond], tag: str | None
) -> Iterator[Finding]:
    better = (
        f"Tag the wheel `{tag}`, the oldest tag that all its libraries keep to, or build"
        if (tag is not None)
        else "No manylinux tag is for systems that are so new: build"
    )
    libc = [each for each in over if each[0] == "GLIBC"]
    if libc:
        _, version, limit = _newest(libc)
        yield L401.finding(
            f"needs glibc {version}, but the wheel's tag {lowest.tag} promises only {limit}",
            library=path,
            evidence=_names(libc),
            fix=f"{better} on an older system.",
        )
    others = [each for each in over if each[0] != "GLIBC"]
    if others:
        space, version, limit = _newest(others)
        yield L402.finding(
            f"needs {space}_{version}, but the wheel's tag {lowest.tag} promises only "
            f"{space}_{limit}",
            library=path,
            evidence=_names(others),
            fix=f"{better} with the compiler of the manylinux image, which links the newer parts "
            "statically.",
        )


def _newest(over: Sequence[_Beyond]) -> _Beyond:
    return max(over, key=lambda each: release_key(each[1]))


def _names(over: Sequence[_Beyond]) -> list[str]:
    return sorted(f"{space}_{version}" for space, version, _ in over)


def _beyond(lowest: Platform, versions: Mapping[str, tuple[str, str]]) -> dict[str, _Beyond]:
    """The symbol versions that are newer than those every system of a tag has."""
    limits = policy(lowest) if lowest.libc == "glibc" else None
    if limits is None:
        return {}
    return {
        name: (space, version, limits.limits[space])
        for name, (space, version) in versions.items()
        if space in limits.limits and release_key(version) > release_key(limits.limits[space])
    }


L403 = Rule(
    "L403",
    "macos-too-new",
    "A library is built for a newer macOS than the wheel's tag promises",
    "The library may use interfaces that the older macOS lacks; it then fails when it is loaded "
    "or when it calls them.",
    "Raise the tag, or set `MACOSX_DEPLOYMENT_TARGET` to the macOS that the tag names.",
    Severity.WARNING,
    example="_C.so: built for macOS 12.0 or newer, but the wheel's tag macosx_11_0_arm64 promises "
    "11.0",
)


def macos_floor(context: Context) -> Iterator[Finding]:
    """The oldest macOS that a library supports against the oldest that its tags admit.

    Of a universal file, the image counts that is furthest beyond the tags. The fix names one tag
    for the whole wheel.
    """
    found: list[tuple[str, tuple[tuple[int, int], tuple[int, int], str, str]]] = []
    for path, library in context.libraries:
        beyond = [
            (_as_tag(image.min_os), lowest, tag, image.min_os)
            for image in library.linkage
            if image.format is Format.MACHO and image.min_os is not None
            for lowest, tag in _promised(image, context.platforms)
            if _as_tag(image.min_os) > lowest
        ]
        if beyond:
            least = max(one[0] for one in beyond)
            worst = [one for one in beyond if one[0] == least]
            found.append((path, min(worst, key=lambda one: one[1])))
    for path, (_, lowest, tag, needed) in found:
        where = " on arm64" if lowest == _ARM_BEGINS and _begins_before_arm(tag) else ""
        yield L403.finding(
            f"built for macOS {needed} or newer, but the wheel's tag {tag} promises "
            f"{_text(lowest)}{where}",
            library=path,
            evidence=[tag],
            fix=_macos_fix(lowest, max((one[3] for _, one in found), key=release_key)),
        )


def _promised(
    image: Linkage, platforms: Collection[Platform]
) -> Sequence[tuple[tuple[int, int], str]]:
    """The oldest macOS that the tags for an image admit, and its tag; empty if there is none."""
    begins = _ARM_BEGINS if image.arch == "arm64" else (0, 0)
    promised = [
        (max(_as_tag(_text(each.version)), begins), each.tag)
        for each in platforms
        if each.system == "macos" and each.version and image.arch in each.architectures
    ]
    return sorted(promised)[:1]


def _begins_before_arm(tag: str) -> bool:
    """Whether a tag such as ``macosx_10_9_universal2`` names a release without Macs with ARM."""
    return tag.startswith("macosx_10_") and not tag.startswith("macosx_10_16_")


def _macos_fix(lowest: tuple[int, int], needed: str) -> str:
    """What to do, where ``needed`` is the newest macOS that any library of the wheel needs."""
    least = _as_tag(needed)
    better = f"macosx_{least[0]}_{least[1]}"
    fix = f"Tag the wheel `{better}_…`, or build with MACOSX_DEPLOYMENT_TARGET={_text(lowest)}."
    if least >= _ARM_BEGINS and release_key(needed) > least:
        fix += (
            f" Installers ignore the minor releases of macOS from 11 on, so that tag also admits "
            f"Macs that are older than {needed}; `macosx_{least[0] + 1}_0_…` excludes them."
        )
    return fix


def _as_tag(release: str) -> tuple[int, int]:
    """A release of macOS as tags name it: from 11 on, without its minor number.

    Installers (``packaging.tags``) and ``delocate`` count in this way. 10.16 is 11.0, as a program
    sees it that was built with an SDK from before 11.
    """
    major, minor = (*release_key(release), 0)[:2]
    if (major, minor) >= (10, 16):
        return max(major, _ARM_BEGINS[0]), 0
    return major, minor


def _text(release: tuple[int, ...]) -> str:
    return ".".join(map(str, release))


L408 = Rule(
    "L408",
    "other-libc",
    "A library needs a different C library than the wheel's tag names",
    "A musl system has no glibc, and a glibc system has no musl: the library does not load.",
    "Build in the manylinux or musllinux image that matches the tag.",
    Severity.ERROR,
    example="_C.so: needs glibc, but the wheel is tagged musllinux_1_2_x86_64",
)


def other_libc(context: Context) -> Iterator[Finding]:
    """Libraries that need glibc under a musllinux tag, or musl under a manylinux tag."""
    for path, image, lowest in _elf_images(context):
        name, libraries = "musl", [each for each in image.needed if is_musl(each)]
        if lowest.libc == "musl":
            name, libraries = "glibc", [each for each in image.needed if each == "libc.so.6"][:1]
        if libraries:
            yield L408.finding(
                f"needs {name}, but the wheel is tagged {lowest.tag}",
                library=path,
                evidence=libraries,
            )


def _elf_images(context: Context) -> Iterator[tuple[str, Linkage, Platform]]:
    """Each ELF image that a manylinux or musllinux tag covers, with the oldest of these tags."""
    for path, library in context.libraries:
        for image in library.linkage:
            lowest = context.lowest_linux(image.arch) if image.format is Format.ELF else None
            if lowest is not None:
                yield path, image, lowest


DETECTORS: Detectors = {
    symbol_version_floor: (L401, L402),
    macos_floor: (L403,),
    other_libc: (L408,),
}
