"""What real migrations to the stable ABI wrote, and what the plan says in their place.

``migration_pairs.json`` has one pair for each API that a public project replaced:

- ``api``: the unstable API, as sources spell it.
- ``wrote``: what the migration wrote in its place; ``goes away`` if it dropped the API, ``Python``
  if it moved the work there.
- ``accept``: other answers that are as right, each with the reason.
- ``symbols``: symbols that the API leads to, from wheels of that time for Linux, macOS and Windows.
- ``header``: the header that declares what the migration wrote.
- ``declared``: the first release whose headers do so, read from the headers.
- ``torch``: the oldest release that the migrated code supports.
- ``seen``: where the migration can be read: project, commit or pull request, and file.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from torch_abi_audit.model.releases import release_key
from torch_abi_audit.port.migration import Item, Unit, Way
from torch_abi_audit.port.plan import plan

DOCUMENT: dict[str, Any] = json.loads(Path(__file__).with_name("migration_pairs.json").read_bytes())
PAIRS: list[dict[str, Any]] = DOCUMENT["pairs"]
BY_SYMBOL = [(pair, symbol) for pair in PAIRS for symbol in pair.get("symbols", ())]
ELSEWHERE = {"goes away", "Python", "by hand"}
"""What a pair says if the stable ABI has nothing of the kind, nor needs it."""


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
