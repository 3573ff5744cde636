"""The simulation of the Windows loader in built environments.

What is expected is worked out from Microsoft's "Dynamic-link library search order" and the
documentation of ``LoadLibraryExW`` and ``AddDllDirectory``, and from what CPython
(``Python/dynload_win.c``, ``Modules/_ctypes/callproc.c``) and torch (``torch/__init__.py``) say;
LIEF is the second source of what the DLLs import and export.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import lief
import pytest

from tests.support.pe_files import dll
from tests.support.windows import installed_python, library, program
from torch_abi_audit.doctor import pe
from torch_abi_audit.doctor.process import Found, Refusal

if TYPE_CHECKING:
    from pathlib import Path

    from torch_abi_audit.doctor.pe import PEProcess
    from torch_abi_audit.doctor.process import Failure

NOT_FOUND = "DLL load failed while importing _C: The specified module could not be found."
NO_PROCEDURE = "DLL load failed while importing _C: The specified procedure could not be found."
NOT_VALID = "DLL load failed while importing _C: %1 is not a valid Win32 application."


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return installed_python(tmp_path_factory.mktemp("python"))


def module(out: Path, calls: dict[str, str] | None = None) -> Path:
    return library(out, "PyInit__C", {"python311.dll": "PyLong_FromLong", **(calls or {})})


def started(python: Path, **environ: str) -> PEProcess:
    return pe.process(str(python), environ)


def refused(process: PEProcess, path: Path) -> Failure:
    failure = process.open(str(path))
    assert failure is not None
    return failure


def paths(process: PEProcess) -> list[str]:
    return [one.path for one in process.opened]


def test_the_dlls_of_the_program_are_there_first(python: Path) -> None:
    process = started(python)
    home = python.parent
    assert paths(process) == [*(str(home / "python311.dll"), str(home / "vcruntime140.dll"))]
    assert not process.unknown


# -- LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR, _APPLICATION_DIR, _USER_DIRS, _SYSTEM32, in this order


def test_a_dll_beside_the_module_is_found(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "site" / "core.dll", "core")
    ext = module(tmp_path / "site" / "_C.pyd", {"core.dll": "core"})
    process = started(python)
    assert process.open(str(ext)) is None
    found = process.opened[-1]
    assert (found.path, found.asked, found.by) == (str(core), "core.dll", str(ext))
    assert (found.found, found.where) == (Found.ADDED, str(ext.parent))


def test_a_dll_in_a_folder_below_is_not_found(tmp_path: Path, python: Path) -> None:
    library(tmp_path / "site" / "lib" / "core.dll", "core")
    ext = module(tmp_path / "site" / "_C.pyd", {"core.dll": "core"})
    failure = refused(started(python), ext)
    assert failure.text == NOT_FOUND
    assert failure.kind is Refusal.NO_LIBRARY
    assert (failure.library, failure.file) == ("core.dll", str(ext))


def test_a_directory_that_was_added_is_searched(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "torch" / "lib" / "core.dll", "core")
    ext = module(tmp_path / "site" / "_C.pyd", {"core.dll": "core"})
    process = started(python)
    assert refused(process, ext).library == "core.dll"
    process.add_directory(str(core.parent))
    assert process.open(str(ext)) is None
    assert (process.opened[-1].path, process.opened[-1].where) == (str(core), str(core.parent))
    again = pe.process(str(python), {}, [str(core.parent)])
    assert again.open(str(ext)) is None


def test_the_directory_of_the_module_comes_first_that_of_the_program_second(
    tmp_path: Path,
) -> None:
    ext = module(tmp_path / "site" / "_C.pyd", {"core.dll": "core"})
    added = library(tmp_path / "added" / "core.dll", "core")
    home = installed_python(tmp_path / "home")
    of_program = library(home.parent / "core.dll", "core")
    beside = library(tmp_path / "site" / "core.dll", "core")
    for expected in (beside, of_program, added):
        process = pe.process(str(home), {}, [str(added.parent)])
        assert process.open(str(ext)) is None
        assert process.opened[-1].path == str(expected)
        expected.unlink()


def test_the_directory_of_the_opened_module_counts_for_what_its_dlls_need(
    tmp_path: Path, python: Path
) -> None:
    library(tmp_path / "torch" / "core.dll", "core", {"deep.dll": "deep"})
    deep = library(tmp_path / "site" / "deep.dll", "deep")
    ext = module(tmp_path / "site" / "_C.pyd", {"core.dll": "core"})
    process = pe.process(str(python), {}, [str(tmp_path / "torch")])
    assert process.open(str(ext)) is None
    assert process.opened[-1].path == str(deep)


def test_the_directory_of_a_dll_that_is_needed_does_not_count(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "torch" / "core.dll", "core", {"deep.dll": "deep"})
    ext = module(tmp_path / "site" / "_C.pyd", {"core.dll": "core"})
    process = pe.process(str(python), {}, [str(core.parent)])
    failure = refused(process, ext)
    assert (failure.library, failure.file) == ("deep.dll", str(core))


def test_a_fork_opens_libraries_of_its_own(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "site" / "core.dll", "core")
    first = module(tmp_path / "site" / "_A.pyd", {"core.dll": "core"})
    second = module(tmp_path / "elsewhere" / "_B.pyd", {"core.dll": "core"})
    process = started(python)
    child = process.fork()
    assert child.open(str(first)) is None
    assert child.fork().open(str(second)) is None, "the library is open in a fork of the child"
    assert refused(process, second).library == "core.dll"
    assert str(core) not in paths(process)
    assert paths(child)[-2:] == [str(first), str(core)]
    child.add_directory(str(core.parent))
    assert refused(process, second).library == "core.dll"


def test_path_is_not_searched(tmp_path: Path, python: Path) -> None:
    library(tmp_path / "cuda" / "core.dll", "core")
    ext = module(tmp_path / "site" / "_C.pyd", {"core.dll": "core"})
    failure = refused(started(python, PATH=str(tmp_path / "cuda")), ext)
    assert failure.text == NOT_FOUND


def test_torch_falls_back_to_path_for_its_own(tmp_path: Path, python: Path) -> None:
    cuda = library(tmp_path / "cuda" / "cudart.dll", "cuda")
    core = library(tmp_path / "torch" / "lib" / "c10.dll", "core", {"cudart.dll": "cuda"})
    process = started(python, PATH=os.pathsep.join(["/none", str(cuda.parent)]))
    assert process.open(str(core)) is None
    found = process.opened[-1]
    assert (found.path, found.found, found.where) == (str(cuda), Found.VARIABLE, str(cuda.parent))
    assert refused(started(python), core).text == (
        "[WinError 126] The specified module could not be found. "
        f'Error loading "{core}" or one of its dependencies.'
    )


def test_another_dll_is_refused_in_the_words_of_ctypes(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "core.dll", "core", {"gone.dll": "gone"})
    assert refused(started(python), core).text == (
        f"Could not find module '{core}' (or one of its dependencies). "
        "Try using the full path with constructor syntax."
    )


def test_case_does_not_matter(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "site" / "Core.DLL", "core")
    ext = module(tmp_path / "site" / "_C.pyd", {"cORE.dll": "core"})
    process = started(python)
    assert process.open(str(ext)) is None
    assert process.opened[-1].path == str(core)


# -- what is loaded is found by its name alone


def test_a_loaded_dll_is_used_wherever_it_is(tmp_path: Path, python: Path) -> None:
    first = library(tmp_path / "torch" / "lib" / "core.dll", "core")
    copy = library(tmp_path / "site" / "core.dll", "core extra")
    ext = module(tmp_path / "site" / "_C.pyd", {"core.dll": "core"})
    needs_more = library(tmp_path / "more" / "_C.pyd", "PyInit__C", {"core.dll": "extra"})
    process = started(python)
    assert process.open(str(first)) is None
    assert process.open(str(ext)) is None
    assert str(copy) not in paths(process)
    failure = refused(process, needs_more)
    assert failure.text == NO_PROCEDURE
    assert (failure.kind, failure.symbol) == (Refusal.NO_SYMBOL, "extra")
    assert failure.library == "core.dll"
    assert failure.copy is not None
    assert failure.copy.path == str(first)


def test_a_path_opens_a_second_copy(tmp_path: Path, python: Path) -> None:
    first = library(tmp_path / "a" / "core.dll", "core")
    second = library(tmp_path / "b" / "core.dll", "core extra")
    process = started(python)
    assert process.open(str(first)) is None
    assert process.open(str(second)) is None
    assert paths(process)[-2:] == [str(first), str(second)]
    ext = library(tmp_path / "_C.pyd", "PyInit__C", {"core.dll": "extra"})
    assert refused(process, ext).kind is Refusal.NO_SYMBOL  # the first of that name counts


# -- functions


def test_a_function_that_a_dll_lacks(tmp_path: Path, python: Path) -> None:
    library(tmp_path / "core.dll", "core")
    ext = module(tmp_path / "_C.pyd", {"core.dll": "core moved"})
    failure = refused(started(python), ext)
    assert failure.text == NO_PROCEDURE
    assert (failure.symbol, failure.library, failure.file) == ("moved", "core.dll", str(ext))


def test_functions_by_ordinal(tmp_path: Path, python: Path) -> None:
    library(tmp_path / "core.dll", ordinals={"seventh": 7, "ninth": 9})
    fits = library(tmp_path / "fits.pyd", "PyInit_fits", {"core.dll": "#7 #9"})
    ext = library(tmp_path / "_C.pyd", "PyInit__C", {"core.dll": "#7 #8"})
    process = started(python)
    assert process.open(str(fits)) is None
    assert refused(process, ext).symbol == "#8"


def test_a_forwarded_function_is_looked_up_further(tmp_path: Path, python: Path) -> None:
    library(tmp_path / "new.dll", "fresh")
    library(tmp_path / "core.dll", forwards={"core": "new.fresh", "gone": "new.stale"})
    fits = library(tmp_path / "fits.pyd", "PyInit_fits", {"core.dll": "core"})
    ext = library(tmp_path / "_C.pyd", "PyInit__C", {"core.dll": "gone"})
    process = started(python)
    assert process.open(str(fits)) is None
    assert str(tmp_path / "new.dll") in paths(process)
    failure = refused(process, ext)
    assert (failure.text, failure.symbol) == (NO_PROCEDURE, "stale")
    assert failure.library == "new.dll"


def test_forwarders_in_a_circle_end(tmp_path: Path, python: Path) -> None:
    library(tmp_path / "a.dll", forwards={"round": "b.round"})
    library(tmp_path / "b.dll", forwards={"round": "a.round"})
    ext = library(tmp_path / "_C.pyd", "PyInit__C", {"a.dll": "round"})
    assert refused(started(python), ext).symbol == "round"


def test_delayed_imports_are_not_looked_up(tmp_path: Path, python: Path) -> None:
    ext = tmp_path / "_C.pyd"
    ext.write_bytes(dll(delayed={b"gone.dll": [b"gone"]}))
    process = started(python)
    assert process.open(str(ext)) is None
    ext = tmp_path / "other" / "_C.pyd"
    ext.parent.mkdir()
    ext.write_bytes(dll(imports={b"gone.dll": [b"gone"]}))
    assert refused(process, ext).library == "gone.dll"


# -- files that do not fit


def test_another_machine(tmp_path: Path, python: Path) -> None:
    ext = library(tmp_path / "_C.pyd", "PyInit__C", machine="aarch64")
    failure = refused(started(python), ext)
    assert (failure.text, failure.kind) == (NOT_VALID, Refusal.OTHER_MACHINE)


def test_a_dll_for_another_machine_is_passed_over(tmp_path: Path, python: Path) -> None:
    library(tmp_path / "site" / "core.dll", "core", machine="aarch64")
    ext = module(tmp_path / "site" / "_C.pyd", {"core.dll": "core"})
    process = started(python)
    failure = refused(process, ext)
    assert (failure.text, failure.kind) == (NOT_VALID, Refusal.OTHER_MACHINE)
    assert failure.library == "core.dll"
    fits = library(tmp_path / "added" / "core.dll", "core")
    process.add_directory(str(fits.parent))
    assert process.open(str(ext)) is None
    assert process.opened[-1].path == str(fits)


def test_a_damaged_file(tmp_path: Path, python: Path) -> None:
    ext = module(tmp_path / "_C.pyd")
    ext.write_bytes(ext.read_bytes()[:700])
    failure = refused(started(python), ext)
    assert (failure.text, failure.kind) == (NOT_VALID, Refusal.DAMAGED)


# -- Python


def test_a_module_for_another_python(tmp_path: Path, python: Path) -> None:
    ext = library(tmp_path / "_C.pyd", "PyInit__C", {"python39.dll": "PyLong_FromLong"})
    process = started(python)
    failure = refused(process, ext)
    assert (failure.text, failure.library) == (NOT_FOUND, "python39.dll")
    library(tmp_path / "python39.dll", "PyLong_FromLong")
    failure = refused(started(python), ext)
    assert failure.text == "Module use of python39.dll conflicts with this version of Python."
    assert failure.kind is Refusal.OTHER


def test_the_stable_abi_is_forwarded_to_this_python(tmp_path: Path, python: Path) -> None:
    ext = library(tmp_path / "_C.pyd", "PyInit__C", {"python3.dll": "PyLong_FromLong"})
    lacks = library(tmp_path / "b" / "_C.pyd", "PyInit__C", {"python3.dll": "PyNew_Function"})
    process = started(python)
    assert process.open(str(ext)) is None
    assert refused(process, lacks).symbol == "PyNew_Function"


def test_the_python3_dll_of_the_interpreter_is_loaded_first(tmp_path: Path, python: Path) -> None:
    library(tmp_path / "python3.dll", "PyNew_Function")
    ext = library(tmp_path / "_C.pyd", "PyInit__C", {"python3.dll": "PyLong_FromLong"})
    process = started(python)
    assert process.open(str(ext)) is None
    assert str(python.parent / "python3.dll") in paths(process)


def test_python_is_taken_as_present_where_it_is_not_seen(tmp_path: Path) -> None:
    ext = module(tmp_path / "_C.pyd")
    process = pe.process(str(tmp_path / "Scripts" / "python.exe"), {})
    assert process.open(str(ext)) is None
    assert any("could not be read" in one for one in process.unknown)


def test_a_virtual_environment_is_its_base(tmp_path: Path) -> None:
    home = installed_python(tmp_path / "Python311")
    core = library(home.parent / "core.dll", "core")
    program(tmp_path / "venv" / "Scripts" / "python.exe")
    (tmp_path / "venv" / "pyvenv.cfg").write_text(f"home = {home.parent}\n")
    ext = module(tmp_path / "venv" / "site" / "_C.pyd", {"core.dll": "core"})
    process = started(tmp_path / "venv" / "Scripts" / "python.exe")
    assert process.open(str(ext)) is None
    assert process.opened[-1].path == str(core)


def test_the_python_of_conda_searches_where_conda_installs(tmp_path: Path) -> None:
    home = installed_python(tmp_path / "env")
    core = library(home.parent / "Library" / "bin" / "core.dll", "core")
    ext = module(tmp_path / "site" / "_C.pyd", {"core.dll": "core"})
    assert refused(started(home), ext).library == "core.dll"
    (home.parent / "conda-meta").mkdir()
    process = started(home)
    assert process.open(str(ext)) is None
    assert process.opened[-1].path == str(core)


# -- Windows itself


def test_windows_own_dlls_are_taken_as_present(tmp_path: Path, python: Path) -> None:
    calls = {
        "kernel32.dll": "Sleep",
        "api-ms-win-crt-runtime-l1-1-0.dll": "abort",
        "dbghelp.dll": "SymInitialize",
    }
    ext = module(tmp_path / "_C.pyd", calls)
    process = started(python)
    assert process.open(str(ext)) is None
    assert not process.unknown


@pytest.mark.parametrize("name", ["nvcuda.dll", "msvcp140.dll", "opencl.dll"])
def test_what_is_installed_into_windows_is_not_known(
    tmp_path: Path, python: Path, name: str
) -> None:
    ext = module(tmp_path / "_C.pyd", {name: "function"})
    process = started(python)
    assert process.open(str(ext)) is None
    assert [one for one in process.unknown if name in one]
    (tmp_path / "Windows" / "System32").mkdir(parents=True)  # now it can be seen
    root = str(tmp_path / "Windows")
    failure = refused(started(python, SystemRoot=root), ext)
    assert failure.library == name
    library(tmp_path / "Windows" / "System32" / name, "function")
    process = started(python, SystemRoot=root)
    assert process.open(str(ext)) is None
    assert not process.unknown


def test_a_dll_that_nobody_has_is_missing(tmp_path: Path, python: Path) -> None:
    ext = module(tmp_path / "_C.pyd", {"cudart64_12.dll": "cudaMalloc"})
    process = started(python)
    assert refused(process, ext).library == "cudart64_12.dll"
    assert not process.unknown


def test_what_a_failed_attempt_opened_is_closed(tmp_path: Path, python: Path) -> None:
    library(tmp_path / "core.dll", "core")
    ext = module(tmp_path / "_C.pyd", {"core.dll": "core", "gone.dll": "gone"})
    process = started(python)
    before = paths(process)
    assert refused(process, ext).library == "gone.dll"
    assert [one for one in paths(process) if "core.dll" in one] == []
    assert paths(process)[: len(before)] == before


def test_lief_agrees_on_what_the_dlls_import_and_export(tmp_path: Path) -> None:
    core = library(
        tmp_path / "core.dll", "core", forwards={"old": "new.fresh"}, ordinals={"seventh": 7}
    )
    ext = library(tmp_path / "_C.pyd", "PyInit__C", {"core.dll": "core old #7"})
    exporting, importing = lief.PE.parse(str(core)), lief.PE.parse(str(ext))
    assert exporting is not None
    assert importing is not None
    exports = exporting.get_export()
    assert exports is not None
    named = {one.name: str(one.forward_information.function) for one in exports.entries if one.name}
    assert {"core", "old"} <= named.keys()
    assert [one.ordinal for one in exports.entries if not one.name] == [7]
    (imported,) = importing.imports
    assert imported.name == "core.dll"
    entries = {one.ordinal if one.is_ordinal else one.name for one in imported.entries}
    assert entries == {"core", "old", 7}
