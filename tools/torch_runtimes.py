"""Torch's libraries for the CPU, from published Linux wheels, and what runs under them.

The wheels on PyPI are built for CUDA; of those, ``libtorch_cpu.so`` and what it needs computes
without Python and without CUDA's libraries, of which stubs take the place.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from tools.example_builder import TORCH, write_stub
from tools.wheels import download
from torch_abi_audit import formats
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.sources.files.readable import open_readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_TAGS = ("manylinux_2_28_x86_64",)
_NEEDED = ("libc10.so", "libgomp", "libtorch_cpu.so")
_CUDA = {"libcudart.so": b"cuda", "libcupti.so": b"cupti"}
"""Libraries of CUDA that libtorch_cpu.so of a CUDA build needs, and how their functions begin."""
DRIVER = Path(__file__).parent / "run_examples.cpp"


def libraries_of(version: str, directory: Path) -> Path:
    """The directory with libtorch_cpu.so of one release, unpacked below ``directory`` if need be.

    Raises:
        WheelError: pip cannot download the wheel.
    """
    libraries = directory / version / "torch" / "lib"
    if not libraries.is_dir():
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory) as scratch:
            wheel = download("torch", version, _TAGS, Path(scratch))
            with zipfile.ZipFile(wheel) as archive:
                wanted = [
                    one
                    for one in archive.namelist()
                    if one.startswith(tuple(f"torch/lib/{name}" for name in _NEEDED))
                ]
                archive.extractall(Path(scratch) / version, wanted)
            (Path(scratch) / version).rename(directory / version)
    _stubs(libraries)
    return libraries


def _stubs(libraries: Path) -> None:
    """Write a stub for each library of CUDA that is needed and not there."""
    with open_readable(libraries / TORCH) as source:
        images = formats.read(source)
    if isinstance(images, NotALibrary):
        raise TypeError(f"{libraries / TORCH}: {images.kind}")
    versions = dict(images[0].version_needs)
    for needed in images[0].needed:
        prefix = _CUDA.get(needed.partition(".so")[0] + ".so")
        if prefix and not (libraries / needed).exists():
            names = [name for name in images[0].imports if name.startswith(prefix)]
            write_stub(libraries / needed, needed, names, versions.get(needed, ""))


class Runner:
    """Runs examples under torch's libraries of a directory; ``cache`` keeps the results."""

    def __init__(self, runtimes: Path, cache: Path) -> None:
        self._runtimes, self._cache = runtimes, cache
        cache.mkdir(parents=True, exist_ok=True)

    def run(self, release: str, jobs: Sequence[tuple[Path, str]]) -> list[str]:
        """What went wrong with each (library, function) under one release; empty if nothing.

        The results of the same library, function and release are kept.

        Raises:
            WheelError: pip cannot download the release.
        """
        driver = DRIVER.read_bytes()
        keys = [
            hashlib.sha256(
                b"\n".join([release.encode(), driver, name.encode(), library.read_bytes()])
            ).hexdigest()[:24]
            for library, name in jobs
        ]
        kept = [self._cache / f"{key}.ran.json" for key in keys]
        missing = {path: job for path, job in zip(kept, jobs, strict=True) if not path.exists()}
        if missing:
            outcomes = run_under(libraries_of(release, self._runtimes), [*missing.values()])
            for path, outcome in zip(missing, outcomes, strict=True):
                path.write_text(json.dumps(outcome), encoding="utf-8")
        return [json.loads(path.read_text(encoding="utf-8")) for path in kept]


def run_under(libraries: Path, jobs: Iterable[tuple[Path, str]]) -> list[str]:
    """Run each function of a library in a process of its own; what went wrong, or an empty text."""
    with tempfile.TemporaryDirectory(prefix="torch-examples-") as scratch:
        program = Path(scratch) / "run_examples"
        command = ["g++", "-std=c++20", str(DRIVER), "-o", str(program), f"-L{libraries}"]
        command += ["-Wl,--no-as-needed", "-ltorch_cpu", f"-Wl,-rpath,{libraries}"]
        command += ["-Wl,--unresolved-symbols=ignore-in-shared-libs", "-ldl"]
        subprocess.run(command, capture_output=True, text=True, check=True)
        lines = "".join(f"{library} {name}\n" for library, name in jobs)
        done = subprocess.run(
            [str(program)], input=lines, text=True, capture_output=True, check=True
        )
    return [json.loads(line) for line in done.stdout.splitlines()]
