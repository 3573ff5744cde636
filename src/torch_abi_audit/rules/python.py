"""P: what a library asks of CPython."""

from __future__ import annotations

from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules.definition import Rule

RULES = (
    Rule(
        "P201",
        "abi3-violation",
        "A library that claims abi3 imports names outside of the CPython Stable ABI",
        "An installer puts an abi3 build on every later Python; private and version-specific names "
        "change or vanish there, and the import fails or reads memory wrongly.",
        "Compile with `Py_LIMITED_API` set and replace the names by their Limited API forms, or "
        "drop the abi3 tag.",
        Severity.ERROR,
        itemized=True,
        example="_C.abi3.so: claims abi3 and imports _PyObject_GetDictPtr",
    ),
    Rule(
        "P202",
        "not-abi3",
        "An extension module of a package that uses torch is no abi3 build",
        "It loads on one minor release of Python alone: each new Python needs a new wheel, though "
        "the torch side of the package may be stable.",
        "Build it with `py_limited_api=True`; pybind11 modules need nanobind or the raw Limited "
        "API, or a library that is loaded by `torch.ops.load_library` and needs no Python at all.",
        Severity.WARNING,
        example="_C.cpython-311-x86_64-linux-gnu.so: built for one Python: imports "
        "_PyObject_GetDictPtr and 3 more",
    ),
    Rule(
        "P203",
        "python-floor",
        "The binary needs a newer Python than its tag promises",
        "An installer trusts the wheel's tag: on the older Pythons that it admits, the extension "
        "fails to load with an undefined symbol.",
        "Raise the tag (py_limited_api) to the floor, or define Py_LIMITED_API as the tag says.",
        Severity.ERROR,
        itemized=True,
        example="_C.abi3.so: it needs Python 3.11, and its wheel is tagged for 3.8",
    ),
    Rule(
        "P204",
        "python-floor-above-required",
        "The binary needs a newer Python than the configuration allows",
        "`require.python` says which Pythons the package is meant to support; on the oldest of "
        "them this abi3 library ends with an undefined symbol.",
        "Define `Py_LIMITED_API` as the required release, or raise `require.python`.",
        Severity.ERROR,
        itemized=True,
        example="_C.abi3.so: it needs Python 3.11, and the configuration allows 3.10 at most",
    ),
)
