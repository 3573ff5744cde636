"""Which libraries are libtorch, by file name, and which C++ names are its own.

Names from the published wheels of torch 1.13 to 2.15 for Linux, macOS and Windows.
"""

from __future__ import annotations

import re

_STEMS = (
    r"torch(?:_(?:cpu|cuda|cuda_cpp|cuda_cu|cuda_linalg|hip|hip_linalg|xpu|xpu_ops\w*|mps|python"
    r"|global_deps|nvshmem|nvrtc|mtia|hpu))?"
    r"|c10(?:_(?:cuda|hip|xpu|mtia))?|c10d\w*|shm|caffe2(?:_\w+)?"
)
_LIBRARY = re.compile(
    rf"(?:lib)?(?:{_STEMS})(?:\.so(?:\.[0-9.]+)?|(?:\.[0-9.]+)?\.dylib|\.dll|\.pyd)", re.IGNORECASE
)
_VENDORED = re.compile(
    rf"(?:lib)?(?:{_STEMS})-[0-9a-f]{{6,}}\.(?:so[0-9.]*|dll|dylib)", re.IGNORECASE
)

NAMESPACES = frozenset({b"at", b"c10", b"caffe2", b"c10d", b"onnx_torch", b"libkineto"})
"""Outermost namespaces that libtorch alone defines; ``torch`` has exceptions, see ``owns``."""

TYPE_NAMESPACES = frozenset({b"at", b"c10"})
"""Namespaces whose mention in a name makes it part of the unstable C++ API; ``torch`` too."""

HEADER_ONLY = frozenset({b"stable", b"headeronly"})
"""Components of ``torch`` that are inlined from headers: no libtorch ever exported one."""

_GUESTS = frozenset({b"executor"})
"""Components of ``torch`` that other projects define: ExecuTorch's runtime."""

_GLOBALS = re.compile(
    rb"TH[A-Z]?P[A-Z]\w*|THManagedMapAllocator\w*|Packed\w*Weight|torch_c_dynamo_\w+"
)
"""Names outside of any namespace, C and C++: the Python binding's and quantized weights."""

LENDERS = frozenset({b"std", b"__gnu_cxx", b"pybind11"})
"""Template libraries: an instantiation over torch types that is imported is libtorch's."""


def is_libtorch(library: str) -> bool:
    """Whether a library, such as ``@rpath/libc10.dylib``, is one of libtorch's by its name."""
    return _LIBRARY.fullmatch(_file_name(library)) is not None


def is_vendored_copy(library: str) -> bool:
    """Whether a file's name is that of a libtorch library grafted into another package's wheel."""
    return _VENDORED.fullmatch(_file_name(library)) is not None


def owns(owner: tuple[bytes, ...]) -> bool:
    """Whether the entity whose leading components are ``owner`` is libtorch's own."""
    match owner:
        case (b"torch", component, *_):
            return component not in HEADER_ONLY and component not in _GUESTS
        case (first, _, *_) if first in NAMESPACES:
            return True
        case (first, *_):
            return _GLOBALS.fullmatch(first) is not None
    return False


def owns_c_name(name: bytes) -> bool:
    """Whether a C-linkage name is one of libtorch's that is no stable shim."""
    return _GLOBALS.fullmatch(name) is not None


def is_torch_type(path: tuple[bytes, ...]) -> bool:
    """Whether a qualified name is of the unstable C++ API: ``at::``, ``c10::``, ``torch::``."""
    match path:
        case (b"torch", component, *_):
            return component not in HEADER_ONLY and component not in _GUESTS
        case (first, _, *_):
            return first in TYPE_NAMESPACES
    return False


def _file_name(library: str) -> str:
    return library.replace("\\", "/").rpartition("/")[2]
