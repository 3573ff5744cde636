"""The committed tables against facts measured on published wheels and real Pythons."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path

import abi3info
import pytest

from torch_abi_audit.judges import torch_names
from torch_abi_audit.knowledge import cpython_abi, tables, torch_shims
from torch_abi_audit.knowledge.cpython_abi import (
    ifdef_holds,
    is_cpython_name,
    is_listed,
    read_python_row,
    stable_python_name,
    stable_python_names,
)
from torch_abi_audit.knowledge.torch_shims import Shim, shim, shims
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.releases import release_key

# --- versions ---


def test_releases_are_ordered_as_numbers() -> None:
    versions = ["2.9.1", "2.10.0", "2.5.1", "2.9.0", "3.0", "2.15.0"]

    assert sorted(versions, key=release_key) == [
        *("2.5.1", "2.9.0", "2.9.1", "2.10.0", "2.15.0", "3.0"),
    ]


def test_trailing_zeros_say_nothing() -> None:
    assert release_key("2.10") == release_key("2.10.0") < release_key("2.10.1")


@pytest.mark.parametrize("text", ["2.x", "", "2.10.0+cpu"])
def test_what_is_no_dotted_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        release_key(text)


# --- shims ---


def test_shims_are_those_that_the_headers_of_each_release_declare() -> None:
    # Counted in the headers of the macOS arm64 wheel of each release.
    declared = {
        "2.5.1": 360,
        "2.6.0": 449,
        "2.7.0": 476,
        "2.8.0": 613,
        "2.9.0": 654,
        "2.10.0": 708,
        "2.11.0": 719,
        "2.12.0": 774,
        "2.13.0": 791,
        "2.14.0": 882,
        "2.15.0": 889,
    }

    found = {
        release: sum(
            release_key(s.first_release) <= release_key(release) <= release_key(s.last_release)
            for s in shims().values()
        )
        for release in declared
    }

    assert found == declared


def test_the_table_covers_every_release_since_the_first() -> None:
    releases = torch_shims.shim_releases()

    assert releases[0] == "2.5.1"
    assert torch_shims.newest_shim_release() == releases[-1]
    assert list(releases) == sorted(releases, key=release_key)
    assert {"2.7.1", "2.9.1", "2.12.1", "2.14.1"} <= set(releases), "patch releases count too"
    assert len(shims()) >= 890


@pytest.mark.parametrize(
    ("name", "release", "device"),
    [
        (b"aoti_torch_library_impl", "2.7.0", "generic"),
        (b"torch_library_impl", "2.10.0", "generic"),
        (b"torch_call_dispatcher", "2.10.0", "generic"),
        (b"aoti_torch_cuda_caching_allocator_raw_alloc", "2.10.0", "cuda"),
        (b"torch_get_current_cuda_blas_handle", "2.10.0", "cuda"),
        (b"aoti_record_function_start", "2.9.0", "generic"),
        (b"aoti_record_function_end", "2.9.0", "generic"),
        (b"torch_exception_get_what", "2.13.0", "generic"),
        (b"torch_new_stable_ivalue", "2.13.0", "generic"),
        (b"torch_mps_set_arg_bytes", "2.14.0", "mps"),
        (b"aoti_torch_device_type_mps", "2.8.0", "generic"),
        (b"aoti_torch_cpu__wrapped_linear_prepack", "2.5.1", "cpu"),
        (b"aoti_torch_get_current_sycl_queue", "2.6.0", "xpu"),
    ],
)
def test_a_shim_has_its_first_release_and_device(name: bytes, release: str, device: str) -> None:
    found = shim(name)

    assert found is not None
    assert (found.first_release, found.device) == (release, device)


@pytest.mark.parametrize(
    ("name", "guard", "first"),
    [
        # One guard names a release that had it not, the other a release later than the first.
        (b"aoti_torch_mps_nonzero_static", "2.11.0", "2.12.0"),
        (b"aoti_torch_mps__scaled_dot_product_attention_math_for_mps_v2", "2.13.0", "2.12.0"),
    ],
)
def test_the_first_release_is_of_the_headers_not_of_their_guards(
    name: bytes, guard: str, first: str
) -> None:
    found = shims()[name]

    assert (found.guard, found.first_release) == (guard, first)


def test_no_shim_was_removed_since_the_stable_abi_began() -> None:
    newest = torch_shims.newest_shim_release()
    gone = {name: s for name, s in shims().items() if s.last_release != newest}

    # The Linux wheel of 2.7.1 exports it, that of 2.8.0 has aoti_torch_cpu__qconv_pointwise_tensor.
    assert {name: (s.last_release, s.exported_by) for name, s in gone.items()} == {
        b"aoti_torch_cpu__qconv2d_pointwise_tensor": ("2.7.1", ()),
    }
    assert release_key("2.7.1") < release_key(torch_shims.STABLE_ABI_BEGINS)


def test_exporters_are_the_libraries_of_the_published_wheels() -> None:
    by_device = Counter((s.device, s.exported_by) for s in shims().values())

    everywhere = ("libtorch_cpu.dylib", "libtorch_cpu.so", "torch_cpu.dll")
    assert by_device["generic", everywhere] >= 200
    assert by_device["cuda", ("libtorch_cuda.so",)] >= 181
    assert by_device["mps", ("libtorch_cpu.dylib",)] >= 150
    assert {by for device, by in by_device if device == "xpu"} == {()}


def test_deprecated_shims_are_marked_and_still_exported() -> None:
    deprecated = {name: s for name, s in shims().items() if s.deprecated}

    assert len(deprecated) >= 15
    assert b"aoti_torch_mm_out" in deprecated
    assert all(s.exported_by for s in deprecated.values())


def test_names_that_only_look_like_shims_are_unknown() -> None:
    assert shim(b"torch_c_dynamo_eval_frame_init") is None
    assert shim(b"aoti_torch_mps_command_block_callback_t") is None, "a type"
    assert shim(b"_aoti_torch_call_dispatcher") is None
    assert b"nothing" not in shims()


def test_the_table_is_a_mapping_whose_rows_are_built_once() -> None:
    table = shims()
    name = b"aoti_torch_delete_tensor_object"

    assert isinstance(table[name], Shim)
    assert table[name] is table[name] is shim(name)
    assert set(table) == set(dict(table))
    with pytest.raises(KeyError):
        table[b"nothing"]


def test_what_is_asked_of_a_shim_by_itself_is_what_its_row_says() -> None:
    assert torch_shims.shim_names() == shims().keys()
    assert {name: torch_shims.shim_first_release(name) for name in torch_shims.shim_names()} == {
        name: one.first_release for name, one in shims().items()
    }
    with pytest.raises(KeyError):
        torch_shims.shim_first_release(b"nothing")


# --- CPython ---


def test_every_stable_name_of_abi3info_is_in_the_table_as_it_is_there() -> None:
    for kind, table in (("function", abi3info.FUNCTIONS), ("data", abi3info.DATAS)):
        for symbol, entry in table.items():
            found = stable_python_name(symbol.name)
            assert found is not None, symbol.name
            assert found.kind == kind
            assert found.added == f"{entry.added.major}.{entry.added.minor}"
            assert found.abi_only == entry.abi_only
            assert found.ifdef == (entry.ifdef.name if entry.ifdef else None)


def test_every_macro_of_abi3info_is_decided() -> None:
    assert set(abi3info.FEATURE_MACROS) == set(cpython_abi._IFDEF_FORMATS)


@pytest.mark.parametrize(
    ("name", "added"),
    [
        ("PyArg_ParseTuple", "3.2"),
        ("PyObject_CallNoArgs", "3.10"),
        ("PyBuffer_Release", "3.11"),
        ("PyModuleDef_Init", "3.5"),
        ("_Py_SetRefcnt", "3.13"),
        ("PyModule_FromSlotsAndSpec", "3.15"),
    ],
)
def test_a_stable_name_has_the_python_that_first_promised_it(name: str, added: str) -> None:
    found = stable_python_name(name)

    assert found is not None
    assert found.added == added
    assert stable_python_name(name.encode()) == found, "bytes do as well"


def test_names_that_only_macros_may_use_are_stable() -> None:
    found = stable_python_name("_Py_NoneStruct")

    assert found is not None
    assert (found.kind, found.abi_only) == ("data", True)


@pytest.mark.parametrize(
    ("name", "formats"),
    [
        ("PyErr_SetFromWindowsErr", {Format.PE}),
        ("PyExc_WindowsError", {Format.PE}),
        ("PyOS_CheckStack", {Format.PE}),
        ("PyOS_AfterFork_Child", {Format.ELF, Format.MACHO}),
        ("PyThread_get_thread_native_id", set(Format)),
        ("_Py_RefTotal", set()),
        ("PyLong_FromLong", set(Format)),
    ],
)
def test_a_conditional_name_is_stable_only_where_its_macro_holds(
    name: str, formats: set[Format]
) -> None:
    found = stable_python_name(name)

    assert found is not None
    assert {f for f in Format if found.holds_on(f)} == formats


def test_a_macro_that_is_not_known_holds_nowhere() -> None:
    assert not any(ifdef_holds("HAVE_TELEPATHY", f) for f in Format)


@pytest.mark.parametrize(
    "name",
    [
        "PyUnicode_AsUTF8",  # public, not limited
        "_PyLong_Sign",  # private
        "_PyRuntime",
        "PyMutex_Lock",  # 3.13
        "PyMutex_IsLocked",  # 3.14
        "PyUnicodeWriter_Create",  # 3.14
        "_Py_DecRefShared",  # of the free-threaded build alone
        "_Py_GetRefTotal",  # of debug builds alone
        "PyErr_SetFromWindowsErrWithUnicodeFilename",  # of Windows alone, until 3.12
        "PyUnstable_Something_New",  # reserved by PEP 689
        "PyArg_Parse",  # stable
    ],
)
def test_names_of_cpython_are_its_own(name: str) -> None:
    assert is_cpython_name(name)
    assert is_cpython_name(name.encode())


@pytest.mark.parametrize(
    "name",
    [
        *("PyVTKObject_New", "PySide_RegisterType", "PyPyLong_AsLong", "PyArray_API"),
        *("PyWcsprm_New", "PyInit_my_extension", "Pybind", "_Py", "Py_", "Py", "_", ""),
    ],
)
def test_names_of_others_are_not(name: str) -> None:
    assert not is_cpython_name(name)
    assert stable_python_name(name) is None


def test_a_name_that_is_not_ascii_is_nobodys() -> None:
    assert not is_cpython_name(b"PyLong_From\xffLong")
    assert stable_python_name(b"PyLong_From\xffLong") is None


def test_others_are_not_in_the_stable_abi() -> None:
    assert stable_python_name("PyUnicode_AsUTF8") is None
    assert stable_python_name("PyUnstable_Code_New") is None


def test_every_listed_name_is_a_c_name_of_cpython_and_found_again() -> None:
    sections = cpython_abi._python_table().sections
    others = [stem + rest for stem, rests in sections["others"].items() for rest in rests.split()]
    names = {*sections["stable"], *others}

    assert len(names) == len(sections["stable"]) + len(others) >= 2700
    assert all(re.fullmatch(r"_?Py[A-Z_]\w*", name) for name in names)
    assert all(is_cpython_name(name) for name in names)
    assert all(is_listed(name.encode()) for name in names)
    # nothing that is cut or drawn out: not even where the rest stands under another stem
    near = {name[:-1] for name in names} | {f"{name}_" for name in names}
    near |= {f"_{name}" for name in names} | {name.replace("_", "", 1) for name in names}
    assert not any(is_listed(name.encode()) for name in near - names)
    assert not any(map(is_listed, (b"", b"_", b"Py", b"_Py", b"P", b"Py_", b"\xff")))


def test_stable_names_are_names_of_cpython_each_with_its_row() -> None:
    assert stable_python_names()[b"PyBool_Type"] == "3.2 data"
    assert all(map(is_listed, stable_python_names()))
    assert all(
        read_python_row(row) == stable_python_name(name)
        for name, row in stable_python_names().items()
    )


# --- cost ---


def test_the_tables_are_small_and_quick() -> None:
    files = {path.name: path.stat().st_size for path in Path(tables.DATA).glob("*.tsv")}
    assert files["torch_shims.tsv"] < 60_000
    assert files["cpython_abi.tsv"] < 61_440

    def cost() -> float:
        for kept in (
            torch_shims._shim_table,
            torch_shims._shim_rows,
            cpython_abi._python_table,
            cpython_abi.stable_python_names,
        ):
            kept.forget()
        torch_shims._SHIMS.clear()
        cpython_abi._OTHER_NAMES.clear()
        started = time.process_time()
        shim(b"torch_call_dispatcher")
        is_cpython_name("PyObject_New")
        return time.process_time() - started

    assert min(cost() for _ in range(20)) < 0.004


def test_shims_begin_as_the_judge_expects() -> None:
    assert all(name.startswith(torch_names._C_FORMS) for name in torch_shims.shim_names())


def test_every_listed_name_has_the_form_of_the_c_api() -> None:
    form = re.compile(rb"_?Py(?!Py)[A-Z_]\w*")
    sections = cpython_abi._python_table().sections
    others = [stem + rest for stem, rests in sections["others"].items() for rest in rests.split()]
    names = [name.encode() for name in (*sections["stable"], *others)]
    assert [name for name in names if form.fullmatch(name) is None] == []
