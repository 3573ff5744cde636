"""Builds examples of replacements with g++: against torch's headers and a stand-in for its library.

The stand-in exports the C shims that some published wheel exports, and nothing else. A library that
links with it needs nothing of torch but shims.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch_abi_audit import formats
from torch_abi_audit.knowledge import torch_shims
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.sources.files.readable import open_readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

TORCH = "libtorch_cpu.so"
_CUDA_RUNTIME = (b"cudaGetLastError",)


@dataclass(frozen=True, slots=True)
class Built:
    """The result of building one example."""

    library: Path
    shims: tuple[str, ...] = ()
    """The C shims that it imports, sorted."""
    error: str = ""
    """What the compiler or the linker said first; empty if the library was built."""


class Builder:
    """The host's g++ with the headers of each release; ``cache`` keeps what it built."""

    def __init__(self, headers: Mapping[str, Path], cache: Path) -> None:
        self._headers, self._cache = headers, cache
        cache.mkdir(parents=True, exist_ok=True)
        self._stand_in: Path | None = None

    def build(self, text: str, release: str) -> Built:
        """The library of a source file, built with the headers of ``release``."""
        key = hashlib.sha256(f"{release}\n{text}".encode()).hexdigest()[:24]
        library = self._cache / f"{key}.so"
        kept = self._cache / f"{key}.json"
        if not kept.exists():
            error = self._build(text, release, library)
            document = {"error": error, "shims": [] if error else _shims(library)}
            kept.write_text(json.dumps(document), encoding="utf-8")
        document = json.loads(kept.read_text(encoding="utf-8"))
        return Built(library, tuple(document["shims"]), document["error"])

    def _build(self, text: str, release: str, library: Path) -> str:
        if self._stand_in is None:
            self._stand_in = self._cache / "stand-in"
            stand_in(self._stand_in)
        include = self._headers[release]
        return compile_library(text, include, self._stand_in, library)


def compile_library(text: str, include: Path, libraries: Path, library: Path) -> str:
    """Compile ``text`` and link it without undefined symbols; what went wrong first, or nothing.

    ``libraries`` is a directory with libtorch_cpu.so, torch's own or the stand-in.
    """
    command = ["g++", "-std=c++20", "-O0", "-w", "-fPIC", "-shared", "-x", "c++", "-"]
    command += ["-o", str(library), "-I", str(include), "-L", str(libraries)]
    command += ["-Wl,--no-undefined", "-Wl,--unresolved-symbols=ignore-in-shared-libs"]
    command += ["-ltorch_cpu"]
    if "cudaGetLastError();" in text:
        command.append("-lcudart")
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    if not done.returncode:
        return ""
    lines = [one for one in done.stderr.splitlines() if "error:" in one or "undefined ref" in one]
    return (lines or done.stderr.splitlines() or ["g++ failed"])[0].strip()


def stand_in(directory: Path) -> None:
    """Write the libraries that stand in for torch's and for the CUDA runtime."""
    directory.mkdir(parents=True, exist_ok=True)
    exported = [name for name, shim in torch_shims.shims().items() if shim.exported_by]
    write_stub(directory / TORCH, TORCH, exported)
    write_stub(directory / "libcudart.so", "libcudart.so", _CUDA_RUNTIME)


def write_stub(path: Path, soname: str, names: Iterable[bytes], version: str = "") -> None:
    """A library that exports functions which do nothing and return 100, CUDA's "no device"."""
    text = "".join(f"int {name.decode()}() {{ return 100; }}\n" for name in sorted(names))
    command = ["g++", "-shared", "-fPIC", "-x", "c++", "-", "-o", str(path)]
    command.append(f"-Wl,-soname,{soname}")
    script = path.with_suffix(".map")
    if version:
        script.write_text(f"{version} {{ global: *; }};\n", encoding="utf-8")
        command.append(f"-Wl,--version-script={script}")
    body = f'extern "C" {{\n{text}}}\n'
    subprocess.run(command, input=body, text=True, capture_output=True, check=True)
    script.unlink(missing_ok=True)


def _shims(library: Path) -> list[str]:
    with open_readable(library) as source:
        images = formats.read(source)
    if isinstance(images, NotALibrary):
        raise TypeError(f"g++ did not write a library: {images.kind}")
    known = torch_shims.shim_names()
    return sorted(name.decode() for name in images[0].imports if name in known)
