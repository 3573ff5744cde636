"""String tables: names by offset, also inside longer names and across windows."""

from __future__ import annotations

import random

import pytest

from torch_abi_audit.formats import strings
from torch_abi_audit.formats.strings import StringTable
from torch_abi_audit.model.errors import FormatError
from torch_abi_audit.sources.files.readable import BytesReadable

PREFIX = b"something before"


def table(blob: bytes) -> StringTable:
    return StringTable(BytesReadable(PREFIX + blob + b"after\0"), len(PREFIX), len(blob))


def name_at(blob: bytes, offset: int) -> bytes:
    return blob[offset : blob.index(0, offset)]


@pytest.fixture(params=[40, 1 << 17])
def small_windows(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows so small that names cross their borders, and the usual ones."""
    monkeypatch.setattr(strings, "_SPAN", request.param)
    monkeypatch.setattr(strings, "_TAIL", 8)
    monkeypatch.setattr(strings, "_AT_ONCE", request.param)
    monkeypatch.setattr(strings, "_PIECE", request.param // 2)


def random_blob(chance: random.Random) -> bytes:
    names = [
        bytes(chance.choice(b"PyInt_ab") for _ in range(chance.randrange(30)))
        for _ in range(chance.randrange(1, 40))
    ]
    return b"\0" + b"\0".join(names) + b"\0"


@pytest.mark.usefixtures("small_windows")
def test_every_offset_has_its_name_in_any_window() -> None:
    chance = random.Random(3)
    for _ in range(300):
        blob = random_blob(chance)
        offsets = chance.sample(range(len(blob)), chance.randrange(len(blob)))
        assert table(blob).names(offsets) == {each: name_at(blob, each) for each in offsets}


@pytest.mark.usefixtures("small_windows")
def test_a_search_finds_every_stem_wherever_it_stands() -> None:
    chance = random.Random(4)
    for _ in range(300):
        blob = random_blob(chance)
        offsets = chance.sample(range(len(blob)), chance.randrange(len(blob)))
        names, found = table(blob).search(offsets, (b"Py", b"PI_"))
        assert names == {each: name_at(blob, each) for each in offsets}
        assert found == {
            each: name_at(blob, each)
            for each in range(len(blob))
            if blob.startswith((b"Py", b"PI_"), each)
        }


@pytest.mark.usefixtures("small_windows")
def test_among_tells_what_the_names_tell() -> None:
    chance = random.Random(5)
    hits = 0
    for _ in range(300):
        blob = random_blob(chance)
        offsets = chance.sample(range(len(blob)), chance.randrange(len(blob)))
        names = {name_at(blob, each) for each in range(len(blob))}
        wanted = frozenset(name for name in names if chance.random() < 0.5) | {b"absent"}
        here = {name_at(blob, each) for each in offsets}
        assert table(blob).among(offsets, wanted) == here & wanted
        hits += len(here & wanted)
    assert hits > 1000


def test_among_takes_no_whole_name_for_the_tail_that_is_asked_for() -> None:
    blob = b"\0_PyObject_New\0"
    assert table(blob).among([1], frozenset({b"PyObject_New"})) == set()
    assert table(blob).among([2], frozenset({b"PyObject_New"})) == {b"PyObject_New"}


def test_an_offset_outside_is_damage_to_every_question() -> None:
    for ask in (
        lambda: table(b"\0a\0").names([3]),
        lambda: table(b"\0a\0").search([3], (b"Py",)),
        lambda: table(b"\0a\0").among([3], frozenset({b"a"})),
    ):
        with pytest.raises(FormatError, match="outside the string table"):
            ask()


def test_a_name_without_an_end_is_damage() -> None:
    with pytest.raises(FormatError, match="unterminated"):
        table(b"\0abc").names([1])
    with pytest.raises(FormatError, match="unterminated"):
        table(b"\0abc").among([1], frozenset({b"abc"}))


def test_names_that_overlap_without_measure_are_damage() -> None:
    blob = b"a" * 60_000 + b"\0"
    with pytest.raises(FormatError, match="overlap"):
        table(blob).names(range(60_000))
    with pytest.raises(FormatError, match="overlap"):
        table(blob).among([*range(60_000)], frozenset({b"a"}))
