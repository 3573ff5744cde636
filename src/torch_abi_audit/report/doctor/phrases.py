"""The sentences of a diagnosis that text and Markdown share."""

from __future__ import annotations

import os

from torch_abi_audit.doctor.diagnosis import Status
from torch_abi_audit.doctor.remedy import how_found
from torch_abi_audit.explain.explanation import TITLES
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.doctor.diagnosis import Copies, Diagnosis, Examined, Problem

WORDS = {
    Status.LOADS: "loads",
    Status.PARTLY: "loads in part",
    Status.UNKNOWN: "not known",
    Status.FAILS: "will not load",
}
_ORDER = list(Status)


def ordered(found: Diagnosis) -> list[Examined]:
    """Torch if it does not load, then the packages, the worst first; torch last if it loads.

    Those that fail only because torch does are one: their names are joined.
    """
    after = [one for one in found.packages if one.fails_with_torch]
    others = [one for one in found.packages if not one.fails_with_torch]
    if after:
        names = ", ".join(named(one) for one in after)
        others.append(replace(after[0], name=names, distribution=None, version=None))
    packages = sorted(others, key=lambda one: _ORDER.index(one.status))
    if found.torch.status is Status.LOADS:
        return [*packages, found.torch]
    return [found.torch, *packages]


def named(one: Examined) -> str:
    """The name and the distribution: ``torchvision 0.28.0``."""
    if one.distribution is None or one.distribution.replace("-", "_") == one.name:
        return f"{one.name} {one.version}" if one.version else one.name
    return f"{one.name} ({one.distribution} {one.version or ''})".replace(" )", ")")


def has_section(one: Examined) -> bool:
    """Whether more is told of a package than its line."""
    return bool((one.problem or one.parts) and not one.fails_with_torch)


def summary(one: Examined) -> str:
    """One clause: the failure, or how much of the package does not load."""
    if one.problem is not None:
        text = _told(one.problem)
        failure = one.problem.failure
        if failure is not None and failure.file:  # the section below has the whole path
            text = text.replace(f"{os.path.dirname(failure.file)}{os.sep}", "")
        return text.partition("\n")[0]
    if one.unknown:
        return one.unknown[0]
    if one.parts:
        more = f" and {len(one.parts) - 1} more" if len(one.parts) > 1 else ""
        first = one.parts[0]
        return f"{file_name(first.library) if first.library else first.text}{more}"
    if one.limits:
        return "as far as it could be followed"
    return ""


def _told(problem: Problem) -> str:
    """What ends the import; for an exception whose message is not known, also what was before."""
    text = problem.raises or problem.text
    if ":" in text or " " in text:
        return text
    before = problem.text if problem.raises else next(iter(problem.why), "")
    if before:
        return f"{text}: {before}"
    where = problem.opened_at
    return text if where is None else f"{text} in {file_name(where[0])}, line {where[1]}"


def lines(problem: Problem) -> Iterator[tuple[str, str]]:
    """Yield each title with its sentence."""
    failure = problem.failure
    yield "error", problem.text.replace("\n", " ")
    if problem.raises is not None:
        yield "raised", problem.raises.replace("\n", " ")
    if failure is not None:
        lacking = failure.symbol or failure.library
        if lacking is not None and lacking not in problem.text:
            yield "missing", lacking
    if failure is not None and failure.file and failure.file != problem.library:
        yield "fails", failure.file
    if problem.library is not None:
        yield "opening", problem.library
    if problem.opened_at is not None:
        yield "opened by", f"{problem.opened_at[0]}:{problem.opened_at[1]}"
    for cause in problem.causes:
        yield "likely cause", f"{TITLES[cause]} [{cause}]"
    for one in problem.why:
        yield "because", one
    for one in problem.advice:
        yield "what to do", one


def copies_of(one: Copies) -> str:
    """A sentence on several copies of a runtime."""
    paths = ", ".join(map(how_found, one.opened))
    return f"{one.package} brings another copy of {one.name}: {paths}" + (
        f"; {one.effect}" if one.effect else ""
    )


def environment(found: Diagnosis) -> Iterator[tuple[str, str]]:
    """What was examined."""
    yield "Python", f"{found.python} ({found.executable or 'the interpreter is not there'})"
    version = f"{found.torch.version} " if found.torch.version else ""
    yield "Torch", f"{version}({found.torch_place})"
    for site in found.sites:
        if site != os.path.dirname(found.torch_place):
            yield "Packages", site
    yield from found.variables
