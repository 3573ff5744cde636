"""The schema of ``[tool.torch-abi-audit]``: parses the table into checked ``Settings``.

Errors name the file and the line. ``tomllib`` is imported only when there is a file to parse.
"""

from __future__ import annotations

import re

from torch_abi_audit.gate.ignores import Ignore
from torch_abi_audit.gate.selection import checks, nearest, unknown_rule
from torch_abi_audit.model.errors import SettingsError, UnknownGpuError
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.report.destination import Destination
from torch_abi_audit.report.formats import FORMATS
from torch_abi_audit.rules.reported import Required
from torch_abi_audit.runtime.records import MappingProxyType, dataclass, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping
    from typing import Any

    from torch_abi_audit.settings.toml_lines import Path

TABLE: Path = ("tool", "torch-abi-audit")
"""The table in a ``pyproject.toml``; a separate file has the same keys at its top level."""

_AT_LEAST = re.compile(r"\s*(?:>=|~=|==)?\s*(\d+(?:\.\d+)*)(?:\.\*)?\s*(?:,.*)?")


@dataclass(frozen=True, slots=True)
class Settings:
    """The contents of a configuration; the defaults are those of the program."""

    targets: tuple[str, ...] = ()
    check: str | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    """Rules that are not reported at all."""
    ignores: tuple[Ignore, ...] = ()
    """Ignores that hide single findings, each with a reason."""
    fail_on: Severity | None = None
    formats: tuple[Destination, ...] = ()
    baseline: str | None = None
    allow_empty: bool = False
    required: Required = field(default_factory=Required)
    origins: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Key, such as ``fail-on`` or ``require.torch``, to where it was set: ``pyproject.toml:12``."""


def parse(text: str, name: str, *, embedded: bool) -> Settings | None:
    """The settings in a TOML file.

    Args:
        text: Its content.
        name: The file's name in messages.
        embedded: Whether it is a ``pyproject.toml``, with the settings in ``TABLE``.

    Returns:
        The settings; None if a ``pyproject.toml`` has no such table.

    Raises:
        SettingsError: the text is not valid TOML, a key is unknown, or a value has a wrong type.
    """
    import tomllib  # many runs have no configuration

    try:
        document: object = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at (?:line (\d+), .*|end of document)\)", str(error))
        line = place[1] if place and place[1] else len(text.splitlines())
        message = str(error)[: place.start()] if place else str(error)
        raise SettingsError(f"{name}:{line}: not valid TOML: {message.lower()}") from error
    path = TABLE if embedded else ()
    for key in path:
        if not isinstance(document, dict) or key not in document:
            return None
        document = document[key]
    return _Reader(text, name, path).settings(document)


@dataclass(frozen=True, slots=True)
class _Reader:
    """One table being read, with its place for error messages."""

    text: str
    name: str
    root: Path

    def settings(self, table: object) -> Settings:
        values: dict[str, Any] = {}
        origins = {}
        for key, value in self._table(table, (), (*_KEYS, "require")).items():
            if key == "require":
                values["required"] = self._required(value)
                for floor in value:
                    origins[f"require.{floor}"] = self._origin(("require", floor))
            else:
                attribute, convert = _KEYS[key]
                values[attribute] = convert(self, value, (key,))
                origins[key] = self._origin((key,))
        if "ignore" in values:
            both: tuple[str | Ignore, ...] = values["ignore"]
            values["ignore"] = tuple(one for one in both if isinstance(one, str))
            values["ignores"] = tuple(one for one in both if isinstance(one, Ignore))
        return replace(Settings(), **values, origins=MappingProxyType(origins))

    def fail(self, path: Path, message: str) -> SettingsError:
        return SettingsError(f"{self._origin(path)}: {message}")

    def _origin(self, path: Path) -> str:
        from torch_abi_audit.settings.toml_lines import line_of

        return f"{self.name}:{line_of(self.text, self.root + path)}"

    def _table(self, value: object, path: Path, known: tuple[str, ...]) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise self.fail(
                path, f"{_dotted(path) or TABLE[1]} must be a table, not {_kind(value)}"
            )
        for key in value:
            if key not in known:
                hint = nearest(key, list(known)) or f"; the known keys are {', '.join(known)}"
                raise self.fail((*path, key), f"unknown key {_dotted((*path, key))}{hint}")
        return value

    def _required(self, value: object) -> Required:
        table = self._table(value, ("require",), ("torch", "python", "gpus"))
        floors = {}
        for key, floor in table.items():
            path: Path = ("require", key)
            if key == "gpus":
                continue
            match = _AT_LEAST.fullmatch(self.string(floor, path))
            if match is None:
                example = ">=2.10" if key == "torch" else "3.10"
                raise self.fail(
                    path, f'{_dotted(path)} must name the oldest release, such as "{example}"'
                )
            floors[key] = match[1]
        gpus = self.gpus(table["gpus"], ("require", "gpus")) if "gpus" in table else ()
        return Required(**floors, gpus=gpus)

    def gpus(self, value: object, path: Path) -> tuple[str, ...]:
        names = self.strings(value, path)
        if names:
            from torch_abi_audit.knowledge.gpus import gpu  # reads a table

            for at, name in enumerate(names):
                try:
                    gpu(name)
                except UnknownGpuError as error:
                    raise self.fail((*path, at), f"{_dotted((*path, at))}: {error}") from None
        return names

    def string(self, value: object, path: Path) -> str:
        if not isinstance(value, str) or not value.strip():
            what = "an empty string" if isinstance(value, str) else _kind(value)
            raise self.fail(path, f"{_dotted(path)} must be a string, not {what}")
        return value

    def flag(self, value: object, path: Path) -> bool:
        if not isinstance(value, bool):
            raise self.fail(path, f"{_dotted(path)} must be true or false, not {_kind(value)}")
        return value

    def strings(self, value: object, path: Path) -> tuple[str, ...]:
        return tuple(
            self.string(one, (*path, at)) for at, one in enumerate(self._list(value, path))
        )

    def _list(self, value: object, path: Path) -> list[object]:
        if not isinstance(value, list):
            raise self.fail(path, f"{_dotted(path)} must be a list, not {_kind(value)}")
        return value

    def check(self, value: object, path: Path) -> str:
        return self._one_of(value, path, checks())

    def severity(self, value: object, path: Path) -> Severity:
        return Severity(self._one_of(value, path, (Severity.ERROR, Severity.WARNING)))

    def _one_of(self, value: object, path: Path, known: tuple[str, ...]) -> str:
        word = self.string(value, path)
        if word not in known:
            hint = nearest(word, list(known))
            raise self.fail(
                path, f'{_dotted(path)} must be one of {", ".join(known)}, not "{word}"{hint}'
            )
        return word

    def rules(self, value: object, path: Path) -> tuple[str, ...]:
        words = self._list(value, path)
        return tuple(self._rule(one, (*path, at)) for at, one in enumerate(words))

    def _rule(self, value: object, path: Path) -> str:
        word = self.string(value, path)
        problem = unknown_rule(word)
        if problem is not None:
            raise self.fail(path, problem)
        return word

    def ignores(self, value: object, path: Path) -> tuple[str | Ignore, ...]:
        return tuple(
            self._rule(one, (*path, at)) if isinstance(one, str) else self._ignore(one, (*path, at))
            for at, one in enumerate(self._list(value, path))
        )

    def _ignore(self, value: object, path: Path) -> Ignore:
        known = ("rule", "package", "library", "symbol", "reason", "expires")
        table = self._table(value, path, known)
        if "reason" not in table:
            raise self.fail(path, f"{_dotted(path)} must have a reason")
        texts: dict[str, str] = {
            key: self.string(table[key], (*path, key))
            for key in ("package", "library", "symbol", "reason")
            if key in table
        }
        if "rule" in table:
            texts["rule"] = self._rule(table["rule"], (*path, "rule"))
        if not texts.keys() - {"reason"}:
            raise self.fail(path, f"{_dotted(path)} must name a rule, package, library or symbol")
        expires = self._date(table["expires"], (*path, "expires")) if "expires" in table else None
        return Ignore(**texts, expires=expires, origin=self._origin(path))

    def _date(self, value: object, path: Path) -> dt.date:
        import datetime as dt

        if type(value) is dt.date:
            return value
        try:
            return dt.date.fromisoformat(value if isinstance(value, str) else "")
        except ValueError:
            shown = f'"{value}"' if isinstance(value, str) else str(value)
            problem = f"{_dotted(path)} must be a date such as 2030-01-31, not {shown}"
            raise self.fail(path, problem) from None

    def formats(self, value: object, path: Path) -> tuple[Destination, ...]:
        found = []
        for at, word in enumerate(self.strings(value, path)):
            try:
                found.append(Destination.parse(word, FORMATS["audit"]))
            except ValueError as error:
                raise self.fail((*path, at), str(error)) from None
        return tuple(found)


_KEYS: Mapping[str, tuple[str, Callable[[_Reader, object, Path], object]]] = MappingProxyType(
    {
        "targets": ("targets", _Reader.strings),
        "check": ("check", _Reader.check),
        "select": ("select", _Reader.rules),
        "ignore": ("ignore", _Reader.ignores),
        "fail-on": ("fail_on", _Reader.severity),
        "format": ("formats", _Reader.formats),
        "baseline": ("baseline", _Reader.string),
        "allow-empty": ("allow_empty", _Reader.flag),
    }
)

KEYS: tuple[str, ...] = (*_KEYS, "require.torch", "require.python", "require.gpus")
"""Every key, with dots for tables, in the order in which ``config`` prints them."""


def _dotted(path: Path) -> str:
    """The path as messages write it: ``ignore[2].expires``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _kind(value: object) -> str:
    kinds = {bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    kinds |= {list: "a list", dict: "a table"}
    return kinds.get(type(value), "a date or time")
