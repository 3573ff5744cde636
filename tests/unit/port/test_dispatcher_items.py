"""Every operator that a plan calls through the dispatcher can be called there, on each release."""

from __future__ import annotations

import re

import pytest

from torch_abi_audit.knowledge.operators import history, parse, refused, texts
from torch_abi_audit.port.migration import Unit, Way
from torch_abi_audit.port.plan import plan
from torch_abi_audit.port.wrappers import header, needed

pytestmark = pytest.mark.slow

CALL = re.compile(r'"aten::(\w+)", "([^"]*)"')


def caller(text: str) -> bytes:
    """The mangled name of the function that calls an operator, without its parameters."""
    one = parse(text)
    name = "_".join(filter(None, (one.name.removeprefix("aten::"), one.overload)))
    return f"_ZN2at4_ops{len(name)}{name}4callEv".encode()


@pytest.mark.parametrize("target", ["2.10.0", "2.15.0"])
def test_what_a_plan_of_all_operators_calls(target: str) -> None:
    names = sorted({caller(text) for text in texts(target)})
    made = plan("all", "/all", [Unit("all.so", tuple(names))], target=target)
    shown = [
        (one, *call)
        for one in made.items
        if one.way is Way.DISPATCHER
        for call in CALL.findall(
            " ".join((one.use or "", one.fallback.use if one.fallback else ""))
        )
    ]
    assert len(shown) > 2000
    wrong, changed = [], set()
    for one, name, overload in shown:
        course = history(name, overload, target)
        schema = course[0][1]
        if schema is None or refused(schema, target) or None in [later for _, later in course]:
            wrong.append((one.api, name, overload, course))
        elif len(course) > 1 and "choose the stack by aoti_torch_abi_version()" in one.note:
            changed.add(name)
        elif len(course) > 1:
            wrong.append((one.api, name, overload, course))
    assert wrong == []
    assert changed == (
        {"_flash_attention_forward", "_scaled_dot_product_attention_math_for_mps"}
        if target == "2.10.0"
        else set()
    )


def test_all_that_a_plan_calls_has_a_helper() -> None:
    names = sorted({caller(text) for text in texts("2.10.0")})
    made = plan("all", "/all", [Unit("all.so", tuple(names))], target="2.10.0")
    shown = {
        f"aten::{name}.{overload}".removesuffix(".")
        for one in made.items
        if one.way is Way.DISPATCHER
        for name, overload in CALL.findall(one.use or "")
    }
    helpers = header(needed([made]), "2.10.0", "G_H")
    assert shown - {*helpers.operators} == {"aten::_test_string_default"}  # quotes in its default
    assert shown <= {*helpers.operators, *(name for name, _ in helpers.left_out)}
