"""Works out what takes items: subscripts, slices and comprehensions."""

from __future__ import annotations

import ast

from torch_abi_audit.doctor.tracing import methods
from torch_abi_audit.doctor.tracing.values import UNKNOWN, Method, Named, Scope, truth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.doctor.tracing.run import Run
    from torch_abi_audit.doctor.tracing.values import Known

_MOST_ITEMS = 256


def subscript(node: ast.Subscript, scope: Scope, run: Run) -> Known:
    """An item or a slice of a value."""
    from torch_abi_audit.doctor.tracing.expressions import value_of

    of = value_of(node.value, scope, run)
    if isinstance(node.slice, ast.Slice):
        low, high = (
            None if each is None else value_of(each, scope, run)
            for each in (node.slice.lower, node.slice.upper)
        )
        if isinstance(of, (str, list, tuple)) and all(
            each is None or isinstance(each, int) for each in (low, high)
        ):
            return of[low:high] if node.slice.step is None else UNKNOWN
        return UNKNOWN
    key = value_of(node.slice, scope, run)
    if of == Named("os.environ") and isinstance(key, str):
        return run.environ.get(key, UNKNOWN)
    if isinstance(of, (str, list, tuple)) and isinstance(key, int) and -len(of) <= key < len(of):
        return of[key]
    if isinstance(of, dict) and isinstance(key, (str, int)):
        return of.get(key, UNKNOWN)
    if isinstance(of, Method) and of.name == "parents" and isinstance(key, int):
        found = of.of
        for _ in range(key + 1):
            found = methods.path_attribute(found, "parent")
        return found
    return UNKNOWN


def comprehension(
    node: ast.ListComp | ast.GeneratorExp | ast.SetComp, scope: Scope, run: Run
) -> Known:
    """The list of a comprehension over items that are known."""
    from torch_abi_audit.doctor.tracing.expressions import assign, value_of

    if len(node.generators) != 1:
        return UNKNOWN
    (part,) = node.generators
    items = value_of(part.iter, scope, run)
    if isinstance(items, dict):
        items = list(items)
    if not isinstance(items, (list, tuple)) or len(items) > _MOST_ITEMS:
        _unknown_items(node, part, scope, run)
        return UNKNOWN
    found = []
    for item in items:
        inner = Scope(scope.module, scope)
        assign(part.target, item, inner, run)
        kept = [truth(value_of(test, inner, run)) for test in part.ifs]
        if None in kept:
            return UNKNOWN
        if all(kept):
            found.append(value_of(node.elt, inner, run))
    return found


def _unknown_items(
    node: ast.ListComp | ast.GeneratorExp | ast.SetComp,
    part: ast.comprehension,
    scope: Scope,
    run: Run,
) -> None:
    """Follow the calls in a comprehension over what is not known."""
    from torch_abi_audit.doctor.tracing.expressions import assign, doubtful

    inner = Scope(scope.module, scope)
    assign(part.target, UNKNOWN, inner, run)
    run.doubts += 1
    try:
        for each in (*part.ifs, node.elt):
            doubtful(each, inner, run)
    finally:
        run.doubts -= 1


def mapped(node: ast.DictComp, scope: Scope, run: Run) -> Known:
    """The mapping of a comprehension over items that are known."""
    pair = ast.Tuple([node.key, node.value], ast.Load())
    pairs = comprehension(ast.ListComp(pair, node.generators), scope, run)
    if not isinstance(pairs, list) or not all(isinstance(key, (str, int)) for key, _ in pairs):
        return UNKNOWN
    return dict(pairs)
