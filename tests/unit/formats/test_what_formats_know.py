"""The readers know only their formats: nothing about torch, Python or the names to look for."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from torch_abi_audit.formats import READERS
from torch_abi_audit.model.binary import MAGICS, Format
from torch_abi_audit.runtime.lazy_import import module

FORMATS = Path(__file__).parents[3] / "src" / "torch_abi_audit" / "formats"
FOREIGN = re.compile(r"torch|python|aten|c10|nv_?fat|\bPy[A-Z]|\bcp3\d", re.IGNORECASE)


def literals(source: str) -> list[str]:
    """The text and bytes literals in a module's code, without docstrings."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value if isinstance(node.value, str) else node.value.decode("latin-1")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str | bytes)
        and id(node) not in prose
    ]


@pytest.mark.parametrize(
    "path", sorted(FORMATS.rglob("*.py")), ids=lambda path: str(path.relative_to(FORMATS))
)
def test_no_reader_names_what_is_not_of_its_format(path: Path) -> None:
    named = [text for text in literals(path.read_text(encoding="utf-8")) if FOREIGN.search(text)]
    assert not named


def test_such_a_name_is_seen() -> None:
    source = '"""Of PyInit_ and torch."""\nENTRY = b"PyInit_"\nTEXT = f"not torch: {ENTRY}"\n'
    assert [text for text in literals(source) if FOREIGN.search(text)] == ["PyInit_", "not torch: "]


@pytest.mark.parametrize("kind", Format)
def test_each_format_has_a_reader_with_what_it_owes(kind: Format) -> None:
    reader = module(f"formats.{READERS[kind]}")
    owed = ("read", "exports", "exported", "exported_with")
    assert all(callable(getattr(reader, name)) for name in owed)
    assert kind in MAGICS.values()


@pytest.mark.parametrize("name", ["image.py", "library.py", "object.py"])
def test_each_format_has_the_same_files(name: str) -> None:
    homes = [FORMATS / reader.partition(".")[0] for reader in READERS.values()]
    assert len(homes) == len(Format)
    assert all((home / name).is_file() for home in homes)
