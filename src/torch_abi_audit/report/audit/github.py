"""Renders GitHub Actions workflow commands: a log group and one annotation per library.

GitHub shows at most ten errors and ten warnings per step. If there are more libraries, the last
annotation counts the rest. With a gate, only what fails it or could not be read is an error.
"""

from __future__ import annotations

from torch_abi_audit.model.findings import Severity
from torch_abi_audit.report.audit.grouping import grouped
from torch_abi_audit.report.wording import plural

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.outcome import Outcome
    from torch_abi_audit.report.audit.grouping import Group
    from torch_abi_audit.report.rendering import Detail

LIMIT = 10
"""Maximum number of annotations of one level per step."""

LISTED = 15
"""Maximum number of evidence lines in an annotation; the rest is counted."""

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_WORST = tuple(_LEVELS.values())


def render(outcome: Outcome, _detail: Detail) -> str:
    """Return the commands, one per line."""
    groups = grouped(outcome.standing)
    libraries: dict[str, list[Group]] = {}
    for one in groups:
        libraries.setdefault(one.path, []).append(one)
    gated = outcome.gate is not None
    return "\n".join((*_log(groups), *_annotations(libraries, gated=gated)))


def _log(groups: tuple[Group, ...]) -> Iterator[str]:
    if not groups:
        return
    yield f"::group::torch-abi-audit: {plural(len(groups), 'finding')}"
    for one in groups:
        yield f"{one.severity} {one.rule.id} {one.rule.name}: {one.path}: {one.message}"
    yield "::endgroup::"


def _annotations(libraries: dict[str, list[Group]], *, gated: bool) -> Iterator[str]:
    for level in _WORST:
        paths = [path for path, ones in libraries.items() if _worst(ones, gated=gated) == level]
        shown = paths if len(paths) <= LIMIT else paths[: LIMIT - 1]
        for path in shown:
            yield _command(level, path, "\n\n".join(map(_paragraph, libraries[path])))
        if shown != paths:
            left = plural(len(paths) - len(shown), "more library")
            named = "\n".join(paths[len(shown) :][:LISTED])
            yield _command(level, f"{left} with findings", f"The log lists all of them.\n{named}")


def _worst(groups: list[Group], *, gated: bool) -> str:
    return min((_level(one, gated=gated) for one in groups), key=_WORST.index)


def _level(one: Group, *, gated: bool) -> str:
    if gated and (one.fails or one.rule.unread):
        return "error"
    return "warning" if gated and one.severity == "error" else _LEVELS[one.severity]


def _paragraph(one: Group) -> str:
    lines = [f"{one.rule.id} {one.rule.name}: {one.message}"]
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
