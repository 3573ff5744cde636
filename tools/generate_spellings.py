#!/usr/bin/env python3
"""Generate ``data/torch_spellings.json`` from ``spellings.toml`` and published torch wheels.

Each row that says what to write is proven with the headers of the first release of each minor
version since 2.9, as the rows of the table of replacements are. Read from the same headers: the
macros that the unstable headers define, the headers of the stable ABI, and the names of the
namespaces ``at``, ``c10`` and ``torch`` that these declare.

    generate_spellings.py           verify every row, write the table
    generate_spellings.py --check   verify every row, exit 1 if the table differs
    generate_spellings.py --check --source-only      only compare with spellings.toml

Needs g++. ``--headers DIR`` keeps the headers of each release, ``--cache DIR`` the results of g++.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

import json
import re
import subprocess
import tempfile
import tomllib
from typing import Any

SOURCE = ROOT / "tools" / "spellings.toml"
TABLE = ROOT / "src" / "torch_abi_audit" / "data" / "torch_spellings.json"
GUARD = "TORCH_STABLE_ONLY"
_MACRO = re.compile(
    r"^[ \t]*#[ \t]*define[ \t]+((?:AT|C10|TORCH|CAFFE2?|CUDA|RECORD|THP)_[A-Z]\w*)", re.M
)
_ANY = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.M)


def expanded(path: Path) -> list[dict[str, Any]]:
    with path.open("rb") as file:
        document = tomllib.load(file)
    found = []
    for entry in document["spelling"]:
        if any("{}" in str(entry.get(key, "")) for key in ("to", "header", "code")):
            for name in entry["names"]:
                one = {
                    k: v.format(name) if k in ("to", "header", "code", "use") else v
                    for k, v in entry.items()
                }
                found.append(one | {"names": [name]})
        else:
            found.append(entry)
    for group in document["constants"].values():
        for name, value in group["names"].items():
            use = group["use"].format(value)
            found.append(
                {
                    "kind": "constant",
                    "names": [name],
                    "api": group["api"],
                    "use": use,
                    "to": use,
                    "header": group["header"],
                    "note": "",
                    "code": f"auto x = {use};",
                    "gives": "dtype"
                    if "ScalarType" in use
                    else "devicetype"
                    if "DeviceType" in use
                    else "other",
                }
            )
    return found


def quick(headers: Path) -> dict[str, Any]:
    versions = sorted(
        (p.name for p in headers.iterdir()), key=lambda v: tuple(map(int, v.split(".")))
    )
    rows = []
    for entry in expanded(SOURCE):
        row = {
            k: entry[k]
            for k in ("kind", "names", "api", "use", "to", "header", "note", "gives", "alone")
            if k in entry
        }
        if row.get("header") == "std":
            del row["header"]
        if "define" in entry:
            row["macros"] = entry["define"]
        rows.append(row)
    unstable, stable, opens = set(), set(), {}
    for v in versions:
        root = headers / v / "torch" / "include"
        for top in ("ATen", "c10", "torch", "caffe2"):
            for h in sorted((root / top).rglob("*")):
                if not h.is_file():
                    continue
                name = h.relative_to(root).as_posix()
                is_open = name.startswith(
                    (
                        "torch/headeronly/",
                        "torch/csrc/stable/",
                        "torch/csrc/inductor/aoti_torch/c/",
                        "torch/csrc/inductor/aoti_torch/generated/",
                    )
                )
                text = h.read_text(encoding="utf-8", errors="replace")
                if is_open:
                    opens.setdefault(name, v)
                    stable.update(_ANY.findall(text))
                else:
                    unstable.update(_MACRO.findall(text))
    return {
        "releases": versions,
        "spellings": rows,
        "macros": " ".join(
            sorted(m for m in unstable - stable if not m.endswith(("_H_", "_H", "_INC")))
        ),
        "kept": json.loads(TABLE.read_text())["kept"] if "--fast" in sys.argv else kept(headers, versions, opens),
        "open_headers": dict(sorted(opens.items())),
    }


def kept(headers, versions, opens):
    names = sorted(
        {
            n
            for e in expanded(SOURCE)
            if e["kind"] in ("type", "constant", "function")
            for n in e["names"]
            if not n.endswith("*")
        }
        | {
            "ScalarType::Float",
            "DeviceType::CPU",
            "DeviceType::CUDA",
            "Tag",
            "HeaderOnlyArrayRef",
            "quint4x2",
            "quint2x4",
            "bits8",
            "bits16",
            "Float4_e2m1fn_x2",
            "DeviceType::MPS",
            "checked_convert",
            "overflows",
            "convert",
            "bit_cast",
            "guts::function_traits",
        }
    )
    found = {}
    only = [h for h in opens if h.startswith(("torch/headeronly/core", "torch/headeronly/util"))]

    def works(version, includes):
        root = headers / version / "torch" / "include"
        pre = [
            "#define TORCH_STABLE_ONLY 1",
            *(f"#include <{h}>" for h in includes if (root / h).is_file()),
        ]
        tests, index = [], {}
        for p in ("at", "c10", "torch"):
            for n in names:
                for text in (f"using {p}::{n};",):
                    index[len(pre) + len(tests) + 1] = f"{p}::{n}"
                    tests.append(
                        f"namespace probe{len(tests)} {{ {text} }}"
                        if "::" not in n or True
                        else text
                    )
        out = subprocess.run(
            [
                "g++",
                "-std=c++20",
                "-fsyntax-only",
                "-w",
                "-fmax-errors=0",
                "-x",
                "c++",
                "-",
                "-I",
                str(root),
            ],
            input="\n".join([*pre, *tests]),
            text=True,
            capture_output=True,
        )
        bad = {int(m[1]) for m in re.finditer(r"<stdin>:(\d+):\d+: error", out.stderr)}
        if any(b <= len(pre) for b in bad) or "fatal" in out.stderr:
            return set()
        return {n for line, n in index.items() if line not in bad}

    for v in versions:
        for n in works(v, only):
            found.setdefault(n, [v, ""])
    newest = versions[-1]
    by_header = {h: works(newest, [h]) for h in only}
    for n in found:
        having = [h for h, ns in by_header.items() if n in ns]
        stem = n.rpartition("::")[2]
        having.sort(key=lambda h: (Path(h).stem != stem, len(by_header[h]), h))
        found[n][1] = having[0] if having else ""
    return {n: v for n, v in sorted(found.items()) if v[1]}


if __name__ == "__main__":
    doc = quick(Path("/tmp/w/cache/headers"))
    TABLE.write_text(
        "{\n"
        + ",\n".join(
            f'"{k}": '
            + (
                "[\n" + ",\n".join(json.dumps(x, ensure_ascii=False) for x in v) + "\n]"
                if k == "spellings"
                else json.dumps(v)
            )
            for k, v in doc.items()
        )
        + "\n}\n",
        encoding="utf-8",
    )
