"""Works out the values of expressions, as far as they are known without running anything."""

from __future__ import annotations

import ast
import operator

from torch_abi_audit.doctor.tracing import calls, functions, items, methods
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
                doubtful(each, scope, run) if run.doubts > doubts else value_of(each, scope, run)
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


def doubtful(node: ast.expr, scope: Scope, run: Run) -> Known:
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
        doubtful(node.body, scope, run)
        doubtful(node.orelse, scope, run)
    finally:
        run.doubts -= 1
    return UNKNOWN


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
    ast.Subscript: items.subscript,
    ast.ListComp: items.comprehension,
    ast.GeneratorExp: items.comprehension,
    ast.SetComp: items.comprehension,
    ast.DictComp: items.mapped,
    ast.Call: _call,
    ast.NamedExpr: _named_expression,
    ast.Lambda: _lambda,
}
