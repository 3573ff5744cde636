"""Names that a compiler does not find: known ones with what they need, and misspelt ones."""

from __future__ import annotations

import pytest

from torch_abi_audit.explain.question import explain

FAILED_BUILD = """error: 'STD_TORCH_CHEK' was not declared in this scope
ninja: build stopped: subcommand failed."""
TENSOR = "torch::stable::Tensor"


@pytest.mark.parametrize(
    "text",
    [
        f"a.cpp:3:5: error: 'class {TENSOR}' has no member named 'has_storage'",
        f"error: \u2018const class {TENSOR}\u2019 has no member named \u2018has_storage\u2019",
        f"a.cpp:3:5: error: no member named 'has_storage' in '{TENSOR}'",
        f'a.cu(3): error: class "{TENSOR}" has no member "has_storage"',
        f"a.cpp(3): error C2039: 'has_storage': is not a member of '{TENSOR}'",
    ],
)
def test_a_member_of_a_class_has_its_first_torch_and_target(text: str) -> None:
    answer = explain(text)
    assert answer.subject == f"{TENSOR}::has_storage"
    assert answer.advice == (
        "include <torch/csrc/stable/tensor.h>, of torch 2.14 or later",
        "raise TORCH_TARGET_VERSION to torch 2.14 or later: it hides newer names",
    )
    assert answer.fails == "extension"
    assert answer.file is None  # a class is none


@pytest.mark.parametrize(
    ("text", "subject", "words"),
    [
        (
            "error: 'permute' is not a member of 'torch::stable'",
            "torch::stable::permute",
            ("<torch/csrc/stable/ops.h>, of torch 2.14", "TORCH_TARGET_VERSION to torch 2.10"),
        ),
        (
            "error: 'torch_has_storage' was not declared in this scope",
            "torch_has_storage",
            ("<torch/csrc/stable/c/shim.h>", "TORCH_TARGET_VERSION to torch 2.14"),
        ),
        (
            "error: use of undeclared identifier 'torch_set_current_cuda_stream'",
            "torch_set_current_cuda_stream",
            ("-DUSE_CUDA",),
        ),
        (
            "error: 'STD_CUDA_CHECK' was not declared in this scope",
            "STD_CUDA_CHECK",
            ("<torch/csrc/stable/macros.h>", "-DUSE_CUDA"),
        ),
    ],
)
def test_a_name_that_is_not_declared_has_what_declares_it(
    text: str, subject: str, words: tuple[str, ...]
) -> None:
    answer = explain(text)
    assert answer.subject == subject
    for word in words:
        assert any(word in one for one in answer.advice), answer.advice


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("error: 'STD_TORCH_CHEK' was not declared in this scope", "STD_TORCH_CHECK"),
        ("error: use of undeclared identifier 'TORCH_CHEK'", "TORCH_CHECK"),
        ('error: identifier "TORCH_CHEK" is undefined', "TORCH_CHECK"),
        ("error C3861: 'STD_TORCH_CHEK': identifier not found", "STD_TORCH_CHECK"),
        (f"error: 'class {TENSOR}' has no member named 'has_storag'", f"{TENSOR}::has_storage"),
        ("error: no member named 'premute' in 'at::Tensor'", "at::Tensor::permute"),
        ("error: 'kFlot' is not a member of 'at'", "at::kFloat"),
        ("error: 'emty' is not a member of 'torch::stable'", "torch::stable::empty"),
        ("fatal error: ATen/ATn.h: No such file or directory", "ATen/ATen.h"),
        ("fatal error: 'torch/csrc/stable/op.h' file not found", "torch/csrc/stable/ops.h"),
        ("fatal error C1083: Cannot open include file: 'torch/extention.h'", "torch/extension.h"),
        (
            FAILED_BUILD,
            "STD_TORCH_CHECK",
        ),
    ],
)
def test_a_misspelt_name_in_an_error_has_the_one_that_was_meant(text: str, meant: str) -> None:
    answer = explain(text)
    assert meant in answer.nearby
    assert answer.advice == (f"write {answer.nearby[0]} if that is meant",)


@pytest.mark.parametrize(
    "text",
    [
        "error: 'foo_bar' was not declared in this scope",
        "error: 'size' is not a member of 'std'",
        "error: 'class my::Tensor' has no member named 'premute'",
        "fatal error: mylib/own.h: No such file or directory",
    ],
)
def test_a_name_of_others_is_not_called_one_of_torch(text: str) -> None:
    answer = explain(text)
    assert answer.nearby == ()
    assert not any("torch" in one for one in answer.is_a)
