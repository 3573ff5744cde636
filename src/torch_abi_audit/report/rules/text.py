"""Renders rules as text: all rules with a line each, or some rules in full."""

from __future__ import annotations

from textwrap import fill

from torch_abi_audit.report.rules.catalogue import standing, state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.report.rendering import Detail
    from torch_abi_audit.report.rules.catalogue import Catalogue
    from torch_abi_audit.rules.definition import Rule

_WIDTH = 88


def render(catalogue: Catalogue, _detail: Detail) -> str:
    """Return a line for each rule if these are all rules; otherwise each rule in full."""
    if catalogue.whole:
        return "\n".join(map(_line, catalogue.rules))
    return "\n\n".join(map(_full, catalogue.rules))


def _line(one: Rule) -> str:
    off = "" if one.default else " (off by default)"
    return f"{one.id}  {one.severity:<7}  {one.name:<28}  {one.title}{off}"


def _full(rule: Rule) -> str:
    parts = [f"{rule.id} {rule.name} ({state(rule)})", _filled(f"{rule.title}.")]
    parts += [_filled(f"Why: {rule.why}"), _filled(f"Fix: {rule.fix}")]
    parts += [_filled(f"Gate: {each}") for each in (standing(rule),) if each]
    if rule.example:
        parts.append(f"Example:\n  {rule.example}")
    return "\n\n".join(parts)


def _filled(text: str) -> str:
    return fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
