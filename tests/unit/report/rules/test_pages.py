from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tools import generate_rules_page
from torch_abi_audit.cli import main
from torch_abi_audit.report.rendering import Detail, render
from torch_abi_audit.report.rules.catalogue import Catalogue
from torch_abi_audit.rules import rule, rules

if TYPE_CHECKING:
    from pathlib import Path


def page(format_name: str, *ids: str) -> str:
    chosen = tuple(map(rule, ids)) or tuple(rules().values())
    return render("rule", format_name, Catalogue(chosen, whole=not ids), Detail())


def test_the_page_in_docs_is_fresh() -> None:
    assert generate_rules_page.main(["--check"]) == 0


def test_a_stale_page_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate_rules_page, "PAGE", tmp_path / "rules.md")
    assert generate_rules_page.main(["--check"]) == 1
    assert "is stale" in capsys.readouterr().err
    assert generate_rules_page.main([]) == 0
    assert generate_rules_page.main(["--check"]) == 0
    (tmp_path / "rules.md").write_text("# Rules\n")
    assert generate_rules_page.main(["--check"]) == 1


def test_the_page_holds_every_text() -> None:
    text = page("markdown").replace("\\", "")
    for one in rules().values():
        for part in (f"## {one.id} {one.name}", one.title, one.why, one.fix, one.example):
            assert part in text


def test_a_page_says_what_a_gate_makes_of_a_rule() -> None:
    text = page("markdown", "T106", "M304", "I002")
    assert text.count("**Gate.**") == 2
    assert "**Gate.** `--check torch` fails on it, whatever its severity." in text
    assert "**Gate.** A baseline cannot suppress it." in text
    assert "Gate: `--check abi3` fails on it, whatever its severity." in page("text", "P202")
    assert "Gate:" not in page("text", "M304")


def test_markdown_signs_are_escaped_outside_of_code() -> None:
    text = page("markdown", "T101")
    assert "`torch/csrc/stable`" in text
    assert "libtorch makes no promise" in text


def test_one_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "T102"]) == 0
    out = capsys.readouterr().out
    assert out == page("text", "T102") + "\n"
    assert out.startswith("T102 second-libtorch (error, on by default)\n\n")
    assert max(map(len, out.split("Example:")[0].splitlines())) <= 88


@pytest.mark.parametrize("word", ["t102", "second-libtorch"])
def test_other_ways_to_name_it(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", word]) == 0
    assert capsys.readouterr().out.startswith("T102 second-libtorch")


def test_a_prefix_names_its_family(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "I", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in found] == ["I001", "I002", "I003"]
    assert found[0]["severity"] == "error"
    assert [found[0][each] for each in ("about", "check", "baseline")] == ["run", None, False]


def test_all_rules_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(rules())


def test_an_unknown_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rule", "second-libtorc"]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err == (
        "torch-abi-audit: error: no rule is called second-libtorc; did you mean second-libtorch?\n"
    )
