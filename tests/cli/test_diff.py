"""``diff`` on compiled libraries: complete outputs and exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.snapshots import matches
from tests.support.sources import source
from tests.support.toolchain import gcc
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from pathlib import Path

SHIM, UNSTABLE = "torch_call_dispatcher", "_ZN3c106detail14torchCheckFailEPKcS2_jS2_"
MANY = [f"_ZN2at3f{at:02}Ev" for at in range(20)]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("diff")
    gcc(source([UNSTABLE, *MANY], exports=["PyInit__C"]), root / "old" / "ops" / "_C.so")
    gcc(source([]), root / "old" / "ops" / "helper.so")
    gcc(source([SHIM], exports=["PyInit__C"]), root / "new" / "ops" / "_C_stable.abi3.so")
    gcc(source([]), root / "new" / "ops" / "helper.so")
    gcc(source([]), root / "new" / "ops" / "libc10-0a1b2c3d.so")
    gcc(source([SHIM]), root / "torn" / "ops" / "_C.so")
    torn = root / "torn" / "ops" / "_C.so"
    torn.write_bytes(torn.read_bytes()[:300])
    return root


@pytest.mark.parametrize(
    ("name", "suffix"), [("text", "txt"), ("markdown", "md"), ("json", "json")]
)
def test_whole_output(
    name: str, suffix: str, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(built / "old" / "ops"), str(built / "new" / "ops"), "--format", name]
    assert main(["diff", *words]) == 0
    matches(f"diff.{suffix}", capsys.readouterr().out, root=built)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("old", "new", 1),
        ("new", "old", 1),
        ("old", "old", 0),
        ("old", "torn", 2),
        ("old", "gone", 2),
    ],
)
def test_check(
    old: str, new: str, code: int, built: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(built / old / "ops"), str(built / new / "ops")]
    assert main(["diff", *words, "--check"]) == code
    assert main(["diff", *words]) == (2 if code == 2 else 0)
    assert "Traceback" not in capsys.readouterr().err


def test_a_saved_report_on_either_side(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = built / "old" / "ops", built / "new" / "ops"
    main(["diff", str(old), str(new)])
    expected = capsys.readouterr().out
    main([str(old), "--format", f"json:{tmp_path / 'old.json'}"])
    assert main(["diff", str(tmp_path / "old.json"), str(new)]) == 0
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "cannot read"),
        ("{}", "is not a saved report: it has no schema_version"),
        (json.dumps({"schema_version": 1}), "is not the report of an audit"),
    ],
)
def test_reports_that_are_none(
    text: str | None, problem: str, built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "old.json"
    if text is not None:
        file.write_text(text)
    assert main(["diff", str(file), str(built / "new" / "ops")]) == 2
    assert problem in capsys.readouterr().err
