from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.support.reports import library, package, stable, terms, unstable
from torch_abi_audit.gate import baseline_file
from torch_abi_audit.gate.baseline import Baseline, entries, held
from torch_abi_audit.gate.decide import decide
from torch_abi_audit.gate.ignores import Ignore
from torch_abi_audit.gate.selection import Selection
from torch_abi_audit.model.errors import AuditError
from torch_abi_audit.model.outcome import Entry, Key, Outcome, Status
from torch_abi_audit.rules import rule

if TYPE_CHECKING:
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.reports import PackageReport


def taken(*reports: PackageReport, is_file: bool = True) -> Baseline:
    return Baseline(entries(decide(reports, terms()).results), "base.json", is_file=is_file)


def against(baseline: Baseline, *reports: PackageReport, **parts: object) -> Outcome:
    return decide(reports, terms(baseline=baseline, **parts))


def failing(found: Outcome) -> dict[str, tuple[str, ...]]:
    return {one.finding.rule: one.finding.evidence for one in found.results if one.fails}


ENTRY = '{"baseline_version": 1, "entries": [{"package": "p", "library": "l", "rule": "T101", %s}]}'
OLD = package(
    library("_C.cpython-311-x86_64-linux-gnu.so", unstable("c10::a()", "c10::b()"), module=True),
    findings=[rule("T102").finding("m", library="libc10-0a1b2c3d.so")],
)


def test_what_is_in_the_baseline_passes() -> None:
    found = against(taken(OLD), OLD)
    assert found.gate is not None
    assert found.gate.failures == ()
    assert {one.status for one in found.results} == {Status.KNOWN}
    assert found.fixed == ()


def test_a_rebuild_changes_nothing() -> None:
    rebuilt = package(
        library("_C.cpython-313-darwin.so", unstable("c10::b()", "c10::a()"), module=True),
        findings=[rule("T102").finding("another text", library="libc10-99aabbcc.so.1")],
    )
    found = against(taken(OLD), rebuilt)
    assert failing(found) == {}
    assert found.fixed == ()


def known(*entries: tuple[str, str]) -> Baseline:
    """A baseline that an earlier program wrote."""
    listed = [{"package": "pkg", "library": one, "rule": rule} for one, rule in entries]
    text = json.dumps({"baseline_version": 1, "entries": listed})
    return baseline_file.parse(text, "old.json")


def finding(path: str) -> Finding:
    return rule("L405").finding("looks for libraries in /builds", library=path)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        # one key for both, of which the version was lost
        ("libx_1", ["libx_1.13.0.dylib", "libx_1.13.1.dylib"]),
        ("libav", ["libav.so", "libav.so.63", "libav.so.63.1"]),
        ("_C", ["_C.cpython-311-darwin.so", "_C.cpython-312-darwin.so"]),
        # what was kept
        ("pkg.libs/libcudart.faf08d9a", ["pkg.libs/libcudart.0a1b2c3d.so.13"]),
        ("pkg.libs/libgcc_s-0cd532bd", ["pkg.libs/libgcc_s-0cd532bd-c8f934f9.so.1"]),
        ("pkg/vtkCore-9.7.2", ["pkg/vtkCore-9.8.0.dll"]),
        ("pkg-1.0.data/platlib/pkg/_C", ["pkg-1.1.data/platlib/pkg/_C.so"]),
    ],
)
def test_a_baseline_of_an_earlier_program_holds(before: str, now: list[str]) -> None:
    report = package(*map(library, now), findings=[finding(one) for one in now], imports=())
    found = against(known((before, "L405")), report)
    assert {one.status for one in found.results} == {Status.KNOWN}
    assert found.fixed == ()
    # another library is not let pass by it
    other = package(*map(library, (*now, "other.so")), findings=[finding("other.so")], imports=())
    assert [one.key.library for one in against(known((before, "L405")), other).fixed] == [before]


def test_an_entry_stays_with_its_library() -> None:
    """That a sibling has the finding now is new, though the library that had it lost it."""
    both = [library("libx_1.13.0.dylib"), library("libx_1.13.1.dylib")]
    first = package(*both, findings=[finding("libx_1.13.0.dylib")])
    second = package(*both, findings=[finding("libx_1.13.1.dylib")])
    found = against(taken(first), second)
    assert [one.status for one in found.results if one.key.rule == "L405"] == [Status.OPEN]
    assert len(found.fixed) == 1


def test_a_new_symbol_fails_alone() -> None:
    more = package(
        library("_C.abi3.so", unstable("c10::a()", "c10::b()", "c10::new()"), module=True),
        findings=OLD.findings,
    )
    found = against(taken(OLD), more)
    assert failing(found) == {"T101": ("c10::new()",)}
    assert found.gate is not None
    (failure,) = found.gate.failures
    assert failure.startswith("pkg: 1 library outside of the LibTorch Stable ABI (1 symbol; 2 more")


def test_a_new_library_fails() -> None:
    found = against(taken(OLD), package(*OLD.libraries, library("_D.so", unstable("c10::a()"))))
    assert "T101" in failing(found)


def test_what_is_fixed_must_leave_the_file() -> None:
    less = package(library("_C.so", unstable("c10::a()"), module=True))
    found = against(taken(OLD), less)
    assert found.fixed == (
        Entry(Key("pkg", "pkg/_C", "T101"), ("c10::b()",)),
        Entry(Key("pkg", "pkg/libc10", "T102")),
    )
    stale = [one.finding for one in found.results if one.finding.rule == "I003"]
    assert [one.message for one in stale] == [
        "base.json: T101 in pkg/_C: 1 symbol is fixed and must be removed from the file",
        "base.json: T102 in pkg/libc10 is fixed and must be removed from the file",
    ]
    assert "I003" in failing(found)


def test_a_target_as_baseline_has_no_file_to_clean() -> None:
    found = against(taken(OLD, is_file=False), package(library("_C.so", stable())))
    assert len(found.fixed) == 3
    assert [one for one in found.results if one.finding.rule == "I003"] == []


def test_what_was_not_looked_at_is_not_fixed() -> None:
    both = taken(OLD, package(library("x.so", unstable("at::z()")), name="other", root="/o"))
    assert against(both, OLD).fixed == ()
    unread = package(library("_C.so", error="cut short"), findings=OLD.findings)
    assert against(taken(OLD), unread).fixed == ()
    gone = package(name="pkg", error="no such file")
    assert against(taken(OLD), gone).fixed == ()


def test_rules_that_are_not_reported_are_not_judged() -> None:
    found = against(taken(OLD), package(library("_C.so")), selection=Selection(select=("P201",)))
    assert found.fixed == ()


def test_an_ignored_symbol_is_still_there() -> None:
    found = against(taken(OLD), OLD, ignores=(Ignore("r", rule="T101"),))
    assert found.fixed == ()
    assert {one.status for one in found.results} == {Status.IGNORED, Status.KNOWN}


def test_a_symbol_that_is_ignored_alone_is_still_there() -> None:
    found = against(taken(OLD), OLD, ignores=(Ignore("r", symbol="c10::a()"),))
    assert found.fixed == ()
    assert failing(found) == {}


def test_a_wheel_and_its_unpacked_directory_share_a_baseline() -> None:
    wheel = package(
        library("torchx/lib/_C.so", unstable("c10::a()"), root="/d/torchx-1-py3-none-any.whl"),
        root="/d/torchx-1-py3-none-any.whl",
        imports=("torchx",),
        distribution="torchx",
    )
    directory = package(
        library("lib/_C.so", unstable("c10::a()"), root="/b/unpacked"),
        name="unpacked",
        root="/b/unpacked",
        imports=(),
    )
    found = against(taken(wheel), directory)
    assert failing(found) == {}
    assert found.fixed == ()


def test_unreadable_libraries_are_never_taken() -> None:
    assert entries(decide((package(library("x.so", error="cut")),), terms()).results) == ()


def test_the_file_is_sorted_and_comes_back() -> None:
    found = decide((OLD,), terms())
    text = baseline_file.dump(entries(found.results))
    assert json.loads(text)["entries"] == [
        {
            "package": "pkg",
            "library": "pkg/_C",
            "rule": "P202",
        },
        {
            "package": "pkg",
            "library": "pkg/_C",
            "rule": "T101",
            "symbols": ["c10::a()", "c10::b()"],
        },
        {"package": "pkg", "library": "pkg/libc10", "rule": "T102"},
    ]
    assert text.count("\n") > 15  # one symbol per line
    assert baseline_file.parse(text, "base.json").entries == entries(found.results)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "f is not a baseline: Expecting"),
        ("[]", "f is not a baseline: it has no baseline_version"),
        ('{"entries": []}', "f is not a baseline: it has no baseline_version"),
        ('{"baseline_version": 2}', "f is a baseline of version 2; this program reads version 1"),
        ('{"baseline_version": 1}', "f is not a baseline: it has no list of entries"),
        ('{"baseline_version": 1, "entries": [1]}', "f: entry 1 must have"),
        ('{"baseline_version": 1, "entries": [{"package": "p"}]}', "f: entry 1 must have"),
        (
            ENTRY % '"symbols": [1]',
            "f: entry 1 must have",
        ),
        (
            ENTRY % '"symbol": "x"',
            "f: entry 1 must have",
        ),
    ],
)
def test_files_that_are_not_baselines(text: str, problem: str) -> None:
    with pytest.raises(AuditError) as caught:
        baseline_file.parse(text, "f")
    assert str(caught.value).startswith(problem)


def test_a_check_and_a_baseline_together() -> None:
    found = against(
        taken(OLD),
        package(library("_C.so", unstable("c10::a()", "c10::b()"), module=True)),
        selection=Selection("torch"),
    )
    assert set(failing(found)) == {"I003"}


def test_an_entry_of_a_rule_that_is_not_known_is_not_judged() -> None:
    newer = Entry(Key("pkg", "pkg/_C", "Z999"))
    held = taken(OLD)
    found = against(replace(held, entries=(*held.entries, newer)), OLD)
    assert newer not in found.fixed
    assert failing(found) == {}


def test_what_is_ignored_is_not_written() -> None:
    results = decide((OLD,), terms(ignores=(Ignore("wanted", rule="T101"),))).results
    assert "T101" in {one.key.rule for one in results}
    assert "T101" not in {one.key.rule for one in held(results)}
    assert "T101" not in {one.key.rule for one in entries(results)}
