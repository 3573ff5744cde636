"""Python's own libraries, and the Python versions in the names of modules."""

from __future__ import annotations

import pytest

from tests.support.metadata_values import library
from torch_abi_audit.knowledge.names.python import (
    abi3_claim,
    bound,
    dll_flavour,
    is_libpython,
    is_python,
    without_tag,
)

V311 = "_C.cpython-311-x86_64-linux-gnu.so"


@pytest.mark.parametrize(
    ("name", "python"),
    [
        (V311, "3.11"),
        ("_C.cpython-314t-x86_64-linux-gnu.so", "3.14t"),
        ("_C.cpython-313td-x86_64-linux-gnu.so", "3.13t"),
        ("_C.cpython-38d-darwin.so", "3.8"),
        ("_C.cp313-win_amd64.pyd", "3.13"),
        ("x.y.cpython-311-darwin.so", "3.11"),
        ("_C.cpython-311.so", None),
        ("_C.cpython-311-.so", None),
        ("_C.cpython-3-darwin.so", None),
        ("_C.cpython-38m-darwin.so", None),
        ("_C.cpython-311-x86_64.y.so", None),
        ("_C.cpython-311-darwin.dylib", None),
        ("cpython-311-darwin.so", None),
        ("_C.abi3.so", None),
        ("_C", None),
    ],
)
def test_the_python_of_a_file(name: str, python: str | None) -> None:
    found = bound(library(name))
    assert (found and found.python) == python


@pytest.mark.parametrize(
    ("dll", "python"),
    [
        ("python311.dll", "3.11"),
        ("PYTHON313T.DLL", "3.13t"),
        ("python3.dll", None),
        ("python3t.dll", None),
        ("python311_d.dll", "3.11"),
        ("python313t_d.dll", "3.13t"),
        ("python311td.dll", None),
        ("libpython311.dll", None),
    ],
)
def test_the_python_of_an_imported_dll(dll: str, python: str | None) -> None:
    found = bound(library("_C.pyd", needed=("KERNEL32.dll", dll, "python39.dll")))
    assert found is not None
    assert found.python == (python or "3.9")


@pytest.mark.parametrize(
    ("name", "flavour"),
    [
        ("_C.abi3.so", "abi3"),
        ("_C.abi3-x86_64-linux-gnu.so", "abi3"),
        ("_C.abi3t.so", "abi3t"),
        ("_C.abi3t-x86_64-linux-gnu.so", "abi3t"),
        ("_C.abi3.pyd", "abi3"),
        ("_C.abi3t.pyd", "abi3t"),
        ("x.abi3.dll", "abi3"),
        ("libx.abi3.so.6.12", "abi3"),
        ("libx.abi3.6.12.dylib", "abi3"),
        ("x.abi3.so.pt112", "abi3"),
        ("_C.abi3-.so", None),
        ("_C.abi3.1.so", None),
        ("_C.abi3x.so", None),
        ("_C.ABI3.so", None),
        ("abi3.so", None),
        ("_C.abi3", None),
        (V311, None),
    ],
)
def test_claims_of_abi3(name: str, flavour: str | None) -> None:
    assert abi3_claim(name) == flavour


@pytest.mark.parametrize(
    ("dll", "flavour"),
    [
        *(("python3.dll", "abi3"), ("PYTHON3.DLL", "abi3"), ("python3_d.dll", "abi3")),
        *(("python3t.dll", "abi3t"), ("python3t_d.dll", "abi3t")),
        *(("python313.dll", None), ("python3x.dll", None), ("python3.so", None)),
    ],
)
def test_dlls_that_serve_many_pythons(dll: str, flavour: str | None) -> None:
    assert dll_flavour(dll) == flavour


@pytest.mark.parametrize(
    "name",
    [
        *("libpython3.11.so.1.0", "libpython3.11.so", "libpython3.so", "libpython3.13t.so.1.0"),
        *("libpython3.11.dylib", "libpython3.11-0d1a2b3c.so.1.0", "Python", "Python3", "Python3T"),
    ],
)
def test_libpython(name: str) -> None:
    assert is_libpython(name)
    assert is_python(name)


@pytest.mark.parametrize(
    "name", ["python3.dll", "python313.dll", "python313t.dll", "python313t_d.dll", "python3_d.dll"]
)
def test_dlls_of_python(name: str) -> None:
    assert is_python(name)
    assert not is_libpython(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "libpython2.7.so.1.0",
            "libpython3.11.so.1.0a",
            "libpython3.11.a",
            "Python2",
            "libc.so.6",
        ),
        *("python311", "python2.dll", "python311td.dll", "python3x.dll", "xpython3.dll", ""),
    ],
)
def test_what_is_not_python(name: str) -> None:
    assert not is_python(name)


@pytest.mark.parametrize(
    ("stem", "module"),
    [
        ("_C.abi3", "_C"),
        ("_C.ABI3", "_C"),
        ("_C.abi3-x86_64-linux-gnu", "_C"),
        ("_C.cpython-313t-darwin", "_C"),
        ("_C.cp313-win_amd64", "_C"),
        ("_C.pypy39-pp73-x86_64-linux-gnu", "_C"),
        ("_C.cp313", "_C.cp313"),
        ("_C.cpx-win", "_C.cpx-win"),
        ("_C.cpython", "_C.cpython"),
        ("a.b", "a.b"),
        ("abi3", "abi3"),
    ],
)
def test_modules_without_their_tags(stem: str, module: str) -> None:
    assert without_tag(stem) == module
