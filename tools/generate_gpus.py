#!/usr/bin/env python3
"""Generate ``src/torch_abi_audit/data/gpus.tsv`` from ``tools/gpus.toml``.

    generate_gpus.py           write the table
    generate_gpus.py --check   exit 1 if the committed table differs

Needs no network: the names come from the documents that the source states.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools import table_text  # noqa: E402
from torch_abi_audit.knowledge.tables import Table  # noqa: E402
from torch_abi_audit.model.device_code import target_key  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = ROOT / "tools" / "gpus.toml"
TABLE = ROOT / "src" / "torch_abi_audit" / "data" / "gpus.tsv"


def document(source: Mapping[str, Any]) -> Table:
    """The table: generations, names by architecture, generic processors.

    Raises:
        ValueError: a name or an architecture is in the source twice.
    """
    names: dict[str, str] = {}
    for target, those in source["names"].items():
        for name in those:
            if names.setdefault(name.lower(), target) != target:
                raise ValueError(f"{name} is both {names[name.lower()]} and {target}")
    ordered = sorted(source["names"], key=target_key)
    return Table(
        {
            "about": "GPUs by architecture, and the GPUs that run code for AMD's generic ones",
            "generator": "tools/generate_gpus.py",
            **{f"source of {name}": str(url) for name, url in source["sources"].items()},
        },
        {
            **{
                name: dict(sorted(source["generations"][name], key=lambda row: target_key(row[0])))
                for name in ("always", "on_demand")
            },
            "names": {target: ", ".join(source["names"][target]) for target in ordered},
            "generic": source["generic"],
        },
    )


def main() -> int:
    """Write the table, or compare it, and return the exit code."""
    parser = argparse.ArgumentParser(description="Generate the table of GPUs.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    wanted = document(tomllib.loads(SOURCE.read_text(encoding="utf-8")))
    if not options.check:
        table_text.write(TABLE, wanted)
        return 0
    committed = table_text.load(TABLE)
    if committed == wanted:
        return 0
    for section, rows in wanted.sections.items():
        old = committed.sections.get(section, {})
        print(*table_text.differences(old, rows, f"{section} "), sep="\n")
    print(f"{TABLE} differs from {SOURCE.name}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
