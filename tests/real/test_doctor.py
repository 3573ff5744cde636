"""The doctor against real imports: published wheels beside a CPU build of torch 2.13.0.

The wheels fit that torch, are for another one, or are for CUDA; the same failure, or none, is
expected of ``python -c "import torch, NAME"`` and of ``doctor``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.torch_stand_in import CHILD
from tests.support.wheels import fetch
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.uname().machine != "x86_64",
    reason="the torch that is installed here is for Linux x86_64",
)

REQUIREMENTS = (
    *("typing_extensions==4.16.0", "filelock==3.29.0", "sympy==1.14.0", "mpmath==1.3.0"),
    *("networkx==3.6.1", "fsspec==2026.9.0"),
)
"""What torch requires, as far as these imports need it."""
CASES = {
    "torchvision==0.24.0": "torchvision",
    "torchvision==0.29.1": "torchvision",
    "torchaudio==2.8.0": "torchaudio",
    "torchaudio==2.9.0": "torchaudio",
    "torchaudio==2.10.0": "torchaudio",
    "torchaudio==2.11.0": "torchaudio",
    "torchcodec==0.8.0": "torchcodec",
    "torchcodec==0.11.1": "torchcodec",
    "torchcodec==0.17.0": "torchcodec",
    "torchao==0.14.0": "torchao",
    "torchao==0.18.0": "torchao",
    "xformers==0.0.34": "xformers",
    "xformers==0.0.35": "xformers",
    "metatensor-torch==0.10.8": "metatensor.torch",
    "torch-tensorrt==2.9.0": "torch_tensorrt",
    "torchrl==0.10.0": "torchrl",
    "executorch==1.2.0": "executorch",
}
BESIDE = {"metatensor-torch==0.10.8": ("metatensor-core==0.2.6",)}
"""What else is installed."""


def unpack(requirement: str, site: Path) -> None:
    platform = "any" if requirement in REQUIREMENTS else "manylinux_2_28_x86_64"
    with zipfile.ZipFile(fetch(requirement, platform)) as wheel:
        wheel.extractall(site)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with torch and what its import needs."""
    if "+cpu" not in fetch("torch==2.13.0", "manylinux_2_28_x86_64").name:
        pytest.skip("the package index offers no CPU build of torch 2.13.0")
    home = tmp_path_factory.mktemp("environment") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    (site,) = home.glob("lib/python3*/site-packages")
    for each in ("torch==2.13.0", *REQUIREMENTS):
        unpack(each, site)
    return home


@pytest.fixture
def installed(
    environment: Path, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[Path, str]]:
    """The environment with the packages of a case, and the name to import."""
    requirement: str = request.param
    for each in (requirement, *BESIDE.get(requirement, ())):
        unpack(each, tmp_path)
    (site,) = environment.glob("lib/python3*/site-packages")
    added = site / "packages_of_the_case.pth"
    added.write_text(f"{tmp_path}\n")
    yield environment, CASES[requirement]
    added.unlink()


def imported(home: Path, name: str) -> tuple[str, str, str] | None:
    """What really happens: the exception, its text, and the text of its first cause."""
    done = subprocess.run(
        [home / "bin" / "python", "-W", "ignore", "-c", CHILD, name],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    assert done.stdout, done.stderr
    answer: tuple[str, str, str] | None = json.loads(done.stdout.splitlines()[-1])
    return answer


def examined(home: Path, name: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    code = main(["doctor", "--python", str(home), "--json", "-q", name])
    document = json.loads(capsys.readouterr().out)
    (found,) = document["packages"]
    assert code == (1 if found["problem"] else 0), found["unknown"]
    assert document["torch"]["status"] == "loads"
    return dict(found)


@pytest.mark.parametrize("installed", CASES, indirect=True)
def test_the_doctor_says_what_python_says(
    installed: tuple[Path, str], capsys: pytest.CaptureFixture[str]
) -> None:
    home, name = installed
    real = imported(home, name)
    found = examined(home, name, capsys)
    if real is None:
        assert found["problem"] is None
        return
    kind, text, cause = real
    assert found["ended"]["exception"] == kind
    problem = found["problem"]
    if found["ended"]["message"]:
        assert found["ended"]["message"] in (text, cause)
    if problem["failure"] is not None and cause != text:
        assert problem["text"] == cause


def test_a_torch_without_some_of_its_libraries(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    (site,) = home.glob("lib/python3*/site-packages")
    with zipfile.ZipFile(fetch("torch==2.11.0", "manylinux_2_28_x86_64")) as wheel:
        for member in wheel.namelist():
            is_large = member.endswith(("libtorch_cuda.so", "libtorch_cpu.so", "_linalg.so"))
            if member.endswith((".py", ".so", "METADATA", "libgomp.so.1")) and not is_large:
                wheel.extract(member, site)
    for each in REQUIREMENTS:
        unpack(each, site)
    real = imported(home, "torch.nn")
    assert real is not None
    assert main(["doctor", "--python", str(home), "--json", "-q"]) == 1
    problem = json.loads(capsys.readouterr().out)["torch"]["problem"]
    assert (problem["text"], problem["raises"]) == (real[1], None)
