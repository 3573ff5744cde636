"""Works out the values of expressions, as far as they are known without running anything."""

from __future__ import annotations

import ast
import operator

from torch_abi_audit.doctor.tracing import calls, functions, methods
from torch_abi_audit.doctor.tracing.comparisons import compared
from torch_abi_audit.doctor.tracing.run import Raised
from torch_abi_audit.doctor.tracing.values import (
    UNKNOWN,
    Flags,
    Function,
    Method,
    Named,
    Path,
    Scope,
    Spec,
    text_of,
    truth,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from torch_abi_audit.doctor.tracing.run import Run
    from torch_abi_audit.doctor.tracing.values import Known

_MOST_ITEMS = 256


def value_of(node: ast.expr | None, scope: Scope, run: Run) -> Known:
    """The value of an expression; ``UNKNOWN`` where it is not known.

    Calls in it are followed, whether or not their values are known.

    Raises:
        Raised: it raises an exception.
        Exhausted: there is more to follow than a run may follow.
    """
    if node is None:
        return UNKNOWN
    known = _KINDS.get(type(node))
    if known is not None:
        return known(node, scope, run)
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.expr):
            value_of(inner, scope, run)
    return UNKNOWN


def _constant(node: ast.Constant, _scope: Scope, _run: Run) -> Known:
    return node.value


def _name(node: ast.Name, scope: Scope, _run: Run) -> Known:
    if scope.has(node.id):
        return scope.find(node.id)
    if node.id in ("__file__", "__name__", "__package__"):
        module = scope.module
        return {"__file__": module.path, "__name__": module.name, "__package__": module.package}[
            node.id
        ]
    return functions.BUILTINS.get(node.id, UNKNOWN)


def _attribute(node: ast.Attribute, scope: Scope, run: Run) -> Known:
    return attribute(value_of(node.value, scope, run), node.attr, run)


def attribute(of: Known, name: str, run: Run) -> Known:
    """The attribute of a value."""
    if isinstance(of, Named):
        dotted = f"{of.name}.{name}"
        scope = run.scopes.get(of.name)
        if scope is not None and scope.has(name):
            return scope.find(name)
        if dotted in run.constants:
            return run.constants[dotted]
        return Named(dotted)
    if isinstance(of, Path):
        return methods.path_attribute(of, name)
    if isinstance(of, Spec):
        return {"origin": of.origin, "name": of.name, "loader": Method(of, "loader")}.get(
            name, UNKNOWN
        )
    if isinstance(of, functions.Release) and name in ("major", "minor", "micro"):
        return of.numbers[("major", "minor", "micro").index(name)]
    if isinstance(of, functions.Release) and name == "release":
        return of.numbers
    if isinstance(of, tuple) and name in ("major", "minor", "micro") and len(of) >= 3:
        return of[("major", "minor", "micro").index(name)]
    return UNKNOWN if of is UNKNOWN else Method(of, name)


def _sequence(node: ast.Tuple | ast.List | ast.Set, scope: Scope, run: Run) -> Known:
    items: list[Known] = []
    for each in node.elts:
        if isinstance(each, ast.Starred):
            inner = value_of(each.value, scope, run)
            if not isinstance(inner, (tuple, list)):
                return UNKNOWN
            items += inner
        else:
            items.append(value_of(each, scope, run))
    return tuple(items) if isinstance(node, ast.Tuple) else items


def _mapping(node: ast.Dict, scope: Scope, run: Run) -> Known:
    found: dict[Known, Known] = {}
    for key, value in zip(node.keys, node.values, strict=True):
        name, held = value_of(key, scope, run), value_of(value, scope, run)
        if key is None or not isinstance(name, (str, int, tuple)):
            return UNKNOWN
        found[name] = held
    return found


def _joined(node: ast.JoinedStr, scope: Scope, run: Run) -> Known:
    parts = []
    for each in node.values:
        inner = each.value if isinstance(each, ast.FormattedValue) else each
        value = value_of(inner, scope, run)
        if isinstance(each, ast.FormattedValue) and each.format_spec is not None:
            return UNKNOWN
        if isinstance(value, Path):
            value = value.text
        if not isinstance(value, (str, int, float)):
            return UNKNOWN
        parts.append(str(value))
    return "".join(parts)


def _binary(node: ast.BinOp, scope: Scope, run: Run) -> Known:
    left, right = value_of(node.left, scope, run), value_of(node.right, scope, run)
    if isinstance(node.op, ast.Div) and (isinstance(left, Path) or isinstance(right, Path)):
        first, second = text_of(left), text_of(right)
        return UNKNOWN if first is None or second is None else methods.joined(first, second)
    alike = type(left) is type(right) and isinstance(left, (str, list, tuple, int))
    if isinstance(node.op, ast.Add) and alike:
        return operator.add(left, right)
    if isinstance(node.op, ast.BitOr) and isinstance(left, Flags) and isinstance(right, Flags):
        return Flags(left.names | right.names)
    if isinstance(node.op, ast.Mod) and isinstance(left, str):
        values = right if isinstance(right, tuple) else (right,)
        if all(isinstance(each, (str, int)) for each in values):
            try:
                return left % values
            except (TypeError, ValueError):
                return UNKNOWN
    return UNKNOWN


def _boolean(node: ast.BoolOp, scope: Scope, run: Run) -> Known:
    """``and`` and ``or``: later operands count only where the earlier ones do not decide."""
    stops = isinstance(node.op, ast.Or)
    found: Known = UNKNOWN
    doubts = run.doubts
    try:
        for each in node.values:
            value = (
                _doubtful(each, scope, run) if run.doubts > doubts else value_of(each, scope, run)
            )
            known = truth(value)
            if known is stops:
                return value if run.doubts == doubts or stops is bool(known) else UNKNOWN
            if known is None:
                run.doubts += 1
            found = value
        return found if run.doubts == doubts else UNKNOWN
    finally:
        run.doubts = doubts


def _doubtful(node: ast.expr, scope: Scope, run: Run) -> Known:
    """The value of an expression of which it is not known whether it is evaluated."""
    try:
        return value_of(node, scope, run)
    except Raised as raised:
        run.doubt(raised)
        return UNKNOWN


def _unary(node: ast.UnaryOp, scope: Scope, run: Run) -> Known:
    value = value_of(node.operand, scope, run)
    if isinstance(node.op, ast.Not):
        known = truth(value)
        return UNKNOWN if known is None else not known
    if isinstance(node.op, ast.USub) and isinstance(value, (int, float)):
        return -value
    return UNKNOWN


def _compare(node: ast.Compare, scope: Scope, run: Run) -> Known:
    left = value_of(node.left, scope, run)
    result: Known = True
    for sign, each in zip(node.ops, node.comparators, strict=True):
        right = value_of(each, scope, run)
        result = result if result is not True else compared(sign, left, right, run)
        left = right
    return result


def _conditional(node: ast.IfExp, scope: Scope, run: Run) -> Known:
    known = truth(value_of(node.test, scope, run))
    if known is not None:
        return value_of(node.body if known else node.orelse, scope, run)
    run.doubts += 1
    try:
        _doubtful(node.body, scope, run)
        _doubtful(node.orelse, scope, run)
    finally:
        run.doubts -= 1
    return UNKNOWN


def _subscript(node: ast.Subscript, scope: Scope, run: Run) -> Known:
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


def _comprehension(
    node: ast.ListComp | ast.GeneratorExp | ast.SetComp, scope: Scope, run: Run
) -> Known:
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
    inner = Scope(scope.module, scope)
    assign(part.target, UNKNOWN, inner, run)
    run.doubts += 1
    try:
        for each in (*part.ifs, node.elt):
            _doubtful(each, inner, run)
    finally:
        run.doubts -= 1


def _mapped(node: ast.DictComp, scope: Scope, run: Run) -> Known:
    pair = ast.Tuple([node.key, node.value], ast.Load())
    pairs = _comprehension(ast.ListComp(pair, node.generators), scope, run)
    if not isinstance(pairs, list) or not all(isinstance(key, (str, int)) for key, _ in pairs):
        return UNKNOWN
    return dict(pairs)


def _call(node: ast.Call, scope: Scope, run: Run) -> Known:
    target = value_of(node.func, scope, run)
    arguments: list[Known] = []
    for each in node.args:
        if isinstance(each, ast.Starred):
            inner = value_of(each.value, scope, run)
            arguments += inner if isinstance(inner, (list, tuple)) else [UNKNOWN]
        else:
            arguments.append(value_of(each, scope, run))
    named = {each.arg or "**": value_of(each.value, scope, run) for each in node.keywords}
    where = (scope.module.path, node.lineno)
    return calls.call(target, arguments, named, where, run)


def _named_expression(node: ast.NamedExpr, scope: Scope, run: Run) -> Known:
    value = value_of(node.value, scope, run)
    assign(node.target, value, scope, run)
    return value


def _lambda(node: ast.Lambda, scope: Scope, _run: Run) -> Known:
    return Function(node, scope)


def assign(target: ast.expr, value: Known, scope: Scope, run: Run) -> None:
    """Bind what an assignment binds; attributes and items are evaluated and left alone."""
    if isinstance(target, ast.Name):
        scope.names[target.id] = value
    elif isinstance(target, (ast.Tuple, ast.List)):
        fits = isinstance(value, (tuple, list)) and len(value) == len(target.elts)
        for number, each in enumerate(target.elts):
            assign(each, value[number] if fits else UNKNOWN, scope, run)
    elif isinstance(target, ast.Starred):
        assign(target.value, UNKNOWN, scope, run)
    else:
        value_of(target, scope, run)


_KINDS: dict[type[ast.expr], Callable[..., Known]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Tuple: _sequence,
    ast.List: _sequence,
    ast.Set: _sequence,
    ast.Dict: _mapping,
    ast.JoinedStr: _joined,
    ast.BinOp: _binary,
    ast.BoolOp: _boolean,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.IfExp: _conditional,
    ast.Subscript: _subscript,
    ast.ListComp: _comprehension,
    ast.GeneratorExp: _comprehension,
    ast.SetComp: _comprehension,
    ast.DictComp: _mapped,
    ast.Call: _call,
    ast.NamedExpr: _named_expression,
    ast.Lambda: _lambda,
}
