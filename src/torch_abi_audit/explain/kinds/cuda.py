"""Texts of CUDA, its driver and torch about drivers, and of compilers for CUDA."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import Device, ErrorKind, Form

_ERRORS = "the error strings of the CUDA runtime (cudaGetErrorString)"

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "driver too old",
        forms=(
            Form(None, r"CUDA driver version is insufficient for CUDA runtime version"),
            Form(
                None,
                r"NVIDIA driver on your system is too old \(found version (?P<version>\d{4,6})\)",
            ),
            Form(None, r"(?:cudaErrorInsufficientDriver|CUDA_ERROR_INSUFFICIENT_DRIVER)"),
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
            (
                "the CUDA runtime needs a driver of its own major release, or later: the oldest "
                "one of CUDA 12 serves all of CUDA 12, but for its newest functions and for PTX"
            ),
        ),
        advice=(
            "install a newer driver: nvidia-smi shows the newest CUDA that it supports",
            "or install a torch, and a build of the package, for that CUDA or an older one",
        ),
        about_torch=True,
        owner="the NVIDIA driver",
        device=Device.DRIVER,
        source="pytorch torch/csrc/cuda (Module.cpp), " + _ERRORS,
    ),
    ErrorKind(
        "PTX of a newer compiler",
        forms=(
            Form(None, r"provided PTX was compiled with an unsupported toolchain"),
            Form(None, r"(?:cudaErrorUnsupportedPtxVersion|CUDA_ERROR_UNSUPPORTED_PTX_VERSION)"),
        ),
        subject=("PTX",),
        is_a=("PTX in a version of its language that the NVIDIA driver does not know yet",),
        causes=(Cause.OLD_DRIVER, Cause.OTHER_GPU),
        why=(
            (
                "the library has no machine code for this GPU, so the driver must compile its PTX, "
                "and PTX needs a driver of the CUDA release that wrote it, or later"
            ),
            (
                "compatibility between the minor releases of one CUDA does not cover PTX: code of "
                "nvcc 12.9 runs with a driver for 12.4 only as machine code"
            ),
        ),
        advice=(
            "install a newer driver: nvidia-smi shows the newest CUDA that it supports",
            (
                "or install, or build, the package with machine code for the GPU: "
                "TORCH_CUDA_ARCH_LIST set to the GPU's capability, without +PTX"
            ),
            "or build it with a CUDA that is not newer than the driver's",
        ),
        about_torch=True,
        owner="the NVIDIA driver",
        device=Device.PTX,
        source=_ERRORS + ", CUDA error 222; the CUDA Compatibility guide",
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
        "GPUs that wait for their fabric",
        forms=(
            Form(None, r"system not yet initialized"),
            Form(None, r"(?:cudaErrorSystemNotReady|CUDA_ERROR_SYSTEM_NOT_READY)"),
        ),
        subject=("the NVIDIA driver",),
        is_a=("a machine with NVSwitch whose GPUs are not connected yet",),
        causes=(Cause.REFUSED,),
        why=(
            (
                "GPUs such as the A100 and H100 in machines with NVSwitch wait for NVIDIA's Fabric "
                "Manager, which is not running, or is not of the driver's release"
            ),
        ),
        advice=(
            (
                "install nvidia-fabricmanager of exactly the driver's release, and start it: "
                "systemctl start nvidia-fabricmanager"
            ),
            "in a cloud or a container, the host must do it: ask who runs the machine",
        ),
        owner="the NVIDIA driver",
        source=_ERRORS + ", CUDA error 802; pytorch/pytorch#35710",
    ),
    ErrorKind(
        "CUDA unknown error",
        forms=(Form(None, r"CUDA unknown error - this may be due to an incorrectly set ?up"),),
        subject=("the NVIDIA driver",),
        is_a=("a driver that did not start, and does not say why",),
        causes=(Cause.REFUSED, Cause.OTHER_COPY),
        why=(
            (
                "after sleep or an update the kernel module nvidia_uvm is in a bad state, "
                "/dev/nvidia* is missing, or CUDA_VISIBLE_DEVICES was changed after torch was "
                "imported"
            ),
        ),
        advice=(
            (
                "reload the module: sudo modprobe -r nvidia_uvm && sudo modprobe nvidia_uvm; or "
                "restart the machine"
            ),
            "set CUDA_VISIBLE_DEVICES before the program starts, not in it",
            "in a container, look whether nvidia-smi works there",
        ),
        owner="the NVIDIA driver",
        source="pytorch c10/cuda/CUDAFunctions.cpp; pytorch/pytorch#159954",
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
