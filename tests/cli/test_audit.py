"""The installed command: complete outputs, exit codes, streams and terminals."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests.support.sources import source
from tests.support.toolchain import gcc
from torch_abi_audit import __version__
from torch_abi_audit.cli import main
from torch_abi_audit.commands.audit import PlainOptions, syntax
from torch_abi_audit.commands.shared.parsing import parse

if TYPE_CHECKING:
    from pathlib import Path

SHIM, UNSTABLE = "torch_call_dispatcher", "_ZN3c106detail14torchCheckFailEPKcS2_jS2_"
USAGE = """\
usage: torch-abi-audit [-h] [--version] [--env | --site-packages PATH]
                       [--json] [--all] [-v]
                       [TARGET ...]
"""


def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "torch_abi_audit", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture(scope="module")
def site_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site-packages directory with one distribution for each verdict."""
    root = tmp_path_factory.mktemp("env") / "site-packages"

    def install(name: str, version: str, built: dict[str, str]) -> None:
        record = []
        for path, text in built.items():
            gcc(text, root / path)
            record.append(f"{path},,")
        info = root / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        record += [f"{info.name}/METADATA,,", f"{info.name}/RECORD,,"]
        (info / "RECORD").write_text("\n".join(record) + "\n")

    install("stable_ops", "1.0", {"stable_ops/_C.abi3.so": source([SHIM])})
    install(
        "unstable_ops",
        "2.0",
        {
            "unstable_ops/_C.so": source(
                [UNSTABLE, "_PyLong_Sign", *(f"_ZN2at1{c}Ev" for c in "abcdefghijklmnopqrst")],
                exports=["PyInit__C"],
            ),
            "unstable_ops.libs/libhelper-0a1b2c3d.so.1": source([]),
        },
    )
    install(
        "plain", "3.0", {"plain.abi3.so": source(["PyLong_FromLong"], exports=["PyInit_plain"])}
    )
    install("broken", "4.0", {"broken/_C.so": source([SHIM])})
    (root / "broken" / "_C.so").write_bytes((root / "broken" / "_C.so").read_bytes()[:300])
    gcc(source([SHIM]), root / "unclaimed" / "_C.so")
    return root


def test_help_begins_with_the_reference_usage() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert done.stdout.startswith(USAGE)
    assert done.stderr == ""


def test_version() -> None:
    assert run("--version").stdout == f"torch-abi-audit {__version__}\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "nothing to inspect: give a TARGET, --env or --site-packages PATH"),
        (["numpy", "--env"], "TARGET and --env cannot be used together"),
        (["x", "--site-packages", "."], "TARGET and --site-packages cannot be used together"),
        (["--env", "--site-packages", "."], "--env and --site-packages cannot be used together"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
        (["x", "--check", "never"], "invalid choice: 'never'"),
    ],
)
def test_usage_errors(words: list[str], sentence: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(USAGE)
    assert sentence in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_an_environment(site_packages: Path) -> None:
    done = run("--site-packages", site_packages)
    assert done.returncode == 2  # one library could not be read
    assert (
        done.stdout
        == f"""\
Site-packages: {site_packages}

  PACKAGE           TORCH     MIN-TORCH  CPYTHON  EXTS  BUNDLED
  ----------------  --------  ---------  -------  ----  -------
  broken            ERROR     -          n/a         0        1
  unstable_ops      UNSTABLE  -          no          1        1
  stable_ops        STABLE    2.10.0     n/a         0        1
  unclaimed         STABLE    2.10.0     n/a         0        1

1 package without torch hidden (--all shows them), 1 file could not be read
"""
    )


def test_all_shows_what_is_hidden(site_packages: Path) -> None:
    out = run("--site-packages", site_packages, "--all").stdout
    assert "\n  plain             NO-TORCH  -          abi3        1        0\n" in out
    assert out.endswith("0 packages without torch hidden, 1 file could not be read\n")


def test_a_package(site_packages: Path) -> None:
    done = run(site_packages / "unstable_ops", "-v")
    assert done.returncode == 0
    listed = "\n".join(f"        torch unstable: at::{c}()" for c in "abcdefghijklmno")
    assert (
        done.stdout
        == f"""\
Package: unstable_ops
  Root: {site_packages}/unstable_ops
  Torch ABI:   UNSTABLE
  Min torch:   n/a
  CPython ABI: no
  Extensions:  1
  Bundled libs: 0
  Note: the distribution unstable_ops has 1 more library elsewhere: unstable_ops.libs
  -- extensions --
    [UNSTABLE] [uses-private-api      ] _C.so  (stable_shim=0, unstable=21)
{listed}
        ... 6 more
        cpython private: _PyLong_Sign
        links: libtorch.so, libtorch_python.so
  -- findings --
    warning M301 no-torch-requirement: the package uses torch (unstable) but does not require it
        fix: Declare the torch releases that the binaries load on.
"""
    )


def test_an_import_name_is_found_without_being_imported(
    site_packages: Path, tmp_path: Path
) -> None:
    package = tmp_path / "trap"
    shutil.copytree(site_packages / "stable_ops", package / "inner")
    for folder in (package, package / "inner"):
        (folder / "__init__.py").write_text("raise SystemExit('imported')\n")
    done = run("trap.inner", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "Torch ABI:   STABLE" in done.stdout
    assert f"Root: {package}/inner" in done.stdout


def test_an_unknown_name(site_packages: Path) -> None:
    done = run("no_such_thing_at_all", site_packages / "stable_ops")
    assert done.returncode == 2
    assert "Torch ABI:   STABLE" in done.stdout  # the rest is still reported
    assert done.stderr == (
        "torch-abi-audit: error: cannot find no_such_thing_at_all: no importable module, path or "
        "distribution has that name; write pypi:no_such_thing_at_all to audit its wheel on a "
        "package index\n"
    )


@pytest.fixture(scope="module")
def schema() -> Any:
    return json.loads(
        files("torch_abi_audit").joinpath("report", "report.schema.json").read_text("utf-8")
    )


def test_json_follows_its_schema(site_packages: Path, tmp_path: Path, schema: Any) -> None:
    wheel = tmp_path / "stable_ops-1.0-cp310-abi3-linux_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in sorted(site_packages.glob("stable_ops*/*")):
            archive.write(path, path.relative_to(site_packages).as_posix())
    for words in (
        ["--site-packages", site_packages, "--all"],
        [site_packages / "unstable_ops"],
        [site_packages / "broken", "no_such_thing_at_all"],
        [wheel],
        ["no_such_thing_at_all"],
    ):
        done = run(*words, "--json")
        document = json.loads(done.stdout)
        jsonschema.validate(document, schema)
        assert done.stdout == run(*words, "--json").stdout


def test_several_targets_come_in_an_envelope(site_packages: Path) -> None:
    one = json.loads(run(site_packages / "stable_ops", "--json").stdout)
    both = json.loads(run(site_packages / "stable_ops", site_packages / "broken", "--json").stdout)
    assert one["name"] == "stable_ops"
    assert both["site_packages"] is None
    assert [package["name"] for package in both["packages"]] == ["stable_ops", "broken"]
    assert "cut short" in both["packages"][1]["bundled_libs"][0]["error"]
    assert both["packages"][1]["bundled_libs"][0]["torch"] is None
    assert both["schema_version"] == one["schema_version"] == 1


@pytest.mark.parametrize(
    ("package", "check", "code", "lines"),
    [
        ("stable_ops", "torch", 0, []),
        ("stable_ops", "both", 0, []),
        (
            "unstable_ops",
            "torch",
            1,
            ["unstable_ops: 1 library outside of the LibTorch Stable ABI"],
        ),
        (
            "unstable_ops",
            "abi3",
            1,
            ["unstable_ops: 1 extension module outside of the CPython Stable ABI"],
        ),
        (
            "unstable_ops",
            "both",
            1,
            [
                "unstable_ops: 1 library outside of the LibTorch Stable ABI",
                "unstable_ops: 1 extension module outside of the CPython Stable ABI",
            ],
        ),
        ("broken", "both", 2, []),
    ],
)
def test_the_gate(
    site_packages: Path, package: str, check: str, code: int, lines: list[str]
) -> None:
    done = run(site_packages / package, "--check", check)
    assert done.returncode == code
    assert f"Package: {package}" in done.stdout
    if lines:
        assert done.stderr.startswith("FAIL:")
    for line in lines:
        assert line in done.stderr


def test_an_operational_error_goes_before_a_failed_gate(site_packages: Path) -> None:
    done = run(site_packages / "unstable_ops", site_packages / "broken", "--check", "torch")
    assert done.returncode == 2
    assert "FAIL:" in done.stderr


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colours_in_a_pipe(
    site_packages: Path, environment: dict[str, str], coloured: bool
) -> None:
    out = run(site_packages / "stable_ops", **environment).stdout
    assert ("\x1b[32mSTABLE" in out) is coloured
    assert "STABLE  ] [abi3-tagged-no-capi   ] _C.abi3.so" in re.sub("\x1b\\[[0-9;]*m", "", out)


def test_a_closed_pipe_ends_quietly(site_packages: Path) -> None:
    command = (
        f"{sys.executable} -m torch_abi_audit {site_packages}/unstable_ops -v --json | head -1"
    )
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
    assert done.stdout == "{\n"
    assert done.stderr == ""


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_a_closed_stream_leaves_the_exit_code(site_packages: Path, closed: str) -> None:
    for target, code in ((site_packages / "unstable_ops", 0), (site_packages / "none.so", 2)):
        command = f"{sys.executable} -m torch_abi_audit {target} {closed}"
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
        assert done.returncode == code
        assert "Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full device")  # noqa: PTH110
def test_a_full_disk_is_one_sentence(site_packages: Path) -> None:
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run(
            [sys.executable, "-m", "torch_abi_audit", site_packages / "unstable_ops"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        "torch-abi-audit: error: cannot write to standard output: No space left on device\n"
    )


def test_a_current_directory_that_is_gone(site_packages: Path, tmp_path: Path) -> None:
    command = (
        f"mkdir {tmp_path}/gone && cd {tmp_path}/gone && rmdir {tmp_path}/gone && "
        f"{sys.executable} -P -m torch_abi_audit"
    )
    for target, code in ((f"{site_packages}/stable_ops", 0), ("x/y", 2), ("./stable_ops", 2)):
        there = f"{command} {target}"
        done = subprocess.run(there, shell=True, capture_output=True, text=True, check=False)  # noqa: S602
        assert (done.returncode, "Traceback" in done.stderr) == (code, False)


def test_ctrl_c_ends_quietly() -> None:
    script = (
        "import signal, sys, time\n"
        # a background job starts with SIGINT ignored, and so would its children
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from torch_abi_audit import cli, sources\n"
        "def hang(*a, **k):\n"
        "    try: print('ready', flush=True); time.sleep(60)\n"
        "    finally: print('and more')\n"
        "sources.several = hang\n"
        "sys.argv[1:] = ['x']\n"
        "cli.program()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=20)
    assert rest == "and more\n"
    assert process.returncode == 130
    assert errors == ""


def on_a_terminal(words: list[str], **environment: str) -> str:
    """Return the output of a command on a terminal that is both its stdout and its stderr."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, *words],
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm", **environment},
    )
    os.close(slave)
    seen = b""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            data = os.read(master, 65536)
        except OSError:
            break
        if not data:
            break
        seen += data
    process.wait(timeout=10)
    os.close(master)
    return seen.decode()


SLOW = """
import sys, time
from torch_abi_audit import cli, formats
read = formats.read
formats.read = lambda source: (time.sleep(0.15), read(source))[1]
sys.exit(cli.main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    first = gcc(source([SHIM]), folder / "x00.so")
    for number in range(1, 12):
        shutil.copy(first, folder / f"x{number:02}.so")
    return folder


def test_slow_work_on_a_terminal_draws_a_bar_with_a_count(many: Path) -> None:
    seen = on_a_terminal(["-c", SLOW, str(many)])
    assert "reading" in seen
    assert "12/12" in seen or "11/12" in seen
    assert "Package: " in seen


def test_no_bar_where_none_is_wanted(many: Path) -> None:
    assert "reading" not in on_a_terminal(["-c", SLOW, str(many), "--no-progress"])
    assert "reading" not in on_a_terminal(["-m", "torch_abi_audit", str(many)])  # quick
    done = subprocess.run(
        [sys.executable, "-c", SLOW, str(many)], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_colours_on_a_terminal(many: Path) -> None:
    assert "\x1b[32mSTABLE" in on_a_terminal(["-m", "torch_abi_audit", str(many)])
    plain = on_a_terminal(["-m", "torch_abi_audit", str(many)], NO_COLOR="1")
    assert "\x1b[" not in plain


def test_a_package_called_like_a_verb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gcc(source([SHIM]), tmp_path / "audit" / "_C.so")
    monkeypatch.chdir(tmp_path)
    for words in (["audit", "audit"], ["./audit"]):
        assert main(words) == 0
        assert "Package: audit\n" in capsys.readouterr().out


def test_targets_alone_mean_what_the_parser_says_they_mean() -> None:
    parsed = vars(parse(syntax(), ["one", "two"]))
    plain = PlainOptions(["one", "two"])
    for name, value in parsed.items():
        assert (getattr(plain, name) or None) == (value or None), name
