"""The report of ``rule``: some rules in full, or the list of all rules."""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.rules.definition import Rule


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The rules to show."""

    rules: tuple[Rule, ...]
    whole: bool
    """Whether these are all rules, which text shows as a list."""


def standing(rule: Rule) -> str:
    """How a gate treats the rule, apart from its severity; may be empty."""
    said = []
    if rule.unread:
        said.append("`--select` and `--ignore` cannot disable it.")
    if rule.check is not None:
        said.append(f"`--check {rule.check}` fails on it, whatever its severity.")
    if rule.required:
        said.append("It counts under every `--check`, by its severity.")
    if not rule.baseline:
        said.append("A baseline cannot suppress it.")
    return " ".join(said)


def state(rule: Rule) -> str:
    """The severity and whether the rule is on by default: ``error, on by default``."""
    return f"{rule.severity}, {'on' if rule.default else 'off'} by default"
