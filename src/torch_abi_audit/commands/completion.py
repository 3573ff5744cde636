"""``torch-abi-audit completion SHELL``: a completion script, for a shell to read at its start."""

from __future__ import annotations

import argparse

from torch_abi_audit.commands import ERROR, OK, VERBS

SHELLS = ("bash", "zsh", "fish")


def run(words: list[str]) -> int:
    """Print the script and return the exit code."""
    options = parser().parse_args(words)
    try:
        import shtab
    except ImportError:
        from torch_abi_audit.commands.shared.terminal import complain

        complain(
            "shell completion needs shtab: install torch-abi-audit[completion], or shtab beside it"
        )
        return ERROR
    print(shtab.complete(_whole(), options.shell))
    return OK


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    made = argparse.ArgumentParser(
        prog="torch-abi-audit completion",
        description='Print a completion script, such as: eval "$(torch-abi-audit completion bash)"',
        allow_abbrev=False,
    )
    made.add_argument("shell", metavar="SHELL", choices=SHELLS, help=", ".join(SHELLS))
    return made


def _whole() -> argparse.ArgumentParser:
    """All verbs as one parser: a tree that shells can walk."""
    from torch_abi_audit.runtime.lazy_import import module

    whole = argparse.ArgumentParser(prog="torch-abi-audit", allow_abbrev=False)
    verbs = whole.add_subparsers()
    for verb in VERBS:
        one: argparse.ArgumentParser = module(f"commands.{verb}").parser()
        helped = (one.description or "").partition("\n")[0]
        branch = verbs.add_parser(verb, parents=[one], add_help=False, help=helped)
        for action in branch._actions:  # noqa: SLF001 - where shtab looks for file names
            _complete_files(action)
    # what stands without a verb is an audit
    audit: argparse.ArgumentParser = module("commands.audit").parser()
    for action in audit._actions:  # noqa: SLF001 - argparse has no public list of them
        if action.option_strings and action.dest != "help":
            _complete_files(action)
            whole._add_action(action)  # noqa: SLF001 - see above
    return whole


def _complete_files(action: argparse.Action) -> None:
    import shtab

    if action.dest in {"targets", "baseline", "write_baseline", "config", "old", "new"}:
        action.complete = shtab.FILE  # type: ignore[attr-defined]
    elif action.dest == "site_packages":
        action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
