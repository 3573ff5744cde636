"""Builds the parser of a verb from the table of options; usage errors suggest a correction."""

from __future__ import annotations

import argparse
import os

from torch_abi_audit.commands.shared.options import CHECKS, OPTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from typing import Any, NoReturn

    from torch_abi_audit.commands.shared.options import Option, Syntax


def parse(syntax: Syntax, words: Sequence[str]) -> argparse.Namespace:
    """Parse ``words``; exit with code 2 and a usage error if they are invalid."""
    made = parser(syntax)
    if "gate" in syntax.options:
        _refuse_named_check(made, words)
    options, rest = made.parse_known_args(words)
    if rest:
        made.error(f"unrecognized arguments: {' '.join(rest)}{_hint(rest, syntax)}")
    for name in syntax.options:
        kept = OPTIONS[name].old
        if kept is not None and getattr(options, name) is not None:
            if getattr(options, kept) is not None:
                new, old = OPTIONS[kept].flags[0], OPTIONS[name].flags[0]
                made.error(f"{old} is a deprecated spelling of {new}: give only one of them")
            setattr(options, kept, getattr(options, name))
    return options


def fail(syntax: Syntax, message: str) -> NoReturn:
    """Print the usage of the verb and a message, and exit with code 2."""
    parser(syntax).error(message)


def parser(syntax: Syntax) -> argparse.ArgumentParser:
    """The parser of a verb."""
    made = _Parser(
        prog=syntax.program,
        usage=syntax.usage,
        description=syntax.description,
        epilog=syntax.epilog or None,
        formatter_class=_help_format,
        allow_abbrev=False,
    )
    fill(made, syntax, syntax.options)
    return made


def fill(
    made: argparse.ArgumentParser,
    syntax: Syntax,
    names: Iterable[str],
    completion: Mapping[str, object] | None = None,
) -> None:
    """Add options to a parser.

    Args:
        made: The parser.
        syntax: The syntax of the verb, which has the help texts.
        names: Names of rows of ``OPTIONS``.
        completion: The shell completion of a ``file`` and a ``directory``; if given, the parser is
            used only to generate completion scripts.
    """
    groups: dict[str, argparse._ArgumentGroup] = {}
    for name in names:
        one = OPTIONS[name]
        place: argparse._ActionsContainer = made
        if one.group is not None:
            if one.group not in groups:
                groups[one.group] = made.add_argument_group(one.group)
            place = groups[one.group]
        action = place.add_argument(*(one.flags or (name,)), **_arguments(name, one, syntax))
        if completion is not None:
            if name == "format":
                from torch_abi_audit.report.formats import FORMATS

                action.choices = tuple(FORMATS[syntax.verb])
            if one.completes is not None:
                action.complete = completion[one.completes]  # type: ignore[attr-defined]


def _arguments(name: str, one: Option, syntax: Syntax) -> dict[str, Any]:
    """The keyword arguments of ``add_argument`` for a row."""
    said: dict[str, Any] = {"help": argparse.SUPPRESS if one.old else _escaped(syntax.help(name))}
    if name == "version":
        from torch_abi_audit import __version__

        return {**said, "action": "version", "version": f"%(prog)s {__version__}"}
    if one.flags:
        said["dest"] = "check" if name == "gate" else name
    if not one.takes_value:
        return {**said, "action": "store_true"}
    if one.metavar is not None:
        said["metavar"] = one.metavar
    if one.choices:
        said["choices"] = one.choices
    if one.nargs is not None:
        said["nargs"] = one.nargs
    if one.repeated:
        said["action"] = "append"
    if one.default is not None:
        said["default"] = one.default
    return said


class _Parser(argparse.ArgumentParser):
    """A parser that suggests the likely correction of an invalid choice."""

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is None or value in action.choices:
            return
        known = [str(one) for one in action.choices]
        what = action.option_strings[0] if action.option_strings else action.metavar or action.dest
        near = _nearest(str(value), known)
        hint = f"did you mean {near}?" if near else f"choose from {', '.join(known)}"
        if action.dest == "check" and not near:
            hint += f", and put the TARGET after it: {what} {known[0]} {value}"
        raise argparse.ArgumentError(None, f"{what}: invalid choice: {str(value)!r}; {hint}")


def _refuse_named_check(made: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """Exit with a usage error if a value of the audit's ``--check`` follows ``--check``.

    Here ``--check`` is a switch, so the value would be taken for a TARGET by mistake.
    """
    for at, word in enumerate(words):
        if word == "--":
            return
        name, sign, value = word.partition("=")
        if name != "--check":
            continue
        if not sign:
            value = words[at + 1] if at + 1 < len(words) else ""
        if value in CHECKS:
            made.error(
                f"--check takes no value here: remove {value}; if it is a TARGET, put it before "
                f"--check or write ./{value}"
            )
        if sign:
            made.error(f"--check takes no value here: remove {sign}{value}")


def _listed(verbs: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *most, last = verbs
    return f"{', '.join(most)} and {last}" if most else last


def _hint(rest: Sequence[str], syntax: Syntax) -> str:
    """The likely correction of an argument that is not an option of the verb."""
    for word in rest:
        flag = word.partition("=")[0]
        others = _takers(flag)
        if others:
            return f"; {flag} is an option of {_listed(others)}"
        near = _nearest(flag, [*_flags(syntax), "--help"], cutoff=0.7)
        if near and flag.startswith("--"):
            return f"; did you mean {near}?"
    return ""


def _flags(syntax: Syntax) -> list[str]:
    return [flag for name in syntax.options for flag in OPTIONS[name].flags]


def _takers(flag: str) -> list[str]:
    """The verbs that take an option."""
    from torch_abi_audit.commands import VERBS
    from torch_abi_audit.runtime.lazy_import import module

    return [verb for verb in VERBS if flag in _flags(module(f"commands.{verb}").syntax())]


def _nearest(word: str, known: Collection[str], cutoff: float = 0.5) -> str | None:
    from difflib import get_close_matches  # only needed for mistakes

    near = get_close_matches(word, known, n=1, cutoff=cutoff)
    return near[0] if near else None


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _help_format(prog: str) -> argparse.HelpFormatter:
    """A help formatter that keeps line breaks in descriptions.

    With an explicit width, ``argparse`` does not import ``shutil`` and its archive modules.
    """
    try:
        columns = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size().columns
    except (OSError, ValueError):
        columns = 80
    return argparse.RawDescriptionHelpFormatter(prog, width=columns - 2)
