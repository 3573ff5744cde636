"""The rules: what each finding means, why it matters, what to do. One source for every output."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from torch_abi_audit.model import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of finding."""

    id: str
    """Stable: a letter for the family, three digits."""
    name: str
    """Stable, in words: ``second-libtorch``."""
    title: str
    why: str
    fix: str
    severity: Severity


_ALL = (
    Rule(
        "T102",
        "second-libtorch",
        "The package brings its own copy of a libtorch library",
        "Two copies of libtorch in one process have two operator registries, two allocators and "
        "two sets of type identities: operators go missing, or memory is freed by the wrong one.",
        "Exclude libtorch from the wheel repair (auditwheel repair --exclude 'libtorch*' "
        "--exclude 'libc10*') and let the torch distribution provide it.",
        Severity.ERROR,
    ),
    Rule(
        "T103",
        "unresolvable-stable-symbol",
        "A header-only symbol of torch::stable or torch::headeronly is undefined",
        "libtorch exports nothing from these namespaces: they are inlined from headers, so no "
        "release can provide the symbol and loading fails, at the latest when it is called.",
        "Compile the definition in: include the header that defines it in the file that uses it.",
        Severity.ERROR,
    ),
    Rule(
        "T104",
        "unknown-shim",
        "A C shim is used that no known torch release declares",
        "It is most likely newer than the table of this program, so the torch floor shown is a "
        "lower bound only.",
        "Update torch-abi-audit, or look for a misspelt or private shim.",
        Severity.WARNING,
    ),
    Rule(
        "T105",
        "unresolved-torch-types",
        "A symbol that speaks of torch types is provided by nobody in sight",
        "Neither libtorch nor another library of the distribution exports it, so it must come from "
        "a third party that was built against the same unstable torch headers.",
        "Name the library that provides it, or ship that library in the same distribution.",
        Severity.WARNING,
    ),
    Rule(
        "P203",
        "python-floor",
        "The binary needs a newer Python than its tag promises",
        "An installer trusts the wheel's tag: on the older Pythons that it admits, the extension "
        "fails to load with an undefined symbol.",
        "Raise the tag (py_limited_api) to the floor, or define Py_LIMITED_API as the tag says.",
        Severity.ERROR,
    ),
)

RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in _ALL})
"""Every rule by id."""


def finding(
    rule_id: str, message: str, *, library: str | None = None, evidence: Iterable[str] = ()
) -> Finding:
    """A finding of one rule, with the rule's severity and fix.

    Raises:
        KeyError: there is no such rule.
    """
    rule = RULES[rule_id]
    return Finding(
        rule=rule.id,
        severity=rule.severity,
        message=message,
        library=library,
        evidence=tuple(evidence),
        fix=rule.fix,
    )
