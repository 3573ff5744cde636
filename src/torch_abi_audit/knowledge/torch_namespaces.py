"""Rules for which C++ and C names are libtorch's own, by the namespaces in its headers."""

from __future__ import annotations

NAMESPACES = frozenset({b"at", b"c10", b"caffe2", b"c10d", b"onnx_torch", b"libkineto"})
"""Top-level namespaces that only libtorch defines; ``torch`` has exceptions, see ``owns``."""

TYPE_NAMESPACES = frozenset({b"at", b"c10"})
"""Namespaces whose types make a name part of the unstable C++ API; so does ``torch``."""

HEADER_ONLY = frozenset({b"stable", b"headeronly"})
MANGLED_HEADER_ONLY = (b"5torch6stable", b"5torch10headeronly")
"""What the Itanium manglings of names in ``HEADER_ONLY`` contain."""
"""Namespaces in ``torch`` that are inlined from headers: no libtorch ever exported their names."""

GUESTS = frozenset({b"executor"})
"""Namespaces in ``torch`` that other projects define: ExecuTorch's runtime."""

LENDERS = frozenset({b"std", b"__gnu_cxx", b"pybind11"})
"""Namespaces of template libraries: libtorch must export an imported instantiation over torch
types."""


def owns(owner: tuple[bytes, ...]) -> bool:
    """Whether an entity whose first components are ``owner`` is libtorch's own."""
    match owner:
        case (b"torch", component, *_):
            return component not in HEADER_ONLY and component not in GUESTS
        case (first, _, *_) if first in NAMESPACES:
            return True
        case (first, *_):
            return _is_global(first)
    return False


def owns_c_name(name: bytes) -> bool:
    """Whether a name with C linkage is libtorch's, stable shims not included."""
    return _is_global(name) or name.startswith(b"torch_c_dynamo_")


def is_torch_type(path: tuple[bytes, ...]) -> bool:
    """Whether a type belongs to the unstable C++ API: ``at::``, ``c10::``, ``torch::``."""
    match path:
        case (b"torch", component, *_):
            return component not in HEADER_ONLY and component not in GUESTS
        case (first, _, *_):
            return first in TYPE_NAMESPACES
    return False


def _is_global(name: bytes) -> bool:
    """Whether a name without a namespace belongs to torch's Python binding or quantized weights.

    ``THPVariableClass``, ``THCPStreamClass``, ``PackedLinearWeight``: C names and classes.
    """
    if name.startswith(b"TH"):
        rest = name[3:] if name[2:3] == b"P" else name[4:] if name[3:4] == b"P" else b""
        return rest[:1].isupper() or rest[:1] == b"_" or name.startswith(b"THManagedMapAllocator")
    return name.startswith(b"Packed") and name.endswith(b"Weight")
