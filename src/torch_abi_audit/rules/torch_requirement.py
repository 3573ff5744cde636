"""M301 to M306: the declared requirement on torch, and metadata that is not valid."""

from __future__ import annotations

from torch_abi_audit.facts.environments import unreadable_python
from torch_abi_audit.facts.torch_range import older, reachable
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.releases import release_runs
from torch_abi_audit.rules.definition import About, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.facts.torch_range import Needed, Range
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
    need, said = context.needed_torch, context.required_torch
    if need is None or (said is not None and (said.unreadable or said.by_url)):
        return
    if said is None or (said.per_environment and said.text is None):
        yield M301.finding(_unrequired(need, said) + _better(need), fix=_fix(need))
        return
    without = sorted({e.python for e, one in said.per_environment.items() if one is None})
    if without:
        yield M301.finding(
            f"the package does not require torch on Python {', '.join(without)}", fix=_fix(need)
        )


def _unrequired(need: Needed, said: Range | None) -> str:
    what = "stable" if need.stable else "unstable"
    text = f"the package uses torch ({what}) but does not require it"
    if said is not None and said.extras:
        text = (
            f"the package uses torch ({what}) but requires it only with the extra "
            f"{said.extras[0]!r}"
        )
    if need.floor is not None and need.stable:
        text += f"; the binaries need at least {need.floor}"
    return text


def _compared(context: Context) -> tuple[Needed, Range] | None:
    """The needed and the required torch; None where either is unknown or cannot be compared."""
    need, said = context.needed_torch, context.required_torch
    if need is None or said is None or said.unreadable or said.by_url or said.text is None:
        return None
    return need, said


def _fix(need: Needed) -> str | None:
    return f"Declare `{need.proposal}`." if need.proposal else None


def _better(need: Needed) -> str:
    return f"; declare `{need.proposal}`" if need.proposal else ""


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
    """Admitted releases on which the binaries fail: M302 below their floor, M305 for the others."""
    compared = _compared(context)
    if compared is None:
        return
    need, said = compared
    known = reachable(tuple(said.per_environment))
    failing = [each for each in said.admitted() if need.fails_on(each)]
    floor = need.floor
    early = [each for each in failing if floor is not None and older(each, floor)]
    late = [each for each in failing if each not in early]
    if early:
        yield M302.finding(
            f"`{said.text}` admits torch {release_runs(early, known)}, but the binaries need at "
            f"least {floor}{_better(need)}",
            evidence=early,
            fix=_fix(need),
        )
    if late:
        yield M305.finding(
            f"`{said.text}` admits torch {release_runs(late, known)}, on which the binaries do not "
            f"load{_better(need)}",
            evidence=late,
            fix=_fix(need),
        )


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
    compared = _compared(context)
    if compared is None:
        return
    need, said = compared
    if not need.stable and said.is_open:
        yield M303.finding(
            f"the binaries use unstable symbols, but `{said.text}` admits every later torch"
            f"{_better(need)}",
            fix=_fix(need),
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
    """Newer releases on which stable binaries load, but which the requirement excludes."""
    compared = _compared(context)
    if compared is None:
        return
    need, said = compared
    admitted = said.admitted()
    if not need.stable or not need.exactly or need.floor is None or not admitted:
        return
    newer = [
        each
        for each in reachable(tuple(said.per_environment))
        if not older(each, admitted[-1]) and each not in admitted and not need.fails_on(each)
    ]
    if newer:
        known = reachable(tuple(said.per_environment))
        yield M304.finding(
            f"`{said.text}` excludes torch {release_runs(newer, known)}, on which the stable "
            "binaries load",
            evidence=newer,
            fix=_fix(need),
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
