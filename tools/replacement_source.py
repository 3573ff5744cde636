"""The reviewed source of the replacement table, ``replacements.toml``, as typed rows."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_TENSOR = re.compile(r"\bt\b")
_CHECK = (
    "#undef CHECK",
    "#define CHECK(...) if (!(__VA_ARGS__)) throw std::runtime_error(#__VA_ARGS__)",
)
_STANDARD = ("cstring", "functional", "optional", "stdexcept", "string", "tuple", "vector")


class SourceError(Exception):
    """A row contradicts itself or another row; the text names it."""


@dataclass(frozen=True, slots=True)
class Example:
    """Code that uses a replacement with one header, as a programmer who reads the row writes it."""

    use: str
    header: str
    declares: str = ""
    """The identifier to look for in the header; by default the last one in ``use``."""
    code: str = ""
    """Statements of a function that is given a tensor ``t``, if they have one."""
    file: str = ""
    """Code outside of a function."""
    run: str = ""
    """Statements that check the result, in place of ``code`` when the example runs."""
    define: tuple[str, ...] = ()
    cuda: bool = False
    cannot_run: str = ""
    """Why the example is not run; empty if it is."""
    also: tuple[str, ...] = ()
    """Headers of torch's that it needs beside ``header``; the note of the row names them."""

    @property
    def text(self) -> str:
        """The example as a source file."""
        return together((self,))

    def macros(self, target: str) -> tuple[str, ...]:
        """What must be defined to build it for the torch release ``target``, as g++ takes it."""
        major, minor, _ = target.split(".")
        version = int(major) << 56 | int(minor) << 48
        return (f"TORCH_TARGET_VERSION=0x{version:016x}", *(f"{one}=1" for one in self.define))

    @property
    def alone(self) -> bool:
        """Whether it must be a library of its own: its code outside of functions registers."""
        return bool(self.file)


def together(examples: Sequence[Example]) -> str:
    """One source file of examples with the same header and macros.

    Nothing but the headers that a row shows declares what they use. The function ``prove_run_N``,
    which gets the handle of a tensor, runs the example at index N; there is none if it cannot be
    run.
    """
    lines = [f"#include <{header}>" for header in (examples[0].header, *examples[0].also)]
    if examples[0].cuda:  # declarations of the CUDA runtime's header
        lines.append('enum cudaError_t : int { cudaSuccess }; extern "C" cudaError_t')
        lines.append("cudaGetLastError();")
    for number, one in enumerate(examples):
        lines += [one.file, *_function(f"example_{number}", one.code)]
    lines += [f"#include <{header}>" for header in _STANDARD]
    lines += _CHECK
    for number, one in enumerate(examples):
        lines += _function(f"checked_{number}", one.run)
        if not one.cannot_run:
            lines += [f'extern "C" void prove_run_{number}(void* handle) {{']
            lines += [*_call(one, number), "}"]
    return "\n".join([*lines, ""])


def _function(name: str, body: str) -> Iterable[str]:
    if body:
        parameters = "torch::stable::Tensor& t" if _TENSOR.search(body) else ""
        yield f"void {name}({parameters}) {{ {body} }}"


def _call(one: Example, number: int) -> Iterable[str]:
    name, body = ("checked", one.run) if one.run else ("example", one.code)
    if body and _TENSOR.search(body):
        yield "torch::stable::Tensor t(static_cast<AtenTensorHandle>(handle));"
        yield f"{name}_{number}(t);"
    elif body:
        yield f"{name}_{number}();"


@dataclass(frozen=True, slots=True)
class Row:
    """One API in ``replacements.toml``, which describes the keys."""

    name: str
    effort: int
    symbols: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()
    spellings: tuple[str, ...] = ()
    use: str | None = None
    header: str | None = None
    declares: str = ""
    code: str = ""
    file: str = ""
    run: str = ""
    also: tuple[str, ...] = ()
    define: tuple[str, ...] = ()
    cuda: bool = False
    cannot_run: str = ""
    outside: bool = False
    note: str = ""
    differs: str = ""
    origin: str = ""
    goes: bool = False
    refused: tuple[str, ...] = ()
    fallback: Example | None = None

    @property
    def example(self) -> Example | None:
        """The replacement's example; None if the row has none, or none of torch's."""
        if self.use is None or self.header is None:
            return None
        return Example(
            self.use,
            self.header,
            self.declares or self.use.rpartition("::")[2],
            self.code,
            self.file,
            self.run,
            self.define,
            self.cuda,
            self.cannot_run,
            self.also,
        )


@dataclass(frozen=True, slots=True)
class BetterShim:
    """A C shim with a newer replacement."""

    name: str
    use: str
    note: str


@dataclass(frozen=True, slots=True)
class Source:
    """The contents of ``replacements.toml``."""

    rows: tuple[Row, ...] = ()
    shims: tuple[BetterShim, ...] = ()


def read(path: Path) -> Source:
    """The rows of ``replacements.toml``.

    Raises:
        SourceError: a row is incomplete, or two rows claim the same symbol.
    """
    with path.open("rb") as file:
        document = tomllib.load(file)
    rows = [_row(entry) for entry in document["api"]]
    claimed: dict[str, str] = {}
    for row in rows:
        for key in (*row.symbols, *(f"operator {op}" for op in row.ops)):
            if (other := claimed.setdefault(key, row.name)) != row.name:
                raise SourceError(f"{row.name} and {other} both claim {key}")
    return Source(tuple(rows), tuple(BetterShim(**entry) for entry in document.get("shim", ())))


def _row(entry: dict[str, Any]) -> Row:
    name = entry["name"]
    plain = _plain(entry, {one.name for one in fields(Row)}, name)
    if fallback := plain.get("fallback"):
        known = {one.name for one in fields(Example)}
        example = Example(**_plain(fallback, known, f"{name}, fallback"))
        if not (example.code or example.file):
            raise SourceError(f"{name}: a fallback needs code that uses it")
        plain["fallback"] = replace(
            example, declares=example.declares or example.use.rpartition("::")[2]
        )
    row = Row(**plain)
    _consider(row)
    return row


def _plain(entry: dict[str, Any], known: set[str], name: str) -> dict[str, Any]:
    if unknown := set(entry) - known:
        raise SourceError(f"{name}: unknown keys {sorted(unknown)}")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}


def _consider(row: Row) -> None:
    if not row.symbols and not row.ops:
        raise SourceError(f"{row.name}: the row has neither symbols nor ops")
    if row.effort not in (1, 2, 3):
        raise SourceError(f"{row.name}: effort must be 1, 2 or 3, not {row.effort}")
    if row.outside and (row.header or not row.use):
        raise SourceError(f"{row.name}: a replacement outside of torch needs use and no header")
    if row.use and not row.outside and not (row.header and (row.code or row.file)):
        raise SourceError(f"{row.name}: a replacement needs a header and code that uses it")
    for example in (row.example, row.fallback):
        if example and (hidden := [one for one in example.also if one not in row.note]):
            raise SourceError(f"{row.name}: the note does not name {', '.join(hidden)}")
    if row.refused and row.use:
        raise SourceError(f"{row.name}: types are refused where there is no replacement")
    if row.goes and row.use:
        raise SourceError(f"{row.name}: what goes away by itself has no replacement")
    if row.fallback and not row.header:
        raise SourceError(f"{row.name}: a fallback needs a replacement with a header")
