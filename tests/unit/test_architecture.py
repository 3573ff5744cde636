"""Who may import whom: the dependency direction of ARCHITECTURE.md, checked on the source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "torch_abi_audit"
PREFIX = "torch_abi_audit."

VOCABULARY = {"record", "enumeration", "once", "late"}
"""What classes and constants are made with, anywhere."""

PURE = {"model", "loads.matrix", "errors", "mangling", "libtorch", "variants", "prefixes"}
"""May be imported by all; see no other layer."""

ALLOWED = {
    "errors": set(),
    "model": {"loads.matrix"},
    "loads.matrix": set(),
    "mangling": set(),
    "libtorch": set(),
    "variants": {"model"},
    "prefixes": set(),
    "parcel": set(),
    "aside": {"parcel"},
    "formats": {"model", "errors"},
    "tables": set(),
    "surface": {"model", "tables"},
    "resolve": {"model"},
    "rules": {"model"},
    "torch_abi": PURE | {"surface"},
    "python_abi": PURE | {"surface"},
    "loads.library": PURE | {"loads.export_file", "loads.export_index"},
    "loads.compat": PURE | {"loads.export_file", "loads.export_index", "loads.library"},
    "sources": {"model", "errors", "sources"},
    "platforms": {"model", "tables"},
    "metadata": {"model", "platforms", "rules", "libtorch", "metadata"},
    "outcome": {"model"},
    "fingerprint": {"model", "outcome"},
    "gate": PURE | {"outcome", "fingerprint", "pairing", "report", "rules"},
    "pairing": set(),
    "diff.difference": {"model"},
    "diff.compare": PURE | {"diff.difference", "fingerprint", "pairing", "report"},
    "settings": PURE | {"gate", "report", "toml_lines"},
    "toml_lines": set(),
    "saved": {"model", "loads.matrix", "errors"},
    "explain.explanation": set(),
    "explain.error_text": set(),
    "explain.symbol_history": PURE
    | {"explain.explanation", "loads.export_file", "loads.export_index"},
    "explain.foreign": PURE | {"explain.explanation", "surface"},
    "explain.symbol": PURE
    | {
        "explain.foreign",
        "explain.explanation",
        "loads.export_index",
        "port.replacements",
        "surface",
        "explain.symbol_history",
    },
    "explain.library": PURE | {"explain.explanation", "explain.symbol", "loads.export_index"},
    "explain.question": PURE
    | {"explain.error_text", "explain.library", "explain.symbol", "explain.explanation", "rules"},
    "explain.target": PURE
    | {"loads.compat", "explain.symbol", "explain.explanation", "loads.matrix"},
    "port.migration": set(),
    "port.replacements": set(),
    "port.plan": PURE | {"port.migration", "port.replacements", "surface"},
    "port.since": {"errors", "port.migration"},
    "report": PURE
    | {
        "__version__",
        "diff.difference",
        "explain.explanation",
        "port.migration",
        "outcome",
        "fingerprint",
        "rules",
        "python_abi",
    },
}
"""Part to the parts it may import, itself aside: a module, a package, or a module of a package that
is listed by its modules. What is not listed is free."""


def _part(module: str) -> str:
    first, _, rest = module.removeprefix(PREFIX).partition(".")
    fine = f"{first}.{rest.partition('.')[0]}"
    return fine if fine in ALLOWED or any(one.startswith(f"{first}.") for one in ALLOWED) else first


def _is_package(module: str) -> bool:
    return (PACKAGE / module.removeprefix(PREFIX).replace(".", "/")).is_dir()


def _imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            if node.module == "torch_abi_audit":
                found |= {alias.name for alias in node.names}
            elif node.module.startswith(PREFIX):
                found |= {
                    _part(
                        f"{node.module}.{alias.name}" if _is_package(node.module) else node.module
                    )
                    for alias in node.names
                }
        elif isinstance(node, ast.Import):
            found |= {_part(a.name) for a in node.names if a.name.startswith(PREFIX)}
    return found


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_what_its_layer_may(path: Path) -> None:
    part = _part(".".join(path.relative_to(PACKAGE).with_suffix("").parts))
    if part in ALLOWED:
        assert _imports(path) - {part, *VOCABULARY} <= ALLOWED[part], (
            f"{part} reaches into another layer"
        )


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_the_map_names_what_exists(part: str) -> None:
    where = PACKAGE / part.replace(".", "/")
    assert where.is_dir() or where.with_suffix(".py").is_file()


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_command_line_prints(path: Path) -> None:
    part = path.relative_to(PACKAGE).parts[0]
    calls = [
        node.func.id
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    ]
    if part not in {"commands", "cli.py"}:
        assert "print" not in calls
    assert "eval" not in calls
    assert "exec" not in calls
