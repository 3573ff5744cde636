"""M301 to M306: the declared requirement on torch, and the rest of the metadata, in themselves."""

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
    "The package uses torch and does not require it",
    "An installer brings no torch, or keeps one that is too old: the first import ends with a "
    "missing library or an undefined symbol.",
    "Declare the torch releases that the binaries load on.",
    Severity.WARNING,
    example="it uses torch (stable) and declares no requirement on it; the binaries need 2.11.0",
    about=About.PACKAGE,
)


def missing(context: Context) -> Iterator[Finding]:
    """No requirement at all, or none on some Python of the wheel."""
    need, said = context.needed_torch, context.required_torch
    if need is None or (said is not None and (said.unreadable or said.by_url)):
        return
    if said is None or (said.per_environment and said.text is None):
        yield M301.finding(_unrequired(need, said) + _better(need), fix=_fix(need))
        return
    without = sorted({e.python for e, one in said.per_environment.items() if one is None})
    if without:
        yield M301.finding(
            f"no requirement on torch on Python {', '.join(without)}", fix=_fix(need)
        )


def _unrequired(need: Needed, said: Range | None) -> str:
    what = "stable" if need.stable else "unstable"
    text = f"it uses torch ({what}) and declares no requirement on it"
    if said is not None and said.extras:
        text = f"it uses torch ({what}) and requires it with the extra {said.extras[0]!r} alone"
    if need.floor is not None and need.stable:
        text += f"; the binaries need {need.floor}"
    return text


def _compared(context: Context) -> tuple[Needed, Range] | None:
    """What is needed and what is required, where both are known and can be compared."""
    need, said = context.needed_torch, context.required_torch
    if need is None or said is None or said.unreadable or said.by_url or said.text is None:
        return None
    return need, said


def _fix(need: Needed) -> str | None:
    return f"Declare `{need.proposal}`." if need.proposal else None


def _better(need: Needed) -> str:
    return f": declare `{need.proposal}`" if need.proposal else ""


M302 = Rule(
    "M302",
    "torch-floor-too-low",
    "The requirement on torch admits releases that are too old for the binaries",
    "An installer may keep or choose such a release, and the import ends with an undefined symbol.",
    "Raise the lower bound to the oldest release that the binaries load on.",
    Severity.ERROR,
    example="`torch>=2.7` admits torch 2.7.0 to 2.10.0; the binaries need 2.11.0",
    about=About.PACKAGE,
)

M305 = Rule(
    "M305",
    "torch-range-does-not-load",
    "The requirement on torch admits releases on which the binaries do not load",
    "Each of these releases lacks a symbol that the binaries import: whoever gets one cannot "
    "import the package.",
    "Narrow the requirement to the releases that the binaries load on.",
    Severity.ERROR,
    example="`torch>=2.8` admits torch 2.10.0 to 2.15.0, on which the binaries do not load",
    about=About.PACKAGE,
)


def range_beyond(context: Context) -> Iterator[Finding]:
    """The admitted releases on which the binaries fail: before their floor, and all others."""
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
            f"`{said.text}` admits torch {release_runs(early, known)}; the binaries need {floor}"
            f"{_better(need)}",
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
    "Unstable binaries do not bound torch from above",
    "Unstable symbols vanish or change their layout from one minor release to the next; an "
    "installer takes the newest torch, which the binaries were never built for.",
    "Pin torch to the minor releases that the binaries were built and tested for, or move to "
    "the LibTorch Stable ABI.",
    Severity.WARNING,
    example="the binaries use unstable symbols, and `torch>=2.10` admits every later torch",
    about=About.PACKAGE,
)


def not_bounded(context: Context) -> Iterator[Finding]:
    """Unstable binaries, and a requirement that admits releases that do not exist yet."""
    compared = _compared(context)
    if compared is None:
        return
    need, said = compared
    if not need.stable and said.is_open:
        yield M303.finding(
            f"the binaries use unstable symbols, and `{said.text}` admits every later torch"
            f"{_better(need)}",
            fix=_fix(need),
        )


M304 = Rule(
    "M304",
    "torch-pinned-harder",
    "The requirement on torch keeps out releases on which the stable binaries load",
    "The LibTorch Stable ABI spares users such a pin: it keeps them from newer torch releases "
    "for no reason that lies in the binaries.",
    "Open the upper bound, unless the Python code of the package needs it.",
    Severity.NOTE,
    example="`torch==2.11.0` keeps out torch 2.12.0 to 2.15.0, on which the stable binaries load",
    about=About.PACKAGE,
)


def pinned_harder(context: Context) -> Iterator[Finding]:
    """Stable binaries, and newer releases on which they load and that are kept out."""
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
            f"`{said.text}` keeps out torch {release_runs(newer, known)}, on which the stable "
            "binaries load",
            evidence=newer,
            fix=_fix(need),
        )


M306 = Rule(
    "M306",
    "unreadable-metadata",
    "A line of the metadata is no valid requirement or specifier",
    "Installers refuse it or ignore it, and nothing could be checked against it.",
    "Write it as the dependency specifiers and version specifiers of the Python packaging "
    "guide say.",
    Severity.WARNING,
    example="the requirement 'torch (>2,' cannot be read",
    about=About.PACKAGE,
)


def unreadable(context: Context) -> Iterator[Finding]:
    """Requirements on torch, where they matter, and ``Requires-Python``."""
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
