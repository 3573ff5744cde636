"""The code for GPUs of a library or package: the keys of the JSON and the lines of the table."""

from __future__ import annotations

from torch_abi_audit.mangling import escape
from torch_abi_audit.report.wording import plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from typing import Any

    from torch_abi_audit.model.device_code import DeviceCode, Driver, PackageCode

_CUBIN, _PTX = "sm_", "compute_"
_MOST_AMD = 4
"""Maximum number of AMD's architectures that the line lists one by one."""
_TITLES = {"linux": "Linux", "windows": "Windows"}


def of_library(code: DeviceCode | None) -> dict[str, Any] | None:
    """The value of ``device_code`` in the JSON of a library or of a skipped file."""
    if code is None:
        return None
    return {
        "targets": list(code.targets),
        "sets": [
            {"targets": list(one.targets), "count": one.count, "size": one.size}
            for one in code.sets
        ],
        "ptx_isa": dict(code.ptx_isa),
        "others": [escape(one) for one in code.others],
        "toolkits": list(code.toolkits),
        "problem": None if code.problem is None else escape(code.problem),
    }


def of_package(code: PackageCode | None) -> dict[str, Any] | None:
    """The value of ``device_code`` in the JSON of a package."""
    if code is None:
        return None
    return {
        "targets": list(code.targets),
        "others": list(code.others),
        "ptx_isa": code.ptx_isa,
        "toolkit": code.toolkit,
        "least_toolkit": code.least_toolkit,
        "drivers": [
            {
                "system": one.system,
                "cuda": one.cuda,
                "runtime": one.runtime,
                "toolkit": one.toolkit,
                "ptx": one.ptx,
            }
            for one in code.drivers
        ],
        "libraries": [escape(path) for path in code.libraries],
        "choices": [[[escape(path) for path in one] for one in choice] for choice in code.choices],
        "unread": [escape(path) for path in code.unread],
        "files": of_library(code.files),
    }


def summary(code: PackageCode) -> str:
    """A package's code for GPUs in one line, such as ``sm_80 sm_90, PTX of compute_90``.

    Of many architectures of AMD's the first and the last are named, and of many drivers those for
    the oldest and the newest CUDA release: the JSON has all of them.
    """
    parts = _listed(code.targets)
    if code.others:
        first, *others = _listed(code.others)
        parts += [f"in part {first}", *others]
    text = "; ".join(parts) or "none that is known"
    if code.choices:
        text += f"; by one or another of {sum(map(len, code.choices))} alternatives"
    if code.files is not None and code.files.sets:
        number = plural(sum(one.count for one in code.files.sets), "file")
        text += f" ({number})" if not code.libraries else f"; {number} beside the libraries"
    drivers = _drivers(code.drivers)
    if drivers:
        text += f"; driver {drivers}"
    if code.unread:
        text += f"; {plural(len(code.unread), 'file')} not read in full"
    return text


def lines(code: DeviceCode) -> Iterator[str]:
    """The kernel sets of one library, and what else there is to say of its code."""
    versions = dict(code.ptx_isa)
    if code.sets:
        yield "GPU code:"
    for kernels in code.sets:
        targets = [
            f"{each} (PTX {versions[each]})" if each in versions else each
            for each in kernels.targets
        ]
        yield f"  {plural(kernels.count, 'kernel set')}: {' '.join(targets)}"
    for other in code.others:
        yield f"  {escape(other)}"
    if code.problem is not None:
        yield f"GPU code was not read in full: {escape(code.problem)}"


def _listed(targets: Collection[str]) -> list[str]:
    """NVIDIA's architectures, then AMD's: ``sm_80 sm_90, PTX of compute_90``, ``gfx942``."""
    code = " ".join(one for one in targets if one.startswith(_CUBIN))
    ptx = " ".join(one for one in targets if one.startswith(_PTX))
    others = [one for one in targets if not one.startswith((_CUBIN, _PTX))]
    amd = " ".join(others)
    if len(others) > _MOST_AMD:  # they have no order of age, so a few more do not tell much
        amd = f"{others[0]} … {others[-1]} ({len(others)})"
    nvidia = ", ".join(filter(None, (code, f"PTX of {ptx}" if ptx else "")))
    return list(filter(None, (nvidia, amd)))


def _drivers(drivers: Collection[Driver]) -> str:
    """What is needed of the driver: ``>= 525.60.13 (570.26 for PTX)``."""
    several = {one.system for one in drivers}, {one.cuda for one in drivers}
    ends = {min(several[1]), max(several[1])} if drivers else set()
    found = []
    for one in drivers:
        if one.cuda not in ends:
            continue
        if one.runtime is None:
            continue
        words = [_TITLES.get(one.system, one.system)] if len(several[0]) > 1 else []
        words += [f"CUDA {one.cuda}"] if len(several[1]) > 1 else []
        notes = [" ".join(words)] if words else []
        notes += [f"{one.ptx} for PTX"] if one.ptx not in (None, one.runtime) else []
        found.append(f">= {one.runtime}" + (f" ({', '.join(notes)})" if notes else ""))
    return ", ".join(found)
