#!/usr/bin/env python3
"""Generate ``data/torch_replacements.json`` from ``replacements.toml`` and published torch wheels.

Every row names a stable replacement and code that uses it. The generator proves each row:

- it builds with the row's header alone, and ``TORCH_TARGET_VERSION`` set, with the headers of the
  first release that declares it and of the newest one (from the macOS arm64 wheels, which are the
  smallest and have the same headers);
- it links: what it needs of torch are C shims, which decide on which torch it runs;
- it runs on the CPU, under the oldest release that the row promises and under the newest (from the
  Linux wheels), unless the row says why it cannot.

The operators that ``torch_call_dispatcher`` can call are read from the same headers.

    generate_replacements.py           prove every row, write the table
    generate_replacements.py --check   prove every row, exit 1 if the table differs
    generate_replacements.py --check --source-only      only compare with replacements.toml

Needs g++ on Linux x86-64. ``--headers DIR`` and ``--runtimes DIR`` keep what was unpacked of the
wheels, ``--cache DIR`` what was built.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools.example_builder import Builder  # noqa: E402
from tools.replacement_checks import (  # noqa: E402
    CheckError,
    Job,
    Proof,
    header_only,
    operators,
    prove,
)
from tools.replacement_source import (  # noqa: E402
    BetterShim,
    Row,
    Source,
    SourceError,
    read,
)
from tools.torch_runtimes import Runner  # noqa: E402
from tools.wheels import WheelError, download  # noqa: E402
from torch_abi_audit.knowledge import torch_shims  # noqa: E402
from torch_abi_audit.knowledge.torch_shims import STABLE_ABI_BEGINS  # noqa: E402
from torch_abi_audit.model.releases import release_key  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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


def document(
    source: Source, headers: Mapping[str, Path], builder: Builder, runner: Runner
) -> dict[str, Any]:
    """The contents of the table.

    Raises:
        CheckError: rows are refused; the text has a line for each.
    """
    known: dict[str, str] = {}
    newest = operators(headers[max(headers, key=release_key)])
    for release in sorted(headers, key=release_key):
        for operator in operators(headers[release]) & newest:
            known.setdefault(operator, release)
    apis, refused = [], []
    jobs: list[tuple[str, Job]] = []
    for row in source.rows:
        if unknown := [operator for operator in row.ops if operator not in known]:
            refused.append(f"{row.name}: ATen has no such operators: {', '.join(unknown)}")
        proofs, wrong = proofs_of(row, headers, builder)
        for text in wrong:
            print(f"refused: {text}", flush=True)
        refused += wrong
        jobs += [(name, job) for name, proof in proofs.items() for job in proof.jobs]
        apis.append(stated(row, proofs.get(row.name), proofs.get(row.name + _FALLBACK)))
        print(row.name, apis[-1].get("since"), apis[-1].get("floor"), flush=True)
    refused += failures(jobs, runner)
    for better in source.shims:
        refused += [
            f"{better.name}: there is no shim called {name}"
            for name in (better.name, better.use)
            if name.encode() not in torch_shims.shims()
        ]
    if refused:
        raise CheckError("\n".join(refused))
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


_FALLBACK = ", fallback"


def proofs_of(
    row: Row, headers: Mapping[str, Path], builder: Builder
) -> tuple[dict[str, Proof], list[str]]:
    """The proofs of a row's examples by name, and why it is refused."""
    proofs: dict[str, Proof] = {}
    refused = []
    for name, example in ((row.name, row.example), (row.name + _FALLBACK, row.fallback)):
        if example is not None:
            try:
                proofs[name] = prove(name, example, headers, builder)
            except CheckError as error:
                refused.append(str(error))
    main, other = proofs.get(row.name), proofs.get(row.name + _FALLBACK)
    if main and other and release_key(other.since) >= release_key(main.since):
        refused.append(f"{row.name}: the fallback needs the headers of {other.since} as well")
    return proofs, refused


def failures(jobs: Sequence[tuple[str, Job]], runner: Runner) -> list[str]:
    """What went wrong when the jobs of named examples ran, each under its release."""
    found = []
    for release in sorted({job.release for _, job in jobs}, key=release_key):
        here = [(name, job) for name, job in jobs if job.release == release]
        outcomes = runner.run(release, [(job.library, "prove_run_0") for _, job in here])
        print(f"ran {len(here)} libraries under torch {release}", flush=True)
        found += [
            f"{name}: under torch {release}, built with the {job.what}: {outcome}"
            for (name, job), outcome in zip(here, outcomes, strict=True)
            if outcome
        ]
    return list(dict.fromkeys(found))


PROVEN = ("since", "floor", "shims")
"""The fields of a row, and of its fallback, that do not come from the source."""


def stated(row: Row, proof: Proof | None = None, fallback: Proof | None = None) -> dict[str, Any]:
    """A row of the table; without the proofs, only the fields that come from the source."""
    values: dict[str, Any] = {"name": row.name, "effort": row.effort}
    values |= {"symbols": list(row.symbols), "ops": list(row.ops)}
    values |= _shown(row.use, row.header, row.define, proof)
    values |= {"note": row.note, "differs": row.differs, "origin": row.origin, "goes": row.goes}
    values |= {"refused": list(row.refused), "spellings": list(row.spellings)}
    if (other := row.fallback) is not None:
        values["fallback"] = _shown(other.use, other.header, other.define, fallback)
    return {
        key: value
        for key, value in values.items()
        if value or (key == "shims" and proof is not None)
    }


def _shown(
    use: str | None, header: str | None, macros: Sequence[str], proof: Proof | None
) -> dict[str, Any]:
    shown: dict[str, Any] = {"use": use, "header": header}
    if macros:
        shown["macros"] = list(macros)
    if proof is not None:
        shown |= {"since": proof.since, "floor": proof.floor, "shims": list(proof.shims)}
    return shown


def unproven(source: Source, committed: Mapping[str, Any]) -> list[str]:
    """Names of the rows that differ between the source and the committed table."""
    kept = [_without_proof(api) for api in committed["apis"]]
    wanted = [stated(row) for row in source.rows]
    shims = [shim_row(one) for one in source.shims]
    names = [one["name"] for one in wanted + kept if one not in kept or one not in wanted]
    names += [one["name"] for one in shims if one not in committed["shims"]]
    if not names and (kept != wanted or shims != committed["shims"]):
        names = ["the order of rows, or a duplicate row"]
    return list(dict.fromkeys(names))


def _without_proof(api: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in api.items() if key not in PROVEN}
    if fallback := kept.get("fallback"):
        kept["fallback"] = _without_proof(fallback)
    return kept


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
    parser.add_argument("--runtimes", type=Path, metavar="DIR", help="keep torch's libraries here")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep the results of g++ here")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="prove the rows with these names, write nothing"
    )
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
            cache = options.cache or Path(scratch) / "built"
            runner = Runner(options.runtimes or Path(scratch) / "runtimes", cache)
            source = read(SOURCE)
            if options.only:
                chosen = [one for one in source.rows if one.name in options.only]
                source = replace(source, rows=tuple(chosen))
            content = document(source, headers, Builder(headers, cache), runner)
        except (CheckError, SourceError, WheelError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    if options.only:
        return 0
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
