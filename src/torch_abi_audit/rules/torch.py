"""T: what a library asks of libtorch."""

from __future__ import annotations

from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules.definition import Rule

RULES = (
    Rule(
        "T101",
        "unstable-torch-symbols",
        "A library imports libtorch symbols outside of the LibTorch Stable ABI",
        "libtorch promises nothing about its C++ symbols from one release to the next: the "
        "library loads on the releases that happen to export every one of them, and on others it "
        "ends with `undefined symbol`, or runs on a layout that has changed.",
        "Move the calls to `torch/csrc/stable` and `torch/headeronly`, with `TORCH_TARGET_VERSION` "
        "set, or publish one build per torch release and pin it.",
        Severity.ERROR,
        itemized=True,
        example="lib/_C.so: 2 symbols outside of the LibTorch Stable ABI: at::empty(...) …",
    ),
    Rule(
        "T102",
        "second-libtorch",
        "The package brings its own copy of a libtorch library",
        "Two copies of libtorch in one process have two operator registries, two allocators and "
        "two sets of type identities: operators go missing, or memory is freed by the wrong one.",
        "Exclude libtorch from the wheel repair (auditwheel repair --exclude 'libtorch*' "
        "--exclude 'libc10*') and let the torch distribution provide it.",
        Severity.ERROR,
        example="mypkg.libs/libc10-e03523b3.so: libc10-e03523b3.so is a second libtorch in the "
        "process",
    ),
    Rule(
        "T103",
        "unresolvable-stable-symbol",
        "A header-only symbol of torch::stable or torch::headeronly is undefined",
        "libtorch exports nothing from these namespaces: they are inlined from headers, so no "
        "release can provide the symbol and loading fails, at the latest when it is called.",
        "Compile the definition in: include the header that defines it in the file that uses it.",
        Severity.ERROR,
        itemized=True,
        example="_C.so: torch::stable::Device::Device(char const*) can be resolved by no torch "
        "release",
    ),
    Rule(
        "T104",
        "unknown-shim",
        "A C shim is used that no known torch release declares",
        "It is most likely newer than the table of this program, so the torch floor shown is a "
        "lower bound only.",
        "Update torch-abi-audit, or look for a misspelt or private shim.",
        Severity.WARNING,
        itemized=True,
        example="_C.so: aoti_torch_frobnicate is declared by no torch release up to 2.15.0",
    ),
    Rule(
        "T105",
        "unresolved-torch-types",
        "A symbol that speaks of torch types is provided by nobody in sight",
        "Neither libtorch nor another library of the distribution exports it, so it must come from "
        "a third party that was built against the same unstable torch headers.",
        "Name the library that provides it, or ship that library in the same distribution.",
        Severity.WARNING,
        itemized=True,
        example="_C.so: other::op(at::Tensor const&) has no provider in sight",
    ),
    Rule(
        "T106",
        "torch-floor-above-required",
        "The binary needs a newer torch than the configuration allows",
        "`require.torch` says which torch releases the package is meant to support; on the oldest "
        "of them this library ends with an undefined symbol.",
        "Build with `TORCH_TARGET_VERSION` set to the required release, or raise `require.torch`.",
        Severity.ERROR,
        itemized=True,
        example="_C.so: it needs torch 2.11.0, and the configuration allows 2.10 at most",
    ),
)
