"""The samples of the CLI reference, from the wheels they were captured from.

torch 2.11.0, torchaudio 2.11.0 and torchcodec 0.11.1, cp311, Linux aarch64, as published. Every
line of a sample must come out, in order; lines of ours may stand between, and our suffixes behind.
The last symbol of the verbose sample is abbreviated there, ``DeviceGuardImplRegistrar(...)``.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.nm_oracle import reads_as_nm_does
from tests.support.wheels import fetch
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = Path(__file__).parent / "samples"
WHEELS = ("torch==2.11.0", "torchaudio==2.11.0", "torchcodec==0.11.1")


@pytest.fixture(scope="module")
def site_packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The three wheels, unpacked into one directory as an installer would."""
    root = tmp_path_factory.mktemp("reference") / "site-packages"
    for requirement in WHEELS:
        with zipfile.ZipFile(fetch(requirement, "manylinux_2_28_aarch64")) as wheel:
            for name in wheel.namelist():
                if not name.endswith((".h", ".hpp", ".cuh", ".py", ".pyi")):
                    wheel.extract(name, root)
    for package in ("torch", "torchaudio", "torchcodec"):
        (root / package / "__init__.py").write_text("raise RuntimeError('audited, not imported')\n")
    yield root
    for path in sorted(root.rglob("*.so*")):
        path.unlink()


@pytest.fixture
def on_path(site_packages: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(site_packages))
    return site_packages


def come_out_in_order(sample: list[str], output: list[str]) -> None:
    """Each sample line begins a line of the output, after the one before it."""
    rest = iter(output)
    for wanted in sample:
        assert any(line.startswith(wanted) for line in rest), f"missing, or out of order: {wanted}"


def sample(name: str, root: Path) -> list[str]:
    text = (SAMPLES / name).read_text(encoding="utf-8")
    text = text.replace("<venv>/lib/python3.11/site-packages", str(root))
    return [line.replace("(...)", "(") for line in text.splitlines() if line]


def test_the_default_table(on_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["torchaudio", "torch", "torchcodec"]) == 0
    come_out_in_order(sample("default.txt", on_path), capsys.readouterr().out.splitlines())


def test_the_rows_show_a_label_and_counts_for_every_library(
    on_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["torchaudio", "torch", "torchcodec"])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("    [")]
    assert len(rows) == 38  # the reference's 32, and torch's six libraries named libx.so.N
    assert str(on_path) not in "".join(rows)


def test_the_verbose_excerpt(on_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["torch", "-v"]) == 0
    come_out_in_order(sample("verbose.txt", on_path), capsys.readouterr().out.splitlines())


def test_the_fifteen_symbols_line_for_line(
    on_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["torch", "-v"])
    lines = capsys.readouterr().out.splitlines()
    at = next(number for number, line in enumerate(lines) if "lib/libc10_cuda.so" in line)
    wanted = [line for line in sample("verbose.txt", on_path) if line.startswith("        ")]
    assert len(wanted) == 16
    for line, expected in zip(lines[at + 1 : at + 17], wanted, strict=True):
        assert line == expected or (expected.endswith("(") and line.startswith(expected))


def test_the_json(on_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["torchaudio", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    contains(found, json.loads((SAMPLES / "torchaudio.json").read_text(encoding="utf-8")), on_path)


def contains(found: Any, wanted: Any, root: Path) -> None:
    """Every key and value of the sample is in the output; ``...`` stands for omitted parts."""
    if isinstance(wanted, dict):
        for key, value in wanted.items():
            if key != "...":
                contains(found[key], value, root)
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, expected in zip(found, wanted, strict=True):
            contains(one, expected, root)
    elif isinstance(wanted, str) and wanted.startswith("<venv>/"):
        assert found.startswith(str(root))
        assert found.endswith(wanted.rpartition("...")[2].rpartition("site-packages")[2])
    else:
        assert found == wanted


def test_every_library_reads_as_nm_reads_it(site_packages: Path) -> None:
    compared = 0
    for path in sorted(site_packages.rglob("*.so*")):
        reads_as_nm_does(path)
        compared += 1
    assert compared == 38
