"""Runtimes of OpenMP by name: GNU's libgomp, and LLVM's libomp with its forms by Intel."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.library_file import split_version
from torch_abi_audit.knowledge.names.repair_mark import without_mark

_LLVM = frozenset({"libomp", "libomp5", "libiomp5", "libiomp5md", "libomp140"})


def is_gnu(name: str) -> bool:
    """Whether a file is GNU's runtime: ``libgomp-e985bcbb.so.1.0.0``, ``libgomp-1.dll``."""
    return _stem(name) in {"libgomp", "libgomp-1"}


def is_llvm(name: str) -> bool:
    """Whether a file is LLVM's or Intel's runtime: a second one ends the process by default."""
    return _stem(name).partition(".")[0] in _LLVM


def _stem(name: str) -> str:
    plain = without_mark(name.lower())[0]
    stem, _ = split_version(plain)
    return stem if stem != plain else ""
