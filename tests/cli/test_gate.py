"""The gate on the command line: exit codes, configuration, and a baseline over several runs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tests.support.gpu_values import fatbin, with_fatbins
from tests.support.sources import source
from tests.support.toolchain import gcc
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from pathlib import Path

SHIM = "torch_call_dispatcher"


def mangled(number: int) -> str:
    """The mangled name of ``at::fN()``."""
    name = f"f{number}"
    return f"_ZN2at{len(name)}{name}Ev"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("gate")
    gcc(source([SHIM]), root / "good" / "_C.abi3.so")
    gcc(source([mangled(1)]), root / "bad" / "_C.so")
    gcc(source([SHIM, "torch_newer_than_all"]), root / "warned" / "_C.so")
    gcc(source([SHIM]), root / "torn" / "_C.so")
    (root / "torn" / "_C.so").write_bytes((root / "torn" / "_C.so").read_bytes()[:300])
    (root / "empty").mkdir()
    (root / "empty" / "readme.txt").write_text("nothing to see")
    return root


@pytest.fixture
def here(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with the compiled packages."""
    for one in built.iterdir():
        (tmp_path / one.name).symlink_to(one)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return tmp_path


CODES = [
    # no gate requested
    ("./bad", 0),
    ("./empty", 0),
    ("./bad --ignore T104", 0),
    # gates that pass
    ("./good --check all", 0),
    ("./bad --check abi3", 0),
    ("./bad --select P", 0),
    ("./warned --check all", 0),
    ("./warned --fail-on error", 0),
    ("./bad --check all --ignore T", 0),
    ("./bad --check all --exit-zero", 0),
    # gates that fail
    ("./bad --check torch", 1),
    ("./bad --check all", 1),
    ("./bad --select T101", 1),
    ("./bad --fail-on error", 1),
    ("./warned --fail-on warning", 1),
    ("./warned --select T104", 1),
    ("./good ./bad --check torch", 1),
    # files that could not be read come first
    ("./torn", 2),
    ("./torn --check all", 2),
    ("./bad ./torn --check all --exit-zero", 2),
    ("./torn --check all --ignore E001", 2),
    ("./nothing-here --check all", 2),
    ("./bad --check all --select X", 2),
    ("./bad --baseline nothing.json", 2),
    ("./bad --config nothing.toml", 2),
    ("./bad --isolated --config nothing.toml", 2),
    ("./bad --write-baseline /nowhere/b.json", 2),
    # a gate that audited nothing
    ("./empty --check torch", 3),
    ("./empty --check all --exit-zero", 3),
    ("./empty --check all --allow-empty", 0),
    ("./empty ./good --check all", 0),
    ("./empty ./good --fail-on warning", 1),
    ("./empty ./good --fail-on warning --allow-empty", 0),
]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(("words", "code"), CODES)
def test_exit_codes(words: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split()) == code
    written = capsys.readouterr()
    assert "Traceback" not in written.err
    assert ("FAIL:" in written.err) is (
        code in (1, 3) or ("--exit-zero" in words and "bad" in words)
    )


@pytest.mark.usefixtures("here")
def test_a_gate_without_libraries_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["./empty", "--check", "torch"]) == 3
    assert capsys.readouterr().err == (
        "FAIL:\n  nothing was audited: no target contains a compiled library (see --allow-empty)\n"
    )


def configure(here: Path, text: str) -> None:
    (here / "pyproject.toml").write_text(f"[tool.torch-abi-audit]\n{text}\n")


@pytest.mark.parametrize(
    ("text", "words", "code"),
    [
        ('check = "torch"', "./bad", 1),
        ('check = "torch"', "./bad --isolated", 0),
        ('check = "torch"', "./bad --check abi3", 0),
        ('targets = ["./bad"]\ncheck = "torch"', "", 1),
        ('targets = ["*ood", "ba?"]\ncheck = "torch"', "", 1),
        ('targets = ["./bad"]\ncheck = "torch"', "./good", 0),
        ('select = ["T104"]', "./warned", 1),
        ('fail-on = "warning"', "./warned", 1),
        ('check = "all"\nallow-empty = true', "./empty", 0),
        ('require = {torch = ">=2.9"}', "./good", 1),
        ('require = {torch = ">=2.10"}', "./good", 0),
        ('check = "all"\nignore = ["T101"]', "./bad", 0),
        ('check = "all"\nignore = ["T101"]', "./bad --ignore P", 1),
        ('check = "all"\nignore = [{rule = "T101", reason = "old"}]', "./bad --ignore P", 0),
        ('ignore = [{rule = "E001", library = "_C.so", reason = "test data"}]', "./torn", 0),
        ('ignore = [{rule = "E001", library = "x", reason = "test data"}]', "./torn", 2),
        ('chek = "torch"', "./bad", 2),
    ],
)
def test_the_configuration_decides(
    text: str, words: str, code: int, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(here, text)
    assert main(words.split()) == code, capsys.readouterr().err


def test_it_is_found_from_below_and_its_paths_are_its_own(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = 'targets = ["./bad"]\ncheck = "torch"\nbaseline = "b.json"\nformat = ["json:out.json"]'
    configure(here, text)
    (here / "b.json").write_text('{"baseline_version": 1, "entries": []}')
    below = here / "docs" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert main([]) == 1
    assert "Package: bad" in capsys.readouterr().out
    assert json.loads((here / "out.json").read_text())["name"] == "bad"
    assert not (below / "out.json").exists()
    # the search ends with the repository
    (here / "docs" / ".git").mkdir()
    assert main(["../../bad"]) == 0


def test_a_file_of_its_own(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "audit.toml").write_text('check = "torch"\n')
    configure(here, 'check = "abi3"')
    assert main(["./bad", "--config", "audit.toml"]) == 1
    (here / "other").mkdir()
    (here / "other" / "pyproject.toml").write_text("[project]\n")
    assert main(["./bad", "--config", "other/pyproject.toml"]) == 2
    assert "other/pyproject.toml has no [tool.torch-abi-audit] table" in capsys.readouterr().err


def test_errors_name_file_and_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(here, '\ncheck = "torch"\nignroe = []')
    assert main(["./bad"]) == 2
    assert capsys.readouterr().err == (
        "torch-abi-audit: error: pyproject.toml:4: unknown key ignroe; did you mean ignore?\n"
    )


REQUIRED = """\
Package: ops
  Root: {here}/ops
  Torch ABI:   STABLE
  Min torch:   2.10.0
  CPython ABI: n/a
  Extensions:  0
  Bundled libs: 1
  -- bundled libs --
    [STABLE  ] [abi3-tagged-no-capi   ] _C.abi3.so  (stable_shim=1, unstable=0)  min-torch=2.10.0
  GPUs: sm_75 sm_80 sm_90a, PTX of compute_80; driver >= 525.60.13 (570.26 for PTX)
  -- findings --
    error   G601 required-gpu-missing: _C.abi3.so: does not run on V100 (7.0), which the \
configuration requires: its code is for sm_75, sm_80, sm_90a and compute_80
    note    G603 required-gpu-by-jit: _C.abi3.so: runs on RTX 5090 (12.0), which the configuration \
requires, by PTX alone (compute_80)
"""


def test_required_gpus(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = with_fatbins(source([SHIM]), fatbin("sm_75", "sm_80", "sm_90a", "compute_80"))
    gcc(code, here / "ops" / "_C.abi3.so")
    configure(here, 'require.gpus = ["T4", "8.9", "H100", "RTX 5090"]')
    assert main(["./ops"]) == 0
    configure(here, 'require.gpus = ["V100", "8.9", "RTX 5090"]')
    capsys.readouterr()
    assert main(["./ops"]) == 1
    written = capsys.readouterr()
    assert written.out == REQUIRED.format(here=here)
    assert written.err == "FAIL:\n  ops: 1 finding of G601 required-gpu-missing: V100 (7.0)\n"
    assert main(["./ops", "--check", "abi3"]) == 1  # no check is about GPUs
    assert main(["./ops", "--select", "T"]) == 0
    assert main(["./ops", "--ignore", "G6"]) == 0
    assert main(["./ops", "--isolated", "--check", "all"]) == 0
    assert main(["./good"]) == 0  # has no device code
    assert main(["./ops", "--write-baseline", "gpus.json"]) == 0
    assert main(["./ops", "--baseline", "gpus.json"]) == 0
    configure(here, 'require.gpus = ["V100", "P100"]')
    assert main(["./ops", "--baseline", "gpus.json"]) == 1  # one more


def test_required_gpus_alone_are_all_that_fails(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The ordinary extension is unstable, and has GPUs nevertheless."""
    code = with_fatbins(source([mangled(1)]), fatbin("sm_75", "sm_80"))
    gcc(code, here / "ops" / "_C.so")
    configure(here, 'require.gpus = ["T4", "A100"]')
    assert main(["./ops"]) == 0
    assert "[UNSTABLE]" in capsys.readouterr().out
    for more in ('check = "torch"', 'fail-on = "error"', 'require.torch = ">=2.10"'):
        configure(here, f'require.gpus = ["T4", "A100"]\n{more}')
        assert main(["./ops"]) == 1, more
    configure(here, 'require.gpus = ["T4", "H100"]')
    capsys.readouterr()
    assert main(["./ops"]) == 1
    assert capsys.readouterr().err == (
        "FAIL:\n  ops: 1 finding of G601 required-gpu-missing: H100/H200 (9.0)\n"
    )


def test_a_gpu_of_several_is_ignored(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gcc(with_fatbins(source([SHIM]), fatbin("sm_80")), here / "ops" / "_C.abi3.so")
    ignore = '\nignore = [{rule = "G601", symbol = "sm_75", reason = "given up"}]'
    configure(here, f'require.gpus = ["T4", "RTX 5090"]{ignore}')
    assert main(["./ops"]) == 1
    written = capsys.readouterr()
    assert (
        "_C.abi3.so: does not run on T4 (7.5) and RTX 5090 (12.0), which the configuration "
        "requires: its code is for sm_80 (1 of 2 not ignored or in the baseline: sm_120)\n"
    ) in written.out
    assert "required-gpu-missing: RTX 50 (12.0)\n" in written.err


def test_a_configured_baseline_can_be_written_the_first_time(here: Path) -> None:
    configure(here, 'check = "all"\nbaseline = "b.json"')
    assert main(["./bad"]) == 2
    assert main(["./bad", "--write-baseline", "other.json"]) == 2
    assert main(["./bad", "--write-baseline", "b.json"]) == 0
    assert main(["./bad"]) == 0


def test_unread_device_code_passes_no_gate(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    damaged = fatbin("sm_80") + fatbin("sm_90")[:-8]
    gcc(with_fatbins(source([SHIM]), damaged), here / "ops" / "_C.abi3.so")
    assert main(["./ops", "--check", "all"]) == 0
    assert "warning G604 unread-device-code: _C.abi3.so" in capsys.readouterr().out
    configure(here, 'require.gpus = ["8.0"]')
    assert main(["./ops"]) == 1
    assert "error   G601 required-gpu-missing: _C.abi3.so: could not be read in full" in (
        capsys.readouterr().out
    )


def test_config_shows_what_is_in_force(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(
        here,
        'check = "torch"\nignore = [\n  {rule = "T101", library = "x", reason = "y"},\n]\n'
        'require = {torch = ">=2.10", gpus = ["9.0", "RTX 4090"]}',
    )
    assert main(["config", "./bad", "--fail-on", "warning"]) == 0
    out = capsys.readouterr().out
    assert re.sub(" +", " ", out) == (
        'targets = ["./bad"] # the command line\n'
        'check = "torch" # pyproject.toml:2\n'
        "select = [] # default\n"
        "ignore = [ # pyproject.toml:3\n"
        ' {rule = "T101", library = "x", reason = "y"},\n'
        "]\n"
        'fail-on = "warning" # --fail-on\n'
        "format = [] # default\n"
        "baseline = (not set) # default\n"
        "allow-empty = false # default\n"
        'require.torch = "2.10" # pyproject.toml:6\n'
        "require.python = (not set) # default\n"
        'require.gpus = ["9.0", "RTX 4090"] # pyproject.toml:6\n'
    )
    assert main(["config", "--isolated", "--json"]) == 0
    isolated = json.loads(capsys.readouterr().out)
    assert isolated["check"] == {"value": None, "origin": None}
    configure(here, "check = 1")
    assert main(["config"]) == 2


def test_the_ratchet(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Start with 300 findings, fail on a new one, fix one, report its entry, update the file."""

    def build(numbers: list[int], name: str) -> None:
        for old in (here / "ops").glob("*") if (here / "ops").exists() else ():
            old.unlink()
        gcc(source([mangled(one) for one in numbers]), here / "ops" / name)

    def gate(*words: str) -> tuple[int, str]:
        code = main(["./ops", "--check", "torch", "--baseline", "abi.json", *words])
        return code, capsys.readouterr().err

    build(list(range(300)), "_C.cpython-311-x86_64-linux-gnu.so")
    assert main(["./ops", "--check", "torch"]) == 1
    assert main(["./ops", "--check", "torch", "--write-baseline", "abi.json"]) == 0
    assert "wrote 1 finding to abi.json" in capsys.readouterr().err
    assert gate() == (0, "")

    build(list(range(300)), "_C.abi3.so")  # another build of the same source
    assert gate() == (0, "")

    build(list(range(301)), "_C.abi3.so")  # one more
    code, err = gate()
    assert code == 1
    assert err == (
        "FAIL:\n  ops: 1 library outside of the LibTorch Stable ABI "
        "(1 symbol; 300 more ignored or in the baseline)\n  _C.abi3.so: at::f300()\n"
    )

    build(list(range(1, 300)), "_C.abi3.so")  # one fixed
    stale = "abi.json: T101 in ops/_C: 1 symbol is fixed and must be removed from the file"
    code, err = gate()
    assert (code, err) == (1, f"FAIL:\n  {stale.replace('ops/_C', '_C')}\n")
    assert gate("--ignore", "I003")[0] == 0

    assert gate("--write-baseline", "abi.json")[0] == 0  # the file is cleaned
    text = (here / "abi.json").read_text()
    assert "at::f0()" not in text
    assert text.count("at::f") == 299
    assert gate() == (0, "")

    build(list(range(300)), "_C.abi3.so")  # and it cannot come back
    assert gate()[0] == 1


def test_a_target_or_a_report_as_baseline(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    gcc(source([mangled(1), mangled(2)]), here / "next" / "_C.so")
    assert main(["./bad", "--format", "json:old.json"]) == 0
    for baseline in ("./bad", "old.json"):
        assert main(["./next", "--check", "torch", "--baseline", baseline]) == 1
        err = capsys.readouterr().err
        assert "1 symbol; 1 more ignored or in the baseline" in err
        assert "_C.so: at::f2()" in err
        assert main(["./bad", "--check", "torch", "--baseline", baseline]) == 0
        # what a target no longer has is told, and fails nothing
        assert main(["./good", "--check", "torch", "--baseline", baseline]) == 0
        assert "Fixed: 1 finding (1 symbol) of the baseline" in capsys.readouterr().out
    assert main(["./bad", "--check", "torch", "--baseline", "./torn"]) == 2
    assert "the baseline ./torn could not be read" in capsys.readouterr().err
    assert main(["./bad", "--check", "torch", "--baseline", "./no-such"]) == 2


def test_an_unreadable_library_is_not_taken_into_a_baseline(here: Path) -> None:
    assert main(["./torn", "--write-baseline", "abi.json"]) == 2
    assert json.loads((here / "abi.json").read_text())["entries"] == []
