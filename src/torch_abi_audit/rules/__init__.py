"""The rules: what each finding means, how the gate treats it, and how it is detected.

Each rule lives in one module of this package: its texts and its treatment as a ``Rule``, and beside
it a detector, which yields findings. To add a rule:

1. Choose the module of its family, or start one and name it in a table below. Write the ``Rule``:
   the next free id, the texts, the severity, and the other fields where they differ from the
   default. ``rules.definition`` documents each field.
2. Write the detector beside it, ``(Context) -> Iterator[Finding]``, and enter both in the module's
   ``DETECTORS``. Rules that share a computation share a detector, and the entry names them all.
3. Add two contexts to ``tests/support/rule_fixtures.py``: one that makes the rule fire, and one
   that is similar but does not.
4. Run ``python tools/generate_rules_page.py``, which writes ``docs/rules.md``.

Most detectors read a package while it is audited (``DETECTORS``). Those that report a verdict, or
compare one with the configuration, read a finished report (``REPORT_DETECTORS``). Those about
ignores and baselines read the ones that no longer apply (``RUN_DETECTORS``).
"""

from __future__ import annotations

from torch_abi_audit.runtime.lazy_import import module
from torch_abi_audit.runtime.once import once
from torch_abi_audit.runtime.records import MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.rules.context import Context
    from torch_abi_audit.rules.definition import Rule
    from torch_abi_audit.rules.reported import Reported, Upkeep

    Detectors = Mapping[Callable[[Context], Iterator[Finding]], tuple[Rule, ...]]
    ReportDetectors = Mapping[Callable[[Reported], Iterator[Finding]], tuple[Rule, ...]]
    RunDetectors = Mapping[Callable[[Upkeep], Iterator[Finding]], tuple[Rule, ...]]
    """Detectors to the rules whose findings they yield."""

FAMILIES: Mapping[str, str] = MappingProxyType(
    {
        "torch": "T",
        "python": "P",
        "torch_requirement": "M",
        "python_tags": "M",
        "platform_tags": "M",
        "system_floor": "L",
        "needed_libraries": "L",
        "optional_libraries": "L",
        "rpaths": "L",
        "lent_libraries": "L",
        "loading": "L",
        "second_runtimes": "L",
        "cuda": "C",
        "gpu_code": "G",
        "gpus_of_torch": "G",
        "required_gpus": "G",
        "run": "ENI",
    }
)
"""Module to the letters that the ids of its rules begin with, in the order of ``docs/rules.md``."""
_OF_LIBRARIES = ("torch", "python", "gpu_code")
"""Families that need no metadata; the others compare libraries with that of their distribution, and
run only with it."""
_OF_REPORTS = ("torch", "python", "required_gpus", "run")
"""Families that read finished reports; ``_OF_RUNS`` read nothing else."""
_OF_RUNS = ("required_gpus", "run")
_OF_DEVICE_CODE = ("gpu_code", "gpus_of_torch")
"""Families that find nothing in a package without code for GPUs, and are not imported for one."""


@once
def rules() -> Mapping[str, Rule]:
    """Every rule by id, ordered by the letters of ``FAMILIES``, then by id."""
    found = {one.id: one for family in FAMILIES for one in _of(family)}
    letters = "".join(dict.fromkeys("".join(FAMILIES.values())))
    ordered = sorted(found, key=lambda each: (letters.index(each[0]), each))
    return MappingProxyType({each: found[each] for each in ordered})


def rule(rule_id: str) -> Rule:
    """The rule with this id; imports only modules that have rules with its letter.

    Raises:
        KeyError: there is no such rule.
    """
    if rule_id not in _KNOWN:
        for family, letters in FAMILIES.items():
            if rule_id[:1] in letters:
                _KNOWN.update((one.id, one) for one in _of(family))
    return _KNOWN[rule_id]


_KNOWN: dict[str, Rule] = {}


def detect(context: Context) -> Iterator[Finding]:
    """The findings of an audited package; without metadata, only those of its libraries."""
    whole = context.declared.is_python_distribution
    for family in FAMILIES if whole else _OF_LIBRARIES:
        if family in _OF_RUNS or (family in _OF_DEVICE_CODE and not context.has_device_code):
            continue
        detectors: Detectors = getattr(module(f"rules.{family}"), "DETECTORS", {})
        for find in detectors:
            yield from find(context)


def detect_in_report(reported: Reported) -> Iterator[Finding]:
    """The findings of a finished report: its verdicts, and what they say against the settings."""
    for family in _OF_REPORTS:
        if family == "required_gpus" and not reported.required.gpus:
            continue
        detectors: ReportDetectors = getattr(module(f"rules.{family}"), "REPORT_DETECTORS", {})
        for find in detectors:
            yield from find(reported)


def detect_in_run(upkeep: Upkeep) -> Iterator[Finding]:
    """The findings about a run's ignores and baseline."""
    for family in _OF_RUNS:
        detectors: RunDetectors = getattr(module(f"rules.{family}"), "RUN_DETECTORS", {})
        for find in detectors:
            yield from find(upkeep)


def _of(family: str) -> Iterator[Rule]:
    """The rules of a module: those that its detector tables name."""
    here = module(f"rules.{family}")
    for table in ("DETECTORS", "REPORT_DETECTORS", "RUN_DETECTORS"):
        for found in getattr(here, table, {}).values():
            yield from found
