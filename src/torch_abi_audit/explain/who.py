"""Who fails: whose file could not be loaded, by the file in the message and the frames."""

from __future__ import annotations

import re
from posixpath import normpath  # os.path, but of Linux on every host

from torch_abi_audit.explain.explanation import Fails
from torch_abi_audit.explain.kinds.kind import DEPENDENCY, LIBRARY, REPAIR
from torch_abi_audit.knowledge.names.library import Kind, kind_of
from torch_abi_audit.model.paths import file_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch_abi_audit.explain.reading.error_text import Clue

_OWNERS = {
    "torch": Fails.TORCH,
    "CUDA": Fails.CUDA,
    "ROCm": Fails.ROCM,
    "oneAPI": Fails.ONEAPI,
    "CPython": Fails.PYTHON,
    "Python": Fails.PYTHON,
    "the C++ standard library": Fails.CXX,
    "another package": Fails.OTHER,
    "the extension": Fails.EXTENSION,
}
"""``ErrorKind.owner`` to who fails; other owners are told, but are no file that fails."""
_BY_KIND = {
    Kind.TORCH: Fails.TORCH,
    Kind.CUDA: Fails.CUDA,
    Kind.ROCM: Fails.ROCM,
    Kind.ONEAPI: Fails.ONEAPI,
    Kind.PYTHON: Fails.PYTHON,
}
_KNOWN_PACKAGES = (
    "numpy numpy.libs scipy scipy.libs sklearn scikit_learn.libs pandas cv2 PIL pillow.libs "
    "matplotlib lxml h5py pyarrow grpc google zmq psutil yaml cryptography cffi tensorflow jax "
    "jaxlib cupy cupyx numba llvmlite shapely rasterio fiona osgeo pyproj skimage sqlalchemy "
    "aiohttp ujson orjson regex tokenizers safetensors sentencepiece triton onnx onnxruntime "
    "lightgbm xgboost pyqt5 PyQt5 PyQt6 PySide2 PySide6 shiboken6 netCDF4 pysam tables gevent "
    "greenlet kiwisolver soundfile mpi4py"
)
"""Import names of packages that are not linked to torch."""
_PACKAGE = re.compile(r"(?:site|dist)-packages/([\w.-]+)")
_PATHS = (
    (r"(?:^|/)torch/(?:_C(?:[.]|$)|bin/)|(?:^|/)libtorch/lib/", Fails.TORCH),
    (
        r"(?:^|/)(?:site|dist)-packages/nvidia/|^/usr/local/cuda|/nvidia/\w+/(?:lib|bin)/",
        Fails.CUDA,
    ),
    (r"^/opt/rocm|/_rocm_sdk_\w+/", Fails.ROCM),
    (r"^/opt/intel/|/oneapi/", Fails.ONEAPI),
    (
        r"(?:^|/)lib(?:stdc\+\+|gcc_s|quadmath|gfortran|c\+\+(?:abi)?|gomp)[-.\w]*\.(?:so|\d*\.?dylib)",
        Fails.CXX,
    ),
    (r"/lib-dynload/|(?:^|/)python[\d.]*(?:\.exe)?$", Fails.PYTHON),
    (r"(?:^|/)torch/(?:lib|\.dylibs)/|(?:^|/)torch\.libs/", Fails.TORCH),
    (
        r"(?:^|/)(?:lib)?(?:mkl_\w+|iomp5\w*|svml\w*)(?:\.\d+)?\.(?:so[\d.]*|(?:\d+\.)?dylib|dll)$",
        Fails.ONEAPI,
    ),
    (r"^(?:(?!-packages/).)*/(?:lib|lib64|Frameworks)/(?:[\w-]+/)?lib[\w.+-]+$", Fails.OTHER),
)
"""Paths, and whose files they are, most specific first."""
_COMPILED = [(re.compile(pattern), fails) for pattern, fails in _PATHS]
_OPENED = re.compile(
    r"(?:ignoring file|Error loading|Could not find module|Could not load this library:|Failed to"
    r" load(?: the)? library|Could not load the library|Error in dlopen:|dlopen\()[ ]?['\"]?"
    r"(?P<file>[^'\"\n,]{1,400}?\.(?:so|dll|pyd|dylib)[\w.]*)"
)
"""Words before the path of the file that was opened."""
_START = "Traceback"
_NEAR = 600
"""Characters between two messages about one file."""


def file_of(clue: Clue, clues: Sequence[Clue], text: str) -> str | None:
    """The file that fails, as the message, its line or the one before names it; None if none does.

    A missing library is no file that fails, unless it is opened by its path.
    """
    if (named := _named(clue, text)) is not None:
        return named
    before = (one for one in reversed(clues) if one.end <= clue.start and one.file is not None)
    near = next(before, None)
    if near is None or clue.start - near.end > _NEAR or _START in text[near.end : clue.start]:
        return None
    return near.file


def _named(clue: Clue, text: str) -> str | None:
    if clue.file is not None:
        return clue.file
    if clue.kind.name in (LIBRARY, DEPENDENCY) and _is_opened_itself(clue):
        return clue.library
    begin = text.rfind("\n", 0, clue.start) + 1
    end = text.find("\n", clue.end)
    opened = _OPENED.search(text[max(begin, clue.start - 2000) : end if end >= 0 else None][:4000])
    return opened["file"] if opened else None


def _is_opened_itself(clue: Clue) -> bool:
    library = clue.library or ""
    if clue.system == "windows":
        return clue.kind.name == DEPENDENCY or "\\" in library
    return library.startswith("/")


def who(clue: Clue, file: str | None, source: str | None, *, of_torch: bool) -> Fails | None:
    """Who fails.

    Args:
        clue: The error.
        file: The file that fails, if it is known.
        source: The innermost Python source of the traceback, if there is one.
        of_torch: Whether the line that opens torch's own libraries raised the error.
    """
    if clue.kind.owner is not None:
        return _OWNERS.get(clue.kind.owner)
    if clue.kind.name == REPAIR:
        return None
    if file is not None and (found := of_file(file)) is not None:
        return found
    if file is None and "caffe2_nvrtc" in (clue.library or ""):
        return Fails.TORCH  # libtorch_cpu opens it, nobody else
    if file is None and of_torch:
        return Fails.TORCH
    if file is None and source and (package := _PACKAGE.search(source)):
        return Fails.OTHER if package[1] in _KNOWN_PACKAGES.split() else Fails.EXTENSION
    return Fails.EXTENSION


def package_of(file: str | None, source: str | None) -> str | None:
    """The import name of the package that a file, or else a source, belongs to; None if unknown."""
    for path in (file, source):
        match = _PACKAGE.search(path.replace("\\", "/")) if path else None
        if match is not None:
            return match[1].partition(".")[0]
    return None


def of_file(path: str) -> Fails | None:
    """Whose a library is, by its path; None for those of extensions."""
    plain = normpath(path.replace("\\", "/"))
    package = _PACKAGE.search(plain)
    if package is not None and package[1] in _KNOWN_PACKAGES.split():
        return Fails.OTHER
    kind = kind_of(file_name(plain))
    if kind in _BY_KIND:
        return _BY_KIND[kind]
    return next((fails for pattern, fails in _COMPILED if pattern.search(plain)), None)
