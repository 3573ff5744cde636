"""Proofs of a replacement with torch's headers: it is declared, builds, and needs which shims."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch_abi_audit.knowledge import torch_shims
from torch_abi_audit.knowledge.torch_shims import STABLE_ABI_BEGINS
from torch_abi_audit.model.releases import release_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from tools.example_builder import Builder, Built
    from tools.replacement_source import Example

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_OPERATOR = re.compile(
    r"struct TORCH_API (\w+) \{.*?"
    r'(?:name = |name, )"aten::(\w+)".*?overload_name(?: = |, )"(\w*)"',
    re.DOTALL,
)
_DECLARED = re.compile(
    r"^\s*(?:template\s*<[^;{]*>\s*)?(?:struct|class|enum class|enum|union)\s+"
    r"(?:alignas\(\w+\)\s*|C10_\w+\s+|TORCH_\w+\s+)*(\w+)\s*(?:final\s*)?[:{<]",
    re.MULTILINE,
)


class CheckError(Exception):
    """The headers contradict a row; the text names the row and the contradiction."""


@dataclass(frozen=True, slots=True)
class Job:
    """A library to run under one release: ``what`` says how it was built."""

    release: str
    library: Path
    what: str


@dataclass(frozen=True, slots=True)
class Proof:
    """The verified facts about one replacement."""

    since: str
    """The first release whose headers declare the replacement and build its example."""
    floor: str
    """The oldest release on which a library with the replacement runs."""
    shims: tuple[str, ...]
    """The C shims that the example imports for the oldest releases and the newest, sorted."""
    jobs: tuple[Job, ...] = ()
    """What is left to prove: these run."""


def prove(name: str, example: Example, headers: Mapping[str, Path], builder: Builder) -> Proof:
    """Build a row's example with the headers of the oldest release that has it, and of the newest.

    Raises:
        CheckError: no release declares the replacement, its example does not compile or link with
            its header alone, or needs a newer release than the row would say.
    """
    declaring = [
        release
        for release, include in headers.items()
        if declares(include / example.header, example.declares)
    ]
    if not declaring:
        raise CheckError(f"{name}: no release declares {example.declares} in {example.header}")
    since, oldest = _first(name, example, declaring, builder)
    newest = max(headers, key=release_key)
    built: dict[str, Built] = {}
    for number, target in enumerate(headers):
        if number < 2 or target == newest or not built:
            one = builder.build(example, target, newest)
            if not one.error:
                built[target] = one
    if newest not in built:
        error = builder.build(example, newest, newest).error
        raise CheckError(f"{name}: the example does not build with torch {newest}: {error}")
    lowest = min(built, key=release_key)
    floor = _floor(lowest, built[lowest])
    if release_key(_floor(since, oldest)) > release_key(max(since, floor, key=release_key)):
        raise CheckError(f"{name}: with the headers of {since} it needs {_floor(since, oldest)}")
    jobs = [
        Job(max(since, floor, key=release_key), oldest.library, f"headers of {since}"),
        Job(floor, built[lowest].library, f"headers of {newest} for {lowest}"),
        Job(newest, oldest.library, f"headers of {since}"),
        Job(newest, built[newest].library, f"headers of {newest} for {newest}"),
    ]
    if release_key(floor) < release_key(since):
        early = builder.build(example, floor, since)
        if early.error:
            raise CheckError(f"{name}: {early.error}, with the headers of {since} for {floor}")
        if release_key(_floor(floor, early)) > release_key(floor):
            raise CheckError(
                f"{name}: with the headers of {since} for {floor} it needs {_floor(floor, early)}"
            )
        jobs.append(Job(floor, early.library, f"headers of {since} for {floor}"))
    shims = sorted({shim for one in built.values() for shim in one.shims})
    return Proof(since, floor, tuple(shims), tuple(jobs) if not example.cannot_run else ())


def _first(
    name: str, example: Example, declaring: Iterable[str], builder: Builder
) -> tuple[str, Built]:
    """The first release of ``declaring`` with whose headers the example builds, and the result."""
    errors = []
    for release in declaring:
        built = builder.build(example, release, release)
        if not built.error:
            return release, built
        errors.append(built.error)
    raise CheckError(
        f"{name}: the example does not build with the header alone, of any release: {errors[-1]}"
    )


def _floor(target: str, built: Built) -> str:
    """The oldest release on which a library that was built for ``target`` runs."""
    firsts = [torch_shims.shims()[name.encode()].first_release for name in built.shims]
    return max([STABLE_ABI_BEGINS, target, *firsts], key=release_key)


def declares(header: Path, identifier: str) -> bool:
    """Whether a header contains ``identifier`` outside of comments."""
    try:
        text = _COMMENT.sub("", header.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    return re.search(rf"\b{re.escape(identifier)}\b", text) is not None


def operators(include: Path) -> set[str]:
    """Every operator of ATen that a release's headers call, as ``name.overload``.

    Raises:
        CheckError: a caller is not named ``name_overload``, as this program assumes.
    """
    found = set()
    for header in sorted((include / "ATen" / "ops").glob("*_ops.h")):
        for struct, name, overload in _OPERATOR.findall(header.read_text(encoding="utf-8")):
            if struct != (f"{name}_{overload}" if overload else name):
                raise CheckError(f"{header.name}: {struct} calls {name}.{overload}")
            found.add(f"{name}.{overload}" if overload else name)
    if not found:
        raise CheckError(f"there is no operator in {include / 'ATen' / 'ops'}")
    return found


def header_only(includes: Iterable[Path]) -> list[str]:
    """Types that ``torch/headeronly`` declares, in any namespace."""
    found: set[str] = set()
    for include in includes:
        for header in (include / "torch" / "headeronly").rglob("*.h"):
            found.update(_DECLARED.findall(_COMMENT.sub("", header.read_text(encoding="utf-8"))))
    return sorted(found)
