"""Which libraries are libtorch, by file name, and which C++ names are its own.

Names from the published wheels of torch 1.13 to 2.15 for Linux, macOS and Windows.
"""

from __future__ import annotations

_TORCH = (
    "cpu cuda cuda_cpp cuda_cu cuda_linalg hip hip_linalg xpu mps python global_deps nvshmem nvrtc "
    "mtia hpu"
)
_STEMS = frozenset(
    ["torch", "c10", "shm", "caffe2"]
    + [f"torch_{part}" for part in _TORCH.split()]
    + [f"c10_{part}" for part in ("cuda", "hip", "xpu", "mtia")]
)
_FAMILIES = ("caffe2_", "c10d", "torch_xpu_ops")
_HEX = frozenset("0123456789abcdef")
_known: dict[str, bool] = {}  # the same few names are asked for by every library
_SHORTEST_MARK = 6  # digits of the hash that auditwheel, delocate and delvewheel put in a name

NAMESPACES = frozenset({b"at", b"c10", b"caffe2", b"c10d", b"onnx_torch", b"libkineto"})
"""Outermost namespaces that libtorch alone defines; ``torch`` has exceptions, see ``owns``."""

TYPE_NAMESPACES = frozenset({b"at", b"c10"})
"""Namespaces whose mention in a name makes it part of the unstable C++ API; ``torch`` too."""

HEADER_ONLY = frozenset({b"stable", b"headeronly"})
"""Components of ``torch`` that are inlined from headers: no libtorch ever exported one."""

GUESTS = frozenset({b"executor"})
"""Components of ``torch`` that other projects define: ExecuTorch's runtime."""

LENDERS = frozenset({b"std", b"__gnu_cxx", b"pybind11"})
"""Template libraries: an instantiation over torch types that is imported is libtorch's."""


def is_libtorch(library: str) -> bool:
    """Whether a library, such as ``@rpath/libc10.dylib``, is one of libtorch's by its name."""
    known = _known.get(library)
    if known is None:
        known = _known[library] = _is_stem(_stem(library))
    return known


def is_vendored_copy(library: str) -> bool:
    """Whether a file's name is that of a libtorch library grafted into another package's wheel."""
    stem, dash, mark = _stem(library).rpartition("-")
    return bool(dash) and len(mark) >= _SHORTEST_MARK and _HEX.issuperset(mark) and _is_stem(stem)


def owns(owner: tuple[bytes, ...]) -> bool:
    """Whether the entity whose leading components are ``owner`` is libtorch's own."""
    match owner:
        case (b"torch", component, *_):
            return component not in HEADER_ONLY and component not in GUESTS
        case (first, _, *_) if first in NAMESPACES:
            return True
        case (first, *_):
            return _is_global(first)
    return False


def owns_c_name(name: bytes) -> bool:
    """Whether a C-linkage name is one of libtorch's that is no stable shim."""
    return _is_global(name) or name.startswith(b"torch_c_dynamo_")


def is_torch_type(path: tuple[bytes, ...]) -> bool:
    """Whether a qualified name is of the unstable C++ API: ``at::``, ``c10::``, ``torch::``."""
    match path:
        case (b"torch", component, *_):
            return component not in HEADER_ONLY and component not in GUESTS
        case (first, _, *_):
            return first in TYPE_NAMESPACES
    return False


def _is_global(name: bytes) -> bool:
    """Whether a name outside of any namespace is the Python binding's or a quantized weight's.

    ``THPVariableClass``, ``THCPStreamClass``, ``PackedLinearWeight``: C names and classes.
    """
    if name.startswith(b"TH"):
        rest = name[3:] if name[2:3] == b"P" else name[4:] if name[3:4] == b"P" else b""
        return rest[:1].isupper() or rest[:1] == b"_" or name.startswith(b"THManagedMapAllocator")
    return name.startswith(b"Packed") and name.endswith(b"Weight")


def _is_stem(stem: str) -> bool:
    return stem in _STEMS or stem.startswith(_FAMILIES)


def _stem(library: str) -> str:
    """``torch_cpu`` of ``@rpath/libtorch_cpu.2.dylib`` and ``torch_cpu.dll``; else empty."""
    name = library.replace("\\", "/").rpartition("/")[2].lower().removeprefix("lib")
    for suffix in (".dll", ".pyd", ".dylib"):
        if name.endswith(suffix):
            return _unversioned(name.removesuffix(suffix))
    stem, so, version = name.partition(".so")
    return stem if so and not version.strip(".0123456789") else ""


def _unversioned(stem: str) -> str:
    while True:
        shorter, dot, number = stem.rpartition(".")
        if not (dot and number.isdecimal()):
            return stem
        stem = shorter
