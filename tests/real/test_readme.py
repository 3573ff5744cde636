"""The README's example equals the program's output."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.wheels import fetch
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    import pytest

README = Path(__file__).parents[2] / "README.md"


def test_the_example_is_real_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site-packages"
    with zipfile.ZipFile(fetch("torchaudio==2.11.0", "manylinux_2_28_x86_64")) as wheel:
        wheel.extractall(site)
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.chdir(tmp_path)
    command, _, shown = (
        README.read_text(encoding="utf-8").partition("```console\n$ ")[2].partition("\n")
    )
    assert main(command.split()[1:]) == 0
    printed = capsys.readouterr().out.replace(str(site), ".venv/lib/python3.11/site-packages")
    assert printed == shown.partition("```")[0]
