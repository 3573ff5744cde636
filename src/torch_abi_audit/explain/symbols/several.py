"""Explains all symbols that one file lacks together: one cause, if they share one."""

from __future__ import annotations

from torch_abi_audit.explain.symbols.symbol import symbol
from torch_abi_audit.model.releases import release_runs
from torch_abi_audit.runtime.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.explain.explanation import Explanation
    from torch_abi_audit.explain.scene import Scene

_MOST = 200
"""Symbols of one file that are looked up."""
_SHOWN = 30


def symbols(named: Sequence[str], scene: Scene) -> Explanation:
    """Explain one or several symbols that a file lacks.

    Args:
        named: The symbols, in the order of the text.
        scene: Where they are missing.

    Raises:
        IndexFileError: the export index is missing or damaged.
    """
    every = tuple(dict.fromkeys(named))
    answers = _once([symbol(one, scene) for one in every[:_MOST]])
    lead = _lead(answers)
    if len(answers) == 1:
        return lead
    shared = [cause for cause in lead.causes if all(cause in one.causes for one in answers)]
    causes = shared or list(dict.fromkeys(cause for one in answers for cause in one.causes))
    shown = list(dict.fromkeys(one.demangled or one.subject for one in answers))
    more = len(shown) - _SHOWN + len(every) - len(every[:_MOST])
    return replace(
        lead,
        causes=tuple(causes),
        why=(*_together(answers), *lead.why),
        symbols=(*shown[:_SHOWN], *([f"and {more} more"] if more > 0 else [])),
    )


def _once(answers: list[Explanation]) -> list[Explanation]:
    """The answers without those to another spelling of a symbol: mangled and demangled."""
    found: dict[str, Explanation] = {}
    for one in answers:
        key = one.symbol or one.subject
        known = found.get(key)
        if known is None or (known.subject != key and one.subject == key):
            found[key] = one
    return list(found.values())


def _lead(answers: list[Explanation]) -> Explanation:
    """The answer that tells most: about the symbol that the fewest releases export."""
    of_torch = [one for one in answers if one.history is not None and one.history.releases]
    if of_torch:
        return min(of_torch, key=lambda one: len(one.history.releases) if one.history else 0)
    return answers[-1]


def _together(answers: list[Explanation]) -> tuple[str, ...]:
    """Which releases export all the symbols, and how many symbols have other causes."""
    histories = [one.history for one in answers if one.history is not None]
    if len(histories) < 2:
        return ()
    first = histories[0]
    every = sorted({*first.releases, *first.missing}, key=[*first.releases, *first.missing].index)
    common = {*first.releases}.intersection(*(one.releases for one in histories))
    said = release_runs(common, every) if common else ""
    known = f"torch {said} exports" if said else "no known torch release exports"
    return (f"{known} all {len(histories)} symbols of torch that the text names",)
