"""What is said of C shims: where they are declared, who has them, and what helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.explain.question import explain
from torch_abi_audit.knowledge import torch_shims
from torch_abi_audit.report.rendering import Detail, render

if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import Explanation

MISSING = "ImportError: /v/_C.so: undefined symbol: {}"
MISSING_ON_MACOS = (
    "ImportError: dlopen(/v/_C.so, 0x0002): Symbol not found: _{}\n"
    "  Referenced from: <0> /v/_C.so\n  Expected in: <0> /v/torch/lib/libtorch_cpu.dylib"
)


def text(answer: Explanation) -> str:
    return " ".join(render("explain", "text", answer, Detail()).split())


@pytest.mark.parametrize(
    "name",
    [
        "aoti_torch_item_float32",
        "aoti_torch_empty_strided",
        "aoti_torch_grad_mode_set_enabled",
        "aoti_torch_get_sizes",
    ],
)
def test_no_other_torch_helps_where_every_release_has_a_shim(name: str) -> None:
    answers = [explain(name), explain(MISSING.format(name))]
    for said in map(text, answers):
        assert "exports it" in said
        assert "install torch" not in said
        assert "TORCH_TARGET_VERSION" not in said
        assert "runs on torch 2.9 and later" in said
    assert answers[1].causes == ("not-linked-to-torch", "another-copy-loaded-first")


def test_no_target_below_the_first_one_is_advised() -> None:
    for name, shim in [*torch_shims.shims().items()][::7]:
        if shim.guard is None:
            said = " ".join(explain(MISSING.format(name.decode())).advice)
            assert "TORCH_TARGET_VERSION" not in said, name


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("aoti_torch_mps_start_encoding", MISSING),
        ("aoti_torch_mps_malloc", MISSING),
        ("torch_mps_set_arg_bytes", MISSING),
        ("aoti_torch_create_xpu_guard", MISSING_ON_MACOS),
        ("aoti_torch_cuda_guard_set_index", MISSING_ON_MACOS),
    ],
)
def test_no_torch_is_to_be_installed_where_none_has_the_device(name: str, question: str) -> None:
    said = explain(question.format(name))
    assert said.causes == ("incomplete-build",)
    assert "install" not in " ".join(said.advice)
    assert "out of the build" in " ".join(said.advice)


def test_a_device_that_another_build_has_is_named() -> None:
    said = " ".join(explain("aoti_torch_create_xpu_guard").advice)
    assert "install an XPU build of torch" in said
    assert "-DUSE_XPU" in said


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("torch_call_dispatcher", ("torch/csrc/stable/c/shim.h", "TARGET_VERSION of torch 2.10")),
        ("torch_has_storage", ("torch/csrc/stable/c/shim.h", "TARGET_VERSION of torch 2.14")),
        ("torch_set_current_cuda_stream", ("torch/csrc/stable/c/shim.h", "-DUSE_CUDA")),
        (
            "aoti_torch_cuda_caching_allocator_raw_alloc",
            ("torch/csrc/inductor/aoti_torch/c/shim.h", "-DUSE_CUDA", "runs on torch 2.10"),
        ),
        ("aoti_torch_cuda_mm_out", ("aoti_torch/generated/c_shim_cuda.h",)),
        ("aoti_torch_aten_narrow", ("aoti_torch/generated/c_shim_aten.h",)),
        ("aoti_torch_cpu__mkl_linear", ("aoti_torch/c/shim_cpu.h",)),
        ("aoti_torch_view_dtype", ("aoti_torch/c/shim_deprecated.h",)),
    ],
)
def test_what_a_build_needs_for_a_shim(name: str, words: tuple[str, ...]) -> None:
    said = text(explain(name))
    for word in words:
        assert word in said
