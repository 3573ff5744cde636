"""Names as sources and builds spell them: what the answers say, and what they must not say.

The headers and releases are those of torch's repository, looked up by hand: ``git log`` of the
headers, and the wheels' ``torch/include``.
"""

from __future__ import annotations

import re
import time

import pytest

from torch_abi_audit.explain.explanation import Explanation, Installed
from torch_abi_audit.explain.names.declared import spelled
from torch_abi_audit.explain.names.near import near
from torch_abi_audit.explain.question import explain
from torch_abi_audit.knowledge import replacements, torch_names, torch_shims
from torch_abi_audit.report.rendering import Detail, render


def said(name: str) -> str:
    return " ".join(render("explain", "text", explain(name), Detail()).split())


UNSTABLE = "libtorch's C++ API, which is not stable"
STABLE = "of the LibTorch Stable ABI"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("TORCH_CHECK", (f"a macro of {UNSTABLE}", "c10/util/Exception.h", "STD_TORCH_CHECK")),
        ("TORCH_CHECK_EQ", (UNSTABLE, "c10/util/", "STD_TORCH_CHECK")),
        ("AT_DISPATCH_FLOATING_TYPES", (UNSTABLE, "ATen/Dispatch.h", "THO_DISPATCH")),
        ("AT_DISPATCH_ALL_TYPES_AND_COMPLEX_AND3", (UNSTABLE, "ATen/Dispatch.h")),
        ("TORCH_LIBRARY", (UNSTABLE, "torch/library.h", "STABLE_TORCH_LIBRARY")),
        ("TORCH_LIBRARY_IMPL", (UNSTABLE, "STABLE_TORCH_LIBRARY_IMPL")),
        ("C10_CUDA_CHECK", (UNSTABLE, "c10/cuda/CUDAException.h", "STD_CUDA_CHECK")),
        ("at::empty", (f"a function of {UNSTABLE}", "ATen/ops/empty.h", "torch::stable::empty")),
        ("torch::empty", (UNSTABLE, "torch::stable::empty")),
        ("at::kFloat", (f"a constant of {UNSTABLE}", "c10::kFloat", "ScalarType")),
        ("torch::kFloat32", (UNSTABLE, "torch/types.h")),
        ("c10::cuda::CUDAGuard", (f"a type of {UNSTABLE}", "c10/cuda/CUDAGuard.h", "DeviceGuard")),
        ("CUDAGuard", ("c10::cuda::CUDAGuard, declared by c10/cuda/CUDAGuard.h",)),
        ("torch::autograd::Function", (UNSTABLE, "register_autograd")),
        (".accessor", ("a method", "at::TensorBase::accessor", "ATen/core/TensorBase.h")),
        ("t.accessor<float, 2>()", ("at::TensorBase::accessor",)),
        ("at::Tensor::permute", ("a method", "torch::stable::permute", "headers of torch 2.14")),
        ("at::Tensor", ("ATen/core/TensorBody.h", "torch::stable::Tensor")),
        ("torch::Tensor", ("at::Tensor, declared by ATen/core/TensorBody.h",)),
        ("at::ScalarType", ("spelt in the namespace at", "headers outside the stable ABI")),
        ("THPVariable_Wrap", ("exported by: torch 2.6.0 to", "libtorch_python.so")),
        ("c10::cuda::current_device", ("libc10_cuda.so", "c10/cuda/CUDAFunctions.h")),
        ("at::mul", ('stands for the overload that fits: "Tensor"',)),
        ("at::globalContext", ("exported by: torch 2.4.0 to", "in Python")),
        ("aten::mul.Tensor", ("an operator of ATen", "torch 2.9 to")),
        ("aten::add", ("an operator of ATen", "overloads:", "Tensor", "cannot carry Scalar")),
        ("PYBIND11_MODULE", ("a macro of pybind11", "pybind11/detail/common.h")),
        ("STD_TORCH_CHECK", (f"a macro {STABLE}", "torch/headeronly/util/Exception.h", "2.9")),
        ("torch::stable::empty", (f"a function {STABLE}", "ops.h", "headers of torch 2.10")),
        ("torch::stable::permute", ("headers of torch 2.14", "TORCH_TARGET_VERSION of torch 2.10")),
        ("torch::stable::Tensor", (f"a type {STABLE}", "include <torch/csrc/stable/tensor.h>")),
        (
            "torch::headeronly::kCUDA",
            (f"a constant {STABLE}", "torch/headeronly/core/DeviceType.h"),
        ),
        ("THO_DISPATCH_V2", (f"a macro {STABLE}", "Dispatch_v2.h", "headers of torch 2.10")),
        ("StableLibrary::def", (f"a method {STABLE}", "headers of torch 2.9", "Library::def")),
        ("STABLE_TORCH_LIBRARY", (f"a macro {STABLE}", "torch/csrc/stable/library.h")),
        ("c10::Half", (f"a type {STABLE}", "torch/headeronly/util/Half.h")),
        ("TORCH_TARGET_VERSION", ("a macro that a build defines", "0x020a000000000000")),
        ("-DTORCH_TARGET_VERSION=0x0210000000000000", ("would be torch 2.16",)),
        ("TORCH_STABLE_ONLY", ("a macro that a build defines",)),
        ("USE_CUDA", ("a macro that a build defines", "aoti_torch_get_current_cuda_stream")),
        ("torch/extension.h", ("a header of torch outside the LibTorch Stable ABI",)),
        ("#include <ATen/ATen.h>", ("a header of torch outside the LibTorch Stable ABI",)),
        ('#include "torch/csrc/stable/ops.h"', ("a header of the LibTorch Stable ABI",)),
        ("cudaLaunchKernel", ("the CUDA runtime, a library of NVIDIA", "-lcudart")),
        ("cublasCreate_v2", ("cuBLAS, a library of NVIDIA",)),
        ("cudnnCreate", ("cuDNN, a library of NVIDIA",)),
        ("ncclAllReduce", ("NCCL, a library of NVIDIA",)),
        ("cuLaunchKernel", ("the NVIDIA driver",)),
        ("omp_get_max_threads", ("an OpenMP runtime",)),
        ("mkl_sparse_d_create_csr", ("Intel's MKL", "libtorch_cpu.so of torch", "not torch's")),
        ("Sleef_sinf8_u10", ("SLEEF", "libtorch_cpu.so of torch", "not torch's")),
        ("cpuinfo_initialize", ("cpuinfo", "libc10.so", "not torch's")),
        ("uv_loop_init", ("libuv", "libtorch_cpu.so of torch")),
        ("sgemm_", ("BLAS and LAPACK", "libtorch_cpu.so of torch")),
        ("cblas_sgemm", ("a function of BLAS", "none of torch's own libraries exports it")),
        ("_ZN4gloo7ContextD1Ev", ("a name of Gloo", "libtorch_cpu.so")),
        ("gloo::Context", ("a name of Gloo", "the mangled name is needed")),
    ],
)
def test_what_is_said_of_a_name(name: str, words: tuple[str, ...]) -> None:
    text = said(name)
    for each in words:
        assert each in text, text
    assert "likely cause" not in text
    assert "which project the symbol belongs to" not in text


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("TORCH_CHEK", "TORCH_CHECK"),
        ("torch_check", "TORCH_CHECK"),
        ("torch::stable::emty", "torch::stable::empty"),
        ("torch::stabel::empty", "torch::stable::empty"),
        ("aoti_torch_get_sizes_", "aoti_torch_get_sizes"),
        ("torch_call_dispatch", "torch_call_dispatcher"),
        ("AT_DISPATCH_FLOATING_TYPE", "AT_DISPATCH_FLOATING_TYPES"),
        ("STABLE_TORCH_LIBRRAY", "STABLE_TORCH_LIBRARY"),
        ("at::emtpy", "at::empty"),
        ("c10::cuda::CUDAGaurd", "c10::cuda::CUDAGuard"),
        ("at::Tensor::premute", "at::Tensor::permute"),
        ("at::Tensor::sizzes", "at::Tensor::sizes"),
        ("torch::Tensor::contigous", "torch::Tensor::contiguous"),
        ("torch::stable::Tensor::has_storag", "torch::stable::Tensor::has_storage"),
        ("at::kFlot", "at::kFloat"),
        ("torch::kFlot", "torch::kFloat"),
        (".accesor", "accessor"),
        ("x.accesor<float, 2>()", "accessor"),
        ("#include <ATen/ATn.h>", "ATen/ATen.h"),
        ("torch/csrc/stable/op.h", "torch/csrc/stable/ops.h"),
        ("torch/csrc/stabel/tensor.h", "torch/csrc/stable/tensor.h"),
        ("torch/extention.h", "torch/extension.h"),
        ("c10/cuda/CUDAGaurd.h", "c10/cuda/CUDAGuard.h"),
        ("TORCH_TARGET_VERISON", "TORCH_TARGET_VERSION"),
        ("unstable-torch-symbol", "unstable-torch-symbols"),
        ("T10", "T101"),
        ("UNSTABEL", "UNSTABLE"),
        ("uses-privat-api", "uses-private-api"),
    ],
)
def test_a_misspelt_name_is_near_the_one_that_was_meant(asked: str, meant: str) -> None:
    answer = explain(asked)
    assert meant in answer.nearby
    assert len(answer.nearby) <= 3
    assert answer.causes == ("unknown",)
    assert f"did you mean: {meant}" in said(asked)


@pytest.mark.parametrize("asked", ["hello", "T999", "x", "", "a b", "my_own_function", "std::sort"])
def test_nothing_is_near_a_name_that_is_like_none(asked: str) -> None:
    assert near(asked) == ()


@pytest.mark.parametrize(
    "name",
    ["ncclAllReduse", "cudaMaloc", "cublasSgem", "cuLaunchKernal", "mkl_foo", "omp_set_thread"],
)
def test_a_name_of_which_only_the_beginning_is_known_is_not_called_one(name: str) -> None:
    answer = explain(name)
    assert answer.is_a[0].startswith("named like a ")
    assert answer.provider is None
    assert all(one.startswith("if it is one, ") for one in answer.advice)
    assert answer.unknown


@pytest.mark.parametrize(
    "name",
    ["at::Tensor::sizes", "at::Tensor::strides", "at::expand_outplace", "c10::Scalar::toByte"],
)
def test_a_copy_of_an_inline_function_is_not_taken_for_its_provider(name: str) -> None:
    answer = explain(name)
    assert answer.provider is None
    assert answer.history is None
    assert "inlined from the header" in answer.why[0]


def test_functions_of_their_own_libraries_are_provided() -> None:
    for name in ("at::cuda::getCurrentCUDABlasHandle", "c10::cuda::device_count", "at::Tensor::to"):
        assert explain(name).provider, name


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("has_storage", ("TARGET_VERSION of torch 2.14", "runs on torch 2.14")),
        ("mutable_data_ptr", ("TARGET_VERSION of torch 2.10", "runs on torch 2.10")),
        ("sizes", ("headers of torch 2.10", "runs on torch 2.9")),
        ("dim", ("headers of torch 2.9", "runs on torch 2.9")),
    ],
)
def test_methods_have_the_target_and_the_oldest_torch(name: str, words: tuple[str, ...]) -> None:
    text = said(f"torch::stable::Tensor::{name}")
    for word in (*words, "include <torch/csrc/stable/tensor.h>"):
        assert word in text


def test_a_macro_of_cuda_has_the_macro_that_declares_it() -> None:
    assert "-DUSE_CUDA" in said("STD_CUDA_CHECK")


@pytest.mark.parametrize(
    "name",
    [
        "float const* torch::stable::Tensor::const_data_ptr<float, 0>() const",
        "double* torch::stable::Tensor::mutable_data_ptr<double, 0>() const",
        "torch::stable::Tensor::dim() const",
    ],
)
def test_a_function_with_its_return_type_is_of_the_stable_headers(name: str) -> None:
    text = said(f"undefined reference to `{name}'")
    assert "torch's header-only C++ API" in text
    assert "include <torch/csrc/stable/tensor.h>" in text


def test_a_known_name_is_not_near_to_others() -> None:
    for name in ("TORCH_CHECK", "torch::stable::empty", "aoti_torch_get_sizes", "T101", "STABLE"):
        assert explain(name).nearby == ()


def test_looking_for_what_is_near_takes_bounded_time() -> None:
    near("TORCH_CHEK")  # reads the tables
    for asked in ("a" * 100, "torch::" * 14, "AT_DISPATCH_" * 8, "\u00e9" * 50, "x" * 1_000_000):
        started = time.process_time()
        near(asked)
        assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("x.sizes()", "sizes"),
        ("->data_ptr<float>()", "data_ptr"),
        ("::at::empty", "at::empty"),
        ("TORCH_CHECK(", "TORCH_CHECK"),
        ("AT_DISPATCH_ALL_TYPES(...);", "AT_DISPATCH_ALL_TYPES"),
        ("c10::detail::torchCheckFail(char const*)", "c10::detail::torchCheckFail(char const*)"),
    ],
)
def test_a_name_is_read_as_a_source_spells_it(text: str, name: str) -> None:
    assert spelled(text) == name


def test_every_name_of_the_table_of_replacements_is_known() -> None:
    """APIs, and what to write in their place, as far as they are one name."""
    whole = re.compile(r"[A-Za-z_]\w*(?:::\w+)+(?!\[)|[A-Z][A-Z0-9]*_[A-Z0-9_]+\b(?!…)")
    names = {
        name
        for row in replacements.rows()
        for text in (*row.api.split(", "), row.use or "")
        for name in whole.findall(text)
        if not name.startswith("std::")
    }
    assert len(names) > 120
    unknown = {name for name in names if explain(name).causes == ("unknown",)}
    no_names = {"Tensor::operato"}  # cut off
    assert unknown <= no_names, "names that explain does not know"


def test_every_header_that_replacements_need_is_stable() -> None:
    for header in sorted({row.header for row in replacements.rows() if row.header}):
        assert "a header of the LibTorch Stable ABI" in said(f"#include <{header}>"), header


def test_rows_agree_with_the_headers() -> None:
    """No row promises a name of the stable headers before the headers have it."""
    order = {release: at for at, release in enumerate(torch_names.releases())}
    checked = 0
    for row in replacements.rows():
        use = re.sub(r"^Tensor::", "torch::stable::Tensor::", row.use or "")
        found = torch_names.find(use)
        if found is None or row.since is None or "detail" in found.name:
            continue
        assert found.stable, row.api
        assert order[row.since] >= order[found.first], row.api
        checked += 1
    assert checked > 40


def test_stable_names_have_the_first_target_that_offers_them() -> None:
    stable = [one for one in torch_names.every().values() if one.stable]
    assert len(stable) > 300
    assert all(one.target or one.last != torch_names.releases()[-1] for one in stable)
    assert not [one.name for one in torch_names.every().values() if one.target and not one.stable]
    assert not torch_shims.shim_names() & {name.encode() for name in torch_names.every()}


@pytest.mark.parametrize(
    ("text", "words", "never"),
    [
        (
            "ImportError: /v/_C.so: undefined symbol: mkl_sparse_d_create_csr",
            ("a function of Intel's MKL", "libtorch_cpu.so of torch"),
            "no known torch release exports",
        ),
        (
            "ImportError: /v/_C.so: undefined symbol: _ZN6fbgemm10BCSRMatrixIaLi1ELi4EE4packEPKa",
            ("FBGEMM",),
            "no torch release exports it",
        ),
        (
            "ImportError: /v/_C.so: undefined symbol: uv_loop_init",
            ("a C library that the system and conda both bring", "libtorch_cpu.so of torch"),
            "no known torch release",
        ),
    ],
)
def test_a_missing_name_that_torch_has_a_copy_of(
    text: str, words: tuple[str, ...], never: str
) -> None:
    shown = said(text)
    for each in words:
        assert each in shown, shown
    assert never not in shown
    assert "likely cause" in shown


def test_a_name_without_a_file_of_copies_is_answered_on_every_platform() -> None:
    for platform in ("linux_aarch64", "macosx_11_0_arm64", "win_amd64"):
        answer: Explanation = explain("TORCH_CHECK", Installed("2.13.0"), "3.12", platform)
        assert "c10/util/Exception.h" in " ".join(answer.is_a)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("sm_120", ("machine code for compute capability 12.0", "RTX 50", "12.8", "cu130")),
        ("sm_90a", ("exactly compute capability 9.0", "H100")),
        ("compute_80", ("PTX that the driver compiles for compute capability 8.0", "A100")),
        ("sm_100f", ("family of compute capability 10.0",)),
        ("gfx942", ("AMD", "MI300", 'PYTORCH_ROCM_ARCH="gfx942"')),
        ("RTX 4090", ("sm_89", 'TORCH_CUDA_ARCH_LIST="8.9"')),
        ("Tesla V100-SXM2-32GB", ("sm_70", "13.0", "for CUDA 12.6: pip install torch==")),
    ],
)
def test_gpus_and_architectures(asked: str, words: tuple[str, ...]) -> None:
    answer = explain(asked)
    assert answer.kind == "gpu"
    assert answer.causes == ()
    text = "\n".join((*answer.is_a, *answer.why, *answer.advice))
    assert all(word in text for word in words), text


def test_a_jetson_is_not_advised_a_torch_for_another_machine() -> None:
    text = "\n".join((*explain("sm_101").why, *explain("sm_101").advice))
    assert "no published build of torch" in text
    assert "pip install" not in text
