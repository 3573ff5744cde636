"""Texts of compilers about torch's headers: what is not there or not declared."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form

_SHIM = r"(?P<symbol>(?:aoti_)?torch_\w{1,120})"

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "stable shim of a device",
        forms=(
            Form(
                None,
                r"identifier \"(?P<symbol>aoti_torch_\w{0,60}(?:cuda|stream|xpu)\w{0,60})\" is "
                r"undefined",
            ),
            Form(
                None,
                r"(?:use of undeclared identifier |error C(?:2065|3861): )"
                r"'(?P<symbol>aoti_torch_\w{0,60}(?:cuda|stream|xpu)\w{0,60})'",
            ),
            Form(
                None,
                r"['`\u2018](?P<symbol>aoti_torch_\w{0,60}(?:cuda|stream|xpu)\w{0,60})['\u2019] "
                r"was not declared in this scope",
            ),
        ),
        subject=("{symbol}",),
        is_a=("a C shim that torch's headers declare only where USE_CUDA or USE_XPU is defined",),
        causes=(Cause.INCOMPLETE_BUILD,),
        why=("torch/csrc/inductor/aoti_torch/c/shim.h has it between #ifdef USE_CUDA and #endif",),
        advice=(
            "compile with -DUSE_CUDA (for nvcc as well: extra_compile_args of both)",
            "or torch's headers are older than the shim: install a newer torch to build with",
        ),
        about_torch=True,
        owner="the extension",
        source="pytorch torch/csrc/inductor/aoti_torch/c/shim.h",
    ),
    ErrorKind(
        "stable API not declared",
        forms=(
            Form(None, rf"identifier \"{_SHIM}\" is undefined"),
            Form(None, rf"['`\u2018]{_SHIM}['\u2019] was not declared in this scope"),
            Form(None, rf"use of undeclared identifier '{_SHIM}'"),
            Form(None, rf"error C(?:2065|3861): '{_SHIM}'"),
            Form(
                None,
                r"['`\u2018\"](?P<symbol>[\w:]{1,120})['\u2019\"] is not a member of "
                r"['`\u2018\"](?P<file>torch::(?:stable|headeronly)[\w:]{0,80})['\u2019\"]",
            ),
            Form(
                None,
                r"error C(?:2039|2653): '(?P<symbol>\w{1,120})': is not a member of "
                r"'(?P<file>torch::(?:stable|headeronly)[\w:]{0,80})'",
            ),
            Form(
                None,
                r"no (?:member|type|template) named '(?P<symbol>\w{1,120})' in (?:namespace )"
                r"?'(?P<file>torch::(?:stable|headeronly)[\w:]{0,80})'",
            ),
            Form(
                None,
                r"namespace \"(?P<file>torch::(?:stable|headeronly)[\w:]{0,80})\" has no member "
                r"\"(?P<symbol>\w{1,120})\"",
            ),
            Form(
                None,
                r"class \"(?P<file>torch::stable::\w{1,80})\" has no member "
                r"\"(?P<symbol>\w{1,120})\"",
            ),
            Form(
                None,
                r"['\u2018](?:class |const class )?(?P<file>torch::stable::\w{1,80})['\u2019] has "
                r"no member named ['\u2018](?P<symbol>\w{1,120})['\u2019]",
            ),
        ),
        subject=("{symbol}",),
        is_a=(
            "a part of the LibTorch Stable ABI that torch's headers, as compiled, do not declare",
        ),
        causes=(Cause.OTHER_TORCH, Cause.INCOMPLETE_BUILD),
        why=(
            (
                "the headers are of a torch that is older than the function, or "
                "TORCH_TARGET_VERSION hides what is newer than the torch to support"
            ),
        ),
        advice=(
            "run torch-abi-audit explain {symbol} for the first torch that has it",
            "build with that torch or a later one, and raise TORCH_TARGET_VERSION to it",
            "or include the header that declares it",
        ),
        about_torch=True,
        owner="the extension",
        source="the diagnostics of nvcc (EDG), gcc, clang and MSVC",
    ),
    ErrorKind(
        "no stable headers",
        forms=(
            Form(
                None,
                r"(?P<file>torch/(?:csrc/stable|headeronly)/[\w/]{1,120}\.h):? ?(?:file )?(?:No "
                r"such file or directory|not found)",
            ),
            Form(
                None,
                r"(?:cannot open source file \"|'|include file: ')(?P<file>torch/(?:csrc/stable|"
                r"headeronly)/[\w/]{1,120}\.h)['\"]",
            ),
        ),
        subject=("{file}",),
        is_a=("a header of the LibTorch Stable ABI, which the torch at hand does not have",),
        causes=(Cause.OTHER_TORCH,),
        why=(
            (
                "torch/headeronly and most of torch/csrc/stable came with torch 2.9, the first "
                "headers of torch/csrc/stable with 2.8"
            ),
        ),
        advice=("build with a newer torch; the wheel still runs on older ones by its target",),
        about_torch=True,
        owner="the extension",
        source="pytorch torch/csrc/stable, torch/headeronly",
    ),
    ErrorKind(
        "gone headers",
        forms=(
            Form(
                None,
                r"(?P<file>(?:TH|THC|THCUNN|THNN)/[\w./]{1,80}\.(?:h|cuh))['\"]?:? ?(?:file )"
                r"?(?:No such file or directory|not found)",
            ),
            Form(None, r"cannot open source file \"(?P<file>(?:TH|THC|THCUNN)/[\w./]{1,80})\""),
        ),
        subject=("{file}",),
        is_a=("a header of TH or THC, torch's old C libraries, which torch 1.11 removed",),
        causes=(Cause.OTHER_TORCH,),
        why=("the source was written for torch 1.10 or older",),
        advice=(
            (
                "use a newer release of the source, or replace THC with ATen (at::cuda, "
                "c10/cuda/CUDAException.h)"
            ),
            "or build with torch 1.10",
        ),
        about_torch=True,
        owner="the extension",
        source="pytorch/pytorch#69040 and its release notes of 1.11",
    ),
)
