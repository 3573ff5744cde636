"""Runtimes of which a process has more than one copy, by the names of what is open."""

from __future__ import annotations

from torch_abi_audit.doctor.diagnosis import Copies
from torch_abi_audit.knowledge.names import cuda, openmp, python
from torch_abi_audit.knowledge.names.library_file import split_version
from torch_abi_audit.knowledge.names.repair_mark import without_marks
from torch_abi_audit.model.paths import file_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch_abi_audit.doctor.process import Opened

_EFFECTS = {
    "libgomp": "each copy starts threads of its own",
    "libomp": "LLVM's and Intel's runtime end the process where they meet another copy (OMP #15)",
    "libstdc++": "symbols of the newer one may be missing where the older one was opened first",
    "libgcc_s": "exceptions that cross from one to the other may not be caught",
    "libprotobuf": "messages that are registered twice end the process",
    "libpython": "the second one is a Python that nobody has initialised",
    "libtbb": "each copy has threads and settings of its own",
}
_CUDA = "handles and memory of one are not known to the other"


def runtime_of(path: str) -> str | None:
    """The runtime that a library is, by its name: ``libcudart``; None for other libraries."""
    name = without_marks(file_name(path))[0]
    if openmp.is_gnu(name):
        return "libgomp"
    if openmp.is_llvm(name):
        return "libomp"
    stem = split_version(name)[0]
    if cuda.is_cuda(name):
        return stem
    if python.is_libpython(name):
        return "libpython"
    return stem if stem in _EFFECTS else None


def second_copies(
    opened: Sequence[Opened], added: Sequence[Opened], package: str
) -> Iterator[Copies]:
    """The runtimes of which a package brings another copy.

    Args:
        opened: All libraries in the process.
        added: Those that the package has brought.
        package: Its name.
    """
    by_name: dict[str, list[Opened]] = {}
    for one in opened:
        runtime = runtime_of(one.path)
        if runtime is not None:
            by_name.setdefault(runtime, []).append(one)
    own = {one.path for one in added}
    for name, copies in by_name.items():
        if len(copies) > 1 and any(one.path in own for one in copies):
            yield Copies(name, tuple(copies), package, _EFFECTS.get(name, _CUDA))
