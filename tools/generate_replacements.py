#!/usr/bin/env python3
"""Generate ``data/torch_replacements.json`` from ``replacements.toml`` and published torch wheels.

Every row names a stable replacement and code that uses it. The generator verifies each row with the
headers of the first release of each minor version since 2.9 (from the macOS arm64 wheels, which are
the smallest and have the same headers): the first release whose header declares the replacement,
that the code compiles with ``TORCH_TARGET_VERSION`` set, and the C shims that the result needs,
which decide on which torch it runs. The operators that ``torch_call_dispatcher`` can call are read
from the same headers.

    generate_replacements.py           verify every row, write the table
    generate_replacements.py --check   verify every row, exit 1 if the table differs
    generate_replacements.py --check --source-only      only compare with replacements.toml

Needs g++. ``--headers DIR`` keeps the headers of each release, ``--cache DIR`` the results of g++.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools.replacement_checks import (  # noqa: E402
    CheckError,
    Compiler,
    header_only,
    operators,
    prove,
)
from tools.replacement_source import BetterShim, Row, Source, SourceError, read  # noqa: E402
from tools.wheels import WheelError, download  # noqa: E402
from torch_abi_audit.knowledge import torch_shims  # noqa: E402
from torch_abi_audit.knowledge.torch_shims import STABLE_ABI_BEGINS  # noqa: E402
from torch_abi_audit.model.releases import release_key  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = ROOT / "tools" / "replacements.toml"
TABLE = ROOT / "src" / "torch_abi_audit" / "data" / "torch_replacements.json"
PLATFORM = "macosx_26_0_arm64"  # pip accepts wheels for every older macOS as well


def releases() -> list[str]:
    """The first release of each minor version since the stable ABI began, oldest first."""
    known = [
        one
        for one in torch_shims.shim_releases()
        if release_key(one) >= release_key(STABLE_ABI_BEGINS)
    ]
    return [one for one in known if one.endswith(".0")]


def headers_of(version: str, directory: Path) -> Path:
    """The include directory of one release, unpacked below ``directory`` if it is not there yet.

    Raises:
        WheelError: pip cannot download the wheel.
    """
    include = directory / version / "torch" / "include"
    if include.is_dir():
        return include
    with tempfile.TemporaryDirectory(prefix="torch-headers-") as scratch:
        wheel = download("torch", version, (PLATFORM,), Path(scratch))
        with zipfile.ZipFile(wheel) as archive:
            wanted = [one for one in archive.namelist() if one.startswith("torch/include/")]
            archive.extractall(directory / version, wanted)
    return include


def document(source: Source, headers: Mapping[str, Path], compiler: Compiler) -> dict[str, Any]:
    """The contents of the table.

    Raises:
        CheckError: the headers contradict a row.
    """
    known: dict[str, str] = {}
    newest = operators(headers[max(headers, key=release_key)])
    for release in sorted(headers, key=release_key):
        for operator in operators(headers[release]) & newest:
            known.setdefault(operator, release)
    apis, refused = [], []
    for row in source.rows:
        if unknown := [operator for operator in row.ops if operator not in known]:
            refused.append(f"{row.name}: ATen has no such operators: {', '.join(unknown)}")
        try:
            apis.append(_api(row, headers, compiler))
        except CheckError as error:
            refused.append(str(error))
            continue
        print(row.name, apis[-1].get("since"), apis[-1].get("floor"), flush=True)
    if refused:
        raise CheckError("; ".join(refused))
    for better in source.shims:
        for name in (better.name, better.use):
            if name.encode() not in torch_shims.shims():
                raise CheckError(f"there is no shim called {name}")
    by_release = {
        release: " ".join(sorted(one for one, first in known.items() if first == release))
        for release in headers
    }
    return {
        "releases": list(headers),
        "apis": apis,
        "shims": [shim_row(one) for one in source.shims],
        "operators": {release: text for release, text in by_release.items() if text},
        "header_only": " ".join(header_only(headers.values())),
    }


def _api(row: Row, headers: Mapping[str, Path], compiler: Compiler) -> dict[str, Any]:
    api = stated(row)
    if row.header:
        proof = prove(row, headers, compiler)
        note = {key: api.pop(key) for key in ("note",) if key in api}
        api |= {"since": proof.since, "floor": proof.floor, "shims": list(proof.shims), **note}
    return api


def stated(row: Row) -> dict[str, Any]:
    """The fields of a row that come from the source; the others are verified with headers."""
    api: dict[str, Any] = {"name": row.name, "effort": row.effort}
    api |= {
        key: list(value) for key, value in (("symbols", row.symbols), ("ops", row.ops)) if value
    }
    api |= {
        key: value
        for key, value in (("use", row.use), ("header", row.header), ("note", row.note))
        if value
    }
    return api


def unproven(source: Source, committed: Mapping[str, Any]) -> list[str]:
    """Names of the rows that differ between the source and the committed table."""
    proven = {"since", "floor", "shims"}
    kept = [{k: v for k, v in api.items() if k not in proven} for api in committed["apis"]]
    wanted = [stated(row) for row in source.rows]
    shims = [shim_row(one) for one in source.shims]
    names = [one["name"] for one in wanted + kept if one not in kept or one not in wanted]
    names += [one["name"] for one in shims if one not in committed["shims"]]
    if not names and (kept != wanted or shims != committed["shims"]):
        names = ["the order of rows, or a duplicate row"]
    return list(dict.fromkeys(names))


def shim_row(better: BetterShim) -> dict[str, str]:
    """The row for a C shim with a better replacement."""
    return {"name": better.name, "use": better.use, "note": better.note}


def render(content: dict[str, Any]) -> str:
    """JSON with one row per line, so that diffs are readable."""
    lines = ["{"]
    for key, value in content.items():
        if key in ("apis", "shims"):
            rows = ",\n".join(json.dumps(one) for one in value)
            lines.append(f'"{key}": [\n{rows}\n],')
        else:
            lines.append(f'"{key}": {json.dumps(value)},')
    return "\n".join(lines).removesuffix(",") + "\n}\n"


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns 0 if done or equal, 1 if the table differs, 2 for an error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--headers", type=Path, metavar="DIR", help="keep unpacked headers here")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep the results of g++ here")
    parser.add_argument(
        "--source-only",
        action="store_true",
        help="with --check: only compare with replacements.toml, without headers",
    )
    options = parser.parse_args(arguments)
    committed = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {}
    if options.source_only:
        if not options.check:
            parser.error("--source-only needs --check")
        names = unproven(read(SOURCE), committed)
        for name in names:
            print(f"{TABLE.name} differs from {SOURCE.name}: {name}")
        return 1 if names else 0
    with tempfile.TemporaryDirectory(prefix="torch-replacements-") as scratch:
        try:
            directory = options.headers or Path(scratch) / "headers"
            headers = {one: headers_of(one, directory) for one in releases()}
            compiler = Compiler(headers, options.cache or Path(scratch) / "compiled")
            content = document(read(SOURCE), headers, compiler)
        except (CheckError, SourceError, WheelError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    generated = committed.pop("generated", None)
    if content == committed:
        print(f"no differences from {TABLE.name}")
        return 0
    if options.check:
        print(
            f"{TABLE.name}, generated on {generated}, differs in: "
            + ", ".join(key for key in content if content[key] != committed.get(key))
        )
        return 1
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    TABLE.write_text(render({"generated": today, **content}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
