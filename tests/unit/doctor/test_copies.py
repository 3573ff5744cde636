"""Runtimes by the names of their files, and the copies that a package brings."""

from __future__ import annotations

import pytest

from torch_abi_audit.doctor.copies import runtime_of, second_copies
from torch_abi_audit.doctor.process import Found, Opened


@pytest.mark.parametrize(
    ("name", "runtime"),
    [
        ("libgomp.so.1", "libgomp"),
        ("libgomp-e985bcbb.so.1.0.0", "libgomp"),
        ("libiomp5.so", "libomp"),
        ("libomp.dylib", "libomp"),
        ("libcudart.so.12", "libcudart"),
        ("libcudart-9335f6a2.so.12.1.105", "libcudart"),
        ("libcudnn_graph.so.9", "libcudnn_graph"),
        ("libnccl.so.2", "libnccl"),
        ("libstdc++.so.6.0.30", "libstdc++"),
        ("libgcc_s.so.1", "libgcc_s"),
        ("libtbb.so.12", "libtbb"),
        ("libpython3.11.so.1.0", "libpython"),
        ("libprotobuf-4a2c0b9f.so.32", "libprotobuf"),
        ("libtorch_cpu.so", None),
        ("libm.so.6", None),
        ("_C.cpython-311-x86_64-linux-gnu.so", None),
    ],
)
def test_what_is_a_runtime(name: str, runtime: str | None) -> None:
    assert runtime_of(f"/usr/lib/{name}") == runtime


def opened(path: str) -> Opened:
    return Opened(path, path, None, Found.PATH)


def test_a_copy_counts_where_the_package_brings_it() -> None:
    first, second = opened("/torch/lib/libgomp.so.1"), opened("/ext.libs/libgomp-e985bcbb.so.1")
    other = opened("/ext/_C.so")
    (copies,) = second_copies([first, second, other], [second, other], "ext")
    assert (copies.name, copies.opened, copies.package) == ("libgomp", (first, second), "ext")
    assert list(second_copies([first, second, other], [other], "ext")) == []
    assert list(second_copies([first, other], [other], "ext")) == []
