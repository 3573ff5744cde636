"""Which C++ and C names are libtorch's own, by the namespaces and forms of its headers."""

from __future__ import annotations

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
