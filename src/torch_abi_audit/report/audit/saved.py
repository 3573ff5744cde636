"""Reads reports that were saved with ``--json``. Texts stay escaped."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any, Union, get_args, get_origin, get_type_hints

from torch_abi_audit.model import (
    binary,
    declared,
    device_code,
    findings,
    loads,
    reports,
    torch_fit,
    verdicts,
)
from torch_abi_audit.model.errors import AuditError
from torch_abi_audit.model.reports import PackageReport
from torch_abi_audit.runtime.enums import StrEnum

VERSIONS = frozenset({1})
"""Supported values of ``schema_version``."""


def parse(text: str, name: str) -> tuple[PackageReport, ...]:
    """Parse a saved report and return its packages.

    Args:
        text: The JSON document.
        name: The file name, for error messages.

    Raises:
        AuditError: it is not a report, its version is unsupported, or a value has the wrong type.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise AuditError(f"{name} is not a saved report: {error}") from error
    if not isinstance(document, dict) or "schema_version" not in document:
        raise AuditError(f"{name} is not a saved report: it has no schema_version")
    if document["schema_version"] not in VERSIONS:
        raise AuditError(
            f"{name} has schema version {document['schema_version']}; this program supports "
            f"{', '.join(map(str, sorted(VERSIONS)))}"
        )
    if not {"packages", "extensions"} & document.keys():
        raise AuditError(
            f"{name} is not the report of an audit: it has neither packages nor extensions"
        )
    packages = document.get("packages", [document])
    if not isinstance(packages, list):
        raise AuditError(f"{name} is not a saved report: its packages are not a list")
    found = []
    for at, one in enumerate(packages):
        if isinstance(one, dict) and "extensions" not in one:  # as the reports of other verbs
            raise AuditError(
                f"{name} is not the report of an audit: packages[{at}] has no extensions"
            )
        try:
            found.append(_value(PackageReport, one, f"packages[{at}]"))
        except _KindError as error:
            raise AuditError(f"{name} is not a saved report: {error}") from error
    return tuple(found)


class _KindError(Exception):
    """A value has the wrong type."""


def _value(kind: Any, value: object, where: str) -> Any:  # noqa: ANN401 - the type depends on ``kind``
    """Convert a JSON value to ``kind``, one of the types that the model uses."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in get_args(kind):
            return None
        return _value(next(one for one in get_args(kind) if one is not type(None)), value, where)
    if origin is tuple:
        item = get_args(kind)[0]
        if get_origin(item) is tuple and isinstance(value, dict):  # pairs
            value = list(map(list, value.items()))
        listed = _of(list, value, where)
        return tuple(_value(item, one, f"{where}[{at}]") for at, one in enumerate(listed))
    if origin is not None and issubclass(origin, Mapping):
        item = get_args(kind)[1]
        held = _of(dict, value, where)
        return {key: _value(item, one, f"{where}.{key}") for key, one in held.items()}
    if is_dataclass(kind):
        return _instance(kind, _of(dict, value, where), where)
    if kind is PurePath:
        path = _of(str, value, where)
        return PureWindowsPath(path) if "\\" in path else PurePosixPath(path)
    if kind is bytes:
        return _of(str, value, where).encode()
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        word = _of(str, value, where)
        if word not in list(kind):
            raise _KindError(f"{where} has the unknown value {word!r}")
        return kind(word)
    return _of(kind, value, where)


def _instance(kind: Any, held: dict[str, object], where: str) -> Any:  # noqa: ANN401 - see ``_value``
    values = {}
    for name, hint in _hints(kind).items():
        key = "required_symbols" if name == "required" else name
        if name == "required" and key not in held:
            raise _KindError(f"{where} has no {key}: it was written by an older version")
        if key in held:
            values[name] = _value(hint, held[key], f"{where}.{key}")
    try:
        return kind(**values)
    except TypeError as error:
        raise _KindError(f"{where} lacks a key: {error}") from error


@cache
def _hints(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - see ``_value``
    names: dict[str, Any] = {"PurePath": PurePath, "Mapping": Mapping}
    for part in (binary, declared, findings, verdicts, loads, torch_fit, device_code, reports):
        names |= vars(part)
    hints = get_type_hints(kind, names)
    return {one.name: hints[one.name] for one in fields(kind)}


def _of(kind: Any, value: object, where: str) -> Any:  # noqa: ANN401 - see ``_value``
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _KindError(f"{where} is {type(value).__name__}, not {kind.__name__}")
    return value
