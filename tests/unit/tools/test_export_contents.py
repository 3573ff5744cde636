"""The names that the export index keeps of torch's exports, and the merging of releases."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tools.export_contents import contents, cxx11_abi, differences, is_kept, kept_exports, merged
from tools.torch_wheels import Wheel

CPU, PYTHON = "libtorch_cpu.so", "libtorch_python.so"


def wheel(version: str, **names: list[str]) -> Wheel:
    exports = {f"lib{stem}.so": tuple(sorted(listed)) for stem, listed in names.items()}
    needed = dict.fromkeys(exports, ("libshm.so", "libc10.so", "libc.so.6"))
    return Wheel(version, "linux_x86_64", f"torch-{version}.whl", None, (), exports, needed)


@pytest.mark.parametrize(
    ("name", "library"),
    [
        (b"_ZN2at5emptyEv", CPU),
        (b"_ZTVN2at6TensorE", CPU),
        (b"_ZGVZN3c104fooEvE1x", "libc10.so"),
        (b"_ZN4c10d5Store4waitEv", CPU),
        (b"_ZN10onnx_torch5ModelC1Ev", CPU),
        (b"_ZN9libkineto3apiEv", CPU),
        (b"_ZN3sdp28is_flash_attention_availableEv", "libtorch_cuda.so"),
        (b"_ZN22PackedLinearWeightFp166unpackEv", CPU),
        (b"_ZSt9to_stringRKSt10shared_ptrIN5torch3jit10tensorexpr4ExprEE", CPU),
        (b"_ZN8pybind116detail11type_casterIN2at6TensorEvE4loadENS_6handleEb", PYTHON),
        (b"_Z15THPVariable_NewN2at10TensorBaseE", PYTHON),
        (b"_Z11libshm_initPKc", "libshm.so"),
        (b"aoti_torch_cpu_bmm_out", CPU),
        (b"torch_call_dispatcher", CPU),
        (b"aoti_record_function_start", CPU),
        (b"THPVariableClass", PYTHON),
        (b"initModule", PYTHON),
        (b"FLAGS_caffe2_keep_on_shrink", "libc10.so"),
        (b"Sleef_expf8_u10", CPU),
        (b"cpuinfo_initialize", "libc10.so"),
    ],
)
def test_what_an_extension_may_ask_of_torch_is_kept(name: bytes, library: str) -> None:
    assert is_kept(name, library)


@pytest.mark.parametrize(
    ("name", "library"),
    [
        (b"cblas_sgemm", CPU),
        (b"mkl_blas_dgemm", CPU),
        (b"uv_loop_init", CPU),
        (b"xnn_run_operator", CPU),
        (b"magma_init", "libtorch_cuda_linalg.so"),
        (b"_ZN4gloo7ContextD1Ev", CPU),
        (b"_ZN6fbgemm4packEv", CPU),
        (b"_ZNSt6vectorIlSaIlEE9push_backERKl", CPU),
        (b"_ZdlPvm", "libc10.so"),
        (b"_ZGVcN4v_Sleef_acos_u10", CPU),
        (b"_init", "libc10.so"),
        (b"__bss_start", PYTHON),
        (b"_Z103__device_stub__ZN2at6native6kernelEPll", "libtorch_cuda.so"),
        (b"_ZN19__nv_hdl_wrapper_tILb0EN2at6TensorEE1fEv", "libtorch_cuda.so"),
        (b"_ZN2at6native47_GLOBAL__N__ce072f67_14_IndexKernel_cu_3e7731d16kernelEl", CPU),
    ],
)
def test_what_no_extension_asks_for_is_left_out(name: bytes, library: str) -> None:
    assert not is_kept(name, library)


@pytest.mark.parametrize(
    ("name", "library"),
    [(b"uv_loop_init", "libtorch_cpu.dylib"), (b"cblas_sgemm", "torch_cpu.dll")],
)
def test_where_imports_name_their_library_everything_is_kept(name: bytes, library: str) -> None:
    assert is_kept(name, library)


def test_only_libraries_of_torch_count() -> None:
    kept = kept_exports(wheel("2.9.0", c10=["_ZN3c101aEv"], gomp=["_ZN3c101aEv", "omp_init"]))

    assert kept == {"libc10.so": frozenset({b"_ZN3c101aEv"})}


def test_links_between_libraries_of_torch_are_kept_on_elf() -> None:
    linux = wheel("2.9.0", c10=[], gomp=[])
    ((release,), _) = contents([linux])
    assert release.needed == {"libc10.so": ("libc10.so", "libshm.so")}

    ((release,), _) = contents([replace(linux, platform="macosx_arm64")])
    assert release.needed is None


def test_a_name_has_a_bit_for_each_release_that_exports_it() -> None:
    releases, exports = contents(
        [
            wheel("2.9.0", c10=["_ZN3c101aEv", "_ZN3c101bEv"]),
            wheel("2.10.0", c10=["_ZN3c101aEv"], torch_cpu=["_ZN3c101bEv"]),
        ]
    )

    assert [one.version for one in releases] == ["2.9.0", "2.10.0"]
    assert releases[1].libraries == ("libc10.so", "libtorch_cpu.so")
    assert exports == {
        b"_ZN3c101aEv": {"libc10.so": 0b11},
        b"_ZN3c101bEv": {"libc10.so": 0b01, "libtorch_cpu.so": 0b10},
    }


def test_adding_a_release_is_reading_all_of_them() -> None:
    old = wheel("2.9.0", c10=["_ZN3c101aEv"])
    middle = wheel("2.9.1", c10=["_ZN3c101aEv", "_ZN3c101bEv"])
    new = wheel("2.10.0", c10=["_ZN3c101cEv"])

    assert merged(contents([old, new]), contents([middle])) == contents([old, middle, new])
    assert merged(contents([old, middle]), contents([new])) == contents([old, middle, new])


def test_a_release_read_again_replaces_what_was_known_of_it() -> None:
    old = wheel("2.9.0", c10=["_ZN3c101aEv"])
    wrong = wheel("2.10.0", c10=["_ZN3c101wrongEv", "_ZN3c101aEv"])
    right = wheel("2.10.0", c10=["_ZN3c101cEv"])

    assert merged(contents([old, wrong]), contents([right])) == contents([old, right])


def test_differences_name_the_release_and_the_library() -> None:
    before = contents([wheel("2.9.0", c10=["_ZN3c101aEv", "_ZN3c101bEv"])])
    after = contents([wheel("2.9.0", c10=["_ZN3c101aEv", "_ZN3c101cEv"])])

    assert differences(before, before) == []
    assert differences(before, after) == [
        "2.9.0 libc10.so: 1 more, 1 fewer, such as _ZN3c101bEv _ZN3c101cEv"
    ]
    (release, names) = differences(before, ([], {}))
    assert release.startswith("2.9.0: IndexedRelease(version='2.9.0'")
    assert names == "2.9.0 libc10.so: 0 more, 2 fewer, such as _ZN3c101aEv _ZN3c101bEv"


def test_the_abi_of_a_build_is_that_of_most_of_its_strings() -> None:
    new = b"_ZN3c101aENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"

    assert cxx11_abi({"libc10.so": frozenset({new, b"_ZN3c101bEv"})})
    assert not cxx11_abi({"libc10.so": frozenset({new, b"_ZN3c101bESs", b"_ZN3c101cESs"})})
    assert not cxx11_abi({"libc10.so": frozenset({b"_ZN3c101bESs"})})
