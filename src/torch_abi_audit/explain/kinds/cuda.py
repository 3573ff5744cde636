"""Texts of CUDA, its driver and torch about GPUs, drivers and kernels."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form, Rank

_ERRORS = "the error strings of the CUDA runtime (cudaGetErrorString)"

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "no kernel image",
        forms=(
            Form(None, r"no kernel image is available for execution on the device"),
            Form(None, r"(?:CUDA_ERROR_NO_BINARY_FOR_GPU|cudaErrorNoKernelImageForDevice)"),
            Form(
                None,
                r"(?:hipErrorNoBinaryForGpu|Unable to find code object for all current devices)",
            ),
            Form(None, r"(?:CUDA|HIP) error: invalid device function"),
            Form(
                None,
                r"HIP error: (?:shared object initialization failed|device kernel image is "
                r"invalid)",
            ),
        ),
        subject=("a kernel",),
        is_a=("a kernel that was not compiled for this GPU",),
        causes=(Cause.OTHER_GPU,),
        why=(
            (
                "the library has code for other architectures only: the list of -gencode flags, "
                "TORCH_CUDA_ARCH_LIST or PYTORCH_ROCM_ARCH with which it was built"
            ),
            (
                'it is torch\'s own if torch.randn(2, device="cuda") * 2 fails as well, else the '
                "extension's"
            ),
        ),
        advice=(
            "compare torch.cuda.get_device_capability() with torch.cuda.get_arch_list()",
            "install a build of torch, or of the package, for the GPU: new GPUs need a newer CUDA",
            "or rebuild the extension with TORCH_CUDA_ARCH_LIST set to the GPU's capability",
        ),
        about_torch=True,
        source=_ERRORS + "; ROCm/clr hipamd/src/hip_fatbin.cpp",
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
            "CUDA knows {version} since release {first_cuda}",
            "CUDA dropped it in release {dropped_in}",
        ),
        advice=(
            "install a build of torch for CUDA {first_cuda} or later",
            (
                "install a build of torch for a CUDA before {dropped_in}: its wheels for CUDA "
                "12.6 have kernels from sm_50 on"
            ),
            (
                "to see what a build has kernels for: python -c 'import torch; "
                "print(torch.cuda.get_arch_list())'"
            ),
        ),
        about_torch=True,
        rank=Rank.ROOT,
        owner="torch",
        source="pytorch torch/cuda/__init__.py (_check_cubins, _check_capability)",
    ),
    ErrorKind(
        "driver too old",
        forms=(
            Form(None, r"CUDA driver version is insufficient for CUDA runtime version"),
            Form(
                None,
                r"NVIDIA driver on your system is too old \(found version (?P<version>\d{4,6})\)",
            ),
            Form(None, r"(?:cudaErrorInsufficientDriver|CUDA_ERROR_INSUFFICIENT_DRIVER)"),
            Form(None, r"provided PTX was compiled with an unsupported toolchain"),
            Form(None, r"(?:cudaErrorUnsupportedPtxVersion|CUDA_ERROR_UNSUPPORTED_PTX_VERSION)"),
            Form(
                None,
                r"nvidia-container-cli: requirement error: unsatisfied condition: cuda ?>= "
                r"?(?P<a>[\d.]{1,8})",
            ),
        ),
        subject=("the NVIDIA driver",),
        is_a=("a driver that is older than the CUDA release that torch or the package is for",),
        causes=(Cause.OLD_DRIVER,),
        why=(
            "the driver supports CUDA {cuda} at most, as the text says",
            "the text asks for CUDA {a}",
            "PTX and new functions of the runtime need a driver of the same CUDA or later",
        ),
        advice=(
            "install a newer driver: nvidia-smi shows the newest CUDA that it supports",
            "or install a torch, and a build of the package, for that CUDA or an older one",
        ),
        about_torch=True,
        owner="the NVIDIA driver",
        source="pytorch torch/csrc/cuda (Module.cpp), " + _ERRORS,
    ),
    ErrorKind(
        "driver and its libraries",
        forms=(
            Form(None, r"forward compatibility was attempted on non supported HW"),
            Form(None, r"system has unsupported display driver ?/ ?cuda driver combination"),
            Form(None, r"Driver/library version mismatch"),
            Form(
                None,
                r"(?:cudaErrorCompatNotSupportedOnDevice|cudaErrorSystemDriverMismatch|"
                r"CUDA_ERROR_SYSTEM_DRIVER_MISMATCH|CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE)",
            ),
        ),
        subject=("the NVIDIA driver",),
        is_a=("a libcuda.so.1 of another release than the kernel's driver",),
        causes=(Cause.OTHER_COPY, Cause.OLD_DRIVER),
        why=(
            (
                "the driver was updated and the machine not restarted, or a container or "
                "LD_LIBRARY_PATH brings a libcuda.so.1 of its own (cuda-compat)"
            ),
        ),
        advice=(
            "restart the machine, or reload the kernel modules",
            (
                "or remove /usr/local/cuda/compat from LD_LIBRARY_PATH: only data centre GPUs may "
                "use it"
            ),
        ),
        owner="the NVIDIA driver",
        source=_ERRORS + "; the CUDA Compatibility guide",
    ),
    ErrorKind(
        "no driver",
        forms=(
            Form(None, r"Found no NVIDIA driver on your system"),
            Form(None, r"No CUDA GPUs are available"),
            Form(None, r"no CUDA-capable device is detected"),
            Form(None, r"NVIDIA-SMI has failed because it couldn't communicate"),
        ),
        subject=("the NVIDIA driver",),
        is_a=("a process that sees no NVIDIA GPU",),
        causes=(Cause.NOT_INSTALLED,),
        why=(
            (
                "the driver is not installed, the container was started without --gpus, or "
                "CUDA_VISIBLE_DEVICES hides the GPU"
            ),
        ),
        advice=(
            "run nvidia-smi in the same place; start a container with --gpus all",
            "or look at CUDA_VISIBLE_DEVICES",
        ),
        owner="the NVIDIA driver",
        source="pytorch torch/csrc/cuda/Module.cpp, c10/cuda/CUDAFunctions.cpp",
    ),
    ErrorKind(
        "torch without CUDA",
        forms=(
            Form(None, r"Torch not compiled with (?P<version>CUDA|MPS|XPU) enabled"),
            Form(
                None,
                r"PyTorch (?:is|was) not (?:compiled|linked) with (?:support for )"
                r"?(?P<version>CUDA|cuda|xpu)",
            ),
            Form(
                None,
                r"Attempting to deserialize object on a CUDA device but "
                r"torch\.cuda\.is_available\(\) is False",
            ),
        ),
        subject=("torch",),
        is_a=("a build of torch without {version}", "a torch that sees no GPU"),
        causes=(Cause.CPU_TORCH,),
        why=(
            (
                "pip chose a CPU build: on Windows and macOS the index has no other, and a later "
                "install may have replaced a CUDA build"
            ),
        ),
        advice=(
            "look at torch.__version__ (+cpu, +cu126) and torch.version.cuda",
            (
                "install a CUDA build: pip install torch --index-url with the address of "
                "PyTorch's own index for a CUDA release, as its start page shows"
            ),
        ),
        about_torch=True,
        owner="torch",
        source="pytorch torch/cuda/__init__.py, torch/serialization.py",
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
            "CUDA knows {version} since release {first_cuda}",
            "CUDA dropped it in release {dropped_in}",
        ),
        advice=(
            "install a CUDA toolkit, or a torch, whose CUDA release knows the GPU",
            "or set TORCH_CUDA_ARCH_LIST to architectures that both know",
        ),
        about_torch=True,
        source="nvcc; pytorch torch/utils/cpp_extension.py (_get_cuda_arch_flags)",
    ),
    ErrorKind(
        "compiler too new for nvcc",
        forms=(
            Form(
                None,
                r"#error -- unsupported (?P<symbol>GNU|clang|Microsoft Visual Studio) version!(?: "
                r"(?P<version>[^\n!]{1,160}))?",
            ),
            Form(
                None,
                r"The current installed version of (?P<symbol>\S{1,200}) "
                r"\((?P<version>[\d.]{1,20})\) is (?:greater than the maximum|less than the "
                r"minimum) required version by CUDA",
            ),
        ),
        subject=("{symbol}",),
        is_a=("a host compiler that this CUDA release does not support",),
        causes=(Cause.CUDA_MAJOR, Cause.OLD_SYSTEM),
        why=("nvcc compares the compiler with the versions that its release was tested with",),
        advice=(
            'use an older compiler: CC=gcc-12 CXX=g++-12, or NVCC_PREPEND_FLAGS="-ccbin g++-12"',
            "or install a newer CUDA toolkit of the same major version as torch's",
            "-allow-unsupported-compiler only silences the check",
        ),
        owner="CUDA",
        source=(
            "CUDA include/crt/host_config.h; pytorch torch/utils/cpp_extension.py "
            "(_check_cuda_version)"
        ),
    ),
)
