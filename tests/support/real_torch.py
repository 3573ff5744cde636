"""A real torch for the tests: headers of any release, and the CPU build of one release to run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.wheels import fetch

if TYPE_CHECKING:
    from pathlib import Path

CPU_RELEASE = "2.13.0"
"""The release whose CPU build pip may provide."""


def headers(release: str, directory: Path) -> Path:
    """The include directory of a release, unpacked below ``directory`` from its smallest wheel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_CONSTRAINT", os.devnull)  # a machine may hold back newer releases
        wheel = fetch(f"torch=={release}", "macosx_26_0_arm64", "3.12")
    with zipfile.ZipFile(wheel) as archive:
        wanted = [one for one in archive.namelist() if one.startswith("torch/include/")]
        archive.extractall(directory, wanted)
    return directory / "torch" / "include"


def cpu_build(directory: Path) -> Path:
    """``directory``, with the CPU build of torch; skips if pip has a CUDA build alone."""
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed"]
    command += ["--quiet", "--no-deps", "--report", "-", f"torch=={CPU_RELEASE}"]
    report = subprocess.run(command, capture_output=True, text=True, check=False)
    if report.returncode:
        if os.environ.get("CI"):
            raise AssertionError(report.stderr)
        pytest.skip(f"pip provides no torch {CPU_RELEASE} for this Python")
    (entry,) = json.loads(report.stdout)["install"]
    if "+cpu" not in entry["metadata"]["version"]:
        pytest.skip("pip provides the CUDA build, which is several gigabytes with what it needs")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--target"]
    subprocess.run([*command, str(directory), f"torch=={CPU_RELEASE}"], check=True)
    return directory
