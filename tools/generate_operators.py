#!/usr/bin/env python3
"""Generate ``src/torch_abi_audit/data/operator_schemas.idx`` from the headers of torch's wheels.

    generate_operators.py            read the headers of each release, write
    generate_operators.py --check    read them, exit 1 if the file differs

ATen's headers of each release state the schema of every operator that it calls. The releases are
the first of each minor version since 2.9, as those of the replacements. ``--headers DIR`` keeps the
headers of each release there, and takes what is there already; ``generate_replacements.py`` has the
same option.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools.generate_replacements import headers_of, releases  # noqa: E402
from tools.wheels import WheelError  # noqa: E402
from torch_abi_audit.knowledge.operators import FILE, pack, parse  # noqa: E402

SOURCE = "schema_str in ATen/ops/*_ops.h of torch's wheels for macOS on the package index"
_SCHEMA = re.compile(
    r'name(?: = |, )"aten::(?P<name>\w+)";?\)?\s.*?overload_name(?: = |, )"(?P<overload>\w*)".*?'
    r'schema_str(?: = |, )"(?P<text>(?:[^"\\]|\\.)*)"',
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)")


class HeaderError(Exception):
    """A header of ATen has another form than this program expects; the text names it."""


def schemas(include: Path) -> set[str]:
    """The text of every schema that the headers of a release state.

    Raises:
        HeaderError: there is none, or one that its operator's name contradicts.
    """
    found: set[str] = set()
    for header in sorted((include / "ATen" / "ops").glob("*_ops.h")):
        text = header.read_text(encoding="utf-8")
        here = list(_SCHEMA.finditer(text))
        if len(here) != text.count("struct TORCH_API "):
            raise HeaderError(f"{header.name} has operators without a schema")
        for each in here:
            stated = _ESCAPED.sub(r"\1", each["text"])
            read = parse(stated)
            if (read.name, read.overload) != (f"aten::{each['name']}", each["overload"]):
                raise HeaderError(f"{header.name}: {stated} is the schema of another operator")
            found.add(stated)
    if not found:
        raise HeaderError(f"there is no operator in {include / 'ATen' / 'ops'}")
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit code is 1 if ``--check`` finds a difference, 2 for an error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--headers", type=Path, metavar="DIR", help="keep unpacked headers here")
    options = parser.parse_args(arguments)
    known = tuple(releases())
    found: dict[str, int] = {}
    with tempfile.TemporaryDirectory(prefix="torch-operators-") as scratch:
        try:
            for at, release in enumerate(known):
                print(f"torch {release}", file=sys.stderr)
                for text in schemas(headers_of(release, options.headers or Path(scratch))):
                    found[text] = found.get(text, 0) | 1 << at
        except (HeaderError, WheelError) as error:
            print(error, file=sys.stderr)
            return 2
    data = pack(SOURCE, known, found)
    differs = not FILE.exists() or FILE.read_bytes() != data
    print(f"{len(found)} schemas, {len(data)} bytes, {'differs' if differs else 'unchanged'}")
    if differs and not options.check:
        FILE.write_bytes(data)
    return 1 if differs and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
