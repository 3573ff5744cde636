"""Headers that a source got from torch's, and needs by itself once those are gone.

Without each of them the source after the change does not compile with the headers of torch 2.10.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.port.source import reading
from torch_abi_audit.port.source.edits import edited

if TYPE_CHECKING:
    from torch_abi_audit.port.source.findings import SourceFile


def changed(text: str, name: str = "a.cpp") -> str:
    data = text.encode()

    def read(data: bytes) -> SourceFile:
        return reading.read(name, data, "2.10.0")

    return edited(data, read(data), read).data.decode()


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("#include <torch/script.h>\nint64_t n;", "#include <cstdint>\nint64_t n;"),
        ("#include <torch/script.h>\nfloat x = FLT_MAX;", "#include <cfloat>\nfloat x = FLT_MAX;"),
        (
            "#include <torch/script.h>\nvoid f(at::Tensor x) { int64_t n; assert(n); }",
            ("#include <torch/csrc/stable/tensor.h>\n"
            "void f(torch::stable::Tensor x) { int64_t n; assert(n); }"),
        ),
        (
            "#include <c10/cuda/CUDAStream.h>\n#include <c10/cuda/CUDAGuard.h>\ncudaStream_t s;",
            "#include <cuda_runtime_api.h>\ncudaStream_t s;",
        ),
        (
            "#include <cuda_runtime.h>\n#include <c10/cuda/CUDAStream.h>\ncudaStream_t s;",
            "#include <cuda_runtime.h>\ncudaStream_t s;",
        ),
        ("#include <ATen/ATen.h>\ncudaStream_t s;", "cudaStream_t s;"),
        (
            "#include <ATen/cuda/CUDAContext.h>\ncublasHandle_t h;",
            "#include <cublas_v2.h>\ncublasHandle_t h;",
        ),
        (
            "#ifdef WITH_CUDA\n#include <c10/cuda/CUDAStream.h>\ncudaStream_t s;\n#endif\n",
            "#ifdef WITH_CUDA\n#include <cuda_runtime_api.h>\ncudaStream_t s;\n#endif\n",
        ),
        (
            ("#if A\n#include <c10/cuda/CUDAGuard.h>\n#endif\n"
            "#include <c10/cuda/CUDAStream.h>\ncudaStream_t s;"),
            "#if A\n#endif\n#include <cuda_runtime_api.h>\ncudaStream_t s;",
        ),
        (
            ("#if A\n#include <c10/cuda/CUDAGuard.h>\n#else\n#include <c10/cuda/CUDAStream.h>\n"
            "#endif\ncudaStream_t s;"),
            ("#if A\n#include <cuda_runtime_api.h>\n#else\n#include <cuda_runtime_api.h>\n"
            "#endif\ncudaStream_t s;"),
        ),
        ("#include <torch/extension.h>\nPyObject* x;", "#include <Python.h>\nPyObject* x;"),
        (
            "#include <Python.h>\n#include <torch/extension.h>\nPyObject* x;",
            "#include <Python.h>\nPyObject* x;",
        ),
        ("#include <ATen/ATen.h>\nPyObject* x;", "PyObject* x;"),
    ],
)  # fmt: skip
def test_a_source_keeps_what_torch_headers_brought(text: str, after: str) -> None:
    assert changed(text) == after


def test_a_header_brings_the_cuda_runtime_to_its_sources() -> None:
    text = "#include <c10/cuda/CUDAStream.h>\nvoid f(int);"
    assert changed(text) == "void f(int);"
    assert "#include <cuda_runtime_api.h>\n" in changed(text, "a.h")
