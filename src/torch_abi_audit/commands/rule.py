"""``torch-abi-audit rule [ID]``: what a rule means, or the list of all."""

from __future__ import annotations

import argparse

from torch_abi_audit.commands import ERROR, OK


def run(words: list[str]) -> int:
    """Explain the rules that ``words`` name, or list all, and return the exit code."""
    options = parser().parse_args(words)
    from torch_abi_audit.report.rules import pages as rule_pages
    from torch_abi_audit.rules import rules

    known = rules()
    if not options.rules:
        chosen = list(known.values())
        print(rule_pages.as_json(chosen) if options.json else rule_pages.as_list(chosen))
        return OK
    chosen = []
    for word in options.rules:
        found = [one for one in known.values() if word.upper() == one.id or word == one.name]
        found = found or [one for one in known.values() if one.id.startswith(word.upper())]
        if not found:
            from torch_abi_audit.commands.shared.terminal import complain
            from torch_abi_audit.gate.selection import nearest

            names = [*known, *(one.name for one in known.values())]
            complain(f"no rule is called {word}{nearest(word, names)}")
            return ERROR
        chosen += found
    if options.json:
        print(rule_pages.as_json(chosen))
    else:
        print("\n\n".join(map(rule_pages.as_text, chosen)))
    return OK


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    made = argparse.ArgumentParser(
        prog="torch-abi-audit rule",
        description="Explain a rule: what it finds, why it matters, how to fix it.",
        allow_abbrev=False,
    )
    made.add_argument(
        "rules",
        metavar="ID",
        nargs="*",
        help="an id (T101), the beginning of some (T), or a name (second-libtorch); all if absent",
    )
    made.add_argument("--json", action="store_true", help="print JSON instead of text")
    return made
