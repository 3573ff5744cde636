"""Torch's builds that are not on the package index: from ``torch_builds.toml`` and from wheels."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.wheels import WheelError
from torch_abi_audit.model.device_code import target_key
from torch_abi_audit.model.releases import minor_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

BUILDS = Path(__file__).parent / "torch_builds.toml"

FIRST_STATED = "2.13.0"
"""The first release with a table of its builds by platform in ``torch/cuda/__init__.py``, which
torch's own tests hold to the build scripts. The tables of 2.11 and 2.12 are without platforms, and
2.11's is wrong: https://github.com/pytorch/pytorch/issues/182250"""

_STATED = "PYTORCH_RELEASES_CODE_CC"


def listed(releases: Sequence[str], path: Path = BUILDS) -> dict[str, str]:
    """The rows of the builds in ``torch_builds.toml`` of these releases.

    Raises:
        WheelError: two entries are about the same build.
    """
    rows: dict[str, str] = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["builds"]:
        for release in releases:
            if minor_of(release) in entry["releases"]:
                for name, targets in _rows(release, entry):
                    if name in rows:
                        raise WheelError(f"{path.name}: {name} is there twice")
                    rows[name] = targets
    return rows


def sources(path: Path = BUILDS) -> dict[str, str]:
    """The source of each entry: ``2.9, 2.10 on linux_x86_64, cuda12.8``, to its address."""
    found = {}
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["builds"]:
        builds = [kind + each for kind in ("cuda", "rocm") for each in entry.get(kind, ())]
        name = f"{', '.join(entry['releases'])} on {', '.join([*entry['platforms'], *builds])}"
        found[name] = entry["source"]
    return found


def _rows(release: str, entry: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for platform in entry["platforms"]:
        for kind in ("cuda", "rocm"):
            for version, words in entry.get(kind, {}).items():
                yield f"{release} {platform} {kind}{version}", targets(words.split())


def targets(words: Iterable[str]) -> str:
    """``sm_86 sm_90 compute_90`` for ``8.6`` and ``9.0+PTX``; AMD's targets unchanged; sorted."""
    found = []
    for word in words:
        capability, plus, _ = word.partition("+PTX")
        number = capability.replace(".", "")
        found += [word] if word.startswith("gfx") else [f"sm_{number}"]
        found += [f"compute_{number}"] if plus else []
    return " ".join(sorted(found, key=target_key))


def stated(release: str, platform: str, code: str) -> dict[str, str]:
    """The rows of the builds for a Linux platform that torch's own table has.

    ``code`` is the text of ``torch/cuda/__init__.py``, which is parsed, not executed. Builds that
    ``torch_builds.toml`` says were not published are left out.

    Raises:
        WheelError: it has no such table.
    """
    arch = platform.removeprefix("linux_")
    for node in ast.parse(code).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == _STATED and node.value:
            table = ast.literal_eval(node.value)
            without = tomllib.loads(BUILDS.read_text(encoding="utf-8"))["not_published"]
            return {
                f"{release} {platform} cuda{cuda}": targets(
                    f"{number // 10}.{number % 10}" for number in numbers[arch]
                )
                for cuda, numbers in table.items()
                if cuda not in without.get(minor_of(release), ())
            }
    raise WheelError(f"torch/cuda/__init__.py of {release} has no table {_STATED}")
