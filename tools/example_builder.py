"""Builds examples of replacements with g++: against torch's headers and a stand-in for its library.

The stand-in exports the C shims that some published wheel exports, and nothing else. A library that
links with it needs nothing of torch but shims.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torch_abi_audit import formats
from torch_abi_audit.knowledge import torch_shims
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.sources.files.readable import open_readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from tools.replacement_source import Example

TORCH = "libtorch_cpu.so"
_OPTIONS = ("-std=c++20", "-O0", "-w", "-fPIC")
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
        self._parsed = _ParsedHeaders()

    def build(self, example: Example, target: str, release: str) -> Built:
        """The library of an example for the torch ``target``, built with headers of ``release``."""
        text, macros = example.text, example.macros(target)
        key = hashlib.sha256("\n".join([release, *macros, text]).encode()).hexdigest()[:24]
        library = self._cache / f"{key}.so"
        kept = self._cache / f"{key}.json"
        if not kept.exists():
            if self._stand_in is None:
                self._stand_in = self._cache / "stand-in"
                stand_in(self._stand_in)
            include = self._headers[release]
            includes = [*self._parsed.directory(example.header, macros, include), include]
            error = compile_library(text, macros, includes, self._stand_in, library)
            document = {"error": error, "shims": [] if error else _shims(library)}
            kept.write_text(json.dumps(document), encoding="utf-8")
        document = json.loads(kept.read_text(encoding="utf-8"))
        return Built(library, tuple(document["shims"]), document["error"])


class _ParsedHeaders:
    """Headers that g++ has parsed, which takes it most of its time; they go with the process."""

    _OFTEN = 3

    def __init__(self) -> None:
        self._root = tempfile.TemporaryDirectory(prefix="torch-parsed-")
        self._asked: Counter[tuple[str, ...]] = Counter()

    def directory(self, header: str, macros: Sequence[str], include: Path) -> list[Path]:
        """Where g++ finds a parsed header that was often asked for; nowhere for any other."""
        key = (str(include), header, *macros)
        self._asked[key] += 1
        name = hashlib.sha256("\n".join(key).encode()).hexdigest()[:16]
        directory = Path(self._root.name) / name
        if self._asked[key] == self._OFTEN:
            parsed = directory / f"{header}.gch"
            parsed.parent.mkdir(parents=True)
            command = ["g++", *_OPTIONS, *(f"-D{one}" for one in macros), "-I", str(include)]
            command += ["-x", "c++-header", str(include / header), "-o", str(parsed)]
            subprocess.run(command, capture_output=True, check=False)
        return [directory] if self._asked[key] >= self._OFTEN else []


def compile_library(
    text: str, macros: Sequence[str], includes: Sequence[Path], libraries: Path, library: Path
) -> str:
    """Compile ``text`` and link it without undefined symbols; what went wrong first, or nothing.

    ``libraries`` is a directory with libtorch_cpu.so, torch's own or the stand-in.
    """
    command = ["g++", *_OPTIONS, "-shared", "-x", "c++", "-", "-o", str(library)]
    command += [f"-D{one}" for one in macros]
    command += [f"-I{one}" for one in includes]
    command += [f"-L{libraries}", "-Wl,--no-undefined"]
    command += ["-Wl,--unresolved-symbols=ignore-in-shared-libs", "-ltorch_cpu"]
    if "cudaGetLastError();" in text:
        command.append("-lcudart")
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    if not done.returncode:
        return ""
    lines = [one for one in done.stderr.splitlines() if "error:" in one or "undefined ref" in one]
    said = (lines or done.stderr.splitlines() or ["g++ failed"])[0].strip()
    return said.rpartition("error: ")[2]


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
