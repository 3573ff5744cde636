"""The generator of the table of GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tools import generate_gpus
from tools.generate_gpus import TABLE, document

if TYPE_CHECKING:
    from pathlib import Path

SOURCE: dict[str, Any] = {
    "sources": {"nvidia": "https://example.org"},
    "generations": {"always": [["sm_90", "H100"], ["sm_80", "A100"]], "on_demand": []},
    "names": {"sm_90": ["H100", "H200"], "sm_80": ["A100"]},
    "generic": {"gfx12-generic": "gfx1200 gfx1201"},
}


def test_architectures_are_in_order() -> None:
    table = document(SOURCE)
    assert [*table.sections["always"].items()] == [("sm_80", "A100"), ("sm_90", "H100")]
    assert [*table.sections["names"].items()] == [("sm_80", "A100"), ("sm_90", "H100, H200")]
    assert table.facts["source of nvidia"] == "https://example.org"


def test_a_name_of_two_architectures_is_an_error() -> None:
    twice = {**SOURCE, "names": {"sm_90": ["H100"], "sm_80": ["h100"]}}
    with pytest.raises(ValueError, match="h100 is both sm_90 and sm_80"):
        document(twice)


def test_a_stale_table_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["generate_gpus.py", "--check"])
    assert generate_gpus.main() == 0
    stale = tmp_path / "gpus.tsv"
    stale.write_text(TABLE.read_text(encoding="utf-8").replace("RTX 4090,", "RTX 4091,"))
    monkeypatch.setattr(generate_gpus, "TABLE", stale)
    assert generate_gpus.main() == 1
    assert "RTX 4091" in capsys.readouterr().out
