"""Limits of other programs: the number of annotations and the summary size on GitHub."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.support.reports import library, package, terms, unstable
from torch_abi_audit.gate.decide import decide
from torch_abi_audit.gate.selection import Selection
from torch_abi_audit.report.audit import github
from torch_abi_audit.report.formats import FORMATS
from torch_abi_audit.report.rendering import Detail, render
from torch_abi_audit.rules import rule

if TYPE_CHECKING:
    from torch_abi_audit.model.outcome import Outcome


def many(count: int, symbols: int = 1, **parts: object) -> Outcome:
    """Libraries of which no two have a fact in common."""
    names = tuple(f"f{at}(std::vector<int>, char|*)" for at in range(symbols))
    report = package(
        *(
            library(f"lib/x{at:04}.so", unstable(*(f"c10::x{at}::{name}" for name in names)))
            for at in range(count)
        ),
        findings=[
            rule("T104").finding(f"newer {at}", library=f"lib/y{at}.so") for at in range(count)
        ],
    )
    return decide((report,), terms(**parts))


@pytest.mark.parametrize(("count", "annotations"), [(1, 1), (9, 9), (10, 10), (11, 10), (300, 10)])
def test_ten_annotations_of_a_level(count: int, annotations: int) -> None:
    lines = render("audit", "github", many(count), Detail()).splitlines()
    for level in ("error", "warning"):
        shown = [line for line in lines if line.startswith(f"::{level} ")]
        assert len(shown) == annotations
        more = [line for line in shown if "more libr" in line]
        left = count - 9
        assert len(more) == (count > 10)
        if more:
            assert f"{left} more libraries with findings" in more[0]
            assert more == [shown[-1]]
    log = lines[lines.index(next(one for one in lines if one.startswith("::group::"))) :]
    assert sum(" T101 " in line for line in log[: log.index("::endgroup::")]) == count


def test_one_annotation_a_library_with_all_it_has() -> None:
    report = package(
        library("_C.so", unstable(*(f"c10::f{at}()" for at in range(40))), module=True),
        findings=[rule("T104").finding("newer, 100% sure: yes", library="_C.so")],
    )
    text = render("audit", "github", decide((report,), terms()), Detail())
    (annotation,) = [line for line in text.splitlines() if line.startswith(("::error", "::warn"))]
    assert annotation.count("c10::f") == 1 + github.LISTED
    assert "... 25 more" in annotation
    assert "T104 unknown-shim: newer, 100%25 sure: yes" in annotation
    assert "%0A" in annotation


def test_an_error_is_what_fails() -> None:
    gated = render("audit", "github", many(1, selection=Selection("abi3")), Detail())
    assert "::error" not in gated
    assert "::warning title=torch-abi-audit%3A pkg/lib/x0000.so::T101" in gated
    free = render("audit", "github", many(1, gated=False), Detail())
    assert "::error title=torch-abi-audit%3A pkg/lib/x0000.so::T101" in free


def test_builds_of_one_library_keep_fingerprints_of_their_own() -> None:
    report = package(
        *(library(f"_C.cpython-3{at}-darwin.so", unstable(f"c10::a{at}()")) for at in (10, 11, 12))
    )
    issues = json.loads(render("audit", "gitlab", decide((report,), terms()), Detail()))
    prints = [one["fingerprint"] for one in issues]
    assert len(set(prints)) == 3


def test_one_result_for_a_library_and_rule() -> None:
    report = package(
        library("_C.so"),
        findings=[
            rule("L404").finding("needs a", library="_C.so"),
            rule("L404").finding("needs b", library="_C.so"),
        ],
    )
    (issue,) = json.loads(render("audit", "gitlab", decide((report,), terms()), Detail()))
    assert issue["description"] == "L404: needs a; needs b"


def test_a_case_fails_by_the_gate_and_by_its_errors_without_one() -> None:
    outcome = many(1, selection=Selection("abi3"))
    assert 'failures="0"' in render("audit", "junit", outcome, Detail())
    assert 'failures="1"' in render("audit", "junit", many(1, gated=False), Detail())
    assert 'failures="1"' in render("audit", "junit", many(1), Detail())
    torn = decide((package(library("x.so", error="cut short")),), terms())
    assert 'errors="1"' in render("audit", "junit", torn, Detail())


def test_nothing_to_say_is_no_line() -> None:
    assert render("audit", "github", decide((package(library("x.so")),), terms()), Detail()) == ""


@pytest.mark.slow
@pytest.mark.parametrize("room", [1 << 20, 20_000, 2_000, 700])
def test_markdown_fits_and_says_what_is_missing(room: int) -> None:
    count = room // 150
    outcome = many(count)
    text = render("audit", "markdown", outcome, Detail(room=room))
    assert len(text.encode()) <= room
    cut = re.search(r"_(\d+) rows did not fit and were left out\._", text)
    assert cut is not None
    rows = sum(line.startswith("| ") and "---" not in line for line in text.splitlines())
    headers = sum(line.startswith("| ---") for line in text.splitlines())
    assert rows - headers + int(cut[1]) == 1 + 3 * count
    assert text.count("<details>") == text.count("</details>")


def test_markdown_that_fits_is_whole() -> None:
    text = render("audit", "markdown", many(3), Detail())
    assert "left out" not in text
    assert text.count("<details>") == text.count("</details>") == 1
    assert "char\\|\\*" in text  # a bar would end the cell


def test_names_that_would_break_a_document_are_escaped() -> None:
    nasty = "c10::\x1b[31m\x00<b>&`\n::error::x"
    report = package(library("a\x07b.so", unstable(nasty)))
    outcome = decide((report,), terms())
    for name in FORMATS["audit"]:
        text = render("audit", name, outcome, Detail(verbose=True))
        assert not re.search(r"[\x00-\x08\x0b-\x1f]", text), name
        assert "\n::error::x" not in text, name
