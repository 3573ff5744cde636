"""The generator of the shim table: its calls of pip, its input, output, comparison and errors."""

from __future__ import annotations

import io
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

from tools import generate_torch_shims as program
from tools.shim_headers import Declaration, GeneratorError
from tools.shim_table import Release
from tools.table_text import load
from tools.wheels import final_releases

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PLAIN = Declaration("generic", deprecated=False, guard=None)
PUBLISHED = {
    "2.9.0": Release("2.9.0", {"aoti_a": PLAIN}, {}, ()),
    "2.10.0": Release(
        "2.10.0",
        {"aoti_a": PLAIN, "torch_b": PLAIN},
        {"aoti_a": ("libtorch_cpu.so",), "torch_b": ("libtorch_cpu.so",)},
        ("win_amd64",),
    ),
}


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of the table, with two published releases."""
    path = tmp_path / "torch_shims.tsv"
    monkeypatch.setattr(program, "TABLE", path)
    monkeypatch.setattr(program, "final_releases", lambda *_: list(PUBLISHED))
    monkeypatch.setattr(program, "read_release", lambda version, **_: PUBLISHED[version])
    return path


def pip_that(returncode: int = 0, stdout: str = "", stderr: str = "") -> Callable[..., object]:
    return lambda command, **_: subprocess.CompletedProcess(command, returncode, stdout, stderr)


def wheel(members: dict[str, str]) -> zipfile.ZipFile:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return zipfile.ZipFile(buffer)


def test_it_writes_a_table_that_it_then_finds_unchanged(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main([]) == 0
    written = table.read_text()

    assert program.main(["--check"]) == 0
    assert capsys.readouterr().out.endswith("0 differences from torch_shims.tsv\n")
    assert table.read_text() == written
    assert load(table).sections["shims"] == {
        "aoti_a": "2.9.0 generic 0",
        "torch_b": "2.10.0 generic 0",
    }


def test_a_check_of_a_table_that_differs_fails_and_leaves_it(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program.main([])
    edited = table.read_text().replace("torch_b\t2.10.0", "torch_b\t2.9.0")
    table.write_text(edited)

    assert program.main(["--check"]) == 1
    assert "shims.torch_b: 2.9.0 generic 0 -> 2.10.0 generic 0" in capsys.readouterr().out
    assert table.read_text() == edited


def test_a_check_of_one_release_finds_a_shim_that_it_does_not_declare(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program.main([])
    table.write_text(table.read_text().replace("torch_b\t2.10.0", "torch_b\t2.9.0"))

    assert program.main(["--check", "--release", "2.9.0"]) == 1
    assert "torch 2.9.0 does not declare torch_b" in capsys.readouterr().out


def test_only_the_date_differs_and_the_file_stays(table: Path) -> None:
    program.main([])
    kept = table.read_text().replace(f"# date\t{load(table).facts['date']}", "# date\t2020-01-01")
    table.write_text(kept)

    assert program.main(["--check"]) == 0
    assert program.main([]) == 0
    assert table.read_text() == kept
    assert load(table).facts["date"] == "2020-01-01"


def test_one_release_is_merged_into_the_committed_table(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program.main([])
    newer = Release("2.11.0", {**PUBLISHED["2.10.0"].declared, "torch_new": PLAIN}, {}, ())
    monkeypatch.setattr(program, "read_release", lambda version, **_: {"2.11.0": newer}[version])

    assert program.main(["--release", "2.11.0", "--headers-only"]) == 0

    written = load(table)
    assert written.facts["releases"] == "2.9.0 2.10.0 2.11.0"
    assert written.sections["shims"]["torch_new"].split()[0] == "2.11.0"
    assert written.facts["exports_of"] == "2.10.0", "--headers-only keeps the exports"


@pytest.mark.usefixtures("table")
def test_exports_are_read_of_the_newest_release_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {}

    def read(version: str, *, exports: bool) -> Release:
        asked[version] = exports
        return PUBLISHED[version]

    monkeypatch.setattr(program, "read_release", read)

    program.main([])

    assert asked == {"2.9.0": False, "2.10.0": True}


@pytest.mark.usefixtures("table")
def test_a_cache_spares_the_second_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program.main(["--cache", str(tmp_path / "cache")])
    monkeypatch.setattr(program, "read_release", None)

    assert program.main(["--check", "--cache", str(tmp_path / "cache")]) == 0


def test_a_pip_that_refuses_a_release_is_quoted_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "TABLE", tmp_path / "none.tsv")
    refusal = "WARNING: noise\nERROR: No matching distribution found for torch===2.99.0\n"
    monkeypatch.setattr(subprocess, "run", pip_that(1, stderr=refusal))

    assert program.main(["--release", "2.99.0"]) == 2
    assert capsys.readouterr().err == (
        "error: pip cannot download torch 2.99.0 for macosx_26_0_arm64 and Python 3.11: "
        "ERROR: No matching distribution found for torch===2.99.0\n"
    )


def test_releases_are_the_final_ones_since_the_first_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listing = (
        "torch (2.10.0)\nAvailable versions: 2.10.0, 2.13.0+cpu, 2.9.1, 2.9.0rc1, 2.5.1, 2.5.0"
    )
    monkeypatch.setattr(subprocess, "run", pip_that(stdout=listing))

    assert final_releases("torch", program.OLDEST) == ["2.5.1", "2.9.1", "2.10.0"]


def test_shim_headers_are_found_in_a_wheel_and_no_others() -> None:
    include = "torch/include/torch/csrc"
    archive = wheel(
        {
            f"{include}/inductor/aoti_torch/c/shim.h": "AOTI_TORCH_EXPORT void aoti_torch_a();",
            f"{include}/inductor/aoti_torch/generated/c_shim_xpu.h": (
                "AOTI_TORCH_EXPORT void aoti_torch_xpu_b();"
            ),
            f"{include}/stable/c/shim.h": "AOTI_TORCH_EXPORT void torch_c();",
            f"{include}/inductor/aoti_runtime/interface.h": "AOTI_TORCH_EXPORT void no();",
            "torch/share/torch/csrc/stable/c/shim.h": "AOTI_TORCH_EXPORT void no();",
        }
    )

    assert program.read_headers("2.10.0", archive) == {
        "aoti_torch_a": PLAIN,
        "aoti_torch_xpu_b": PLAIN._replace(device="xpu"),
        "torch_c": PLAIN,
    }


def test_a_wheel_without_shim_headers_is_an_error() -> None:
    with pytest.raises(GeneratorError, match=r"torch 2\.4\.0: the wheel has no shim headers"):
        program.read_headers("2.4.0", wheel({"torch/version.py": ""}))


def test_headers_that_disagree_are_an_error() -> None:
    include = "torch/include/torch/csrc/inductor/aoti_torch/c"
    archive = wheel(
        {
            f"{include}/shim.h": "AOTI_TORCH_EXPORT void aoti_torch_a();",
            f"{include}/shim_mps.h": "AOTI_TORCH_EXPORT void aoti_torch_a();",
        }
    )

    with pytest.raises(GeneratorError, match=r"disagree on aoti_torch_a.*shim_mps\.h"):
        program.read_headers("2.10.0", archive)
