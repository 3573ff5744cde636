#!/usr/bin/env python3
"""Generate ``src/torch_abi_audit/data/platform_policies.tsv`` from auditwheel and delvewheel.

For each manylinux and musllinux tag, the table has the newest symbol versions that every system of
the tag has, by architecture, and the libraries that a wheel with the tag may take from the system
(from auditwheel's policy files). For Windows, it has the DLLs of the system (from delvewheel's
lists, and some that are missing there).

    generate_platform_policies.py             write the table
    generate_platform_policies.py --check     exit 1 if the committed table differs
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.metadata import version
from importlib.resources import files
from itertools import groupby
from pathlib import Path

from delvewheel import _dll_list

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools import table_text  # noqa: E402
from torch_abi_audit.knowledge.tables import Table  # noqa: E402

NEWER_WINDOWS = ("dxcore.dll", "icu.dll")
"""DLLs of Windows since 10 2004 and 10 1903 that are missing in delvewheel's lists. Source:
Microsoft's documentation, "DXCore" and "International Components for Unicode (ICU)"."""
TABLE = ROOT / "src" / "torch_abi_audit" / "data" / "platform_policies.tsv"


def document() -> Table:
    """The table: its sources, then the libraries and symbol versions of each platform."""
    policies = [
        policy
        for libc in ("manylinux", "musllinux")
        for policy in json.loads((files("auditwheel") / f"policy/{libc}-policy.json").read_text())
        if policy["name"] != "linux"
    ]
    windows = {
        name.lower()
        for names in (
            _dll_list.ignore_names_x86,
            _dll_list.ignore_names_x64,
            _dll_list.ignore_names_arm64,
            NEWER_WINDOWS,
        )
        for name in names
    }
    return Table(
        {
            "about": "what the systems of a platform tag provide: libraries, symbol versions",
            "generator": "tools/generate_platform_policies.py",
            **{name: version(name) for name in ("auditwheel", "delvewheel")},
        },
        {
            "libraries": {
                policy["name"]: " ".join(sorted(policy["lib_whitelist"])) for policy in policies
            },
            "limits": {
                f"{policy['name']}_{arch}": " ".join(
                    f"{space}={newest}"
                    for space, found in sorted(spaces.items())
                    if (newest := _newest(found)) is not None
                )
                for policy in policies
                for arch, spaces in sorted(policy["symbol_versions"].items())
            },
            "windows": {
                initial: " ".join(names)
                for initial, names in groupby(sorted(windows), key=lambda name: name[0])
            },
        },
    )


def _newest(versions: list[str]) -> str | None:
    """The newest numeric version; others, such as ``FLOAT128``, are in every newer libstdc++."""
    numeric = [each for each in versions if each.replace(".", "").isdecimal()]
    return max(numeric, key=lambda each: tuple(map(int, each.split("."))), default=None)


def main() -> int:
    """Write the table, or compare it, and return the exit code."""
    parser = argparse.ArgumentParser(description="Generate the table of platform policies.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    wanted = document()
    if not options.check:
        table_text.write(TABLE, wanted)
        return 0
    if table_text.load(TABLE) == wanted:
        return 0
    print(f"{TABLE} differs from the installed auditwheel and delvewheel", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
