"""Who may import whom: the dependency direction of ARCHITECTURE.md, checked on the source."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "torch_abi_audit"
PREFIX = "torch_abi_audit."

PURE = {"model", "load_matrix", "errors", "mangling", "libtorch", "variants"}
"""May be imported by all; see no other layer."""

ALLOWED = {
    "errors": set(),
    "model": {"load_matrix"},
    "load_matrix": set(),
    "mangling": set(),
    "libtorch": set(),
    "variants": {"model"},
    "formats": {"model", "errors"},
    "surface": {"model", "errors"},
    "resolve": {"model"},
    "rules": {"model"},
    "torch_abi": PURE | {"surface"},
    "python_abi": PURE | {"surface"},
    "library_loads": PURE | {"export_file", "export_index"},
    "compat": PURE | {"export_file", "export_index", "library_loads"},
    "sources": {"model", "errors", "sources"},
    "platforms": {"model"},
    "metadata": {"model", "platforms", "rules", "libtorch", "metadata"},
    "outcome": {"model"},
    "fingerprint": {"model", "outcome"},
    "gate": PURE | {"outcome", "fingerprint", "pairing", "report", "rules"},
    "pairing": set(),
    "difference": {"model"},
    "diff": PURE | {"difference", "fingerprint", "pairing", "report"},
    "settings": PURE | {"gate", "report", "toml_lines"},
    "toml_lines": set(),
    "saved": {"model", "load_matrix", "errors"},
    "explanation": set(),
    "error_text": set(),
    "symbol_history": PURE | {"explanation", "export_file", "export_index"},
    "explain_foreign": PURE | {"explanation", "surface"},
    "explain_symbol": PURE
    | {
        "explain_foreign",
        "explanation",
        "export_index",
        "replacements",
        "surface",
        "symbol_history",
    },
    "explain_library": PURE | {"explanation", "explain_symbol", "export_index"},
    "explain": PURE | {"error_text", "explain_library", "explain_symbol", "explanation", "rules"},
    "explain_target": PURE | {"compat", "explain_symbol", "explanation", "load_matrix"},
    "migration": set(),
    "replacements": set(),
    "port": PURE | {"migration", "replacements", "surface"},
    "port_since": {"errors", "migration"},
    "report": PURE
    | {
        "__version__",
        "difference",
        "explanation",
        "migration",
        "outcome",
        "fingerprint",
        "rules",
        "python_abi",
    },
}
"""Top-level part to the parts it may import, itself aside. What is not listed is free."""


def _part(module: str) -> str:
    return module.removeprefix(PREFIX).partition(".")[0]


def _imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            if node.module == "torch_abi_audit":
                found |= {alias.name for alias in node.names}
            elif node.module.startswith(PREFIX):
                found.add(_part(node.module))
        elif isinstance(node, ast.Import):
            found |= {_part(a.name) for a in node.names if a.name.startswith(PREFIX)}
    return found


def _modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_what_its_layer_may(path: Path) -> None:
    part = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if part in ALLOWED:
        assert _imports(path) - {part, "record"} <= ALLOWED[part], (
            f"{part} reaches into another layer"
        )


@pytest.mark.parametrize("part", sorted(ALLOWED))
def test_the_map_names_what_exists(part: str) -> None:
    assert (PACKAGE / part).is_dir() or (PACKAGE / f"{part}.py").is_file()


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
