"""``torch-abi-audit TARGET…``: read, judge, show; where a gate is asked for, also decide."""

from __future__ import annotations

from torch_abi_audit import __version__
from torch_abi_audit.commands import EMPTY, ERROR, FAILED, OK, VERBS
from torch_abi_audit.commands.shared.options import (
    add_gate_options,
    add_output_options,
    add_target_options,
    refuse_mixed_modes,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from torch_abi_audit.commands.shared.targets import Loaded
    from torch_abi_audit.judges.torch_abi import Names
    from torch_abi_audit.model.outcome import Outcome
    from torch_abi_audit.report.destination import Destination
    from torch_abi_audit.settings.schema import Settings

_USAGE = """\
torch-abi-audit [-h] [--version] [--env | --site-packages PATH]
                       [--json] [--all] [-v]
                       [TARGET ...]
       torch-abi-audit [--check {torch,abi3,both,all}] [--baseline FILE]
                       [--format FORMAT[:FILE]] ... [TARGET ...]
       torch-abi-audit VERB ..."""

_EPILOG = """\
exit codes:
  0  inspected, whatever the verdicts; where a gate was asked for, it passed
  1  a gate was asked for (--check, --select, --fail-on, --baseline, or their settings) and failed
  2  operational error: unknown name, unreadable path, damaged library, wrong usage or configuration
  3  a gate was asked for, and no target holds a compiled library (--allow-empty lets it pass)
"""


def run(words: list[str]) -> int:
    """Audit what ``words`` name and return the exit code."""
    options = _plain(words) or parser().parse_args(words)
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.model.errors import AuditError
    from torch_abi_audit.settings import in_force

    try:
        settings = in_force.in_force(options)
        if settings is not None and not options.env and options.site_packages is None:
            options.targets = list(settings.targets)
        refuse_mixed_modes(parser, options)
        return _audit(options, settings)
    except AuditError as error:
        complain(str(error))
        return ERROR


def _plain(words: list[str]) -> argparse.Namespace | None:
    """The options where there are TARGETs alone: the common case does without ``argparse``."""
    if not words or any(word.startswith("-") for word in words):
        return None
    return PlainOptions(words)  # type: ignore[return-value]


class PlainOptions:
    """What the parser would give for TARGETs alone: all that is not here is off."""

    color = "auto"

    def __init__(self, targets: list[str]) -> None:
        self.targets = targets

    def __getattr__(self, _name: str) -> None:
        """An option that was not given."""


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    import argparse

    from torch_abi_audit.commands.shared.options import help_format

    made = argparse.ArgumentParser(
        prog="torch-abi-audit",
        usage=_USAGE,
        description="Say which compiled libraries keep to the LibTorch Stable ABI and the CPython "
        "Stable ABI.\nNothing that is audited is imported or executed.",
        epilog=_verbs() + _EPILOG,
        formatter_class=help_format,
        allow_abbrev=False,
    )
    made.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    add_target_options(made)
    add_output_options(made)
    add_gate_options(made)
    return made


def _verbs() -> str:
    lines = (f"  {verb:<12}{answer}\n" for verb, answer in VERBS.items())
    return "verbs, each with its own --help:\n" + "".join(lines) + "\n"


def _audit(options: argparse.Namespace, settings: Settings | None) -> int:
    from torch_abi_audit.commands.shared import output, targets
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.report import rendering

    chosen = output.destinations(options, settings)
    rendering.prepare(one.format for one in chosen)
    loaded = targets.load(options, names=_names(chosen, options, gated=settings is not None))
    if options.loads_on:
        from torch_abi_audit.commands.compat import answered
        from torch_abi_audit.commands.shared.torch_choice import asked
        from torch_abi_audit.runtime.records import replace

        loaded = replace(loaded, packages=answered(loaded.packages, asked(None)))
    outcome = _outcome(loaded, options, settings, judged=_needs_results(chosen, options))
    unwritten = list(output.write(outcome, chosen, options))
    output.report_troubles(outcome)
    for sentence in unwritten:
        complain(sentence)
    if options.write_baseline:
        from torch_abi_audit.commands.shared import baselines
        from torch_abi_audit.commands.shared.terminal import say
        from torch_abi_audit.report.wording import plural

        count = baselines.write(options.write_baseline, outcome)
        say(f"wrote {plural(count, 'finding')} to {options.write_baseline}")
    if unwritten:
        return ERROR
    return _exit_code(outcome, options)


def _names(chosen: tuple[Destination, ...], options: argparse.Namespace, *, gated: bool) -> Names:
    """Which names are shown or asked for: a table has their counts alone."""
    from torch_abi_audit.judges.torch_abi import Names

    shown = any(one.format != "text" for one in chosen) or options.verbose
    if shown or gated or options.step_summary:
        return Names.ALL
    return Names.RAW if options.loads_on else Names.COUNTED


def _needs_results(chosen: tuple[object, ...], options: argparse.Namespace) -> bool:
    """Whether a format shows more than tables: those without a gate need no results."""
    plain = {"text", "json"}
    return options.step_summary or not {str(one).partition(":")[0] for one in chosen} <= plain


def _outcome(
    loaded: Loaded, options: argparse.Namespace, settings: Settings | None, *, judged: bool
) -> Outcome:
    from torch_abi_audit.model.outcome import Outcome
    from torch_abi_audit.runtime.records import late_path

    packages, directory = loaded.packages, None
    if loaded.directory is not None:
        directory = late_path(loaded.directory)
        packages = tuple(one for one in packages if one.libraries or one.error or options.all)
    if settings is None and not judged:
        return Outcome(packages, site_packages=directory)
    from torch_abi_audit.gate.decide import decide
    from torch_abi_audit.settings import in_force
    from torch_abi_audit.settings.schema import Settings

    settings = settings or Settings()
    terms = in_force.terms(settings, options)
    if settings.baseline is not None:
        from torch_abi_audit.commands.shared import baselines
        from torch_abi_audit.runtime.records import replace

        bare = replace(terms, ignores=(), gated=False)
        before = baselines.read(settings.baseline, bare, bar=not options.no_progress)
        terms = replace(terms, baseline=before)
    return decide(packages, terms, site_packages=directory)


def _exit_code(outcome: Outcome, options: argparse.Namespace) -> int:
    """Errors first: what could not be read is neither clean nor empty."""
    if any(one.torch_verdict == "error" for one in outcome.packages) and not _all_ignored(outcome):
        return ERROR
    gate = outcome.gate
    if gate is None:
        return OK
    if gate.failures:
        return OK if options.exit_zero else FAILED
    return EMPTY if gate.empty else OK


def _all_ignored(outcome: Outcome) -> bool:
    """Whether everything that could not be read is ignored, with a reason, in the configuration."""
    from torch_abi_audit.rules import rule

    unread = any(rule(one.finding.rule).unread for one in outcome.standing)
    return bool(outcome.results) and not unread
