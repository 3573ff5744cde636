from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.names.lending import family, lenders, python_names


@pytest.mark.parametrize(
    ("library", "requirement"),
    [
        # by the table of known wheels
        ("libvtksys.so", "vtk"),
        ("@rpath/libvtkCommonCore.dylib", "vtk"),
        ("libnvinfer.so.10", "tensorrt-cu13-libs"),
        ("libnvinfer_plugin.so.10", "tensorrt-cu12-libs"),
        ("nvinfer_10.dll", "tensorrt-cu13-libs"),
        ("nvonnxparser_10.dll", "tensorrt-libs"),
        ("libQt6Core.so.6", "pyqt6-qt6"),
        ("Qt6Core.dll", "pyside6-essentials"),
        ("@rpath/QtCore.framework/Versions/A/QtCore", "pyqt6-qt6"),
        ("@rpath/QtCore.framework/Versions/5/QtCore", "pyqt5-qt5"),
        ("libQt63DCore.so.6", "pyqt6-3d-qt6"),
        ("@rpath/QtWebEngineCore.framework/Versions/A/QtWebEngineCore", "pyqt6-webengine-qt6"),
        ("libcudf.so", "libcudf-cu12"),
        ("librapids_logger.so", "rapids-logger"),
        ("libucp.so.0", "libucx-cu12"),
        ("libiomp5.so", "intel-openmp"),
        ("libhwloc.so.15", "tcmlib"),
        ("libarrow_python.so.2600", "pyarrow"),
        ("libtvm_ffi.dylib", "apache-tvm-ffi"),
        ("glew32.dll", "kivy-deps-glew"),
        ("libcutensor.so.2", "cutensor-cu12"),
        ("libz3.so.4.13", "z3-solver"),
        ("libonnxruntime.so", "sherpa-onnx-core"),
        # by what a requirement of the table brings
        ("libnvinfer.so.10", "tensorrt"),
        ("libQt6Core.so.6", "pyqt6-webengine"),
        ("libshiboken6.abi3.so.6.12", "pyside6-addons"),
        ("librapids_logger.so", "librmm-cu12"),
        ("libmetatensor.so", "metatensor-torch"),
        # by the names alone
        ("libfoo.so.1", "foo"),
        ("libfoo.so.1", "foo-cu12"),
        ("libfoo_core.dylib", "foo"),
        ("foo.dll", "libfoo"),
        ("libfoo.so", "pyfoo"),
        ("libfoo.so", "python-foo"),
        ("libfoo.so", "foo-libs"),
        ("libfoo.so", "foos"),
        ("libfoobars.so", "foobar"),
        ("libfoobar.so", "foo-bar"),
        ("@rpath/foo.framework/Versions/1/foo", "foo"),
        ("foo_10.dll", "foo"),
        ("libfooCommonCore.so", "foo"),
        ("libfooCommonCore-9.7.so", "foo"),
    ],
)
def test_a_requirement_that_may_contain_a_library(library: str, requirement: str) -> None:
    assert lenders(library, [requirement, "numpy"]) == (requirement,)


@pytest.mark.parametrize(
    ("library", "requirement"),
    [
        ("libavutil.so.58", "numpy"),
        ("libQt5Core.so.5", "pyqt6-qt6"),
        ("libQt6Core.so.6", "pyqt6-webengine-qt6"),
        ("@rpath/QtCore.framework/Versions/5/QtCore", "pyqt6-qt6"),
        ("libfoo.so.1", "food"),
        ("libfood.so.1", "foo"),
        ("libfoo.so.1", "bar-foo"),
        ("libz.so.1", "z"),
        ("libmpi.so.40", "mpi4py"),
        ("libnvinfer.so.10", "tensorrt-dispatch-cu12-libs"),
        ("libcrypto.so.3", "cryptography"),
        ("libm.so.6", "ml-dtypes"),
        ("libpq.so.5", "psycopg2"),
    ],
)
def test_a_requirement_with_another_name(library: str, requirement: str) -> None:
    assert lenders(library, [requirement]) == ()


def test_the_likeliest_comes_first() -> None:
    required = ["tensorrt", "tensorrt-cu13", "tensorrt-cu13-libs"]
    assert lenders("libnvinfer.so.10", required)[0] == "tensorrt-cu13-libs"
    required = ["metatensor-operations", "metatensor-torch", "metatensor-core"]
    assert lenders("libmetatensor.so", required)[0] == "metatensor-core"


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("tensorrt-cu13-libs", "tensorrt-libs"),
        ("nvidia-dali-cuda120", "nvidia-dali"),
        ("cupy-cuda12x", "cupy"),
        ("cu12", "cu12"),
        ("cudf", "cudf"),
        ("custatevec-cu12", "custatevec"),
    ],
)
def test_the_name_without_its_cuda(name: str, plain: str) -> None:
    assert family(name) == plain


def test_names_like_those_of_cpython_that_a_requirement_exports() -> None:
    """As ``nm -D --defined-only`` lists them in the wheels of shiboken6 6.12.0 and others."""
    assert "PyRun_String" in python_names("libshiboken6.abi3.so.6.12", "pyside6-essentials")
    assert "PyRun_String" in python_names("libshiboken6.abi3.so.6.12", "shiboken6")
    assert "_PyObject_GetDictPtr" not in python_names("libshiboken6.abi3.so.6.12", "shiboken6")
    assert python_names("libQt6Core.so.6", "pyside6-essentials") == frozenset()
    assert python_names("libfoo.so", "foo") == frozenset()
