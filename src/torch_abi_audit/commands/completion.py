"""``torch-abi-audit completion SHELL``: prints a completion script for a shell."""

from __future__ import annotations

from torch_abi_audit.commands import ERROR, OK, VERBS
from torch_abi_audit.commands.shared.options import OPTIONS, Syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def syntax() -> Syntax:
    """The options and help of the verb."""
    return Syntax(
        verb="completion",
        description='Print a completion script, such as: eval "$(torch-abi-audit completion bash)"',
        options=("shell", "output"),
    )


def run(words: list[str]) -> int:
    """Print the script and return the exit code."""
    from torch_abi_audit.commands.shared.parsing import parse

    options = parse(syntax(), words)
    from torch_abi_audit.commands.shared import output
    from torch_abi_audit.commands.shared.terminal import complain

    try:
        import shtab
    except ImportError:
        complain("shell completion requires shtab: install torch-abi-audit[completion]")
        return ERROR
    script = shtab.complete(_whole(), options.shell)
    if options.output is not None:
        return OK if output.to_file(options.output, script) else ERROR
    print(script)
    return OK


def _whole() -> argparse.ArgumentParser:
    """One parser for all verbs, with a subparser each, as shtab expects."""
    import argparse

    import shtab

    from torch_abi_audit.commands.shared.parsing import fill
    from torch_abi_audit.runtime.lazy_import import module

    places = {"file": shtab.FILE, "directory": shtab.DIRECTORY}
    whole = argparse.ArgumentParser(prog="torch-abi-audit", allow_abbrev=False)
    verbs = whole.add_subparsers()
    for verb in VERBS:
        one: Syntax = module(f"commands.{verb}").syntax()
        branch = verbs.add_parser(verb, help=one.description.partition("\n")[0])
        fill(branch, one, one.options, places)
    # without a verb, the arguments are those of audit
    audit: Syntax = module("commands.audit").syntax()
    fill(whole, audit, (name for name in audit.options if OPTIONS[name].flags), places)
    return whole
