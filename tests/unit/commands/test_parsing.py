"""Wrong usage: the error suggests a correction, and no argument is misread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.cli import main
from torch_abi_audit.commands import compat, port
from torch_abi_audit.commands.shared.options import CHECKS
from torch_abi_audit.commands.shared.parsing import parse

if TYPE_CHECKING:
    from pathlib import Path


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The last line of the usage error that the words end with."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert ended.value.code == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith("usage: torch-abi-audit")
    return written.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["--jsn", "x"], "--json"),
        (["x", "--formt=json"], "--format"),
        (["--verbos", "x"], "--verbose"),
        (["compat", "--chek", "x"], "--check"),
        (["compat", "--tourch", "2.10", "x"], "--torch"),
        (["diff", "a", "b", "--platfrom", "x"], "--platform"),
        (["port", "--targt", "2.10", "x"], "--target"),
        (["rule", "--hlep"], "--help"),
    ],
)
def test_a_mistyped_option(
    words: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, *words)
    assert "unrecognized arguments: --" in line
    assert line.endswith(f"; did you mean {meant}?")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--since", "old.json", "x"], "; --since is an option of port"),
        (["port", "--loads-on", "x"], "; --loads-on is an option of audit and config"),
        (
            ["explain", "-v", "x"],
            "; -v is an option of audit, compat, gpus, port, repair, doctor, diff and config",
        ),
    ],
)
def test_an_option_of_another_verb(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refused(capsys, *words)


@pytest.mark.parametrize("words", [["--nonsense", "x"], ["-j", "x"]])
def test_an_option_that_resembles_none(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    line = refused(capsys, *words)
    assert "unrecognized arguments: -" in line
    assert "did you mean" not in line


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (
            ["--check", "X.whl"],
            (
                f"--check: invalid choice: 'X.whl'; choose from {', '.join(CHECKS)}, and put "
                "the TARGET after it: --check torch X.whl"
            ),
        ),
        (["--check", "tork", "x"], "--check: invalid choice: 'tork'; did you mean torch?"),
        (["--check=al", "x"], "--check: invalid choice: 'al'; did you mean all?"),
        (["--fail-on", "warnings"], "--fail-on: invalid choice: 'warnings'; did you mean warning?"),
        (["--color", "no", "x"], "--color: invalid choice: 'no'; choose from auto, always, never"),
        (["completion", "bsh"], "SHELL: invalid choice: 'bsh'; did you mean bash?"),
    ],
)
def test_a_value_that_is_not_among_the_choices(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, *words).endswith(f": error: {sentence}")


@pytest.mark.parametrize("verb", ["compat", "diff", "gpus"])
@pytest.mark.parametrize("check", ["torch", "abi3", "both", "all"])
def test_a_check_of_the_audits_is_not_taken_for_a_target(
    verb: str, check: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["--check", check, "X.whl"], ["X.whl", "--check", check], [f"--check={check}"]):
        line = refused(capsys, verb, *words)
        assert line == (
            f"torch-abi-audit {verb}: error: --check takes no value here: remove {check}; if it is "
            f"a TARGET, put it before --check or write ./{check}"
        )


def test_a_switch_takes_no_value(capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(capsys, "compat", "--check=yes", "X.whl")
    assert line.endswith("error: --check takes no value here: remove =yes")


@pytest.mark.parametrize(
    "words",
    [
        ["--check", "X.whl", "torch"],
        ["torch", "X.whl", "--check"],
        ["--check", "./torch", "X.whl"],
        ["--check", "--", "torch"],
        ["--", "--check", "torch"],
    ],
)
def test_a_target_of_such_a_name_has_other_places(words: list[str]) -> None:
    found = parse(compat.syntax(), words)
    assert found.targets == [word for word in words if word not in ("--", "--check")] or (
        words[0] == "--" and found.targets == ["--check", "torch"]
    )


def test_an_old_spelling_gives_the_value_of_the_new_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert parse(port.syntax(), ["--target", "2.12", "x"]).torch == "2.12"
    line = refused(capsys, "port", "--target", "2.12", "--torch", "2.13", "x")
    assert line.endswith("--target is a deprecated spelling of --torch: give only one of them")


# a word that is not a verb is a TARGET


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["comapt", "./ops.so"], "did you mean the verb compat?"),
        (["--json", "expalin"], "did you mean the verb explain?"),
        (["./ops.so", "compat"], "the verb compat, which must come first?"),
    ],
)
def test_a_mistyped_verb(
    words: list[str],
    hint: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [])
    assert main(words) == 2
    lines = capsys.readouterr().err.splitlines()
    (line,) = [line for line in lines if "cannot find" in line]
    assert line.startswith("torch-abi-audit: error: cannot find ")
    assert "no importable module, path or distribution has that name; did you mean" in line
    assert line.endswith(hint)


def test_what_is_there_is_a_target_whatever_it_resembles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "comapt").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["comapt"]) == 0
    written = capsys.readouterr()
    assert written.out.startswith("Package: comapt\n")
    assert written.err == ""
    assert main(["./comapts"]) == 2
    assert "verb" not in capsys.readouterr().err
