#!/usr/bin/env python3
"""Compare the device code that the reader finds with what NVIDIA's cuobjdump lists.

Every library in the wheels, directories or files given is read by both sides, whatever its name
is. They must agree on

- each entry of each fatbin: its kind, its architecture with ``a`` and ``f``, the version of PTX;
- the architectures that ``cuobjdump --list-elf --list-ptx`` lists for the whole file (ELF alone:
  cuobjdump does not read DLLs);
- the facts: kernel sets with the number of fatbins of each, the newest PTX by architecture, LTO-IR.

    compare_with_cuobjdump.py WHEEL|DIRECTORY|FILE...
    compare_with_cuobjdump.py --markdown docs/cuobjdump.md ~/wheels/*.whl    record the result
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools import cuobjdump  # noqa: E402
from tools.cuobjdump import Holds  # noqa: E402
from torch_abi_audit import formats  # noqa: E402
from torch_abi_audit.formats.device_code import fatbin  # noqa: E402
from torch_abi_audit.model.binary import NotALibrary  # noqa: E402
from torch_abi_audit.model.device_code import DeviceCode, KernelSet, target_key  # noqa: E402
from torch_abi_audit.model.errors import FormatError  # noqa: E402
from torch_abi_audit.sources.files.readable import open_readable  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CACHE = Path.home() / ".cache" / "torch-abi-audit-tests"
KINDS = {fatbin.CUBIN: "elf", fatbin.PTX: "ptx", 8: "nvvm"}
"""Kinds of entries, to cuobjdump's words for them."""
_LIBRARY = (b"\x7fELF", b"MZ")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One library on which both sides were asked."""

    where: str
    library: str
    fatbins: int = 0
    entries: int = 0
    targets: tuple[str, ...] = ()
    """Architectures that cuobjdump lists."""
    differences: tuple[str, ...] = ()
    """What only one side says, in words."""


@dataclass(slots=True)
class _Differences:
    found: list[str] = field(default_factory=list)

    def equal(self, what: str, reader: object, oracle: object) -> None:
        if reader != oracle:
            self.found.append(f"{what}: the reader has {reader}, cuobjdump {oracle}")


def compare(
    tools: Sequence[Path], file: Path, where: str, library: str, *, contents: bool = False
) -> Comparison | None:
    """Compare both sides on one library; None if it is none, or neither finds device code.

    Args:
        tools: From ``cuobjdump.programs``.
        file: The library.
        where: The wheel or directory that it is from.
        library: Its name there.
        contents: Whether to ask for each fatbin if it has kernels; if not, then only where the
            reader leaves some out.
    """
    differences = _Differences()
    code = None
    problem = None
    with open_readable(file) as source:
        try:
            images = formats.read(source)
        except FormatError as error:
            problem = f"the reader says: {error}"
        else:
            if isinstance(images, NotALibrary):
                return None
            code = images[0].device_code
    try:
        found = cuobjdump.fatbins(tools, file)
        if code is not None and (contents or not _each_counts(code, found)):
            found = cuobjdump.fatbins(tools, file, contents=True)
        whole = cuobjdump.listed(tools, file)
    except cuobjdump.CuobjdumpError as error:
        return Comparison(where, library, differences=(f"cuobjdump says: {error}",))
    if not found and not whole and (code is None or not (_of_cuda(code) or code.problem)):
        return None
    if code is None:
        problem = problem or f"the reader finds none of {len(found)} fatbins"
        return Comparison(where, library, len(found), differences=(problem,))
    if code.problem:
        differences.found.append(f"the reader says: {code.problem}")
    differences.equal("entries", _entries(file), [_words(each) for each in found])
    if not _is_dll(file):
        linked = [one for one in found if not one.relocatable] or found
        pieces = {entry.target for one in linked for entry in one.entries}
        differences.equal("architectures of all fatbins", _unlettered(pieces), _unlettered(whole))
    _compare_facts(differences, code, found)
    every = [entry for each in found for entry in each.entries]
    return Comparison(
        where,
        library,
        len(found),
        len(every),
        tuple(sorted({entry.target for entry in every if entry.kind != "nvvm"}, key=target_key)),
        tuple(differences.found),
    )


def _unlettered(targets: Iterable[str]) -> set[str]:
    """Architectures without letters: the list of cubins leaves out ``f``, and has odd ``a``."""
    return {one.rstrip("af") for one in targets}


def _is_dll(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(2) == b"MZ"


def _each_counts(code: DeviceCode, found: Sequence[cuobjdump.Fatbin]) -> bool:
    """Whether as many fatbins are in the reader's sets as are in the file."""
    used = sum(not one.relocatable for one in found) or len(found)
    return sum(one.count for one in code.sets) == used


def _words(one: cuobjdump.Fatbin) -> list[tuple[str, str, str]]:
    return [
        (entry.kind, entry.architecture, entry.version if entry.kind == "ptx" else "")
        for entry in one.entries
    ]


def _entries(file: Path) -> list[list[tuple[str, str, str]]] | str:
    """The entries of each fatbin as the reader has them, or why it has not."""
    spans = cuobjdump.sections(file)
    spans.sort(key=lambda span: span[0] not in cuobjdump.LINKED)
    with open_readable(file) as source:
        try:
            return [
                [
                    (
                        KINDS.get(entry.kind, f"kind {entry.kind}"),
                        entry.architecture,
                        "{}.{}".format(*entry.version) if entry.kind == fatbin.PTX else "",
                    )
                    for entry in one.entries
                ]
                for _, offset, size in spans
                for one in fatbin.fatbins(source, offset, size)
            ]
        except FormatError as error:
            return str(error)


def _compare_facts(
    differences: _Differences, code: DeviceCode, found: Sequence[cuobjdump.Fatbin]
) -> None:
    """Compare the facts of the model with those that follow from cuobjdump's list.

    Fatbins with kernels make the sets. The reader judges by headers whether there are kernels: it
    may also count fatbins with variables alone, and those with nothing (of files with notes for
    debuggers) if others are for the same architectures, where only the number of fatbins differs.

    Where the library keeps what the device linker read, the driver can link that again, for
    architectures for which each of it has code. cuobjdump does not list which fatbins the device
    linker made, so that only the architectures as a whole are compared there.
    """
    parts = [one for one in found if one.relocatable]
    linked = [one for one in found if not one.relocatable]
    used = [one for one in linked or parts if one.holds is not Holds.NOTHING or not linked]
    most = Counter(_targets(one) for one in used if _targets(one))
    again = frozenset[str]()
    if parts and linked:
        again = frozenset.intersection(*(frozenset(_targets(one)) for one in parts))
        differences.equal("architectures", _of_cuda(code), again.union(*most))
    else:
        kernels = (Holds.KERNELS, Holds.UNASKED)
        least = Counter(_targets(one) for one in used if one.holds in kernels and _targets(one))
        every = Counter(_targets(one) for one in found if _targets(one) in most)
        sets = Counter({one.targets: one.count for one in code.sets if _of_cuda(one)})
        if not least <= sets <= every:
            differences.equal("sets", dict(sets), dict(most))
    newest: dict[str, tuple[int, ...]] = {}
    others = set()
    for one in found:
        for entry in one.entries:
            if entry.kind == "ptx" and (one in used or entry.target in again):
                version = tuple(map(int, entry.version.split(".")))
                newest[entry.target] = max(newest.get(entry.target, ()), version)
            elif entry.kind == "nvvm" and one in used:
                others.add(f"LTO-IR for {entry.target}")
            elif entry.kind not in {"elf", "ptx", "nvvm"} and one in used:
                others.add(f"{entry.kind} for {entry.target}")
    expected = {target: ".".join(map(str, version)) for target, version in newest.items()}
    differences.equal("PTX", dict(code.ptx_isa), expected)
    differences.equal("others", set(code.others), others)


def _of_cuda(code: DeviceCode | KernelSet) -> set[str]:
    return {one for one in code.targets if one.startswith(("sm_", "compute_"))}


def _targets(one: cuobjdump.Fatbin) -> tuple[str, ...]:
    targets = {entry.target for entry in one.entries if entry.kind in {"elf", "ptx"}}
    return tuple(sorted(targets, key=target_key))


# --- what to compare -----------------------------------------------------------------------------


def libraries(target: Path, scratch: Path) -> Iterator[tuple[str, Path]]:
    """Every library in a wheel, a directory or a file, by its name there.

    Those of wheels are unpacked one by one, to ``scratch``.
    """
    if target.is_dir():
        for file in sorted(target.rglob("*")):
            if file.is_file() and not file.is_symlink() and _starts_as_library(file):
                yield str(file.relative_to(target)), file
    elif zipfile.is_zipfile(target):
        with zipfile.ZipFile(target) as wheel:
            for member in wheel.infolist():
                with wheel.open(member) as packed:
                    head = packed.read(4)
                    if not head.startswith(_LIBRARY):
                        continue
                    file = scratch / Path(member.filename).name
                    with file.open("wb") as plain:
                        plain.write(head)
                        while piece := packed.read(1 << 20):
                            plain.write(piece)
                yield member.filename, file
                file.unlink()
    else:
        yield target.name, target


def _starts_as_library(file: Path) -> bool:
    with file.open("rb") as opened:
        return opened.read(4).startswith(_LIBRARY)


def comparisons(
    tools: Sequence[Path], targets: Iterable[Path], *, contents: bool = False
) -> Iterator[Comparison]:
    """Compare both sides on every library of the targets in which either finds device code."""
    for target in targets:
        with tempfile.TemporaryDirectory() as scratch:
            for name, file in libraries(target, Path(scratch)):
                found = compare(tools, file, target.name, name, contents=contents)
                if found is not None:
                    yield found


# --- program -------------------------------------------------------------------------------------


def table(found: Sequence[Comparison]) -> Iterator[str]:
    """The result in Markdown: a row for each wheel."""
    yield "| wheel | libraries | fatbins | entries | architectures | agree |"
    yield "|---|---|---|---|---|---|"
    for where in dict.fromkeys(one.where for one in found):
        of_it = [one for one in found if one.where == where]
        targets = sorted({target for one in of_it for target in one.targets}, key=target_key)
        agree = sum(not one.differences for one in of_it)
        yield (
            f"| {where.removesuffix('.whl')} | {len(of_it)} | {sum(one.fatbins for one in of_it)} "
            f"| {sum(one.entries for one in of_it)} | {', '.join(targets)} "
            f"| {'all' if agree == len(of_it) else agree} |"
        )


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns 0 if both sides agree on all, 1 if not."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("target", nargs="+", type=Path, help="a wheel, a directory or a library")
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        default=CACHE,
        help=f"keep NVIDIA's tools in DIR [{CACHE}]",
    )
    parser.add_argument(
        "--contents",
        action="store_true",
        help="ask for every fatbin if it has kernels, which takes several times as long",
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table to FILE")
    options = parser.parse_args(arguments)
    tools = cuobjdump.programs(options.cache)
    found = []
    for one in comparisons(tools, options.target, contents=options.contents):
        found.append(one)
        for difference in one.differences:
            print(f"{one.where}: {one.library}: {difference}", file=sys.stderr, flush=True)
    agree = sum(not one.differences for one in found)
    text = "\n".join([*table(found), "", f"{agree} of {len(found)} libraries agree."])
    print(text)
    if options.markdown:
        options.markdown.write_text(f"{_HEAD}\n{text}\n", encoding="utf-8")
    return 0 if agree == len(found) else 1


_HEAD = """\
# Device code against cuobjdump

Written by `tools/compare_with_cuobjdump.py`, which says what is compared. Libraries without device
code are not counted: in those, neither side finds any.
"""

if __name__ == "__main__":
    sys.exit(main())
