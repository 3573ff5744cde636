"""Texts of packages whose own checks refuse a GPU, before any kernel is looked for.

No other build of the package helps: the operation is not there for the GPU, or not chosen for it.
"""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import Device, ErrorKind, Form

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "flash-attn refuses the GPU",
        forms=(
            Form(None, r"FlashAttention only supports [A-Z][\w, ]{1,60} GPUs or newer"),
            Form(
                None, r"Expected is_sm\w{2,3}(?: \|\| is_sm\w{2,3}){0,3} to be true, but got false"
            ),
            Form(None, r"FlashAttention (?:forward|backward) for head dim > \d{1,3} requires A100"),
            Form(
                None,
                r"FA\d is only supported on devices with compute capability >= (?P<a>\d{1,2})",
            ),
            Form(None, r"SM \d{1,2}\.x not supported by flash-attn"),
        ),
        subject=("FlashAttention",),
        is_a=("a GPU for which FlashAttention has no implementation of this operation",),
        causes=(Cause.OTHER_GPU,),
        why=(
            (
                "FlashAttention 2 needs an A100, RTX 30 or newer; FlashAttention 3 is for H100 and "
                "H200, and parts of it for the A100"
            ),
            "its own check refuses the GPU, so that rebuilding it for the GPU does not help",
        ),
        advice=(
            'select another attention: attn_implementation="sdpa" or "eager" in transformers',
            (
                "or torch.nn.functional.scaled_dot_product_attention, or xFormers, which support "
                "older GPUs"
            ),
        ),
        device=Device.REFUSED,
        source=(
            "Dao-AILab/flash-attention csrc/flash_attn/flash_api.cpp; vllm-project/flash-attention "
            "vllm_flash_attn/flash_attn_interface.py"
        ),
    ),
    ErrorKind(
        "vLLM has no kernel for the GPU",
        forms=(
            Form(
                None,
                r"No compiled \w{1,60}(?: for)?[^\n]{0,60} CUDA device capability:? (?P<version>"
                r"\d{2,3})",
            ),
        ),
        subject=("a kernel of vLLM",),
        is_a=("a kernel that this build of vLLM does not have for the GPU",),
        causes=(Cause.OTHER_GPU,),
        why=(
            (
                "vLLM chooses kernels by the GPU, and this one was left out for its architecture, "
                "because of the CUDA or TORCH_CUDA_ARCH_LIST of the build, or for good"
            ),
        ),
        advice=(
            "install a newer vLLM, built for a newer CUDA",
            "or use a model with another quantization, or another backend",
            (
                "or build vLLM from source for the GPU, with its capability in "
                "TORCH_CUDA_ARCH_LIST (9.0a, 10.0a, 12.0a for GPUs that have the letter)"
            ),
        ),
        device=Device.NO_CODE,
        source="vllm-project/vllm csrc/quantization (scaled_mm_entry.cu)",
    ),
    ErrorKind(
        "CUTLASS's compiler refuses the GPU",
        forms=(Form(None, r"libnvvm ?: error: -arch=compute_\w{0,5} is an unsupported option"),),
        subject=("a kernel of the CUTLASS DSL",),
        is_a=("a kernel in Python that the compiler of the CUTLASS DSL has no architecture for",),
        causes=(Cause.OTHER_GPU,),
        why=("the CUTLASS DSL compiles for the A100, RTX 30 and newer GPUs alone",),
        advice=(
            "select a backend without it, such as the attention TRITON_ATTN in vLLM",
            "or an older release of the package, which does not use the CUTLASS DSL",
        ),
        device=Device.REFUSED,
        source="NVIDIA/cutlass python/CuTeDSL; microsoft/fara#57",
    ),
    ErrorKind(
        "too old for the operation",
        forms=(
            Form(
                None,
                r"Bfloat16 is only supported on GPUs with compute capability of at least "
                r"(?P<a>\d{1,2}\.\d)",
            ),
            Form(
                None,
                r"not supported for (?:', ')?the current GPU\. Min(?:imum)? capability: "
                r"(?P<a>\d{2,3})\.[ ',]{1,8}Current capability: (?P<version>\d{2,3})",
            ),
            Form(None, r"GPUs with compute capability below (?P<a>\d\.\d) are not supported"),
            Form(
                None,
                r"only supported on (?:CUDA )?devices with compute capability >= "
                r"(?P<a>\d{1,2}\.\d)",
            ),
            Form(
                None,
                r"Triton only supports devices of CUDA Capability >= (?P<a>\d\.\d), but your "
                r"device is of CUDA capability (?P<version>\d\.\d)",
            ),
            Form(
                None,
                r"Device compute capability (?P<a>\d{1,2}\.[\dx]) (?:or higher )?required for",
            ),
            Form(
                None,
                r"Feature '[\w. ]{1,60}' requires \.target (?P<a>sm_\d{2,3}\w?) or higher",
            ),
        ),
        subject=("the GPU",),
        is_a=("a GPU that is too old for the operation: {a} or newer is needed",),
        causes=(Cause.OTHER_GPU,),
        why=(
            (
                "the GPU lacks what the operation needs (bfloat16 since 8.0, FP8 since 8.9), so no "
                "build of the package has it for this GPU"
            ),
        ),
        advice=(
            "use another data type: float16 in place of bfloat16, int8 or 16 bits in place of FP8",
            ("where torch.compile or Triton is what fails, run without it: TORCHDYNAMO_DISABLE=1"),
        ),
        device=Device.REFUSED,
        source=(
            "vllm-project/vllm worker and quantization; pytorch torch/_inductor/scheduler.py, "
            "aten/src/ATen/native/cuda/Blas.cpp; NVIDIA/TransformerEngine fp8.py; ptxas"
        ),
    ),
    ErrorKind(
        "xFormers refuses the GPU",
        forms=(
            Form(
                None,
                r"requires device with capability [<>=]{1,2} \((?P<a>\d{1,2}), (?P<b>\d)\) but "
                r"your GPU has capability \((?P<version>\d{1,2}, \d)\)",
            ),
        ),
        subject=("an operator of xFormers",),
        is_a=("an operator of xFormers that is not for this GPU, one of several that it tried",),
        causes=(Cause.OTHER_GPU,),
        why=(
            "each operator names its own reason: the GPU, the data type, or that it was not built",
        ),
        advice=(
            "look at the reasons of the other operators, and at python -m xformers.info",
            "install the xFormers for your torch, or a newer one for a newer GPU",
            "or select another attention: torch's scaled_dot_product_attention",
        ),
        about_torch=True,
        device=Device.REFUSED,
        source="facebookresearch/xformers xformers/ops/fmha/common.py",
    ),
)
