"""What the libraries ask of the system against what the platform tags promise of it."""

from __future__ import annotations

import re

from torch_abi_audit import libtorch
from torch_abi_audit.metadata.cuda import is_cuda
from torch_abi_audit.metadata.declared import Declared, dependencies, tag_platforms, wheel_tags
from torch_abi_audit.model import Format, file_name, relative_path, release_key
from torch_abi_audit.platforms import Platform, is_windows_library, policy
from torch_abi_audit.rules import finding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from torch_abi_audit.model import ExtensionReport, Finding, Linkage, PackageReport

_VERSION = re.compile(r"([A-Z]+)_(\d+(?:\.\d+)*)")
_LIBPYTHON = re.compile(r"libpython3[^/]*\.(?:so[\d.]*|dylib)|Python3?T?")
_DRIVER = re.compile(
    r"libcuda\.so(?:\.1)?|libnvidia-[\w-]+\.so(?:\.\d+)*|nvcuda\.dll|nvml\.dll|libOpenCL\.so(?:\.1)?"
)
"""Comes with the driver of the device: no wheel can bring it."""
_DEVICE = re.compile(
    r"lib(?:hip|roc|amdhip|rccl|MIOpen|hsa-|sycl|ze_|ur_|ccl|mkl_|oneccl|intel|tbb|imf|irng|svml|intlc)"
    r"[\w.-]*\.so[\w.]*|(?:amdhip|hip|roc|sycl|ze_)\w*\.dll"
)
"""The runtimes of ROCm and oneAPI: with the torch builds for them, or with the device."""
_OF_TORCH = frozenset(
    {"libgomp.so.1", "libgfortran.so.5", "libomp.dylib", "libiomp5md.dll", "uv.dll"}
)
"""Runtimes that torch's wheels hold beside libtorch, under these names: in the process by the
time that a library which uses torch is loaded. From the wheels of torch 2.9 to 2.15."""
_LOADER = re.compile(r"ld-linux[\w-]*\.so\.\d+|ld64?\.so\.\d+|ld-musl-[\w]+\.so\.1|linux-vdso.*")
_MUSL = re.compile(r"libc\.musl-\w+\.so\.1|ld-musl-\w+\.so\.1")
_LIBC = frozenset({"libc.so.6", "libc.so"})
"""Whether the tag has them is the question of L408."""
_RUNTIME_DLL = re.compile(
    r"(?:api|ext)-ms-.*\.dll|python3\d*t?(?:_d)?\.dll|(?:msvcp|vcruntime|concrt|vccorlib|vcomp|mfc)"
    r"\d+\w*\.dll|ucrtbased?\.dll",
    re.IGNORECASE,
)
"""Windows API sets, Python itself, and the Visual C++ runtime that torch and Python rely on too."""
_SYSTEM_PATHS = ("/usr/lib/", "/System/")
_ARM_BEGINS = (11, 0)


def glibc(report: PackageReport) -> str | None:
    """The newest glibc symbol version that any library needs."""
    found = [
        version
        for one in report.libraries
        for image in one.linkage
        for space, version in _needs(image, bundled=())
        if space == "GLIBC"
    ]
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
    for one in report.libraries:
        where = relative_path(one, report)
        for image in one.linkage:
            if image.format is Format.ELF:
                yield from _elf(image, where, platforms, reach)
            elif image.format is Format.MACHO:
                yield from _macos(image, where, platforms)
        yield from _rpaths(one, where)
        if strange:
            continue
        yield from _libpython(one, where, reach)
        within = reach | _OF_TORCH if torch else reach
        for each in _unprovided(one, where, platforms, within):
            yield from _not_lent(each, required)


def _elf(
    image: Linkage, where: str, platforms: Sequence[Platform], reach: Collection[str]
) -> Iterator[Finding]:
    fitting = [
        each
        for each in platforms
        if each.libc is not None and each.version is not None and image.arch in each.architectures
    ]
    if not fitting:
        return
    lowest = min(fitting, key=lambda each: each.version or (0, 0))
    musl = [name for name in image.needed if _MUSL.fullmatch(name)]
    needs = list(_needs(image, bundled=reach))
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
    limits = policy(lowest)
    if limits is None:
        return
    over = [
        (space, version)
        for space, version in needs
        if space in limits.limits and release_key(version) > release_key(limits.limits[space])
    ]
    for rule, wanted in (("L401", {"GLIBC"}), ("L402", {"GLIBCXX", "CXXABI", "GCC"})):
        chosen = [(space, version) for space, version in over if space in wanted]
        if chosen:
            space, version = max(chosen, key=lambda each: release_key(each[1]))
            name = "glibc" if space == "GLIBC" else f"{space} symbols"
            text = (
                f"it needs {name} {version}, and the wheel's tag {lowest.tag} promises "
                f"{limits.limits[space]}"
            )
            fix = None
            if rule == "L401":
                tag = f"manylinux_{version.replace('.', '_')}_{image.arch}"
                fix = (
                    f"Tag the wheel `{tag}` (auditwheel repair does), or build on an older system."
                )
            evidence = sorted(f"{space}_{version}" for space, version in chosen)
            yield finding(rule, text, library=where, evidence=evidence, fix=fix)


def _needs(image: Linkage, *, bundled: Collection[str]) -> Iterator[tuple[str, str]]:
    """Symbol versions as (namespace, number), of libraries that are not bundled."""
    for library, name in image.version_needs:
        match = _VERSION.fullmatch(name)
        if match and library not in bundled:
            yield match[1], match[2]


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
            if path.startswith("/") and not f"{path}/".startswith(_SYSTEM_PATHS)
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
    linked = sorted({name for name in _needed(one) if _is_libpython(name)})
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
    one: ExtensionReport, where: str, platforms: Sequence[Platform], reach: Collection[str]
) -> Iterator[Finding]:
    missing = sorted(
        {
            name
            for image in one.linkage
            for name in image.needed
            if not _provided(name, image, platforms, reach)
        }
    )
    if missing:
        yield finding(
            "L404",
            f"neither the package, its platform nor torch provides {missing[0]}"
            + (f" and {len(missing) - 1} more libraries" if len(missing) > 1 else ""),
            library=where,
            evidence=missing,
        )


def _not_lent(one: Finding, required: Collection[str]) -> Iterator[Finding]:
    """The finding, unless every library in it is named after a requirement, which may hold it."""
    if not all(_is_named_after(name, required) for name in one.evidence):
        yield one


def _is_named_after(library: str, required: Collection[str]) -> bool:
    """Whether ``libmetatensor.so.1`` may be from ``metatensor-core``, which is required.

    A word that ends in a digit is distinct enough for all that begins with it: ``Qt6Core.dll``
    may be from ``PyQt6-Qt6``.
    """
    stem = file_name(library).removeprefix("lib").partition(".")[0].lower().replace("_", "-")
    words = {word for name in required for word in name.split("-") if word[-1:].isdigit()}
    if stem.startswith(tuple(word for word in words if len(word) > 2)):
        return True
    return bool(stem) and any(
        own == stem or own.startswith(f"{stem}-") or stem.startswith(f"{own}-")
        for name in required
        for own in (name, name.removeprefix("py"))
    )


def _provided(
    name: str, image: Linkage, platforms: Sequence[Platform], reach: Collection[str]
) -> bool:
    base = file_name(name)
    if (
        libtorch.is_libtorch(name)
        or is_cuda(name)
        or _DRIVER.fullmatch(base)
        or _DEVICE.fullmatch(base)
    ):
        return True
    if _is_libpython(name):
        return True
    if image.format is Format.PE:
        lower = base.lower()
        return (
            lower in {each.lower() for each in reach}
            or _RUNTIME_DLL.fullmatch(lower) is not None
            or is_windows_library(lower)
        )
    if image.format is Format.MACHO:
        return base in reach or name.startswith(_SYSTEM_PATHS)
    if base in reach or name in reach or _LOADER.fullmatch(base) or _MUSL.fullmatch(base):
        return True
    return base in _LIBC or base in _system_libraries(image, platforms)


def _system_libraries(image: Linkage, platforms: Sequence[Platform]) -> frozenset[str]:
    """What every system of the tags has; for a plain ``linux`` tag what any policy allows."""
    fitting = [
        each
        for each in platforms
        if each.libc and each.version and image.arch in each.architectures
    ]
    lowest = min(fitting, key=lambda each: each.version or (0, 0), default=None)
    if lowest is None:
        lowest = Platform("", "linux", (image.arch,), (2, 9999), "glibc")
    found = policy(lowest)
    return found.libraries if found is not None else frozenset()


def _needed(one: ExtensionReport) -> Iterator[str]:
    for image in one.linkage:
        yield from image.needed


def _is_libpython(name: str) -> bool:
    return _LIBPYTHON.fullmatch(file_name(name)) is not None
