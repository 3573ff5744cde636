"""Ask the dynamic loader of Linux x86_64 what it does with the libraries of a wheel beside a torch.

The torch is a stand-in (``stand_in``): small libraries with the names, links and exports of those
of a published torch, so that neither NVIDIA's libraries nor gigabytes of code are needed.

Two ways of asking confirm each other:

- ``resolved`` runs the loader as ``ldd -r`` does. With the library in the place of the program, the
  loader looks for names in that library and in all that it is linked to, as for ``dlopen`` with
  ``RTLD_LOCAL``, and it lists every name that it does not find.
- ``opened`` lets a Python process open torch's libraries as ``import torch`` does, with
  ``RTLD_LOCAL``, and then the library. Names that are not torch's (CUDA's, other projects') come
  from a library that is opened with ``RTLD_GLOBAL``. No code of the wheel runs: ``unpack`` removes
  initializers from the copies of its libraries.
"""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, NamedTuple

from torch_abi_audit import formats
from torch_abi_audit.knowledge.names.torch import is_libtorch
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.sources.files.readable import open_readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

LOADER = "/lib64/ld-linux-x86-64.so.2"
SHARED = re.compile(r"[^/]*\.so(?:\.[^/]+)?")

_UNDEFINED = re.compile(r"^undefined symbol: (\S+?)(?:, version \S+)?\s+\((.+)\)$", re.MULTILINE)
_NOT_FOUND = re.compile(r"^\s*(\S+) => not found$", re.MULTILINE)
_LOADED = re.compile(r"^\s*\S+ => (/\S+) \(0x", re.MULTILINE)
_NO_VERSION = re.compile(r"version `([^']+)' not found \(required by (.+)\)")
_REFUSED = re.compile(r"undefined symbol: (\S+?)(?:, version \S+)?$")
_INITIALIZERS = frozenset({12, 13, 25, 26, 27, 28, 32, 33})
"""DT_INIT, DT_FINI, DT_INIT_ARRAY, DT_FINI_ARRAY, their sizes, DT_PREINIT_ARRAY and its size."""
_IGNORED = 0x60000FFF  # a tag for the system's own use that glibc does not know


class Resolved(NamedTuple):
    """What the loader says of a library and of all that it opens with it."""

    undefined: Mapping[str, frozenset[bytes]]
    """Path of each library, to its names that are not found; libraries without any are left out."""
    not_found: frozenset[str]
    """Names of needed libraries that are not found."""
    opened: frozenset[str]
    """Paths of the libraries that were opened, the asked one included."""


# --- the stand-in for torch ----------------------------------------------------------------------


def stand_in(torch: Path, home: Path) -> Path:
    """Build libraries with the names, links and exports of torch's; return ``home``.

    Args:
        torch: The directory of torch's shared libraries.
        home: The directory to write, which must not exist.
    """
    partial = home.with_name(f"{home.name}.partial")
    partial.mkdir(parents=True)
    for file in sorted(one for one in torch.iterdir() if is_libtorch(one.name)):
        with open_readable(file) as source:
            images = formats.read(source)
            if isinstance(images, NotALibrary):
                continue
            names = formats.exports(source, images[0])
            needed = [one for one in images[0].needed if is_libtorch(one)]
        build(partial / file.name, names, needed, _thread_local(file))
    partial.rename(home)
    return home


def build(
    file: Path,
    names: Iterable[bytes],
    needed: Iterable[str] = (),
    thread_local: frozenset[bytes] = frozenset(),
) -> None:
    """Build a library with these exports, linked to ``needed`` of its directory, found or not."""
    lines = [".data"]
    variables = ['.section .tbss,"awT",@nobits']
    for name in sorted(names):
        text = name.decode("latin-1")
        into, kind = (variables, "tls_object") if name in thread_local else (lines, "object")
        into += [f'.globl "{text}"', f'.type "{text}", @{kind}', f'"{text}":']
    source = file.with_suffix(".s")
    mark = '.section .note.GNU-stack,"",@progbits\n'
    source.write_text(
        "\n".join([*lines, ".quad 0", *variables, ".zero 8", mark]), encoding="latin-1"
    )
    stubs = []
    for each in needed:
        stub = file.parent / each
        if not stub.exists():
            _link(stub, ["-x", "c", os.devnull])
            stubs.append(stub)
    _link(file, [str(source), *(str(file.parent / each) for each in needed)])
    source.unlink()
    _remove_initializers(file)  # exports such as _init would be taken for some
    for stub in stubs:
        stub.unlink()


def _link(file: Path, arguments: Sequence[str]) -> None:
    options = ["-shared", "-nostdlib", "-Wl,--no-as-needed", f"-Wl,-soname,{file.name}"]
    subprocess.run(
        ["gcc", *options, "-o", str(file), "-Wl,--allow-shlib-undefined", *arguments], check=True
    )


def _thread_local(file: Path) -> frozenset[bytes]:
    listing = subprocess.run(
        ["readelf", "-W", "--dyn-syms", str(file)], capture_output=True, check=True
    ).stdout
    rows = (line.split() for line in listing.splitlines())
    return frozenset(
        row[7].partition(b"@")[0]
        for row in rows
        if len(row) > 7 and row[3] == b"TLS" and row[6] != b"UND"
    )


# --- the libraries of a wheel --------------------------------------------------------------------


def unpack(wheel: Path, home: Path) -> None:
    """Unpack the shared libraries of a wheel, without their initializers."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.namelist():
            if SHARED.fullmatch(member.rpartition("/")[2]):
                archive.extract(member, home)
                _remove_initializers(home / member)


def _remove_initializers(file: Path) -> None:
    """Hide the entries of the dynamic section that name code to run when a library is opened."""
    with file.open("r+b") as opened:
        head = opened.read(64)
        if head[:6] != b"\x7fELF\x02\x01":
            return
        table, size, count = (
            *struct.unpack_from("<Q", head, 32),
            *struct.unpack_from("<HH", head, 54),
        )
        for number in range(count):
            opened.seek(table + number * size)
            kind, _, offset, _, _, length = struct.unpack("<IIQQQQ", opened.read(40))
            if kind != 2:  # PT_DYNAMIC
                continue
            opened.seek(offset)
            dynamic = bytearray(opened.read(length))
            for at in range(0, len(dynamic) - 15, 16):
                tag = struct.unpack_from("<q", dynamic, at)[0]
                if tag == 0:
                    break
                if tag in _INITIALIZERS:
                    struct.pack_into("<q", dynamic, at, _IGNORED)
            opened.seek(offset)
            opened.write(dynamic)


# --- asking --------------------------------------------------------------------------------------


def resolved(file: Path, directories: Sequence[Path]) -> Resolved:
    """Run the loader on a library as ``ldd -r`` does.

    Raises:
        RuntimeError: the loader lists nothing.
    """
    environment = {
        **os.environ,
        "LD_LIBRARY_PATH": ":".join(map(str, directories)),
        "LD_TRACE_LOADED_OBJECTS": "1",  # these are the variables that ldd -r sets
        "LD_WARN": "yes",
        "LD_BIND_NOW": "yes",
    }
    environment.pop("LD_PRELOAD", None)
    done = subprocess.run(
        [LOADER, str(file)], capture_output=True, text=True, check=False, env=environment
    )
    output = done.stdout + done.stderr
    if "=>" not in output and "statically linked" not in output and done.returncode:
        raise RuntimeError(f"{LOADER} {file}: {output[:300]}")
    undefined: dict[str, set[bytes]] = {}
    for name, where in _UNDEFINED.findall(output):
        undefined.setdefault(os.path.realpath(where), set()).add(name.encode())
    return Resolved(
        {where: frozenset(names) for where, names in undefined.items()},
        frozenset(_NOT_FOUND.findall(output)),
        frozenset({os.path.realpath(one) for one in (*_LOADED.findall(output), str(file))}),
    )


def opened(
    files: Sequence[Path], directories: Sequence[Path], ahead: Sequence[Path]
) -> list[dict[Path, str | None]]:
    """Open each library in a process of its own that has opened torch as ``import torch`` does.

    Args:
        files: The libraries to open, with ``RTLD_NOW`` and ``RTLD_LOCAL``.
        directories: Where the loader looks for libraries; the first has torch's.
        ahead: Libraries to open first, with ``RTLD_GLOBAL``: the libraries ``files`` are opened
            after each of them.

    Returns:
        For each library in ``ahead``: each of ``files``, to the symbol that the loader does not
        find, or to the whole error; None if it was opened.
    """
    asked = json.dumps([list(map(str, ahead)), list(map(str, files))])
    environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, directories))}
    environment.pop("LD_PRELOAD", None)
    done = subprocess.run(
        [sys.executable, "-S", "-c", _OPEN, str(directories[0])],
        input=asked,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if done.returncode:
        raise RuntimeError(f"opening libraries failed: {done.returncode} {done.stderr[-500:]}")
    answers: list[dict[str, str | None]] = json.loads(done.stdout)
    return [{file: _symbol(each[str(file)]) for file in files} for each in answers]


def _symbol(error: str | None) -> str | None:
    found = _REFUSED.search(error or "")
    return found[1] if found else error


_OPEN = """\
import ctypes, json, os, sys
ahead, files = json.load(sys.stdin)
torch = sys.argv[1]
ctypes.CDLL(f"{torch}/libtorch_global_deps.so", mode=os.RTLD_GLOBAL | os.RTLD_NOW)
ctypes.CDLL(f"{torch}/libtorch_python.so", mode=os.RTLD_LOCAL | os.RTLD_NOW)
stages = []
for each in ahead:
    ctypes.CDLL(each, mode=os.RTLD_GLOBAL | os.RTLD_NOW)
    answers = {}
    for file in files:
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                ctypes.CDLL(file, mode=os.RTLD_LOCAL | os.RTLD_NOW)
                os.write(writer, b"null")
            except OSError as error:
                os.write(writer, json.dumps(str(error)[:3000]).encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as stream:
            answer = stream.read()
        status = os.waitpid(child, 0)[1]
        answers[file] = json.loads(answer) if answer else f"the process ended with status {status}"
    stages.append(answers)
json.dump(stages, sys.stdout)
"""
