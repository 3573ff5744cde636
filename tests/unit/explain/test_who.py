"""Who fails, by the file in the message and the frames; and where an import can be the cause."""

from __future__ import annotations

import pytest

from torch_abi_audit.explain.explanation import Cause, Fails, Installed
from torch_abi_audit.explain.question import explain
from torch_abi_audit.report.rendering import Detail, render

SITE = "/v/lib/python3.12/site-packages"
TORCH_FRAME = (
    f'  File "{SITE}/torch/__init__.py", line 237, in <module>\n    from torch._C import *\n'
)
OPS_FRAME = f'  File "{SITE}/torch/_ops.py", line 1442, in load_library\n    ctypes.CDLL(path)\n'
NOT_FOUND = "cannot open shared object file: No such file or directory"
IMPORT = "import torch before"


@pytest.mark.parametrize(
    ("text", "fails"),
    [
        (f"{SITE}/torch/lib/libtorch_cuda.so: undefined symbol: ncclCommRegister", Fails.TORCH),
        (f"{SITE}/torch/_C.cpython-312-x86_64-linux-gnu.so: undefined symbol: x_y", Fails.TORCH),
        ("libtorch_cuda.so: undefined symbol: ncclCommRegister", Fails.TORCH),
        (f"{TORCH_FRAME}ImportError: libcudnn.so.9: {NOT_FOUND}", Fails.TORCH),
        (
            (f"{SITE}/torch/lib/../../nvidia/cusparse/lib/libcusparse.so.12: undefined symbol: "
            "__nvJitLinkComplete_12_4, version libnvJitLink.so.12"),
            Fails.CUDA,
        ),
        ("/usr/local/cuda/lib64/libcudnn_ops.so.9: undefined symbol: cudnnGetVersion", Fails.CUDA),
        ("/opt/rocm/lib/libMIOpen.so.1: undefined symbol: hipFoo", Fails.ROCM),
        ("/opt/intel/oneapi/lib/libmkl_core.so.2: undefined symbol: x_y", Fails.ONEAPI),
        ("/usr/lib/x86_64-linux-gnu/libstdc++.so.6: undefined symbol: x_y", Fails.CXX),
        (f"{SITE}/numpy/core/_multiarray.so: undefined symbol: x_y", Fails.OTHER),
        ("/usr/lib/libprotobuf.so.32: undefined symbol: x_y", Fails.OTHER),
        ("/v/lib/python3.12/lib-dynload/_ctypes.so: undefined symbol: ffi_prep_cif", Fails.PYTHON),
        (f"{SITE}/flash_attn_2_cuda.so: undefined symbol: x_y", Fails.EXTENSION),
        (f"{SITE}/functorch/_C.so: undefined symbol: x_y", Fails.EXTENSION),
        ("/w/build/libadd2.so: undefined symbol: x_y", Fails.EXTENSION),
        (
            ("C:\\v\\torch\\__init__.py\", line 129, in <module>\nOSError: [WinError 126] The "
            'specified module could not be found. Error loading "C:\\v\\torch\\lib\\c10.dll" or '
            "one of its dependencies."),
            Fails.TORCH,
        ),
    ],
)  # fmt: skip
def test_who_fails(text: str, fails: Fails) -> None:
    assert explain(text).fails is fails


@pytest.mark.parametrize(
    "text",
    [
        # an undefined symbol on Linux
        f"{SITE}/pkg/_C.so: undefined symbol: _ZN3c106detail14torchCheckFailEPKcS2_jS2_",
        f"{SITE}/pkg/_C.so: undefined symbol: THPVariableClass",
        f"{SITE}/pkg/_C.so: undefined symbol: torch_call_dispatcher",
        # torch was imported
        f"{OPS_FRAME}OSError: libtorch_cuda.so: {NOT_FOUND}",
        f"{OPS_FRAME}OSError: libcudart.so.12: {NOT_FOUND}",
        # torch itself fails
        f"{TORCH_FRAME}ImportError: libcudnn.so.9: {NOT_FOUND}",
        f"{TORCH_FRAME}ImportError: libgomp.so.1: {NOT_FOUND}",
        f"{TORCH_FRAME}ImportError: DLL load failed: The specified module could not be found.",
        # nothing was loaded yet
        "a.o: undefined reference to `at::_ops::relu::call(at::Tensor const&)'",
        "a.obj : error LNK2001: unresolved external symbol aoti_torch_check",
        # libraries that torch does not open
        f"ImportError: libnppicc.so.12: {NOT_FOUND}",
    ],
)
@pytest.mark.parametrize("installed", [None, Installed("2.13.0+cu130", "13.0")])
def test_an_import_is_not_blamed_where_it_cannot_be_the_cause(
    text: str, installed: Installed | None
) -> None:
    answer = explain(text, installed)
    assert Cause.IMPORT_ORDER not in answer.causes
    assert IMPORT not in render("explain", "text", answer, Detail()).lower()


@pytest.mark.parametrize(
    "text",
    [
        f'  File "{SITE}/pkg/__init__.py", line 1\nImportError: libc10.so: {NOT_FOUND}',
        (
            "ImportError: dlopen(/v/_C.so, 2): Symbol not found: _THPVariableClass\n"
            "  Referenced from: /v/_C.so\n  Expected in: flat namespace\n in /v/_C.so"
        ),
    ],
)
def test_an_import_is_blamed_where_it_can_be_the_cause(text: str) -> None:
    assert Cause.IMPORT_ORDER in explain(text).causes


@pytest.mark.parametrize(
    ("text", "library"),
    [
        (f"{SITE}/torch/lib/libtorch_cuda.so: undefined symbol: ncclCommRegister", "libnccl"),
        (
            (
                "/v/libcublas.so.11: symbol cublasLtGetStatusString, version libcublasLt.so.11 not "
                "defined in file libcublasLt.so.11 with link time reference"
            ),
            "libcublasLt.so.11",
        ),
        (
            (
                "/w/batch_prefill.so: undefined symbol: cudaGetDriverEntryPointByVersion, version "
                "libcudart.so.12"
            ),
            "libcudart.so.12",
        ),
        (
            (
                "Symbol not found: _cusparseGetErrorString\n  Referenced from: /v/torch/lib/"
                "libtorch_cuda.dylib\n  Expected in: /usr/local/cuda/lib/libcusparse.10.dylib\n"
            ),
            "/usr/local/cuda/lib/libcusparse.10.dylib",
        ),
    ],
)
def test_a_library_that_was_found_is_older(text: str, library: str) -> None:
    answer = explain(text)
    assert answer.causes[0] is Cause.OTHER_COPY
    assert any(library in one for one in answer.why)
    assert any("LD_LIBRARY_PATH" in one for one in answer.advice)


def test_an_extension_that_was_not_linked_to_a_cuda_library() -> None:
    answer = explain("/w/random_ltd.so: undefined symbol: curandCreateGenerator")
    assert answer.causes[0] is Cause.INCOMPLETE_BUILD
    assert answer.advice[0] == "link -lcurand when building the package"
