from __future__ import annotations

import pytest

from torch_abi_audit.knowledge.names.pairing import (
    pair_known,
    pair_libraries,
    pair_packages,
    pair_renamed,
)

NONE: frozenset[str] = frozenset()


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
    assert pair_renamed(dict.fromkeys(old, NONE), dict.fromkeys(new, NONE)) == pairs


TEN = frozenset(f"c10::f{at}()" for at in range(10))


@pytest.mark.parametrize(
    ("name", "symbols", "is_pair"),
    [
        ("p/_C_mxfp8", NONE, False),
        ("p/_C_mxfp8", TEN, True),
        ("p/_C_mxfp8", frozenset(sorted(TEN)[:5]), True),
        ("p/_C_mxfp8", frozenset(sorted(TEN)[:4]), False),
        ("p/kernels", frozenset(sorted(TEN)[:8]), True),
        ("p/kernels", frozenset(sorted(TEN)[:7]), False),
        ("p/_C_stable", NONE, True),
        ("q/_C", NONE, True),
    ],
)
def test_symbols_tell_what_names_do_not(name: str, symbols: frozenset[str], is_pair: bool) -> None:
    """Beside a library that was added."""
    pairs = pair_renamed({"p/_C": TEN}, {name: symbols, "p/added": NONE})
    assert pairs == ({name: "p/_C"} if is_pair else {})


def test_the_best_partner_wins() -> None:
    new = {"p/_C_mxfp8": TEN, "p/_C_stable": NONE}
    assert pair_renamed({"p/_C": TEN}, new) == {"p/_C_stable": "p/_C"}


def test_a_few_symbols_say_nothing() -> None:
    few = frozenset(sorted(TEN)[:4])
    assert pair_renamed({"p/a": few}, {"p/b": few, "p/c": NONE}) == {}


@pytest.mark.parametrize(
    ("old", "new", "pairs"),
    [
        # written by an earlier program: no suffix, and one key for all
        (["p/libx_1"], ["p/libx"], {"p/libx": "p/libx_1"}),
        (["p/libcudart.faf08d9a"], ["p/libcudart"], {"p/libcudart": "p/libcudart.faf08d9a"}),
        (["p/a-9.7.2"], ["p/a"], {"p/a": "p/a-9.7.2"}),
        (["p-1.data/purelib/p/_C"], ["p/_C"], {"p/_C": "p-1.data/purelib/p/_C"}),
        (
            ["p/libx_1"],
            ["p/libx_1.13.0.dylib", "p/libx_1.13.1.dylib"],
            {"p/libx_1.13.0.dylib": "p/libx_1", "p/libx_1.13.1.dylib": "p/libx_1"},
        ),
        # a version more, a version less
        (
            ["p/x.cpython-310-darwin.so", "p/x.cpython-311-darwin.so"],
            ["p/x.cpython-311-darwin.so", "p/x.cpython-312-darwin.so"],
            {
                "p/x.cpython-311-darwin.so": "p/x.cpython-311-darwin.so",
                "p/x.cpython-312-darwin.so": "p/x.cpython-310-darwin.so",
            },
        ),
        (["p/libx.so.1", "p/libx.so.2"], ["p/libx"], {"p/libx": "p/libx.so.2"}),
        (["p/libx.so"], ["p/libx.so", "p/libx.so.1"], {"p/libx.so": "p/libx.so"}),
        (["p/a-*-*.so"], ["p/a"], {"p/a": "p/a-*-*.so"}),
        (["p/a"], ["p/b"], {}),
    ],
)
def test_keys_of_a_baseline(old: list[str], new: list[str], pairs: dict[str, str]) -> None:
    assert pair_known(old, new) == pairs
