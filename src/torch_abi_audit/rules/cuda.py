"""C501 to C506: the CUDA that a library needs against the CUDA that torch brings."""

from __future__ import annotations

import sys

from torch_abi_audit.facts.cuda import Brought, brought, cuda_majors
from torch_abi_audit.facts.torch_advice import Fault
from torch_abi_audit.facts.torch_range import reachable
from torch_abi_audit.knowledge.names.cuda import family, is_brought_by_torch, major
from torch_abi_audit.knowledge.names.cuda_packages import may_bring
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.model.releases import release_runs
from torch_abi_audit.report.wording import several, some
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
    "Libraries need CUDA libraries that neither the package nor its requirements provide",
    "They load only where the user has installed that CUDA where the loader looks.",
    "Require the nvidia packages that contain them and exclude these libraries from the wheel "
    "repair (`torch-abi-audit repair`), or document that users must install them.",
    Severity.WARNING,
    itemized=True,
    example="_C.so needs libcudart.so.12 (CUDA 12), which neither the package nor its requirements "
    "provide",
    about=About.PACKAGE,
)


def unprovided(context: Context) -> Iterator[Finding]:
    """CUDA libraries that the package lacks and that neither torch nor a requirement brings.

    Once for the package. Libraries for several CUDA releases that stand in each other's place need
    one of these; nothing is said where one has all that it needs.
    """
    if not _is_judged(context):
        return
    lacking = {one.path: names for one in context.lacking_cuda if (names := _beside(context, one))}
    if not lacking:
        return
    from torch_abi_audit.knowledge.names.alternatives import choices

    either_of: list[set[int]] = []
    for choice in choices(context.package):
        alternatives = [lacking.keys() & one.files for one in choice.alternatives]
        found = [
            {number for path in paths for name in lacking[path] if (number := major(name))}
            for paths in alternatives
        ]
        if not all(alternatives):
            for path in frozenset[str]().union(*alternatives):
                del lacking[path]
        elif len(numbers := frozenset[int]().union(*found)) > 1:
            either_of.append(set(numbers))
    names = sorted({name for each in lacking.values() for name in each}, key=_by_release)
    if names:
        yield C502.finding(
            f"{some(tuple(lacking))} {'needs' if len(lacking) == 1 else 'need'} "
            f"{_what(names, any_one=bool(either_of))}, which neither the package nor its "
            "requirements provide",
            evidence=names,
        )


def _what(names: Sequence[str], *, any_one: bool) -> str:
    """``libcudart.so.12 and 2 more (CUDA 12)``; ``CUDA 11, 12 or 13 (libcudart.so.11.0 …)``."""
    numbers = sorted({number for name in names if (number := major(name))})
    if not numbers:
        return some(names)
    if len(numbers) == 1:
        return f"{some(names)} (CUDA {numbers[0]})"
    said = either(numbers) if any_one else " and ".join(map(str, numbers))
    return f"CUDA {said} ({some(names)})"


def _by_release(name: str) -> tuple[int, bool, str]:
    """The oldest CUDA first, and of one CUDA, the runtime; names without a release are last."""
    return major(name) or sys.maxsize, family(name) != "cudart", name


def _beside(context: Context, one: Unmet) -> Sequence[str]:
    """The names that neither torch nor another requirement brings."""
    if len(one.majors) > 1:
        return ()  # C503
    return [
        name
        for name in one.names
        if name not in one.lent
        and not (context.has_torch and is_brought_by_torch(name))
        and not any(may_bring(line, name) for line in context.declared.requires)
    ]


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
    "Restrict torch to the releases that bring the same CUDA, or build for the CUDA of the others.",
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
    if context.torch_advice.fault is Fault.OTHER_CUDA:
        return  # C501, whose fix leaves no such release
    lent = {number for one in context.lacking_cuda for name in one.lent if (number := major(name))}
    for number in sorted(lent):
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


C506 = Rule(
    "C506",
    "cuda-majors-apart",
    "Libraries of the package need different CUDA releases of torch",
    "torch brings the libraries of one CUDA. Whichever release is installed, one of these "
    "libraries does not load beside it.",
    "Build all libraries for one CUDA, or say in their names that they are alternatives "
    "(`_C_cu12`, `_C_cu13`).",
    Severity.WARNING,
    example="_C.so needs CUDA 12 and _D.so needs CUDA 13, and no torch brings both",
    about=About.PACKAGE,
)


def apart(context: Context) -> Iterator[Finding]:
    """Libraries that need different CUDA releases of torch and are no alternatives.

    A library whose name has the number of its CUDA is taken for one.
    """
    if not _is_judged(context) or not context.has_torch:
        return
    lacking = {one.path: one.of_torch for one in context.lacking_cuda if len(one.majors) == 1}
    paths: dict[int, list[str]] = {}
    for path, names in lacking.items():
        for number in {found for name in names if (found := major(name))}:
            paths.setdefault(number, []).append(path)
    if len(paths) < 2:
        return
    from torch_abi_audit.knowledge.names.alternatives import choices

    one_of = {
        path
        for choice in choices(context.package)
        for one in choice.alternatives
        for path in one.files
    }
    always = {
        number: [
            each for each in found if each not in one_of and str(number) not in file_name(each)
        ]
        for number, found in paths.items()
    }
    needs = [(number, always[number]) for number in sorted(always) if always[number]]
    if len(needs) > 1:
        said = [
            f"{some(each)} {'needs' if len(each) == 1 else 'need'} CUDA {number}"
            for number, each in needs
        ]
        yield C506.finding(
            f"{several(said, most=None)}, and no torch brings "
            + ("both" if len(said) == 2 else "all of them"),
            evidence=sorted({name for _, each in needs for path in each for name in lacking[path]}),
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
    apart: (C506,),
}
