"""What a load matrix says of GPUs, as lines that text and Markdown share."""

from __future__ import annotations

from torch_abi_audit.model.releases import release_runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch_abi_audit.model.gpus import Gpu
    from torch_abi_audit.model.loads import GpuLoads, LoadMatrix

HEAD = "GPUs for which both it and torch have code"
"""The title of the lines."""


def gpu_lines(matrix: LoadMatrix) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the builds of torch that have the same answer, and the answer; none without any.

    The builds are written ``torch 2.6.0 to 2.15.0 for CUDA 12.6; 2.7.0 to 2.10.0 for CUDA 12.8``.
    """
    alike: dict[tuple[tuple[Gpu, ...], ...], list[GpuLoads]] = {}
    for one in matrix.gpus:
        alone = (one.only_package, one.only_package_by_jit, one.only_package_partly)
        key = (one.both, one.by_jit, one.partly, one.only_torch, *alone)
        alike.setdefault(key, []).append(one)
    for each in alike.values():
        yield _builds(each, matrix), tuple(_answer(each[0]))


def _builds(each: Iterable[GpuLoads], matrix: LoadMatrix) -> str:
    """The builds in words; those for several CUDA releases of the same torch together."""
    releases_of: dict[str, list[str]] = {}
    for one in each:
        toolkit = f"CUDA {one.cuda}" if one.cuda is not None else f"ROCm {one.rocm}"
        releases_of.setdefault(toolkit, []).extend(one.releases)
    toolkits_of: dict[tuple[str, ...], list[str]] = {}
    for toolkit, releases in releases_of.items():
        toolkits_of.setdefault(tuple(releases), []).append(toolkit)
    parts = [
        f"{release_runs(releases, matrix.releases)} for {_listed(toolkits)}"
        for releases, toolkits in toolkits_of.items()
    ]
    return f"torch {'; '.join(parts)}"


def _listed(toolkits: list[str]) -> str:
    """``CUDA 12.6, 12.8``: the name of the kind once."""
    kind = ""
    words = []
    for one in toolkits:
        name, _, version = one.partition(" ")
        words.append(version if name == kind else one)
        kind = name
    return ", ".join(words)


def _answer(one: GpuLoads) -> Iterator[str]:
    if one.both:
        yield _names(one.both)
    elif not one.by_jit and not one.partly:
        yield "none"
    for what, gpus in (
        ("by JIT", one.by_jit),
        ("some of its kernels", one.partly),
        ("torch alone", one.only_torch),
        ("the package alone", one.only_package),
        ("the package alone, by JIT", one.only_package_by_jit),
        ("the package alone, some of its kernels", one.only_package_partly),
    ):
        if gpus:
            yield f"{what}: {_names(gpus)}"


def _names(gpus: Iterable[Gpu]) -> str:
    return ", ".join(one.name for one in gpus)
