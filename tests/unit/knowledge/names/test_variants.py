"""The torch release in a library's path, and which paths are those of variants."""

from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.names.variants import Release, mark, releases

PAIRS = [
    ("p/torch-2.10/_C.so", "p/torch-2.9/_C.so", "2.10", "2.9"),
    ("p/x_torch211.so", "p/x_torch29.so", "2.11", "2.9"),
    ("p/x_TORCH211.abi3.so", "p/x_TORCH212.abi3.so", "2.11", "2.12"),
    ("p/x.so.pt112cu116", "p/x.so.pt113cu117", "1.12", "1.13"),
    ("torch29-cxx11-cu126-linux/x.so", "torch28-cxx98-cu118-linux/x.so", "2.9", "2.8"),
    ("libtorch-2.5.X/x.so", "libtorch-2.6.X/x.so", "2.5", "2.6"),
    ("lib/libtorch_2_5_1/x.so", "lib/libtorch_2_6_0/x.so", "2.5.1", "2.6.0"),
    ("dgl/libgraphbolt_pytorch_2.1.1.so", "dgl/libgraphbolt_pytorch_2.1.2.so", "2.1.1", "2.1.2"),
    ("dgl/pytorch_2.1.10+cu118.so", "dgl/pytorch_2.2.0+cu118.so", "2.1.10", "2.2.0"),
    ("p/torch_2_4/x.so", "p/torch_2_10/x.so", "2.4", "2.10"),
    ("p/pt2.4/x.so", "p/pt2.5/x.so", "2.4", "2.5"),
    ("p/torch2p4/x.so", "p/torch2p10/x.so", "2.4", "2.10"),
    ("p/pt24/x.so", "p/pt25/x.so", "2.4", "2.5"),
    ("p/torch2.4.0+cu124/x.so", "p/torch2.5.1+cu124/x.so", "2.4.0", "2.5.1"),
    ("p/cu124torch2.4cxx11abiFALSE/x.so", "p/cu124torch2.5cxx11abiFALSE/x.so", "2.4", "2.5"),
    ("p/x_torch-v2.9.so", "p/x_torch-v2.8.so", "2.9", "2.8"),
    ("p/x-torch==2.9.1.so", "p/x-torch==2.8.0.so", "2.9.1", "2.8.0"),
    ("p/torch240/x.so", "p/torch251/x.so", "2.4.0", "2.5.1"),
    ("p/torch210/x.so", "p/torch251/x.so", "2.1.0", "2.5.1"),
    ("p/torch210/x.so", "p/torch29/x.so", "2.10", "2.9"),
    ("p/torch2100/x.so", "p/torch291/x.so", "2.10.0", "2.9.1"),
    ("p/x_pyt2.1.so", "p/x_pyt2.2.so", "2.1", "2.2"),
]


@pytest.mark.parametrize(("path", "other", "release", "others"), PAIRS)
def test_two_releases_in_paths_that_are_otherwise_equal(
    path: str, other: str, release: str, others: str
) -> None:
    found = releases([path, other, "p/other.so"])
    assert {at: one.text for at, one in found.items()} == {path: release, other: others}


@pytest.mark.parametrize(
    "path",
    [
        *("p/torch2.so", "p/script2.10.so", "p/mytorch2.10.so", "torch/lib/libtorch_cpu.so"),
        *(
            "p/torch-3.1/_C.so",
            "",
            "onnx2torch-2.1/x.so",
            "lib/libtorch-2.5.so",
            "p/torch1.14/x.so",
        ),
        *("lib/libtorch.so.2.5", "lib/libtorch.2.5.dylib", "libfoo_torch.2.10.dylib"),
        *("libfoo-2.10.so", "lib/python3.10/x.so", "_C_v2.so", "sm_210/x.so", "p/opt2.10/x.so"),
        *("x_pt2.so", "x_pt2_cu118.so", "torchtext-0.16/x.so"),
    ],
)
def test_paths_without_a_release(path: str) -> None:
    assert mark(path) is None


def test_one_release_alone_is_not_a_variant() -> None:
    assert releases(["p/x_torch29.so", "p/y.so", "p/z.so"]) == {}
    assert releases(["a/torch-2.9/x.so", "a/torch-2.9/y.so"]) == {}


def test_two_libraries_with_versions_of_their_own_are_not_variants() -> None:
    assert releases(["p/libaudio_torch-2.1.so", "p/libvideo_torch-2.2.so"]) == {}


def test_a_library_that_only_one_variant_has_belongs_to_it() -> None:
    paths = ["a/torch-2.9/x.so", "a/torch-2.9/y.so", "a/torch-2.8/x.so"]
    assert releases(paths)["a/torch-2.9/y.so"].minor == "2.9"


def test_a_patch_release_serves_itself_and_a_minor_release_all_of_its_patches() -> None:
    assert Release("2.9", "2.9.1").serves("2.9.1")
    assert not Release("2.9", "2.9.1").serves("2.9.0")
    assert Release("2.9").serves("2.9.1")
    assert not Release("2.9").serves("2.10.0")
