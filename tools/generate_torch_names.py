#!/usr/bin/env python3
"""Generate ``data/torch_names.tsv``: the names that torch's headers declare, for ``explain``.

    generate_torch_names.py           read the headers of each release, write the table
    generate_torch_names.py --check   read them, exit 1 if the table differs

The releases are the first of each minor version since 2.9, as those of the replacements.
``--headers DIR`` keeps the headers of each release there, and takes what is there already. Needs
g++, which only preprocesses.

The table has macros, functions, types and constants of the namespaces ``at``, ``c10``, ``c10d`` and
``torch``, and methods of the classes in ``CLASSES`` and of all stable ones. It leaves out what is
not for use: ``detail`` and other inner namespaces, operators for one backend, schemas, guards of
headers, and the C shims, which have a table of their own.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools.generate_replacements import headers_of  # noqa: E402
from tools.generate_replacements import releases as known_releases  # noqa: E402
from tools.header_names import Declaration, Kind, declarations  # noqa: E402
from tools.table_text import differences, load, render, write  # noqa: E402
from tools.wheels import WheelError  # noqa: E402
from torch_abi_audit.knowledge.tables import Table  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

TABLE = ROOT / "src" / "torch_abi_audit" / "data" / "torch_names.tsv"
STABLE = ("torch/csrc/stable/", "torch/headeronly/", "torch/csrc/inductor/aoti_torch/c/")
"""Where the headers of the stable ABI are."""
_STABLE_FOLDERS = ("torch/csrc/stable", "torch/headeronly")
_FOLDERS = (
    *("torch", "ATen", "ATen/core", "ATen/cuda", "ATen/xpu", "ATen/mps", "ATen/native"),
    *("c10/core", "c10/cuda", "c10/util", "c10/macros", "c10/xpu", "torch/csrc"),
    *("torch/csrc/autograd", "torch/csrc/utils", "torch/csrc/cuda"),
    "torch/csrc/distributed/c10d",
)
"""Folders whose headers are read together; what they include is read as well."""
_FIRST = ("torch/extension.h", "torch/all.h", "ATen/ATen.h")
_UNFIT = re.compile(
    r"win|inl|Vulkan|[Mm]etal|complex_math|google_glog|NativeMeta|Vmap|Registration|Redispatch"
)
"""Headers that do not stand alone, or repeat the operators for the inside of torch."""
CLASSES = frozenset(
    {
        *("at::Tensor", "at::TensorBase", "c10::TensorOptions", "c10::IValue", "c10::Scalar"),
        *("c10::Device", "c10::Stream", "c10::cuda::CUDAStream", "at::Generator", "at::Context"),
        *("torch::Library", "torch::CppFunction", "at::TensorIteratorBase", "c10::Storage"),
        *("at::TensorIteratorConfig", "c10::SymInt", "c10::Dispatcher", "c10::ArrayRef"),
        *("torch::autograd::AutogradContext", "torch::autograd::Function", "at::cuda::CUDAEvent"),
        *("c10d::ProcessGroup", "torch::class_"),
    }
)
"""Unstable classes whose methods are listed."""
_SPACES = frozenset({"at", "c10", "c10d", "torch"})
_INNER = frozenset(
    {
        *("detail", "details", "impl", "internal", "_ops", "redispatch", "native", "meta", "guts"),
        *("vec", "functorch", "symint", "aten", "prim", "attr", "onnx", "_export", "ivalue"),
        *("compositeexplicitautograd", "compositeimplicitautograd", "generated", "jit", "lazy"),
        *("compositeexplicitautogradnonfunctional", "sparsemps", "profiler", "dynamo", "enumtype"),
    }
)
"""Namespaces of which names are left out, unless they are stable."""
_OF_ONE_BACKEND = re.compile(r"_(?:dispatch|native|ops|meta)\.h$|/generated/(?!variable_fact)")
_UNREAD = re.compile(
    r"^(?:fmt|google|kineto|kai|tensorpipe)/|ATen/(?:Redispatch|VmapGen|NativeMeta|Registration)"
    r"|_(?:dispatch|native|ops|meta)\.h$|/generated/(?!variable_fact)"
)
"""Headers with nothing for the table, which take long to read."""
_GUARD = re.compile(r"_H_?$|_INC$|^_|^FMT_|^Py_|^PyHASH|^PYBIND11_(?!MODULE|EMBEDDED|OVERRIDE)")
_MISSING = re.compile(r"(?:[^\s\\]|\\.)+")


def read(root: Path, release: str, stubs: Path, macro: str | None = None) -> dict[str, Declaration]:
    """The names in the headers of one release, the first declaration of each.

    Args:
        root: The include directory of the release.
        release: The release.
        stubs: A directory for empty headers in place of those that are not there.
        macro: The value of ``TORCH_TARGET_VERSION``; then only stable headers are read.
    """
    print(f"torch {release}" + (f", TORCH_TARGET_VERSION={macro}" if macro else ""), flush=True)
    prefix = f"{root}/"

    def wanted(header: str) -> bool:
        path = header.removeprefix(prefix)
        return path != header and not _UNREAD.search(path)

    found: dict[str, Declaration] = {}
    units = [_stable_headers(root)] + ([] if macro else [list(_unstable_headers(root))])
    for unit in units:
        options = [f"-DTORCH_TARGET_VERSION={macro}"] if macro else []
        for one in declarations(preprocessed(unit, root, stubs, options), wanted):
            header = one.header[len(prefix) :]
            if is_kept(one.name, one.kind, header):
                found.setdefault(one.name, Declaration(one.name, one.kind, header))
    return {name: _resolved(one, found) for name, one in found.items()}


def _resolved(one: Declaration, found: Mapping[str, Declaration]) -> Declaration:
    """A declaration with the kind of what it stands for: ``using c10::kCPU`` is no type."""
    meant = found.get(f"c10::{one.name.removeprefix('torch::headeronly::')}")
    if one.kind is not Kind.TYPE or meant is None or not one.name.startswith("torch::headeronly"):
        return one
    return Declaration(one.name, meant.kind, one.header)


def is_kept(name: str, kind: Kind, header: str) -> bool:
    """Whether the table has a name."""
    stable = header.startswith(STABLE)
    if kind is Kind.MACRO:
        ours = header.startswith(("torch/", "ATen/", "c10/", "pybind11/"))
        return ours and re.search(r"[A-Z]", name) is not None and not _GUARD.search(name)
    *scope, last = name.split("::")
    if not scope:
        return name.startswith("THPVariable_") and header.startswith("torch/")
    if scope[0] not in _SPACES or last.startswith("_"):
        return False
    if stable:
        return "detail" not in scope or scope[:2] == ["torch", "stable"]
    if kind is Kind.METHOD:
        return "::".join(scope) in CLASSES
    return not (_INNER & {*scope} or _OF_ONE_BACKEND.search(header))


def preprocessed(unit: Sequence[str], root: Path, stubs: Path, options: Iterable[str]) -> str:
    """What g++ makes of headers that are included one after the other.

    Headers that are not there, such as CUDA's, are taken to be empty.
    """
    source = stubs / "all.cpp"
    source.write_text("".join(f"#include <{one}>\n" for one in unit))
    command = ["g++", "-std=c++20", *options, "-I", str(root), "-I", str(stubs)]
    command += ["-I", str(root / "torch/csrc/api/include"), "-I", sysconfig.get_path("include")]
    while True:
        done = subprocess.run(
            [*command, "-E", "-dD", str(source)], capture_output=True, text=True, check=False
        )
        if "No such file or directory" not in done.stderr:
            return done.stdout
        for one in _missing(command, source):
            (stubs / one).parent.mkdir(parents=True, exist_ok=True)
            (stubs / one).write_text("")


def _missing(command: list[str], source: Path) -> list[str]:
    """The headers that a source needs and the compiler does not find."""
    words = [*command, "-M", "-MG", str(source)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    listed = _MISSING.findall(done.stdout.replace("\\\n", " "))[1:]
    return [one for one in listed if not Path(one).is_absolute()]


def _stable_headers(root: Path) -> list[str]:
    found = []
    for folder in _STABLE_FOLDERS:
        every = (path.relative_to(root).as_posix() for path in (root / folder).rglob("*.h"))
        found += [one for one in sorted(every) if "win32" not in one]
    return found


def _unstable_headers(root: Path) -> Iterator[str]:
    yield from _FIRST
    for folder in _FOLDERS:
        for path in sorted((root / folder).iterdir()):
            if path.suffix in {".h", ".hpp", ".cuh"} and not _UNFIT.search(path.name):
                yield path.relative_to(root).as_posix()


def table(headers: Path) -> Table:
    """The whole table, from the headers of each release, which are kept in a directory.

    Raises:
        WheelError: pip cannot download a wheel.
    """
    releases = known_releases()
    roots = {release: headers_of(release, headers) for release in releases}
    with tempfile.TemporaryDirectory(prefix="torch-names-") as name:
        stubs = Path(name)
        every = {release: read(roots[release], release, stubs) for release in releases}
        targets = {
            release: read(roots[releases[-1]], releases[-1], stubs, _macro(release))
            for release in releases
        }
    rows: dict[str, list[str]] = {}
    names = sorted({name for found in every.values() for name in found})
    for name in names:
        having = [release for release in releases if name in every[release]]
        latest = every[having[-1]][name]
        words = [f"{latest.kind.value}:{name}", having[0]]
        if having[-1] != releases[-1]:
            words.append(f"last={having[-1]}")
        elif latest.header.startswith(STABLE):
            offered = [release for release in releases if name in targets[release]]
            if offered:
                words.append(f"target={offered[0]}")
        rows.setdefault(latest.header, []).append(_row(words, releases[0]))
    facts = {
        "format": "1",
        "about": "names that the headers of published torch wheels declare",
        "generator": "tools/generate_torch_names.py",
        "releases": " ".join(releases),
        "words": "kind:name[,first][,last=release][,target=first TORCH_TARGET_VERSION that has it]",
    }
    return Table(facts, {"headers": {one: " ".join(rows[one]) for one in sorted(rows)}})


def _row(words: list[str], oldest: str) -> str:
    name, first, *others = words
    return ",".join([name, *([] if first == oldest else [first]), *others])


def _macro(release: str) -> str:
    major, minor = (int(part) for part in release.split(".")[:2])
    return f"0x{major << 56 | minor << 48:016x}"


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns 0 if done or equal, 1 if the table differs, 2 for an error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--headers", type=Path, metavar="DIR", help="keep unpacked headers here")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="torch-headers-") as scratch:
        try:
            fresh = table(options.headers or Path(scratch))
        except WheelError as error:
            print(error, file=sys.stderr)
            return 2
    old = load(TABLE)
    changes = differences(old.facts, fresh.facts) + differences(
        _names(old.sections), _names(fresh.sections)
    )
    print(*changes[:200], sep="\n", end="\n" if changes else "")
    print(f"{len(render(fresh))} bytes, {len(changes)} changes")
    if changes and not options.check:
        write(TABLE, fresh)
    return 1 if changes and options.check else 0


def _names(sections: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    return dict(sections.get("headers", {}))


if __name__ == "__main__":
    sys.exit(main())
