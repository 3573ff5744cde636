"""What a loader refuses: built libraries, judged by the rules and loaded by the real ``ld.so``."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import lief
import pytest

from tests.support.elf_patch import with_weak_version, without_needed, without_stack_header
from tests.support.toolchain import gcc, zig
from torch_abi_audit import inspect_package
from torch_abi_audit.formats.elf import library as elf
from torch_abi_audit.model.binary import Binary
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.sources.files.readable import open_readable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch_abi_audit.model.findings import Finding

LINUX = "cp39-abi3-manylinux_2_28_x86_64"
MACOS = "cp39-abi3-macosx_15_0_arm64"
HELPER = "int helped(void) { return 1; }"
PRINTS = '#include <stdio.h>\n int helped(void) { return puts(""); }'
MODULE = """
extern int helped(void);
int calls(void) { return helped(); }
void *PyInit__C(void) { return 0; }
"""
VERSION_1 = "HELPER_1 { global: helped; };"
VERSIONS_2 = "HELPER_1 { }; HELPER_2 { global: helped; } HELPER_1;"
LOAD = """
import ctypes, sys
for path in sys.argv[1:]:
    try:
        ctypes.CDLL(path)
    except OSError as error:
        sys.exit(str(error))
"""


def helper(
    out: Path, versions: str = "", soname: str = "libhelper.so.1", code: str = HELPER
) -> Path:
    """A library with a name of its own, and with symbol versions if any are given."""
    flags = [f"-Wl,-soname,{soname}"] if soname else []
    if versions:
        script = out.parent / f"{out.name}.map"
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(versions)
        flags.append(f"-Wl,--version-script={script}")
    return gcc(code, out, *flags)


def given(*libraries: Path) -> list[str]:
    """Arguments that link to libraries: the compiler is told that its other input is C."""
    return ["-x", "none", *map(str, libraries)]


def module(out: Path, *linked: Path) -> Path:
    """A module that needs each of these libraries, by their SONAMEs, and finds them beside it."""
    return gcc(MODULE, out, "-Wl,--no-as-needed", *given(*linked), "-Wl,-rpath,$ORIGIN")


def load(*paths: Path | str, beside: Path | None = None) -> str | None:
    """Load libraries in a fresh Python; None if that works, else what the loader prints."""
    environment = {} if beside is None else {"LD_LIBRARY_PATH": str(beside)}
    done = subprocess.run(
        [sys.executable, "-c", LOAD, *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    return None if done.returncode == 0 else done.stderr


def found(
    tmp_path: Path, libraries: Mapping[str, Path], tag: str = LINUX, *requires: str
) -> dict[str, Finding]:
    """The findings of a wheel by rule; each rule may have one."""
    report = inspect_package(wheel_of(tmp_path, libraries, tag, *requires))
    assert all(one.error is None for one in report.libraries)
    assert len({one.rule for one in report.findings}) == len(report.findings)
    return {one.rule: one for one in report.findings}


def wheel_of(tmp_path: Path, libraries: Mapping[str, Path], tag: str, *requires: str) -> Path:
    path = tmp_path / f"demo-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, library in libraries.items():
            archive.write(library, name)
        lines = ["Metadata-Version: 2.1", "Name: demo", "Version: 1.0"]
        lines += [f"Requires-Dist: {each}" for each in requires]
        archive.writestr("demo-1.0.dist-info/METADATA", "\n".join([*lines, "", ""]))
        archive.writestr("demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr("demo-1.0.dist-info/RECORD", "")
    return path


def read(path: Path) -> Binary:
    with open_readable(path) as source:
        binary = elf.read(source)
    assert isinstance(binary, Binary)
    return binary


def readelf(path: Path, *options: str) -> str:
    return subprocess.run(
        ["readelf", "-W", *options, str(path)], capture_output=True, text=True, check=True
    ).stdout


class TestVersionsOfALibraryThatIsNotNeeded:
    @pytest.fixture
    def built(self, tmp_path: Path) -> Path:
        """``_C.so`` needs libhelper-0a1b2c3d.so.1, and asks for versions of libhelper.so.1."""
        first = helper(tmp_path / "old" / "libhelper.so.1", VERSION_1)
        again = helper(tmp_path / "libhelper-0a1b2c3d.so.1", VERSION_1, "libhelper-0a1b2c3d.so.1")
        return without_needed(module(tmp_path / "_C.so", first, again), "libhelper.so.1")

    def test_the_loader_ends_the_process(self, tmp_path: Path, built: Path) -> None:
        said = load(built)
        assert said is not None
        assert "needed != NULL" in said
        # a library that is loaded by its path does not count, although it has that SONAME
        said = load(tmp_path / "old" / "libhelper.so.1", built)
        assert said is not None
        assert "needed != NULL" in said

    def test_it_loads_where_something_loaded_the_library_by_that_name(
        self, tmp_path: Path, built: Path
    ) -> None:
        assert load("libhelper.so.1", built, beside=tmp_path / "old") is None

    def test_finding(self, tmp_path: Path, built: Path) -> None:
        wheel = {
            "demo/_C.abi3.so": built,
            "demo/libhelper-0a1b2c3d.so.1": tmp_path / "libhelper-0a1b2c3d.so.1",
        }
        one = found(tmp_path, wheel)["L409"]
        assert one.severity is Severity.ERROR
        assert (one.library, one.evidence) == ("demo/_C.abi3.so", ("libhelper.so.1",))

    def test_the_gate_fails(self, tmp_path: Path, built: Path) -> None:
        good = tmp_path / "libhelper-0a1b2c3d.so.1"
        for library, expected in ((built, 1), (module(tmp_path / "_D.so", good), 0)):
            files = {"demo/_C.abi3.so": library, f"demo/{good.name}": good}
            wheel = wheel_of(tmp_path, files, LINUX)
            command = [sys.executable, "-m", "torch_abi_audit", str(wheel), "--check", "all"]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == expected, done.stdout

    def test_no_finding_where_a_needed_library_needs_it(self, tmp_path: Path, built: Path) -> None:
        first = tmp_path / "old" / "libhelper.so.1"
        middle = "libhelper-0a1b2c3d.so.1"
        again = gcc(
            "extern int helped(void); int more(void) { return helped(); }",
            tmp_path / middle,
            f"-Wl,-soname,{middle}",
            *given(first),
            "-Wl,-rpath,$ORIGIN/old",
        )
        assert load(built) is None
        wheel = {
            "demo/_C.abi3.so": built,
            f"demo/{middle}": again,
            "demo/old/libhelper.so.1": first,
        }
        assert "L409" not in found(tmp_path, wheel)


class TestNeededBySoname:
    @pytest.mark.parametrize(
        ("name", "rule", "severity"),
        [
            ("libhelper-2.so", "L420", Severity.ERROR),
            ("libhelper-0a1b2c3d.so.1", "L410", Severity.ERROR),
        ],
    )
    def test_only_the_name_of_a_file_is_found(
        self, tmp_path: Path, name: str, rule: str, severity: Severity
    ) -> None:
        file = helper(tmp_path / name)
        built = module(tmp_path / "_C.so", file)
        said = load(built)
        assert said is not None
        assert "libhelper.so.1: cannot open shared object file" in said
        assert load(file, built) is None  # the SONAME of a loaded library is found
        one = found(tmp_path, {"demo/_C.abi3.so": built, f"demo/{name}": file})[rule]
        assert one.severity is severity
        assert name in one.message

    def test_the_right_name(self, tmp_path: Path) -> None:
        file = helper(tmp_path / "libhelper.so.1")
        built = module(tmp_path / "_C.so", file)
        assert load(built) is None
        assert found(tmp_path, {"demo/_C.abi3.so": built, "demo/libhelper.so.1": file}) == {}


class TestExecutableStack:
    @pytest.mark.parametrize(("flag", "expected"), [("execstack", True), ("noexecstack", False)])
    def test_with_a_header(self, tmp_path: Path, flag: str, *, expected: bool) -> None:
        built = gcc(MODULE, tmp_path / "_C.so", "-z", flag)
        flags = re.search(r"GNU_STACK.* (R\S+) ", readelf(built, "-l"))
        assert flags is not None
        assert ("E" in flags[1]) is expected
        assert read(built).executable_stack is expected
        assert ("L411" in found(tmp_path, {"demo/_C.abi3.so": built})) is expected
        assert "L411" not in found(
            tmp_path, {"demo/_C.abi3.so": built}, "cp39-abi3-musllinux_1_2_x86_64"
        )

    @pytest.mark.parametrize(("machine", "expected"), [("x86_64", True), ("aarch64", False)])
    def test_without_a_header(self, tmp_path: Path, machine: str, *, expected: bool) -> None:
        built = zig(
            "int f(void) { return 0; }", tmp_path / "_C.so", f"{machine}-linux-gnu", "-nostdlib"
        )
        without_stack_header(built)
        assert "GNU_STACK" not in readelf(built, "-l")
        assert read(built).executable_stack is None
        tag = f"cp39-abi3-manylinux_2_28_{machine}"
        assert ("L411" in found(tmp_path, {"demo/_C.abi3.so": built}, tag)) is expected


class TestUndefinedVersion:
    @pytest.fixture
    def built(self, tmp_path: Path) -> Path:
        return module(tmp_path / "_C.so", helper(tmp_path / "new" / "libhelper.so.1", VERSIONS_2))

    @pytest.mark.parametrize(
        ("versions", "refused"), [(VERSION_1, True), (VERSIONS_2, False), ("", False)]
    )
    def test_what_the_other_library_defines(
        self, tmp_path: Path, built: Path, versions: str, *, refused: bool
    ) -> None:
        other = helper(tmp_path / "libhelper.so.1", versions, code=PRINTS)
        said = load(built)
        assert (said is not None) is refused
        if said is not None:
            assert "version `HELPER_2' not found" in said
        wheel = {"demo/_C.abi3.so": built, "demo/libhelper.so.1": other}
        one = found(tmp_path, wheel).get("L413")
        assert (one is not None) is refused
        if one is not None:
            assert one.severity is Severity.ERROR
            assert one.evidence == ("HELPER_2 of libhelper.so.1",)

    def test_a_library_without_any_table_of_versions_stops_the_process(
        self, tmp_path: Path, built: Path
    ) -> None:
        other = gcc(HELPER, tmp_path / "libhelper.so.1", "-Wl,-soname,libhelper.so.1", "-nostdlib")
        assert "VERSYM" not in readelf(other, "-d")
        assert "Inconsistency detected by ld.so" in (load(built) or "")
        wheel = {"demo/_C.abi3.so": built, "demo/libhelper.so.1": other}
        assert found(tmp_path, wheel)["L413"].severity is Severity.ERROR

    def test_versions_are_those_that_readelf_prints(self, tmp_path: Path) -> None:
        path = helper(tmp_path / "libhelper.so.1", VERSIONS_2)
        printed = re.findall(
            r"Flags: (?!BASE)\S+  Index: \d+  Cnt: \d+  Name: (\S+)", readelf(path, "-V")
        )
        assert list(read(path).version_definitions) == printed == ["HELPER_1", "HELPER_2"]

    def test_a_weak_need_is_not_insisted_on(self, tmp_path: Path) -> None:
        new = helper(tmp_path / "new" / "libhelper.so.1", VERSIONS_2)
        built = with_weak_version(module(tmp_path / "_C.so", new), "HELPER_2")
        assert re.search(r"Name: HELPER_2  Flags: WEAK", readelf(built, "-V"))
        assert read(built).weak_version_needs == (("libhelper.so.1", "HELPER_2"),)
        other = helper(tmp_path / "libhelper.so.1", VERSION_1)
        said = load(built)
        assert said is None or "HELPER_2' not found" not in said
        wheel = {"demo/_C.abi3.so": built, "demo/libhelper.so.1": other}
        assert "L413" not in found(tmp_path, wheel)


class TestRpathOfMachO:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        out = tmp_path / "libhelper.dylib"
        return zig(HELPER, out, "aarch64-macos", "-install_name", "@rpath/libhelper.dylib")

    @pytest.mark.parametrize(
        ("rpaths", "lost"),
        [
            ((), True),
            (("@loader_path",), True),
            (("/opt/lib",), True),
            (("@loader_path/lib",), False),
            (("/opt/lib", "@loader_path/lib/."), False),
            (("@loader_path/../other/lib",), False),  # perhaps of another distribution
            (("@executable_path/../lib",), False),
        ],
    )
    def test_entries(
        self, tmp_path: Path, file: Path, rpaths: tuple[str, ...], *, lost: bool
    ) -> None:
        flags = [f"-Wl,-rpath,{each}" for each in rpaths]
        built = zig(MODULE, tmp_path / "_C.so", "aarch64-macos", *given(file), *flags)
        parsed = lief.MachO.parse(str(built))
        assert parsed is not None
        image = parsed.at(0)
        assert image is not None
        assert [each.path for each in image.rpaths] == list(rpaths)
        assert "@rpath/libhelper.dylib" in [each.name for each in image.libraries]
        wheel = {"demo/_C.abi3.so": built, "demo/lib/libhelper.dylib": file}
        findings = found(tmp_path, wheel, MACOS)
        assert ("L421" in findings) is lost
        assert "L412" not in findings

    def test_a_library_with_another_install_name_is_never_found(self, tmp_path: Path) -> None:
        file = zig(
            HELPER,
            tmp_path / "libhelper.dylib",
            "aarch64-macos",
            "-install_name",
            "@rpath/libhelper.dylib",
        )
        built = zig(MODULE, tmp_path / "_C.so", "aarch64-macos", *given(file))
        other = zig(
            HELPER, tmp_path / "b" / "libhelper.dylib", "aarch64-macos", "-install_name", "/b/h"
        )
        wheel = {"demo/_C.abi3.so": built, "demo/lib/libhelper.dylib": other}
        findings = found(tmp_path, wheel, MACOS)
        assert findings["L412"].severity is Severity.WARNING
        assert "L421" not in findings

    def test_the_entries_of_whoever_loads_it_count(self, tmp_path: Path, file: Path) -> None:
        middle = zig(
            "extern int helped(void); int more(void) { return helped(); }",
            tmp_path / "libmiddle.dylib",
            "aarch64-macos",
            *given(file),
            "-install_name",
            "@rpath/libmiddle.dylib",
        )
        code = MODULE.replace("helped", "more")
        others = {"demo/lib/libhelper.dylib": file, "demo/lib/libmiddle.dylib": middle}
        with_entry = zig(
            code, tmp_path / "_C.so", "aarch64-macos", *given(middle), "-Wl,-rpath,@loader_path/lib"
        )
        assert found(tmp_path, {"demo/_C.abi3.so": with_entry, **others}, MACOS) == {}
        without = zig(code, tmp_path / "_D.so", "aarch64-macos", *given(middle))
        report = inspect_package(wheel_of(tmp_path, {"demo/_C.abi3.so": without, **others}, MACOS))
        assert [(one.rule, one.library) for one in report.findings] == [
            ("L421", "demo/_C.abi3.so"),
            ("L421", "demo/lib/libmiddle.dylib"),
        ]


class TestCopies:
    def test_openmp(self, tmp_path: Path) -> None:
        gomp = helper(tmp_path / "libgomp-e985bcbb.so.1.0.0", soname="libgomp-e985bcbb.so.1.0.0")
        built = module(tmp_path / "_C.so", gomp)
        wheel = {"demo/_C.abi3.so": built, f"demo.libs/{gomp.name}": gomp}
        assert found(tmp_path, wheel).keys() == {"L418"}
        assert found(tmp_path, wheel, LINUX, "torch").keys() == {"L415"}
        own = helper(tmp_path / "libgomp.so.1", soname="libgomp.so.1")
        shared = module(tmp_path / "_D.so", own)
        wheel = {"demo/_C.abi3.so": shared, "demo/libgomp.so.1": own}
        assert found(tmp_path, wheel, LINUX, "torch") == {}

    def test_loaders_take_the_library_that_was_loaded_first_under_a_name(
        self, tmp_path: Path
    ) -> None:
        """Why a plain ``libgomp.so.1`` beside torch's is no second one."""
        first = helper(tmp_path / "torch" / "libgomp.so.1", soname="libgomp.so.1")
        second = helper(tmp_path / "libgomp.so.1", soname="libgomp.so.1")
        module(tmp_path / "torch" / "_T.so", first)
        module(tmp_path / "_C.so", second)
        code = """
import ctypes, sys
for path in sys.argv[1:]: ctypes.CDLL(path)
print(len({line.split()[-1] for line in open("/proc/self/maps") if "libgomp" in line}))
"""
        done = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "torch/_T.so"), str(tmp_path / "_C.so")],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "1\n"
