"""The code for GPUs in a package as a whole: its architectures, its CUDA and the drivers it needs.

What needs which driver is NVIDIA's: the tables of the CUDA toolkit's release notes, and "Minor
Version Compatibility" in https://docs.nvidia.com/deploy/cuda-compatibility/.
"""

from __future__ import annotations

from torch_abi_audit.knowledge.names.cuda import major
from torch_abi_audit.knowledge.names.distribution import is_torch
from torch_abi_audit.knowledge.names.gpu_makers import is_of_maker
from torch_abi_audit.knowledge.platforms import SYSTEM_OF
from torch_abi_audit.model.device_code import (
    NO_PACKAGE_CODE,
    DeviceCode,
    Driver,
    KernelSet,
    PackageCode,
    is_nvidia,
    target_key,
)
from torch_abi_audit.model.paths import relative_path
from torch_abi_audit.model.releases import release_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from torch_abi_audit.model.reports import ExtensionReport, PackageReport, Skipped


def package_code(report: PackageReport) -> PackageCode:
    """What the code for GPUs in a package amounts to; ``targets`` has every architecture."""
    held = {
        relative_path(one, report): one
        for one in report.libraries
        if one.device_code is not None and _says_something(one.device_code)
    }
    own = {path: one for path, one in held.items() if not is_of_maker(one.name)} or held
    files = _files(report.skipped)
    if not own and files is None:
        return NO_PACKAGE_CODE
    codes = {path: one.device_code for path, one in own.items() if one.device_code is not None}
    chosen = _choices(report, own)
    every = [*codes.values(), *([files] if files is not None else [])]
    targets = {target for code in every for target in code.targets}
    isa = _newest(version for code in every for _, version in code.ptx_isa)
    return PackageCode(
        targets=_sorted(targets),
        ptx_isa=isa,
        toolkit=_newest(release for code in every for release in _toolkits(code)),
        least_toolkit=_least_toolkit(targets),
        drivers=_drivers(report, own.values()),
        libraries=tuple(sorted(own)),
        choices=chosen,
        unread=_unread(codes, report.skipped),
        files=files,
    )


def _says_something(code: DeviceCode) -> bool:
    return bool(code.sets or code.others) or code.problem is not None


def _files(skipped: Iterable[Skipped]) -> DeviceCode | None:
    """The code in files that are not libraries, merged; each file counts as one fatbin."""
    codes = [one.device_code for one in skipped if one.device_code is not None]
    if not codes:
        return None
    sets: dict[tuple[str, ...], tuple[int, int]] = {}
    versions: dict[str, str] = {}
    for code in codes:
        for one in code.sets:
            count, size = sets.get(one.targets, (0, 0))
            sets[one.targets] = count + one.count, size + one.size
        for target, version in code.ptx_isa:
            versions[target] = _newest((version, versions.get(target, version))) or version
    merged = [KernelSet(targets, *numbers) for targets, numbers in sets.items()]
    merged.sort(key=lambda one: (-one.count, list(map(target_key, one.targets))))
    problems = [code.problem for code in codes if code.problem is not None]
    return DeviceCode(
        sets=tuple(merged),
        ptx_isa=tuple((target, versions[target]) for target in _sorted(versions)),
        others=tuple(sorted({word for code in codes for word in code.others})),
        toolkits=tuple(
            sorted({release for code in codes for release in code.toolkits}, key=release_key)
        ),
        problem=problems[0] if problems else None,
    )


def _unread(codes: Mapping[str, DeviceCode], skipped: Iterable[Skipped]) -> tuple[str, ...]:
    paths = [path for path, code in codes.items() if code.problem is not None]
    paths += [
        one.path
        for one in skipped
        if one.device_code is not None and one.device_code.problem is not None
    ]
    return tuple(sorted(paths))


def _choices(
    report: PackageReport, own: Collection[str]
) -> tuple[tuple[tuple[str, ...], ...], ...]:
    """The alternatives among the libraries that count; one by itself is none."""
    if len(own) < 2 or is_torch(report.distribution):  # torch loads all of its libraries
        return ()
    from torch_abi_audit.knowledge.names.alternatives import choices  # looks at all names

    found = []
    for choice in choices(report):
        files = [tuple(path for path in one.files if path in own) for one in choice.alternatives]
        held = tuple(sorted(filter(None, files)))
        if len(held) > 1:
            found.append(held)
    return tuple(sorted(found))


def _drivers(report: PackageReport, own: Collection[ExtensionReport]) -> tuple[Driver, ...]:
    """The drivers for each system and each CUDA release of the libraries that count."""
    usual = set(report.cuda.majors) if report.cuda is not None else set[int]()
    versions: dict[tuple[str, int], set[str]] = {}
    for one in own:
        code = one.device_code
        if code is None or one.format is None or not any(map(is_nvidia, code.targets)):
            continue
        isas = {version for _, version in code.ptx_isa}
        cuda = _cuda(one, code, usual)
        if cuda is not None:
            versions.setdefault((SYSTEM_OF[one.format].word, cuda), set()).update(isas)
    if not versions:
        return ()
    from torch_abi_audit.knowledge.cuda_toolkits import driver_of_major, driver_of_toolkit

    drivers = []
    for (system, cuda), isas in sorted(versions.items()):
        isa = _newest(isas)
        toolkit = None if isa is None else _toolkit(isa)
        drivers.append(
            Driver(
                system,
                cuda,
                driver_of_major(cuda, system),
                toolkit,
                None if toolkit is None else driver_of_toolkit(toolkit, system),
            )
        )
    return tuple(drivers)


def _cuda(one: ExtensionReport, code: DeviceCode, usual: Collection[int]) -> int | None:
    """The major CUDA release of a library: by what it is linked to, or by its code."""
    names = {name for image in one.linkage for name in (*image.needed, *image.delay_needed)}
    linked = {number for name in names if (number := major(name))}
    if linked:
        return max(linked)
    if len(usual) == 1 and not any(image.static_cuda for image in one.linkage):
        return next(iter(usual))
    toolkit = _newest(_toolkits(code))
    return None if toolkit is None else int(toolkit.partition(".")[0])


def _toolkits(code: DeviceCode) -> Iterator[str]:
    """The CUDA releases that wrote some of it, as far as it shows; of PTX, the first possible."""
    yield from code.toolkits
    for _, version in code.ptx_isa:
        toolkit = _toolkit(version)
        if toolkit is not None:
            yield toolkit


def _toolkit(isa: str) -> str | None:
    from torch_abi_audit.knowledge.cuda_toolkits import toolkit_of_ptx

    return toolkit_of_ptx(isa)


def _least_toolkit(targets: Iterable[str]) -> str | None:
    nvidia = list(filter(is_nvidia, targets))
    if not nvidia:
        return None
    from torch_abi_audit.knowledge.cuda_toolkits import first_toolkit

    found = [first_toolkit(target) for target in nvidia]
    known = [release for release in found if release is not None]
    return max(known, key=release_key) if len(known) == len(found) else None


def _newest(versions: Iterable[str]) -> str | None:
    return max(versions, key=release_key, default=None)


def _sorted(targets: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(targets, key=target_key))
