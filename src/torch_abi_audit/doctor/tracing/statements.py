"""Walks statements in the order in which they would be run."""

from __future__ import annotations

import ast

from torch_abi_audit.doctor.tracing import imports
from torch_abi_audit.doctor.tracing.expressions import assign, value_of
from torch_abi_audit.doctor.tracing.run import Broken, Raised, Returned
from torch_abi_audit.doctor.tracing.values import UNKNOWN, Function, Named, Scope, truth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch_abi_audit.doctor.tracing.run import Run
    from torch_abi_audit.doctor.tracing.values import Known

_CACHES = frozenset({"cache", "lru_cache", "functools.cache", "functools.lru_cache"})
_MOST_ROUNDS = 256
_IS_A = {
    "ImportError": ("ImportError", "Exception", "BaseException"),
    "ModuleNotFoundError": ("ModuleNotFoundError", "ImportError", "Exception", "BaseException"),
    "OSError": ("OSError", "IOError", "EnvironmentError", "Exception", "BaseException"),
    "FileNotFoundError": ("FileNotFoundError", "OSError", "IOError", "Exception", "BaseException"),
    "PackageNotFoundError": (
        *("PackageNotFoundError", "ModuleNotFoundError", "ImportError"),
        *("Exception", "BaseException"),
    ),
    "KeyError": ("KeyError", "LookupError", "Exception", "BaseException"),
    "NotImplementedError": (
        *("NotImplementedError", "RuntimeError", "Exception", "BaseException"),
    ),
}
"""An exception to the classes that catch it; others are caught by their own name and by all."""


def walk(body: Sequence[ast.stmt], scope: Scope, run: Run) -> None:
    """Walk statements.

    Raises:
        Raised: one of them raises an exception.
        Returned: one of them returns from the function.
        Broken: one of them leaves the loop, or its round.
        Exhausted: there is more to follow than a run may follow.
    """
    for statement in body:
        run.count()
        known = _KINDS.get(type(statement))
        if known is not None:
            known(statement, scope, run)


def perhaps(body: Callable[[], None], scope: Scope, run: Run) -> bool:
    """Walk what may or may not be run; afterwards, names that it binds are not known.

    If it leaves the function or the loop, the rest of that may or may not be run, either.

    Returns:
        Whether it ends by leaving the statements around it.
    """
    before = dict(scope.names)
    follows = run.doubts
    run.doubts += 1
    leaves = False
    try:
        body()
    except Raised as raised:
        run.doubt(raised)
        leaves = True
    except Returned as returned:
        scope.perhaps.append(returned.value)
        leaves = True
        follows += 1
    except Broken:
        leaves = True
        follows += 1
    finally:
        run.doubts = follows
    for name, value in scope.names.items():
        if not leaves and (name not in before or before[name] is not value):
            scope.names[name] = UNKNOWN if not isinstance(value, Named) else value
    if leaves:
        scope.names = before
    return leaves


def _expression(node: ast.Expr, scope: Scope, run: Run) -> None:
    value_of(node.value, scope, run)


def _assign(node: ast.Assign, scope: Scope, run: Run) -> None:
    value = value_of(node.value, scope, run)
    for target in node.targets:
        assign(target, value, scope, run)


def _annotated(node: ast.AnnAssign, scope: Scope, run: Run) -> None:
    if node.value is not None:
        assign(node.target, value_of(node.value, scope, run), scope, run)


def _augmented(node: ast.AugAssign, scope: Scope, run: Run) -> None:
    value = value_of(ast.BinOp(_loaded(node.target), node.op, node.value), scope, run)
    assign(node.target, value, scope, run)


def _loaded(target: ast.expr) -> ast.expr:
    return ast.Name(target.id, ast.Load()) if isinstance(target, ast.Name) else target


def _import(node: ast.Import, scope: Scope, run: Run) -> None:
    where = (scope.module.path, node.lineno)
    for alias in node.names:
        imports.import_module(alias.name, where, run)
        if alias.asname:
            scope.names[alias.asname] = Named(alias.name)
        else:
            top = alias.name.partition(".")[0]
            scope.names[top] = Named(top)


def _import_from(node: ast.ImportFrom, scope: Scope, run: Run) -> None:
    imports.import_from(node, scope, run)


def _function(node: ast.FunctionDef, scope: Scope, run: Run) -> None:
    for each in node.decorator_list:
        value_of(each, scope, run)
    defaults = tuple(value_of(each, scope, run) for each in node.args.defaults)
    kept = all(_keeps_function(each) for each in node.decorator_list)
    scope.names[node.name] = Function(node, scope, defaults) if kept else UNKNOWN


def _keeps_function(decorator: ast.expr) -> bool:
    """Whether a decorated function still returns what it returned."""
    return ast.unparse(decorator).partition("(")[0] in _CACHES


def _other_function(node: ast.AsyncFunctionDef, scope: Scope, run: Run) -> None:
    for each in node.decorator_list:
        value_of(each, scope, run)
    scope.names[node.name] = UNKNOWN


def _class(node: ast.ClassDef, scope: Scope, run: Run) -> None:
    for each in (*node.decorator_list, *node.bases):
        value_of(each, scope, run)
    walk(node.body, Scope(scope.module, scope), run)
    scope.names[node.name] = UNKNOWN


def _if(node: ast.If, scope: Scope, run: Run) -> None:
    known = truth(value_of(node.test, scope, run))
    if known is not None:
        walk(node.body if known else node.orelse, scope, run)
        return
    first = perhaps(lambda: walk(node.body, scope, run), scope, run)
    second = perhaps(lambda: walk(node.orelse, scope, run), scope, run) if node.orelse else False
    if first and second:
        raise Returned(UNKNOWN) if scope.above is not None else Broken(goes_on=False)


def _try(node: ast.Try, scope: Scope, run: Run) -> None:
    unsure = run.unsure
    try:
        try:
            walk(node.body, scope, run)
        except Raised as raised:
            handler = next((one for one in node.handlers if _catches(one, raised)), None)
            if handler is None:
                raise
            _handle(handler, raised, scope, run)
        else:
            if run.unsure > unsure:
                _perhaps_handle(node, scope, run)
            walk(node.orelse, scope, run)
    finally:
        walk(node.finalbody, scope, run)


def _perhaps_handle(node: ast.Try, scope: Scope, run: Run) -> None:
    """Walk the handler of an import that may have failed."""
    missing = Raised("ImportError", "", scope.module.path, node.lineno)
    handler = next((one for one in node.handlers if _catches(one, missing)), None)
    if handler is not None:
        perhaps(lambda: walk(handler.body, scope, run), scope, run)


def _handle(handler: ast.ExceptHandler, raised: Raised, scope: Scope, run: Run) -> None:
    """Walk a handler; an exception that it raises has the failure as its cause."""
    if handler.name:
        scope.names[handler.name] = raised
    scope.names["*raised"] = raised
    try:
        walk(handler.body, scope, run)
    except Raised as other:
        if other.attempt is None:
            other.attempt = raised.attempt
        raise
    finally:
        scope.names.pop("*raised", None)
    run.catch(raised)


def _catches(handler: ast.ExceptHandler, raised: Raised) -> bool:
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(ast.unparse(each).rpartition(".")[2] in _classes(raised.kind) for each in types)


def _classes(kind: str) -> tuple[str, ...]:
    return _IS_A.get(kind, (kind, "Exception", "BaseException"))


def _raise(node: ast.Raise, scope: Scope, run: Run) -> None:
    name = node.exc.id if isinstance(node.exc, ast.Name) else "*raised"
    again = scope.find(name) if node.exc is None or isinstance(node.exc, ast.Name) else None
    if isinstance(again, Raised):
        raise again
    called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    kind = "Exception" if called is None else ast.unparse(called).rpartition(".")[2]
    text = ""
    if isinstance(node.exc, ast.Call):
        told = value_of(node.exc.args[0], scope, run) if node.exc.args else ""
        text = told if isinstance(told, str) else ""
    run.fail(kind, text, (scope.module.path, node.lineno))


def _with(node: ast.With, scope: Scope, run: Run) -> None:
    suppressed: list[str] = []
    for item in node.items:
        call = item.context_expr
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("suppress"):
            suppressed += [ast.unparse(each).rpartition(".")[2] for each in call.args]
        else:
            value = value_of(call, scope, run)
            if item.optional_vars is not None:
                assign(item.optional_vars, value, scope, run)
    try:
        walk(node.body, scope, run)
    except Raised as raised:
        if not set(suppressed) & set(_classes(raised.kind)):
            raise
        run.catch(raised)


def _for(node: ast.For, scope: Scope, run: Run) -> None:
    items = value_of(node.iter, scope, run)
    if isinstance(items, dict):
        items = list(items)
    if not isinstance(items, (list, tuple)) or len(items) > _MOST_ROUNDS:
        assign(node.target, UNKNOWN, scope, run)
        perhaps(lambda: walk(node.body, scope, run), scope, run)
        return
    doubts = run.doubts
    try:
        for item in items:
            assign(node.target, item, scope, run)
            try:
                walk(node.body, scope, run)
            except Broken as broken:
                if not broken.goes_on:
                    return
        walk(node.orelse, scope, run)
    finally:
        run.doubts = doubts


def _while(node: ast.While, scope: Scope, run: Run) -> None:
    if truth(value_of(node.test, scope, run)) is not False:
        perhaps(lambda: walk(node.body, scope, run), scope, run)


def _return(node: ast.Return, scope: Scope, run: Run) -> None:
    raise Returned(None if node.value is None else value_of(node.value, scope, run))


def _break(_node: ast.Break, _scope: Scope, _run: Run) -> None:
    raise Broken(goes_on=False)


def _continue(_node: ast.Continue, _scope: Scope, _run: Run) -> None:
    raise Broken(goes_on=True)


def _delete(node: ast.Delete, scope: Scope, _run: Run) -> None:
    for target in node.targets:
        if isinstance(target, ast.Name):
            scope.names.pop(target.id, None)


_KINDS: Mapping[type[ast.stmt], Callable[..., Known]] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.FunctionDef: _function,
    ast.AsyncFunctionDef: _other_function,
    ast.ClassDef: _class,
    ast.If: _if,
    ast.Try: _try,
    ast.Raise: _raise,
    ast.With: _with,
    ast.For: _for,
    ast.While: _while,
    ast.Return: _return,
    ast.Break: _break,
    ast.Continue: _continue,
    ast.Delete: _delete,
}
