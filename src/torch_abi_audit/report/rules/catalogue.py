"""What the verb ``rule`` was asked for: some rules in full, or the list of all."""

from __future__ import annotations

from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.rules.definition import Rule


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Rules, by their ids."""

    rules: tuple[Rule, ...]
    whole: bool
    """Whether they are all there are, of which people want a list first."""


def standing(rule: Rule) -> str:
    """What a gate makes of it, where that does not follow from its severity; may be empty."""
    said = []
    if rule.unread:
        said.append("`--select` and `--ignore` never leave it out.")
    if rule.check is not None:
        where = " in an extension module of a package that uses torch" * rule.modules_only
        said.append(f"`--check {rule.check}` fails for it{where}, whatever its severity.")
    if not rule.baseline:
        said.append("A baseline never holds it.")
    return " ".join(said)


def state(rule: Rule) -> str:
    """Severity and whether it is on: ``error, on by default``."""
    return f"{rule.severity}, {'on' if rule.default else 'off'} by default"
