"""The command that runs all generators: in order, and never silent about a failure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tools import add_torch_release
from tools.add_torch_release import STEPS, Step, add, by_hand, check, main, newest_releases

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[3]


def generator(directory: Path, name: str, code: int = 0, writes: str = "") -> Step:
    """A program that prints its words, writes its file, and ends with ``code``."""
    table = directory / f"{name}.tsv"
    table.write_text("old")
    program = directory / f"{name}.py"
    program.write_text(
        "import sys, pathlib\nprint(pathlib.Path(__file__).stem, *sys.argv[1:], flush=True)\n"
        f"if {writes!r}: pathlib.Path({str(table)!r}).write_text({writes!r})\nsys.exit({code})\n"
    )
    return Step(program, (table,), by_release=name.startswith("by_release"))


def test_every_generator_is_a_step() -> None:
    assert {step.program for step in STEPS} == set((ROOT / "tools").glob("generate_*.py"))
    assert all(path.is_file() for step in STEPS for path in step.writes)
    written = {path for step in STEPS for path in step.writes}
    pages = {ROOT / "docs/rules.md", ROOT / "docs/cli.md"}
    assert written == {*(ROOT / "src/torch_abi_audit/data").iterdir(), *pages}


def test_replacements_are_proven_after_the_shims_are_read() -> None:
    names = [step.program.name for step in STEPS]
    assert names.index("generate_torch_shims.py") < names.index("generate_replacements.py")


@pytest.mark.slow
def test_what_is_committed_is_what_the_generators_give(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--offline"]) == 0
    out = capfd.readouterr().out
    assert "generate_torch_shims.py: needs the network" in out
    assert "generate_rules_page.py --check\n" in out
    assert "generate_replacements.py --check --source-only\n" in out


def test_every_table_knows_the_same_newest_release() -> None:
    assert len(set(newest_releases().values())) == 1


def test_a_table_that_lags_behind_fails_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    lagging = {"torch_shims": "2.16.0", "exports-win_amd64": "2.15.0"}
    monkeypatch.setattr(add_torch_release, "newest_releases", lambda: lagging)
    assert check([], None, offline=True) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("codes", "worst"), [((0, 0), 0), ((1, 0), 1), ((0, 2), 2), ((2, 1), 2)])
def test_a_check_runs_all_and_tells_the_worst(
    tmp_path: Path, codes: Sequence[int], worst: int, capfd: pytest.CaptureFixture[str]
) -> None:
    steps = [generator(tmp_path, f"by_release{at}", code) for at, code in enumerate(codes)]
    assert check(steps, "2.15.0", offline=False) == worst
    assert "by_release1 --check --release 2.15.0\n" in capfd.readouterr().out


def test_a_release_is_added_until_something_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(add_torch_release, "ROOT", tmp_path)
    steps = [
        generator(tmp_path, "by_release", writes="new"),
        generator(tmp_path, "whole"),
        generator(tmp_path, "fails", code=2),
        generator(tmp_path, "never"),
    ]
    assert add(steps, "2.16.0") == 2
    out = capfd.readouterr().out
    assert "by_release --release 2.16.0\n" in out
    assert "by_release.tsv: written" in out
    assert "whole\n" in out
    assert "whole.tsv: unchanged" in out
    assert "fails.py failed with exit code 2" in out
    assert "never" not in out


def test_what_is_left_names_the_files_that_name_the_release_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(add_torch_release, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "README.md").write_text("not 12.15.0 nor 2.15.01\n")
    (tmp_path / "docs" / "compat.md").write_text("2.4.0 to 2.15.0, then 2.15.0+cpu.\n")
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "cuda.py").write_text('example = "torch 2.11.0 to 2.15.0"\n')
    snapshots = tmp_path / "tests" / "cli" / "snapshots"
    snapshots.mkdir(parents=True)
    (snapshots / "port.json").write_text('"2.15.0"')
    lines = list(by_hand("2.15.0", "2.16.0"))
    assert any(line.startswith("src/cuda.py names 2.15.0 1 times") for line in lines)
    assert not any("port.json" in line for line in lines)
    assert any(line.startswith("docs/compat.md names 2.15.0 2 times") for line in lines)
    assert not any("README.md" in line for line in lines)


@pytest.mark.parametrize("words", [[], ["2.16"], ["--offline"], ["2.16.0", "--offline"]])
def test_what_it_cannot_do_is_wrong_usage(words: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words)


def test_it_runs_by_its_path() -> None:
    import subprocess

    program = ROOT / "tools" / "add_torch_release.py"
    done = subprocess.run([sys.executable, program, "--help"], check=False, capture_output=True)
    assert done.returncode == 0
