"""``torch-abi-audit config``: prints the settings in force, and where each was set."""

from __future__ import annotations

from torch_abi_audit.commands import ERROR, OK, audit
from torch_abi_audit.commands.shared.options import Syntax


def syntax() -> Syntax:
    """The options and help of the verb."""
    return Syntax(
        verb="config",
        description="Print the settings in force in this directory as TOML, and where each was "
        "set.\nAccepts the options of an audit, to show their effect. --format text or json, and "
        "-o,\nselect how and where the settings are printed.",
        epilog="exit codes: 0 success, 2 operational error",
        options=tuple(one for one in audit.syntax().options if one != "version"),
        words={"targets": "as for an audit"},
    )


def run(words: list[str]) -> int:
    """Print the settings of an audit with the same arguments, and return the exit code."""
    from torch_abi_audit.commands.shared.parsing import parse

    options = parse(syntax(), words)
    from torch_abi_audit.commands.shared import output
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.model.errors import SettingsError
    from torch_abi_audit.runtime.records import replace
    from torch_abi_audit.settings import in_force
    from torch_abi_audit.settings.schema import Settings

    shown = tuple(word for word in options.format or () if _is_audit_format(word))
    options.format = [word for word in options.format or () if word not in shown]
    try:
        chosen = output.destinations("config", options)
        given = replace(audit.given(options), formats=shown)
        settings = in_force.in_force(given) or Settings()
    except SettingsError as error:
        complain(str(error))
        return ERROR
    return OK if output.write("config", settings, chosen, options) else ERROR


def _is_audit_format(word: str) -> bool:
    """Whether ``--format`` names a format that only audits have: that is a setting to show."""
    from torch_abi_audit.report.formats import FORMATS

    name = word.partition(":")[0]
    return name in FORMATS["audit"] and name not in FORMATS["config"]
