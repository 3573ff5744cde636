"""What ``import torch`` opens, in order, and how it fails.

From ``torch/__init__.py`` of the wheels of torch 2.0 to 2.15. On Linux and macOS it opens
``torch/lib/libtorch_global_deps`` and offers its names to all. If that fails for want of a CUDA
library (``OSError`` that names one), the libraries of a list are opened, found by patterns below
the ``nvidia`` directories of ``sys.path``, and it is tried again. Since 2.6 some of the list, since
2.10 all of it, is opened as well if it did not fail and a ``libcudart`` is open. Then
``torch/_C`` is imported. On Windows, the directories with DLLs are added to the search, and each
DLL in ``torch/lib`` is opened.

The list and the conditions are read from the installed file, so that other releases and builds
count as they are. What Python has open before is ``_ctypes``; numpy's libraries, which torch
imports if numpy is installed, are not looked at: none of torch's is linked to them.
"""

from __future__ import annotations

import ast
import os

from torch_abi_audit.doctor.process import Failure, Refusal
from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources.files import lookup

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch_abi_audit.doctor.process import Process
    from torch_abi_audit.sources.installed.python import Python


@dataclass(frozen=True, slots=True)
class Entry:
    """A CUDA library that torch opens by itself."""

    folder: str
    """Directory below ``nvidia``: ``cuda_runtime``."""
    pattern: str
    """``libcudart.so.*[0-9]``."""
    required: bool = True


@dataclass(frozen=True, slots=True)
class Preloads:
    """The CUDA libraries that ``torch/__init__.py`` opens."""

    fallback: tuple[Entry, ...] = ()
    """Opened if ``libtorch_global_deps`` misses a CUDA library."""
    eager: tuple[Entry, ...] = ()
    """Opened after ``libtorch_global_deps`` where a library with ``marker`` in its path is open."""
    marker: str | None = None
    flat: bool = False
    """Whether ``<site>/<folder>/lib`` is searched as well."""
    joint: bool = False
    """Whether ``<site>/nvidia/cu<major>/lib`` is searched as well."""


def preloads(source: str, cuda: str | None) -> Preloads:
    """Read the list of libraries from the text of ``torch/__init__.py``.

    Args:
        source: The text.
        cuda: The CUDA release of torch: one entry of some releases is for CUDA 12 and later.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Preloads()
    functions = {
        each.name: each
        for each in tree.body
        if isinstance(each, ast.FunctionDef) and each.name.startswith(("_preload", "_load", "_get"))
    }
    deps = functions.get("_preload_cuda_deps")
    load = functions.get("_load_global_deps")
    if load is None:
        return Preloads()
    listed = [deps, load] if deps is not None else [load]
    table = tuple(entry for each in listed for entry in _table(each, cuda))
    extra = tuple(_calls(deps)) if deps is not None else ()
    eager, marker = _eager(load, (*table, *extra))
    texts = " ".join(ast.unparse(each) for each in functions.values())
    return Preloads(
        fallback=(*table, *extra),
        eager=eager,
        marker=marker,
        flat="os.path.join(path, lib_folder, 'lib', lib_name)" in texts,
        joint="f'cu{maj_cuda_version}'" in texts,
    )


def _table(function: ast.FunctionDef, cuda: str | None) -> Iterator[Entry]:
    """The entries of ``cuda_libs``: a mapping or a list of pairs, and items set later."""
    for node in ast.walk(function):
        match node:
            case (
                ast.AnnAssign(target=ast.Name(id="cuda_libs"), value=ast.Dict(keys, values))
                | ast.Assign(targets=[ast.Name(id="cuda_libs")], value=ast.Dict(keys, values))
            ):
                for key, value in zip(keys, values, strict=True):
                    yield from _entry(key, value)
            case (
                ast.AnnAssign(target=ast.Name(id="cuda_libs"), value=ast.List(elts=rows))
                | ast.Assign(targets=[ast.Name(id="cuda_libs")], value=ast.List(elts=rows))
            ):
                for row in rows:
                    if isinstance(row, ast.Tuple) and len(row.elts) == 2:
                        yield from _entry(*row.elts)
            case ast.Assign(
                targets=[ast.Subscript(value=ast.Name(id="cuda_libs"), slice=key)], value=value
            ) if cuda is not None and int(cuda.partition(".")[0]) >= 12:
                yield from _entry(key, value)


def _entry(key: ast.expr | None, value: ast.expr, *, required: bool = True) -> Iterator[Entry]:
    match key, value:
        case ast.Constant(value=str(folder)), ast.Constant(value=str(pattern)):
            yield Entry(folder, pattern, required)


def _calls(within: ast.AST) -> Iterator[Entry]:
    """The libraries that calls with two texts open."""
    for node in ast.walk(within):
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            continue
        if ast.unparse(node.func).startswith("_preload_cuda"):
            yield from _entry(node.args[0], node.args[1], required=_required(node))


def _required(call: ast.Call) -> bool:
    return not any(
        each.arg == "required" and isinstance(each.value, ast.Constant) and not each.value.value
        for each in call.keywords
    )


def _eager(
    function: ast.FunctionDef, everything: tuple[Entry, ...]
) -> tuple[tuple[Entry, ...], str | None]:
    """What is opened after ``libtorch_global_deps`` was, and on which condition."""
    for node in ast.walk(function):
        if not (isinstance(node, ast.Try) and "_maps" in ast.unparse(node.body[0])):
            continue
        marker = next(
            (
                str(each.left.value)
                for each in ast.walk(node)
                if isinstance(each, ast.Compare) and isinstance(each.left, ast.Constant)
            ),
            None,
        )
        single = tuple(_calls(node))
        if single:
            return single, marker
        for call in ast.walk(node):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "_preload_cuda_deps":
                needs = _required(call)
                whole = tuple(
                    Entry(one.folder, one.pattern, one.required and needs) for one in everything
                )
                return whole, marker
    return (), None


@dataclass(frozen=True, slots=True)
class Torch:
    """The installed torch that is imported."""

    directory: str
    """Path of the package ``torch``."""
    module: str | None
    """Path of its extension module ``_C``; None if there is none for the Python."""
    cuda: str | None
    preloads: Preloads


def find_torch(python: Python, cuda: str | None) -> Torch | None:
    """The torch that ``import torch`` finds; None if there is none."""
    for place in python.path:
        directory = os.path.join(place, "torch")
        source = lookup.source_text(os.path.join(directory, "__init__.py"))
        if source is not None:
            names = (os.path.join(directory, f"_C{suffix}") for suffix in python.suffixes)
            module = next(filter(lookup.has_file, names), None)
            return Torch(directory, module, cuda, preloads(source, cuda))
    return None


@dataclass(frozen=True, slots=True)
class TorchFailure:
    """Why ``import torch`` fails."""

    failure: Failure
    raises: str | None = None
    """The exception that ends the import, where it is not the loader's answer."""


def import_torch(
    torch: Torch, python: Python, process: Process, environ: Mapping[str, str]
) -> TorchFailure | None:
    """Open what ``import torch`` opens; the first failure that ends the import."""
    if torch.module is None and not lookup.matches(os.path.join(torch.directory, "lib", "*")):
        text = f"{torch.directory} is found first, and is not PyTorch: it contains no library"
        return _answer(Failure(text, Refusal.OTHER, torch.directory))
    _open_ctypes(python, process)
    everywhere = python.system != "win32" and bool(environ.get("TORCH_USE_RTLD_GLOBAL"))
    if python.system == "win32":
        failed = _answer(_open_dlls(torch, process))
    else:
        failed = None if everywhere else _open_dependencies(torch, python, process)
    if failed is not None:
        return failed
    if torch.module is None:
        where = os.path.join(torch.directory, "_C")
        return _answer(Failure("No module named 'torch._C'", Refusal.OTHER, where))
    return _answer(process.open(torch.module, everywhere=everywhere))


def _answer(failure: Failure | None) -> TorchFailure | None:
    return None if failure is None else TorchFailure(failure)


def _open_ctypes(python: Python, process: Process) -> None:
    for place in python.path:
        for suffix in python.suffixes:
            path = os.path.join(place, f"_ctypes{suffix}")
            if lookup.has_file(path):
                process.open(path)
                return


def _open_dependencies(torch: Torch, python: Python, process: Process) -> TorchFailure | None:
    suffix = ".dylib" if python.system == "darwin" else ".so"
    path = os.path.join(torch.directory, "lib", f"libtorch_global_deps{suffix}")
    failure = process.open(path, everywhere=True)
    found = torch.preloads
    if failure is None:
        if found.marker is not None and any(found.marker in one.path for one in process.opened):
            _open_entries(found.eager, torch, python, process)  # its failures are ignored
        return None
    stems = [one.pattern.partition(".")[0] for one in found.fallback]
    if python.system != "linux" or not any(stem in failure.text for stem in stems):
        return TorchFailure(failure)
    ended = _open_entries(found.fallback, torch, python, process)
    if isinstance(ended, str):
        return TorchFailure(failure, ended)
    return _answer(ended or process.open(path, everywhere=True))


def _open_entries(
    entries: Sequence[Entry], torch: Torch, python: Python, process: Process
) -> Failure | str | None:
    """Open libraries; the exception for one that is not found, or why one is refused."""
    for one in entries:
        path = next(_candidates(one, torch, python), None)
        if path is not None:
            failure = process.open(path)
            if failure is not None:
                return failure
        elif one.required:
            return f"ValueError: {one.pattern} not found in the system path {list(python.path)}"
    return None


def _candidates(entry: Entry, torch: Torch, python: Python) -> Iterator[str]:
    for place in python.path:
        homes = [os.path.join(place, "nvidia", entry.folder)]
        if torch.preloads.joint and torch.cuda is not None:
            homes.append(os.path.join(place, "nvidia", f"cu{torch.cuda.partition('.')[0]}"))
        if torch.preloads.flat:
            homes.append(os.path.join(place, entry.folder))
        for home in homes:
            yield from lookup.matches(os.path.join(home, "lib", entry.pattern))


def _open_dlls(torch: Torch, process: Process) -> Failure | None:
    for path in lookup.matches(os.path.join(torch.directory, "lib", "*.dll")):
        failure = process.open(path)
        if failure is not None:
            return failure
    return None


def dll_directories(torch: Torch, python: Python, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The directories that ``import torch`` adds to the search for DLLs, on Windows."""
    lib = os.path.join(torch.directory, "lib")
    homes = [python.prefix]
    if python.prefix != python.base_prefix:
        homes.append(python.base_prefix)
    found = [lib, *(os.path.join(home, "Library", "bin") for home in homes)]
    found.append(os.path.join(python.prefix, "bin"))
    programs = environ.get("ProgramFiles", r"C:\Program Files")
    tools = os.path.join(programs, "NVIDIA Corporation", "NvToolsExt")
    found.append(os.path.join(environ.get("NVTOOLSEXT_PATH", tools), "bin", "x64"))
    if torch.cuda is not None and not lookup.matches(os.path.join(lib, "cudart64*.dll")):
        toolkit = os.path.join(programs, "NVIDIA GPU Computing Toolkit", "CUDA", f"v{torch.cuda}")
        variable = f"CUDA_PATH_V{torch.cuda.replace('.', '_')}"
        found.append(os.path.join(environ.get(variable, toolkit), "bin"))
    return tuple(filter(lookup.has_directory, found))
