"""M301 to M306: the declared requirement on torch, and metadata that is not valid.

``facts.torch_advice`` finds the one fault of a requirement, after everything that limits torch's
releases is intersected. The rule of that fault carries the whole message and the only fix; the
others of M301 to M305, and C501, keep silent.
"""

from __future__ import annotations

from torch_abi_audit.facts.environments import unreadable_python
from torch_abi_audit.facts.torch_advice import Fault
from torch_abi_audit.facts.torch_range import reachable
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.releases import next_minor, release_key, release_runs
from torch_abi_audit.rules.definition import About, Rule
from torch_abi_audit.rules.torch_wording import cuda_clause, declare, fix, open_clause, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.facts.torch_advice import Advice
    from torch_abi_audit.facts.torch_range import Needed
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.rules import Detectors
    from torch_abi_audit.rules.context import Context


M301 = Rule(
    "M301",
    "no-torch-requirement",
    "The package uses torch but does not require it",
    "Installers install no torch, or keep one that is too old: the first import fails with a "
    "missing library or an undefined symbol.",
    "Declare the torch releases that the binaries load on.",
    Severity.WARNING,
    example="the package uses torch (stable) but does not require it; the binaries need at least "
    "2.11.0",
    about=About.PACKAGE,
)


def missing(context: Context) -> Iterator[Finding]:
    """A package that uses torch without requiring it, on every Python of the wheel or on some."""
    need, advice = context.needed_torch, context.torch_advice
    if need is None or advice.fault is not Fault.MISSING:
        return
    if advice.without:
        yield M301.finding(
            _without(advice),
            fix="Require torch on these Pythons, too, or admit only the others.",
        )
        return
    said = context.required_torch
    extra = said.extras[0] if said is not None and said.extras else None
    text = _unrequired(need, extra) + cuda_clause(context)
    if advice.proposal is not None and extra is not None:
        yield M301.finding(
            text,
            fix=f"Declare `{advice.proposal}`, or leave it to the extra {extra!r} if the package "
            "can be used without torch.",
        )
    elif advice.proposal is not None:
        yield M301.finding(
            text + declare(advice),
            fix=f"Declare {quoted(advice.proposal)}, with an extra if the package can be used "
            "without torch.",
        )
    else:
        yield M301.finding(text, fix=_by_variants(context))


def _by_variants(context: Context) -> str | None:
    """What to declare by the variants of a package, where nothing is known of their releases."""
    from torch_abi_audit.knowledge.names.variants import releases

    minors = {one.minor for one in releases(path for path, _ in context.libraries).values()}
    if not minors:
        return None
    first, last = min(minors, key=release_key), max(minors, key=release_key)
    return (
        f"Declare `torch>={first},<{next_minor(last)}`, for which it ships variants, with an extra "
        "if the package can be used without torch."
    )


def _unrequired(need: Needed, extra: str | None) -> str:
    what = "stable" if need.stable else "unstable"
    text = f"the package uses torch ({what}) but "
    text += f"requires it only with the extra {extra!r}" if extra else "does not require it"
    if need.floor is not None and need.stable:
        text += f"; the binaries need at least {need.floor}"
    return text


def _without(advice: Advice) -> str:
    return f"the package does not require torch on Python {', '.join(advice.without)}"


M302 = Rule(
    "M302",
    "torch-floor-too-low",
    "The requirement on torch admits releases that are too old for the binaries",
    "Installers may keep or choose such a release, and the import then fails with an undefined "
    "symbol.",
    "Raise the lower bound to the oldest release that the binaries load on.",
    Severity.ERROR,
    example="`torch>=2.7` admits torch 2.7.0 to 2.10.0, but the binaries need at least 2.11.0",
    about=About.PACKAGE,
)

M305 = Rule(
    "M305",
    "torch-range-does-not-load",
    "The requirement on torch admits releases on which the binaries do not load",
    "Each of these releases lacks a symbol that the binaries import, so the package cannot be "
    "imported on it.",
    "Narrow the requirement to the releases that the binaries load on.",
    Severity.ERROR,
    example="`torch>=2.8` admits torch 2.10.0 to 2.15.0, on which the binaries do not load",
    about=About.PACKAGE,
)


def range_beyond(context: Context) -> Iterator[Finding]:
    """Admitted releases on which the binaries fail: M302 if all are too old, M305 if not."""
    need, said, advice = context.needed_torch, context.required_torch, context.torch_advice
    if need is None or said is None or advice.fault not in {Fault.TOO_OLD, Fault.NOT_LOADING}:
        return
    rule = M302 if advice.fault is Fault.TOO_OLD else M305
    known = reachable(context.environments)
    text = f"`{said.text}` admits torch {release_runs(advice.failing, known)}, "
    if advice.none_loads:
        yield rule.finding(
            text + _nothing_loads(need, advice, known),
            evidence=advice.failing,
            fix=_rebuild(advice, known),
        )
        return
    if rule is M302:
        text += f"but the binaries need at least {need.floor}"
    else:
        text += "on which the binaries do not load"
    if advice.without:
        text += f"; {_without(advice)}"
    text += open_clause(advice) + cuda_clause(context) + declare(advice)
    yield rule.finding(text, evidence=advice.failing, fix=fix(advice))


def _nothing_loads(need: Needed, advice: Advice, known: Sequence[str]) -> str:
    """Why no admitted release serves, and which would."""
    text = "and the binaries load on none of them"
    if advice.unknown:
        return f"{text}; of {release_runs(advice.unknown, known)} nothing is known"
    loading = [one for one in advice.fit.limits.known if need.loads(one)]
    if need.stable and need.floor is not None:
        return f"{text}: they need at least {need.floor}"
    if loading:
        return f"{text}: they load on {release_runs(loading, advice.fit.limits.known)}"
    return f"{text}, nor on any other torch that is known"


def _rebuild(advice: Advice, known: Sequence[str]) -> str:
    if advice.unknown and advice.proposal is not None:
        return (
            f"Declare {quoted(advice.proposal)}, or build the binaries for torch "
            f"{release_runs(advice.failing, known)}."
        )
    if advice.unknown:
        return (
            f"Keep torch {release_runs(advice.failing, known)} out, or build the binaries for them."
        )
    if advice.proposal is None:
        return "Build the binaries for a release that the requirement admits."
    return f"Declare `{advice.proposal}`, or build the binaries for a release that is admitted."


M303 = Rule(
    "M303",
    "torch-not-bounded",
    "The binaries use unstable torch symbols, and the requirement on torch has no upper bound",
    "Unstable symbols disappear or change their layout from one minor release to the next. "
    "Installers take the newest torch, for which the binaries were never built.",
    "Pin torch to the minor releases that the binaries were built and tested for, or move to "
    "the LibTorch Stable ABI.",
    Severity.WARNING,
    example="the binaries use unstable symbols, but `torch>=2.10` admits every later torch",
    about=About.PACKAGE,
)


def not_bounded(context: Context) -> Iterator[Finding]:
    """Unstable binaries with a requirement that admits torch releases that do not exist yet."""
    said, advice = context.required_torch, context.torch_advice
    if said is not None and advice.fault is Fault.UNBOUNDED:
        yield M303.finding(
            f"the binaries use unstable symbols, but `{said.text}` admits every later torch"
            f"{declare(advice)}",
            fix=fix(advice),
        )


M304 = Rule(
    "M304",
    "torch-pinned-harder",
    "The requirement on torch excludes releases on which the stable binaries load",
    "Binaries that keep to the LibTorch Stable ABI do not need the pin: it only keeps users from "
    "newer torch releases.",
    "Raise or remove the upper bound, unless the Python code of the package needs it.",
    Severity.NOTE,
    example="`torch==2.11.0` excludes torch 2.12.0 to 2.15.0, on which the stable binaries load",
    about=About.PACKAGE,
)


def pinned_harder(context: Context) -> Iterator[Finding]:
    """Newer releases that fit stable binaries, their CUDA too, but that are kept out."""
    said, advice = context.required_torch, context.torch_advice
    if said is not None and advice.fault is Fault.PINNED:
        known = reachable(context.environments)
        yield M304.finding(
            f"`{said.text}` excludes torch {release_runs(advice.newer, known)}, on which the "
            "stable binaries load",
            evidence=advice.newer,
            fix=f"Declare `{advice.proposal}`, unless the Python code of the package needs the "
            "bound.",
        )


M306 = Rule(
    "M306",
    "unreadable-metadata",
    "A line of the metadata is not a valid requirement or specifier",
    "Installers reject or ignore the line, and the audit cannot compare anything with it.",
    "Correct the line; the Python Packaging User Guide specifies dependency specifiers and "
    "version specifiers.",
    Severity.WARNING,
    example="the requirement 'torch (>2,' cannot be read",
    about=About.PACKAGE,
)


def unreadable(context: Context) -> Iterator[Finding]:
    """Invalid requirements on torch, where the package uses torch, and ``Requires-Python``."""
    said = context.required_torch if context.needed_torch is not None else None
    for line in said.unreadable if said is not None else ():
        yield M306.finding(f"the requirement {line!r} cannot be read", evidence=[line])
    python = context.declared.requires_python
    if python is not None and unreadable_python(python):
        yield M306.finding(f"Requires-Python {python!r} cannot be read", evidence=[python])


DETECTORS: Detectors = {
    missing: (M301,),
    range_beyond: (M302, M305),
    not_bounded: (M303,),
    pinned_harder: (M304,),
    unreadable: (M306,),
}
