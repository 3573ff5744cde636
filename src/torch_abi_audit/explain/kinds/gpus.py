"""Texts about GPUs: code that was not compiled for one, and what torch and compilers say of it."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import Device, ErrorKind, Form, Rank

_ERRORS = "the error strings of the CUDA runtime (cudaGetErrorString)"
_SEE_LIST = (
    "to see what a build has kernels for: python -c 'import torch; "
    "print(torch.cuda.get_arch_list())'"
)
_WHOSE = (
    "it is torch's own if torch.randn(2, device=\"cuda\") * 2 fails as well, else the extension's"
)

_KNOWN_BY_CUDA = (
    "CUDA knows {version} since release {first_cuda}",
    "CUDA dropped it in release {dropped_in}",
)
_OTHER_BUILDS = (
    "install a build of torch for CUDA {first_cuda} or later",
    (
        "install a build of torch for a CUDA before {dropped_in}: its wheels for CUDA 12.6 have "
        "kernels from sm_50 on"
    ),
    _SEE_LIST,
)

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "no code object for an AMD GPU",
        forms=(
            Form(
                None,
                r"(?:hipErrorNoBinaryForGpu|Unable to find code object for all current devices)",
            ),
            Form(
                None,
                r"HIP error: (?:[Ii]nvalid device function|no kernel image is available|shared "
                r"object initialization failed|device kernel image is invalid)",
            ),
            Form(None, r"hipErrorInvalidDeviceFunction"),
            Form(None, r"HSA_STATUS_ERROR_INVALID_ISA"),
            Form(
                None,
                r"rocBLAS error: Cannot read [^\n]{1,300}TensileLibrary\.dat: [^\n:]{1,60}for GPU "
                r"arch ?: ?(?P<version>gfx[0-9a-f]{3,5})",
            ),
        ),
        subject=("a kernel for AMD GPUs",),
        is_a=("code that was not compiled for this AMD GPU",),
        causes=(Cause.OTHER_GPU,),
        why=(
            (
                "the library has code for other architectures only: the list in PYTORCH_ROCM_ARCH, "
                "or of --offload-arch, with which it was built"
            ),
            "{version} is not among those that this rocBLAS was built for",
            _WHOSE,
        ),
        advice=(
            (
                "compare the GPU's name (rocminfo | grep gfx) with torch.cuda.get_arch_list(), "
                "which lists AMD's architectures, too"
            ),
            "install a build of torch, or of the package, whose ROCm knows the GPU",
            "or rebuild the extension with PYTORCH_ROCM_ARCH set to the GPU's architecture",
            (
                "HSA_OVERRIDE_GFX_VERSION=10.3.0 makes a GPU pass for gfx1030, 11.0.0 for gfx1100: "
                "unsupported, and right only within one generation"
            ),
        ),
        about_torch=True,
        device=Device.NO_CODE,
        source="ROCm/clr hipamd/src/hip_fatbin.cpp, hip_error.cpp; rocBLAS tensile_host.cpp",
    ),
    ErrorKind(
        "no kernel image",
        forms=(
            Form(None, r"no kernel image is available(?: for execution on the device)?"),
            Form(None, r"(?:CUDA_ERROR_NO_BINARY_FOR_GPU|cudaErrorNoKernelImageForDevice)"),
            Form(None, r"[Ii]nvalid device function"),
            Form(None, r"cudaErrorInvalidDeviceFunction"),
        ),
        subject=("a kernel",),
        is_a=("a kernel that was not compiled for this GPU",),
        causes=(Cause.OTHER_GPU,),
        why=(
            (
                "the library has code for other architectures only: the list of -gencode flags, "
                "TORCH_CUDA_ARCH_LIST or PYTORCH_ROCM_ARCH with which it was built"
            ),
            _WHOSE,
        ),
        advice=(
            "compare torch.cuda.get_device_capability() with torch.cuda.get_arch_list()",
            "install a build of torch, or of the package, for the GPU: new GPUs need a newer CUDA",
            "or rebuild the extension with TORCH_CUDA_ARCH_LIST set to the GPU's capability",
        ),
        about_torch=True,
        device=Device.NO_CODE,
        source=_ERRORS,
    ),
    ErrorKind(
        "kernel without its architecture's features",
        forms=(
            Form(
                None,
                r"[Aa]rch conditional MMA instruction used without targeting appropriate compute "
                r"capability",
            ),
        ),
        subject=("a kernel",),
        is_a=("a kernel for the features of one architecture, compiled without them",),
        causes=(Cause.OTHER_GPU, Cause.INCOMPLETE_BUILD),
        why=(
            (
                "CUTLASS prints this where a kernel needs sm_90a, sm_100a or sm_120a, and was "
                "compiled for the plain architecture, without the letter"
            ),
        ),
        advice=(
            (
                'rebuild it with the letter: TORCH_CUDA_ARCH_LIST="9.0a" for an H100, "10.0a" for '
                'a B200, "12.0a" for an RTX 50'
            ),
            "or select another implementation of the operation, where the package has one",
        ),
        device=Device.NO_CODE,
        source="NVIDIA/cutlass include/cutlass/arch/config.h (CUTE_INVALID_CONTROL_PATH)",
    ),
    ErrorKind(
        "symbol of device code",
        forms=(
            Form(None, r"named symbol not found"),
            Form(None, r"(?:cudaErrorSymbolNotFound|hipErrorNotFound\b)"),
        ),
        subject=("a kernel",),
        is_a=("a kernel or a variable that the loaded device code does not have",),
        causes=(Cause.OTHER_GPU, Cause.INCOMPLETE_BUILD),
        why=(
            (
                "the code that was loaded for this GPU lacks it: it was compiled for newer "
                "architectures only, or left out for this one by #if __CUDA_ARCH__"
            ),
            "or the library and the files of kernels beside it are of two builds",
        ),
        advice=(
            "compare torch.cuda.get_device_capability() with what the package was built for",
            "or rebuild the extension with TORCH_CUDA_ARCH_LIST set to the GPU's capability",
            "reinstall the package, and delete caches of compiled kernels (~/.cache, ~/.triton)",
        ),
        about_torch=True,
        device=Device.NO_CODE,
        source=_ERRORS + ", CUDA error 500",
    ),
    ErrorKind(
        "torch's range of GPUs",
        forms=(
            Form(
                None,
                r"Found GPU\d{1,3} [^\n]{1,120} which is of (?:compute|cuda) capability (?:\(CC\) "
                r")?(?P<version>\d{1,2}\.\d)\.?\s{1,20}Minimum and Maximum cuda capability "
                r"supported by this version of PyTorch is\s{1,20}\((?P<a>\d{1,2}\.\d)\) - "
                r"\((?P<b>\d{1,2}\.\d)\)",
            ),
        ),
        subject=("compute capability {version}",),
        is_a=("a GPU outside of the range, {a} to {b}, that the installed torch was built for",),
        causes=(Cause.OTHER_GPU,),
        why=_KNOWN_BY_CUDA,
        advice=_OTHER_BUILDS,
        about_torch=True,
        rank=Rank.ROOT,
        owner="torch",
        device=Device.TORCH,
        source="pytorch torch/cuda/__init__.py (_check_capability)",
    ),
    ErrorKind(
        "torch without this GPU",
        forms=(
            Form(
                None,
                r"with CUDA capability (?P<version>sm_\d{2,3}) is not compatible with the current "
                r"PyTorch installation",
            ),
            Form(
                None,
                r"Found GPU\d{1,3} [^\n]{1,120} which is of (?:compute|cuda) capability (?:\(CC\) "
                r")?(?P<version>\d{1,2}\.\d)",
            ),
        ),
        subject=("{version}",),
        is_a=("a GPU for which the installed torch has no kernels",),
        causes=(Cause.OTHER_GPU,),
        why=(
            "torch's wheels for one CUDA release are built for the GPUs of that time",
            *_KNOWN_BY_CUDA,
        ),
        advice=_OTHER_BUILDS,
        about_torch=True,
        rank=Rank.ROOT,
        owner="torch",
        device=Device.TORCH,
        source="pytorch torch/cuda/__init__.py (_check_cubins, _check_capability)",
    ),
    ErrorKind(
        "invalid kernel image",
        forms=(
            Form(None, r"device kernel image is invalid"),
            Form(None, r"(?:CUDA_ERROR_INVALID_IMAGE|cudaErrorInvalidKernelImage)"),
            Form(None, r"(?:ptxas|nvlink) fatal\s{1,4}: [^\n]{0,200}(?:Unresolved extern|version)"),
        ),
        subject=("a kernel",),
        is_a=("device code that the driver or the linker of device code refuses",),
        causes=(Cause.OTHER_GPU, Cause.OLD_DRIVER, Cause.CUDA_MAJOR),
        why=(
            (
                "it was compiled for another GPU or by a newer CUDA, or ptxas and nvcc are of two "
                "releases (Triton's own and the toolkit's)"
            ),
        ),
        advice=(
            "use one CUDA release for compiler and driver; look at TRITON_PTXAS_PATH",
            "or delete the cache of compiled kernels (~/.triton, ~/.nv) and compile again",
        ),
        about_torch=True,
        device=Device.NO_CODE,
        source=_ERRORS,
    ),
    ErrorKind(
        "nvcc does not know the GPU",
        forms=(
            Form(None, r"nvcc fatal\s{1,4}: Unsupported gpu architecture '(?P<version>\w{1,20})'"),
            Form(
                None,
                r"nvrtc: error: invalid value for --gpu-architecture(?: \(-arch\))?",
            ),
            Form(None, r"Unknown CUDA arch \((?P<version>[\w.+]{1,20})\) or GPU not supported"),
            Form(
                None,
                r"Value '(?P<version>sm_\w{1,10})' is not defined for option 'gpu-name'",
            ),
        ),
        subject=("{version}", "the GPU"),
        is_a=("a GPU architecture that this nvcc, or this torch, does not know",),
        causes=(Cause.CUDA_MAJOR, Cause.OTHER_GPU),
        why=(
            "the CUDA toolkit is older than the GPU, or so new that it dropped it",
            *_KNOWN_BY_CUDA,
        ),
        advice=(
            "install a CUDA toolkit, or a torch, whose CUDA release knows the GPU",
            "or set TORCH_CUDA_ARCH_LIST to architectures that both know",
            (
                "where Triton compiles, let it use the toolkit's: "
                "TRITON_PTXAS_PATH=/usr/local/cuda/bin/ptxas"
            ),
        ),
        about_torch=True,
        device=Device.COMPILER,
        source="nvcc; pytorch torch/utils/cpp_extension.py (_get_cuda_arch_flags)",
    ),
)
