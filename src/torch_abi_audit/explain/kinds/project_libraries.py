"""Libraries of other projects than torch and CUDA, and the packages that bring them."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.known import Known, library_file

_MISSING = (Cause.NOT_INSTALLED, Cause.SEARCH_PATH)
_FFMPEG = {
    3: "avutil=55 avcodec=57 avformat=57 avdevice=57 avfilter=6 swscale=4 swresample=2",
    4: "avutil=56 avcodec=58 avformat=58 avdevice=58 avfilter=7 swscale=5 swresample=3",
    5: "avutil=57 avcodec=59 avformat=59 avdevice=59 avfilter=8 swscale=6",
    6: "avutil=58 avcodec=60 avformat=60 avdevice=60 avfilter=9 swscale=7 swresample=4",
    7: "avutil=59 avcodec=61 avformat=61 avdevice=61 avfilter=10 swscale=8 swresample=5",
    8: "avutil=60 avcodec=62 avformat=62 avdevice=62 avfilter=11 swscale=9 swresample=6",
    9: "avutil=61 avcodec=63 avformat=63 avdevice=63 avfilter=12 swscale=10 swresample=7",
}
"""Major release of FFmpeg to the major versions of its libraries, by their ``version_major.h``.
``swresample`` 4 is in FFmpeg 5 and 6."""


def _ffmpeg(release: int, libraries: str) -> Known:
    names = "|".join(library_file(*word.split("=")) for word in libraries.split())
    return Known(
        names,
        f"a library of FFmpeg {release}",
        "FFmpeg",
        _MISSING,
        (
            (
                f"FFmpeg {release} is not installed with shared libraries, or not where the loader "
                "looks; other major releases have other names"
            ),
            (
                "torchcodec and torchaudio try one release after the other: a miss is normal for "
                "all but the installed one"
            ),
        ),
        (
            f'conda install -c conda-forge "ffmpeg={release}", or the system\'s package ffmpeg',
            'on Windows install a "full-shared" build and put its bin directory on PATH',
        ),
        source="FFmpeg libavutil/version.h and the like",
    )


def _package(names: str, is_a: str, owner: str, advice: str, why: str = "") -> Known:
    """A library that a Python or conda package brings."""
    return Known(
        names,
        is_a,
        owner,
        _MISSING,
        (why or "its package is not installed in this environment, or was not loaded before",),
        (advice,),
        source=f"the packages of {owner}",
    )


PROJECT_LIBRARIES: tuple[Known, ...] = (
    *(_ffmpeg(release, libraries) for release, libraries in _FFMPEG.items()),
    _package(
        library_file("tbb(?:malloc(?:_proxy)?)?", "12") + r"|tbb12\.dll",
        "oneTBB, the TBB of 2021 and later",
        "TBB",
        "pip install tbb, or conda install -c conda-forge tbb, or apt-get install libtbb12",
        "TBB up to 2020 has another name (libtbb.so.2) and does not replace it",
    ),
    _package(
        library_file("tbb(?:malloc(?:_proxy)?)?", "2") + r"|tbb\.dll",
        "TBB up to 2020",
        "TBB",
        "conda install tbb=2020, or apt-get install libtbb2",
        "oneTBB (2021 and later) has another name (libtbb.so.12) and does not replace it",
    ),
    _package(
        r"(?:lib)?mkl_\w+(?:\.so(?:\.(?P<major>\d+))?|(?:\.\d+)?\.(?:dylib|dll))",
        "a library of Intel's MKL",
        "oneAPI",
        "pip install mkl, or conda install mkl: libmkl_*.so.1 is of MKL 2021, .so.2 of 2022 and "
        "later",
    ),
    _package(
        library_file("iomp5(?:md)?"),
        "Intel's OpenMP runtime",
        "oneAPI",
        "pip install intel-openmp, or conda install intel-openmp",
    ),
    _package(
        library_file("(?:svml|irc|imf|intlc|irng|ifcore|ifcoremt|ifport)(?:md|mmd)?"),
        "a library of the runtime of Intel's compilers",
        "oneAPI",
        "pip install intel-cmplr-lib-rt, or source oneAPI's setvars.sh",
    ),
    _package(
        library_file("nvinfer(?:_\\w+)?|nvonnxparser|nvparsers"),
        "a library of NVIDIA's TensorRT",
        "TensorRT",
        "pip install the tensorrt of the major release that the name states",
    ),
    _package(
        library_file(
            "ascend\\w*|hccl|atb\\w*|lccl|mki|msprofiler|acl_\\w+|ge_\\w+|opapi|torch_npu"
        ),
        "a library of Huawei's CANN for Ascend",
        "CANN",
        "install CANN (libatb: its package NNAL), and source its set_env.sh before Python starts",
    ),
    _package(
        library_file("musa\\w*|mu(?:blas|dnn|fft|rand|solver|sparse|pp)(?:_\\w+)?|mccl"),
        "a library of Moore Threads' MUSA",
        "MUSA",
        "install the MUSA toolkit that torch_musa was built for",
    ),
    _package(
        r"libarrow(?:_\w+)?\.(?:so\.(?P<release>\d+)|\d+\.dylib)(?:[\d.]*)",
        "a library of Apache Arrow",
        "Apache Arrow",
        "install the pyarrow of the release that the name states (libarrow.so.1700 is 17), and "
        "import it first",
    ),
    _package(
        library_file("(?:protobuf|protoc)(?:-lite)?") + "|" + library_file("absl_\\w+"),
        "a library of protobuf or Abseil, whose names change with every release",
        "protobuf",
        "update the packages of libprotobuf and libabseil and what uses them together: conda "
        "update --all",
    ),
    _package(
        library_file("tensorflow(?:_framework|_cc)?"),
        "a library of TensorFlow",
        "TensorFlow",
        "install the tensorflow that the package was built for, and import it first",
    ),
    _package(
        library_file("mpi(?:_cxx|_mpifh|cxx)?", "40") + "|" + library_file("open-(?:rte|pal)"),
        "a library of Open MPI",
        "MPI",
        "apt-get install libopenmpi3 (or a newer one), or conda install -c conda-forge openmpi; "
        "MPICH and Intel MPI do not replace it",
    ),
    _package(
        library_file("mpi(?:cxx|fort|_cxx)?", "12") + "|" + library_file("mpich"),
        "a library of MPICH or Intel MPI",
        "MPI",
        "apt-get install libmpich12, pip install impi-rt, or conda install -c conda-forge mpich; "
        "Open MPI does not replace it",
    ),
    _package(
        r"(?:vcruntime140(?:_1)?|msvcp140(?:_\w+)?|concrt140|vcomp140|vccorlib140)\.dll",
        "a library of the Visual C++ runtime",
        "the Visual C++ runtime",
        "install the Visual C++ Redistributable 2015-2022 (x64)",
        "Windows does not contain it",
    ),
    _package(
        r"libomp140\.x86_64\.dll",
        "the OpenMP runtime of Visual Studio's LLVM",
        "the Visual C++ runtime",
        "install torch 2.4.1 or later, or Visual Studio's C++ tools for LLVM",
        "torch 2.4.0 needs it and does not bring it (pytorch/pytorch#131662)",
    ),
    _package(
        library_file("opencv_\\w+"),
        "a library of OpenCV",
        "OpenCV",
        "install the OpenCV of the release that the name states (libopencv_core.so.406 is 4.6); "
        "pip's opencv-python does not bring it",
    ),
    _package(
        library_file("jvm"),
        "the Java virtual machine",
        "Java",
        "install a JDK, and set JAVA_HOME and LD_LIBRARY_PATH to its lib/server",
    ),
)
