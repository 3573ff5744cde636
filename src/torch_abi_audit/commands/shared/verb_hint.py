"""Suggests a verb for a TARGET that was not found and is, or resembles, the name of a verb."""

from __future__ import annotations

from torch_abi_audit.commands import VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.model.reports import PackageReport


def with_verb_hints(
    packages: Sequence[PackageReport], targets: Sequence[str]
) -> Iterator[PackageReport]:
    """The packages; the error of one that was not found suggests the verb that was likely meant.

    Args:
        packages: The reports of a run.
        targets: The TARGETs as typed, in order.
    """
    for one in packages:
        verb = None
        if one.error is not None and one.name in targets:
            verb = _verb_meant(one.name, first=one.name == targets[0])
        if verb is None:
            yield one
        else:
            from torch_abi_audit.runtime.records import replace

            yield replace(one, error=_with_hint(one.error or "", one.name, verb))


def _verb_meant(word: str, *, first: bool) -> str | None:
    """The verb that a word is; for the first word, also the verb that it resembles."""
    from difflib import get_close_matches  # only needed for mistakes

    near = [word] if word in VERBS else get_close_matches(word, VERBS, n=1, cutoff=0.7)
    return near[0] if near and (first or word in VERBS) else None


def _with_hint(error: str, word: str, verb: str) -> str:
    hint = f"the verb {verb}" if verb != word else f"the verb {verb}, which must come first"
    return f"{error.partition('; ')[0]}; did you mean {hint}?"
