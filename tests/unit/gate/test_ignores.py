from __future__ import annotations

import datetime as dt

import pytest

from tests.support.reports import TODAY, library, package, terms, unstable
from torch_abi_audit.gate.baseline import Baseline
from torch_abi_audit.gate.decide import decide
from torch_abi_audit.gate.ignores import Ignore
from torch_abi_audit.model.outcome import Entry, Key, Outcome, Status
from torch_abi_audit.rules import rule

REPORT = package(
    library("lib/core4.so", unstable("c10::a()", "c10::b()", "at::c()[abi:cxx11]")),
    library("lib/core5.so", unstable("c10::a()")),
    library("broken.so", error="cut short"),
)


def outcome(*ignores: Ignore) -> Outcome:
    return decide((REPORT,), terms(ignores=ignores))


def statuses(found: Outcome) -> dict[str, Status]:
    return {one.finding.library or one.finding.rule: one.status for one in found.results}


def test_nothing_is_ignored_without_an_ignore() -> None:
    assert statuses(outcome()) == {
        "broken.so": Status.OPEN,
        "lib/core4.so": Status.OPEN,
        "lib/core5.so": Status.OPEN,
    }


@pytest.mark.parametrize(
    ("ignore", "hidden"),
    [
        (Ignore("r", rule="T101"), {"lib/core4.so", "lib/core5.so"}),
        (Ignore("r", rule="T"), {"lib/core4.so", "lib/core5.so"}),
        (Ignore("r", library="lib/core4*"), {"lib/core4.so"}),
        (Ignore("r", library="*.so"), {"lib/core4.so", "lib/core5.so"}),
        (Ignore("r", rule="T101", package="pk?"), {"lib/core4.so", "lib/core5.so"}),
        (Ignore("r", symbol="c10::*"), {"lib/core5.so"}),
        (Ignore("r", symbol="c10::a()"), {"lib/core5.so"}),
        (Ignore("r", rule="E001", library="broken.so"), {"broken.so"}),
    ],
)
def test_what_an_ignore_hides(ignore: Ignore, hidden: set[str]) -> None:
    found = statuses(outcome(ignore))
    assert {one for one, status in found.items() if status is Status.IGNORED} == hidden
    assert "I002" not in found


@pytest.mark.parametrize(
    "ignore",
    [
        Ignore("r", rule="P"),
        Ignore("r", package="other"),
        Ignore("r", library="core4.so"),
        Ignore("r", symbol="c10"),
        Ignore("r", rule="E001"),  # an unreadable library must be named
        Ignore("r", package="pkg", library="broken.so"),
    ],
)
def test_an_ignore_that_matches_nothing_is_a_finding(ignore: Ignore) -> None:
    found = statuses(outcome(ignore))
    assert found.pop("I002") is Status.OPEN
    assert set(found.values()) == {Status.OPEN}


def test_a_symbol_with_brackets_can_be_named_as_it_is() -> None:
    found = outcome(Ignore("r", symbol="at::c()[abi:cxx11]"))
    (core4,) = [one for one in found.results if one.finding.library == "lib/core4.so"]
    assert core4.hidden == ("at::c()[abi:cxx11]",)


def test_what_stands_of_a_finding_is_said() -> None:
    found = outcome(Ignore("legacy", symbol="c10::a()"))
    (core4,) = [one for one in found.results if one.finding.library == "lib/core4.so"]
    assert core4.status is Status.OPEN
    assert core4.fails
    assert core4.finding.evidence == ("c10::b()", "at::c()[abi:cxx11]")
    assert core4.finding.message.startswith("2 of 3 not ignored or in the baseline: c10::b()")
    assert core4.hidden == ("c10::a()",)


def test_what_is_wrong_stays_said() -> None:
    message = "does not run on T4 (7.5), A100 (8.0) and H100/H200 (9.0)"
    gpus = rule("G606").finding(
        message, library="lib/core4.so", evidence=["sm_75", "sm_80", "sm_90"]
    )
    report = package(*REPORT.libraries, findings=[gpus])
    ignores = (Ignore("old", symbol="sm_75"),)
    known = Baseline((Entry(Key("pkg", "lib/core4", "G606"), ("sm_80",)),), "b.json")
    for before, left in ((None, "2 of 3"), (known, "1 of 3")):
        found = decide((report,), terms(ignores=ignores, baseline=before))
        (one,) = [one.finding for one in found.results if one.finding.rule == "G606"]
        assert one.message.startswith(f"{message} ({left} not ignored or in the baseline: sm_")
        assert one.message.count("not ignored") == 1


def test_two_ignores_can_hide_a_finding_together() -> None:
    found = outcome(
        Ignore("first", symbol="c10::*"), Ignore("second", library="lib/core4.so", symbol="at::*")
    )
    (core4,) = [one for one in found.results if one.finding.library == "lib/core4.so"]
    assert core4.status is Status.IGNORED
    assert core4.reason == "first; second"


def test_the_reason_is_kept() -> None:
    found = outcome(Ignore("until the port is done", rule="T101"))
    assert {one.reason for one in found.suppressed} == {"until the port is done"}


@pytest.mark.parametrize(
    ("expires", "holds"),
    [
        (TODAY - dt.timedelta(days=1), False),
        (TODAY, True),
        (TODAY + dt.timedelta(days=1), True),
        (None, True),
    ],
)
def test_expiry(expires: dt.date | None, holds: bool) -> None:
    found = outcome(Ignore("r", rule="T101", expires=expires, origin="pyproject.toml:7"))
    rules = [one.finding.rule for one in found.standing]
    assert ("T101" not in rules) is holds
    assert ("I001" in rules) is not holds
    if not holds:
        (said,) = [one for one in found.results if one.finding.rule == "I001"]
        assert said.finding.message == (
            "pyproject.toml:7: the ignore of T101 expired on 2026-01-14"
        )
        assert said.fails


def test_an_unused_ignore_warns_and_fails_nothing_by_itself() -> None:
    found = outcome(Ignore("r", rule="P201", library="x", origin="a.toml:3"))
    (said,) = [one for one in found.results if one.finding.rule == "I002"]
    assert said.finding.message == "a.toml:3: the ignore of P201 in x matches nothing"
    assert not said.fails
