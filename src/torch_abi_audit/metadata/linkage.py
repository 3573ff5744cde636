"""What the libraries ask of the system against what the platform tags promise of it."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.system import is_libpython, is_musl
from torch_abi_audit.knowledge.policies import policy
from torch_abi_audit.metadata.declared import Declared, dependencies, tag_platforms, wheel_tags
from torch_abi_audit.metadata.provided import SYSTEM_PATHS, absent, lent
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.paths import file_name, relative_path
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.rules import finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from torch_abi_audit.knowledge.platforms import Platform
    from torch_abi_audit.metadata.provided import Kind
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import ExtensionReport, Linkage, PackageReport

    _Beyond = tuple[str, str, str]
    """A namespace of symbol versions, the number that is needed, the newest that is promised."""

_OF_TORCH = frozenset(
    {"libgomp.so.1", "libgfortran.so.5", "libomp.dylib", "libiomp5md.dll", "uv.dll"}
)
"""Runtimes that torch's wheels hold beside libtorch, under these names: in the process by the
time that a library which uses torch is loaded. From the wheels of torch 2.9 to 2.15."""
_ARM_BEGINS = (11, 0)


def glibc(report: PackageReport) -> str | None:
    """The newest glibc symbol version that any library needs."""
    found = [version for space, version in _versions(report).values() if space == "GLIBC"]
    return max(found, key=release_key, default=None)


def findings(report: PackageReport, declared: Declared) -> Iterator[Finding]:
    """Where a library needs what its platform tags do not promise."""
    platforms = tag_platforms(wheel_tags(declared))
    files = {one.name for one in report.libraries} | set(declared.beside)
    sonames = {i.soname for one in report.libraries for i in one.linkage if i.soname}
    reach = files | {file_name(name) for name in sonames}
    required = frozenset(dependencies(declared))
    torch = report.uses_torch or "torch" in required
    # what Android and iOS provide is not known here; there, modules are to be linked to libpython
    strange = bool(platforms) and all(each.system == "other" for each in platforms)
    arches = {image.arch for one in report.libraries for image in one.linkage}
    lowest = {arch: _lowest(arch, platforms) for arch in arches}
    missing = {} if strange else absent(report, lowest, reach | _OF_TORCH if torch else reach)
    borrowed = lent(frozenset().union(*missing.values()), required)
    versions = _versions(report)
    beyond = {arch: _beyond(each, versions) for arch, each in lowest.items()}
    for one in report.libraries:
        where = relative_path(one, report)
        for image in one.linkage:
            if image.format is Format.ELF:
                yield from _elf(image, where, lowest[image.arch], beyond[image.arch], reach)
            elif image.format is Format.MACHO:
                yield from _macos(image, where, platforms)
        yield from _rpaths(one, where)
        if not strange:
            yield from _libpython(one, where, reach)
            yield from _unprovided(one, where, missing, borrowed)


def _elf(
    image: Linkage,
    where: str,
    lowest: Platform | None,
    beyond: Mapping[str, _Beyond],
    bundled: Collection[str],
) -> Iterator[Finding]:
    """An image against the lowest tag that is for it, and the symbol versions beyond that."""
    if lowest is None:
        return
    musl = [name for name in image.needed if is_musl(name)]
    if lowest.libc == "musl":
        if "libc.so.6" in image.needed:
            yield finding(
                "L408",
                f"it needs glibc, and the wheel is tagged {lowest.tag}",
                library=where,
                evidence=["libc.so.6"],
            )
        return
    if musl:
        yield finding(
            "L408",
            f"it needs musl, and the wheel is tagged {lowest.tag}",
            library=where,
            evidence=musl,
        )
        return
    over = [
        beyond[name]
        for library, name in image.version_needs
        if name in beyond and library not in bundled
    ]
    for rule, wanted in (("L401", {"GLIBC"}), ("L402", {"GLIBCXX", "CXXABI", "GCC"})):
        chosen = [each for each in over if each[0] in wanted]
        if chosen:
            space, version, limit = max(chosen, key=lambda each: release_key(each[1]))
            name = "glibc" if space == "GLIBC" else f"{space} symbols"
            text = f"it needs {name} {version}, and the wheel's tag {lowest.tag} promises {limit}"
            fix = None
            if rule == "L401":
                tag = f"manylinux_{version.replace('.', '_')}_{image.arch}"
                fix = (
                    f"Tag the wheel `{tag}` (auditwheel repair does), or build on an older system."
                )
            evidence = sorted(f"{space}_{version}" for space, version, _ in chosen)
            yield finding(rule, text, library=where, evidence=evidence, fix=fix)


def _lowest(arch: str, platforms: Sequence[Platform]) -> Platform | None:
    """The oldest system that the manylinux and musllinux tags promise to an architecture."""
    fitting = [
        each for each in platforms if each.libc and each.version and arch in each.architectures
    ]
    return min(fitting, key=lambda each: each.version or (0, 0), default=None)


def _versions(report: PackageReport) -> dict[str, tuple[str, str]]:
    """Every symbol version that is needed, ``GLIBC_2.17``, as namespace and number."""
    names = dict.fromkeys(
        name for one in report.libraries for image in one.linkage for _, name in image.version_needs
    )
    parts = {name: name.partition("_") for name in names}
    return {
        name: (space, number)
        for name, (space, _, number) in parts.items()
        if space.isalpha() and space.isupper() and all(map(str.isdecimal, number.split(".")))
    }


def _beyond(lowest: Platform | None, versions: Mapping[str, tuple[str, str]]) -> dict[str, _Beyond]:
    """The symbol versions that are newer than what every system of a tag has."""
    limits = policy(lowest) if lowest is not None and lowest.libc == "glibc" else None
    if limits is None:
        return {}
    return {
        name: (space, version, limits.limits[space])
        for name, (space, version) in versions.items()
        if space in limits.limits and release_key(version) > release_key(limits.limits[space])
    }


def _macos(image: Linkage, where: str, platforms: Sequence[Platform]) -> Iterator[Finding]:
    promised = [
        (max(each.version, _ARM_BEGINS) if image.arch == "arm64" else each.version, each.tag)
        for each in platforms
        if each.system == "macos" and each.version and image.arch in each.architectures
    ]
    if not promised or image.min_os is None:
        return
    lowest, tag = min(promised)
    lowest = _ARM_BEGINS if lowest == (10, 16) else lowest
    numbers = release_key(image.min_os)
    least = (numbers[0], numbers[1] if len(numbers) > 1 else 0)
    if least > lowest:
        major, minor = least
        better = f"macosx_{major}_{0 if major > 10 else minor}"
        yield finding(
            "L403",
            f"it says that it needs macOS {image.min_os}, and the wheel's tag {tag} promises "
            f"{lowest[0]}.{lowest[1]}",
            library=where,
            evidence=[tag],
            fix=f"Tag the wheel `{better}_…`, or build with MACOSX_DEPLOYMENT_TARGET={lowest[0]}."
            f"{lowest[1]}.",
        )


def _rpaths(one: ExtensionReport, where: str) -> Iterator[Finding]:
    absolute = sorted(
        {
            path
            for image in one.linkage
            for path in image.rpaths
            if path.startswith("/") and not f"{path}/".startswith(SYSTEM_PATHS)
        }
    )
    if absolute:
        yield finding(
            "L405",
            f"it looks for libraries in {absolute[0]}"
            + (f" and {len(absolute) - 1} more directories" if len(absolute) > 1 else ""),
            library=where,
            evidence=absolute,
        )


def _libpython(one: ExtensionReport, where: str, reach: Collection[str]) -> Iterator[Finding]:
    linked = sorted({name for name in _needed(one) if is_libpython(file_name(name))})
    if not linked or any(file_name(name) in reach for name in linked):
        return
    if one.linkage[0].format is Format.PE:
        return
    if one.cpython is not None and one.cpython.intent:
        yield finding(
            "L406",
            f"it is linked to {file_name(linked[0])}, and claims to be for every Python",
            library=where,
            evidence=linked,
        )
    else:
        yield finding(
            "L407",
            f"it is linked to {file_name(linked[0])}, which many Pythons do not have",
            library=where,
            evidence=linked,
        )


def _unprovided(
    one: ExtensionReport,
    where: str,
    missing: Mapping[Kind, Collection[str]],
    borrowed: Collection[str],
) -> Iterator[Finding]:
    found = sorted(
        {
            name
            for image in one.linkage
            for name in image.needed
            if name in missing[image.format, image.arch]
        }
    )
    if not all(name in borrowed for name in found):
        yield finding(
            "L404",
            f"neither the package, its platform nor torch provides {found[0]}"
            + (f" and {len(found) - 1} more libraries" if len(found) > 1 else ""),
            library=where,
            evidence=found,
        )


def _needed(one: ExtensionReport) -> Iterator[str]:
    for image in one.linkage:
        yield from image.needed
