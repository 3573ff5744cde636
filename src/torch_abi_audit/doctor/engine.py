"""Chooses the simulation for a system."""

from __future__ import annotations

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.runtime.lazy_import import module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch_abi_audit.doctor.process import Process

_ENGINES = {
    "linux": "doctor.elf",
    "darwin": "doctor.macho",
    "win32": "doctor.pe",
}
_VARIABLES = {
    "linux": ("LD_LIBRARY_PATH", "LD_PRELOAD", "LD_BIND_NOW"),
    "darwin": (
        *("DYLD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES"),
        *("DYLD_FRAMEWORK_PATH", "DYLD_FALLBACK_FRAMEWORK_PATH"),
    ),
    "win32": ("PATH", "CUDA_PATH", "CONDA_PREFIX"),
}


def started(
    system: str, program: str, environ: Mapping[str, str], directories: Sequence[str] = ()
) -> Process:
    """The process of an interpreter on a system.

    Args:
        system: As ``sys.platform`` says it.
        program: Path of the interpreter.
        environ: The variables of its environment.
        directories: Those that the program adds to the search for DLLs.

    Raises:
        TargetError: there is no simulation for the system, or the program cannot be read.
    """
    if system not in _ENGINES:
        raise TargetError(f"the loader of {system} is not simulated")
    more = (directories,) if system == "win32" else ()
    process: Process = module(_ENGINES[system]).process(program, environ, *more)
    return process


def variables(system: str, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The variables that the loader of a system uses and that are set."""
    names = _VARIABLES.get(system, ())
    return tuple((name, environ[name]) for name in names if environ.get(name))
