"""Libraries that find torch's names through their links: what the audit and what ld.so say."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.sources import source
from tests.support.toolchain import gcc
from tools import loader
from torch_abi_audit.api import inspect_package
from torch_abi_audit.judges.loads import compat

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.uname().machine != "x86_64",
    reason="the loader of Linux x86_64 is asked",
)

BINDING, CORE = "THPVariableClass", "_ZN3c1019UndefinedTensorImpl10_singletonE"
SHIM = "aoti_torch_get_data_ptr"
MODULE = "PyInit__C"
LINKS = {
    "libc10.so": ({CORE}, ()),
    "libtorch_cpu.so": ({SHIM}, ("libc10.so",)),
    "libtorch.so": (set(), ("libtorch_cpu.so",)),
    "libtorch_python.so": ({BINDING}, ("libtorch.so", "libtorch_cpu.so", "libc10.so")),
    "libtorch_global_deps.so": (set(), ()),
}
"""Libraries of torch, to a name that each exports and to the libraries that it is linked to: as in
every release, see ``readelf -d``."""


@pytest.fixture(scope="module")
def torch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("torch") / "lib"
    home.mkdir()
    for file, (names, needed) in LINKS.items():
        loader.build(home / file, [name.encode() for name in names], needed)
    return home


class Package:
    """A package under construction, with the results of the audit and of the loader."""

    def __init__(self, home: Path, torch: Path) -> None:
        self.home = home / "p"
        self.torch = torch

    def add(
        self, name: str, *imports: str, links: tuple[str, ...] = (), module: bool = False
    ) -> Path:
        """Compile a library that is linked to files of the package and of torch."""
        own = [str(self.home / one) for one in links if (self.home / one).exists()]
        theirs = [str(self.torch / one) for one in links if not (self.home / one).exists()]
        flags = ("-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined", "-x", "none", *own, *theirs)
        text = source(imports, exports=[MODULE] if module else [])
        return gcc(text, self.home / name, f"-Wl,-soname,{name}", *flags, torch=())

    def opens(self, name: str) -> str | None:
        """The name that the loader misses when the library is opened after torch, or None."""
        python = self.torch / "libtorch_global_deps.so"  # has no names
        (answer,) = loader.opened([self.home / name], [self.torch, self.home], [python])
        return answer[self.home / name]

    def answer(self, name: str) -> tuple[str, list[str]]:
        """The load matrix's answer for torch 2.11.0, and the rules that the library breaks."""
        report = inspect_package(self.home)
        (loads,) = [one for one in compat(report).libraries if one.path.name == name]
        rules = [one.rule for one in report.findings if (one.library or "") == name]
        return str(loads.loads_on["2.11.0"]), sorted(set(rules) - {"T101"})


@pytest.fixture
def package(tmp_path: Path, torch: Path) -> Package:
    return Package(tmp_path, torch)


def test_a_module_without_a_link_is_refused_though_torch_is_in_the_process(
    package: Package,
) -> None:
    package.add("_C.so", BINDING, module=True)
    assert package.opens("_C.so") == BINDING
    assert package.answer("_C.so") == ("no", ["T107"])


def test_a_link_to_the_library_that_exports_the_name_is_enough(package: Package) -> None:
    package.add("_C.so", BINDING, links=("libtorch_python.so",), module=True)
    assert package.opens("_C.so") is None
    assert package.answer("_C.so") == ("yes", [])


def test_so_is_a_link_to_one_that_brings_it_in(package: Package) -> None:
    package.add("_C.so", SHIM, CORE, links=("libtorch.so",))
    assert package.opens("_C.so") is None
    assert package.answer("_C.so") == ("yes", [])


def test_a_sibling_may_bring_it_in(package: Package) -> None:
    package.add("libfar.so", links=("libtorch_python.so",))
    package.add("libnear.so", links=("libfar.so",))
    package.add("_C.so", BINDING, SHIM, links=("libnear.so",), module=True)
    assert package.opens("_C.so") is None
    assert package.answer("_C.so") == ("yes", [])


def test_a_sibling_beside_it_may_not(package: Package) -> None:
    package.add("libfar.so", links=("libtorch_python.so",))
    package.add("_C.so", BINDING, module=True)
    assert package.opens("_C.so") == BINDING
    assert package.answer("_C.so") == ("no", ["T107"])


def test_libc10_does_not_bring_the_rest_of_torch_in(package: Package) -> None:
    package.add("_C.so", SHIM, CORE, links=("libc10.so",))
    assert package.opens("_C.so") == SHIM
    assert package.answer("_C.so") == ("no", ["T107"])


def test_nor_does_libtorch_bring_the_python_binding_in(package: Package) -> None:
    package.add("_C.so", BINDING, SHIM, links=("libtorch.so",), module=True)
    assert package.opens("_C.so") == BINDING
    assert package.answer("_C.so") == ("no", ["T107"])


def test_a_dependency_finds_what_the_module_that_opens_it_brings_in(package: Package) -> None:
    package.add("libops.so", SHIM)
    package.add("_C.so", links=("libops.so", "libtorch.so"), module=True)
    assert package.opens("_C.so") is None
    assert package.answer("libops.so") == ("yes", [])


def test_one_module_that_brings_it_in_is_enough(package: Package) -> None:
    package.add("libops.so", SHIM)
    package.add("_D.so", links=("libops.so",), module=True)
    assert package.opens("_D.so") == SHIM
    package.add("_C.so", links=("libops.so", "libtorch.so"), module=True)
    assert package.answer("libops.so") == ("yes", [])


def test_the_missing_link_is_named(package: Package) -> None:
    package.add("_C.so", SHIM, CORE)
    report = inspect_package(package.home)
    (found,) = [one for one in report.findings if one.rule == "T107"]
    assert "link it with -lc10 -ltorch_cpu" in found.message
    assert set(found.evidence) == {SHIM, "c10::UndefinedTensorImpl::_singleton"}
    (loads,) = compat(report).libraries
    unlinked = {one.name: set(one.unlinked.values()) for one in loads.missing}
    assert unlinked == {SHIM.encode(): {"libtorch_cpu.so"}, CORE.encode(): {"libc10.so"}}


def test_symbol_versions_of_torch_are_refused(
    package: Package, torch: Path, tmp_path: Path
) -> None:
    versions = tmp_path / "versions.map"
    versions.write_text("FOO_1 { global: *; };")
    script = f"-Wl,--version-script={versions}"
    other = tmp_path / "other" / "libtorch_cpu.so"
    gcc(source([], exports=[SHIM]), other, "-Wl,-soname,libtorch_cpu.so", script)
    made = gcc(source([SHIM]), package.home / "_C.so", "-x", "none", str(other), torch=())
    assert package.answer("_C.so") == ("no", [])
    (loads,) = compat(inspect_package(package.home)).libraries
    assert loads.missing_on("2.11.0") == ("version FOO_1 of libtorch_cpu.so",)
    said = subprocess.run(
        [sys.executable, "-S", "-c", f"import ctypes; ctypes.CDLL({str(made)!r})"],
        env={**os.environ, "LD_LIBRARY_PATH": str(torch)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode != 0
    assert "version" in said.stderr  # not found, or an inconsistency where nothing has versions


def test_a_variant_for_another_torch_provides_nothing(package: Package) -> None:
    """Both define weak names of torch's headers, but the two are never in one process."""
    file, own = "p/torch-{}/libx.so", "_ZN2at3ownEv"
    for release, imported, exported in (("2.10", CORE, own), ("2.11", own, CORE)):
        target = package.home / file.format(release)
        target.parent.mkdir(parents=True)
        flags = ("-Wl,--no-as-needed", "-Wl,--allow-shlib-undefined", "-x", "none")
        link = str(package.torch / "libtorch.so")
        gcc(source([imported], exports=[exported]), target, *flags, link, torch=())
    report = inspect_package(package.home)
    matrix = compat(report)
    by_variant = {one.variant: one for one in matrix.libraries}
    assert by_variant["2.10"].loads_on["2.10.0"] == "yes", "torch exports it, beside the variant"
    assert [one.name for one in by_variant["2.11"].missing] == [own.encode()]
    assert package.opens("p/torch-2.10/libx.so") is None
    assert package.opens("p/torch-2.11/libx.so") == own
    assert {one.label for one in report.libraries} == {"NO-TORCH"}, "the verdicts stay"
