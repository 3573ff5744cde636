from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.names.pairing import pair_libraries, pair_packages, pair_renamed


@pytest.mark.parametrize(
    ("old", "new", "pairs"),
    [
        (["a", "b"], ["a", "c"], {"a": "a", "c": "b"}),
        (["a"], ["b"], {"b": "a"}),
        (["a", "b"], ["c", "d"], {}),
        (["a"], ["a", "b"], {"a": "a"}),
    ],
)
def test_packages(old: list[str], new: list[str], pairs: dict[str, str]) -> None:
    assert pair_packages(old, new) == pairs


@pytest.mark.parametrize(
    ("old", "new", "pairs"),
    [
        (["x/_C"], ["x/_C"], {"x/_C": "x/_C"}),
        (["lib/_C"], ["torchaudio/lib/_C"], {"torchaudio/lib/_C": "lib/_C"}),
        (["torchaudio/lib/_C"], ["lib/_C"], {"lib/_C": "torchaudio/lib/_C"}),
        # two could be meant
        (["_C"], ["a/_C", "b/_C"], {}),
        (["a/_C", "b/_C"], ["_C"], {}),
        # a path's end is whole names
        (["C"], ["_C"], {}),
        ([""], ["x"], {}),
    ],
)
def test_libraries(old: list[str], new: list[str], pairs: dict[str, str]) -> None:
    assert pair_libraries(old, new) == pairs


@pytest.mark.parametrize(
    ("old", "new", "pairs"),
    [
        (["p/_C"], ["p/_C_stable"], {"p/_C_stable": "p/_C"}),
        (["p/_C"], ["p/ops"], {"p/ops": "p/_C"}),
        (["p/_C"], ["p/ops", "p/other"], {}),
        (
            ["p/_C", "p/_D"],
            ["p/_C_stable", "p/_D_stable"],
            {"p/_C_stable": "p/_C", "p/_D_stable": "p/_D"},
        ),
        (  # torchao 0.14.0 to 0.18.0
            ["t/_C", "t/_C_cutlass_100a", "t/_C_cutlass_90a", "t/prototype/mxfp8_cuda"],
            ["t/_C_cutlass_90a", "t/_C_mxfp8"],
            {"t/_C_cutlass_90a": "t/_C_cutlass_90a", "t/_C_mxfp8": "t/prototype/mxfp8_cuda"},
        ),
        (  # torchcodec 0.8.0 to 0.17.0, in small
            ["t/libt_core4", "t/libt_pybind_ops4", "t/libt_pybind_ops5"],
            ["t/libt_core4", "t/libt_core9", "t/libt_pybind_ops", "t/libt_heic"],
            {"t/libt_core4": "t/libt_core4", "t/libt_pybind_ops": "t/libt_pybind_ops4"},
        ),
    ],
)
def test_renamed_libraries(old: list[str], new: list[str], pairs: dict[str, str]) -> None:
    assert pair_renamed(old, new) == pairs
