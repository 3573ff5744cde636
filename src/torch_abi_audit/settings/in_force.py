"""What is in force: the configuration, with the command line's words over it."""

from __future__ import annotations

import os

from torch_abi_audit.model.errors import SettingsError
from torch_abi_audit.runtime.records import MappingProxyType, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from typing import Any

    from torch_abi_audit.gate.decide import Terms
    from torch_abi_audit.settings.find_file import ConfigurationFile
    from torch_abi_audit.settings.schema import Settings

_GATE = ("check", "select", "ignore", "fail_on", "baseline", "write_baseline", "allow_empty")


def in_force(options: argparse.Namespace) -> Settings | None:
    """The settings of a run; None where neither a file nor the command line says anything.

    Raises:
        SettingsError: the configuration, or a word of the command line, has no meaning.
    """
    file = _file(options)
    given = any(getattr(options, name, None) for name in (*_GATE, "format"))
    if file is None and not given:
        return None
    from torch_abi_audit.settings.schema import Settings, parse

    settings = None
    if file is not None:
        shown = os.path.relpath(file.path)
        settings = parse(file.text, shown, embedded=file.embedded)
        if settings is not None:
            settings = _placed(settings, os.path.dirname(file.path))
        elif options.config is not None:
            raise SettingsError(f"{shown} has no [tool.torch-abi-audit]")
    if settings is None and not given:
        return None
    return _over(settings or Settings(), options)


def terms(settings: Settings, options: argparse.Namespace) -> Terms:
    """What the run is judged by; the baseline is not read here."""
    import datetime as dt

    from torch_abi_audit.gate.decide import Terms
    from torch_abi_audit.gate.selection import Selection

    asked = settings.check or settings.select or settings.fail_on or settings.baseline
    floors = settings.required.torch or settings.required.python
    return Terms(
        today=dt.datetime.now(tz=dt.UTC).date(),
        selection=Selection(settings.check, settings.select, settings.ignore, settings.fail_on),
        required=settings.required,
        ignores=settings.ignores,
        gated=bool(asked or floors) and not options.write_baseline,
        allow_empty=settings.allow_empty,
    )


def _file(options: argparse.Namespace) -> ConfigurationFile | None:
    from torch_abi_audit.settings import find_file

    if options.isolated:
        if options.config is not None:
            raise SettingsError("--config and --isolated exclude each other: give one of them")
        return None
    if options.config is not None:
        return find_file.named(options.config)
    return find_file.nearest(os.curdir)


def _over(settings: Settings, options: argparse.Namespace) -> Settings:
    """The command line's words over the configuration's."""
    from torch_abi_audit.gate.selection import Check
    from torch_abi_audit.model.findings import Severity
    from torch_abi_audit.report.destination import Destination

    values: dict[str, Any] = {}
    if options.check:
        values["check"] = Check(options.check)
    if options.fail_on:
        values["fail_on"] = Severity(options.fail_on)
    for name in ("select", "ignore"):
        if getattr(options, name):
            values[name] = _rules(getattr(options, name), f"--{name}")
    if options.baseline:
        values["baseline"] = options.baseline
    if options.allow_empty:
        values["allow_empty"] = True
    if getattr(options, "targets", None):
        values["targets"] = tuple(options.targets)
    if getattr(options, "format", None):
        try:
            values["formats"] = tuple(map(Destination.parse, options.format))
        except ValueError as error:
            raise SettingsError(f"--format: {error}") from None
    origins = dict(settings.origins)
    for attribute in values:
        key = {"fail_on": "fail-on", "allow_empty": "allow-empty", "formats": "format"}.get(
            attribute, attribute
        )
        origins[key] = "the command line" if key == "targets" else f"--{key}"
    return replace(settings, **values, origins=MappingProxyType(origins))


def _rules(given: list[str], option: str) -> tuple[str, ...]:
    from torch_abi_audit.gate.selection import unknown_rule

    words = tuple(word.strip() for one in given for word in one.split(",") if word.strip())
    for word in words:
        problem = unknown_rule(word)
        if problem is not None:
            raise SettingsError(f"{option}: {problem}")
    if not words:
        raise SettingsError(f"{option} names no rule")
    return words


def _placed(settings: Settings, directory: str) -> Settings:
    """The settings with their paths taken from the configuration's own directory."""
    if not directory or os.path.samefile(directory, os.curdir):
        directory = ""

    def placed(path: str) -> str:
        return os.path.join(directory, path)

    baseline = settings.baseline
    if baseline is not None and os.path.lexists(placed(baseline)):
        baseline = placed(baseline)
    return replace(
        settings,
        targets=tuple(
            one for target in settings.targets for one in _expanded(target, placed(target))
        ),
        formats=tuple(
            one if one.file is None else replace(one, file=placed(one.file))
            for one in settings.formats
        ),
        baseline=baseline,
    )


def _expanded(target: str, path: str) -> Iterator[str]:
    """A configured target: a glob's matches, a path that exists, or the word as it stands."""
    if any(sign in target for sign in "*?["):
        from glob import glob

        yield from sorted(glob(path)) or [target]
    else:
        yield (
            path if os.path.lexists(path) and ("/" in target or target.endswith(".whl")) else target
        )
