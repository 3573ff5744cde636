"""E, N, I: what a run could not read, did not find, or was told to leave out."""

from __future__ import annotations

from torch_abi_audit.model.findings import Severity
from torch_abi_audit.rules.definition import Rule

RULES = (
    Rule(
        "E001",
        "unreadable-library",
        "A library could not be read",
        "Nothing is known about it, and what is not known is not clean: the run ends with exit "
        "code 2, whatever the gate says.",
        "Build or download the file again; where it is damaged on purpose, such as test data, "
        "ignore E001 for that library with a reason.",
        Severity.ERROR,
        example="lib/_C.so: cut short: the dynamic section ends at 4096 of 912 bytes",
    ),
    Rule(
        "N001",
        "nothing-audited",
        "A target holds no compiled library",
        "A gate that looks at nothing passes for ever: a moved build directory or a renamed wheel "
        "would go unseen. Where no target holds a library, the gate ends with exit code 3.",
        "Name the target that holds the libraries, or give `--allow-empty`.",
        Severity.WARNING,
        example="mypkg: no compiled libraries found",
    ),
    Rule(
        "I001",
        "expired-ignore",
        "An ignore of the configuration is past its date",
        "It no longer hides anything: what it covered is reported again.",
        "Fix what it covered and remove it, or give it a new date with a new reason.",
        Severity.ERROR,
        example="pyproject.toml:12: the ignore of T101 in lib/*core* expired on 2026-01-31",
    ),
    Rule(
        "I002",
        "unused-ignore",
        "An ignore of the configuration matches nothing",
        "It waits for the next finding that happens to match, and hides that.",
        "Remove it, or correct its globs.",
        Severity.WARNING,
        example="pyproject.toml:12: the ignore of T101 in lib/*core* matches nothing",
    ),
    Rule(
        "I003",
        "stale-baseline-entry",
        "An entry of the baseline is no longer found",
        "It has been fixed, and as long as it stays in the file it can come back unseen.",
        "Write the baseline again (`--write-baseline`), and commit the shorter file.",
        Severity.ERROR,
        itemized=True,
        example="abi-baseline.json: T101 in lib/_C: 2 entries are fixed and must leave the file",
    ),
)
