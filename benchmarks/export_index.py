#!/usr/bin/env python3
"""Whole-process cost of one lookup in the export index: milliseconds and megabytes.

    export_index.py            print the table, exit 1 if a lookup exceeds a limit

The lookups are one name; the imports of a large extension (a tenth of them from each of ten
places); and 3,000 names from all over the index, which unpack all of it. Each figure is the best of
several runs; the ratio is to the start of the same interpreter without imports.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

RUNS = 15
MOST_MILLISECONDS = 150
MOST_MEGABYTES = 60

_QUESTION = """
import sys
from torch_abi_audit.knowledge import export_index
names = sys.stdin.buffer.read().split(b"\\n")
found = export_index.lookup(sys.argv[1], names)
assert len(found) == len(names), (len(found), len(names))
every = (1 << len(export_index.releases(sys.argv[1]))) - 1
assert all(0 < one.releases <= every for one in found.values())
"""

_NAMES = """
import json
from torch_abi_audit.knowledge import export_index
from torch_abi_audit.knowledge.export_file import ExportFile
asked = {}
for platform in export_index.platforms():
    file = ExportFile((export_index.DATA / f"exports-{platform}.idx").read_bytes())
    names = [name.decode("latin-1") for name, _ in file.names()]
    places = range(0, len(names), len(names) // 10)
    asked[platform] = {
        "one name": names[:1],
        "an extension": [name for at in places for name in names[at : at + 30]],
        "3,000 names everywhere": names[:: len(names) // 3000][:3000],
    }
print(json.dumps(asked))
"""


def measure(code: str, platform: str, names: list[bytes]) -> tuple[float, float]:
    """Minimum wall time in milliseconds and maximum resident size in megabytes of ``RUNS`` runs."""
    times, sizes = [], []
    for _ in range(RUNS):
        start = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-c", code, platform], stdin=subprocess.PIPE
        ) as process:
            assert process.stdin is not None  # noqa: S101 - it is a pipe
            process.stdin.write(b"\n".join(names))
            process.stdin.close()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
        times.append(1000 * (time.perf_counter() - start))
        sizes.append(usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10))
        if process.returncode:
            raise SystemExit(f"the lookup failed for {platform}")
    return min(times), max(sizes)


def questions() -> dict[str, dict[str, list[str]]]:
    """Platform, to the title of a lookup, to its names; computed in a separate process.

    The memory of this process counts for the measured child processes, so it must stay small.
    """
    listed = subprocess.run([sys.executable, "-c", _NAMES], stdout=subprocess.PIPE, check=True)
    asked: dict[str, dict[str, list[str]]] = json.loads(listed.stdout)
    return asked


def main() -> int:
    """Print the table; returns 1 if a lookup exceeds a limit."""
    idle, _ = measure("", "", [])
    print(f"{'platform':<14} {'lookup':<24} {'ms':>6} {'MB':>6}  x interpreter ({idle:.0f} ms)")
    passed = True
    for platform, asked in questions().items():
        for question, names in asked.items():
            cost, size = measure(_QUESTION, platform, [name.encode("latin-1") for name in names])
            print(f"{platform:<14} {question:<24} {cost:>6.0f} {size:>6.1f} {cost / idle:>6.1f}")
            passed &= cost <= MOST_MILLISECONDS and size <= MOST_MEGABYTES
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
