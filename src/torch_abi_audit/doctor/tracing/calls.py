"""Calls: of functions in the sources, of those that open libraries, and of those about paths."""

from __future__ import annotations

from torch_abi_audit.doctor.tracing import functions, methods, openings
from torch_abi_audit.doctor.tracing.run import DEEPEST, Raised, Returned
from torch_abi_audit.doctor.tracing.values import (
    UNKNOWN,
    Function,
    Method,
    Named,
    Scope,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ast
    from collections.abc import Mapping, Sequence

    from torch_abi_audit.doctor.tracing.run import Run
    from torch_abi_audit.doctor.tracing.values import Known

    Where = tuple[str, int]


def call(
    target: Known,
    arguments: Sequence[Known],
    named: Mapping[str, Known],
    where: Where,
    run: Run,
) -> Known:
    """The value that a call returns.

    Raises:
        Raised: the function raises an exception.
        Exhausted: there is more to follow than a run may follow.
    """
    if isinstance(target, Function):
        return _followed(target, arguments, named, run)
    if isinstance(target, Method):
        return methods.method(target, arguments)
    if not isinstance(target, Named):
        return UNKNOWN
    opening = openings.OPENINGS.get(target.name)
    if opening is not None:
        return opening(arguments, named, where, run)
    known = functions.FUNCTIONS.get(target.name)
    if known is None:
        openings.perhaps_opened((*arguments, *named.values()), target.name, where, run)
        return UNKNOWN
    try:
        return known(run, *arguments)
    except (TypeError, ValueError, AttributeError, IndexError):
        return UNKNOWN  # called otherwise than the table knows


def _followed(
    function: Function, arguments: Sequence[Known], named: Mapping[str, Known], run: Run
) -> Known:
    """Walk a function of the sources with what is known of its arguments."""
    import ast

    from torch_abi_audit.doctor.tracing.expressions import value_of
    from torch_abi_audit.doctor.tracing.statements import walk

    node = function.node
    if run.depth >= DEEPEST or run.modules.is_generator(node) or not run.may_call(node):
        return UNKNOWN
    scope = Scope(function.scope.module, function.scope)
    _bind(node.args, function.defaults, arguments, named, scope)
    run.depth += 1
    run.running.add(node)
    doubts = run.doubts
    value: Known = None
    try:
        if isinstance(node, ast.Lambda):
            return value_of(node.body, scope, run)
        walk(node.body, scope, run)
    except Returned as returned:
        value = returned.value
    except Raised as raised:
        if run.doubts == doubts:
            raise
        run.doubt(raised)
        value = UNKNOWN
    finally:
        run.depth -= 1
        run.running.discard(node)
        run.doubts = doubts
    return value if all(each == value for each in scope.perhaps) else UNKNOWN


def _bind(
    parameters: ast.arguments,
    defaults: Sequence[Known],
    arguments: Sequence[Known],
    named: Mapping[str, Known],
    scope: Scope,
) -> None:
    names = [each.arg for each in (*parameters.posonlyargs, *parameters.args)]
    late = names[len(names) - len(defaults) :] if defaults else []
    scope.names.update(dict.fromkeys(names, UNKNOWN))
    scope.names.update(zip(late, defaults, strict=True))
    scope.names.update(dict.fromkeys((each.arg for each in parameters.kwonlyargs), UNKNOWN))
    scope.names.update(zip(names, arguments, strict=False))
    if parameters.vararg is not None:
        scope.names[parameters.vararg.arg] = tuple(arguments[len(names) :])
    scope.names.update((name, value) for name, value in named.items() if name in scope.names)
    if parameters.kwarg is not None:
        scope.names[parameters.kwarg.arg] = UNKNOWN
