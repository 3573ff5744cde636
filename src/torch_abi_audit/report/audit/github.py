"""Renders GitHub Actions workflow commands: a log group, and an annotation for each place.

A place is a library, or the libraries of one fact. GitHub shows at most ten errors and ten warnings
per step. If there are more places, the last annotation counts the libraries of the rest. With a
gate, only what fails it or could not be read is an error.
"""

from __future__ import annotations

from torch_abi_audit.model.findings import Severity
from torch_abi_audit.report.audit.grouping import grouped
from torch_abi_audit.report.wording import plural, some

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.model.outcome import Outcome
    from torch_abi_audit.report.audit.grouping import Group
    from torch_abi_audit.report.rendering import Detail

LIMIT = 10
"""Maximum number of annotations of one level per step."""

LISTED = 15
"""Maximum number of pieces of evidence, and of libraries, in an annotation; the rest is counted."""

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}
_WORST = tuple(_LEVELS.values())


def render(outcome: Outcome, _detail: Detail) -> str:
    """Return the commands, one per line."""
    groups = grouped(outcome.standing)
    places: dict[tuple[str, ...], list[Group]] = {}
    for one in groups:
        places.setdefault(one.paths, []).append(one)
    gated = outcome.gate is not None
    return "\n".join((*_log(groups), *_annotations(places, gated=gated)))


def _log(groups: tuple[Group, ...]) -> Iterator[str]:
    if not groups:
        return
    yield f"::group::torch-abi-audit: {plural(sum(one.findings for one in groups), 'finding')}"
    for one in groups:
        named = f"{one.severity} {one.rule.id} {one.rule.name}"
        if len(one.paths) == 1:
            yield f"{named}: {one.paths[0]}: {one.message}"
        else:
            yield f"{named}: {one.message}: {plural(len(one.paths), 'library')}"
            yield from (f"  {path}" for path in one.paths)
    yield "::endgroup::"


def _annotations(places: dict[tuple[str, ...], list[Group]], *, gated: bool) -> Iterator[str]:
    for level in _WORST:
        here = [paths for paths, ones in places.items() if _worst(ones, gated=gated) == level]
        shown = here if len(here) <= LIMIT else here[: LIMIT - 1]
        for paths in shown:
            body = "\n\n".join(map(_paragraph, places[paths]))
            if len(paths) > 1:
                body += "\n\n" + "\n".join(_listed(paths))
            yield _command(level, some(paths, "library"), body)
        if shown != here:
            left = list(dict.fromkeys(path for paths in here[len(shown) :] for path in paths))
            named = "\n".join(left[:LISTED])
            title = f"{plural(len(left), 'more library')} with findings"
            yield _command(level, title, f"The log lists all of them.\n{named}")


def _worst(groups: list[Group], *, gated: bool) -> str:
    return min((_level(one, gated=gated) for one in groups), key=_WORST.index)


def _level(one: Group, *, gated: bool) -> str:
    if gated and (one.fails or one.rule.unread):
        return "error"
    return "warning" if gated and one.severity == "error" else _LEVELS[one.severity]


def _paragraph(one: Group) -> str:
    lines = [f"{one.rule.id} {one.rule.name}: {one.message}"]
    if len(one.evidence) > 1:
        lines += [f"  {each}" for each in _listed(one.evidence)]
    return "\n".join(lines)


def _listed(texts: tuple[str, ...]) -> list[str]:
    left = len(texts) - LISTED
    return [*texts[:LISTED], *([f"... {left} more"] if left > 0 else [])]


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_property(f'torch-abi-audit: {title}')}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
