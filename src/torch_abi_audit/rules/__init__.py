"""The rules: what each finding means, why it matters, what to do. One source for every output.

A family is a module beside this one with a tuple ``RULES``; the first letter of an id says which.
The texts are read when the first rule is asked for.
"""

from __future__ import annotations

from torch_abi_audit.model.findings import Finding
from torch_abi_audit.runtime.lazy_import import module
from torch_abi_audit.runtime.once import once
from torch_abi_audit.runtime.records import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from torch_abi_audit.rules.definition import Rule

FAMILIES: Mapping[str, str] = MappingProxyType(
    {"torch": "T", "python": "P", "metadata": "M", "linkage": "L", "cuda": "C", "run": "EIN"}
)
"""Module of each family to the letters that its ids begin with, in the order of the rule pages."""


@once
def rules() -> Mapping[str, Rule]:
    """Every rule by id, in the order of the families."""
    return MappingProxyType({one.id: one for family in FAMILIES for one in _family(family)})


def rule(rule_id: str) -> Rule:
    """The rule of an id; only its family is read.

    Raises:
        KeyError: there is no such rule.
    """
    for family, letters in FAMILIES.items():
        if rule_id[:1] in letters:
            for one in _family(family):
                if one.id == rule_id:
                    return one
    raise KeyError(rule_id)


def finding(
    rule_id: str,
    message: str,
    *,
    library: str | None = None,
    evidence: Iterable[str] = (),
    fix: str | None = None,
) -> Finding:
    """A finding of one rule, with the rule's severity, and its fix unless a better one is known.

    Raises:
        KeyError: there is no such rule.
    """
    source = rule(rule_id)
    return Finding(
        rule=source.id,
        severity=source.severity,
        message=message,
        library=library,
        evidence=tuple(evidence),
        fix=source.fix if fix is None else fix,
    )


def _family(name: str) -> tuple[Rule, ...]:
    found: tuple[Rule, ...] = module(f"rules.{name}").RULES
    return found
