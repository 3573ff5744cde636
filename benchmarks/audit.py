"""Whole-process cost of an audit, as ratios to a bare ``python -c pass`` in the same run.

    python benchmarks/audit.py [--runs N] [--site-packages PATH]

pip downloads the three wheels of the CLI reference (about 450 MB, kept in the tests' cache). Each
run of a command alternates with one of the bare interpreter, so that changes of the machine's speed
affect both. The table has the median ratios of CPU time and wall time, and the peak memory.
Bytecode is compiled beforehand, as installers do.
"""

from __future__ import annotations

import argparse
import compileall
import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import torch_abi_audit  # noqa: E402 - needs the path above
from tests.support.wheels import fetch  # noqa: E402

WHEELS = ("torch==2.11.0", "torchaudio==2.11.0", "torchcodec==0.11.1")
PLATFORM = "manylinux_2_28_aarch64"


class Cost(NamedTuple):
    """The cost of one process."""

    cpu: float
    """User and system time in seconds."""
    wall: float
    """Wall time in seconds."""
    peak: float
    """Peak resident size in MiB."""


def main() -> int:
    """Measure and print the table; always returns 0."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--site-packages", help="also time --site-packages PATH --all")
    options = parser.parse_args()
    compileall.compile_dir(Path(torch_abi_audit.__file__).parent, quiet=1)
    with tempfile.TemporaryDirectory() as scratch:
        site = Path(scratch)
        for requirement in WHEELS:
            unpack(fetch(requirement, PLATFORM), site)
        lib = site / "torch" / "lib"
        small = site / "torchaudio/lib/_torchaudio.abi3.so"
        alone = shutil.copy(small, site.parent / f"{site.name}-alone.so")
        rows = {
            "--help": ["--help"],
            "one small library": [str(alone)],
            "the same in its distribution": [str(small)],
            "torchaudio torch torchcodec": [
                str(site / name) for name in ("torchaudio", "torch", "torchcodec")
            ],
            "libtorch_cuda.so, 416 MB": [str(lib / "libtorch_cuda.so")],
            "libc10.so, 2 MB": [str(lib / "libc10.so")],
        }
        if options.site_packages:
            rows["--site-packages"] = ["--site-packages", options.site_packages, "--all"]
        print(f"{'':30}{'cpu':>8}{'wall':>8}{'peak MiB':>10}   median ratio to python -c pass")
        for title, words in rows.items():
            report(title, words, options.runs)
        Path(alone).unlink()
    return 0


def unpack(wheel: Path, site: Path) -> None:
    """Unpack a whole wheel, as an installer would."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)


def report(title: str, words: list[str], runs: int) -> None:
    """Run a command and the bare interpreter alternately, and print one line."""
    program = [str(Path(sysconfig.get_path("scripts")) / "torch-abi-audit"), *words]
    bare = [sys.executable, "-c", "pass"]
    cost(program)
    pairs = [(cost(program), cost(bare)) for _ in range(runs)]
    cpu = statistics.median(ours.cpu / theirs.cpu for ours, theirs in pairs)
    wall = statistics.median(ours.wall / theirs.wall for ours, theirs in pairs)
    peak = max(ours.peak for ours, _ in pairs)
    print(f"{title:30}{cpu:8.1f}{wall:8.1f}{peak:10.1f}", flush=True)


_LAUNCHER = """
import os, sys, time
out = os.open(os.devnull, os.O_WRONLY)
start = time.perf_counter()
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ,
                     file_actions=[(os.POSIX_SPAWN_DUP2, out, 1)])
_, status, usage = os.wait4(pid, 0)
print(usage.ru_utime + usage.ru_stime, time.perf_counter() - start, usage.ru_maxrss)
"""


def cost(command: list[str]) -> Cost:
    """Run a command to its end, and discard its output.

    A small process starts the command, since a child's peak memory is never less than its parent's.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
        cwd="/",
        check=True,
    )
    cpu, wall, peak = map(float, done.stdout.split())
    return Cost(cpu, wall, peak / (1 << 20 if sys.platform == "darwin" else 1 << 10))


if __name__ == "__main__":
    sys.exit(main())
