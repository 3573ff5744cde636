"""Published wheels for the generators: lists releases and downloads single wheels, with pip."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from torch_abi_audit.model.releases import release_key

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Sequence
    from pathlib import Path

PYTHONS = ("3.11", "3.12", "3.10", "3.13")
"""Pythons whose wheels of torch are tried, in this order: the libraries are the same in all."""


_CUDA = re.compile(r"^cuda\b[^=\n]*=\s*(?:'([\d.]+)'|None)", re.MULTILINE)


class WheelError(Exception):
    """A wheel is not available or incomplete; the text names it and quotes pip."""


def final_releases(project: str, oldest: str) -> list[str]:
    """Final releases of ``project`` since ``oldest``, oldest first, from ``pip index versions``.

    Raises:
        WheelError: pip does not list releases.
    """
    listing = pip("index", "versions", project, what=f"list the releases of {project}")
    line = re.search(r"^Available versions: (.*)$", listing, re.MULTILINE)
    if line is None:
        raise WheelError(f"pip index versions {project} printed no 'Available versions' line")
    final = [v for v in line[1].split(", ") if re.fullmatch(r"\d+(\.\d+)+", v)]
    return sorted((v for v in final if release_key(v) >= release_key(oldest)), key=release_key)


def download(project: str, version: str, tags: Sequence[str], directory: Path) -> Path:
    """The wheel of one release for one of the platform ``tags``, saved in ``directory``.

    ``===`` excludes builds with a local version such as ``2.13.0+cpu``.

    Raises:
        WheelError: pip cannot download a wheel for any of ``PYTHONS``.
    """
    platforms = [word for tag in tags for word in ("--platform", tag)]
    refusals = []
    for python in PYTHONS:
        try:
            pip(
                *("download", "--quiet", "--no-deps", "--no-cache-dir", "--only-binary", ":all:"),
                *("--dest", str(directory), *platforms, "--python-version", python),
                f"{project}==={version}",
                what=f"download {project} {version} for {tags[-1]} and Python {python}",
            )
        except WheelError as refusal:
            refusals.append(str(refusal))
        else:
            return next(directory.glob("*.whl"))
    raise WheelError(refusals[0])


def stated_cuda(wheel: zipfile.ZipFile, name: str) -> str | None:
    """The CUDA version that ``torch/version.py`` in a wheel states; None for a CPU build.

    Raises:
        WheelError: ``torch/version.py`` does not state it; the text has the wheel's ``name``.
    """
    found = _CUDA.search(wheel.read("torch/version.py").decode())
    if found is None:
        raise WheelError(f"{name}: torch/version.py states neither a CUDA version nor None")
    return found[1]


def pip(*arguments: str, what: str) -> str:
    """Run pip, and return its standard output.

    Raises:
        WheelError: pip fails; the text says ``what`` it could not do.
    """
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise WheelError(f"pip cannot {what}: " + " ".join(lines or [done.stderr.strip()]))
    return done.stdout
