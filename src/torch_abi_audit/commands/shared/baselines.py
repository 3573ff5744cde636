"""Reads baselines from a baseline file, a saved report or a TARGET; writes baseline files."""

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
    """Read a baseline.

    Args:
        target: A baseline file, a report saved with ``--json``, or any TARGET.
        terms: The terms to judge a report or TARGET by; without ignores and baseline.
        looking: How a TARGET is looked up.

    Raises:
        AuditError: it is none of these, or could not be read.
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


def to_be_created(target: str, written: str) -> bool:
    """Whether a baseline is the file that the run is about to write, and is not there yet."""
    path = Path(target).absolute()
    return path == Path(written).absolute() and not path.exists()


def write(path: str, outcome: Outcome) -> int:
    """Write a baseline of the findings; return how many findings it suppresses.

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

    if looking.choice is not None:  # the baseline is one release, even with --history
        looking = replace(looking, choice=replace(looking.choice, history=False))
    packages = audited((target,), looking)
    for one in packages:
        broken = one.error or next((lib.error for lib in one.libraries if lib.error), None)
        if broken is not None:
            raise SettingsError(f"the baseline {target} could not be read: {broken}")
    return packages
