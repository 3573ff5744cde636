"""The text form of the generated tables: read, written, refused, compared."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.table_text import differences, load, render, write
from torch_abi_audit.knowledge import tables
from torch_abi_audit.knowledge.tables import Table, parse

TEXT = """\
# about\tfruit, and where it grows
# seen\t
[fruit]
apple\tred round
bare
pear\tgreen
[nowhere]
[places]
a b\tnorth=1 south=2
[last]
"""
TABLE = Table(
    {"about": "fruit, and where it grows", "seen": ""},
    {
        "fruit": {"apple": "red round", "bare": "", "pear": "green"},
        "nowhere": {},
        "places": {"a b": "north=1 south=2"},
        "last": {},
    },
)


# --- read ---


def test_facts_and_sections_are_read_in_their_order() -> None:
    table = parse(TEXT)

    assert table == TABLE
    assert list(table.facts) == ["about", "seen"]
    assert list(table.sections) == ["fruit", "nowhere", "places", "last"]
    assert list(table.sections["fruit"]) == ["apple", "bare", "pear"]


def test_a_name_alone_has_no_words() -> None:
    assert parse(TEXT).sections["fruit"]["bare"] == ""
    assert parse("# a\tb\n[s]\nbare\t\n").sections == {"s": {"bare": ""}}


def test_a_table_may_hold_facts_alone() -> None:
    assert parse("# a\tb\n") == Table({"a": "b"}, {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "[fruit]\napple\tred\n",  # no facts
        "# about\n[fruit]\napple\tred\n",  # a fact without a tab
        "about\tfruit\n[fruit]\napple\tred\n",  # a fact without its mark
        "# about\tfruit\n\n[fruit]\napple\tred\n",  # an empty line
        "# about\tfruit\napple\tred\n",  # rows without a section
        "# about\tfruit\n[fruit\napple\tred\n",  # a title that is not closed
        "# about\tfruit\n[fruit]apple\tred\n",  # a row beside the title
        "# about\tfruit\n[fruit]\n\napple\tred\n",
        "# about\tfruit\n[fruit]\napple\tred\n\n",
        "# about\tfruit\n[fruit]\n\tred\n",  # a row without a name
        "# about\tfruit\n[fruit]\napple\tred\npear\tgreen\napple\tred\n",  # a name twice
        "# about\tfruit\n[fruit]\napple\tred\n[fruit]\npear\tgreen\n",  # a section twice
    ],
)
def test_what_is_malformed_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"begins with its facts|is malformed"):
        parse(text)


@pytest.mark.parametrize("path", sorted(Path(tables.DATA).glob("*.tsv")), ids=lambda p: p.stem)
def test_every_table_of_the_package_is_plain_and_says_where_it_is_from(path: Path) -> None:
    raw = path.read_bytes()
    table = tables.read(path.stem)

    assert raw.isascii()
    assert b"\r" not in raw
    assert render(table).encode() == raw
    assert (Path(__file__).parents[3] / table.facts["generator"]).is_file()
    assert table.facts["about"]


def test_a_table_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        tables.read("nothing")


# --- written ---


def test_the_text_is_what_was_read() -> None:
    assert render(TABLE) == TEXT


@pytest.mark.parametrize(
    "table",
    [
        Table({}, {"fruit": {"apple": "red"}}),
        Table({"about": "fruit\n"}, {}),
        Table({"about": "fruit"}, {"fruit": {"ap\tple": "red"}}),
        Table({"about": "fruit"}, {"fruit": {"apple": "red\ngreen"}}),
        Table({"about": "fruit"}, {"fruit": {"[apple": "red"}}),
        Table({"about": "fruit"}, {"fruit": {"": "red"}}),
        Table({"about": "fruit"}, {"fru]it": {"apple": "red"}}),
    ],
)
def test_what_a_text_cannot_hold_is_not_written(tmp_path: Path, table: Table) -> None:
    with pytest.raises(ValueError, match=r"cannot|begins with its facts|is malformed"):
        write(tmp_path / "table.tsv", table)
    assert not (tmp_path / "table.tsv").exists()


def test_a_file_holds_the_table_with_plain_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "table.tsv"
    assert load(path) == Table({}, {}), "there is none yet"

    write(path, TABLE)

    assert path.read_bytes() == TEXT.encode()
    assert load(path) == TABLE


# --- compared ---


def test_differences_are_listed_by_name() -> None:
    old = {"kept": "1", "changed": "1 2", "gone": ""}
    new = {"kept": "1", "changed": "1 3", "added": "4"}

    assert differences(old, old) == []
    assert differences(old, new, "fruit.") == [
        "fruit.added: None -> 4",
        "fruit.changed: 1 2 -> 1 3",
        'fruit.gone: "" -> None',
    ]
