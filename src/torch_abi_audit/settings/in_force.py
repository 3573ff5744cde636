"""The settings in force: the configuration, overridden by the command line."""

from __future__ import annotations

from torch_abi_audit.model.errors import SettingsError
from torch_abi_audit.runtime.records import MappingProxyType, dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from torch_abi_audit.gate.decide import Terms
    from torch_abi_audit.report.destination import Destination
    from torch_abi_audit.settings.find_file import ConfigurationFile
    from torch_abi_audit.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class Given:
    """Options of the command line that a configuration can also set, and which one to read."""

    config: str | None = None
    """The configuration file; None for the nearest ``pyproject.toml``."""
    isolated: bool = False
    """Whether to read no configuration."""
    targets: tuple[str, ...] = ()
    check: str | None = None
    select: tuple[str, ...] = ()
    """Each a comma-separated list of rules; ``ignore`` likewise."""
    ignore: tuple[str, ...] = ()
    fail_on: str | None = None
    baseline: str | None = None
    write_baseline: str | None = None
    allow_empty: bool = False
    formats: tuple[str, ...] = ()
    """``FORMAT[:FILE]``, only where the settings themselves are shown; an audit reads its
    ``--format`` options itself."""

    @property
    def overrides(self) -> bool:
        """Whether any option is set besides the TARGETs and the choice of configuration."""
        return bool(
            self.formats
            or self.check
            or self.select
            or self.ignore
            or self.fail_on
            or self.baseline
            or self.write_baseline
            or self.allow_empty
        )


def in_force(given: Given) -> Settings | None:
    """The settings of a run; None if neither a file nor the command line sets any.

    Raises:
        SettingsError: the configuration or an option of the command line is not valid.
    """
    file = _file(given)
    if file is None and not given.overrides:
        return None
    from torch_abi_audit.settings.schema import Settings, parse

    settings = None
    if file is not None:
        settings = parse(file.text, file.shown, embedded=file.embedded)
        if settings is not None:
            settings = _placed(settings, file.directory)
        elif given.config is not None:
            raise SettingsError(f"{file.shown} has no [tool.torch-abi-audit] table")
    if settings is None and not given.overrides:
        return None
    return _over(settings or Settings(), given)


def terms(settings: Settings, *, only_written: bool) -> Terms:
    """The terms by which the run is judged, without the baseline, which is read elsewhere.

    Args:
        settings: The settings in force.
        only_written: Whether the findings are only written to a baseline, so that there is no gate.
    """
    import datetime as dt

    from torch_abi_audit.gate.decide import Terms
    from torch_abi_audit.gate.selection import Selection

    asked = settings.check or settings.select or settings.fail_on or settings.baseline
    required = settings.required
    floors = required.torch or required.python
    return Terms(
        today=dt.datetime.now(tz=dt.UTC).date(),
        selection=Selection(
            settings.check,
            settings.select,
            settings.ignore,
            settings.fail_on,
            only_required=not asked and not floors,
        ),
        required=required,
        ignores=settings.ignores,
        gated=bool(asked or floors or required.gpus) and not only_written,
        allow_empty=settings.allow_empty,
    )


def _file(given: Given) -> ConfigurationFile | None:
    from torch_abi_audit.settings import find_file

    if given.isolated:
        if given.config is not None:
            raise SettingsError("--config and --isolated cannot be used together")
        return None
    return find_file.nearest() if given.config is None else find_file.named(given.config)


def _over(settings: Settings, given: Given) -> Settings:
    """The settings of the configuration, overridden by the command line."""
    from torch_abi_audit.model.findings import Severity

    values: dict[str, Any] = {}
    if given.check:
        values["check"] = given.check
    if given.fail_on:
        values["fail_on"] = Severity(given.fail_on)
    if given.select:
        values["select"] = _rules(given.select, "--select")
    if given.ignore:
        values["ignore"] = _rules(given.ignore, "--ignore")
    if given.baseline:
        values["baseline"] = given.baseline
    if given.allow_empty:
        values["allow_empty"] = True
    if given.targets:
        values["targets"] = given.targets
    if given.formats:
        values["formats"] = tuple(_destination(word) for word in given.formats)
    origins = dict(settings.origins)
    for attribute in values:
        key = {"formats": "format"}.get(attribute, attribute.replace("_", "-"))
        origins[key] = "the command line" if key == "targets" else f"--{key}"
    return replace(settings, **values, origins=MappingProxyType(origins))


def _destination(word: str) -> Destination:
    from torch_abi_audit.report.destination import Destination
    from torch_abi_audit.report.formats import FORMATS

    try:
        return Destination.parse(word, FORMATS["audit"])
    except ValueError as error:
        raise SettingsError(f"--format: {error}") from None


def _rules(given: tuple[str, ...], option: str) -> tuple[str, ...]:
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
    """The settings with their paths resolved from the configuration's directory."""
    from torch_abi_audit.settings.find_file import expanded, placed, placed_if_there

    baseline = settings.baseline
    return replace(
        settings,
        targets=tuple(one for word in settings.targets for one in expanded(word, directory)),
        formats=tuple(
            one if one.file is None else replace(one, file=placed(one.file, directory))
            for one in settings.formats
        ),
        baseline=None if baseline is None else placed_if_there(baseline, directory),
    )
