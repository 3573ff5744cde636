"""Whose a source file is: the project's own, torch's, or of another package or the toolchain.

A path alone does not tell: a project may have an ``include/torch`` or ``include/ATen`` of its own.
So torch's include directories are found by the files that only torch has in them, and the project
by where its compiler ran and what it compiled.
"""

from __future__ import annotations

import posixpath
import re

from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch_abi_audit.formats.object_file import SourceUnit

_INSTALLED = re.compile(r"(?:^|/)(?:site|dist)-packages/([^/]+)/")
_FETCHED = re.compile(r"(?:^|/)_deps/[^/]+/|(?:^|^/proc/self/cwd/|/execroot/[^/]+/)external/[^/]+/")
"""Where CMake's FetchContent and Bazel put the sources of other projects."""
_TORCH_NAMES = r"(?:ATen|c10|caffe2|torch|TH|THC|THCUNN|THH)"
_TORCH_INCLUDE = re.compile(
    rf"(?:^|/)(?:lib)?torch/include/(?:{_TORCH_NAMES}|pybind11|fmt|kineto|tensorpipe|nlohmann|google)/"
    rf"|(?:^|/)torch/csrc/api/include/torch/"
)
"""The include directory of an installed torch, wherever it is."""
_NAMED_LIKE_TORCHS = re.compile(rf"(?:^|/)include/{_TORCH_NAMES}/")
_BELOW_ROOT = re.compile(rf"{_TORCH_NAMES}/")
_MARKS = (
    *("c10/core/TensorImpl.h", "c10/core/ScalarType.h", "c10/core/Device.h", "c10/core/Scalar.h"),
    *("c10/core/TensorOptions.h", "c10/core/Storage.h", "c10/core/StorageImpl.h"),
    *("c10/core/Allocator.h", "c10/core/DispatchKeySet.h", "c10/core/SymInt.h"),
    *("c10/util/intrusive_ptr.h", "c10/util/Exception.h", "c10/util/ArrayRef.h"),
    *("c10/util/Half.h", "c10/util/BFloat16.h", "c10/util/Logging.h", "c10/macros/Macros.h"),
    *("c10/cuda/CUDAStream.h", "c10/cuda/CUDAFunctions.h", "c10/cuda/CUDAException.h"),
    *("ATen/core/TensorBase.h", "ATen/core/TensorBody.h", "ATen/core/ivalue.h"),
    *("ATen/core/ivalue_inl.h", "ATen/core/Generator.h", "ATen/core/function_schema.h"),
    *("ATen/core/dispatch/Dispatcher.h", "ATen/core/boxing/KernelFunction.h", "ATen/Context.h"),
    *("ATen/Dispatch.h", "ATen/Parallel.h", "ATen/TensorIterator.h", "ATen/TensorUtils.h"),
    *("torch/library.h", "torch/csrc/utils/pybind.h", "torch/csrc/autograd/variable.h"),
    *("torch/csrc/autograd/custom_function.h", "torch/csrc/autograd/function.h"),
    *("torch/csrc/stable/library.h", "torch/csrc/stable/tensor.h", "torch/csrc/stable/ops.h"),
    *("torch/csrc/stable/tensor_struct.h", "torch/csrc/stable/tensor_inl.h"),
    *("torch/csrc/stable/stableivalue_conversions.h", "torch/csrc/stable/accelerator.h"),
    *("torch/csrc/inductor/aoti_torch/c/shim.h", "torch/headeronly/macros/Macros.h"),
    *("torch/headeronly/core/ScalarType.h", "torch/headeronly/util/Half.h"),
    *("torch/headeronly/util/Exception.h", "torch/headeronly/util/HeaderOnlyArrayRef.h"),
)
"""Headers of torch; a directory with several of these is an include directory of torch."""
_FEWEST_MARKS = 3
_SYSTEM = re.compile(
    r"^/usr/(?:include|lib\w*|local/(?:include|lib\w*|cuda[^/]*|Cellar))/|^/(?:nix|gnu)/store/"
    r"|^/opt/(?:rh|rocm[^/]*|homebrew|intel|python|conda|nvidia)/|^/Applications/|^/Library/"
    r"|/(?:mini|ana|mamba|micro)(?:conda|forge|mamba)\d?/(?:envs/[^/]+/)?(?:include|lib)/"
    r"|^[A-Za-z]:/Program Files"
)
"""Files of the system and of installed libraries, unless the project stands there."""
_HEADERS_OF_COMPILER = re.compile(
    r"/include/(?:c\+\+|python\d[^/]*)/|/(?:libcxx|libcxxabi|libstdc\+\+)/"
    r"|/lib(?:32|64|x32)?/(?:gcc|gcc-cross|clang)/[^/]+/|/cuda[^/]*/(?:targets/[^/]+/)?include/"
    r"|/VC/Tools/MSVC/|/Windows Kits/|(?:^|/)tmpxft_[^/]*$"
)
"""Headers of the compiler, wherever it is, and of Python; ``tmpxft_`` are nvcc's own files."""
_SOURCE_FOLDERS = frozenset({"csrc", "src", "source", "cpp", "cuda", "cpu", "kernels", "ops"})
_NOT_A_PROJECT = re.compile(
    r"/?|/(?:home|Users)(?:/[^/]+)?|/(?:root|tmp|usr|opt|mnt|var|srv|data|proc)|/usr/(?:local|src)"
    r"|/var/tmp|/proc/self"
)
"""Directories that hold more than one project."""


@dataclass(frozen=True, slots=True)
class Grounds:
    """What one run of the compiler tells of the project."""

    directory: str = ""
    """Where the compiler ran."""
    source: str = ""
    """The file that it compiled, joined with ``directory``."""
    project: tuple[str, ...] = ()
    """Directories of the project's sources, each ending with a slash."""
    torch: tuple[str, ...] = ()
    """Include directories of torch, each ending with a slash."""


NOWHERE = Grounds()


def grounds(unit: SourceUnit | None) -> Grounds:
    """What is known of the project from the debug information of one compilation."""
    if unit is None:
        return NOWHERE
    directory = _plain(unit.directory or "")
    source = _joined(directory, _plain(unit.name or ""))
    return Grounds(
        directory=directory,
        source=source,
        project=tuple(_project(directory, source)),
        torch=tuple(_torch_roots(_joined(directory, _plain(one)) for one in unit.files)),
    )


def is_own(path: str, known: Grounds = NOWHERE) -> bool:
    """Whether a source file is the project's own."""
    path = _joined(known.directory, _plain(path))
    if path == known.source and path:
        return not _HEADERS_OF_COMPILER.search(path)
    installed = _INSTALLED.search(path)
    if installed is not None:  # a package that compiles its own sources when it is used
        mine = _INSTALLED.search(known.source)
        same = mine is not None and mine[0] == installed[0] and installed[1] != "torch"
        return same and not _TORCH_INCLUDE.search(path)
    fetched = _FETCHED.search(path)
    if fetched is not None:
        mine = _FETCHED.search(known.source)
        return mine is not None and mine[0] == fetched[0]
    inside = any(path.startswith(root) for root in known.project)
    if _TORCH_INCLUDE.search(path) and not (inside and known.torch):
        return False
    if any(path.startswith(root) and _BELOW_ROOT.match(path, len(root)) for root in known.torch):
        return False
    if "/include/pybind11/" in path or _HEADERS_OF_COMPILER.search(path):
        return False
    if inside:
        return True
    if _SYSTEM.search(path):
        return False
    return bool(known.torch) or not _NAMED_LIKE_TORCHS.search(path)


def _torch_roots(files: Iterable[str]) -> list[str]:
    """The directories that hold several headers which only torch has together."""
    found: dict[str, set[str]] = {}
    for path in files:
        for mark in _MARKS_BY_NAME.get(posixpath.basename(path), ()):
            if path.endswith("/" + mark):
                found.setdefault(path[: -len(mark)], set()).add(mark)
    return [root for root, marks in found.items() if len(marks) >= _FEWEST_MARKS]


def _project(directory: str, source: str) -> Iterable[str]:
    """The directories that hold the project's sources, as far as one compilation shows."""
    if posixpath.basename(source).startswith("tmpxft_"):  # what nvcc made of a source elsewhere
        source = posixpath.join(re.sub(r"/build(?:/.*)?$", "", directory), "kernel.cu")
    if not source:
        return
    home = posixpath.dirname(source)
    if directory.startswith("/") and source.startswith("/"):
        shared = posixpath.commonpath((directory, source))
        if not _NOT_A_PROJECT.fullmatch(shared):
            yield shared + "/"
    while posixpath.basename(home) in _SOURCE_FOLDERS:
        yield home + "/"
        home = posixpath.dirname(home)
    if home and not _NOT_A_PROJECT.fullmatch(home):
        yield home + "/"


def _plain(path: str) -> str:
    return path.replace("\\", "/")


def _joined(directory: str, path: str) -> str:
    if not path or path[1:2] == ":":
        return path
    return posixpath.normpath(posixpath.join(directory, path))


_MARKS_BY_NAME: dict[str, tuple[str, ...]] = {}
for _mark in _MARKS:
    _name = _mark.rpartition("/")[2]
    _MARKS_BY_NAME[_name] = (*_MARKS_BY_NAME.get(_name, ()), _mark)
