"""Libraries that only old releases of torch or ROCm have, and in which releases they are."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.known import Known

_OF_ITS_TIME = "install the package's build for the installed torch, or rebuild it against it"


def _of_torch(names: str, releases: str, since: str) -> Known:
    """A library that torch had in some releases, and what came after it."""
    return Known(
        names,
        f"one of torch's libraries, which only torch {releases} has",
        "libtorch",
        (Cause.OTHER_TORCH,),
        (f"the package was built for torch {releases}: {since}",),
        (_OF_ITS_TIME, f"or install torch {releases}"),
        source="the wheels of torch, CMakeLists.txt of pytorch/pytorch",
    )


_MARK = r"(?:-[0-9a-f]{8})?"

OLD_LIBRARIES: tuple[Known, ...] = (
    _of_torch(
        rf"libTH(?:C|S|CS|PP|NN|CUNN|D)?{_MARK}\.(?:so|dylib)(?:\.1)?|THC?\.dll",
        "0.1 to 0.3",
        "0.4 moved them into libATen and libcaffe2",
    ),
    _of_torch(
        rf"libATen(?:_cpu|_cuda)?{_MARK}\.(?:so|dylib)(?:\.1)?|ATen(?:_cpu|_cuda)?\.dll",
        "0.2 to 0.4",
        "1.0 moved it into libcaffe2, and 1.3 into libtorch",
    ),
    _of_torch(
        r"libcaffe2(?:_gpu|_hip)?\.(?:so|dylib)|caffe2(?:_gpu|_hip)?\.dll",
        "1.0 to 1.2",
        "1.3 moved it into libtorch",
    ),
    _of_torch(
        r"libcaffe2_(?:detectron_ops(?:_gpu|_hip)?|observers|module_test_dynamic)\.(?:so|dylib)|"
        r"caffe2_(?:detectron_ops(?:_gpu)?|observers|module_test_dynamic)\.dll",
        "1.0 to 1.13",
        "2.0 removed the operators of Caffe2",
    ),
    _of_torch(
        r"(?:lib)?torch_cuda_c(?:u|pp)\.(?:so|dll)",
        "1.8 to 1.13",
        "builds for CUDA had it then, and later ones have all of it in libtorch_cuda",
    ),
    _of_torch(r"libtorch\.(?:so\.1|1\.dylib)", "1.0 to 1.2", "later ones have libtorch.so"),
    Known(
        r"libhip_hcc\.so(?:\.\d+)*|libmcwamp(?:_\w+)?\.so(?:\.\d+)*|libhc_am\.so(?:\.\d+)*",
        "a library of ROCm 3.3 and older (HIP on the HCC compiler)",
        "ROCm",
        (Cause.NOT_INSTALLED, Cause.OTHER_TORCH),
        (
            (
                "what needs it was built for such a ROCm: 3.5 and later have libamdhip64.so in "
                "its place"
            ),
        ),
        (
            "install a build, of torch or of the package, for the installed ROCm",
            "or install the old ROCm",
        ),
        source="ROCm release notes of 3.5 (HIP-Clang replaces HCC)",
    ),
)
