"""Imports modules: of packages that are followed by their sources, of others by name alone."""

from __future__ import annotations

import ast
import re

from torch_abi_audit.doctor.tracing.run import DEEPEST, IMPORT, Broken, Raised
from torch_abi_audit.doctor.tracing.values import UNKNOWN, Named, Scope, Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.doctor.tracing.modules import Place
    from torch_abi_audit.doctor.tracing.run import Run
    from torch_abi_audit.doctor.tracing.values import Known

    Where = tuple[str, int]

_TORCH = "torch"


def import_module(name: str, where: Where, run: Run) -> None:
    """Import a module and the packages above it, each once.

    Raises:
        Raised: it is not found, or it raises an exception.
        Exhausted: there is more to follow than a run may follow.
    """
    above = ""
    for part in name.split("."):
        whole = f"{above}.{part}" if above else part
        if whole not in run.scopes:
            _import_one(whole, above, where, run)
        above = whole


def _import_one(name: str, above: str, where: Where, run: Run) -> None:
    top = name.partition(".")[0]
    if top == _TORCH:
        run.has_torch = True
    if top == _TORCH or (above and run.scopes.get(above) is None and top not in run.followed):
        run.scopes[name] = None
        return
    place = run.find(name, above)
    if place is None:
        _missing(name, above, where, run)
        return
    if place.directories:
        run.directories[name] = place.directories
    if place.file is None or not run.follows(name, place):
        run.scopes[name] = None
    elif place.is_extension:
        run.open(place.file, IMPORT, where, module=name)
        run.scopes[name] = None
    else:
        _execute(name, place, run)


def _missing(name: str, above: str, where: Where, run: Run) -> None:
    """Raise what Python raises where it finds no module, unless another finder may know it.

    Raises:
        Raised: there is no such module.
    """
    top = name.partition(".")[0]
    scope = run.scopes.get(above) if above else None
    unsure = run.modules.has_hooks or run.modules.is_standard(top)
    if above and scope is not None and scope.has("*dynamic"):
        unsure = True
    if unsure:
        run.unsure += not run.modules.is_standard(top)
        run.scopes[name] = None
        return
    run.fail("ModuleNotFoundError", f"No module named {name!r}", where)


def _execute(name: str, place: Place, run: Run) -> None:
    """Walk the source of a module; a module that raises is forgotten, as Python does."""
    from torch_abi_audit.doctor.tracing.statements import walk

    path = place.file or ""
    tree, text = run.modules.parsed(path)
    run.read(text)
    if tree is None or run.depth >= DEEPEST:
        run.scopes[name] = None
        return
    package = name if place.directories else name.rpartition(".")[0]
    scope = Scope(Source(name, path, package))
    scope.names["__path__"] = list(place.directories) if place.directories else UNKNOWN
    if _DYNAMIC.search(text):
        scope.names["*dynamic"] = True
    run.scopes[name] = scope
    run.depth += 1
    run.executing.append(name)
    doubts = run.doubts
    try:
        walk(tree.body, scope, run)
    except Raised as raised:
        if run.doubts == doubts:
            run.scopes.pop(name, None)
            raise
        run.doubt(raised)
    except Broken:  # both ways of an unknown condition leave the module
        pass
    finally:
        run.depth -= 1
        run.executing.pop()
        run.doubts = doubts


_DYNAMIC = re.compile(
    r"__getattr__|sys\.modules|globals\(\)|extend_path|meta_path"
    r"|(?<![\w.])__path__\s*(?:\+?=|\.\s*(?:append|extend|insert))"
)
"""Words of sources that may provide names and modules which no file shows."""


def import_from(node: ast.ImportFrom, scope: Scope, run: Run) -> None:
    """``from module import names``.

    Raises:
        Raised: the module or a name of it is not found, or it raises an exception.
        Exhausted: there is more to follow than a run may follow.
    """
    where = (scope.module.path, node.lineno)
    module = _absolute(node, scope)
    if module is None:
        for alias in node.names:
            scope.names[alias.asname or alias.name] = UNKNOWN
        return
    import_module(module, where, run)
    for alias in node.names:
        if alias.name == "*":
            _star(module, scope, run)
        else:
            scope.names[alias.asname or alias.name] = _member(module, alias.name, where, run)


def _cannot_import(name: str, scope: Scope, run: Run) -> str:
    """Python's words for a module that lacks a name."""
    whose = repr(scope.module.name)
    if scope.module.name in run.executing:
        whose = f"partially initialized module {whose} (most likely due to a circular import)"
    return f"cannot import name {name!r} from {whose} ({scope.module.path})"


def _lacks(scope: Scope, name: str, run: Run) -> bool:
    """Whether no statement of a module can bind a name, but for imports of it from the module."""
    if "*dynamic" in scope.names or run.modules.has_hooks:
        return False
    return not _binds(name, scope, run)


def _binds(name: str, scope: Scope, run: Run) -> bool:
    """Whether a statement of a module can bind a name."""
    tree, _ = run.modules.parsed(scope.module.path)
    return tree is None or name in _bound(tree, scope)


def _bound(tree: ast.Module, scope: Scope) -> set[str]:
    """The names that the statements of a module may bind, wherever they stand."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.Import):
            found |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and _absolute(node, scope) != scope.module.name:
            found |= {alias.asname or alias.name for alias in node.names}
    return found


def _absolute(node: ast.ImportFrom, scope: Scope) -> str | None:
    if not node.level:
        return node.module
    parts = scope.module.package.split(".")
    kept = parts[: len(parts) - node.level + 1]
    if not kept or not scope.module.package:
        return None
    return ".".join([*kept, node.module] if node.module else kept)


def _star(module: str, scope: Scope, run: Run) -> None:
    other = run.scopes.get(module)
    if other is None:
        scope.names["*dynamic"] = True
        return
    listed = other.names.get("__all__", UNKNOWN)
    for name, value in other.names.items():
        if isinstance(listed, (list, tuple)):
            if name in listed:
                scope.names[name] = value
        elif not name.startswith(("_", "*")):
            scope.names[name] = value
    if "*dynamic" in other.names:
        scope.names["*dynamic"] = True


def _is_followed(module: str, run: Run) -> bool:
    return module.partition(".")[0] in run.followed


def _member(module: str, name: str, where: Where, run: Run) -> Known:
    """A name of a module, or the submodule of that name."""
    dotted = f"{module}.{name}"
    scope = run.scopes.get(module)
    if scope is not None and name in scope.names:
        return scope.names[name]
    if dotted in run.constants:
        return run.constants[dotted]
    if module in run.directories and (scope is not None or _is_followed(module, run)):
        if dotted in run.scopes:
            return Named(dotted)
        if run.modules.find(dotted, run.directories[module]) is not None:
            import_module(dotted, where, run)
            return Named(dotted)
        if scope is not None and _lacks(scope, name, run):
            run.fail("ImportError", _cannot_import(name, scope, run), where)
        run.unsure += scope is not None and not _binds(name, scope, run)
    return Named(dotted)
