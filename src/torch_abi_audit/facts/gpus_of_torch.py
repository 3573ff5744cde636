"""The builds of torch beside which a package may be installed, and the GPUs that they are for."""

from __future__ import annotations

from torch_abi_audit.knowledge.platforms import SYSTEMS, index_platform
from torch_abi_audit.knowledge.torch_gpus import default_build, of_release
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from torch_abi_audit.facts.environments import Environment
    from torch_abi_audit.knowledge.torch_gpus import TorchGpus


@dataclass(frozen=True, slots=True)
class Builds:
    """Builds of one torch release for NVIDIA GPUs."""

    release: str
    each: tuple[TorchGpus, ...]
    """One or more, for every platform of the package."""
    on_index: bool
    """Whether these are the builds that an installer takes from the package index."""

    @property
    def cuda(self) -> tuple[str, ...]:
        """Their CUDA releases, oldest first."""
        found = {one.cuda for one in self.each if one.cuda is not None}
        return tuple(sorted(found, key=_cuda_key))


def newest_fitting(
    releases: Sequence[str], environments: Collection[Environment], majors: Collection[int]
) -> Builds | None:
    """The builds of the newest of some releases that bring the CUDA which a package needs.

    Builds from the package index are preferred, even of an older release: other builds are only
    taken where the index has none that fits. None if none is known.

    Args:
        releases: The releases that may be installed, oldest first.
        environments: Where the package may be installed.
        majors: The CUDA major releases that would do; empty if any would.
    """
    platforms = _platforms(environments)
    for on_index in (True, False):
        for release in reversed(releases):
            rows = [
                [one for one in _rows(release, platform, on_index=on_index) if fits(one, majors)]
                for platform in platforms
            ]
            if rows and all(rows):
                every = tuple(one for each in rows for one in each)
                return Builds(release, every, on_index)
    return None


def every_build(
    releases: Sequence[str], environments: Collection[Environment]
) -> tuple[TorchGpus, ...] | None:
    """Every build for NVIDIA GPUs of some releases; None if those of a release are not known."""
    platforms = _platforms(environments)
    found: list[TorchGpus] = []
    for release in releases:
        rows = [one for platform in platforms for one in _rows(release, platform, on_index=False)]
        if not rows:
            return None
        found += rows
    return tuple(found)


def fits(one: TorchGpus, majors: Collection[int]) -> bool:
    """Whether a build is for one of some CUDA major releases; any is if there are none."""
    return not majors or _cuda_key(one.cuda)[0] in majors


def _platforms(environments: Collection[Environment]) -> tuple[str, ...]:
    """The platforms for which torch has CUDA builds."""
    every = {index_platform(SYSTEMS[one.system].format, one.machine) for one in environments}
    return tuple(sorted(one for one in every if one is not None and not one.startswith("macosx")))


def _rows(release: str, platform: str, *, on_index: bool) -> tuple[TorchGpus, ...]:
    if on_index:
        found = default_build(release, platform)
        return () if found is None or found.cuda is None else (found,)
    return tuple(one for one in of_release(release, platform) if one.cuda is not None)


def _cuda_key(cuda: str | None) -> tuple[int, ...]:
    return tuple(int(part) for part in cuda.split(".")) if cuda else (0,)
