"""Libraries that are neither torch's nor CUDA's: what they are, and which packages bring them.

The first row that matches decides. Packages are named as Debian (apt) and conda-forge name them.
"""

from __future__ import annotations

import re

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.known import Known
from torch_abi_audit.explain.kinds.known_symbols import known_name
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.once import once

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


def _file(stem: str, version: str = "") -> str:
    """A pattern for a library's file names on Linux, macOS and Windows."""
    if not version:
        return rf"(?:lib)?(?:{stem})(?:\.so(?:\.[\d.]+)?|(?:\.[\d.]+)?\.dylib|[-_]?\d*\.dll)"
    return (
        rf"(?:lib)?(?:{stem})(?:\.so\.{version}(?:\.[\d.]+)?|\.{version}(?:\.[\d.]+)?\.dylib|"
        rf"[-_]?{version}\.dll)"
    )


def _ffmpeg(release: int, libraries: str) -> Known:
    names = "|".join(_file(*word.split("=")) for word in libraries.split())
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


def _system(names: str, is_a: str, apt: str, conda: str = "", extra: str = "") -> Known:
    """A library that the system's packages bring."""
    install = f"install it with the system's package manager: apt-get install {apt}"
    return Known(
        names,
        is_a,
        "the system",
        (Cause.NOT_INSTALLED, Cause.OLD_SYSTEM),
        ("it is not installed on this system, or in this container: small images leave it out",),
        tuple(
            filter(
                None, (install, f"or conda install -c conda-forge {conda}" if conda else "", extra)
            )
        ),
        source="Debian: packages by file; conda-forge feedstocks",
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


_OPENCV = "or pip install opencv-python-headless in place of opencv-python"

KNOWN_LIBRARIES: tuple[Known, ...] = (
    *(_ffmpeg(release, libraries) for release, libraries in _FFMPEG.items()),
    _package(
        _file("tbb(?:malloc(?:_proxy)?)?", "12") + r"|tbb12\.dll",
        "oneTBB, the TBB of 2021 and later",
        "TBB",
        "pip install tbb, or conda install -c conda-forge tbb, or apt-get install libtbb12",
        "TBB up to 2020 has another name (libtbb.so.2) and does not replace it",
    ),
    _package(
        _file("tbb(?:malloc(?:_proxy)?)?", "2") + r"|tbb\.dll",
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
        _file("iomp5(?:md)?"),
        "Intel's OpenMP runtime",
        "oneAPI",
        "pip install intel-openmp, or conda install intel-openmp",
    ),
    _package(
        _file("(?:svml|irc|imf|intlc|irng|ifcore|ifcoremt|ifport)(?:md|mmd)?"),
        "a library of the runtime of Intel's compilers",
        "oneAPI",
        "pip install intel-cmplr-lib-rt, or source oneAPI's setvars.sh",
    ),
    _package(
        _file("nvinfer(?:_\\w+)?|nvonnxparser|nvparsers"),
        "a library of NVIDIA's TensorRT",
        "TensorRT",
        "pip install the tensorrt of the major release that the name states",
    ),
    _package(
        _file("ascend\\w*|hccl|acl_\\w+|ge_\\w+|opapi|torch_npu"),
        "a library of Huawei's CANN for Ascend",
        "CANN",
        "install CANN, and source its set_env.sh before Python starts",
    ),
    _package(
        r"libarrow(?:_\w+)?\.(?:so\.(?P<release>\d+)|\d+\.dylib)(?:[\d.]*)",
        "a library of Apache Arrow",
        "Apache Arrow",
        "install the pyarrow of the release that the name states (libarrow.so.1700 is 17), and "
        "import it first",
    ),
    _package(
        _file("(?:protobuf|protoc)(?:-lite)?") + "|" + _file("absl_\\w+"),
        "a library of protobuf or Abseil, whose names change with every release",
        "protobuf",
        "update the packages of libprotobuf and libabseil and what uses them together: conda "
        "update --all",
    ),
    _package(
        _file("tensorflow(?:_framework|_cc)?"),
        "a library of TensorFlow",
        "TensorFlow",
        "install the tensorflow that the package was built for, and import it first",
    ),
    _package(
        _file("mpi(?:_cxx|_mpifh|cxx)?", "40") + "|" + _file("open-(?:rte|pal)"),
        "a library of Open MPI",
        "MPI",
        "apt-get install libopenmpi3 (or a newer one), or conda install -c conda-forge openmpi; "
        "MPICH and Intel MPI do not replace it",
    ),
    _package(
        _file("mpi(?:cxx|fort|_cxx)?", "12") + "|" + _file("mpich"),
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
    _system(
        _file("GL", "1") + "|" + _file("GLX") + "|" + _file("GLdispatch"),
        "OpenGL, which OpenCV and others use",
        "libgl1",
        "libgl",
        _OPENCV,
    ),
    _system(
        _file("EGL") + "|" + _file("OpenGL"),
        "OpenGL without a window",
        "libegl1 libopengl0",
        "libegl",
    ),
    _system(
        _file("(?:gthread|glib|gobject|gio|gmodule)-2\\.0"),
        "GLib, which OpenCV and GStreamer use",
        "libglib2.0-0",
        "glib",
        _OPENCV,
    ),
    _system(
        _file(
            "(?:SM|ICE|Xext|Xrender|X11|X11-xcb|Xi|Xrandr|Xcursor|Xfixes|Xinerama|Xau|Xdmcp|xc"
            "b(?:-\\w+)*|xkbcommon(?:-x11)?)"
        ),
        "a library of the X window system",
        "libsm6 libxext6 libxrender1 libx11-6 libxcb1",
        "",
        _OPENCV,
    ),
    _system(
        _file("(?:jpeg|turbojpeg)"),
        "a decoder of JPEG",
        "libjpeg62-turbo (Ubuntu: libjpeg-turbo8) libturbojpeg0",
        "libjpeg-turbo",
    ),
    _system(_file("png(?:16)?"), "a decoder of PNG", "libpng16-16", "libpng"),
    _system(
        _file("webp(?:demux|mux|decoder)?|sharpyuv"), "a decoder of WebP", "libwebp7", "libwebp"
    ),
    _system(
        _file("(?:tiff|openjp2|heif|avif|de265|gif|lcms2)"),
        "a decoder of images",
        "libtiff6 libopenjp2-7 libheif1",
        "libtiff openjpeg libheif",
    ),
    _system(_file("sndfile"), "libsndfile, which reads audio files", "libsndfile1", "libsndfile"),
    _system(_file("sox"), "SoX, which torchaudio uses where it is installed", "libsox-dev", "sox"),
    _system(
        _file("(?:portaudio|asound|pulse|FLAC|vorbis(?:enc|file)?|ogg|opus|mp3lame|mpg123)"),
        "a library for audio",
        "libportaudio2 libasound2",
        "portaudio",
    ),
    _system(
        _file("(?:ucp|uct|ucs|ucm)"), "UCX, which moves data between machines", "libucx0", "ucx"
    ),
    _system(
        _file("(?:ibverbs|rdmacm|mlx5|mlx4|efa|fabric|ibumad)"),
        "a library for RDMA networks",
        "libibverbs1 librdmacm1 ibverbs-providers libfabric1",
        "rdma-core libfabric",
    ),
    _system(_file("numa"), "libnuma, which places memory", "libnuma1", "numactl"),
    _system(
        _file("aio"),
        "libaio, which DeepSpeed uses to read files",
        "libaio1 (newer: libaio1t64)",
        "libaio",
    ),
    _system(
        _file("(?:openblas\\w*|blas|lapacke?|cblas|atlas)"),
        "BLAS and LAPACK",
        "libopenblas0",
        "openblas",
    ),
    _system(_file("quadmath"), "the library of GCC for 128-bit numbers", "libquadmath0", "libgcc"),
    _system(_file("atomic"), "the library of GCC for atomic operations", "libatomic1", "libgcc"),
    _system(
        _file("omp(?:5)?"),
        "LLVM's OpenMP runtime",
        "libomp5",
        "llvm-openmp",
        "on macOS: brew install libomp",
    ),
    _system(
        _file("crypt", "1"),
        "the old libcrypt, which Pythons of older systems need",
        "libcrypt1 (Fedora: libxcrypt-compat)",
        "libxcrypt",
    ),
    _system(
        _file("(?:ssl|crypto)", r"1\.1"),
        "OpenSSL 1.1, which newer systems have replaced by 3",
        "libssl1.1",
        "openssl=1.1",
        "or install a build of the package for OpenSSL 3",
    ),
    _system(_file("(?:ssl|crypto)", "3"), "OpenSSL 3", "libssl3", "openssl"),
    _system(
        _file("ffi"),
        "libffi, whose number changes between systems",
        "libffi8",
        "libffi",
        "or use a Python that was built on this system",
    ),
    _system(
        _file("(?:z|bz2|lzma|zstd|lz4|snappy|brotli\\w+)"),
        "a library for compression",
        "zlib1g libbz2-1.0 liblzma5 libzstd1",
        "zlib",
    ),
    _system(_file("hdf5(?:_\\w+)?"), "HDF5", "libhdf5-103 (newer: libhdf5-310)", "hdf5"),
    _system(
        _file("(?:tinfo|tinfow|ncurses|ncursesw|readline)"),
        "the terminal's libraries",
        "libtinfo6 libreadline8",
        "ncurses readline",
    ),
    _system(
        _file("ze_(?:loader|intel_gpu)"),
        "Level Zero, the driver of Intel's GPUs",
        "libze1 intel-level-zero-gpu",
        "level-zero",
    ),
    _package(
        _file("opencv_\\w+"),
        "a library of OpenCV",
        "OpenCV",
        "install the OpenCV of the release that the name states (libopencv_core.so.406 is 4.6); "
        "pip's opencv-python does not bring it",
    ),
    _package(
        _file("jvm"),
        "the Java virtual machine",
        "Java",
        "install a JDK, and set JAVA_HOME and LD_LIBRARY_PATH to its lib/server",
    ),
)


def known_library(name: str) -> Known | None:
    """The row for a library, with its sentences filled in; None where nothing is known of it.

    Args:
        name: Its path or file name.
    """
    return known_name(file_name(name), _patterns())


@once
def _patterns() -> tuple[tuple[re.Pattern[str], Known], ...]:
    return tuple((re.compile(row.names), row) for row in KNOWN_LIBRARIES)
