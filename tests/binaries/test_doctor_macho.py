"""The simulation of dyld in built environments.

What is expected is worked out from Apple's sources of dyld-1378, by the function that each section
names; LIEF is the second source of what the libraries import, export and are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import macho_oracle
from tests.support.macho_files import universal
from tests.support.macos import ANY, FLAGS, library, module, program, reexport, uuid
from tests.support.toolchain import zig
from torch_abi_audit.doctor import macho
from torch_abi_audit.doctor.process import Found, Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch_abi_audit.doctor.macho import MachOProcess
    from torch_abi_audit.doctor.process import Failure

CRYPTEX = "/System/Volumes/Preboot/Cryptexes/OS"


@pytest.fixture
def python(tmp_path: Path) -> Path:
    return program(tmp_path / "bin" / "python", rpaths=["@loader_path/../lib"])


def started(python: Path, environ: Mapping[str, str] | None = None) -> MachOProcess:
    return macho.process(str(python), environ or {})


def refused(process: MachOProcess, path: Path, *, everywhere: bool = False) -> Failure:
    failure = process.open(str(path), everywhere=everywhere)
    assert failure is not None
    return failure


def paths(process: MachOProcess) -> list[str]:
    return [one.path for one in process.opened]


# -- forEachResolvedAtPathVar: where @rpath, @loader_path and @executable_path lead


def test_the_rpath_of_a_module_leads_to_its_library(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "site" / "lib" / "libcore.dylib", "core")
    ext = module(tmp_path / "site" / "_C.so", "core", links=[core], rpaths=["@loader_path/lib"])
    process = started(python)
    assert process.open(str(ext)) is None
    first, second = process.opened
    assert (first.path, first.asked, first.by, first.found) == (
        *(str(ext), str(ext), None),
        Found.PATH,
    )
    assert second.path == str(core)
    assert (second.asked, second.by) == ("@rpath/libcore.dylib", str(ext))
    assert (second.found, second.where) == (Found.RPATH, "@loader_path/lib")
    assert not process.unknown


def test_a_missing_library_in_the_words_of_dyld(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "libcore.dylib", "core")
    ext = module(tmp_path / "site" / "_C.so", "core", links=[core], rpaths=["@loader_path/lib"])
    core.unlink()
    failure = refused(started(python), ext)
    # loadDependents puts the opened library on the stack of rpaths twice; the program comes last
    tried = [tmp_path / "site" / "lib"] * 2 + [tmp_path / "bin" / ".." / "lib"]
    listed = ", ".join(f"'{directory}/libcore.dylib' (no such file)" for directory in tried)
    assert failure.text == (
        f"dlopen({ext}, 0x0002): Library not loaded: @rpath/libcore.dylib\n"
        f"  Referenced from: <{uuid(ext)}> {ext}\n"
        f"  Reason: tried: {listed}"
    )
    assert failure.kind is Refusal.NO_LIBRARY
    assert (failure.file, failure.library) == (str(ext), "@rpath/libcore.dylib")


def test_without_any_rpath_dyld_says_so(tmp_path: Path) -> None:
    python = program(tmp_path / "bin" / "python")
    core = library(tmp_path / "libcore.dylib", "core")
    ext = module(tmp_path / "site" / "_C.so", "core", links=[core])
    failure = refused(started(python), ext)
    assert failure.text.endswith("  Reason: no LC_RPATH's found")
    assert failure.kind is Refusal.NO_LIBRARY


def test_the_rpaths_of_who_loads_count_for_what_is_loaded(tmp_path: Path, python: Path) -> None:
    deep = library(tmp_path / "site" / "lib" / "libdeep.dylib", "deep")
    core = library(tmp_path / "site" / "lib" / "libcore.dylib", "core", "deep", links=[deep])
    ext = module(tmp_path / "site" / "_C.so", "core", links=[core], rpaths=["@loader_path/lib"])
    process = started(python)
    assert process.open(str(ext)) is None
    assert paths(process) == [str(ext), str(core), str(deep)]
    assert process.opened[2].where == "@loader_path/lib"


def test_the_rpaths_of_a_library_beside_do_not_count(tmp_path: Path) -> None:
    python = program(tmp_path / "bin" / "python")
    other = library(tmp_path / "lib" / "libother.dylib", "other")
    core = library(tmp_path / "lib" / "libcore.dylib", "core")
    first = module(tmp_path / "_A.so", "core", links=[core], rpaths=["@loader_path/lib"])
    second = module(tmp_path / "_B.so", "other", links=[other])
    process = started(python)
    assert process.open(str(first)) is None
    assert refused(process, second).library == "@rpath/libother.dylib"


def test_a_fork_opens_libraries_of_its_own(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "own" / "libcore.dylib", "core")
    first = module(tmp_path / "_A.so", "core", links=[core], rpaths=["@loader_path/own"])
    second = module(tmp_path / "_B.so", "core", links=[core], rpaths=["@loader_path/none"])
    process = started(python)
    alone = refused(process.fork(), second).text
    child = process.fork()
    assert child.open(str(first)) is None
    assert child.fork().open(str(second)) is None, "the library is open in a fork of the child"
    assert refused(process, second).text == alone
    assert (paths(process), paths(child)) == ([], [str(first), str(core)])


def test_the_rpath_of_the_program_comes_last(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "lib" / "libcore.dylib", "core")
    ext = module(tmp_path / "site" / "_C.so", "core", links=[core], rpaths=["@loader_path/none"])
    process = started(python)
    assert process.open(str(ext)) is None
    assert process.opened[1].where == "@loader_path/../lib"


def test_the_loader_path_is_where_a_link_leads(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "store" / "lib" / "libcore.dylib", "core")
    ext = module(tmp_path / "store" / "_C.so", "core", links=[core], rpaths=["@loader_path/lib"])
    link = tmp_path / "site" / "_C.so"
    link.parent.mkdir()
    link.symlink_to(ext)
    process = started(python)
    assert process.open(str(link)) is None
    assert paths(process) == [str(ext), str(core)]


def test_the_executable_path_is_cut_back(tmp_path: Path, python: Path) -> None:
    core = library(
        tmp_path / "libcore.dylib", "core", install="@executable_path/../x/libcore.dylib"
    )
    ext = module(tmp_path / "_C.so", "core", links=[core])
    failure = refused(started(python), ext)
    assert f"tried: '{tmp_path}/x/libcore.dylib' (no such file)" in failure.text


# -- getLoader: what is open is not looked for


def test_an_open_library_is_found_by_its_install_name(tmp_path: Path, python: Path) -> None:
    first = library(tmp_path / "torch" / "lib" / "libcore.dylib", "core")
    module(tmp_path / "torch" / "_C.so", "core", links=[first], rpaths=["@loader_path/lib"])
    copy = library(tmp_path / "site" / "lib" / "libcore.dylib", "core extra")
    ext = module(tmp_path / "site" / "_E.so", "core", links=[copy], rpaths=["@loader_path/lib"])
    process = started(python)
    assert process.open(str(tmp_path / "torch" / "_C.so")) is None
    assert process.open(str(ext)) is None
    assert str(copy) not in paths(process)


def test_the_open_copy_must_have_the_symbol(tmp_path: Path, python: Path) -> None:
    first = library(tmp_path / "torch" / "lib" / "libcore.dylib", "core")
    module(tmp_path / "torch" / "_C.so", "core", links=[first], rpaths=["@loader_path/lib"])
    copy = library(tmp_path / "site" / "lib" / "libcore.dylib", "core extra")
    ext = module(tmp_path / "site" / "_E.so", "extra", links=[copy], rpaths=["@loader_path/lib"])
    process = started(python)
    assert process.open(str(tmp_path / "torch" / "_C.so")) is None
    failure = refused(process, ext)
    assert failure.text == (
        f"dlopen({ext}, 0x0002): Symbol not found: _extra\n"
        f"  Referenced from: <{uuid(ext)}> {ext}\n"
        f"  Expected in:     <{uuid(first)}> {first}"
    )
    assert (failure.kind, failure.symbol) == (Refusal.NO_SYMBOL, "extra")
    assert failure.library == "@rpath/libcore.dylib"
    assert failure.copy is not None
    assert failure.copy.path == str(first)


def test_copies_with_other_install_names_are_both_opened(tmp_path: Path, python: Path) -> None:
    made = []
    for name in ("a", "b"):
        omp = library(
            tmp_path / name / "libomp.dylib", "omp", install=f"@loader_path/{name}/libomp.dylib"
        )
        made.append(module(tmp_path / f"_{name}.so", "omp", links=[omp]))
    process = started(python)
    assert [process.open(str(one)) for one in made] == [None, None]
    assert [one.path for one in process.opened if "libomp" in one.path] == [
        str(tmp_path / "a" / "libomp.dylib"),
        str(tmp_path / "b" / "libomp.dylib"),
    ]


def test_a_hard_link_is_the_same_library(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "libcore.dylib", "core", install="/nowhere/libcore.dylib")
    (tmp_path / "other.dylib").hardlink_to(core)
    process = started(python)
    assert process.open(str(core)) is None
    assert process.open(str(tmp_path / "other.dylib")) is None
    assert paths(process) == [str(core)]


# -- forEachPathVariant: the variables


def test_the_variable_overrides_the_rpath(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "site" / "lib" / "libcore.dylib", "core")
    over = library(tmp_path / "over" / "libcore.dylib", "other")
    ext = module(tmp_path / "site" / "_C.so", "core", links=[core], rpaths=["@loader_path/lib"])
    process = started(python, {"DYLD_LIBRARY_PATH": f"/none:{tmp_path}/over"})
    failure = refused(process, ext)
    assert (failure.kind, failure.symbol) == (Refusal.NO_SYMBOL, "core")
    assert failure.copy is not None
    assert (failure.copy.path, failure.copy.found) == (str(over), Found.VARIABLE)
    assert failure.copy.where == str(tmp_path / "over")


def test_the_fallback_variable_is_searched_last(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "site" / "lib" / "libcore.dylib", "core")
    last = library(tmp_path / "last" / "libcore.dylib", "core")
    ext = module(tmp_path / "site" / "_C.so", "core", links=[core], rpaths=["@loader_path/lib"])
    environ = {"DYLD_FALLBACK_LIBRARY_PATH": str(tmp_path / "last")}
    process = started(python, environ)
    assert process.open(str(ext)) is None
    assert paths(process)[1] == str(core)
    core.unlink()
    process = started(python, environ)
    assert process.open(str(ext)) is None
    assert paths(process)[1] == str(last)
    assert process.opened[1].found is Found.VARIABLE


def test_programs_of_macos_do_not_see_the_variables(tmp_path: Path) -> None:
    process = macho.process("/usr/bin/python3", {"DYLD_LIBRARY_PATH": str(tmp_path)})
    assert any("DYLD_LIBRARY_PATH" in one for one in process.unknown)
    library(tmp_path / "over" / "libcore.dylib", "core")
    core = library(tmp_path / "libcore.dylib", "core")
    ext = module(tmp_path / "site" / "_C.so", "core", links=[core])
    assert refused(process, ext).kind is Refusal.NO_LIBRARY


def test_variables_that_are_not_simulated_are_named(python: Path) -> None:
    process = started(python, {"DYLD_INSERT_LIBRARIES": "/x.dylib", "DYLD_LIBRARY_PATH": ""})
    assert process.unknown == ("DYLD_INSERT_LIBRARIES is set, and was not simulated.",)


# -- loadDependents: what may be missing


def test_a_weak_library_may_be_missing(tmp_path: Path, python: Path) -> None:
    weak = library(tmp_path / "libweak.dylib", "weak")
    flags = (ANY, "-L", str(tmp_path), "-weak-lweak")
    ext = library(tmp_path / "site" / "_C.so", "PyInit__C", "weak", flags=flags)
    weak.unlink()
    process = started(python)
    assert process.open(str(ext)) is None
    assert paths(process) == [str(ext)]


def test_a_weak_library_for_another_machine_is_missing(tmp_path: Path, python: Path) -> None:
    weak = library(tmp_path / "libweak.dylib", "weak")
    flags = (ANY, "-L", str(tmp_path), "-weak-lweak")
    rpaths = ["@loader_path/.."]
    ext = library(tmp_path / "site" / "_C.so", "PyInit__C", "weak", flags=flags, rpaths=rpaths)
    library(weak, "weak", arch="x86_64")
    process = started(python)
    assert process.open(str(ext)) is None
    assert paths(process) == [str(ext)]


def test_the_compatibility_version_is_not_compared(tmp_path: Path, python: Path) -> None:
    rpaths = ["@loader_path"]
    new = ("-Wl,-current_version,3.0.0", "-Wl,-compatibility_version,3.0.0")
    core = library(tmp_path / "libcore.dylib", "core", flags=new)
    ext = module(tmp_path / "_C.so", "core", links=[core], rpaths=rpaths)
    library(tmp_path / "libcore.dylib", "core", flags=("-Wl,-compatibility_version,1.0.0",))
    assert started(python).open(str(ext)) is None


# -- resolveSymbol and hasExportedSymbol


def test_a_symbol_is_looked_up_in_its_library_alone(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "lib" / "libcore.dylib", "core moved")
    ext = module(tmp_path / "_C.so", "moved", links=[core], rpaths=["@loader_path/lib"])
    library(tmp_path / "lib" / "libcore.dylib", "core")
    library(tmp_path / "libother.dylib", "moved")
    process = started(python)
    assert process.open(str(tmp_path / "libother.dylib"), everywhere=True) is None
    failure = refused(process, ext)
    assert (failure.symbol, failure.library) == ("moved", "@rpath/libcore.dylib")


def test_a_library_has_what_it_re_exports(tmp_path: Path, python: Path) -> None:
    new = library(tmp_path / "lib" / "libnew.dylib", "moved")
    core = library(tmp_path / "lib" / "libcore.dylib", "core moved")
    ext = module(tmp_path / "_C.so", "moved", links=[core], rpaths=["@loader_path/lib"])
    library(tmp_path / "lib" / "libcore.dylib", "core", "moved", links=[new])
    assert refused(started(python), ext).symbol == "moved"  # linked is not re-exported
    reexport(core, "@rpath/libnew.dylib")
    assert started(python).open(str(ext)) is None


def test_a_flat_name_is_looked_up_in_all_images(tmp_path: Path, python: Path) -> None:
    ext = module(tmp_path / "_C.so", "_ZN2at4_ops4call")
    process = started(python)
    failure = refused(process, ext)
    assert failure.text == (
        f"dlopen({ext}, 0x0002): symbol not found in flat namespace '__ZN2at4_ops4call'"
    )
    assert (failure.kind, failure.symbol) == (Refusal.NO_SYMBOL, "_ZN2at4_ops4call")
    assert failure.library is None
    torch = library(tmp_path / "libtorch.dylib", "_ZN2at4_ops4call")
    assert process.open(str(torch), everywhere=True) is None
    assert process.open(str(ext)) is None


def test_a_local_library_does_not_offer_its_names(tmp_path: Path, python: Path) -> None:
    ext = module(tmp_path / "_C.so", "_ZN2at4_ops4call")
    torch = library(tmp_path / "libtorch.dylib", "_ZN2at4_ops4call")
    process = started(python)
    assert process.open(str(torch)) is None
    assert refused(process, ext).kind is Refusal.NO_SYMBOL
    assert process.open(str(torch), everywhere=True) is None  # opened again, it does
    assert process.open(str(ext)) is None


def test_what_a_local_library_needs_offers_its_names(tmp_path: Path, python: Path) -> None:
    ext = module(tmp_path / "_C.so", "_ZN2at4_ops4call")
    torch = library(tmp_path / "libtorch.dylib", "_ZN2at4_ops4call")
    top = library(tmp_path / "libtop.dylib", "", "_ZN2at4_ops4call", links=[torch])
    process = macho.process(str(python), {"DYLD_LIBRARY_PATH": str(tmp_path)})
    assert process.open(str(top)) is None
    assert process.open(str(ext)) is None


def test_a_module_is_imported_without_rtld_local(tmp_path: Path, python: Path) -> None:
    first = library(tmp_path / "_A.so", "PyInit__A _ZN2at4_ops4call")
    ext = module(tmp_path / "_C.so", "_ZN2at4_ops4call")
    process = started(python)
    assert process.open(str(first)) is None
    assert process.open(str(ext)) is None


def test_a_name_that_python_lacks(tmp_path: Path, python: Path) -> None:
    fits = module(tmp_path / "_A.so", "PyLong_FromLong")
    ext = module(tmp_path / "_C.so", "PyLong_FromLong _PyThreadState_UncheckedGet")
    process = started(python)
    assert process.open(str(fits)) is None
    failure = refused(process, ext)
    assert failure.text.endswith(
        "symbol not found in flat namespace '__PyThreadState_UncheckedGet'"
    )


def test_names_of_an_interpreter_that_is_not_seen_are_no_failure(tmp_path: Path) -> None:
    ext = module(tmp_path / "_C.so", "_PyThreadState_UncheckedGet")
    process = macho.process(str(tmp_path / "bin" / "python"), {})
    assert process.open(str(ext)) is None
    assert process.unknown == (f"The program {tmp_path}/bin/python could not be read.",)


def test_a_c_name_may_be_of_macos(tmp_path: Path, python: Path) -> None:
    ext = module(tmp_path / "_C.so", "MTLCreateSystemDefaultDevice")
    assert started(python).open(str(ext)) is None


def test_a_weak_import_may_be_missing(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "lib" / "libcore.dylib", "core optional")
    code = """
    extern int core(void);
    extern int optional(void) __attribute__((weak_import));
    int PyInit__C(void) { return core() + (optional ? optional() : 0); }
    """
    flags = (*FLAGS, "-Wl,-rpath,@loader_path/lib", "-x", "none", str(core))
    ext = zig(code, tmp_path / "_C.so", "aarch64-macos", *flags)
    library(core, "core")
    assert macho_oracle.facts(ext)[0].weak_imports == (b"optional",)
    assert started(python).open(str(ext)) is None


# -- compatibleSlice


def test_another_machine(tmp_path: Path, python: Path) -> None:
    ext = library(tmp_path / "_C.so", "PyInit__C", arch="x86_64")
    failure = refused(started(python), ext)
    reason = (
        "mach-o file, but is an incompatible architecture (have 'x86_64', need 'arm64e' or 'arm64')"
    )
    assert failure.kind is Refusal.OTHER_MACHINE
    assert failure.text.startswith(f"dlopen({ext}, 0x0006): tried: '{ext}' ({reason}), '{CRYPTEX}")


def test_the_slice_of_the_process_is_read(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "libcore.dylib", "core")
    ext = module(tmp_path / "_C.so", "core", links=[core], rpaths=["@loader_path"])
    other = library(tmp_path / "other" / "libcore.dylib", "other", arch="x86_64")
    core.write_bytes(universal(other.read_bytes(), core.read_bytes()))
    assert started(python).open(str(ext)) is None
    core.write_bytes(universal(other.read_bytes()))
    failure = refused(started(python), ext)
    assert failure.kind is Refusal.OTHER_MACHINE
    assert "(fat file, but missing compatible architecture (have 'x86_64', need" in failure.text


def test_a_file_that_is_no_library(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "libcore.dylib", "core")
    ext = module(tmp_path / "_C.so", "core", links=[core], rpaths=["@loader_path"])
    core.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    failure = refused(started(python), ext)
    assert (failure.kind, failure.library) == (Refusal.DAMAGED, "@rpath/libcore.dylib")


# -- what this system cannot see


def test_libraries_of_macos_are_taken_as_present(tmp_path: Path, python: Path) -> None:
    metal = "/System/Library/Frameworks/Metal.framework/Versions/A/Metal"
    system = library(tmp_path / "libm.dylib", "of_metal", install=metal)
    ext = module(tmp_path / "_C.so", "of_metal", links=[system])
    process = started(python)
    assert process.open(str(ext)) is None
    assert (paths(process), process.unknown) == ([str(ext)], ())


def test_homebrew_cannot_be_seen_from_elsewhere(
    tmp_path: Path, python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "/opt/homebrew/lib/libavutil.59.dylib"
    brew = library(tmp_path / "libavutil.59.dylib", "av", install=name)
    ext = module(tmp_path / "_C.so", "av", links=[brew])
    process = started(python)
    assert process.open(str(ext)) is None
    (said,) = process.unknown
    assert said == (
        f"{ext} needs {name}, which may be {name}: that cannot be seen from here, and was taken "
        "as present."
    )
    monkeypatch.setattr("torch_abi_audit.doctor.macho.search.HOST", "macos")
    process = started(python)
    assert refused(process, ext).library == name
    assert process.unknown == ()


def test_the_directories_of_build_machines_are_nowhere(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "libcore.dylib", "core")
    builder = "/Users/runner/work/_temp/lib"
    ext = module(tmp_path / "_C.so", "core", links=[core], rpaths=[builder])
    failure = refused(started(python), ext)
    assert f"tried: '{builder}/libcore.dylib' (no such file), '{CRYPTEX}{builder}/" in failure.text


def test_what_is_beside_an_image_can_be_seen(
    tmp_path: Path, python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch_abi_audit.doctor.macho.search._BUILDERS", ())  # has /tmp
    core = library(tmp_path / "libcore.dylib", "core")
    other = library(tmp_path / "libother.dylib", "x", install="@executable_path/no/libother.dylib")
    third = library(tmp_path / "libthird.dylib", "y", install="@loader_path/no/libthird.dylib")
    for index, each in enumerate((core, other, third)):
        ext = module(tmp_path / f"_{index}.so", links=[each], rpaths=["@loader_path/no"])
        process = started(python)
        assert refused(process, ext).kind is Refusal.NO_LIBRARY
        assert not process.unknown


def test_what_a_failed_attempt_opened_is_closed(tmp_path: Path, python: Path) -> None:
    core = library(tmp_path / "lib" / "libcore.dylib", "core")
    gone = library(tmp_path / "libgone.dylib", "gone")
    ext = module(tmp_path / "_C.so", "core gone", links=[core, gone], rpaths=["@loader_path/lib"])
    process = started(python)
    assert refused(process, ext).library == "@rpath/libgone.dylib"
    assert not process.opened
    library(tmp_path / "lib" / "libgone.dylib", "gone")
    assert process.open(str(ext)) is None
    assert len(process.opened) == 3


def test_lief_agrees_on_what_the_libraries_import(tmp_path: Path) -> None:
    core = library(tmp_path / "libcore.dylib", "core extra")
    ext = module(tmp_path / "_C.so", "core PyLong_FromLong", links=[core])
    (facts,) = macho_oracle.facts(ext)
    assert facts.providers[b"core"] == "@rpath/libcore.dylib"
    assert b"PyLong_FromLong" not in facts.providers  # flat
    assert {b"core", b"extra"} <= macho_oracle.facts(core)[0].exports
