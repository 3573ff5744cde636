"""C501 to C504: the CUDA that a library needs against the CUDA that torch brings."""

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
    "A library needs a different CUDA release than the required torch brings",
    "torch brings only the libraries of its own CUDA: loading fails with `libcudart.so.…: cannot "
    "open shared object file`, unless the user installs a torch build from another index.",
    "Restrict torch to the releases that are built for the same CUDA, build for the CUDA of the "
    "newer ones, or require the nvidia packages of the CUDA that the library needs.",
    Severity.WARNING,
    example="_C.so: needs libcudart.so.12 (CUDA 12), but torch 2.11.0 to 2.15.0 from the package "
    "index brings CUDA 13",
)

C502 = Rule(
    "C502",
    "cuda-unprovided",
    "A library needs CUDA libraries that neither the package nor its requirements provide",
    "The library loads only where the user has installed that CUDA where the loader looks.",
    "Require the nvidia packages of that CUDA and exclude their libraries from the wheel repair "
    "(`torch-abi-audit repair`), or document that users must install it.",
    Severity.WARNING,
    itemized=True,
    example="_C.so: needs libcudart.so.12 (CUDA 12), which neither the package nor its "
    "requirements provide",
)


def unbrought(context: Context) -> Iterator[Finding]:
    """CUDA libraries that the package and its requirements lack, and some torch release, too."""
    cuda, builds = _judged(context)
    if cuda is None or not required_releases(context.declared).isdisjoint(cuda.majors):
        return
    for path, names, majors in _linked(context, cuda):
        if len(majors) > 1 or majors[0] in required_releases(context.declared):
            continue
        needs = f"needs {names[0]} (CUDA {majors[0]}), "
        other = _others(builds, {majors[0], *cuda.majors})
        if other:
            yield C501.finding(
                f"{needs}but torch {_span(other)} from the package index brings CUDA "
                f"{_releases(builds, other)}",
                library=path,
                evidence=names,
            )
        elif not any(brought in cuda.majors for _, brought in builds) and not all(
            _is_lent(context, path, name) for name in names
        ):
            yield C502.finding(
                f"{needs}which neither the package nor its requirements provide",
                library=path,
                evidence=names,
            )


def _is_lent(context: Context, path: str, name: str) -> bool:
    forms = {image.format for image in dict(context.libraries)[path].linkage}
    return all(context.lending.lender(name, form) is not None for form in forms)


C503 = Rule(
    "C503",
    "cuda-majors-mixed",
    "A library is linked to two CUDA releases at once",
    "Two CUDA runtimes share one context and disagree on its state; at best, one of them is not "
    "found.",
    "Link every part against the same CUDA toolkit.",
    Severity.ERROR,
    example="_C.so: linked to CUDA 11 and 12",
)


def mixed(context: Context) -> Iterator[Finding]:
    """Libraries that are linked to several CUDA releases, none of which the package bundles."""
    cuda, _ = _judged(context)
    for path, names, majors in _linked(context, cuda) if cuda is not None else ():
        if len(majors) > 1:
            yield C503.finding(
                f"linked to CUDA {' and '.join(map(str, majors))}",
                library=path,
                evidence=names,
            )


C504 = Rule(
    "C504",
    "cuda-majors-side-by-side",
    "The package requires a different CUDA release than torch brings",
    "Both runtimes are loaded into one process, and the handles, streams and errors of one mean "
    "nothing to the other.",
    "Build for the CUDA of the torch releases that the requirement admits.",
    Severity.NOTE,
    example="the package requires the libraries of CUDA 12, but torch 2.11.0 to 2.15.0 brings "
    "CUDA 13",
    about=About.PACKAGE,
)


def side_by_side(context: Context) -> Iterator[Finding]:
    """Requirements on the CUDA that the libraries need, where torch brings another CUDA."""
    cuda, builds = _judged(context)
    if cuda is None:
        return
    for number in sorted(required_releases(context.declared).intersection(cuda.majors)):
        others = _others(builds, {number})
        if others:
            yield C504.finding(
                f"the package requires the libraries of CUDA {number}, but torch {_span(others)} "
                f"brings CUDA {_releases(builds, others)}",
                evidence=cuda.dependencies,
            )


def _judged(context: Context) -> tuple[Cuda | None, _Builds]:
    """The CUDA of the package, and the torch builds that may be installed beside it.

    The CUDA is None where there is nothing to compare: in torch itself, and in a package that uses
    torch where the installable torch releases are unknown or there are none.
    """
    cuda = context.cuda
    if cuda is None or context.declared.is_torch:
        return None, ()
    admitted = context.installable_torch
    if context.needed_torch is not None and not admitted:
        return None, ()
    return cuda, torch_builds(context.environments, admitted)


def _linked(context: Context, cuda: Cuda) -> Iterator[tuple[str, list[str], list[int]]]:
    """Each library linked to CUDA that the package does not bundle: path, names, CUDA releases."""
    for path, library in context.libraries:
        names = [name for name in needed(library) if name not in cuda.bundled and major(name)]
        majors = sorted({number for name in names if (number := major(name))})
        if majors:
            yield path, names, majors


def _others(builds: _Builds, but: Collection[int]) -> list[str]:
    """The torch releases that bring a CUDA other than these."""
    return [torch for torch, brought in builds if brought is not None and brought not in but]


def _span(versions: Sequence[str]) -> str:
    return release_runs(versions, [one.version for one in torch_releases()])


def _releases(builds: _Builds, versions: Collection[str]) -> str:
    """The CUDA releases that come with these torch releases."""
    numbers = {brought for torch, brought in builds if torch in versions and brought is not None}
    return " or ".join(str(each) for each in sorted(numbers))


DETECTORS: Detectors = {unbrought: (C501, C502), mixed: (C503,), side_by_side: (C504,)}
