"""The requirements on torch in one list of a project, and what each should be."""

from __future__ import annotations

from torch_abi_audit.facts import specifiers
from torch_abi_audit.facts.environments import Environment
from torch_abi_audit.facts.torch_range import declared_range
from torch_abi_audit.fix.requirement_text import with_specifiers
from torch_abi_audit.knowledge.names.distribution import required
from torch_abi_audit.knowledge.torch_releases import torch_releases
from torch_abi_audit.model.declared import Declared
from torch_abi_audit.runtime.enums import StrEnum
from torch_abi_audit.runtime.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch_abi_audit.facts.torch_range import Line
    from torch_abi_audit.model.torch_fit import TorchFit


class Why(StrEnum):
    """Why a requirement cannot be put right without a decision."""

    URL = "url"
    UNREADABLE = "unreadable"
    NOT_THERE = "not-there"
    """It applies in none of the environments of the audited distributions."""
    NOTHING_FITS = "nothing-fits"
    """None of the releases that it admits fits."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a list of requirements says of torch."""

    required: bool
    """Whether any of them names torch."""
    new: Mapping[str, str]
    """Each requirement that is to change, to what it should be."""
    by_hand: Mapping[str, Why]
    """Each requirement that somebody has to decide on."""


def judged(requirements: Sequence[str], fits: Sequence[TorchFit]) -> Judged:
    """What the requirements of a project, without those of extras, say of torch.

    Args:
        requirements: All of them, as written.
        fits: What the audited distributions of the project fit, one for each wheel.
    """
    named = [one for one in requirements if required(one) == "torch"]
    if not named:
        return Judged(required=False, new={}, by_hand={})
    served = [(fit, frozenset(_environments(fit))) for fit in fits]
    environments = tuple(dict.fromkeys(each for fit in fits for each in _environments(fit)))
    said = declared_range(Declared(requires=tuple(named)), environments)
    by_hand = {one: Why.UNREADABLE for one in named if said is None or one in said.unreadable}
    if said is None or said.by_url:
        return Judged(
            required=True, new={}, by_hand=by_hand | {one: Why.URL for one in named if "@" in one}
        )
    valid = [one for one in named if one not in by_hand]
    if not said.is_required:
        by_hand |= dict.fromkeys(valid, Why.NOT_THERE)
    new = {}
    for line, where in said.leading().items():
        written = _written(line, valid)
        beside = [fit for fit, places in served if not places.isdisjoint(where)]
        text = _narrowed(line, limits(beside), said.admitted(where))
        if text is not None and text != line.text:
            new[written] = with_specifiers(written, text)
        elif text is None and said.admitted(where):
            by_hand[written] = Why.NOTHING_FITS
    return Judged(required=True, new=new, by_hand=by_hand)


def _narrowed(line: Line, known: specifiers.Limits, admitted: Sequence[str]) -> str | None:
    """What fits; else what is not known to fail, as M305 says it; None if all of it fails."""
    text = specifiers.narrowed(line.text, known, admitted)
    unknown = frozenset(admitted).difference(known.sure, known.bad)
    if text is None and unknown:
        text = specifiers.narrowed(line.text, replace(known, sure=unknown), admitted)
    return text


def proposal(fits: Sequence[TorchFit]) -> str | None:
    """The requirement for a project that has none; None if no release fits."""
    known = limits(fits)
    text = specifiers.narrowed("", known, known.known)
    return None if text is None else f"torch{text}"


def limits(fits: Iterable[TorchFit]) -> specifiers.Limits:
    """What several wheels fit together: a release on which one of them fails is bad."""
    every = tuple(fits)
    bad = frozenset(one for fit in every for one in fit.bad)
    sure = frozenset(one for fit in every for one in fit.sure)
    known = [one.version for one in torch_releases()]
    return specifiers.Limits(known, sure - bad, bad, any(fit.bounded for fit in every))


def _environments(fit: TorchFit) -> list[Environment]:
    return [Environment(*each) for each in fit.environments]


def _written(line: Line, valid: Sequence[str]) -> str:
    """The text of a line; equal requirements have one line, and the first text stands for them."""
    firsts: dict[str, str] = {}
    for one in valid:
        found = declared_range(Declared(requires=(one,)), ())
        if found is not None and found.lines:
            firsts.setdefault(found.lines[0].whole, one)
    return firsts[line.whole]
