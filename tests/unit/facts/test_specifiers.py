"""Narrowed specifiers, held against what ``packaging`` says that each text admits."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from torch_abi_audit.facts.specifiers import Limits, in_order, narrowed, without_upper_bound

KNOWN = (
    *("2.3.0", "2.3.1", "2.4.0", "2.5.0", "2.5.1", "2.6.0", "2.8.0", "2.9.0", "2.9.1", "2.10.0"),
    *("2.11.0", "2.12.0", "2.12.1"),
)
NEAR = (*KNOWN, "2.9.0rc1", "2.9.1.post1", "2.10.0rc3", "2.12.2", "2.13.0", "3.0", "2.9.0+cu128")
"""What a requirement may meet beside the known final releases."""

versions = st.sampled_from((*KNOWN, "2.5", "2.9", "2.10", "2.12", "3", "2.9.0rc1"))
clauses = st.one_of(
    st.tuples(st.sampled_from((">=", "<", "!=", "<=", ">")), versions).map("".join),
    st.sampled_from(("~=2.9", "~=2.9.0", "~=2.5", "==2.9.*", "==2.*", "!=2.9.*", "!=2.12.*")),
    st.sampled_from(("==2.9.1", "===2.10.0", "==2.12.0")),
)
texts = st.lists(clauses, max_size=3, unique=True).map(",".join)
judgements = st.lists(
    st.sampled_from(("sure", "bad", "unknown")), min_size=len(KNOWN), max_size=len(KNOWN)
)


def admitted(text: str) -> list[str]:
    return [one for one in KNOWN if SpecifierSet(text).contains(one)]


def limits(judgement: list[str], *, bounded: bool) -> Limits:
    said = dict(zip(KNOWN, judgement, strict=True))
    return Limits(
        KNOWN,
        frozenset(one for one in KNOWN if said[one] == "sure"),
        frozenset(one for one in KNOWN if said[one] == "bad"),
        bounded,
    )


@settings(max_examples=400, deadline=None)
@given(texts, judgements, st.booleans())
def test_a_proposal_admits_what_fits_and_nothing_that_was_kept_out(
    text: str,
    judgement: list[str],
    bounded: bool,
) -> None:
    fit = limits(judgement, bounded=bounded)
    before = admitted(text)
    proposal = narrowed(text, fit, before)
    if not fit.sure.intersection(before):
        assert proposal is None
        return
    assert proposal is not None
    declared, proposed = SpecifierSet(text), SpecifierSet(proposal)
    for one in NEAR:  # never wider
        if proposed.contains(one, prereleases=True):
            assert declared.contains(one, prereleases=True), f"{proposal} admits {one}"
    after = admitted(proposal)
    assert not fit.bad.intersection(after)
    assert fit.sure.intersection(before) <= set(after)
    if bounded:
        assert not proposed.contains("2.9999")
    assert narrowed(proposal, fit, after) == proposal  # there is nothing left to narrow


@pytest.mark.parametrize(
    ("text", "proposal"),
    [("!=2.8.0", "==2.9.*"), ("!=2.9.0rc1", ">=2.9,<2.10"), ("<3,!=2.9.0rc1", ">=2.9,<2.10")],
)
def test_a_wildcard_admits_no_pre_release_that_was_kept_out(text: str, proposal: str) -> None:
    judgement = ["sure" if one.startswith("2.9.") else "bad" for one in KNOWN]
    assert narrowed(text, limits(judgement, bounded=True), admitted(text)) == proposal


@settings(max_examples=200, deadline=None)
@given(texts.filter(bool).filter(admitted), judgements)
def test_a_requirement_that_fits_is_kept_as_it_is(text: str, judgement: list[str]) -> None:
    before = admitted(text)
    mended = [
        "sure" if one in before and said == "bad" else said
        for one, said in zip(KNOWN, judgement, strict=True)
    ]
    fit = limits(mended, bounded=False)
    if fit.sure.intersection(before):
        assert narrowed(text, fit, before) == in_order(text)


@settings(max_examples=200, deadline=None)
@given(texts.filter(admitted))
def test_a_bound_that_is_taken_away_opens_upwards_only(text: str) -> None:
    opened = without_upper_bound(text)
    if opened is None:
        assert "===" in text
        return
    oldest = admitted(text)[0]
    assert set(admitted(text)) <= set(admitted(opened))
    lower = [one for one in admitted(opened) if KNOWN.index(one) < KNOWN.index(oldest)]
    assert not lower


@pytest.mark.parametrize(
    ("text", "opened"),
    [
        ("==2.11.0", ">=2.11"),
        ("==2.11.*", ">=2.11"),
        ("~=2.11.0", ">=2.11"),
        (">=2.9,<2.12,!=2.10.0", ">=2.9,!=2.10.0"),
        ("<=2.12", ""),
        ("==2.11.0+cu130", None),
        ("===2.11.0", None),
    ],
)
def test_without_an_upper_bound(text: str, opened: str | None) -> None:
    assert without_upper_bound(text) == opened
