"""Libraries that the system's packages bring, as Debian (apt) and conda-forge name these."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.known import Known, library_file

_OPENCV = "or pip install opencv-python-headless in place of opencv-python"


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


SYSTEM_LIBRARIES: tuple[Known, ...] = (
    _system(
        library_file("GL", "1") + "|" + library_file("GLX") + "|" + library_file("GLdispatch"),
        "OpenGL, which OpenCV and others use",
        "libgl1",
        "libgl",
        _OPENCV,
    ),
    _system(
        library_file("EGL") + "|" + library_file("OpenGL"),
        "OpenGL without a window",
        "libegl1 libopengl0",
        "libegl",
    ),
    _system(
        library_file("(?:gthread|glib|gobject|gio|gmodule)-2\\.0"),
        "GLib, which OpenCV and GStreamer use",
        "libglib2.0-0",
        "glib",
        _OPENCV,
    ),
    _system(
        library_file(
            "(?:SM|ICE|Xext|Xrender|X11|X11-xcb|Xi|Xrandr|Xcursor|Xfixes|Xinerama|Xau|Xdmcp|xcb(?:-\\w+)*|xkbcommon(?:-x11)?)"
        ),
        "a library of the X window system",
        "libsm6 libxext6 libxrender1 libx11-6 libxcb1",
        "",
        _OPENCV,
    ),
    _system(
        library_file("(?:jpeg|turbojpeg)"),
        "a decoder of JPEG",
        "libjpeg62-turbo (Ubuntu: libjpeg-turbo8) libturbojpeg0",
        "libjpeg-turbo",
    ),
    _system(library_file("png(?:16)?"), "a decoder of PNG", "libpng16-16", "libpng"),
    _system(
        library_file("webp(?:demux|mux|decoder)?|sharpyuv"),
        "a decoder of WebP",
        "libwebp7",
        "libwebp",
    ),
    _system(
        library_file("(?:tiff|openjp2|heif|avif|de265|gif|lcms2)"),
        "a decoder of images",
        "libtiff6 libopenjp2-7 libheif1",
        "libtiff openjpeg libheif",
    ),
    _system(
        library_file("sndfile"), "libsndfile, which reads audio files", "libsndfile1", "libsndfile"
    ),
    _system(
        library_file("sox"), "SoX, which torchaudio uses where it is installed", "libsox-dev", "sox"
    ),
    _system(
        library_file("(?:portaudio|asound|pulse|FLAC|vorbis(?:enc|file)?|ogg|opus|mp3lame|mpg123)"),
        "a library for audio",
        "libportaudio2 libasound2",
        "portaudio",
    ),
    _system(
        library_file("(?:ucp|uct|ucs|ucm)"),
        "UCX, which moves data between machines",
        "libucx0",
        "ucx",
    ),
    _system(
        library_file("(?:ibverbs|rdmacm|mlx5|mlx4|efa|fabric|ibumad)"),
        "a library for RDMA networks",
        "libibverbs1 librdmacm1 ibverbs-providers libfabric1",
        "rdma-core libfabric",
    ),
    _system(library_file("numa"), "libnuma, which places memory", "libnuma1", "numactl"),
    _system(
        library_file("aio"),
        "libaio, which DeepSpeed uses to read files",
        "libaio1 (newer: libaio1t64)",
        "libaio",
    ),
    _system(
        library_file("(?:openblas\\w*|blas|lapacke?|cblas|atlas)"),
        "BLAS and LAPACK",
        "libopenblas0",
        "openblas",
    ),
    _system(
        library_file("quadmath"), "the library of GCC for 128-bit numbers", "libquadmath0", "libgcc"
    ),
    _system(
        library_file("atomic"), "the library of GCC for atomic operations", "libatomic1", "libgcc"
    ),
    _system(
        library_file("omp(?:5)?"),
        "LLVM's OpenMP runtime",
        "libomp5",
        "llvm-openmp",
        "on macOS: brew install libomp",
    ),
    _system(
        library_file("crypt", "1"),
        "the old libcrypt, which Pythons of older systems need",
        "libcrypt1 (Fedora: libxcrypt-compat)",
        "libxcrypt",
    ),
    _system(
        library_file("(?:ssl|crypto)", r"1\.1"),
        "OpenSSL 1.1, which newer systems have replaced by 3",
        "libssl1.1",
        "openssl=1.1",
        "or install a build of the package for OpenSSL 3",
    ),
    _system(library_file("(?:ssl|crypto)", "3"), "OpenSSL 3", "libssl3", "openssl"),
    _system(
        library_file("ffi"),
        "libffi, whose number changes between systems",
        "libffi8",
        "libffi",
        "or use a Python that was built on this system",
    ),
    _system(
        library_file("(?:z|bz2|lzma|zstd|lz4|snappy|brotli\\w+)"),
        "a library for compression",
        "zlib1g libbz2-1.0 liblzma5 libzstd1",
        "zlib",
    ),
    _system(library_file("hdf5(?:_\\w+)?"), "HDF5", "libhdf5-103 (newer: libhdf5-310)", "hdf5"),
    _system(
        library_file("(?:tinfo|tinfow|ncurses|ncursesw|readline)"),
        "the terminal's libraries",
        "libtinfo6 libreadline8",
        "ncurses readline",
    ),
    _system(
        library_file("ze_(?:loader|intel_gpu)"),
        "Level Zero, the driver of Intel's GPUs",
        "libze1 intel-level-zero-gpu",
        "level-zero",
    ),
)
