"""``torch-abi-audit config``: the settings that are in force, and where each was set."""

from __future__ import annotations

import argparse

from torch_abi_audit.commands import ERROR, OK
from torch_abi_audit.commands.shared.options import add_gate_options, add_output_options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from torch_abi_audit.gate.ignores import Ignore
    from torch_abi_audit.settings.schema import Settings

_WIDTH = 44


def run(words: list[str]) -> int:
    """Print what a run with the same options would be judged by, and return the exit code."""
    options = parser().parse_args(words)
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.mangling import escape
    from torch_abi_audit.model.errors import SettingsError
    from torch_abi_audit.settings import in_force
    from torch_abi_audit.settings.schema import Settings

    try:
        settings = in_force.in_force(options) or Settings()
    except SettingsError as error:
        complain(str(error))
        return ERROR
    if options.json:
        import json

        document = {
            key: {"value": value, "origin": settings.origins.get(key)}
            for key, value in _values(settings)
        }
        print(json.dumps(document, indent=2))
        return OK
    for key, value in _values(settings):
        origin = settings.origins.get(key, "default")
        if key == "ignore" and settings.ignores:
            print(f"{key} = [  # {origin}")
            for one in value:
                print(f"  {escape(_toml(one))},")
            print("]")
        else:
            print(f"{escape(f'{key} = {_toml(value)}'):<{_WIDTH}}  # {escape(origin)}")
    return OK


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    made = argparse.ArgumentParser(
        prog="torch-abi-audit config",
        description="Print the settings that are in force in this directory, as TOML, and where "
        "each was set. Takes the options of an audit, so that their effect shows.",
        allow_abbrev=False,
    )
    made.add_argument("targets", metavar="TARGET", nargs="*", help="as an audit takes them")
    add_output_options(made)
    add_gate_options(made)
    return made


def _values(settings: Settings) -> Iterator[tuple[str, Any]]:
    """Every key with its value, as JSON has it."""
    yield "targets", list(settings.targets)
    yield "check", settings.check
    yield "select", list(settings.select)
    yield "ignore", [*settings.ignore, *(_ignore(one) for one in settings.ignores)]
    yield "fail-on", settings.fail_on
    yield "format", [str(one) for one in settings.formats]
    yield "baseline", settings.baseline
    yield "allow-empty", settings.allow_empty
    yield "require.torch", settings.required.torch
    yield "require.python", settings.required.python


def _ignore(one: Ignore) -> dict[str, str]:
    parts = {
        "rule": one.rule,
        "package": one.package,
        "library": one.library,
        "symbol": one.symbol,
        "reason": one.reason,
        "expires": None if one.expires is None else one.expires.isoformat(),
    }
    return {key: value for key, value in parts.items() if value is not None}


def _toml(value: object) -> str:
    import json

    if value is None:
        return "(not set)"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
