"""Random environments of small libraries that need each other, for the loader of Linux x86_64.

Each library is assembled and linked by itself, to stand-ins of those that it needs: what it finds
at run time may define fewer names, or other versions of them.
"""

from __future__ import annotations

import random
import subprocess
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SYMBOLS = [f"s{number}" for number in range(8)]
DIRECTORIES = ["d0", "d1", "d2"]
PATHS = ["$ORIGIN", "$ORIGIN/../d0", "${ORIGIN}/../d1", "$ORIGIN/../d2", "d0//", "d1", "", "/none"]
VERSIONS = ["V_1", "V_2", "V_3"]


class Environment(NamedTuple):
    steps: Sequence[str]
    variables: Mapping[str, str]
    program: int
    """Which of the programs opens the libraries."""


PROGRAMS: Sequence[Sequence[str]] = (
    [],
    ["-Wl,-rpath,d0:d1", "-Wl,--disable-new-dtags"],
    ["-Wl,-rpath,d1", "-Wl,--enable-new-dtags"],
)
"""Options of the programs."""


class _Library(NamedTuple):
    name: str
    soname: str | None
    definitions: dict[str, tuple[str, str | None, bool]]
    """Symbol to its directive (``weak``, ``hidden`` …), its version, and whether that is hidden."""
    versions: int
    """How many versions it defines."""


def environment(seed: int, home: Path) -> Environment:
    """Build the libraries of a seed below ``home``, and say what to do with them."""
    rng = random.Random(seed)
    for directory in (*DIRECTORIES, "stubs"):
        (home / directory).mkdir(parents=True)
    stubs = [_stub(rng, home, f"lib{letter}.so") for letter in "pqrstuvw"[: rng.randint(3, 8)]]
    files: list[str] = []
    for place, stub in enumerate(stubs):
        copies = 1 if rng.random() < 0.75 else 2
        files += [_variant(rng, home, stub, stubs, place) for _ in range(copies)]
    for _ in range(rng.choice([0, 0, 1, 2])):
        files.append(_link(rng, home, rng.choice(files)))
    steps = []
    for _ in range(rng.randint(2, 6)):
        what = rng.choice(files)
        if rng.random() < 0.2:
            what = rng.choice([rng.choice(stubs).name, what.rpartition("/")[2]])
        elif rng.random() < 0.3:
            what = f"{home}/{what}"
        steps.append(rng.choice("+--") + what)
    variables = {}
    if rng.random() < 0.6:
        entries = rng.sample([*DIRECTORIES, "", "/none", "$ORIGIN"], rng.randint(1, 4))
        variables["LD_LIBRARY_PATH"] = rng.choice(":;").join(entries)
    if rng.random() < 0.12:
        variables["LD_PRELOAD"] = rng.choice([rng.choice(files), rng.choice(stubs).name])
    if rng.random() < 0.1:
        variables["LD_BIND_NOW"] = "1"
    return Environment(steps, variables, rng.randrange(len(PROGRAMS)))


def _stub(rng: random.Random, home: Path, name: str) -> _Library:
    """A library to link to, with all that its stand-ins at run time may define."""
    soname = rng.choice([name, name, name, f"{name}.1", None, f"d1/{name}", f"$ORIGIN/{name}"])
    count = rng.choice([0, 0, 1, 2, 3])
    definitions: dict[str, tuple[str, str | None, bool]] = {}
    for symbol in rng.sample(SYMBOLS, rng.randint(1, 5)):
        version = rng.choice([*VERSIONS[:count], None]) if count else None
        definitions[symbol] = (rng.choice(["globl", "globl", "weak"]), version, False)
    stub = _Library(name, soname, definitions, count)
    _build(home, f"stubs/{name}", stub, [], ())
    return stub


def _variant(
    rng: random.Random, home: Path, stub: _Library, stubs: Sequence[_Library], place: int
) -> str:
    """What is found at run time under the name of a stub: most often the same, else less."""
    definitions = dict(stub.definitions)
    count = stub.versions
    for symbol in list(definitions):
        kind, version, hidden = definitions[symbol]
        chance = rng.random()
        if chance < 0.04:
            del definitions[symbol]
        elif chance < 0.1:
            definitions[symbol] = (rng.choice(["hidden", "protected", "weak"]), version, hidden)
        elif chance < 0.16 and version is not None:
            definitions[symbol] = (kind, rng.choice([*VERSIONS[:count], None]), rng.random() < 0.5)
    if count and rng.random() < 0.15:
        count -= 1
        for symbol, (kind, version, hidden) in list(definitions.items()):
            if version not in VERSIONS[:count]:
                definitions[symbol] = (kind, None, hidden)
    soname = stub.soname if rng.random() < 0.9 else rng.choice([None, "libz9.so", stub.name])
    file = (stub.soname or stub.name).rpartition("/")[2] if rng.random() < 0.85 else stub.name
    path = f"{rng.choice(DIRECTORIES)}/{file}"
    if (home / path).exists():
        path = f"{path}.{place}"
    candidates = stubs if rng.random() < 0.25 else stubs[place + 1 :]
    needed = rng.sample(list(candidates), min(len(candidates), rng.choice([0, 1, 1, 2, 3])))
    _build(
        home,
        path,
        _Library(stub.name, soname, definitions, count),
        [f"stubs/{each.name}" for each in needed],
        _options(rng, stubs),
        _references(rng, needed),
    )
    return path


def _options(rng: random.Random, stubs: Sequence[_Library]) -> Sequence[str]:
    options = [f"--hash-style={rng.choice(['gnu', 'gnu', 'sysv', 'both'])}"]
    if rng.random() < 0.7:
        options += ["-rpath", ":".join(rng.sample(PATHS, rng.randint(1, 5)))]
        options.append(rng.choice(["--enable-new-dtags", "--disable-new-dtags"]))
    for chance, option in (
        (0.1, "-Bsymbolic"),
        (0.1, "-znow"),
        (0.05, "-znodelete"),
        (0.05, "-znodefaultlib"),
        (0.05, "-zinterpose"),
        (0.1, "-zcombreloc"),
        (0.1, "-znocombreloc"),
        (0.04, f"--auxiliary={rng.choice(stubs).soname or 'libnone.so'}"),
        (0.02, f"--filter={rng.choice(stubs).soname or 'libnone.so'}"),
    ):
        if rng.random() < chance:
            options.append(option)
    return options


def _references(rng: random.Random, needed: Sequence[_Library]) -> str:
    """Code that refers to names, most of them of libraries that are needed."""
    known = [symbol for each in needed for symbol in each.definitions]
    lines = []
    for _ in range(rng.randint(0, 6)):
        name = rng.choice(known) if known and rng.random() < 0.97 else rng.choice(SYMBOLS)
        if rng.random() < 0.05:
            lines.append(f".weak {name}")
        lines += rng.choice(
            [
                [".text", f"call {name}@PLT"],
                [".text", f"movq {name}@GOTPCREL(%rip), %rax"],
                [".data", f".quad {name}"],
            ]
        )
    return "\n".join(lines)


def _link(rng: random.Random, home: Path, file: str) -> str:
    """Give a file another name."""
    path = f"{rng.choice(DIRECTORIES)}/liblink{rng.randrange(3)}.so"
    if not (home / path).exists():
        if rng.random() < 0.5:
            (home / path).hardlink_to(home / file)
        else:
            (home / path).symlink_to(home / file)
    return path


def _build(
    home: Path,
    path: str,
    library: _Library,
    needed: Sequence[str],
    options: Sequence[str],
    references: str = "",
) -> None:
    lines = ['.section .note.GNU-stack,"",@progbits', ".text"]
    for name, (kind, version, hidden) in library.definitions.items():
        label = f"{name}_in" if version else name
        lines += [f".globl {label}", f".type {label}, @function"]
        if kind != "globl":
            lines.append(f".{kind} {label}")
        lines.append(f"{label}: ret")
        if version:
            lines.append(f".symver {label}, {name}{'@' if hidden else '@@'}{version}")
    source, made = home / "x.s", home / "x.o"
    source.write_text("\n".join([*lines, references, ""]))
    subprocess.run(["as", "-o", made, source], check=True)
    command = ["ld", "-shared", "--no-as-needed", "--allow-shlib-undefined", *options]
    if library.soname:
        command += ["-soname", library.soname]
    if library.versions:
        script = home / "x.map"
        hide = "local: *_in;"
        nodes = [f"{each} {{ {hide} }};" for each in VERSIONS[: library.versions]]
        script.write_text("\n".join(nodes))
        command.append(f"--version-script={script}")
    made_of = [str(made), *(str(home / each) for each in needed)]
    subprocess.run([*command, "-o", str(home / path), *made_of], check=True, capture_output=True)
