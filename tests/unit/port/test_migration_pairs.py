"""What real migrations to the stable ABI wrote, and what the plan says in their place.

``migration_pairs.json`` has one pair for each API that a public project replaced:

- ``api``: the unstable API, as sources spell it.
- ``wrote``: what the migration wrote in its place; ``goes away`` if it dropped the API, ``Python``
  if it moved the work there.
- ``accept``: other answers that are as right, each with the reason.
- ``header``: the header that declares what the migration wrote.
- ``declared``: the first release whose headers do so, read from the headers.
- ``torch``: the oldest release that the migrated code supports.
- ``code``: a line of source that uses the API, written for this test; ``find`` is the use in it.
- ``symbols``: symbols that the API leads to, from wheels of that time for Linux, macOS and Windows.
- ``seen``: where the migration can be read: project, commit or pull request, and file.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from torch_abi_audit.knowledge import spellings
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.port.migration import Item, Unit, Way
from torch_abi_audit.port.plan import plan
from torch_abi_audit.port.source.reading import read

if TYPE_CHECKING:
    from torch_abi_audit.port.source.findings import SourceUse

DOCUMENT: dict[str, Any] = json.loads(Path(__file__).with_name("migration_pairs.json").read_bytes())
PAIRS: list[dict[str, Any]] = DOCUMENT["pairs"]
BY_SYMBOL = [(pair, symbol) for pair in PAIRS for symbol in pair.get("symbols", ())]
BY_SOURCE = [pair for pair in PAIRS if "code" in pair and not pair["api"].startswith("#include")]
INCLUDES = [pair for pair in PAIRS if pair["api"].startswith("#include")]
POSSIBLE = {Way.NOW, Way.DISPATCHER, Way.GOES}
ELSEWHERE = {"goes away", "Python", "by hand"}
"""What a pair says if the stable ABI has nothing of the kind, nor needs it."""
OPEN: dict[str, str] = {}
"""Pairs that only the source view answers wrongly yet; a right answer must leave this table."""


def item(symbol: str, torch: str) -> Item:
    (found,) = plan("a", "/a", [Unit("a.so", (symbol.encode(),))], target=torch).items
    return found


def names(text: str, name: str) -> bool:
    """Whether ``text`` names ``name``, and not merely something that contains it."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) is not None


def answers(pair: dict[str, Any]) -> list[str]:
    return [*pair["wrote"], *pair.get("accept", ())]


def label(pair: dict[str, Any], symbol: str) -> str:
    system = "pe" if symbol.startswith("?") else "elf"
    return f"{pair['api']}-{pair['torch']}-{system}-{pair['symbols'].index(symbol)}"


def test_the_pairs_say_where_they_are_from() -> None:
    sources = DOCUMENT["sources"]
    for pair in PAIRS:
        assert pair["api"]
        assert pair["wrote"]
        assert pair["seen"], pair["api"]
        assert {re.split(r"[@# ]", one)[0] for one in pair["seen"]} <= set(sources), pair["api"]
        assert all(reason for reason in pair.get("accept", {}).values()), pair["api"]
        if declared := pair.get("declared"):
            assert release_key(declared) <= release_key(pair["torch"]), pair["api"]
    assert len(PAIRS) >= 130
    assert sum("symbols" in pair for pair in PAIRS) >= 100
    assert len(BY_SOURCE) + len(INCLUDES) >= 150
    assert all("symbols" in pair or "code" in pair for pair in PAIRS)
    assert set(OPEN) <= {pair["api"] for pair in BY_SOURCE}
    assert len(PAIRS) - len(OPEN) >= 160, "pairs that must come out right"
    assert len({(pair["api"], pair["torch"]) for pair in PAIRS}) == len(PAIRS)


@pytest.mark.parametrize(
    ("pair", "symbol"), BY_SYMBOL, ids=[label(pair, symbol) for pair, symbol in BY_SYMBOL]
)
def test_the_plan_says_what_the_migration_wrote(pair: dict[str, Any], symbol: str) -> None:
    found = item(symbol, pair["torch"])
    wanted = answers(pair)
    if found.way is Way.GOES:
        assert ELSEWHERE & set(wanted)
        return
    said = found.use or ""
    other = found.fallback.use if found.fallback is not None else ""
    assert any(names(f"{said} {other}", one) for one in wanted), (said, other, wanted)
    assert found.way in {Way.NOW, Way.DISPATCHER}, (found.way, found.since, found.floor)
    timely = found.since is None or release_key(found.since) <= release_key(pair["torch"])
    if not timely:  # then the other way must serve
        assert found.fallback is not None
        assert release_key(found.fallback.since) <= release_key(pair["torch"])
        assert any(names(other, one) for one in wanted)
    elif names(said, pair["wrote"][0]):
        if "declared" in pair and found.since is not None:
            assert release_key(found.since) >= release_key(pair["declared"])
        if "header" in pair and found.way is Way.NOW:
            assert found.header == pair["header"]


def written(pair: dict[str, Any]) -> list[SourceUse]:
    """The uses of the pair's line, without that of the header above it."""
    text = f"#include <torch/all.h>\n{pair['code']}\n"
    return [one for one in read("a.cu", text.encode(), pair["torch"]).uses if one.line > 1]


def kept(pair: dict[str, Any]) -> bool:
    """Whether what the line spells is in the stable headers as well, or is the answer itself."""
    found: str = pair["find"]
    return spellings.kept(found, pair["torch"]) or any(
        one.rpartition("::")[2] == found.removeprefix(".") for one in answers(pair)
    )


@pytest.mark.parametrize(
    "pair",
    [
        pytest.param(
            pair,
            id=f"{pair['api']}-{pair['torch']}",
            marks=[pytest.mark.xfail(strict=True, reason=OPEN[pair["api"]])]
            if pair["api"] in OPEN
            else [],
        )
        for pair in BY_SOURCE
    ],
)
def test_the_source_view_says_what_the_migration_wrote(pair: dict[str, Any]) -> None:
    uses = written(pair)
    here = [one for one in uses if pair["find"] in one.spelled]
    if not here and kept(pair):
        return
    assert here, uses
    found = max(here, key=lambda one: len(one.spelled))
    assert found.way in POSSIBLE, found
    if found.way is Way.GOES:
        assert ELSEWHERE & set(answers(pair))
        return
    said = f"{found.write} {found.note}"  # the note has what else the name can mean
    assert any(names(said, one) for one in answers(pair)), (found, answers(pair))


INCLUDED_BY = {"torch/csrc/inductor/aoti_torch/c/shim.h": "torch/csrc/stable/tensor.h"}
"""A header, and one that includes it and has what the edit needs beside it."""


@pytest.mark.parametrize("pair", INCLUDES, ids=lambda pair: f"{pair['find']}")
def test_an_include_becomes_the_headers_of_what_the_source_uses(pair: dict[str, Any]) -> None:
    uses = written(pair)
    assert [one for one in uses if one.spelled == pair["find"] and one.way is Way.NOW]
    spelled = re.findall(r"(?:at|c10|torch)(?:::\w+)+", pair["code"])
    headers = {one.header for one in uses} | {spellings.header_of(one) for one in spelled}
    assert {pair["header"], INCLUDED_BY.get(pair["header"])} & headers
