"""An outcome to its destinations: standard output, files, the step summary, complaints."""

from __future__ import annotations

import os
import sys

from torch_abi_audit.commands.shared.terminal import complain, style, warn
from torch_abi_audit.model.errors import SettingsError
from torch_abi_audit.report.rendering import Detail, render

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from torch_abi_audit.model.outcome import Outcome
    from torch_abi_audit.report.destination import Destination
    from torch_abi_audit.settings.schema import Settings

SUMMARY_LIMIT = (1 << 20) - 1024
"""Bytes of markdown that GitHub takes from one step, less a little."""


def destinations(options: argparse.Namespace, settings: Settings | None) -> tuple[Destination, ...]:
    """Where to, as what.

    Raises:
        SettingsError: two documents would share standard output.
    """
    from torch_abi_audit.report.destination import Destination

    chosen = () if settings is None else settings.formats
    if options.json:
        # --json beats the configuration's own choice for standard output
        kept = chosen if options.format else tuple(one for one in chosen if one.file is not None)
        chosen = (*kept, Destination("json"))
    if not any(one.file is None for one in chosen) and not options.format:
        chosen = (Destination("text"), *chosen)
        if os.environ.get("GITHUB_ACTIONS") == "true" and chosen == (Destination("text"),):
            chosen = (*chosen, Destination("github"))
    shared = [one.format for one in chosen if one.file is None]
    if len(shared) > 1 and sorted(shared) != ["github", "text"]:
        raise SettingsError(
            f"{' and '.join(shared)} would share standard output: name a file, such as "
            f"{shared[-1]}:FILE"
        )
    return chosen


def write(
    outcome: Outcome, chosen: tuple[Destination, ...], options: argparse.Namespace
) -> Iterator[str]:
    """Write every document; yields what could not be written, as sentences."""
    for one in chosen:
        if one.file is None:
            automatic = one.format == "github" and not options.format
            if automatic and outcome.gate is None:  # nobody asked for a judgement
                continue
            detail = Detail(options.verbose, options.all, style(options.color))
            text = render(one.format, outcome, detail)
            if text:
                print(text)
        else:
            room = SUMMARY_LIMIT - _size(one.file) if _is_summary(one.file) else 1 << 20
            text = render(one.format, outcome, Detail(options.verbose, options.all, room=room))
            yield from _to_file(one.file, text, append=_is_summary(one.file))
    if options.step_summary:
        path = os.environ.get("GITHUB_STEP_SUMMARY")
        if not path:
            yield "--step-summary: GITHUB_STEP_SUMMARY names no file"
            return
        room = SUMMARY_LIMIT - _size(path)
        text = render("markdown", outcome, Detail(options.verbose, options.all, room=room))
        yield from _to_file(path, text, append=True)


def report_troubles(outcome: Outcome) -> None:
    """Say on stderr what failed: targets, upkeep that fails nothing, and the gate."""
    for package in outcome.packages:
        if package.error is not None:
            complain(package.error)
    for one in outcome.standing:
        if one.report is None and not one.fails:
            warn(f"{one.finding.rule}: {one.finding.message}")
    gate = outcome.gate
    if gate is None:
        return
    lines = list(gate.failures)
    if lines:
        from torch_abi_audit.gate.summary import standing_symbols

        lines += standing_symbols(outcome.results)
    elif gate.empty and not any(one.error is not None for one in outcome.packages):
        lines = ["nothing was audited: no target holds a compiled library (see --allow-empty)"]
    if lines:
        from torch_abi_audit.mangling import escape

        print("FAIL:", *(f"\n  {escape(line)}" for line in lines), sep="", file=sys.stderr)


def _is_summary(path: str) -> bool:
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    return bool(summary) and os.path.realpath(path) == os.path.realpath(summary or "")


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0


def _to_file(path: str, text: str, *, append: bool) -> Iterator[str]:
    try:
        with open(path, "a" if append else "w", encoding="utf-8", newline="\n") as file:
            file.write(text + "\n")
    except OSError as error:
        yield f"cannot write {path}: {error.strerror or error}"
