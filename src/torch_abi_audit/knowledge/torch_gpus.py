"""The GPU architectures that torch's own builds were compiled for: ``data/torch_gpus.tsv``.

A release of torch has several builds for each platform: one on the package index, and one for each
other CUDA or ROCm release on torch's own index. The table, which is read on first use, has what
``torch.cuda.get_arch_list`` says in each of them; ``tools/generate_torch_gpus.py`` generates it.
Torch holds its own kernels to that list. It also has a few kernels for single architectures
(``sm_90a``), which it chooses at run time: they are not listed, and make no GPU supported.
"""

from __future__ import annotations

from torch_abi_audit.knowledge import tables
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.once import once
from torch_abi_audit.runtime.records import dataclass


class Source(StrEnum):
    """Where the architectures of a build are known from; also the sections of the table."""

    WHEEL = "wheel"
    """The build itself, as published on the package index."""
    SCRIPT = "build script"
    """The scripts that build it, or torch's own documents about them: the build is not on the
    package index."""


@dataclass(frozen=True, slots=True)
class TorchGpus:
    """The architectures of one build of torch."""

    release: str
    """The final release, such as ``2.9.1``."""
    platform: str
    """``linux_x86_64``, ``linux_aarch64`` or ``win_amd64``."""
    cuda: str | None
    """The CUDA release that it is built with, such as ``12.8``; None for ROCm."""
    rocm: str | None
    """The ROCm release that it is built with, such as ``6.4``; None for CUDA."""
    targets: tuple[str, ...]
    """``sm_90`` for machine code, ``compute_90`` for PTX, ``gfx942``; ordered as in
    ``KernelSet.targets``."""
    source: Source

    @property
    def label(self) -> str:
        """The build's local version, and the end of its index's address: ``cu128``, ``rocm6.4``."""
        if self.cuda is not None:
            return "cu" + self.cuda.replace(".", "")
        return f"rocm{self.rocm}"


def torch_gpus() -> tuple[TorchGpus, ...]:
    """Every known build for GPUs: oldest release first, then by platform, CUDA before ROCm.

    To find the builds that support a GPU, ask ``judges.gpus`` about the ``targets`` of each: code
    for ``sm_86`` also runs on newer GPUs of its major version.
    """
    return _torch_gpus()


def of_release(
    release: str, platform: str | None = None, cuda: str | None = None
) -> tuple[TorchGpus, ...]:
    """The builds of one release; if given, only those for a platform or a CUDA release.

    ``release`` and ``cuda`` are exact: ``2.9.1`` and ``12.8``. There are none for a release that
    is not known.
    """
    found = [
        _build(release, *row)
        for row in _rows().get(release, ())
        if platform in {None, row[0]} and (cuda is None or row[1] == f"cuda{cuda}")
    ]
    return tuple(sorted(found, key=_order))


def default_build(release: str, platform: str) -> TorchGpus | None:
    """The build that is on the package index; None if that one is for the CPU, or not known."""
    return next((b for b in of_release(release, platform) if b.source is Source.WHEEL), None)


def releases() -> tuple[str, ...]:
    """The releases that have builds for GPUs, oldest first."""
    return tuple(_rows())


@once
def _torch_gpus() -> tuple[TorchGpus, ...]:
    return tuple([build for release in releases() for build in of_release(release)])


@once
def _rows() -> dict[str, list[tuple[str, str, str, Source]]]:
    """Each release, oldest first, to its rows: platform, build, targets and source."""
    found: dict[str, list[tuple[str, str, str, Source]]] = {}
    sections = tables.read("torch_gpus").sections
    for source in Source:
        for name, targets in sections[source].items():
            release, platform, build = name.split(" ")
            found.setdefault(release, []).append((platform, build, targets, source))
    return {release: found[release] for release in sorted(found, key=release_key)}


def _build(release: str, platform: str, build: str, targets: str, source: Source) -> TorchGpus:
    kind, version = build[:4], build[4:]
    cuda, rocm = (version, None) if kind == "cuda" else (None, version)
    return TorchGpus(release, platform, cuda, rocm, tuple(targets.split(" ")), source)


def _order(one: TorchGpus) -> tuple[object, ...]:
    return one.platform, one.cuda is None, release_key(one.cuda or one.rocm or "")
