"""Published wheels for the tests: each is downloaded once, with pip, into a cache."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

_UNREACHABLE = "connection broken by"


def cache_directory() -> Path:
    """The cache that test runs of all clones share: see ``CONTRIBUTING.md``."""
    asked = os.environ.get("TORCH_ABI_AUDIT_TEST_CACHE")
    return Path(asked) if asked else Path.home() / ".cache" / "torch-abi-audit-tests"


def fetch(requirement: str, platform: str, python: str = "3.11") -> Path:
    """The wheel of ``requirement`` (``numpy==2.4.6``) for ``platform`` (``win_amd64``).

    Two processes may fetch the same wheel at once. If pip cannot reach an index, the calling test
    is skipped, unless ``CI`` is set.

    Raises:
        AssertionError: pip found no such wheel; the message is what pip wrote.
    """
    cache = cache_directory()
    home = cache / f"{platform}-{python}" / requirement
    home.mkdir(parents=True, exist_ok=True)
    found = sorted(home.glob("*.whl"))
    if found:
        return found[0]
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        command = [sys.executable, "-m", "pip", "download", "--disable-pip-version-check"]
        command += ["--quiet", "--no-deps", "--only-binary", ":all:", "--platform", platform]
        command += ["--python-version", python, "--dest", scratch, requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            if _UNREACHABLE in done.stderr and not os.environ.get("CI"):
                pytest.skip(f"no package index is reachable for {requirement}")
            raise AssertionError(f"{' '.join(command)}\n{done.stderr}")
        (wheel,) = Path(scratch).glob("*.whl")
        os.replace(wheel, home / wheel.name)  # noqa: PTH105 - atomic, also onto a file that exists
    return home / wheel.name
