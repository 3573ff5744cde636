#!/usr/bin/env python3
"""Generate ``data/torch_spellings.json`` from ``spellings.toml`` and published torch wheels.

Each row that says itself what to write is proven as the rows of the table of replacements are, with
the headers of the first release of each minor version since 2.9. Read from the same headers: the
macros that the unstable ones define, the paths of the stable ones, and the names of the namespaces
``at``, ``c10`` and ``torch`` that a source may keep, since the stable headers declare them as well.

    generate_spellings.py           prove every row, write the table
    generate_spellings.py --check   prove every row, exit 1 if the table differs
    generate_spellings.py --check --source-only      only compare with spellings.toml

Needs g++. ``--headers DIR`` keeps the headers of each release, ``--cache DIR`` the results of g++.
"""

from __future__ import annotations

import argparse
import datetime as dt
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools.example_builder import Builder  # noqa: E402
from tools.generate_replacements import headers_of, releases  # noqa: E402
from tools.replacement_checks import CheckError, Proof, prove  # noqa: E402
from tools.replacement_source import Example  # noqa: E402
from tools.wheels import WheelError  # noqa: E402
from torch_abi_audit.knowledge.torch_shims import STABLE_ABI_BEGINS  # noqa: E402
from torch_abi_audit.model.releases import release_key  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

SOURCE = ROOT / "tools" / "spellings.toml"
TABLE = ROOT / "src" / "torch_abi_audit" / "data" / "torch_spellings.json"
NAMESPACES = ("at", "c10", "torch")
NO_HEADER = "std"
STABLE = (
    "torch/headeronly/",
    "torch/csrc/stable/",
    "torch/csrc/inductor/aoti_torch/c/",
    "torch/csrc/inductor/aoti_torch/generated/",
)
"""Where the headers are that a source with ``TORCH_TARGET_VERSION`` may include."""
STATED = ("kind", "names", "api", "use", "to", "header", "note", "gives", "alone")
_DEFINED = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.MULTILINE)
_OF_TORCH = re.compile(r"(?:AT|C10|TORCH|CAFFE2?|CUDA|RECORD|THP)_[A-Z]\w*")
_GUARDS = ("_H_", "_H", "_INC")
_ERROR = re.compile(r"<stdin>:(\d+):\d+: error")


def entries(path: Path) -> list[dict[str, Any]]:
    """The rows of the source, those with a ``{}`` and the constants one by one."""
    with path.open("rb") as file:
        document = tomllib.load(file)
    found: list[dict[str, Any]] = []
    for entry in document["spelling"]:
        if any("{}" in entry.get(key, "") for key in ("to", "header", "code")):
            found += [_filled(entry, name) for name in entry["names"]]
        else:
            found.append(entry)
    for group, constants in document["constants"].items():
        for name, value in constants["names"].items():
            use = constants["use"].format(value)
            found.append(
                {
                    "kind": "constant",
                    "names": [name],
                    "api": constants["api"],
                    "use": use,
                    "to": use,
                    "header": constants["header"],
                    "note": "",
                    "gives": {"ScalarType": "dtype", "DeviceType": "devicetype"}.get(
                        group, "other"
                    ),
                    "code": f"auto x = {use};",
                }
            )
    return found


def _filled(entry: dict[str, Any], name: str) -> dict[str, Any]:
    filled = {
        key: value.format(name) if key in ("to", "header", "code", "use") else value
        for key, value in entry.items()
    }
    return filled | {"names": [name]}


def stated(entry: dict[str, Any]) -> dict[str, Any]:
    """The fields of a row that come from the source; the others are proven with headers."""
    row = {key: entry[key] for key in STATED if key in entry}
    if row.get("header") == NO_HEADER:
        del row["header"]
    if "define" in entry:
        row["macros"] = entry["define"]
    return row


def document(headers: Mapping[str, Path], builder: Builder, cache: Path) -> dict[str, Any]:
    """The contents of the table.

    Raises:
        CheckError: the headers contradict a row.
    """
    stable = stable_headers(headers)
    source = entries(SOURCE)
    proven = _together(source, headers, builder, stable)
    rows, refused = [], []
    for entry in source:
        row = stated(entry)
        if "code" in entry or "file" in entry:
            name = entry["names"][0]
            try:
                proof = proven.get(name) or prove(name, _example(entry), headers, builder)
            except CheckError as error:
                refused.append(str(error))
                continue
            row |= {"since": proof.since, "floor": proof.floor}
            print(name, proof.since, proof.floor, flush=True)
        rows.append(row)
    if refused:
        raise CheckError("\n".join(refused))
    return {
        "releases": list(headers),
        "spellings": rows,
        "macros": " ".join(macros(headers)),
        "kept": kept(headers, stable, cache),
        "open_headers": stable,
    }


def _together(
    source: Iterable[dict[str, Any]],
    headers: Mapping[str, Path],
    builder: Builder,
    stable: Mapping[str, str],
) -> dict[str, Proof]:
    """The proofs of rows that build together as early as their header allows, by name.

    One example of all rows with the same header takes as long as one of them. If it builds from the
    header's first release on and runs on every torch, so does each.
    """
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for entry in source:
        if "code" in entry and not {"file", "define", "cuda", "declares"} & entry.keys():
            groups.setdefault((entry["header"], entry["kind"]), []).append(entry)
    found: dict[str, Proof] = {}
    for (header, _), group in groups.items():
        code = " ".join(f"{{ {one['code']} }}" for one in group)
        whole = _example(group[0] | {"code": code})
        try:
            proof = prove(header, whole, headers, builder)
        except CheckError:
            continue
        if proof.since == stable[header] and proof.floor == STABLE_ABI_BEGINS:
            found.update((one["names"][0], proof) for one in group)
    return found


def _example(entry: dict[str, Any]) -> Example:
    return Example(
        use=entry["use"],
        header=entry["header"],
        declares=entry.get("declares", ""),
        code=entry.get("code", ""),
        file=entry.get("file", ""),
        define=tuple(entry.get("define", ())),
        cuda=entry.get("cuda", False),
        cannot_run="only what it compiles to is proven",
    )


def macros(headers: Mapping[str, Path]) -> list[str]:
    """Macros that the unstable headers of any release define, and no stable one."""
    unstable: set[str] = set()
    stable: set[str] = set()
    for include in headers.values():
        for path in _headers(include):
            defined = _DEFINED.findall((include / path).read_text("utf-8", errors="replace"))
            if path.startswith(STABLE):
                stable.update(defined)
            else:
                unstable.update(one for one in defined if _OF_TORCH.fullmatch(one))
    return sorted(one for one in unstable - stable if not one.endswith(_GUARDS))


def stable_headers(headers: Mapping[str, Path]) -> dict[str, str]:
    """The headers of the stable ABI, and the first release of each."""
    found: dict[str, str] = {}
    for release, include in headers.items():
        for path in _headers(include):
            if path.startswith(STABLE):
                found.setdefault(path, release)
    return dict(sorted(found.items()))


def _headers(include: Path) -> list[str]:
    tops = ("ATen", "c10", "torch", "caffe2")
    return [
        path.relative_to(include).as_posix()
        for top in tops
        for path in sorted((include / top).rglob("*"))
        if path.suffix in (".h", ".hpp", ".cuh")
    ]


def kept(
    headers: Mapping[str, Path], stable: Iterable[str], cache: Path
) -> dict[str, tuple[str, str]]:
    """Names that stable headers declare: the first release, and the header with the fewest others.

    The names that are tried are those of the source, and a few more.
    """
    with SOURCE.open("rb") as file:
        names = set(tomllib.load(file)["kept"]["names"])
    for entry in entries(SOURCE):
        if entry["kind"] in ("type", "constant", "function"):
            names.update(name for name in entry["names"] if not name.endswith("*"))
    tried = [f"{one}::{name}" for one in NAMESPACES for name in sorted(names)]
    only = [
        one for one in stable if one.startswith(("torch/headeronly/core", "torch/headeronly/util"))
    ]
    first: dict[str, str] = {}
    for release, include in headers.items():
        for name in declared(
            tried, [one for one in only if (include / one).is_file()], include, cache
        ):
            first.setdefault(name, release)
    include = headers[max(headers, key=release_key)]
    having = {
        one: declared(tried, [one], include, cache) for one in only if (include / one).is_file()
    }
    found: dict[str, tuple[str, str]] = {}
    for name, release in sorted(first.items()):
        stem = name.rpartition("::")[2]
        fitting = sorted(
            (one for one, declares in having.items() if name in declares),
            key=lambda one: (Path(one).stem != stem, len(having[one]), one),
        )
        if fitting:
            found[name] = (release, fitting[0])
    return found


def declared(
    names: Sequence[str], wanted: Sequence[str], include: Path, cache: Path
) -> frozenset[str]:
    """Those of the qualified names that the headers declare; none if they do not compile."""
    lines = ["#define TORCH_STABLE_ONLY 1", *(f"#include <{one}>" for one in wanted)]
    begin = len(lines)
    lines += [f"namespace probe{number} {{ using {name}; }}" for number, name in enumerate(names)]
    text = "\n".join(lines)
    key = hashlib.sha256(f"{include.parents[1].name}\n{text}".encode()).hexdigest()[:24]
    known = cache / f"declared-{key}.json"
    if not known.exists():
        command = ["g++", "-std=c++20", "-fsyntax-only", "-w", "-fmax-errors=0", "-x", "c++", "-"]
        done = subprocess.run(
            [*command, "-I", str(include)], input=text, text=True, capture_output=True, check=False
        )
        wrong = {int(one) for one in _ERROR.findall(done.stderr)}
        broken = "fatal error" in done.stderr or any(one <= begin for one in wrong)
        good = [name for line, name in enumerate(names, begin + 1) if line not in wrong]
        known.write_text(json.dumps([] if broken else good), encoding="utf-8")
    return frozenset(json.loads(known.read_text(encoding="utf-8")))


def unproven(committed: Mapping[str, Any]) -> list[str]:
    """Names of the rows that differ between the source and the committed table."""
    proven = {"since", "floor"}
    held = [{k: v for k, v in one.items() if k not in proven} for one in committed["spellings"]]
    wanted = [stated(one) for one in entries(SOURCE)]
    names = [one["names"][0] for one in wanted + held if one not in held or one not in wanted]
    if not names and held != wanted:
        names = ["the order of rows, or a duplicate row"]
    return list(dict.fromkeys(names))


def render(content: Mapping[str, Any]) -> str:
    """JSON with one row per line, so that diffs are readable."""
    parts = []
    for key, value in content.items():
        if key == "spellings":
            rows = ",\n".join(json.dumps(one, ensure_ascii=False) for one in value)
            parts.append(f'"{key}": [\n{rows}\n]')
        else:
            parts.append(f'"{key}": {json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns 0 if done or equal, 1 if the table differs, 2 for an error."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--headers", type=Path, metavar="DIR", help="keep unpacked headers here")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="keep the results of g++ here")
    parser.add_argument(
        "--source-only",
        action="store_true",
        help="with --check: only compare with spellings.toml, without headers",
    )
    options = parser.parse_args(arguments)
    committed = json.loads(TABLE.read_text(encoding="utf-8")) if TABLE.exists() else {}
    if options.source_only:
        if not options.check:
            parser.error("--source-only needs --check")
        names = unproven(committed)
        for name in names:
            print(f"{TABLE.name} differs from {SOURCE.name}: {name}")
        return 1 if names else 0
    with tempfile.TemporaryDirectory(prefix="torch-spellings-") as scratch:
        try:
            directory = options.headers or Path(scratch) / "headers"
            headers = {one: headers_of(one, directory) for one in releases()}
            cache = options.cache or Path(scratch) / "compiled"
            content = document(headers, Builder(headers, cache), cache)
        except (CheckError, WheelError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
    generated = committed.pop("generated", None)
    if json.loads(json.dumps(content)) == committed:
        print(f"no differences from {TABLE.name}")
        return 0
    if options.check:
        different = [key for key in content if content[key] != committed.get(key)]
        print(f"{TABLE.name}, generated on {generated}, differs in: {', '.join(different)}")
        return 1
    today = dt.datetime.now(tz=dt.UTC).date().isoformat()
    TABLE.write_text(render({"generated": today, **content}), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
