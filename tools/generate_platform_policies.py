#!/usr/bin/env python3
"""Generate ``src/torch_abi_audit/data/platform_policies.json`` from auditwheel and delvewheel.

For each manylinux and musllinux tag: the newest symbol versions that every system of the tag has,
by architecture, and the libraries that a wheel of the tag may take from the system (auditwheel's
policy files). For Windows: the DLLs that belong to the system (delvewheel's lists, and what those
lack).

    generate_platform_policies.py             write the table
    generate_platform_policies.py --check     exit 1 if the committed table differs
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from delvewheel import _dll_list

NEWER_WINDOWS = ("dxcore.dll", "icu.dll")
"""Parts of Windows since 10 2004 and 10 1903, missing from delvewheel's lists. From Microsoft's
documentation: "DXCore", "International Components for Unicode (ICU)"."""
TABLE = Path(__file__).resolve().parents[1] / "src/torch_abi_audit/data/platform_policies.json"


def document() -> dict[str, Any]:
    """The table: provenance, then what each platform provides."""
    policies = files("auditwheel") / "policy"
    manylinux = json.loads((policies / "manylinux-policy.json").read_text())
    musllinux = json.loads((policies / "musllinux-policy.json").read_text())
    return {
        "source": {name: version(name) for name in ("auditwheel", "delvewheel")},
        "linux": {
            policy["name"]: {
                "libraries": sorted(policy["lib_whitelist"]),
                "limits": {
                    arch: {
                        space: newest
                        for space, found in sorted(spaces.items())
                        if (newest := _newest(found)) is not None
                    }
                    for arch, spaces in sorted(policy["symbol_versions"].items())
                },
            }
            for policy in manylinux + musllinux
            if policy["name"] != "linux"
        },
        "windows": sorted(
            {
                name.lower()
                for names in (
                    _dll_list.ignore_names_x86,
                    _dll_list.ignore_names_x64,
                    _dll_list.ignore_names_arm64,
                    NEWER_WINDOWS,
                )
                for name in names
            }
        ),
    }


def _newest(versions: list[str]) -> str | None:
    """The newest numeric version; ``FLOAT128`` and the like are in every newer libstdc++."""
    numeric = [each for each in versions if each.replace(".", "").isdecimal()]
    return max(numeric, key=lambda each: tuple(map(int, each.split("."))), default=None)


def render(table: dict[str, Any]) -> str:
    """The table as the committed file's text: one platform a line."""
    linux = ",\n".join(
        f"  {json.dumps(name)}: {json.dumps(policy)}" for name, policy in table["linux"].items()
    )
    return (
        f'{{"source": {json.dumps(table["source"])},\n"linux": {{\n{linux}\n}},\n'
        f'"windows": {json.dumps(" ".join(table["windows"]))}}}\n'
    )


def main() -> int:
    """Write the table, or compare it."""
    parser = argparse.ArgumentParser(description="Generate the table of platform policies.")
    parser.add_argument("--check", action="store_true", help="compare; write nothing")
    wanted = render(document())
    if not parser.parse_args().check:
        TABLE.write_text(wanted, encoding="utf-8")
        return 0
    if TABLE.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"{TABLE} differs from what auditwheel and delvewheel say now", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
