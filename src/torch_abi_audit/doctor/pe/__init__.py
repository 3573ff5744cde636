"""Simulates the loader of Windows, as far as files show what it would do.

- ``loader``: the process: opens a DLL, all that it needs, and looks up what they import
- ``search``: the directories in which a DLL is looked for, and the DLLs of Windows itself
- ``symbols``: the functions that a DLL imports and that are not there
- ``modules``: the DLLs in the process
- ``wording``: what Windows, Python and torch say

CPython 3.8 and later open an extension module with ``LOAD_LIBRARY_SEARCH_DEFAULT_DIRS`` and
``LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR`` (``Python/dynload_win.c``), and ``ctypes`` does so for a DLL.
The order of the search is that of Microsoft's "Dynamic-link library search order" and
``LoadLibraryExW``. PATH does not count, except where ``torch/__init__.py`` falls back to it.

The DLLs of Windows itself are taken as present, and so are their functions. Those of a driver or of
the Visual C++ runtime are too where the system directory cannot be seen, and are named in
``Process.unknown``.
"""

from __future__ import annotations

from torch_abi_audit.doctor.pe.loader import PEProcess

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["PEProcess", "process"]


def process(program: str, environ: Mapping[str, str], directories: Sequence[str] = ()) -> PEProcess:
    """A process in which Windows has just started a program.

    Args:
        program: Path of ``python.exe``, also that of a virtual environment; it need not be there.
        environ: The variables of the environment.
        directories: Those that ``os.add_dll_directory`` has added.
    """
    return PEProcess(program, environ, directories)
