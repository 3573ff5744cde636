"""Simulates dyld, the loader of macOS, as far as files show what it would do.

- ``loader``: the process: opens a library, all that it needs, and binds them
- ``search``: the paths at which dyld looks for a library
- ``symbols``: where dyld looks up the names that an image imports
- ``images``: the images in the process
- ``wording``: what dyld says

The rules and the texts are those of dyld 4 (macOS 12 and later), from Apple's sources of dyld-1378:
``Loader.cpp``, ``JustInTimeLoader.cpp`` and ``DyldProcessConfig.cpp``. dyld 4 does not compare the
compatibility versions of libraries.

macOS' own libraries are in a cache, not in files: they are taken as present, and so are their
symbols. On another system, the absolute paths of the Mac that the files came from cannot be looked
at: what is only found there is taken as present too, and named in ``Process.unknown``.
"""

from __future__ import annotations

from torch_abi_audit.doctor.macho.loader import MachOProcess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MachOProcess", "process"]


def process(program: str, environ: Mapping[str, str], arch: str | None = None) -> MachOProcess:
    """A process in which dyld has just started a program.

    Args:
        program: Path of the interpreter; it need not be there.
        environ: The variables of the environment.
        arch: ``arm64`` or ``x86_64``; by default that of the program, with ``arm64`` first, or else
            of the first library that is opened.
    """
    return MachOProcess(program, environ, arch)
