"""Compiled libraries of two distributions, one of which requires the other and is linked to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.index_server import Index, serving
from tests.support.sources import source
from tests.support.toolchain import gcc, zig, zig_program

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

OPERATOR = "_ZN3foo2opERKN2at6TensorE"
SHOWN = "foo::op(at::Tensor const&)"
PRIVATE = "_PyObject_GetDictPtr"
LINUX = "manylinux_2_28_x86_64"


def loads(module: Path, *before: Path) -> bool:
    """Whether ld.so binds every name of a module in a new process, CPython's aside."""
    code = f"import ctypes; ctypes.CDLL({str(module)!r}, mode=ctypes.RTLD_GLOBAL | 2)"
    environ = {**os.environ, "LD_BIND_NOW": "1", "LD_PRELOAD": ":".join(map(str, before))}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, check=False
    )
    return done.returncode == 0


class Pair:
    """``demo``, whose module imports names that ``libfoo.so`` of ``foo`` is to export."""

    def __init__(self, tmp_path: Path, exports: tuple[str, ...], needs: str = "foo") -> None:
        self.place = tmp_path
        self.lender = gcc(
            source(exports=exports), tmp_path / "b/libfoo.so", "-nostdlib", "-Wl,-soname,libfoo.so"
        )
        stub = gcc(
            source(exports=[OPERATOR, PRIVATE]), tmp_path / "stub/libfoo.so", "-nostdlib",
            "-Wl,-soname,libfoo.so",
        )  # fmt: skip
        self.module = gcc(
            source([OPERATOR, PRIVATE, "PyLong_AsLong"], exports=["PyInit__C"]),
            tmp_path / "b/_C.abi3.so",
            *("-nostdlib", f"-L{stub.parent}", "-lfoo", "-Wl,-rpath,$ORIGIN/../foo/lib"),
            "-Wl,--no-as-needed",
        )
        self.requires = needs

    def files(self) -> dict[str, dict[str, Path]]:
        return {
            "demo": {"demo/_C.abi3.so": self.module},
            "foo": {"foo/lib/libfoo.so": self.lender},
        }

    def site(self, *names: str) -> Path:
        """Both, or one of them, installed."""
        site = self.place / "site-packages"
        for name in names or ("demo", "foo"):
            info = site / f"{name}-1.0.dist-info"
            info.mkdir(parents=True)
            record = [f"{info.name}/METADATA,,", f"{info.name}/RECORD,,"]
            for path, built in self.files()[name].items():
                (site / path).parent.mkdir(parents=True)
                (site / path).write_bytes(built.read_bytes())
                record.append(f"{path},,")
            (info / "METADATA").write_text(self.metadata(name))
            (info / "WHEEL").write_text(f"Wheel-Version: 1.0\nTag: cp310-abi3-{LINUX}\n")
            (info / "RECORD").write_text("\n".join(record) + "\n")
        return site

    def wheel(self, name: str, version: str = "1.0") -> Path:
        path = self.place / f"{name}-{version}-cp310-abi3-{LINUX}.whl"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, built in self.files()[name].items():
                archive.write(built, member)
            info = f"{name}-{version}.dist-info"
            archive.writestr(f"{info}/METADATA", self.metadata(name, version))
            archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\n")
        return path

    def metadata(self, name: str, version: str = "1.0") -> str:
        needs = f"Requires-Dist: {self.requires}\n" if name == "demo" else ""
        return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}\n"


def audited(*words: str | Path, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The package ``demo`` in the JSON of an audit, with the findings of its gate."""
    command = [sys.executable, "-m", "torch_abi_audit", "--isolated", "--check", "all", "--json"]
    done = subprocess.run(
        [*command, *map(str, words)],
        capture_output=True,
        env={**os.environ, **(environ or {})},
        check=False,
    )
    document = json.loads(done.stdout)
    packages = [one for one in document.get("packages", [document]) if one["name"] == "demo"]
    return {**packages[0], "results": document["results"]}


def found(report: dict[str, Any]) -> dict[str, str]:
    """Rule to message, of the rules that lending concerns."""
    rules = ("L404", "L417", "P201", "T105")
    mine = [one for one in report["results"] if one["package"] == "demo"]
    return {one["rule"]: one["message"] for one in mine if one["rule"] in rules}


def labels(report: dict[str, Any]) -> list[str]:
    libraries = [*report["extensions"], *report["bundled_libs"]]
    return [one["cpython"]["label"] for one in libraries]


def test_an_unread_requirement_is_expected_to_lend(tmp_path: Path) -> None:
    report = audited(Pair(tmp_path, (OPERATOR, PRIVATE)).wheel("demo"))
    messages = found(report)
    assert set(messages) == {"L417", "P201"}, "no table says that foo exports private names"
    expected = "libfoo.so, with 1 name imported from it, is expected from the requirement foo"
    assert messages["L417"] == f"{expected}, which was not read"


def test_a_requirement_that_is_installed_beside_lends_what_it_exports(tmp_path: Path) -> None:
    pair = Pair(tmp_path, (OPERATOR, PRIVATE))
    alone = audited(pair.wheel("demo"))
    report = audited(pair.site() / "demo")
    assert found(report) == {}
    assert labels(report) == labels(alone) == ["abi3-tagged-violations"], "no verdict changes"
    (lent,) = report["extensions"][0]["lent"]
    assert lent == {
        "requirement": "foo",
        "library": "libfoo.so",
        "names": [PRIVATE, SHOWN],
        "read": True,
    }
    assert loads(tmp_path / "site-packages/demo/_C.abi3.so"), "so says ld.so"


def test_what_it_does_not_export_stays_a_finding(tmp_path: Path) -> None:
    site = Pair(tmp_path, ("foo_other",)).site()
    messages = found(audited(site / "demo"))
    assert set(messages) == {"P201", "T105"}
    assert messages["T105"].endswith("; nor does the required foo 1.0, which was read")
    assert not loads(site / "demo/_C.abi3.so"), "so says ld.so"


def test_one_that_is_not_required_lends_nothing(tmp_path: Path) -> None:
    messages = found(audited(Pair(tmp_path, (OPERATOR, PRIVATE), "bar").site() / "demo"))
    assert set(messages) == {"L404", "P201", "T105"}


def test_one_whose_file_is_missing(tmp_path: Path) -> None:
    site = Pair(tmp_path, (OPERATOR, PRIVATE)).site()
    record = site / "foo-1.0.dist-info/RECORD"
    record.write_text(record.read_text().replace("foo/lib/libfoo.so,,\n", ""))
    messages = found(audited(site / "demo"))
    assert set(messages) == {"L404", "P201", "T105"}
    assert messages["L404"].endswith("; nor does the required foo 1.0, read for it")


@pytest.mark.parametrize("version", ["1.0", "3.0"])
def test_another_target_of_the_run_lends_if_its_version_fits(tmp_path: Path, version: str) -> None:
    pair = Pair(tmp_path, (OPERATOR, PRIVATE), "foo<2")
    report = audited(pair.wheel("demo"), pair.wheel("foo", version))
    assert set(found(report)) == (set() if version == "1.0" else {"L417", "P201"})


@pytest.mark.parametrize("exports", [(OPERATOR, PRIVATE), ("foo_other",)])
def test_a_requirement_is_fetched_when_asked(tmp_path: Path, exports: tuple[str, ...]) -> None:
    pair = Pair(tmp_path, exports)
    environ = {
        **{name: "" for name in os.environ if name.startswith("PIP_")},
        "PIP_CONFIG_FILE": os.devnull,
        "TORCH_ABI_AUDIT_CACHE": str(tmp_path / "cache"),
    }
    with serving(Index()) as index:
        index.add("foo", pair.wheel("foo"))
        index.add("unrelated", pair.wheel("foo"))
        environ["PIP_INDEX_URL"] = index.url
        report = audited(pair.wheel("demo"), environ=environ)
        assert not index.requests, "nothing is fetched unless asked for"
        report = audited("--with-requirements", pair.wheel("demo"), environ=environ)
        assert {path for path, _ in index.requests} == {
            "/simple/foo/",
            f"/files/{pair.wheel('foo').name}",
        }
    assert set(found(report)) == (set() if PRIVATE in exports else {"P201", "T105"})


def test_a_requirement_that_cannot_be_fetched(tmp_path: Path) -> None:
    environ = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    pair = Pair(tmp_path, (OPERATOR, PRIVATE))
    messages = found(audited("--with-requirements", pair.wheel("demo"), environ=environ))
    assert "could not be read: " in messages["L417"]


MSVC = "?op@foo@@YAHAEBUTensor@at@@@Z"
EXPORT = '__asm__(".section .drectve,\\"yni\\"; .ascii \\" -export:{}\\"; .text");\n'
ENTRY = "int DllMainCRTStartup(void *a, int b, void *c) { return 1; }\n"
PE = ("-nostdlib", "-fno-sanitize=all", "-Wl,-e,DllMainCRTStartup")


def mac(tmp_path: Path, name: str) -> tuple[str, Path, Path]:
    """A module that must find ``OPERATOR`` in a dylib, and a dylib that exports ``name``."""
    flags = ("aarch64-macos.13.0", "-Wl,-install_name,@rpath/libfoo.dylib")
    stub = zig(source(exports=[f"_{OPERATOR}"]), tmp_path / "stub/libfoo.dylib", *flags)
    lender = zig(source(exports=[name]), tmp_path / "b/libfoo.dylib", *flags)
    code = source([f"_{OPERATOR}"], exports=["_PyInit__C"])
    link = (f"-L{stub.parent}", "-lfoo")
    return "macosx_13_0_arm64", zig(code, tmp_path / "b/_C.so", "aarch64-macos.13.0", *link), lender


def windows(tmp_path: Path, name: str) -> tuple[str, Path, Path]:
    """The same for a DLL."""
    definition, library = tmp_path / "foo.def", tmp_path / "foo.a"
    definition.write_text(f'LIBRARY foo.dll\nEXPORTS\n"{MSVC}"\n')
    line = [
        zig_program(),
        "dlltool",
        "-m",
        "i386:x86-64",
        "-d",
        str(definition),
        "-l",
        str(library),
    ]
    subprocess.run(line, check=True)
    target = "x86_64-windows-gnu"
    code = f'int f(void) __asm__("{name}"); int f(void) {{ return 1; }}\n' + EXPORT.format(name)
    lender = zig(code + ENTRY, tmp_path / "b/foo.dll", target, *PE)
    code = (
        f'extern int op(void) __asm__("{MSVC}");\n'
        "__declspec(dllexport) int PyInit__C(void) { return op(); }\n"
    )
    module = zig(code + ENTRY, tmp_path / "b/_C.pyd", target, *PE, "-x", "none", str(library))
    return "win_amd64", module, lender


@pytest.mark.parametrize("exports", [True, False])
@pytest.mark.parametrize("system", [mac, windows])
def test_formats_that_state_the_provider(
    tmp_path: Path, system: Callable[[Path, str], tuple[str, Path, Path]], exports: bool
) -> None:
    wanted = f"_{OPERATOR}" if system is mac else MSVC
    symbol = wanted if exports else "foo_other"
    platform, module, lender = system(tmp_path, symbol)
    paths = []
    for name, built in (("demo", module), ("foo", lender)):
        path = tmp_path / f"{name}-1.0-cp311-cp311-{platform}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            needs = "Requires-Dist: foo\n" if name == "demo" else ""
            archive.write(built, f"{name}/{built.name}")
            text = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}\n"
            archive.writestr(f"{name}-1.0.dist-info/METADATA", text)
        paths.append(path)
    assert set(found(audited(paths[0]))) == {"L417"}
    assert set(found(audited(*paths))) == (set() if exports else {"T105"})
