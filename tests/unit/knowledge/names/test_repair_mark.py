"""The hashes of wheel repair in published wheels, and words that only look like one."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.names.repair_mark import without_mark


@pytest.mark.parametrize(
    ("name", "plain", "mark"),
    [
        # auditwheel, in wheels of Pillow, gmpy2, numpy and torch 1.13
        ("libjpeg-944920e9.so.8.3.2", "libjpeg.so.8.3.2", "944920e9"),
        ("libbrotlicommon-53534446.so.1.2.0", "libbrotlicommon.so.1.2.0", "53534446"),
        ("libspatialindex-e5350069.so", "libspatialindex.so", "e5350069"),
        ("libnvrtc-builtins-8cb4db2d.so.12.0", "libnvrtc-builtins.so.12.0", "8cb4db2d"),
        ("libopenblas64_p-r0-0cf96a72.3.23.dev.so", "libopenblas64_p-r0.3.23.dev.so", "0cf96a72"),
        ("libpython3-0a1b2c3d.11.so.1.0", "libpython3.11.so.1.0", "0a1b2c3d"),
        # delvewheel, today and before 0.0.23
        (
            "msvcp140-a4c2229bdc2a2a630acdc095b4d86008.dll",
            "msvcp140.dll",
            "a4c2229bdc2a2a630acdc095b4d86008",
        ),
        ("liblapack-a1b2c3d4.DLL", "liblapack.DLL", "a1b2c3d4"),
        ("a.b-a1b2c3d4.dll", "a.b.dll", "a1b2c3d4"),
        # torchvision 0.12 to 0.29 for Linux
        ("libcudart.faf08d9a.so.13", "libcudart.so.13", "faf08d9a"),
        ("libcudart.41118559.so.12", "libcudart.so.12", "41118559"),
        ("libcudart.d9bbffd7.so.10.2", "libcudart.so.10.2", "d9bbffd7"),
        ("libz.0ba23de2.so", "libz.so", "0ba23de2"),
    ],
)
def test_marks(name: str, plain: str, mark: str) -> None:
    assert without_mark(name) == (plain, mark)


@pytest.mark.parametrize(
    "name",
    [
        # delocate changes no name
        *("libpng16.16.dylib", "libabsl_base.2103.0.1.dylib", "libjpeg.62.4.0.dylib"),
        # dates and versions
        *("libabsl-20210324.so", "libabsl.20210324.so", "libabsl_base.so.20210324"),
        *("libx-123456789.so", "libx-1.2.so", "libgtk-3.so.0", "libglib-2.0.so.0"),
        *("libx.12345678.dylib", "libx.so.faf08d9a", "libx.faf08d9a.txt", "libx.faf08d9a"),
        # words, other widths, other digits
        *("libdeadbeef.so", "libx-cafe.so", "libx-0d1a2b3.so", "libx.0d1a2b3c4.so", "libx.cafe.so"),
        *("libx-0D1A2B3C.so", "libx_0d1a2b3c.so", "-0d1a2b3c.so", ".0d1a2b3c.so", "x-y", "", "."),
        *("cudart64_12.dll", "libcudart.so.12", "_C.abi3.so", "_C.cpython-311-x86_64-linux-gnu.so"),
    ],
)
def test_names_without_one(name: str) -> None:
    assert without_mark(name) == (name, "")
