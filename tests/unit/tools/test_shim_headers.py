"""The header parser on sample text: every form in torch's headers, and forms that may come."""

from __future__ import annotations

import textwrap

import pytest

from tools.shim_headers import Declaration, GeneratorError, declarations

SHIM = "torch/include/torch/csrc/inductor/aoti_torch/c/shim.h"
GENERIC = Declaration("generic", deprecated=False, guard=None)


def parsed(text: str, header: str = SHIM) -> dict[str, Declaration]:
    return declarations(header, textwrap.dedent(text))


def test_declarations_on_one_line_and_on_many() -> None:
    found = parsed(
        """
        extern "C" {
        AOTI_TORCH_EXPORT int32_t aoti_torch_device_type_cpu();
        AOTI_TORCH_EXPORT const char* torch_exception_get_what();
        AOTI_TORCH_EXPORT AOTITorchError
        aoti_torch_clone(AtenTensorHandle self, AtenTensorHandle* ret);
        AOTI_TORCH_EXPORT AOTITorchError aoti_torch_library_impl(
            TorchLibraryHandle self,
            void (*fn)(StableIValue*, uint64_t, uint64_t));
        }
        """
    )

    assert found == dict.fromkeys(
        (
            "aoti_torch_device_type_cpu",
            "torch_exception_get_what",
            "aoti_torch_clone",
            "aoti_torch_library_impl",
        ),
        GENERIC,
    )


def test_comments_literals_and_other_code_declare_nothing() -> None:
    found = parsed(
        r"""
        // AOTI_TORCH_EXPORT void aoti_torch_in_line();
        /* AOTI_TORCH_EXPORT void aoti_torch_in_block();
           AOTI_TORCH_EXPORT void aoti_torch_in_block_too(); */
        const char* text = "AOTI_TORCH_EXPORT void aoti_torch_in_text(); // \" /*";
        using StableIValue = uint64_t;
        typedef void (*ParallelFunc)(int64_t begin, int64_t end, void* ctx);
        inline void aoti_torch_inline() { aoti_torch_called(); }
        AOTI_TORCH_EXPORT void aoti_torch_real( // AOTI_TORCH_EXPORT void aoti_torch_beside();
            int32_t first /* ( */);
        """
    )

    assert list(found) == ["aoti_torch_real"]


def test_the_definition_of_the_marker_is_no_declaration() -> None:
    found = parsed(
        """
        #ifdef __GNUC__
        #define AOTI_TORCH_EXPORT __attribute__((__visibility__("default")))
        #else
        #define AOTI_TORCH_EXPORT
        #endif
        """
    )

    assert found == {}


def test_deprecation_belongs_to_the_declaration_it_precedes() -> None:
    found = parsed(
        """
        [[deprecated(
            "aoti_torch_mm_out is deprecated and will be removed; see (docs).")]]
        AOTI_TORCH_EXPORT AOTITorchError aoti_torch_mm_out(AtenTensorHandle out);
        AOTI_TORCH_EXPORT AOTITorchError aoti_torch_zero_(AtenTensorHandle self);
        // deprecated, says this comment
        AOTI_TORCH_EXPORT AOTITorchError aoti_torch_copy_(AtenTensorHandle self);
        C10_DEPRECATED AOTI_TORCH_EXPORT void aoti_torch_old();
        """
    )

    assert {name: d.deprecated for name, d in found.items()} == {
        "aoti_torch_mm_out": True,
        "aoti_torch_zero_": False,
        "aoti_torch_copy_": False,
        "aoti_torch_old": True,
    }


def test_all_in_the_header_of_deprecated_shims_are() -> None:
    found = parsed(
        "AOTI_TORCH_EXPORT void aoti_torch_f();", SHIM.replace("shim", "shim_deprecated")
    )

    assert found["aoti_torch_f"].deprecated


def test_guards_hold_between_if_and_endif() -> None:
    found = parsed(
        """
        #if TORCH_FEATURE_VERSION >= TORCH_VERSION_2_10_0
        AOTI_TORCH_EXPORT void torch_a();
        #if TORCH_FEATURE_VERSION >= TORCH_VERSION_2_9_0
        AOTI_TORCH_EXPORT void torch_b();
        #endif // TORCH_FEATURE_VERSION >= TORCH_VERSION_2_9_0
        #else
        AOTI_TORCH_EXPORT void torch_c();
        #endif // TORCH_FEATURE_VERSION >= TORCH_VERSION_2_10_0
        AOTI_TORCH_EXPORT void torch_d();
        """
    )

    assert {name: d.guard for name, d in found.items()} == {
        "torch_a": "2.10.0",
        "torch_b": "2.10.0",
        "torch_c": None,
        "torch_d": None,
    }


def test_a_guard_of_another_form_is_refused_with_its_header() -> None:
    with pytest.raises(GeneratorError, match=r"shim\.h: unknown version guard: .* == "):
        parsed(
            """
            #if TORCH_FEATURE_VERSION == TORCH_VERSION_2_10_0
            AOTI_TORCH_EXPORT void torch_a();
            #endif
            """
        )


@pytest.mark.parametrize(
    ("header", "device"),
    [
        ("aoti_torch/c/shim.h", "generic"),
        ("aoti_torch/c/shim_cpu.h", "cpu"),
        ("aoti_torch/c/shim_mkldnn.h", "cpu"),
        ("aoti_torch/c/shim_mps.h", "mps"),
        ("aoti_torch/generated/c_shim_aten.h", "generic"),
        ("aoti_torch/generated/c_shim_cuda.h", "cuda"),
        ("aoti_torch/generated/c_shim_xpu.h", "xpu"),
        ("stable/c/shim.h", "generic"),
    ],
)
def test_the_header_says_the_device(header: str, device: str) -> None:
    assert parsed("AOTI_TORCH_EXPORT void torch_f();", header)["torch_f"].device == device


def test_a_section_or_a_name_says_the_device_in_a_generic_header() -> None:
    found = parsed(
        """
        #ifdef USE_CUDA
        AOTI_TORCH_EXPORT void torch_set_current_cuda_stream();
        #endif // USE_CUDA
        #if defined(USE_MPS)
        AOTI_TORCH_EXPORT void torch_mps_set_arg_bytes();
        #endif
        #ifndef USE_XPU
        AOTI_TORCH_EXPORT void torch_without_xpu();
        #endif
        AOTI_TORCH_EXPORT void aoti_torch_cpu__wrapped_linear_prepack();
        AOTI_TORCH_EXPORT void aoti_torch_device_type_cuda();
        """
    )

    assert {name: d.device for name, d in found.items()} == {
        "torch_set_current_cuda_stream": "cuda",
        "torch_mps_set_arg_bytes": "mps",
        "torch_without_xpu": "generic",
        "aoti_torch_cpu__wrapped_linear_prepack": "cpu",
        "aoti_torch_device_type_cuda": "generic",
    }


def test_families_that_a_macro_declares_are_expanded() -> None:
    found = parsed(
        """
        #define DECLARE_ITEM(name, ctype)                   \\
          AOTI_TORCH_EXPORT AOTITorchError                  \\
              aoti_torch_item_##name(AtenTensorHandle, ctype* value)
        #define UNRELATED(name) aoti_torch_dtype_##name()
        DECLARE_ITEM(float32, float);
        #if TORCH_FEATURE_VERSION >= TORCH_VERSION_2_11_0
        DECLARE_ITEM(complex64, c10::complex<float>);
        #endif
        UNRELATED(float32);
        """
    )

    assert {name: d.guard for name, d in found.items()} == {
        "aoti_torch_item_float32": None,
        "aoti_torch_item_complex64": "2.11.0",
    }


def test_windows_line_ends_are_line_ends() -> None:
    text = (
        "#define DECLARE(name) \\\r\n  AOTI_TORCH_EXPORT void torch_##name()\r\n"
        "#ifdef USE_CUDA\r\nDECLARE(f);\r\n#endif // \\\r\nAOTI_TORCH_EXPORT void in_comment();\r\n"
    )

    assert parsed(text) == {"torch_f": GENERIC._replace(device="cuda")}
