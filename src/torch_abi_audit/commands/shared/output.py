"""Writes a report to standard output and files, in the requested formats."""

from __future__ import annotations

import os

from torch_abi_audit.commands.shared.terminal import columns, complain, style
from torch_abi_audit.model.errors import SettingsError
from torch_abi_audit.report.destination import Destination
from torch_abi_audit.report.rendering import Detail, render

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

SUMMARY_LIMIT = (1 << 20) - 1024
"""Bytes of Markdown that GitHub accepts from one step, less a margin."""


def destinations(
    verb: str, options: argparse.Namespace, configured: Sequence[Destination] = ()
) -> tuple[Destination, ...]:
    """The destinations that ``--format``, ``--json``, ``--markdown`` and ``-o`` select.

    Args:
        verb: The verb, which determines the formats.
        options: The parsed command line.
        configured: Destinations from the configuration, which ``--format`` replaces.

    Raises:
        SettingsError: a format is unknown, or two reports would go to the same place.
    """
    chosen = list(_parsed(verb, options.format) if options.format else configured)
    short = [name for name in ("json", "markdown") if getattr(options, name, False)]
    if short:
        # they replace the configured format for standard output
        kept = chosen if options.format else [one for one in chosen if one.file is not None]
        chosen = [*kept, *map(Destination, short)]
    if not any(one.file is None for one in chosen) and not options.format:
        chosen.insert(0, Destination("text"))
    shared = [one.format for one in chosen if one.file is None]
    if len(shared) > 1 and sorted(shared) != ["github", "text"]:
        raise SettingsError(
            f"{' and '.join(shared)} cannot share standard output: name a file, such as "
            f"{shared[-1]}:FILE"
        )
    if options.output is not None:
        chosen = list(_redirected(chosen, options.output))
    files = [os.path.realpath(one.file) for one in chosen if one.file is not None]
    for at, file in enumerate(files):
        if file in files[:at] and not _is_summary(file):
            raise SettingsError(f"two reports would be written to {os.path.relpath(file)}")
    return tuple(chosen)


def write(
    verb: str, subject: object, chosen: Sequence[Destination], options: argparse.Namespace
) -> bool:
    """Write a report to every destination; report an error and return False if that fails."""
    whole = True
    verbose, show_all = (
        bool(getattr(options, "verbose", False)),
        bool(getattr(options, "all", False)),
    )
    for one in chosen:
        if one.file is None:
            painted = style(getattr(options, "color", "auto"))
            text = render(verb, one.format, subject, Detail(verbose, show_all, painted, columns()))
            if text:
                print(text)
        else:
            room = SUMMARY_LIMIT - _size(one.file) if _is_summary(one.file) else 1 << 20
            text = render(verb, one.format, subject, Detail(verbose, show_all, room=room))
            whole &= to_file(one.file, text, append=_is_summary(one.file))
    return whole


def to_file(path: str, text: str, *, append: bool = False) -> bool:
    """Write a text and a newline to a file; report an error and return False if that fails."""
    try:
        with open(path, "a" if append else "w", encoding="utf-8", newline="\n") as file:
            file.write(text + "\n")
    except OSError as error:
        complain(f"cannot write {path}: {error.strerror or error}")
        return False
    return True


def _parsed(verb: str, words: Sequence[str]) -> list[Destination]:
    from torch_abi_audit.report.formats import FORMATS

    try:
        return [Destination.parse(word, FORMATS[verb]) for word in words]
    except ValueError as error:
        raise SettingsError(f"--format: {error}") from None


def _redirected(chosen: Sequence[Destination], file: str) -> tuple[Destination, ...]:
    """Redirect the report for standard output to the file of ``-o``.

    The workflow commands of ``github`` stay on standard output if there is another report.
    """
    printed = [one for one in chosen if one.file is None]
    if not printed:
        raise SettingsError(
            f"-o {file}: every --format already names a file, so nothing is left to write"
        )
    if any(one.file is not None and _same(one.file, file) for one in chosen):
        raise SettingsError(f"-o and --format would both write to {file}")
    moved = next((one for one in printed if one.format != "github"), printed[0])
    return tuple(Destination(one.format, file) if one is moved else one for one in chosen)


def _is_summary(path: str) -> bool:
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    return bool(summary) and _same(path, summary or "")


def _same(path: str, other: str) -> bool:
    return os.path.realpath(path) == os.path.realpath(other)


def _size(path: str) -> int:
    return os.path.getsize(path) if os.path.exists(path) else 0
