"""Options with the same meaning for every verb: formats, files, quiet, environment, torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.index_server import Index, serving
from tests.support.installs import install, wheel
from tests.support.sources import source
from tests.support.toolchain import gcc
from tests.support.torch_stand_in import SUFFIX, World, module
from torch_abi_audit.cli import main
from torch_abi_audit.report.formats import FORMATS
from torch_abi_audit.sources.installed import interpreters

SHIM, UNSTABLE = "torch_call_dispatcher", "_ZN3c106detail14torchCheckFailEPKcS2_jS2_"
VERSION = "__version__ = '2.12.1+cu126'\ncuda: str = '12.6'\n"
MISSING = "libcudart.so.13: cannot open shared object file: No such file or directory"
INSTALLED = "the installed torch is 2.12.1+cu126 (CUDA 12.6)"


def reports(root: Path) -> dict[str, list[str]]:
    """A command line for every verb that prints a report."""
    ops = str(root / "ops")
    return {
        "audit": ["audit", ops],
        "compat": ["compat", ops],
        "gpus": ["gpus", ops],
        "port": ["port", ops],
        "repair": ["repair", ops],
        "diff": ["diff", ops, str(root / "more")],
        "explain": ["explain", UNSTABLE],
        "doctor": ["doctor", "--site-packages", str(next(root.glob("stand-in/venv/lib/*/site-*")))],
        "rule": ["rule", "T101"],
        "config": ["config", "--check", "torch"],
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("dialect")
    gcc(source([SHIM]), root / "ops" / "_C.so")
    gcc(source([SHIM, UNSTABLE]), root / "more" / "_C.so")
    world = World(root / "stand-in")
    module(world.package / f"_C{SUFFIX}", "", *world.torch("libtorch.so"))
    world.sources(__init__="import torch\nfrom . import _C\n")
    return root


@pytest.fixture
def here(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a configuration."""
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return built


# --- formats and files ---------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["audit", "compat", "gpus", "port", "diff"])
def test_two_reports_do_not_go_to_one_file(
    here: Path, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    formats = ["--format", "text:w.txt", "--format", "json:./w.txt"]
    assert main([*reports(here)[verb], *formats]) == 2
    assert "two reports would be written to w.txt" in capsys.readouterr().err
    assert not Path("w.txt").exists()


@pytest.mark.parametrize("verb", ["audit", "compat"])
def test_an_empty_torch_is_not_every_torch(
    here: Path, verb: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*reports(here)[verb], "--torch", ""]) == 2
    assert "--torch is empty" in capsys.readouterr().err


@pytest.mark.usefixtures("here")
def test_a_closed_standard_input_holds_no_error_message() -> None:
    command = f"{sys.executable} -m torch_abi_audit explain - <&-"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert done.returncode == 2
    assert "nothing to explain" in done.stderr


def test_a_plan_is_not_taken_for_a_report(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ops = str(here / "more")
    assert main(["port", ops, "--format", "json:plan.json"]) == 0
    assert main(["diff", ops, "plan.json", "--check"]) == 2
    assert "is not the report of an audit" in capsys.readouterr().err


def test_a_package_without_its_libraries_is_worse(here: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["diff", str(here / "ops"), str(tmp_path / "empty"), "--check"]) == 1


@pytest.mark.parametrize("verb", FORMATS)
def test_every_format_of_every_verb(
    verb: str, here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = reports(here)[verb]
    files = [f"--format={name}:{tmp_path / name}" for name in FORMATS[verb]]
    assert main([*words, *files]) == 0
    assert capsys.readouterr() == ("", "")
    for name in FORMATS[verb]:
        assert main([*words, "--format", name]) == 0
        printed = capsys.readouterr().out
        assert (tmp_path / name).read_text() == (printed or "\n"), name
        if name == "json":
            assert main([*words, "--json"]) == 0
            assert capsys.readouterr().out == printed
            json.loads(printed)
        if name == "text":
            assert main(words) == 0
            assert capsys.readouterr().out == printed


@pytest.mark.parametrize("verb", ["gpus", "port", "explain", "doctor", "diff", "rule"])
def test_markdown_is_short_for_its_format(
    verb: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = reports(here)[verb]
    assert main([*words, "--markdown"]) == 0
    short = capsys.readouterr().out
    assert main([*words, "--format", "markdown"]) == 0
    assert capsys.readouterr().out == short


@pytest.mark.parametrize("verb", FORMATS)
def test_output_takes_what_would_be_printed(
    verb: str, here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, file = reports(here)[verb], tmp_path / "report"
    for more in ([], ["--json"]):
        assert main([*words, *more]) == 0
        printed = capsys.readouterr().out
        assert main([*words, *more, "-o", str(file)]) == 0
        assert capsys.readouterr() == ("", "")
        assert file.read_text() == printed


@pytest.mark.parametrize("verb", FORMATS)
@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--format", "jsn"], "--format: no format is called jsn; did you mean json?"),
        (["--format", "json", "--format", "text"], "json and text cannot share standard output"),
        (["--format", "json:a", "-o", "b"], "-o b: every --format already names a file"),
        (["--format", "json:./a", "--format", "text", "-o", "a"], "-o and --format would both"),
        (["-o", "/nowhere/at/all"], "cannot write /nowhere/at/all: No such file or directory"),
    ],
)
def test_documents_that_cannot_be_written(
    verb: str, more: list[str], sentence: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*reports(here)[verb], *more]) == 2
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.startswith(f"torch-abi-audit: error: {sentence}")


def test_formats_that_only_an_audit_has_are_settings_to_config(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["config", "--format", "sarif:x.sarif", "--format", "github", str(here)]
    assert main(words) == 0
    assert '\nformat = ["sarif:x.sarif", "github"]' in capsys.readouterr().out
    assert main([*words, "--json", "-o", str(tmp_path / "settings")]) == 0
    shown = json.loads((tmp_path / "settings").read_text())["format"]
    assert shown == {"value": ["sarif:x.sarif", "github"], "origin": "--format"}
    assert not (tmp_path / "x.sarif").exists()


def test_annotations_stay_on_standard_output(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    words = [str(here / "more"), "--check", "torch", "-o", str(tmp_path / "report")]
    assert main(words) == 1
    assert "::error title=" in capsys.readouterr().out
    assert (tmp_path / "report").read_text().startswith("Package: more\n")


def test_a_format_of_the_command_line_asks_for_no_judgement(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gcc(source([]), here / "vendored" / "libc10-0a1b2c3d.so")
    assert main([str(here / "vendored"), "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["findings"]
    assert "gate" not in document


def test_a_comparison_is_coloured_where_colours_are_welcome(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = reports(here)["diff"]
    main([*words, "--color", "never"])
    plain = capsys.readouterr().out
    main([*words, "--color", "always", "--format", "text", f"--format=text:{tmp_path / 'file'}"])
    painted = capsys.readouterr().out
    assert (tmp_path / "file").read_text() == plain
    assert "\x1b[32m    + c10::detail::torchCheckFail(" in painted
    assert "\x1b[31m  Worse: " in painted
    assert painted.replace("\x1b[32m", "").replace("\x1b[31m", "").replace("\x1b[0m", "") == plain


# --- quiet ---------------------------------------------------------------------------------------


def test_quiet_leaves_the_report_and_what_fails(
    here: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "settings.toml"
    settings.write_text('[[ignore]]\nrule = "T103"\nlibrary = "nowhere"\nreason = "none"\n')
    words = [str(here / "more"), "./gone", "--check", "torch", "--config", str(settings)]
    assert main(words) == 2
    loud = capsys.readouterr()
    assert main([*words, "-q"]) == 2
    quiet = capsys.readouterr()
    assert quiet.out == loud.out
    kept = [line for line in loud.err.splitlines() if ": warning: I002" not in line]
    assert quiet.err.splitlines() == kept != loud.err.splitlines()
    assert quiet.err.startswith("torch-abi-audit: error: no such file or directory: ./gone\nFAIL:")


def test_quiet_says_nothing_of_a_baseline_that_was_written(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(here / "more"), "--write-baseline", "abi.json"]
    assert main(words) == 0
    assert "wrote " in capsys.readouterr().err
    assert main([*words, "--quiet"]) == 0
    assert capsys.readouterr().err == ""


# --- which environment ---------------------------------------------------------------------------


def _venv(where: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(where)], check=True)
    return where


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another environment, with a package and a torch."""
    where = _venv(tmp_path_factory.mktemp("there") / "venv")
    (site,) = interpreters.interpreter(str(where)).sites
    library = gcc(source([SHIM]), where / "built.so").read_bytes()
    install(Path(site), "over_there", {"over_there/_C.so": library, "over_there/__init__.py": ""})
    parts = {
        f"torch/_C{SUFFIX}": module(where / f"_C{SUFFIX}", "").read_bytes(),
        "torch/lib/libtorch_global_deps.so": gcc("", where / "deps.so", torch=()).read_bytes(),
    }
    sources = {"torch/__init__.py": "", "torch/version.py": VERSION}
    install(Path(site), "torch", {**sources, **parts}, version="2.12.1")
    return where


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that a tool runner created only for the program."""
    where = _venv(tmp_path_factory.mktemp("tool") / "torch-abi-audit")
    (where / "uv-receipt.toml").touch()
    return where


VERBS = {
    "audit": (["over_there"], "Root: {site}/over_there\n"),
    "environment": (["--env"], "Site-packages: {site}\n"),
    "compat": (["compat", "over_there"], "Root: {site}/over_there\n"),
    "gpus": (["gpus", "over_there"], "Root:      {site}/over_there\n"),
    "port": (["port", "over_there"], "Root:          {site}/over_there\n"),
    "diff": (["diff", "over_there", "over_there"], "no difference (1 library)"),
    "explain": (["explain", MISSING], INSTALLED),
    "with": (["explain", MISSING, "--with", "over_there"], "loads on torch 2.12.1: yes"),
    "doctor": (["doctor", "torch"], "Torch:     2.12.1+cu126 ({site}/torch)"),
    "explain --doctor": (["explain", MISSING, "--doctor"], INSTALLED),
    "both": (
        ["explain", MISSING, "--doctor", "--with", "over_there"],
        "loads on torch 2.12.1: yes",
    ),
    "baseline": (["over_there", "--baseline", "over_there"], "Suppressed: "),
}


def run(program: Path | str, *words: object, **environment: str) -> tuple[int, str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    kept |= {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **environment}
    done = subprocess.run(
        [str(program), "-m", "torch_abi_audit", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env=kept,
        cwd="/",
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_the_activated_environment_is_meant_where_the_program_has_its_own(
    verb: str, tool: Path, there: Path
) -> None:
    words, sentence = VERBS[verb]
    (site,) = interpreters.interpreter(str(there)).sites
    program = tool / "bin" / "python"
    code, out, err = run(program, *words, VIRTUAL_ENV=str(there))
    assert (code, err.count("\n")) == (0, 1), err
    assert err == (
        f"torch-abi-audit: using the activated environment {there} (select another with --python)\n"
    )
    assert sentence.format(site=site) in out
    assert run(program, *words, "-q", VIRTUAL_ENV=str(there)) == (0, out, "")
    without = run(program, *words, VIRTUAL_ENV="")
    assert sentence.format(site=site) not in without[1]


@pytest.mark.parametrize("verb", VERBS)
def test_python_names_the_environment_for_every_verb(verb: str, there: Path) -> None:
    words, sentence = VERBS[verb]
    (site,) = interpreters.interpreter(str(there)).sites
    code, out, err = run(sys.executable, *words, "--python", there)
    assert (code, err) == (0, "")
    assert sentence.format(site=site) in out
    assert run(sys.executable, *words, "--python", there / "gone")[0] == 2


@pytest.mark.parametrize("verb", ["audit", "compat", "gpus", "port", "diff", "with"])
def test_wheels_of_an_index_are_chosen_for_every_verb(
    verb: str, tmp_path: Path, there: Path
) -> None:
    name = "demo-1.0-cp39-abi3-win_amd64"
    library = (there / "built.so").read_bytes()
    with serving(Index()) as index:
        index.add("demo", wheel(tmp_path, {"demo/_C.abi3.so": library}, name=name))
        told = {
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": index.url,
            "PIP_RETRIES": "0",
            "TORCH_ABI_AUDIT_CACHE": str(tmp_path / "cache"),
        }
        words = ["pypi:demo" if word == "over_there" else word for word in VERBS[verb][0]]
        found = run(sys.executable, *words, "--platform", "win_amd64", **told)
        assert found[0] == 0, found
        other = run(sys.executable, *words, "--platform", "macosx_11_0_arm64", **told)
        assert other[0] == 2
        assert "demo" in other[2]
    idle = run(sys.executable, *VERBS[verb][0], "--platform", "win_amd64")
    assert idle[0] == 2
    assert "--platform applies only to pypi: targets" in idle[2]


# --- which torch ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("torch", "sentence"),
    [
        ("2.13", "the installed torch is 2.13.0 (unknown build)"),
        ("2.13.0+cu130", "the installed torch is 2.13.0+cu130 (CUDA 13.0)"),
        ("2.13.0+cpu", "the installed torch is 2.13.0+cpu (without CUDA)"),
        ("{site}/torch", INSTALLED),
        ("{site}", INSTALLED),
    ],
)
def test_explain_takes_a_release_or_a_torch(
    torch: str, sentence: str, there: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (site,) = interpreters.interpreter(str(there)).sites
    assert main(["explain", MISSING, "--torch", torch.format(site=site)]) == 0
    assert sentence in capsys.readouterr().out


def test_explain_takes_a_wheel(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    members = {"torch/version.py": VERSION.encode()}
    path = wheel(tmp_path, members, name="torch-2.12.1-cp311-cp311-linux_x86_64")
    assert main(["explain", MISSING, "--torch", str(path)]) == 0
    assert INSTALLED in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["explain", MISSING, "--torch", "banana"], "--torch banana: neither a release such as"),
        (["explain", MISSING, "--torch", "./gone"], "is neither a torch directory nor a torch"),
        (["compat", "x", "--torch", "banana"], "--torch banana: neither a version specifier"),
        (["x", "--torch", "banana"], "--torch banana: neither a version specifier"),
        (["port", "x", "--torch", "2.13.0+cpu"], "--torch 2.13.0+cpu: not a torch release such"),
    ],
)
def test_what_names_no_torch(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(words)
    except SystemExit as ended:
        code = int(str(ended.code))
    assert code == 2
    assert sentence in capsys.readouterr().err.splitlines()[-1]


def test_an_audit_takes_releases_too(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(here / "ops"), "--torch", "2.10", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["loads_on"] == {"2.10.0": "yes"}
    assert main([str(here / "ops"), "--torch", ">=2.11,<2.12.1"]) == 0
    assert "\n  Loads on:    torch 2.11.0, 2.12.0\n" in capsys.readouterr().out


def test_a_plan_is_for_the_same_torch_by_either_spelling(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["--torch", "2.12"], ["--target", "2.12"], ["--torch", "torch==2.12.0"]):
        assert main(["port", str(here / "more"), *words]) == 0
        assert "-DTORCH_TARGET_VERSION=0x020c000000000000\n" in capsys.readouterr().out
