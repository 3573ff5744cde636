"""``torch-abi-audit TARGET…``: audits targets, prints a report and evaluates the gate, if any."""

from __future__ import annotations

import os

from torch_abi_audit.commands import EMPTY, ERROR, FAILED, OK, VERBS

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from torch_abi_audit.commands.shared.options import Syntax
    from torch_abi_audit.commands.shared.targets import Loaded, Search
    from torch_abi_audit.judges.interface import Names
    from torch_abi_audit.model.outcome import Outcome
    from torch_abi_audit.report.destination import Destination
    from torch_abi_audit.settings.in_force import Given
    from torch_abi_audit.settings.schema import Settings

_USAGE = """\
torch-abi-audit [-h] [--version] [--env | --site-packages PATH]
                       [--json] [--all] [-v]
                       [TARGET ...]
       torch-abi-audit [--check {checks}] [--baseline FILE]
                       [--format FORMAT[:FILE]] ... [TARGET ...]
       torch-abi-audit VERB ..."""

_EPILOG = """\
exit codes:
  0  success, whatever the verdicts; the gate passed, if one was requested
  1  a gate was requested (--check, --select, --fail-on, --baseline or their settings) and failed;
     --fix has something left to change
  2  operational error: unknown name, unreadable path, damaged library, wrong usage or configuration
  3  a gate was requested, but no target contains a compiled library (see --allow-empty)
"""


def syntax() -> Syntax:
    """The options and help of the verb."""
    from torch_abi_audit.commands.shared.options import CHECKS, DOCUMENT, INSPECTED, WHEELS, Syntax

    lines = (f"  {verb:<12}{answer}\n" for verb, answer in VERBS.items())
    return Syntax(
        verb="audit",
        usage=_USAGE.replace("{checks}", "{" + ",".join(CHECKS) + "}"),
        description="Check whether compiled libraries use only the LibTorch Stable ABI and the "
        "CPython Stable ABI.\nAudited code is never imported or executed.",
        epilog="verbs (each has its own --help):\n" + "".join(lines) + "\n" + _EPILOG,
        options=(
            *("version", *INSPECTED, "loads_on", "torch", *WHEELS, "with_requirements"),
            *("json", *DOCUMENT, "step_summary", "color", "all", "verbose"),
            *("quiet", "no_progress"),
            *("check", "select", "ignore", "fail_on", "baseline", "write_baseline"),
            *("allow_empty", "exit_zero", "fix", "write", "config", "isolated"),
        ),
        words={
            "torch": "like --loads-on, but only for these releases ('>=2.10,<2.13') or for the "
            "torch at this path",
        },
    )


def run(words: list[str]) -> int:
    """Run an audit with the arguments ``words`` and return the exit code."""
    plain = _plain(words)
    options = plain or _parsed(words)
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.model.errors import AuditError
    from torch_abi_audit.settings import in_force

    try:
        settings = in_force.in_force(given(options))
        if settings is not None and not options.env and options.site_packages is None:
            options.targets = list(settings.targets)
        if plain is None:
            from torch_abi_audit.commands.shared.modes import refuse_mixed

            refuse_mixed(syntax(), options, () if settings is None else (settings.baseline,))
            if options.fix or options.write:
                return _fix(options)
        return _audit(options, settings)
    except AuditError as error:
        complain(str(error))
        return ERROR


def _fix(options: argparse.Namespace) -> int:
    from torch_abi_audit.commands.shared import fixing, targets

    fixing.refuse_reports(syntax(), options)
    loaded = targets.load(options, targets.search(options, options.targets))
    return fixing.fix(loaded.packages, write=bool(options.write), quiet=bool(options.quiet))


def given(options: argparse.Namespace) -> Given:
    """The command-line options that can also be set in the configuration."""
    from torch_abi_audit.settings.in_force import Given

    return Given(
        config=options.config,
        isolated=bool(options.isolated),
        targets=tuple(options.targets),
        check=options.check,
        select=tuple(options.select or ()),
        ignore=tuple(options.ignore or ()),
        fail_on=options.fail_on,
        baseline=options.baseline,
        write_baseline=options.write_baseline,
        allow_empty=bool(options.allow_empty),
    )


def _plain(words: list[str]) -> argparse.Namespace | None:
    """The options if ``words`` are only TARGETs: the common case does not import ``argparse``."""
    if not words or any(word.startswith("-") for word in words):
        return None
    return PlainOptions(words)  # type: ignore[return-value]


def _parsed(words: list[str]) -> argparse.Namespace:
    from torch_abi_audit.commands.shared.parsing import parse

    return parse(syntax(), words)


class PlainOptions:
    """What the parser returns for a command line of TARGETs only: every option is off."""

    color = "auto"

    def __init__(self, targets: list[str]) -> None:
        self.targets = targets

    def __getattr__(self, _name: str) -> None:
        """Return None for an option that was not given."""


def _audit(options: argparse.Namespace, settings: Settings | None) -> int:
    from torch_abi_audit.commands.shared import output, targets
    from torch_abi_audit.commands.shared.terminal import complain
    from torch_abi_audit.report import rendering

    chosen = _destinations(options, settings)
    rendering.prepare("audit", [one.format for one in chosen])
    if settings is not None and settings.baseline and options.write_baseline:
        from torch_abi_audit.commands.shared import baselines
        from torch_abi_audit.runtime.records import replace

        if baselines.to_be_created(settings.baseline, options.write_baseline):
            settings = replace(settings, baseline=None)
    baseline = None if settings is None else settings.baseline
    looking = targets.search(options, (*options.targets, baseline))
    names = _names(chosen, options, gated=settings is not None)
    loaded = targets.load(options, looking, names=names)
    if options.loads_on or options.torch is not None or loaded.history:
        loaded = _with_loads(loaded, options.torch)
    outcome = _outcome(loaded, options, settings, looking, judged=_needs_results(chosen))
    if loaded.history:
        from torch_abi_audit.runtime.records import replace

        outcome = replace(outcome, history=loaded.history)
    if outcome.gate is None and not options.format:  # no gate was requested
        chosen = tuple(one for one in chosen if one.format != "github" or one.file is not None)
    written = output.write("audit", outcome, chosen, options)
    if options.step_summary and not os.environ.get("GITHUB_STEP_SUMMARY"):
        complain("--step-summary: GITHUB_STEP_SUMMARY is not set")
        written = False
    _report_troubles(outcome, options)
    if options.write_baseline:
        _write_baseline(outcome, options)
    if not written:
        return ERROR
    return _exit_code(outcome, options)


def _destinations(
    options: argparse.Namespace, settings: Settings | None
) -> tuple[Destination, ...]:
    """The requested destinations, annotations in GitHub Actions, and the step summary."""
    from torch_abi_audit.commands.shared import output
    from torch_abi_audit.report.destination import Destination

    configured = () if settings is None else settings.formats
    chosen = output.destinations("audit", options, configured)
    unasked = not (configured or options.format or options.json)
    if unasked and os.environ.get("GITHUB_ACTIONS") == "true":
        chosen = (*chosen, Destination("github"))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if options.step_summary and summary:
        chosen = (*chosen, Destination("markdown", summary))
    return chosen


def _names(chosen: Sequence[Destination], options: argparse.Namespace, *, gated: bool) -> Names:
    """The names that the report or the gate needs: a table shows only their counts."""
    from torch_abi_audit.judges.interface import Names

    if any(one.format != "text" for one in chosen) or options.verbose or gated:
        return Names.ALL
    loads = options.loads_on or options.torch is not None or options.history
    return Names.RAW if loads else Names.COUNTED


def _with_loads(loaded: Loaded, torch: str | None) -> Loaded:
    """The packages with their load matrices."""
    from torch_abi_audit.commands.shared.loads import answered
    from torch_abi_audit.commands.shared.torch_choice import asked
    from torch_abi_audit.runtime.records import replace

    return replace(loaded, packages=answered(loaded.packages, asked(torch)))


def _needs_results(chosen: Sequence[Destination]) -> bool:
    """Whether a format shows results even without a gate; text and JSON do not."""
    return not {one.format for one in chosen} <= {"text", "json"}


def _outcome(
    loaded: Loaded,
    options: argparse.Namespace,
    settings: Settings | None,
    looking: Search,
    *,
    judged: bool,
) -> Outcome:
    from torch_abi_audit.model.outcome import Outcome
    from torch_abi_audit.runtime.records import late_path

    packages, directory = loaded.packages, None
    if loaded.directory is not None:
        directory = late_path(loaded.directory)
        packages = tuple(one for one in packages if one.libraries or one.error or options.all)
    elif any(one.error is not None for one in packages):
        from torch_abi_audit.commands.shared.verb_hint import with_verb_hints

        packages = tuple(with_verb_hints(packages, options.targets))
    if settings is None and not judged:
        return Outcome(packages, site_packages=directory)
    from torch_abi_audit.gate.decide import decide
    from torch_abi_audit.settings import in_force
    from torch_abi_audit.settings.schema import Settings

    settings = settings or Settings()
    terms = in_force.terms(settings, only_written=options.write_baseline is not None)
    if settings.baseline is not None:
        from torch_abi_audit.commands.shared import baselines
        from torch_abi_audit.runtime.records import replace

        bare = replace(terms, ignores=(), gated=False)
        before = baselines.read(settings.baseline, bare, looking)
        terms = replace(terms, baseline=before)
    return decide(packages, terms, site_packages=directory)


def _report_troubles(outcome: Outcome, options: argparse.Namespace) -> None:
    """Report on stderr targets that failed, warnings about ignores, and why the gate failed."""
    from torch_abi_audit.commands.shared.terminal import announce_failures, complain, warn

    for package in outcome.packages:
        if package.error is not None:
            complain(package.error)
    for one in outcome.standing if not options.quiet else ():
        if one.report is None and not one.fails:
            warn(f"{one.finding.rule}: {one.finding.message}")
    gate = outcome.gate
    if gate is None:
        return
    lines = list(gate.failures)
    if lines:
        from torch_abi_audit.gate.summary import standing_symbols

        lines += standing_symbols(outcome.results)
    elif gate.empty and not any(one.error is not None for one in outcome.packages):
        lines = ["nothing was audited: no target contains a compiled library (see --allow-empty)"]
    announce_failures(lines)


def _write_baseline(outcome: Outcome, options: argparse.Namespace) -> None:
    from torch_abi_audit.commands.shared import baselines
    from torch_abi_audit.commands.shared.terminal import say
    from torch_abi_audit.report.wording import plural

    count = baselines.write(options.write_baseline, outcome)
    if not options.quiet:
        say(f"wrote {plural(count, 'finding')} to {options.write_baseline}")


def _exit_code(outcome: Outcome, options: argparse.Namespace) -> int:
    """The exit code; an unreadable target counts before the gate."""
    if any(one.torch_verdict == "error" for one in outcome.packages) and not _all_ignored(outcome):
        return ERROR
    gate = outcome.gate
    if gate is None:
        return OK
    if gate.failures:
        return OK if options.exit_zero else FAILED
    return EMPTY if gate.empty else OK


def _all_ignored(outcome: Outcome) -> bool:
    """Whether the configuration ignores every unreadable file."""
    from torch_abi_audit.rules import rule

    unread = any(rule(one.finding.rule).unread for one in outcome.standing)
    return bool(outcome.results) and not unread
