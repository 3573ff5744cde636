from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.names.plugins import (
    extends,
    is_like,
    is_numbered_like,
    is_plugin,
    words,
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("x/libOpenMMCUDA.so", ("open", "mmcuda")),
        ("x/libOpenMMOpenCL.so", ("open", "mm", "open", "cl")),
        ("torio/lib/_torio_ffmpeg4.so", ("torio", "ffmpeg", "4")),
        ("pkg.libs/libuct_ib-0a1b2c3d.so.0.1", ("uct", "ib")),
        ("mpi4py/MPI.mpich.cpython-311-x86_64-linux-gnu.so", ("mpi",)),
        ("libOpen3D.0.20.dylib", ("open", "3", "d")),
        ("mkl_blacs_msmpi_lp64.2.dll", ("mkl", "blacs", "msmpi", "lp", "64")),
    ],
)
def test_words(path: str, expected: tuple[str, ...]) -> None:
    assert words(path) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("Qt/plugins/sqldrivers/libqsqlpsql.so", True),
        ("Qt/qml/QtQuick/libqtquick2.so", True),
        ("nvimgcodec/extensions/libnvjpeg_ext.so.0", True),
        ("openvino/libs/openvino_intel_gpu_plugin.dll", True),
        ("capi/libonnxruntime_providers_cuda.so", True),
        ("Qt/lib/libQt6Gui.so.6", False),
        ("lib/lib_lightgbm.so", False),
        ("pluggable/libx.so", False),
    ],
)
def test_plugins(path: str, expected: bool) -> None:
    assert is_plugin(path) is expected


def test_a_name_that_extends_another() -> None:
    hosts = ("lib/libcasadi.so.3.7", "lib/libucp.so")
    assert extends("lib/libcasadi_nlpsol_snopt.so", hosts)
    assert extends("lib/ucp_x.so", hosts)
    assert not extends("lib/libcasadi.so", hosts)
    assert not extends("lib/libcasadier.so", hosts)
    assert not extends("lib/libmatlab_ipc.so", hosts)


@pytest.mark.parametrize(
    ("one", "other", "like", "numbered"),
    [
        ("b/mkl_blacs_intelmpi_lp64.2.dll", "b/mkl_blacs_msmpi_lp64.2.dll", True, False),
        ("b/libtorchcodec_core4.so", "b/libtorchcodec_core5.so", True, True),
        ("b/libtorchcodec_core4.so", "c/libtorchcodec_core5.so", False, False),
        ("b/libQt6Gui.so.6", "b/libQt6Nfc.so.6", False, False),
        ("b/libfoo_core.so", "b/libfoo_utils.so", False, False),
        ("b/_C.cpython-310.so", "b/_C.cpython-311.so", False, False),
    ],
)
def test_names_of_a_series(one: str, other: str, like: bool, numbered: bool) -> None:
    assert is_like(one, other) is like
    assert is_numbered_like(one, other) is numbered
