"""NVIDIA's compilers and its cuobjdump, from published wheels: the oracle for CUDA device code."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import zipfile
from functools import cache
from pathlib import Path

import pytest

from tests.support.wheels import cache_directory, fetch
from tools import cuobjdump
from tools.compare_with_cuobjdump import Comparison, compare

only_here = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.uname().machine != "x86_64",
    reason="NVIDIA's tools for Linux x86_64 are asked",
)
RELEASE = "13.5.37"
TOOLKIT = ("nvidia-cuda-nvcc", "nvidia-nvvm", "nvidia-cuda-crt", "nvidia-cuda-runtime")
ASSEMBLERS = {"12": "nvidia-cuda-nvcc-cu12==12.9.86", "11": "nvidia-cuda-nvcc-cu11==11.8.89"}
"""Wheels with ptxas alone: of CUDA 12 for sm_50 and newer, and of CUDA 11 for sm_35."""
_TAG = "manylinux2014_x86_64"


@cache
def oracle() -> tuple[Path, ...]:
    """Every cuobjdump, newest first."""
    found = []
    for project, version, member in cuobjdump.SOURCES:
        program = cache_directory() / f"{project}-{version}" / "cuobjdump"
        if not program.exists():
            tag = "manylinux_2_27_x86_64" if project == "triton" else _TAG
            cuobjdump.extract(fetch(f"{project}=={version}", tag), member, program)
        found.append(program)
    return tuple(found)


@cache
def toolkit() -> Path:
    """The root of a CUDA toolkit that compiles, without a GPU or its driver."""
    home = cache_directory() / f"cuda-{RELEASE}"
    if not home.is_dir():
        with tempfile.TemporaryDirectory(dir=cache_directory()) as scratch:
            for project in TOOLKIT:
                with zipfile.ZipFile(fetch(f"{project}=={RELEASE}", _TAG)) as wheel:
                    wheel.extractall(scratch)
            for program in Path(scratch).glob("nvidia/cu13/**/bin/*"):
                program.chmod(0o755)
            if not home.is_dir():  # if it is, another process was faster
                Path(scratch, "nvidia", "cu13").rename(home)
    return home


@cache
def ptxas(cuda: str) -> Path:
    """The assembler of an older CUDA, ``12`` or ``11``."""
    program = cache_directory() / f"ptxas-{cuda}" / "ptxas"
    if not program.exists():
        tag = "manylinux2010_x86_64" if cuda == "12" else _TAG
        cuobjdump.extract(fetch(ASSEMBLERS[cuda], tag), "nvidia/cuda_nvcc/bin/ptxas", program)
    return program


def nvcc(*arguments: str | Path) -> None:
    """Run the compiler."""
    run(toolkit() / "bin" / "nvcc", *arguments)


def run(*command: str | Path) -> None:
    """Run a program; what it wrote is the error if it fails."""
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def agrees(file: Path) -> Comparison:
    """Fail unless reader and cuobjdump find the same device code in a library, and find some."""
    found = compare(oracle(), file, "", file.name, contents=True)
    assert found is not None, f"{file}: no device code"
    assert not found.differences, "\n".join(found.differences)
    return found
