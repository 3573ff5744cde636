"""The reviewed source of the replacement table, ``replacements.toml``, as typed rows."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


class SourceError(Exception):
    """A row contradicts itself or another row; the text names it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One API in ``replacements.toml``, which describes the keys."""

    name: str
    effort: int
    symbols: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()
    use: str | None = None
    header: str | None = None
    declares: str = ""
    code: str = ""
    file: str = ""
    also: tuple[str, ...] = ()
    define: tuple[str, ...] = ()
    cuda: bool = False
    outside: bool = False
    note: str = ""

    def text(self, target: str) -> str:
        """A small source file that uses the replacement, for the torch release ``target``."""
        major, minor, _ = target.split(".")
        version = f"((({major}ULL) << 56) | (({minor}ULL) << 48))"
        lines = [f"#define TORCH_TARGET_VERSION {version}"]
        lines += [f"#define {macro} 1" for macro in self.define]
        if self.code:
            lines.append("#include <torch/csrc/stable/tensor.h>")
        lines += [f"#include <{header}>" for header in (self.header, *self.also)]
        if self.cuda:  # declarations of the CUDA runtime's header
            lines.append('enum cudaError_t : int { cudaSuccess }; extern "C" cudaError_t')
            lines.append("cudaGetLastError();")
        if self.code:
            lines.append(f"void example(torch::stable::Tensor& t) {{ {self.code} }}")
        return "\n".join([*lines, self.file, ""])


@dataclass(frozen=True, slots=True)
class BetterShim:
    """A C shim with a newer replacement."""

    name: str
    use: str
    note: str


@dataclass(frozen=True, slots=True)
class Source:
    """The contents of ``replacements.toml``."""

    rows: tuple[Row, ...] = field(default=())
    shims: tuple[BetterShim, ...] = field(default=())


def read(path: Path) -> Source:
    """The rows of ``replacements.toml``.

    Raises:
        SourceError: a row is incomplete, or two rows claim the same symbol.
    """
    with path.open("rb") as file:
        document = tomllib.load(file)
    known = {one.name for one in fields(Row)}
    rows = []
    for entry in document["api"]:
        if unknown := set(entry) - known:
            raise SourceError(f"{entry['name']}: unknown keys {sorted(unknown)}")
        plain: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()
        }
        row = Row(**plain)
        if row.use and not row.declares and not row.outside:
            row = Row(**{**plain, "declares": row.use.rpartition("::")[2]})
        _consider(row)
        rows.append(row)
    claimed: dict[str, str] = {}
    for row in rows:
        for key in (*row.symbols, *(f"operator {op}" for op in row.ops)):
            if (other := claimed.setdefault(key, row.name)) != row.name:
                raise SourceError(f"{row.name} and {other} both claim {key}")
    return Source(tuple(rows), tuple(BetterShim(**entry) for entry in document.get("shim", ())))


def _consider(row: Row) -> None:
    if not row.symbols and not row.ops:
        raise SourceError(f"{row.name}: the row has neither symbols nor ops")
    if row.effort not in (1, 2, 3):
        raise SourceError(f"{row.name}: effort must be 1, 2 or 3, not {row.effort}")
    if row.outside and (row.header or not row.use):
        raise SourceError(f"{row.name}: a replacement outside of torch needs use and no header")
    if row.use and not row.outside and not (row.header and (row.code or row.file)):
        raise SourceError(f"{row.name}: a replacement needs a header and code that uses it")
