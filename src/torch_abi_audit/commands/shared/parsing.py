"""A verb's parser, made from its rows; wrong usage ends with one sentence that says what to do."""

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
    """The options that ``words`` give; ends the program with 2 where they are wrong."""
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
                made.error(f"{old} is the old spelling of {new}: give one of them")
            setattr(options, kept, getattr(options, name))
    return options


def fail(syntax: Syntax, message: str) -> NoReturn:
    """End the program with the verb's usage, one sentence, and exit code 2."""
    parser(syntax).error(message)


def parser(syntax: Syntax) -> argparse.ArgumentParser:
    """The verb's parser."""
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
    """Give a parser the rows of these names.

    Args:
        made: The parser.
        syntax: The verb's, for what its help says.
        names: Rows of the table.
        completion: What the completion of a ``file`` and a ``directory`` is for shells; where it
            is given, the parser is for completion alone.
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
    """What ``add_argument`` is told of a row."""
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
    """A parser that says of a wrong choice what was likely meant."""

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is None or value in action.choices:
            return
        known = [str(one) for one in action.choices]
        what = action.option_strings[0] if action.option_strings else action.metavar or action.dest
        near = _nearest(str(value), known)
        hint = f"did you mean {near}?" if near else f"choose from {', '.join(known)}"
        if action.dest == "check" and not near:
            hint += f", and put what is to be audited after it: {what} {known[0]} {value}"
        raise argparse.ArgumentError(None, f"{what}: invalid choice: {str(value)!r}; {hint}")


def _refuse_named_check(made: argparse.ArgumentParser, words: Sequence[str]) -> None:
    """End with an error where a check of the audit's follows ``--check``, which takes none here.

    It would be taken for a TARGET, and whoever writes it means what it means to an audit.
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
                f"--check takes no value here: leave {value} out; a TARGET of that name is "
                f"written before --check, or as ./{value}"
            )
        if sign:
            made.error(f"--check takes no value here: leave {sign}{value} out")


def _hint(rest: Sequence[str], syntax: Syntax) -> str:
    """What was likely meant by what no option of the verb is called."""
    for word in rest:
        flag = word.partition("=")[0]
        others = _takers(flag)
        if others:
            return f"; {flag} is an option of {' and '.join(others)}"
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
    from difflib import get_close_matches  # for mistakes alone

    near = get_close_matches(word, known, n=1, cutoff=cutoff)
    return near[0] if near else None


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


def _help_format(prog: str) -> argparse.HelpFormatter:
    """A formatter that keeps the line breaks of descriptions.

    Given a width, ``argparse`` need not import ``shutil`` and all its archivers to ask for one.
    """
    try:
        columns = int(os.environ.get("COLUMNS", "0")) or os.get_terminal_size().columns
    except (OSError, ValueError):
        columns = 80
    return argparse.RawDescriptionHelpFormatter(prog, width=columns - 2)
