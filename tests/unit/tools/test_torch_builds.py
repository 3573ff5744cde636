"""Torch's builds that are not on the package index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.torch_builds import listed, sources, stated, targets
from tools.wheels import WheelError

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = """
[[builds]]
releases = ["2.9", "2.10"]
platforms = ["linux_x86_64", "win_amd64"]
source = "https://example.org"
cuda."12.8" = "7.0 12.0+PTX"
rocm."6.4" = "gfx90a gfx942"
"""
CODE = """
import os
PYTORCH_RELEASES_CODE_CC: dict[str, dict[str, set[int]]] = {
    "12.6": {"x86_64": {50, 90}, "aarch64": {90}},
    "13.0": {"x86_64": {75, 120}, "aarch64": {90, 120}},
}
os.abort()
"""


def test_capabilities_are_architectures_in_order() -> None:
    assert targets(["12.0+PTX", "8.6", "9.0"]) == "sm_86 sm_90 sm_120 compute_120"
    assert targets(["gfx1100", "gfx90a", "gfx942"]) == "gfx90a gfx942 gfx1100"


def test_an_entry_holds_for_all_releases_of_its_minors(tmp_path: Path) -> None:
    file = tmp_path / "builds.toml"
    file.write_text(ENTRY)
    rows = listed(["2.8.0", "2.9.0", "2.9.1", "2.10.0"], file)
    assert len(rows) == 3 * 2 * 2
    assert rows["2.9.1 win_amd64 cuda12.8"] == "sm_70 sm_120 compute_120"
    assert rows["2.10.0 linux_x86_64 rocm6.4"] == "gfx90a gfx942"
    assert sources(file) == {
        "2.9, 2.10 on linux_x86_64, win_amd64, cuda12.8, rocm6.4": "https://example.org"
    }


def test_two_entries_for_one_build_are_an_error(tmp_path: Path) -> None:
    file = tmp_path / "builds.toml"
    file.write_text(ENTRY + ENTRY.replace('"2.9", ', ""))
    with pytest.raises(WheelError, match=r"2\.10\.0 linux_x86_64 cuda12\.8 is there twice"):
        listed(["2.10.0"], file)


def test_the_table_in_torch_is_read_and_not_executed() -> None:
    assert stated("2.13.0", "linux_aarch64", CODE) == {
        "2.13.0 linux_aarch64 cuda12.6": "sm_90",
        "2.13.0 linux_aarch64 cuda13.0": "sm_90 sm_120",
    }


def test_a_build_that_was_not_published_is_left_out() -> None:
    code = CODE.replace("13.0", "13.4")
    assert len(stated("2.13.0", "linux_x86_64", code)) == 2
    assert [*stated("2.14.1", "linux_x86_64", code)] == ["2.14.1 linux_x86_64 cuda12.6"]


def test_a_release_without_the_table_is_an_error() -> None:
    with pytest.raises(WheelError, match=r"of 2\.99\.0 has no table"):
        stated("2.99.0", "linux_x86_64", CODE.replace("CODE_CC", "NEW"))
