"""Each GPU once: what one rule says of it, another one does not repeat."""

from __future__ import annotations

from torch_abi_audit.rules import rule
from torch_abi_audit.rules.device_code import named
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.outcome import Result


def told_once(results: Iterable[Result]) -> Iterator[Result]:
    """The results without architectures that ``told_by`` of their rule names already.

    A finding goes if nothing else is left of it. It stays as it is if its message does not list
    the GPUs by the names of their architectures, as in reports of other versions.
    """
    present = list(results)
    for one in present:
        by = rule(one.finding.rule).told_by
        told = {
            target
            for other in present
            if other.finding.rule == by
            and other.report is one.report
            and one.finding.library in (None, other.finding.library)
            for target in other.finding.evidence
        }
        left = tuple(target for target in one.finding.evidence if target not in told)
        if left == one.finding.evidence:
            yield one
        elif left:
            yield replace(one, finding=_about(one.finding, left))


def _about(finding: Finding, left: tuple[str, ...]) -> Finding:
    """A finding with only some of its GPUs."""
    every = named(finding.evidence)
    if every not in finding.message:
        return finding
    return replace(finding, evidence=left, message=finding.message.replace(every, named(left), 1))
