"""The sources of CPython's names: abi3info, libpythons, headers, and the committed table."""

from __future__ import annotations

import ctypes
import json
import re
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from tools import generate_cpython_abi as program
from tools.generate_cpython_abi import GeneratorError, Python
from tools.table_text import render
from torch_abi_audit.knowledge.cpython_abi import is_cpython_name, split_stem
from torch_abi_audit.knowledge.tables import Table, parse

IN_REACH = program.default_libpythons()
NEW = Python("3.99", frozenset({"PyNew_Function", "_PyNew_Private", "PyLong_FromLong"}))


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The path of the table, with no Python installed."""
    path = tmp_path / "cpython_abi.tsv"
    monkeypatch.setattr(program, "TABLE", path)
    monkeypatch.setattr(program, "default_libpythons", list)
    return path


def document(*pythons: Python, committed: Table | None = None) -> Table:
    return program.generate(committed or Table({}, {}), pythons, "2026-01-31")


# --- the committed table, against the sources in reach ---


def test_the_committed_table_is_what_would_be_generated(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert program.main(["--check"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("library", IN_REACH, ids=lambda path: path.name)
def test_every_name_that_a_python_in_reach_exports_is_known(library: Path) -> None:
    names = program.read_python(library).names

    assert len(names) > 1500
    assert {name for name in names if not is_cpython_name(name)} == set()


# --- sources ---


def test_stable_names_carry_their_marks() -> None:
    stable = program.stable_names()

    assert stable["PyLong_FromLong"] == "3.2"
    assert stable["_Py_NoneStruct"] == "3.2 data abi_only"
    assert stable["PyExc_WindowsError"] == "3.7 data MS_WINDOWS"
    assert len(stable) >= 968, "825 functions and 143 variables up to 3.16"
    assert sum("abi_only" in marks for marks in stable.values()) >= 79


def test_headers_declare_what_they_mark_in_whatever_configuration() -> None:
    header = textwrap.dedent(
        """
        #define PyAPI_FUNC(RTYPE) RTYPE PyNot_AName
        #define PyMacro_Use(x) \\
            PyAPI_FUNC(int) PyNot_Either(x)
        /* PyAPI_FUNC(int) PyNot_InComment(void); */
        // PyAPI_FUNC(int) PyNot_InLine(void);
        #ifdef MS_WINDOWS
        PyAPI_FUNC(PyObject*) PyWin_Only(
            const char *name);
        #endif
        PyAPI_DATA(PyTypeObject) PyThing_Type;
        PyAPI_DATA(int) _Py_Array[];
        PyAPI_FUNC(unsigned long)
        PyLong_Next(void);
        extern int _PyNot_Exported(void);
        PyAPI_FUNC(int) not_a_cpython_name(void);
        """
    )

    assert program.declared_names(header) == {
        *("PyWin_Only", "PyThing_Type", "_Py_Array", "PyLong_Next"),
    }


def test_a_webassembly_module_exports_what_its_export_section_lists() -> None:
    names = [b"PyLong_FromLong", b"PyInit_math", b"main"]
    entries = b"".join(bytes([len(n)]) + n + b"\x00\x85\x01" for n in names)  # function 133
    section = bytes([len(names)]) + entries
    module = b"\0asm\1\0\0\0" + b"\x01\x02ab" + bytes([7, len(section)]) + section + b"\x0a\x01\x00"

    assert program.wasm_exports(module) == {b"PyLong_FromLong", b"main"}


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("lib/libpython3.13.so.1.0", "3.13"),
        ("lib/libpython3.7m.so.1.0", "3.7"),
        ("lib/libpython3.14t.so.1.0", "3.14"),
        ("lib/libpython3.12.dylib", "3.12"),
        ("Python.framework/Versions/3.13/Python", "3.13"),
    ],
)
def test_the_name_of_a_libpython_says_its_version(path: str, version: str) -> None:
    assert program.python_version(Path(path)) == version


def test_a_pyodide_says_its_version_in_the_file_beside_it(tmp_path: Path) -> None:
    lock = {"info": {"python": "3.14.2"}}
    (tmp_path / "pyodide-lock.json").write_text(json.dumps(lock))

    assert program.python_version(tmp_path / "pyodide.asm.wasm") == "3.14"


def test_a_library_that_does_not_say_is_refused() -> None:
    with pytest.raises(GeneratorError, match="does not state the Python version"):
        program.python_version(Path("lib/libpython3.so"))


# --- document ---


def test_names_known_before_stay() -> None:
    before = document(Python("3.6", frozenset({"PyOld_Function"})))

    after = document(NEW, committed=before)

    assert program.other_names(after) == {"PyOld_Function", "PyNew_Function", "_PyNew_Private"}
    assert after.facts["pythons"] == "3.6 3.99"


def test_stable_names_are_not_listed_twice() -> None:
    assert "PyLong_FromLong" not in program.other_names(document(NEW))


def test_a_name_that_becomes_stable_leaves_the_others() -> None:
    new = document(NEW)
    others = {"PyNew_": "Function", "PyLong_": "FromLong"}
    before = replace(new, sections={**new.sections, "others": others})

    assert program.differences(before, document(NEW, committed=before)) == [
        "others: _PyNew_Private is missing",
        "others: PyLong_FromLong must be removed",
    ]


def test_the_text_holds_the_document_one_line_an_entry() -> None:
    content = document(NEW)

    text = render(content)

    assert parse(text) == content
    assert "PyLong_FromLong\t3.2" in text.splitlines()
    assert "PyNew_\tFunction" in text.splitlines()


def test_what_a_check_compares() -> None:
    content = document(NEW)
    read_since = replace(
        content, facts={**content.facts, "date": "", "pythons": "", "abi3info": ""}
    )
    stable = {**content.sections["stable"], "PyLong_FromLong": "3.1"}
    stale = Table({**content.facts, "newest": "3.5"}, {**content.sections, "stable": stable})

    assert program.differences(content, read_since) == []
    assert program.differences(stale, content) == [
        f"newest: 3.5 -> {content.facts['newest']}",
        "stable.PyLong_FromLong: 3.1 -> 3.2",
    ]
    assert program.differences(document(), content) == [
        "others: PyNew_Function is missing",
        "others: _PyNew_Private is missing",
    ]


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("PyUnicode_AsUTF8", "PyUnicode_"),
        ("_PyLong_Sign", "_PyLong_"),
        ("_PyRuntime", "_Py"),
        ("_Py_Dealloc", "_Py_"),
        ("PyFoo", "Py"),
    ],
)
def test_a_stem_ends_at_the_first_underscore(name: str, stem: str) -> None:
    assert split_stem(name) == (stem, name.removeprefix(stem))


# --- program ---


def test_it_writes_a_table_that_it_then_finds_unchanged(table: Path) -> None:
    assert program.main([]) == 0
    written = table.read_text()

    assert program.main(["--check"]) == 0
    assert program.main([]) == 0
    assert table.read_text() == written


def test_a_check_of_a_table_that_differs_fails_and_leaves_it(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program.main([])
    edited = table.read_text().replace("PyLong_FromLong\t3.2", "PyLong_FromLong\t3.1")
    table.write_text(edited)

    assert program.main(["--check"]) == 1
    assert "stable.PyLong_FromLong: 3.1 -> 3.2" in capsys.readouterr().out
    assert table.read_text() == edited


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "No such file"),
        (b"INPUT(libpython3.13.so.1.0)", "is not a library|magic"),
        (b"\x7fELF", "the file is cut short or damaged"),
    ],
)
def test_a_libpython_that_cannot_be_read_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, complaint: str
) -> None:
    library = tmp_path / "libpython3.13.so"
    if content is not None:
        library.write_bytes(content)

    assert program.main(["--libpython", str(library)]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert re.search(complaint, error), error


# --- names that releases export before the Stable ABI has them ---


def test_names_are_followed_back_as_long_as_every_release_exports_them() -> None:
    stable = {"PyOld": "3.10", "PyGap": "3.11 data", "PyNew": "3.10", "PyUnread": "3.13"}
    stable["PyAhead"] = "3.15"  # 3.11 to 3.14 were not read
    exported = {"3.8": {"PyOld", "PyGap"}, "3.9": {"PyOld"}, "3.10": {"PyOld", "PyNew", "PyAhead"}}
    pythons = [Python(each, frozenset(), frozenset(names)) for each, names in exported.items()]
    pythons.append(Python("3.11", frozenset({"PyUnread"})))  # of headers alone
    assert program.early_names(stable, pythons) == {"PyOld": "3.8", "PyAhead": "3.10"}


def test_early_names_stay_where_fewer_pythons_are_installed() -> None:
    committed = Table({}, {"early": {"PyLong_AsInt": "3.9", "PyBuffer_Release": "3.8"}})
    here = Python("3.10", frozenset(), frozenset({"PyBuffer_Release"}))
    early = document(here, committed=committed).sections["early"]
    assert early["PyLong_AsInt"] == "3.9"
    assert early["PyBuffer_Release"] == "3.8"


def test_the_running_python_exports_what_the_table_says() -> None:
    early = parse(Path(program.ROOT, "src/torch_abi_audit/data/cpython_abi.tsv").read_text())
    rows = early.sections["early"]
    assert rows["PyUnicode_AsUTF8AndSize"] == "3.6"
    running = sys.version_info[1]
    due = [name for name, first in rows.items() if int(first.partition(".")[2]) <= running]
    assert len(due) > 80
    assert [name for name in due if not hasattr(ctypes.pythonapi, name)] == []
