"""``torch-abi-audit rule [ID]``: explains rules, or lists all of them."""

from __future__ import annotations

from torch_abi_audit.commands import ERROR, OK
from torch_abi_audit.commands.shared.options import DOCUMENT, Syntax

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.rules.definition import Rule


def syntax() -> Syntax:
    """The options and help of the verb."""
    return Syntax(
        verb="rule",
        description="Explain a rule: what it finds, why it matters, how to fix it.",
        options=("rules", "json", "markdown", *DOCUMENT),
    )


def run(words: list[str]) -> int:
    """Run the verb with the arguments ``words`` and return the exit code."""
    from torch_abi_audit.commands.shared.parsing import parse

    options = parse(syntax(), words)
    from torch_abi_audit.commands.shared import output
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.model.errors import AuditError
    from torch_abi_audit.report.rules.catalogue import Catalogue
    from torch_abi_audit.rules import rules

    try:
        chosen = output.destinations("rule", options)
        named = tuple(_named(options.rules)) if options.rules else tuple(rules().values())
    except AuditError as error:
        complain(str(error))
        return ERROR
    catalogue = Catalogue(named, whole=not options.rules)
    return OK if output.write("rule", catalogue, chosen, options) else ERROR


def _named(words: Sequence[str]) -> Iterator[Rule]:
    """The rules that words name by id, id prefix or name.

    Raises:
        TargetError: a word matches no rule.
    """
    from torch_abi_audit.gate.selection import nearest
    from torch_abi_audit.model.errors import TargetError
    from torch_abi_audit.rules import rules

    known = rules()
    for word in words:
        found = [one for one in known.values() if word.upper() == one.id or word == one.name]
        found = found or [one for one in known.values() if one.id.startswith(word.upper())]
        if not found:
            names = [*known, *(one.name for one in known.values())]
            raise TargetError(f"no rule is called {word}{nearest(word, names)}")
        yield from found
