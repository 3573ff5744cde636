"""Workflow commands of GitHub Actions: a group with everything, one annotation a library.

GitHub shows ten errors and ten warnings of a step: where there are more libraries than that, the
last annotation says how many.
"""

from __future__ import annotations

from torch_abi_audit.model import Severity
from torch_abi_audit.report.grouping import grouped
from torch_abi_audit.report.text import plural
from torch_abi_audit.rules import rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.outcome import Outcome
    from torch_abi_audit.report.grouping import Group
    from torch_abi_audit.report.rendering import Detail

LIMIT = 10
"""Annotations of one level that a step may have."""

LISTED = 15
"""Pieces of evidence in an annotation; the rest is a count."""

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_WORST = tuple(_LEVELS)


def format_outcome(outcome: Outcome, _detail: Detail) -> str:
    """The commands, one a line."""
    groups = grouped(outcome.standing)
    libraries: dict[str, list[Group]] = {}
    for one in groups:
        libraries.setdefault(one.path, []).append(one)
    return "\n".join((*_log(groups), *_annotations(libraries)))


def _log(groups: tuple[Group, ...]) -> Iterator[str]:
    if not groups:
        return
    yield f"::group::torch-abi-audit: {plural(len(groups), 'finding')}"
    for one in groups:
        yield f"{one.severity} {one.rule} {rule(one.rule).name}: {one.path}: {one.message}"
    yield "::endgroup::"


def _annotations(libraries: dict[str, list[Group]]) -> Iterator[str]:
    for severity, level in _LEVELS.items():
        paths = [path for path, ones in libraries.items() if _worst(ones) is severity]
        shown = paths if len(paths) <= LIMIT else paths[: LIMIT - 1]
        for path in shown:
            yield _command(level, path, "\n\n".join(map(_paragraph, libraries[path])))
        if shown != paths:
            left = plural(len(paths) - len(shown), "more library").replace("librarys", "libraries")
            named = "\n".join(paths[len(shown) :][:LISTED])
            yield _command(level, f"{left} with findings", f"All are in the log.\n{named}")


def _worst(groups: list[Group]) -> Severity:
    return min((one.severity for one in groups), key=_WORST.index)


def _paragraph(one: Group) -> str:
    lines = [f"{one.rule} {rule(one.rule).name}: {one.message}"]
    if len(one.evidence) > 1:
        lines += [f"  {each}" for each in one.evidence[:LISTED]]
    if len(one.evidence) > LISTED:
        lines.append(f"  ... {len(one.evidence) - LISTED} more")
    return "\n".join(lines)


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_property(f'torch-abi-audit: {title}')}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
