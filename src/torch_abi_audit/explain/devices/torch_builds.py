"""Which GPUs a build of torch has code for, and which builds have some for a GPU."""

from __future__ import annotations

import re

from torch_abi_audit.explain.explanation import CodeFor
from torch_abi_audit.judges.gpus import runs
from torch_abi_audit.knowledge.torch_gpus import of_release, torch_gpus
from torch_abi_audit.model.device_code import DeviceCode, KernelSet, is_amd
from torch_abi_audit.model.gpus import Runs
from torch_abi_audit.model.releases import release_key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from torch_abi_audit.explain.devices.seen import Seen
    from torch_abi_audit.explain.explanation import Installed
    from torch_abi_audit.knowledge.torch_gpus import TorchGpus
    from torch_abi_audit.model.gpus import Gpu, Run

    Fits: TypeAlias = Callable[[TorchGpus], bool]
    """Whether a build of torch would do."""

INDEX = "https://download.pytorch.org/whl"
"""PyTorch's own package index: a folder for each build, such as ``cu128`` or ``rocm6.4``."""
_OLDEST = "2.0.0"
"""The oldest release that is named with a command to install it."""
_VERSION = re.compile(r"(?P<release>\d+\.\d+\.\d+)\+(?P<kind>cu|rocm)(?P<number>[\d.]+)")


def torch_of(seen: Seen, installed: Installed | None) -> tuple[CodeFor, ...]:
    """How the torch of an error runs on its GPU: what torch itself lists, or its published builds.

    The torch that the text names counts for more than the installed one. Several answers stand for
    builds of which any may be meant; none, if the torch or its architectures are not known.
    """
    gpu = seen.gpu
    if gpu is None:
        return ()
    if seen.torch_has:
        title = f"torch {seen.torch}" if seen.torch else "the torch in the text"
        return (CodeFor(title, seen.torch_has, _run(seen.torch_has, gpu)),)
    rows = _named(seen.torch, seen.platform) if seen.torch else _meant(installed, seen.platform)
    if rows or seen.torch_range is None:
        return _by_targets(rows, gpu)
    ends = tuple(f"sm_{one.replace('.', '')}" for one in seen.torch_range)
    return (CodeFor("the torch in the text", (), _run(ends, gpu)),)


def to_install(
    gpu: Gpu, platform: str, release: str | None, only: Fits | None = None
) -> tuple[str, ...]:
    """Which build of torch to install for a GPU, as advice; none if no known build has code for it.

    Args:
        gpu: The GPU.
        platform: The index platform.
        release: The release that fails, for which a build is named as well.
        only: Which builds would do; every one by default.
    """
    every = [one for one in _builds_for(gpu, platform) if only is None or only(one)]
    if not every:
        return ()
    newest = every[-1].release
    if release_key(newest) < release_key(_OLDEST):
        names = _toolkits([one for one in every if one.release == newest], "CUDA")
        return (f"install torch {newest} for {names}, with a Python of its time",)
    said = [f"install torch {newest} for {_which(every, newest)}"]
    if release is not None and release != newest and any(one.release == release for one in every):
        said.append(f"or the same torch, {release}, for {_which(every, release)}")
    return tuple(said)


def history(gpu: Gpu, platform: str) -> str | None:
    """The releases that have a build for a GPU, as a sentence; None without any known release."""
    every = _builds_for(gpu, platform)
    known = _known(gpu, platform)
    if not known:
        return None
    if not every:
        every_release = f"torch {known[0]} to {known[-1]} for {platform}"
        return f"no published build of {every_release} has code for {gpu.title}"
    oldest, newest = every[0].release, every[-1].release
    if oldest == known[0] and newest == known[-1]:
        return None
    said = f"torch has builds for {gpu.title}"
    said += f" since {oldest}" if oldest != known[0] else ""
    return said + (f" up to {newest}" if newest != known[-1] else "")


def for_driver(cuda: str, platform: str, only: Fits | None = None) -> str | None:
    """The newest torch that works with a driver, as advice.

    Args:
        cuda: The newest CUDA release of the driver, such as ``11.4``. Builds for later minor
            releases of the same major one work, too.
        platform: The index platform.
        only: Which builds would do; every one by default.
    """
    major = int(cuda.partition(".")[0])
    rows = [
        one
        for one in torch_gpus()
        if one.platform == platform and one.cuda and int(one.cuda.partition(".")[0]) <= major
        if only is None or only(one)
    ]
    if not rows:
        return None
    newest = rows[-1].release
    if release_key(newest) < release_key(_OLDEST):
        return None
    return f"or keep the driver, and install torch {newest} for {_which(rows, newest)}"


def _by_targets(rows: Iterable[TorchGpus], gpu: Gpu) -> tuple[CodeFor, ...]:
    """The answer of each build; those with the same architectures have one."""
    alike: dict[tuple[str, ...], list[TorchGpus]] = {}
    for one in rows:
        alike.setdefault(one.targets, []).append(one)
    return tuple(
        CodeFor(
            f"torch {each[0].release} for {_toolkits(each, 'CUDA') or _toolkits(each, 'ROCm')}",
            targets,
            _run(targets, gpu),
        )
        for targets, each in alike.items()
    )


def _known(gpu: Gpu, platform: str) -> tuple[str, ...]:
    """The releases of which the builds for a maker's GPUs are known, oldest first."""
    of_amd = is_amd(gpu.target)
    rows = (one for one in torch_gpus() if one.platform == platform)
    return tuple(dict.fromkeys(one.release for one in rows if (one.cuda is None) is of_amd))


def _builds_for(gpu: Gpu, platform: str) -> list[TorchGpus]:
    """The builds with machine code for a GPU; without any, newer ones that can be compiled for it.

    The PTX of old releases does not count: the CUDA libraries beside it do not know newer GPUs.
    """
    rows = [
        (one, _run(one.targets, gpu).answer) for one in torch_gpus() if one.platform == platform
    ]
    return [one for one, answer in rows if answer is Runs.YES] or [
        one
        for one, answer in rows
        if answer is Runs.JIT and release_key(one.release) >= release_key(_OLDEST)
    ]


def _named(version: str, platform: str) -> tuple[TorchGpus, ...]:
    match = _VERSION.match(version)
    if match is None:
        return ()
    rows = of_release(match["release"], platform)
    return tuple(one for one in rows if one.label == match["kind"] + match["number"])


def _meant(installed: Installed | None, platform: str) -> tuple[TorchGpus, ...]:
    if installed is None or not installed.is_final:
        return ()
    rows = of_release(installed.release, platform)
    if installed.rocm is not None:
        return tuple(one for one in rows if one.rocm == installed.rocm)
    if not installed.stated:
        return tuple(one for one in rows if one.cuda is not None)
    return tuple(one for one in rows if one.cuda is not None and one.cuda == installed.cuda)


def _which(every: Iterable[TorchGpus], release: str) -> str:
    """``CUDA 12.8 or 13.0: pip install torch==2.9.1 --index-url …/cu128``.

    The command is for the oldest CUDA, which works with the most drivers.
    """
    rows = [one for one in every if one.release == release]
    names = [one for kind in ("CUDA", "ROCm") if (one := _toolkits(rows, kind))]
    command = f"pip install torch=={release} --index-url {INDEX}/{rows[0].label}"
    return f"{' or '.join(names)}: {command}"


def _toolkits(rows: Iterable[TorchGpus], kind: str) -> str:
    """``CUDA 12.6, 12.8 or 13.0``; empty if no build is of the kind."""
    versions = [one.cuda if kind == "CUDA" else one.rocm for one in rows]
    *most, last = dict.fromkeys(one for one in versions if one) or [""]
    return f"{kind} {' or '.join(filter(None, (', '.join(most), last)))}" if last else ""


def _run(targets: tuple[str, ...], gpu: Gpu) -> Run:
    return runs(DeviceCode((KernelSet(targets, 1),)), gpu)
