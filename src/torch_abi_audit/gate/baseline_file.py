"""The format of a baseline file: sorted JSON with one symbol per line, for readable diffs."""

from __future__ import annotations

import json

from torch_abi_audit.gate.baseline import Baseline
from torch_abi_audit.model.errors import AuditError
from torch_abi_audit.model.outcome import Entry, Key

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION = 1
"""Version of the format; increased when an older program would misread the file."""


def dump(entries: Iterable[Entry]) -> str:
    """The text of a baseline file."""
    listed = [
        {
            "package": one.key.package,
            "library": one.key.library,
            "rule": one.key.rule,
            **({"symbols": list(one.symbols)} if one.symbols else {}),
        }
        for one in entries
    ]
    return json.dumps({"baseline_version": VERSION, "entries": listed}, indent=1) + "\n"


def parse(text: str, name: str) -> Baseline:
    """The baseline in a file's text.

    Raises:
        AuditError: the text is not a baseline, or has a version that this program does not know.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise AuditError(f"{name} is not a baseline: {error}") from error
    if not isinstance(document, dict) or "baseline_version" not in document:
        raise AuditError(f"{name} is not a baseline: it has no baseline_version")
    if document["baseline_version"] != VERSION:
        raise AuditError(
            f"{name} is a baseline of version {document['baseline_version']}; this program reads "
            f"version {VERSION}"
        )
    listed = document.get("entries")
    if not isinstance(listed, list):
        raise AuditError(f"{name} is not a baseline: it has no list of entries")
    return Baseline(tuple(_entry(one, at, name) for at, one in enumerate(listed, 1)), name)


def _entry(value: object, at: int, name: str) -> Entry:
    problem = AuditError(
        f"{name}: entry {at} must have a package, a library and a rule, each a string, and may "
        "have symbols, a list of strings"
    )
    if not isinstance(value, dict):
        raise problem
    words = [value.get(one) for one in ("package", "library", "rule")]
    symbols = value.get("symbols", [])
    if not isinstance(symbols, list):
        raise problem
    package, library, rule = (one if isinstance(one, str) else None for one in words)
    if package is None or library is None or rule is None:
        raise problem
    if not all(isinstance(one, str) for one in symbols) or len(value) > 3 + ("symbols" in value):
        raise problem
    return Entry(Key(package, library, rule), tuple(symbols))
