"""What to compile for, so that GPUs without code get some: a line for ``TORCH_CUDA_ARCH_LIST``.

The syntax is that of ``torch.utils.cpp_extension``: capabilities separated by semicolons, ``+PTX``
after those of which PTX is kept as well (https://docs.pytorch.org/docs/stable/cpp_extension.html).
"""

from __future__ import annotations

from torch_abi_audit.knowledge.arch_names import BOARDS, capability, major
from torch_abi_audit.knowledge.cuda_toolkits import dropped_in, first_toolkit
from torch_abi_audit.model.device_code import is_amd
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from torch_abi_audit.model.device_code import DeviceCode, PackageCode
    from torch_abi_audit.model.gpus import Gpu


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A compute capability that no CUDA release compiles for together with the others."""

    capability: str
    first: str | None
    """The first CUDA release that compiles for it."""
    dropped: str | None
    """The first that no longer does; None if every later one does."""


@dataclass(frozen=True, slots=True)
class Adding:
    """What to compile for, so that GPUs without code get some."""

    arch_list: str | None
    """The value of ``TORCH_CUDA_ARCH_LIST``: what there is and what is added; None if nothing can
    be added."""
    added: tuple[str, ...]
    """The compute capabilities that are added: ``("10.0", "12.0")``."""
    since: str | None
    """The first CUDA release that compiles for all of it, if that is newer than the one in use or
    than what the rest needs; None otherwise."""
    before: str | None = None
    """The CUDA release that no longer compiles for some of it; None if none has dropped any."""
    left_out: tuple[LeftOut, ...] = ()


def adding(
    targets: Collection[str], missing: Iterable[Gpu], *, toolkit: str | None
) -> Adding | None:
    """What to add to the architectures of a package; None if nothing is missing.

    One CUDA release, none older than the one in use, has to compile for all of them: what would
    need another is left out.

    Args:
        targets: What it was compiled for.
        missing: The GPUs for which some of it has no code.
        toolkit: The CUDA that it was compiled with, if that is known.
    """
    held = {_machine(one) for one in targets if not is_amd(one)}
    since = enough = _latest(toolkit, *map(first_toolkit, held))
    before = _earliest(*map(dropped_in, held))
    added, left_out = [], []
    for wanted in _lowest(missing):
        begin, end = _latest(since, first_toolkit(wanted)), _earliest(before, dropped_in(wanted))
        if begin is None or end is None or release_key(begin) < release_key(end):
            since, before = begin, end
            added.append(wanted)
        else:
            left_out.append(LeftOut(capability(wanted), first_toolkit(wanted), dropped_in(wanted)))
    if not added and not left_out:
        return None
    return Adding(
        arch_list=_arch_list(targets, added) if added else None,
        added=tuple(map(capability, added)),
        since=since if since != enough else None,
        before=before,
        left_out=tuple(left_out),
    )


def compiled_with(code: PackageCode, libraries: Iterable[DeviceCode]) -> str | None:
    """The newest CUDA release that some of a package's code was compiled with, as far as it tells.

    Args:
        code: That of the package.
        libraries: That of each of its libraries.
    """
    known = {release for one in libraries for release in one.toolkits}
    if code.toolkit is not None:
        known.add(code.toolkit)
    known.update(f"{one.cuda}.0" for one in code.drivers)
    return max(known, key=release_key, default=None)


def _latest(*releases: str | None) -> str | None:
    return max(filter(None, releases), key=release_key, default=None)


def _earliest(*releases: str | None) -> str | None:
    return min(filter(None, releases), key=release_key, default=None)


def _lowest(missing: Iterable[Gpu]) -> list[str]:
    """The oldest architecture of each major release, whose code the others run as well.

    GPUs on boards run no code but their own.
    """
    found: dict[str, str] = {}
    for gpu in missing:
        if gpu.target.startswith("sm_"):
            alone = gpu.target in BOARDS
            found.setdefault(gpu.target if alone else major(gpu.target), gpu.target)
    return list(found.values())


def _arch_list(targets: Collection[str], added: Iterable[str]) -> str:
    """The architectures in the syntax of the variable, the oldest first."""
    ptx = {capability(one) for one in targets if one.startswith("compute_")}
    machine = {capability(one) for one in (*targets, *added) if one.startswith("sm_")}
    ordered = sorted(machine | ptx, key=lambda one: (release_key(one.rstrip("af")), one))
    return ";".join(f"{one}+PTX" if one in ptx else one for one in ordered)


def _machine(target: str) -> str:
    """The architecture as one of machine code: ``sm_90a`` for ``compute_90a``."""
    return f"sm_{target.removeprefix('sm_').removeprefix('compute_')}"
