"""C: the CUDA that a library needs against the CUDA that comes with torch."""

from __future__ import annotations

from torch_abi_audit.facts.cuda import needed, required_releases, torch_builds
from torch_abi_audit.knowledge.names.cuda import major
from torch_abi_audit.knowledge.torch_releases import torch_releases
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.releases import release_runs
from torch_abi_audit.rules.definition import About, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import Cuda
    from torch_abi_audit.rules import Detectors
    from torch_abi_audit.rules.context import Context

    _Builds = Sequence[tuple[str, int | None]]
    """Torch releases, with the CUDA of each build."""


C501 = Rule(
    "C501",
    "cuda-major-of-torch",
    "A library needs another CUDA than the torch releases that its requirement admits",
    "torch brings the libraries of its own CUDA alone: loading ends with `libcudart.so.…: "
    "cannot open shared object file`, unless the user chooses a torch of another index.",
    "Bound torch to the releases that are built for the same CUDA, build for the CUDA of the "
    "newer ones, or require the nvidia packages of the CUDA that is needed.",
    Severity.WARNING,
    example="_C.so: it needs libcudart.so.12 (CUDA 12), and torch 2.11.0 to 2.15.0 from the "
    "package index brings CUDA 13",
)

C502 = Rule(
    "C502",
    "cuda-unprovided",
    "A library needs CUDA libraries that nothing required provides",
    "It loads only where the user has that CUDA installed, in the loader's way.",
    "Require the nvidia packages of that CUDA, or say that the user must bring it.",
    Severity.WARNING,
    itemized=True,
    example="_C.so: it needs libcudart.so.12 (CUDA 12), and nothing that it brings or "
    "requires provides that",
)


def unbrought(context: Context) -> Iterator[Finding]:
    """A CUDA that neither the package nor its requirements bring, nor torch in every release."""
    cuda, builds = _judged(context)
    if cuda is None or not required_releases(context.declared).isdisjoint(cuda.majors):
        return
    for path, names, majors in _linked(context, cuda):
        if len(majors) > 1 or majors[0] in required_releases(context.declared):
            continue
        needs = f"it needs {names[0]} (CUDA {majors[0]}), and "
        other = _others(builds, {majors[0], *cuda.majors})
        if other:
            yield C501.finding(
                f"{needs}torch {_span(other)} from the package index brings CUDA "
                f"{_releases(builds, other)}",
                library=path,
                evidence=names,
            )
        elif not any(brought in cuda.majors for _, brought in builds):
            yield C502.finding(
                f"{needs}nothing that it brings or requires provides that",
                library=path,
                evidence=names,
            )


C503 = Rule(
    "C503",
    "cuda-majors-mixed",
    "A library is linked to two CUDA releases at once",
    "Two runtimes share one context and disagree on its state; at best one is not found.",
    "Link every part against the same CUDA toolkit.",
    Severity.ERROR,
    example="_C.so: it is linked to CUDA 11 and 12 at once",
)


def mixed(context: Context) -> Iterator[Finding]:
    """One library that is linked to several CUDA releases, none of which the package brings."""
    cuda, _ = _judged(context)
    for path, names, majors in _linked(context, cuda) if cuda is not None else ():
        if len(majors) > 1:
            yield C503.finding(
                f"it is linked to CUDA {' and '.join(map(str, majors))} at once",
                library=path,
                evidence=names,
            )


C504 = Rule(
    "C504",
    "cuda-majors-side-by-side",
    "The package requires another CUDA than the one that torch brings",
    "Both are loaded into one process: handles, streams and errors of one runtime mean "
    "nothing to the other.",
    "Build for the CUDA of the torch releases that the requirement admits.",
    Severity.NOTE,
    example="it requires the libraries of CUDA 12, and torch 2.11.0 to 2.15.0 brings CUDA 13",
    about=About.PACKAGE,
)


def side_by_side(context: Context) -> Iterator[Finding]:
    """Requirements that bring the CUDA of the libraries, and a torch that brings another."""
    cuda, builds = _judged(context)
    if cuda is None:
        return
    for number in sorted(required_releases(context.declared).intersection(cuda.majors)):
        others = _others(builds, {number})
        if others:
            yield C504.finding(
                f"it requires the libraries of CUDA {number}, and torch {_span(others)} brings "
                f"CUDA {_releases(builds, others)}",
                evidence=cuda.dependencies,
            )


def _judged(context: Context) -> tuple[Cuda | None, _Builds]:
    """The CUDA of the package, and the builds of torch that may be beside it.

    No CUDA where there is nothing to compare: in torch itself, and beside torch where too little
    is known of the releases, or none can be installed.
    """
    cuda = context.cuda
    if cuda is None or context.declared.is_torch:
        return None, ()
    admitted = context.installable_torch
    if context.needed_torch is not None and not admitted:
        return None, ()
    return cuda, torch_builds(context.environments, admitted)


def _linked(context: Context, cuda: Cuda) -> Iterator[tuple[str, list[str], list[int]]]:
    """Each library that is linked to CUDA from elsewhere: its path, those names, the releases."""
    for path, library in context.libraries:
        names = [name for name in needed(library) if name not in cuda.bundled and major(name)]
        majors = sorted({number for name in names if (number := major(name))})
        if majors:
            yield path, names, majors


def _others(builds: _Builds, but: Collection[int]) -> list[str]:
    """The torch releases that bring a CUDA, and none of these."""
    return [torch for torch, brought in builds if brought is not None and brought not in but]


def _span(versions: Sequence[str]) -> str:
    return release_runs(versions, [one.version for one in torch_releases()])


def _releases(builds: _Builds, versions: Collection[str]) -> str:
    """The CUDA releases that come with these torch releases."""
    numbers = {brought for torch, brought in builds if torch in versions and brought is not None}
    return " or ".join(str(each) for each in sorted(numbers))


DETECTORS: Detectors = {unbrought: (C501, C502), mixed: (C503,), side_by_side: (C504,)}
