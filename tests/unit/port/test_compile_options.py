"""The compiler options of a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from torch_abi_audit.port.compile_options import compile_options, target_macro
from torch_abi_audit.port.migration import Unit, Way
from torch_abi_audit.port.plan import plan

CHECK = b"_ZN3c106detail14torchCheckFailEPKcS2_jS2_"


@pytest.mark.parametrize(
    ("release", "value"),
    [
        ("2.9.0", "0x0209000000000000"),
        ("2.10.0", "0x020a000000000000"),
        ("2.10", "0x020a000000000000"),
        ("2.11.1", "0x020b000000000000"),
        ("2.15.0", "0x020f000000000000"),
        ("2.16.0", "0x0210000000000000"),
    ],
)
def test_the_macro_has_a_byte_for_each_number(release: str, value: str) -> None:
    assert target_macro(release) == f"-DTORCH_TARGET_VERSION={value}"


def test_only_macros_of_replacements_that_can_be_used_now_are_named() -> None:
    made = plan("pkg", "/pkg", (Unit("old.so", (CHECK,)),), target="2.10.0")
    (item,) = made.items
    assert compile_options(made) == (target_macro("2.10.0"),)
    with_cuda = replace(item, macros=("USE_CUDA",))
    assert compile_options(replace(made, items=(with_cuda,)))[1:] == ("-DUSE_CUDA",)
    later = replace(with_cuda, way=Way.LATER)
    assert compile_options(replace(made, items=(later,)))[1:] == ()


def test_nothing_to_port_needs_no_options() -> None:
    assert compile_options(plan("pkg", "/pkg", ())) == ()
    ported = plan("pkg", "/pkg", (Unit("new.so", shims=(b"aoti_torch_get_dim",)),))
    assert compile_options(ported) == (target_macro("2.10.0"),)
