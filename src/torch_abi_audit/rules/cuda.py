"""C501 to C505: the CUDA that a library needs against the CUDA that torch brings."""

from __future__ import annotations

from torch_abi_audit.facts.cuda import Brought, brought, cuda_majors, required_releases
from torch_abi_audit.facts.torch_advice import Fault
from torch_abi_audit.facts.torch_range import reachable
from torch_abi_audit.knowledge.names.cuda import is_brought_by_torch, is_renamed, major
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.releases import release_runs
from torch_abi_audit.rules.definition import About, Rule
from torch_abi_audit.rules.torch_wording import (
    cuda_need,
    declare,
    either,
    fix,
    needs_other,
    open_clause,
    platforms_of,
    without_fitting,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.facts.cuda import Unmet
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.rules import Detectors
    from torch_abi_audit.rules.context import Context


C501 = Rule(
    "C501",
    "cuda-major-of-torch",
    "A library needs a different CUDA release than the required torch brings",
    "torch brings only the libraries of its own CUDA: loading fails with `libcudart.so.…: cannot "
    "open shared object file`, unless the user installs a torch build from another index.",
    "Restrict torch to the releases that are built for the same CUDA, build for the CUDA of the "
    "newer ones, or require the nvidia packages of the CUDA that the library needs.",
    Severity.WARNING,
    example="the binaries need CUDA 12 (libcudart.so.12), but torch 2.11.0 to 2.15.0 from the "
    "package index brings CUDA 13, and `torch>=2.10` admits it",
    about=About.PACKAGE,
)


def other_cuda(context: Context) -> Iterator[Finding]:
    """Admitted releases of torch that load, but bring another CUDA: once for the requirement."""
    said, advice = context.required_torch, context.torch_advice
    if said is None or advice.fault is not Fault.OTHER_CUDA:
        return
    releases = advice.other_cuda or advice.fit.cuda_nowhere
    text = needs_other("the binaries need", context, releases)
    if not advice.fit.cuda_nowhere:
        text += f", and `{said.text}` admits it{open_clause(advice)}"
        text += declare(advice)
    yield C501.finding(
        text,
        evidence=sorted({name for one in context.lacking_cuda for name in one.of_torch}),
        fix=_elsewhere(context) if advice.fit.cuda_nowhere else fix(advice),
    )


def _elsewhere(context: Context) -> str:
    """What to do where no admitted release brings the CUDA."""
    needed = either(sorted(context.cuda_of_torch))
    found = either(cuda_majors(context.torch_advice.fit.cuda_nowhere, context.environments))
    return (
        f"Require the nvidia packages of CUDA {needed}, build for CUDA {found}, or tell users to "
        f"install a build of torch for CUDA {needed}."
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


def unprovided(context: Context) -> Iterator[Finding]:
    """CUDA libraries that the package lacks and that neither torch nor a requirement brings."""
    if not _is_judged(context):
        return
    for one in context.lacking_cuda:
        names = _unprovided(context, one)
        if names and len(one.majors) == 1:
            yield C502.finding(
                f"needs {names[0]} (CUDA {major(names[0])}), which neither the package nor its "
                "requirements provide",
                library=one.path,
                evidence=names,
            )


def _unprovided(context: Context, one: Unmet) -> Sequence[str]:
    releases = required_releases(context.declared)
    linked = () if context.cuda is None else context.cuda.majors
    if context.has_torch or not releases.isdisjoint(linked):
        beside = [name for name in one.names if not is_brought_by_torch(name)]
    else:
        beside = list(one.names)
    return [
        name
        for name in beside
        if (is_renamed(name) or major(name) not in releases) and not _is_lent(context, one, name)
    ]


def _is_lent(context: Context, one: Unmet, name: str) -> bool:
    forms = {image.format for image in dict(context.libraries)[one.path].linkage}
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
    for one in context.lacking_cuda:
        if len(one.majors) > 1 and not context.declared.is_torch:
            yield C503.finding(
                f"linked to CUDA {' and '.join(map(str, one.majors))}",
                library=one.path,
                evidence=one.names,
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
    cuda, admitted = context.cuda, context.installable_torch
    if cuda is None or not admitted or not _is_judged(context):
        return
    for number in sorted(required_releases(context.declared).intersection(cuda.majors)):
        states = brought((number,), context.environments)
        others = [one for one in admitted if states.get(one) is Brought.OTHER]
        if others:
            found = cuda_majors(others, context.environments)
            yield C504.finding(
                f"the package requires the libraries of CUDA {number}, but torch "
                f"{release_runs(others, reachable(context.environments))} brings CUDA "
                f"{either(found)}",
                evidence=cuda.dependencies,
            )


C505 = Rule(
    "C505",
    "torch-build-needed",
    "The package needs a build of torch that is not on the package index",
    "An installer takes torch from the package index, where it is built without this support for "
    "the platform: the libraries of the package that need it do not load there.",
    "Tell users which build of torch to install, and from which index.",
    Severity.NOTE,
    example="its CUDA libraries need a build of torch for CUDA 12 (cudart64_12.dll): torch 2.4.0 "
    "to 2.15.0 from the package index is built without CUDA for Windows",
    about=About.PACKAGE,
)


def other_build(context: Context) -> Iterator[Finding]:
    """Packages for CUDA, ROCm or XPU builds of torch where the index has none that fits."""
    if not _is_judged(context):
        return
    advice, build = context.torch_advice, context.torch_build
    if build is not None:
        named = build.value.replace("rocm", "ROCm").replace("xpu", "XPU")
        yield C505.finding(
            f"needs a build of torch for {named}, which the package index does not have"
        )
        return
    known = reachable(context.environments)
    if advice.fit.without_cuda:
        names = {name for one in context.lacking_cuda for name in one.of_torch}
        plain = release_runs(without_fitting(context), known)
        yield C505.finding(
            f"its CUDA libraries need a build of torch for {cuda_need(context)}: torch {plain} "
            f"from the package index is built without CUDA for {platforms_of(context)}",
            evidence=sorted(names),
        )
        return
    need, admitted = context.needed_torch, context.installable_torch
    states = {} if need is None or need.loads_on is None else need.loads_on
    if admitted and all(states.get(one) == "needs-cuda" for one in admitted):
        yield C505.finding(
            f"its CUDA libraries need a CUDA build of torch: torch {release_runs(admitted, known)} "
            f"from the package index is built without CUDA for {platforms_of(context)}"
        )


def _is_judged(context: Context) -> bool:
    """Whether the distribution says what it requires; torch's own CUDA is none of its rules."""
    return context.declared.is_python_distribution and not context.declared.is_torch


DETECTORS: Detectors = {
    other_cuda: (C501,),
    unprovided: (C502,),
    mixed: (C503,),
    side_by_side: (C504,),
    other_build: (C505,),
}
