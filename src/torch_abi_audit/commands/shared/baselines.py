"""Baselines read and written: a file of entries, a saved report, or any TARGET."""

from __future__ import annotations

from pathlib import Path

from torch_abi_audit.model.errors import SettingsError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.commands.shared.targets import Search
    from torch_abi_audit.gate.baseline import Baseline
    from torch_abi_audit.gate.decide import Terms
    from torch_abi_audit.model.outcome import Outcome
    from torch_abi_audit.model.reports import PackageReport


def read(target: str, terms: Terms, looking: Search) -> Baseline:
    """What was found before.

    Args:
        target: A baseline file, a report that ``--json`` wrote, or any TARGET.
        terms: What a report or TARGET is judged by, ignores and baseline aside.
        looking: How a TARGET is looked up.

    Raises:
        AuditError: it is none of these, or could not be audited.
    """
    from torch_abi_audit.gate import baseline, baseline_file
    from torch_abi_audit.gate.decide import decide
    from torch_abi_audit.sources.files.documents import read_text

    if target.endswith(".json"):
        text = read_text(target)
        if '"baseline_version"' in text[:200] or '"schema_version"' not in text:
            return baseline_file.parse(text, target)
        from torch_abi_audit.report.audit import saved

        packages = saved.parse(text, target)
    else:
        packages = _audited(target, looking)
    outcome = decide(packages, terms)
    return baseline.Baseline(baseline.entries(outcome.results), target, is_file=False)


def write(path: str, outcome: Outcome) -> int:
    """Write a baseline of what was found; returns how many findings it lets pass.

    Raises:
        SettingsError: the file cannot be written.
    """
    from torch_abi_audit.gate import baseline, baseline_file

    found = baseline.entries(outcome.results)
    try:
        Path(path).write_text(baseline_file.dump(found), encoding="utf-8", newline="\n")
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror or error}") from error
    return len(baseline.held(outcome.results))


def _audited(target: str, looking: Search) -> tuple[PackageReport, ...]:
    from torch_abi_audit.commands.shared.targets import audited
    from torch_abi_audit.runtime.records import replace

    if looking.choice is not None:  # one release is the baseline, however many are audited
        looking = replace(looking, choice=replace(looking.choice, history=False))
    packages = audited((target,), looking)
    for one in packages:
        broken = one.error or next((lib.error for lib in one.libraries if lib.error), None)
        if broken is not None:
            raise SettingsError(f"the baseline {target} could not be read: {broken}")
    return packages
