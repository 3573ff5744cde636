"""Which requirement may contain a library, judged by the names of both.

Two sources answer, the first one that knows the requirement wins:

- ``CONTENTS``, the libraries of published wheels, read in November 2026 for Linux, macOS and
  Windows with ``torch-abi-audit pypi:NAME``
- the names themselves: a library that is named after a requirement may be in it

A name is a guess and no proof: a requirement that was read decides (``facts.lending``).
"""

from __future__ import annotations

from torch_abi_audit.knowledge.names.repair_mark import without_mark
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.runtime.records import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

CONTENTS: Mapping[str, str] = MappingProxyType(
    {
        # NVIDIA; -cu12 and the like are dropped
        "tensorrt-libs": "nvinfer nvonnxparser",
        "tensorrt-lean-libs": "nvinfer-lean nvinfer-vc-plugin",
        "tensorrt-dispatch-libs": "nvinfer-dispatch",
        "nvidia-libnvcomp": "nvcomp",
        "nvidia-nvimgcodec": "nvimgcodec",
        "nvidia-nvshmem": "nvshmem*",
        "nvidia-cudss": "cudss",
        "cutensor": "cutensor*",
        "cutensornet": "cutensornet*",
        "custatevec": "custatevec*",
        "cudensitymat": "cudensitymat*",
        # RAPIDS
        "libcudf": "cudf",
        "libcugraph": "cugraph",
        "libcuml": "cuml",
        "libcuvs": "cuvs",
        "libkvikio": "kvikio",
        "libraft": "raft",
        "librmm": "rmm",
        "libucx": "ucm ucp ucs uct",
        "libucxx": "ucxx",
        "rapids-logger": "rapids-logger",
        # Intel
        "impi-rt": "mpi mpicxx mpifort impi",
        "intel-cmplr-lib-rt": "imf intlc irc irng svml qkmalloc xptifw mmd*",
        "intel-cmplr-lib-ur": "ur",
        "intel-opencl-rt": "opencl intelocl common-clang",
        "intel-openmp": "iomp5* iompstubs5* omptarget archer",
        "intel-sycl-rt": "sycl* pstloffload",
        "mkl": "mkl imalloc",
        "oneccl": "ccl",
        "onemkl-sycl-blas": "mkl-sycl-blas",
        "onemkl-sycl-dft": "mkl-sycl-dft",
        "onemkl-sycl-lapack": "mkl-sycl-lapack",
        "onemkl-sycl-rng": "mkl-sycl-rng",
        "onemkl-sycl-sparse": "mkl-sycl-sparse",
        "tbb": "tbb*",
        "tcmlib": "tcm hwloc",
        "umf": "umf*",
        # Qt; a framework such as QtCore is qt6core here
        "pyqt5-qt5": "qt5*",
        "pyqt6-3d-qt6": "qt63d* qt6concurrent",
        "pyqt6-charts-qt6": "qt6charts*",
        "pyqt6-datavisualization-qt6": "qt6datavisualization*",
        "pyqt6-qt6": "qt6*",
        "pyqt6-webengine-qt6": "qt6webengine*",
        "pyqtwebengine-qt5": "qt5webengine*",
        "pyside2": "qt5* pyside2",
        "pyside6-addons": "qt6*",
        "pyside6-essentials": "qt6* pyside6*",
        "pyside6-pdf": "qt6pdf*",
        "pyside6-webengine": "qt6webengine*",
        "shiboken2": "shiboken2",
        "shiboken6": "shiboken6",
        # others
        "apache-tvm-ffi": "tvm-ffi",
        "kivy-deps-angle": "egl glesv2 d3dcompiler*",
        "kivy-deps-glew": "glew",
        "kivy-deps-gstreamer": "glib gobject gst* gio gmodule gthread",
        "kivy-deps-sdl2": "sdl2*",
        "metatensor-core": "metatensor",
        "metatensor-torch": "metatensor-torch",
        "metatomic-torch": "metatomic-torch",
        "openmpi": "mpi open-rte open-pal oshmem",
        "openvino": "openvino",
        "pyarrow": "arrow parquet",
        "sherpa-onnx-core": "onnxruntime sherpa-onnx",
        "vtk": "vtk*",
        "z3-solver": "z3",
    }
)
"""Distribution to the libraries in its wheels, spelled as ``_stem`` spells them. A star stands for
any text; versions and further words after a hyphen are left out."""

_BRINGS = MappingProxyType(
    {
        "dpcpp-cpp-rt": "intel-opencl-rt intel-openmp intel-sycl-rt",
        "intel-cmplr-lib-ur": "umf",
        "intel-openmp": "intel-cmplr-lib-ur",
        "intel-sycl-rt": "intel-cmplr-lib-rt intel-cmplr-lib-ur",
        "mkl": "intel-openmp tbb",
        "tbb": "tcmlib",
        "umf": "tcmlib",
        "cudf": "libcudf pyarrow",
        "cugraph": "libcugraph",
        "cuml": "libcuml",
        "cuvs": "libcuvs",
        "libcudf": "libkvikio librmm nvidia-libnvcomp",
        "libcugraph": "libcuvs libraft librmm",
        "libcuml": "libcuvs libraft librmm",
        "libcuvs": "libkvikio libraft librmm",
        "libkvikio": "rapids-logger",
        "libraft": "librmm rapids-logger",
        "librmm": "rapids-logger",
        "libucxx": "librmm libucx",
        "pylibraft": "libraft",
        "rmm": "librmm",
        "metatomic-torch": "metatensor-torch",
        "metatensor-torch": "metatensor-core",
        "pyqt5": "pyqt5-qt5",
        "pyqt6": "pyqt6-qt6",
        "pyqt6-3d": "pyqt6 pyqt6-3d-qt6",
        "pyqt6-charts": "pyqt6 pyqt6-charts-qt6",
        "pyqt6-datavisualization": "pyqt6 pyqt6-datavisualization-qt6",
        "pyqt6-webengine": "pyqt6 pyqt6-webengine-qt6",
        "pyqtwebengine": "pyqt5 pyqtwebengine-qt5",
        "pyside2": "shiboken2",
        "pyside6": "pyside6-essentials pyside6-addons pyside6-pdf pyside6-webengine",
        "pyside6-addons": "pyside6-essentials",
        "pyside6-essentials": "shiboken6",
        "tensorrt": "tensorrt-libs",
    }
)
"""Distribution to those that it requires in turn, by their own metadata."""

_SHIBOKEN = (
    "PyDateTimeAPI PyDateTime_FromDateAndTime PyDateTime_Get PyDate_FromDate PyMethod_Function "
    "PyMethod_New PyMethod_Self PyRun_String PyStaticMethod_New PyTime_FromTime "
)
_SHIBOKEN_2 = "PyBuffer_Release PyImport_GetModule PyIndex_Check PyObject_GetBuffer"
PYTHON_NAMES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "shiboken2": frozenset((_SHIBOKEN + _SHIBOKEN_2).split()),
        "shiboken6": frozenset((_SHIBOKEN + "PyEnumMeta_Check").split()),
    }
)
"""Distribution to the names like CPython's that a library of the same name exports: its own
versions of functions that are outside of the stable ABI, or new in it. As ``nm -D`` lists them in
shiboken2 5.15.2.1 and shiboken6 6.12.0 for Linux; elsewhere, files state who provides a name."""

_AFFIXES = ("python-", "py-", "lib", "py", "apache-", "nvidia-", "intel-", "cmeel-", "kivy-deps-")
_SUFFIXES = ("-libs", "-lib", "-library", "-runtime", "-rt", "-python", "-py", "-bin", "-sdk")
_SHORTEST = 3


def lenders(library: str, requirements: Iterable[str]) -> tuple[str, ...]:
    """The requirements that may contain a library, by its name; the likeliest first.

    Args:
        library: As a file names it: ``libnvinfer.so.10``, ``@rpath/…/QtCore``, ``Qt6Core.dll``.
        requirements: Canonical names of the required distributions.
    """
    stem = _stem(library)
    ranks = {name: rank for name in requirements if (rank := _rank(name, stem)) is not None}
    return tuple(sorted(ranks, key=lambda name: (ranks[name], name)))


def python_names(library: str, requirement: str) -> frozenset[str]:
    """The names like CPython's that a library of a requirement, or of one it brings, exports."""
    stem = _stem(library)
    return frozenset[str]().union(
        *(
            PYTHON_NAMES[name]
            for name in _brought(family(requirement))
            if name in PYTHON_NAMES and _named_after(name, stem)
        )
    )


def family(requirement: str) -> str:
    """A distribution's name without the CUDA that it is built for: ``tensorrt-libs``."""
    words = requirement.split("-")
    return "-".join(words[:1] + [word for word in words[1:] if not _is_cuda(word)])


def _is_cuda(word: str) -> bool:
    rest = word.removeprefix("cu").removeprefix("da").removesuffix("x")
    return rest != word and word.startswith("cu") and rest.isdecimal()


def _brought(name: str) -> Collection[str]:
    """A distribution, and those that it brings, each once."""
    found = [name]
    for one in found:
        found += [each for each in _BRINGS.get(one, "").split() if each not in found]
    return found


def _rank(requirement: str, stem: str) -> int | None:
    """0 if a requirement contains a library itself, more if it may bring it; None if neither."""
    own = family(requirement)
    for name in _brought(own):
        if _listed(CONTENTS[name], stem) if name in CONTENTS else _named_after(name, stem):
            return (name != own) + 2 * (name not in CONTENTS and stem not in _forms(name))
    return None


def _listed(contents: str, stem: str) -> bool:
    return any(
        stem.startswith(one[:-1]) if one.endswith("*") else _begins(stem, one)
        for one in contents.split()
    )


def _named_after(requirement: str, stem: str) -> bool:
    """Whether a library is named after a requirement, or the requirement after the library.

    A word that ends with a digit is specific enough to match as a prefix: ``Qt6Core.dll`` may be in
    ``foo-qt6``.
    """
    distinct = tuple(
        word for word in requirement.split("-") if word[-1:].isdigit() and len(word) >= _SHORTEST
    )
    if len(stem) < _SHORTEST:
        return False
    return stem.startswith(distinct) or any(
        _begins(stem, own)
        or own.startswith(f"{stem}-")
        or own in {f"{stem}s", f"{stem}-s"}
        or stem == f"{own}s"
        or own.replace("-", "") == stem.replace("-", "")
        for own in _forms(requirement)
    )


def _forms(requirement: str) -> Iterator[str]:
    """A requirement's name with and without what its library's name does not have."""
    heads = [requirement]
    heads += [requirement.removeprefix(each) for each in _AFFIXES if requirement.startswith(each)]
    for head in heads:
        yield head
        for tail in _SUFFIXES:
            if head.endswith(tail):
                yield head.removesuffix(tail)


def _begins(stem: str, words: str) -> bool:
    """Whether a stem is these words, further words or a number aside."""
    rest = stem.removeprefix(words)
    if rest == stem or not words:
        return False
    return not rest or rest[0] in "-.0123456789"


def _stem(library: str) -> str:
    """``nvinfer`` for ``libnvinfer.so.10``, ``qt6core`` for Qt 6's framework ``QtCore``.

    Spelled as a requirement would be; a version may remain at the end. ``vtkCommonCore`` is two
    words, ``vtk-commoncore``.
    """
    before, framework, version = library.replace("\\", "/").partition(".framework/")
    if framework:
        name = file_name(before)
        if name.startswith("Qt"):  # Qt 5's frameworks have the version 5, Qt 6's have A
            number = version.removeprefix("Versions/").partition("/")[0]
            name = f"Qt{number if number.isdecimal() else 6}{name[2:]}"
    else:
        name = without_mark(file_name(library))[0].removeprefix("lib").partition(".")[0]
    first = next((at for at, one in enumerate(name) if one.isupper()), 0)
    if first >= _SHORTEST and name[first - 1].isalpha():  # a word, then further words
        name = f"{name[:first]}-{name[first:]}"
    return name.lower().replace("_", "-")
