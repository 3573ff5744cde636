"""Which of NVIDIA's distributions bring a CUDA library: ``data/nvidia_packages.tsv``.

The table is read on first use; ``tools/generate_nvidia_packages.py`` generates it. What these
distributions require of each other is in ``names.cuda_packages``.
"""

from __future__ import annotations

from torch_abi_audit.knowledge import tables
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.once import once
from torch_abi_audit.runtime.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class NvidiaPackage:
    """A distribution on the package index that contains a library."""

    distribution: str
    first: str
    """The first release that contains it."""
    last: str
    """The last release that contains it: often the newest at the time the table was generated."""
    cuda: int
    """The CUDA major version that these releases are for."""


def packages_of(library: str) -> tuple[NvidiaPackage, ...]:
    """The distributions that contain a library, by CUDA major version; none for other libraries.

    Args:
        library: Its path or file name: ``libcufft.so.11``, ``libcudnn.so.9.1.0``,
            ``cublas64_12.dll``. A name without a version, such as ``libcublas.so``, is in none.
    """
    name = file_name(library)
    rows = _rows()
    if name.lower().endswith(".dll"):
        return rows.get(name.lower(), ())
    while name not in rows and name.rpartition(".")[2].isdecimal():
        name = name.rpartition(".")[0]
    return rows.get(name, ())


@once
def _rows() -> Mapping[str, tuple[NvidiaPackage, ...]]:
    """The rows by name; those of DLLs in lower case, as Windows does not tell case apart."""
    found = {}
    for name, row in tables.read("nvidia_packages").sections["libraries"].items():
        packages = [_package(word) for word in row.split()]
        packages.sort(key=lambda one: one.cuda)
        found[name.lower() if name.endswith(".dll") else name] = tuple(packages)
    return found


def _package(word: str) -> NvidiaPackage:
    distribution, _, values = word.partition("=")
    first, last, cuda = values.split(",")
    return NvidiaPackage(distribution, first, last, int(cuda))
