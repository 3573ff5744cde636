"""The CPU build of torch for the tests, where pip provides it: unpacked once, into their cache."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.wheels import cache_directory


def cpu_torch(release: str) -> Path:
    """A directory for ``PYTHONPATH`` with the CPU build of torch ``release`` for this Python.

    The calling test is skipped if pip only has a CUDA build, which is several gigabytes with what
    it needs; or no build at all, unless ``CI`` is set.
    """
    name = f"torch-{release}-cpu-{sys.version_info[0]}.{sys.version_info[1]}"
    home = cache_directory() / name
    if home.is_dir():
        return home
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--quiet"]
    asking = [*pip, "--dry-run", "--ignore-installed", "--no-deps", "--report", "-"]
    report = subprocess.run(
        [*asking, f"torch=={release}"], capture_output=True, text=True, check=False
    )
    if report.returncode:
        if os.environ.get("CI"):
            raise AssertionError(report.stderr)
        pytest.skip(f"pip provides no torch {release} for this Python")
    (entry,) = json.loads(report.stdout)["install"]
    if "+cpu" not in entry["metadata"]["version"]:
        pytest.skip(f"pip provides the CUDA build of torch {release}")
    cache_directory().mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_directory()) as scratch:
        made = Path(scratch) / name
        command = [*pip, "--no-compile", "--target", str(made), f"torch=={release}"]
        subprocess.run(command, check=True)
        try:
            made.rename(home)
        except OSError:  # another process was faster
            if not home.is_dir():
                raise
    return home
