"""The C API of CPython: ``data/cpython_abi.tsv``, read on first use, by raw name.

``tools/generate_cpython_abi.py`` generates the table and documents its sources.
"""

from __future__ import annotations

from torch_abi_audit.knowledge import tables
from torch_abi_audit.model.binary import Format
from torch_abi_audit.runtime.once import once
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class PythonName:
    """A function or variable of CPython's Stable ABI, as CPython's manifest states it."""

    added: str
    """The Python version that added the name to the Stable ABI: ``3.2``. An earlier one may export
    it already."""
    kind: str
    """``function`` or ``data``."""
    abi_only: bool
    """Whether only macros may expand to the name, not source code use it: ``_Py_NoneStruct``."""
    ifdef: str | None
    """The macro under which a build of Python provides the name: ``MS_WINDOWS``, ``HAVE_FORK`` …"""

    def holds_on(self, format_: Format) -> bool:
        """Whether Python on the platforms of a binary format has the name: see ``ifdef_holds``."""
        return self.ifdef is None or ifdef_holds(self.ifdef, format_)


_IFDEF_FORMATS = {
    "MS_WINDOWS": frozenset({Format.PE}),
    "USE_STACKCHECK": frozenset({Format.PE}),
    "HAVE_FORK": frozenset({Format.ELF, Format.MACHO}),
    "PY_HAVE_THREAD_NATIVE_ID": frozenset(Format),
    "Py_REF_DEBUG": frozenset[Format](),
    "Py_TRACE_REFS": frozenset[Format](),
}


def ifdef_holds(macro: str, format_: Format) -> bool:
    """Whether release builds of CPython define a feature macro of the Stable ABI manifest.

    The macros are the six in ``Misc/stable_abi.toml``. ``MS_WINDOWS`` is defined only on Windows,
    and so is ``USE_STACKCHECK`` (``Include/pythonrun.h`` defines it for 32-bit builds);
    ``HAVE_FORK`` is defined everywhere else. ``Include/pythread.h`` defines
    ``PY_HAVE_THREAD_NATIVE_ID`` on all three platforms. No release build defines the debug macros:
    a library that needs their names does not load on any Python that users have. Unknown macros
    count as not defined.
    """
    return format_ in _IFDEF_FORMATS.get(macro, frozenset[Format]())


@once
def _python_table() -> tables.Table:
    return tables.read("cpython_abi")


@once
def stable_python_names() -> Mapping[bytes, str]:
    """The names of CPython's Stable ABI, each with its row for ``read_python_row``: ``3.2 data``.

    A thousand names share some forty different rows, so a row needs to be parsed only once.
    """
    return tables.by_raw_name(_python_table().sections["stable"])


@once
def _early_names() -> Mapping[bytes, str]:
    return tables.by_raw_name(_python_table().sections["early"])


def exported_since(name: bytes, added: str, format_: Format) -> str:
    """The first release, from 3.6 on, that exports a stable name to libraries of a format.

    It may be older than ``added``, the release whose Stable ABI first has the name: libpython
    exports its whole API, while ``python3.dll`` of Windows forwards the Stable ABI alone.
    """
    return added if format_ is Format.PE else _early_names().get(name, added)


class _OtherNames(dict[str, frozenset[str]]):
    """Stems of CPython's other names, ``PyUnicode_``, to their endings; parsed on first use."""

    __slots__ = ()

    def __missing__(self, stem: str) -> frozenset[str]:
        rests = _python_table().sections["others"].get(stem)
        if rests is None:
            return frozenset()
        read = self[stem] = frozenset(rests.split())
        return read


_OTHER_NAMES = _OtherNames()


def is_listed(raw: bytes) -> bool:
    """Whether the table lists a C name as CPython's: stable, or exported or declared since 3.6."""
    if raw in stable_python_names():
        return True
    stem, rest = split_stem(raw.decode("latin-1"))
    return rest in _OTHER_NAMES[stem]


def split_stem(name: str) -> tuple[str, str]:
    """The stem of a C name, which is the key of its row, and the rest of the name.

    ``PyUnicode_`` and ``AsUTF8`` for ``PyUnicode_AsUTF8``; ``_Py`` and ``Runtime`` for
    ``_PyRuntime``.
    """
    private = name.startswith("_")
    cut = name.find("_", private) + 1 or private + 2
    return name[:cut], name[cut:]


class _PythonRows(dict[str, PythonName]):
    """The rows of stable names, each parsed when it is first looked up."""

    __slots__ = ()

    def __missing__(self, row: str) -> PythonName:
        added, *marks = row.split(" ")
        kind = "data" if "data" in marks else "function"
        ifdef = next((mark for mark in marks if mark not in {"data", "abi_only"}), None)
        read = self[row] = PythonName(added, kind, "abi_only" in marks, ifdef)
        return read


_PYTHON_ROWS = _PythonRows()


def read_python_row(row: str) -> PythonName:
    """Parse a row of ``stable_python_names``."""
    return _PYTHON_ROWS[row]


def stable_python_name(name: str | bytes) -> PythonName | None:
    """The entry of CPython's Stable ABI for a C name, including ``abi_only`` names; else None."""
    row = stable_python_names().get(_raw(name))
    return None if row is None else read_python_row(row)


def is_cpython_name(name: str | bytes) -> bool:
    """Whether a C name is CPython's: stable, or exported or declared by some CPython since 3.6.

    ``PyUnicode_AsUTF8`` and ``_PyLong_Sign`` are; ``PyVTK*`` and ``PySide*`` of other projects are
    not. Names with the prefix ``PyUnstable_`` are CPython's even if not listed (PEP 689).
    """
    raw = _raw(name)
    return is_listed(raw) or raw.startswith(b"PyUnstable_")


def _raw(name: str | bytes) -> bytes:
    return name if isinstance(name, bytes) else name.encode("ascii", "replace")
