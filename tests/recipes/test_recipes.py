# ruff: noqa: E501
"""The recipes in the documentation, run as users would run them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import pytest
import yaml

from tests.support.blocks import ROOT, blocks
from tests.support.gpu_values import fatbin, with_fatbins
from tests.support.sources import source
from tests.support.toolchain import gcc
from torch_abi_audit.commands import VERBS
from torch_abi_audit.settings.schema import parse

CI, CONFIGURATION = blocks("ci.md"), blocks("configuration.md")
SHIM, UNSTABLE = "torch_call_dispatcher", "_ZN3c106detail14torchCheckFailEPKcS2_jS2_"


def wheel(folder: Path, *symbols: str, version: str = "1.0", targets: tuple[str, ...] = ()) -> Path:
    """A wheel of ``mypkg`` with one library that imports ``symbols`` and has code for GPUs."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"mypkg-{version}-py3-none-linux_x86_64.whl"
    code = source(symbols)
    built = gcc(with_fatbins(code, fatbin(*targets)) if targets else code, folder / "built.so")
    info = f"mypkg-{version}.dist-info"
    with zipfile.ZipFile(folder / name, "w") as archive:
        archive.write(built, "mypkg/_C.so")
        archive.writestr(
            f"{info}/METADATA",
            f"Metadata-Version: 2.1\nName: mypkg\nVersion: {version}\nRequires-Dist: torch>=2.10\n",
        )
        archive.writestr(
            f"{info}/WHEEL",
            "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: py3-none-linux_x86_64\n",
        )
        archive.writestr(
            f"{info}/RECORD", f"mypkg/_C.so,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        )
    built.unlink()
    return folder / name


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the command, as after an installation."""
    home = tmp_path_factory.mktemp("bin")
    script = home / "torch-abi-audit"
    script.write_text(
        f'#!/bin/sh\nPYTHONPATH={ROOT / "src"} exec {sys.executable} -m torch_abi_audit "$@"\n'
    )
    script.chmod(0o755)
    return home


def shell(text: str, cwd: Path, tool: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GITHUB_")}
    kept |= {"PATH": f"{tool}:{os.environ['PATH']}", **environment}
    command = ["bash", "-e", "-o", "pipefail", "-c", text]
    return subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True, check=False)


def test_every_block_is_known_here() -> None:
    tested = {
        "cibuildwheel",
        "action",
        "shell",
        "gitlab",
        "pre-commit",
        "markdown",
        "diff",
        "completion",
        "gpus",
        "gpus-command",
    }
    assert set(CI) == tested
    assert set(CONFIGURATION) == {"configuration", "baseline"}


# cibuildwheel


def cibuildwheel_options(tmp_path: Path, installed: str) -> SimpleNamespace:
    table = tomllib.loads(CI["cibuildwheel"])["tool"]["cibuildwheel"]
    assert table["audit-requires"] == ["torch-abi-audit"]
    return SimpleNamespace(
        audit_command=[table["audit-command"]],
        audit_requires=[installed],
        build_frontend=SimpleNamespace(name="build"),
        dependency_constraints=SimpleNamespace(get_for_python_version=lambda **_: None),
        package_dir=tmp_path,
    )


def test_cibuildwheel_takes_the_recipe() -> None:
    import cibuildwheel

    schema = json.loads(
        (Path(cibuildwheel.__file__).parent / "resources" / "cibuildwheel.schema.json").read_text()
    )
    table = tomllib.loads(CI["cibuildwheel"])["tool"]["cibuildwheel"]
    jsonschema.Draft7Validator(schema).validate(table)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft7Validator(schema).validate({"audit-comand": table["audit-command"]})


def test_cibuildwheel_runs_the_recipe(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """cibuildwheel's own code: it installs ``audit-requires`` and runs ``audit-command``."""
    from cibuildwheel.audit import run_audit
    from cibuildwheel.errors import AuditCommandFailedError

    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "audit_venv")], check=True)
    options: Any = cibuildwheel_options(tmp_path, str(ROOT))
    good = wheel(tmp_path / "good", SHIM)
    run_audit(tmp_dir=tmp_path, build_options=options, wheel=good)
    assert "Torch ABI:   STABLE" in capfd.readouterr().out
    with pytest.raises(AuditCommandFailedError):
        run_audit(tmp_dir=tmp_path, build_options=options, wheel=wheel(tmp_path / "bad", UNSTABLE))
    assert "mypkg: 1 library outside of the LibTorch Stable ABI" in capfd.readouterr().err


# GitHub Actions


def test_the_workflow_and_the_action_are_valid(tmp_path: Path) -> None:
    workflow = tmp_path / "workflow.yml"
    workflow.write_text(CI["action"])
    for kind, file in (("github-workflows", workflow), ("github-actions", ROOT / "action.yml")):
        command = [
            sys.executable,
            "-m",
            "check_jsonschema",
            "--builtin-schema",
            f"vendor.{kind}",
            str(file),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_uses_what_the_action_has() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    steps = yaml.safe_load(CI["action"])["jobs"]["abi"]["steps"]
    (ours,) = [step for step in steps if "torch-abi-audit@" in step.get("uses", "")]
    assert set(ours["with"]) <= set(action["inputs"])
    assert set(re.findall(r"steps\.abi\.outputs\.([\w-]+)", CI["action"])) <= set(action["outputs"])
    page = (ROOT / "docs" / "ci.md").read_text()
    for name in action["inputs"]:
        assert f"| `{name}` |" in page


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installation that the action's first step makes, from this checkout."""
    temp = tmp_path_factory.mktemp("runner")
    install = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"][0]
    assert install["env"] == {
        "PYTHON": "${{ inputs.python }}",
        "ACTION": "${{ github.action_path }}",
    }
    done = shell(
        install["run"], temp, temp, RUNNER_TEMP=str(temp), PYTHON=sys.executable, ACTION=str(ROOT)
    )
    assert done.returncode == 0, done.stderr
    return temp


@pytest.mark.parametrize(
    ("symbol", "inputs", "code", "result"),
    [
        (SHIM, {}, 0, "passed"),
        (UNSTABLE, {}, 1, "failed"),
        (UNSTABLE, {"CHECK": "abi3"}, 0, "passed"),
        (UNSTABLE, {"ARGS": "--ignore T101 -v"}, 0, "passed"),
        (UNSTABLE, {"TARGETS": "dist/*.whl\ndist/none.whl"}, 2, "error"),
        (None, {"TARGETS": "empty"}, 3, "empty"),
    ],
)
def test_the_action(
    runner: Path, tmp_path: Path, symbol: str | None, inputs: dict[str, str], code: int, result: str
) -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    step = action["runs"]["steps"][1]
    environment = {
        key: action["inputs"][value.removeprefix("${{ inputs.").removesuffix(" }}")]["default"]
        for key, value in step["env"].items()
    }
    (tmp_path / "empty").mkdir()
    if symbol is not None:
        wheel(tmp_path / "dist", symbol)
    environment |= inputs | {"SARIF": "out.sarif"}
    output, summary = tmp_path / "output", tmp_path / "summary.md"
    done = shell(
        step["run"],
        tmp_path,
        tmp_path,
        RUNNER_TEMP=str(runner),
        GITHUB_ACTIONS="true",
        GITHUB_OUTPUT=str(output),
        GITHUB_STEP_SUMMARY=str(summary),
        **environment,
    )
    assert done.returncode == code, done.stderr
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    assert set(outputs) == set(action["outputs"])
    assert (outputs["result"], outputs["exit-code"]) == (result, str(code))
    assert json.loads(Path(outputs["json"]).read_text())["gate"]["passed"] is (code == 0)
    assert json.loads((tmp_path / outputs["sarif"]).read_text())["version"] == "2.1.0"
    assert summary.read_text().startswith("## torch-abi-audit: ")
    assert ("::error title=" in done.stdout) is (code in (1, 2))


# commands in a shell


@pytest.mark.parametrize(
    ("name", "page"), [("shell", CI), ("markdown", CI), ("baseline", CONFIGURATION)]
)
@pytest.mark.parametrize("symbol", [SHIM, UNSTABLE])
def test_commands(name: str, page: dict[str, str], symbol: str, tmp_path: Path, tool: Path) -> None:
    wheel(tmp_path / "dist", symbol)
    done = shell(page[name], tmp_path, tool, GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"))
    assert done.returncode == (1 if (name, symbol) == ("shell", UNSTABLE) else 0), done.stderr
    assert "mypkg" in done.stdout


def test_diff(tmp_path: Path, tool: Path) -> None:
    wheel(tmp_path, SHIM).rename(tmp_path / "old.whl")
    wheel(tmp_path, UNSTABLE).rename(tmp_path / "new.whl")
    done = shell(CI["diff"], tmp_path, tool)
    assert done.returncode == 1, done.stderr
    assert "| torch verdict | torch-stable | torch-unstable |" in done.stdout
    (tmp_path / "new.whl").write_bytes((tmp_path / "old.whl").read_bytes())
    assert shell(CI["diff"], tmp_path, tool).returncode == 0


@pytest.mark.parametrize(
    ("targets", "failure"),
    [
        ("sm_75 sm_80 sm_90 sm_120", None),
        ("sm_75 compute_75", None),
        ("sm_75 sm_80 sm_90", "mypkg: 1 finding of G601 required-gpu-missing: RTX 50 (12.0)"),
    ],
)
def test_gpus(targets: str, failure: str | None, tmp_path: Path, tool: Path) -> None:
    wheel(tmp_path / "dist", UNSTABLE, targets=tuple(targets.split()))
    (tmp_path / "pyproject.toml").write_text(CI["gpus"])
    done = shell(CI["gpus-command"], tmp_path, tool)
    assert "[UNSTABLE]" in done.stdout
    assert done.returncode == (0 if failure is None else 1), done.stderr
    assert done.stderr == ("" if failure is None else f"FAIL:\n  {failure}\n")
    if failure is not None:
        assert done.stderr in (ROOT / "docs" / "ci.md").read_text()


def test_gitlab(tmp_path: Path, tool: Path) -> None:
    job = yaml.safe_load(CI["gitlab"])["torch-abi-audit"]
    install, command = job["script"]
    assert install == "pip install torch-abi-audit"
    wheel(tmp_path / "dist", UNSTABLE)
    assert shell(command, tmp_path, tool).returncode == 1
    reports = job["artifacts"]["reports"]
    assert json.loads((tmp_path / reports["codequality"]).read_text())[0]["check_name"] == "T101"
    assert (tmp_path / reports["junit"]).read_text().count("<failure") == 1
    file = tmp_path / "gitlab.yml"
    file.write_text(CI["gitlab"])
    check = [
        sys.executable,
        "-m",
        "check_jsonschema",
        "--builtin-schema",
        "vendor.gitlab-ci",
        str(file),
    ]
    subprocess.run(check, check=True, capture_output=True)


def test_completion(tmp_path: Path, tool: Path) -> None:
    install, evaluate = CI["completion"].splitlines()
    assert install == 'pip install "torch-abi-audit[completion]"'
    ask = (
        'complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        "$(complete -p torch-abi-audit | sed 's/.*-F \\([^ ]*\\).*/\\1/') torch-abi-audit \"${@: -1}\"; "
        'echo "${COMPREPLY[*]}"; }\n'
    )
    done = shell(
        f"{evaluate}\n{ask}set +e\ncomplete_line torch-abi-audit di\n"
        "complete_line torch-abi-audit audit --write-\ncomplete_line torch-abi-audit audit --check t\n",
        tmp_path,
        tool,
    )
    assert done.stdout.split("\n")[:3] == ["diff", "--write-baseline", "torch"], done.stderr
    for shell_name in ("zsh", "fish"):
        script = shell(f"torch-abi-audit completion {shell_name}", tmp_path, tool).stdout
        for verb in VERBS:
            assert verb in script


# configuration


def test_the_configuration_is_valid() -> None:
    found = parse(CONFIGURATION["configuration"], "pyproject.toml", embedded=True)
    assert found is not None
    assert len(found.ignores) == 1


# pre-commit


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    repository = tmp_path / "repo"
    wheel(repository / "dist", UNSTABLE)
    subprocess.run(["git", "init", "--quiet", str(repository)], check=True)
    return repository


def git(cwd: Path, *words: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    subprocess.run(["git", *identity, *words], cwd=cwd, check=True, capture_output=True)


def pre_commit(cwd: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pre_commit", *words]
    environment = {**os.environ, "PRE_COMMIT_HOME": str(home), "PRE_COMMIT_COLOR": "never"}
    return subprocess.run(
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )


def test_pre_commit_runs_the_recipe(repository: Path, tmp_path: Path) -> None:
    text = CI["pre-commit"].replace("[torch-abi-audit]", f"['{ROOT}']")
    assert text != CI["pre-commit"]
    (repository / ".pre-commit-config.yaml").write_text(text)
    git(repository, "add", "-A", "-f")
    done = pre_commit(repository, tmp_path / "home", "run", "--all-files")
    assert done.returncode == 1
    assert "mypkg: 1 library outside of the LibTorch Stable ABI" in done.stdout, done.stdout
    wheel(repository / "dist", SHIM)
    git(repository, "add", "-A", "-f")
    assert pre_commit(repository, tmp_path / "home", "run", "--all-files").returncode == 0


def test_the_hooks_of_the_repository(repository: Path, tmp_path: Path) -> None:
    checkout = tmp_path / "torch-abi-audit"
    shutil.copytree(ROOT / "src", checkout / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in (".pre-commit-hooks.yaml", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout / name)
    git(checkout, "init", "--quiet")
    git(checkout, "add", "-A", "-f")
    git(checkout, "commit", "--quiet", "-m", "x")
    (repository / "pyproject.toml").write_text("[tool.torch-abi-audit]\nchek = 1\n")
    git(repository, "add", "-A", "-f")
    home = tmp_path / "home"
    done = pre_commit(repository, home, "try-repo", str(checkout), "--all-files")
    assert done.returncode == 1
    assert "pyproject.toml:2: unknown key chek; did you mean check?" in done.stdout, done.stdout
    (repository / "pyproject.toml").write_text('[tool.torch-abi-audit]\nfail-on = "error"\n')
    done = pre_commit(repository, home, "try-repo", str(checkout), "torch-abi-audit", "--all-files")
    assert "mypkg: 1 library outside of the LibTorch Stable ABI" in done.stdout, done.stdout
