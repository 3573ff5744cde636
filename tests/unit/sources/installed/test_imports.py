from __future__ import annotations

import sys
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING

from tests.support.installs import write
from torch_abi_audit.sources.installed.imports import Module, has_no_file, locate, top_level_modules

if TYPE_CHECKING:
    from pathlib import Path


def package(path: Path) -> Path:
    write(path / "__init__.py", "raise SystemExit('imported')")
    return path


def test_a_dotted_name_imports_nothing(tmp_path: Path) -> None:
    package(tmp_path / "parent")
    inner = package(tmp_path / "parent" / "inner")
    module = write(inner / "_C.abi3.so")
    assert locate("parent.inner", [str(tmp_path)]) == Module((str(inner),))
    assert locate("parent.inner._C", [str(tmp_path)]) == Module(files=(str(module),))
    assert "parent" not in sys.modules


def test_the_order_is_the_import_system_s(tmp_path: Path) -> None:
    write(tmp_path / "first" / "pkg" / "data.txt", "")  # a namespace portion gives way
    regular = package(tmp_path / "second" / "pkg")
    write(tmp_path / "second" / "pkg.py", "")
    package(tmp_path / "third" / "pkg")
    path = [str(tmp_path / name) for name in ("missing", "first", "second", "third")]
    assert locate("pkg", path) == Module((str(regular),))


def test_an_extension_module_comes_before_its_source(tmp_path: Path) -> None:
    write(tmp_path / "mod.py", "")
    extension = write(tmp_path / "mod.so")
    assert locate("mod", [str(tmp_path)]) == Module(files=(str(extension),))


def test_of_several_builds_the_interpreter_s_own_is_taken(tmp_path: Path) -> None:
    write(tmp_path / "mod.cpython-27-plan9.so")
    own = write(tmp_path / f"mod{EXTENSION_SUFFIXES[0]}")
    assert locate("mod", [str(tmp_path)]) == Module(files=(str(own),))


def test_builds_for_other_interpreters_alone_are_all_taken(tmp_path: Path) -> None:
    files = [write(tmp_path / f"mod.cp{minor}-win_arm65.pyd") for minor in (27, 28)]
    assert locate("mod", [str(tmp_path)]) == Module(files=tuple(map(str, files)))


def test_an_extension_can_be_a_package_s_init(tmp_path: Path) -> None:
    write(tmp_path / "pkg" / "__init__.cpython-311-darwin.so")
    assert locate("pkg", [str(tmp_path)]) == Module((str(tmp_path / "pkg"),))


def test_a_namespace_package_has_all_its_portions(tmp_path: Path) -> None:
    for site in ("a", "b"):
        write(tmp_path / site / "ns" / site / "__init__.py", "")
    path = [str(tmp_path / "a"), str(tmp_path / "b")]
    both = (str(tmp_path / "a" / "ns"), str(tmp_path / "b" / "ns"))
    assert locate("ns", path) == Module(both, is_namespace=True)
    assert locate("ns.b", path) == Module((str(tmp_path / "b" / "ns" / "b"),))


def test_a_package_that_extends_its_path(tmp_path: Path) -> None:
    for site in ("a", "b"):
        package(tmp_path / site / "ns")
        package(tmp_path / site / "ns" / site)
    path = [str(tmp_path / "a"), str(tmp_path / "b")]
    assert locate("ns.b", path) == Module((str(tmp_path / "b" / "ns" / "b"),))


def test_nothing_by_that_name(tmp_path: Path) -> None:
    package(tmp_path / "pkg")
    write(tmp_path / "mod.py", "")
    for name in ("other", "pkg.other", "mod.inner", "pk", "MOD", "pkg."):
        assert locate(name, [str(tmp_path)]) is None


def test_what_the_interpreter_has_built_in() -> None:
    assert has_no_file("sys")
    assert has_no_file("_frozen_importlib")
    assert not has_no_file("torch_abi_audit")


def test_names_that_a_directory_offers(tmp_path: Path) -> None:
    package(tmp_path / "pkg")
    write(tmp_path / "numpy.libs" / "x.so")
    write(tmp_path / "docs" / "x.txt", "")
    write(tmp_path / "mod.abi3.so")
    write(tmp_path / "six.py", "")
    assert top_level_modules(str(tmp_path)) == ("mod", "pkg", "six")
