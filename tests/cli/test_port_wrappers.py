"""``port --wrappers`` on the command line: what it writes, what it leaves alone, what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.sources import source
from tests.support.toolchain import gcc
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

MUL = "_ZN2at4_ops10mul_Tensor4callERKNS_6TensorES4_"
HARDSHRINK = "_ZN2at4_ops10hardshrink4callERKNS_6TensorERKN3c106ScalarE"
CHECK = "_ZN3c106detail14torchCheckFailEPKcS2_jS2_"


def port(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str]:
    """The exit code, and what is written to stderr."""
    code = main(["port", *map(str, words)])
    return code, capsys.readouterr().err


def test_a_header_is_written_and_written_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gcc(source((MUL, HARDSHRINK)), tmp_path / "a.so")
    target = tmp_path / "my-helpers.h"
    told = f"torch-abi-audit: {target}: 1 helper; its first comment says why 1 operator has none\n"
    for words in (("--torch", "2.12"), ()):
        assert port(capsys, tmp_path / "a.so", "--wrappers", target, *words) == (0, told)
    text = target.read_text()
    assert "#ifndef WRAPPERS_MY_HELPERS_H\n" in text
    assert "\ninline torch::stable::Tensor mul(\n" in text
    assert "// - aten::hardshrink: the dispatcher of torch 2.10 carries no Scalar\n" in text
    assert text.endswith("#endif  // WRAPPERS_MY_HELPERS_H\n")


def test_a_file_of_someone_else_is_left_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gcc(source((MUL,)), tmp_path / "a.so")
    target = tmp_path / "ops.h"
    target.write_text("#pragma once\n")
    code, told = port(capsys, tmp_path / "a.so", "--wrappers", target)
    assert (code, target.read_text()) == (2, "#pragma once\n")
    assert f"{target} was not written by port --wrappers: remove it, or name another" in told


def test_nothing_is_written_where_nothing_is_needed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gcc(source((CHECK,)), tmp_path / "a.so")
    target = tmp_path / "ops.h"
    code, told = port(capsys, tmp_path / "a.so", "--wrappers", target)
    assert (code, target.exists()) == (0, False)
    assert told == (
        f"torch-abi-audit: {target} was not written: the plan calls no operator through the "
        "dispatcher\n"
    )
    assert port(capsys, tmp_path / "a.so", "--wrappers", target, "--quiet") == (0, "")


def test_a_place_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gcc(source((MUL,)), tmp_path / "a.so")
    for target, what in ((tmp_path / "no" / "ops.h", "write"), (tmp_path, "read")):
        code, told = port(capsys, tmp_path / "a.so", "--wrappers", target)
        assert code == 2
        assert told.startswith(f"torch-abi-audit: error: cannot {what} {target}: ")


def test_the_first_screen_counts_what_the_header_gets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        "#include <ATen/ATen.h>\nat::Tensor f(at::Tensor t) { return at::mul(t, 2) + t * 0.5; }\n"
    )
    (tmp_path / "a.cpp").write_text(text)
    gcc(source((MUL, HARDSHRINK)), tmp_path / "a.so")
    for number, words in enumerate(
        (["--source", str(tmp_path / "a.cpp")], [str(tmp_path / "a.so")])
    ):
        target = tmp_path / f"ops{number}.h"
        assert main(["port", *words, "--wrappers", str(target)]) == 0
        assert "--wrappers FILE.h  typed helpers for 1 operator\n" in capsys.readouterr().out
        assert target.read_text().count("\ninline ") == 1


def test_each_header_has_a_namespace_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gcc(source((MUL,)), tmp_path / "a.so")
    for name, namespace in (("ops.h", "dispatched_ops"), ("my--b.gen.hpp", "dispatched_my_b_gen")):
        assert port(capsys, tmp_path / "a.so", "--wrappers", tmp_path / name)[0] == 0
        assert f"\nHIDDEN_NAMESPACE_BEGIN({namespace})\n" in (tmp_path / name).read_text()
