"""Merging the declarations and exports of releases into the table, and its text."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from tools.shim_headers import Declaration, GeneratorError
from tools.shim_table import Release, Row, Table, differences, document, load
from tools.table_text import render
from torch_abi_audit.knowledge.tables import parse

PLAIN = Declaration("generic", deprecated=False, guard=None)
GUARDED = Declaration("generic", deprecated=False, guard="2.10.0")
OLD = Declaration("generic", deprecated=True, guard=None)
XPU = Declaration("xpu", deprecated=False, guard=None)
LINUX = ("manylinux_2_28_x86_64",)

RELEASES = [
    Release(
        "2.9.0", {"aoti_a": PLAIN, "aoti_gone": PLAIN, "aoti_kept": PLAIN, "aoti_x": XPU}, {}, ()
    ),
    Release(
        "2.9.1", {"aoti_a": PLAIN, "aoti_gone": PLAIN, "aoti_kept": PLAIN, "aoti_x": XPU}, {}, ()
    ),
    Release(
        "2.10.0",
        {"aoti_a": OLD, "aoti_x": XPU, "torch_b": GUARDED},
        {
            "aoti_a": ("libtorch_cpu.so",),
            "aoti_kept": ("libtorch_cpu.so",),  # no longer declared
            "torch_c": ("libtorch_python.so",),  # never declared
        },
        LINUX,
    ),
]
EXPECTED = {
    "aoti_a": Row("2.9.0", "2.10.0", OLD, ("libtorch_cpu.so",)),
    "aoti_gone": Row("2.9.0", "2.9.1", PLAIN),
    "aoti_kept": Row("2.9.0", "2.9.1", PLAIN, ("libtorch_cpu.so",)),
    "aoti_x": Row("2.9.0", "2.10.0", XPU),
    "torch_b": Row("2.10.0", "2.10.0", GUARDED),
}


def merged(*releases: Release) -> Table:
    table = Table()
    for release in releases:
        table = table.merged(release)
    return table


@pytest.mark.parametrize("order", list(itertools.permutations(RELEASES)))
def test_releases_merge_in_any_order(order: tuple[Release, ...]) -> None:
    table = merged(*order)

    assert table.releases == ("2.9.0", "2.9.1", "2.10.0")
    assert table.rows == EXPECTED


def test_reading_a_release_again_changes_nothing() -> None:
    table = merged(*RELEASES)

    assert table.merged(RELEASES[0]) == table.merged(RELEASES[2]) == table


def test_the_cross_check_names_both_kinds_of_disagreement() -> None:
    table = merged(*RELEASES)

    assert table.unexported() == ["aoti_gone", "torch_b"], "no published wheel is built for XPU"
    assert table.undeclared == {"torch_c": ("libtorch_python.so",)}
    assert (table.exports_of, table.platforms) == ("2.10.0", LINUX)


def test_exports_of_an_older_release_do_not_replace_newer_ones() -> None:
    older = Release("2.9.1", RELEASES[1].declared, {"aoti_a": ("other.so",)}, LINUX)

    table = merged(*RELEASES).merged(older)

    assert table.rows["aoti_a"].exported_by == ("libtorch_cpu.so",)
    assert table.exports_of == "2.10.0"


def test_a_name_that_a_release_lacks_in_between_is_told() -> None:
    gap = Release("2.9.1", {"aoti_a": PLAIN, "aoti_kept": PLAIN}, {}, ())
    table = merged(RELEASES[0], gap, Release("2.10.0", RELEASES[0].declared, {}, ()))

    assert table.absent(gap) == ["aoti_gone", "aoti_x"]
    assert table.absent(RELEASES[0]) == []


def test_the_text_holds_the_whole_table_one_line_a_shim() -> None:
    table = merged(*RELEASES)

    text = render(document(table, "2026-01-31"))

    assert load(parse(text)) == table
    assert "aoti_a\t2.9.0 generic 1 deprecated" in text.splitlines()
    assert "aoti_gone\t2.9.0 generic 0 last=2.9.1" in text.splitlines()
    assert "torch_b\t2.10.0 generic 0 guard=2.10.0" in text.splitlines()
    assert "aoti_x\t2.9.0 xpu 0" in text.splitlines()
    assert "# date\t2026-01-31" in text.splitlines()


def test_a_table_without_exports_is_kept_too() -> None:
    table = merged(*RELEASES[:2])

    assert table.exports_of is None
    assert load(parse(render(document(table, "")))) == table


def test_the_text_is_the_same_whatever_the_order() -> None:
    texts = {render(document(merged(*order), "")) for order in itertools.permutations(RELEASES)}

    assert len(texts) == 1


def test_another_format_is_refused() -> None:
    content = document(merged(*RELEASES), "")
    content = replace(content, facts={**content.facts, "format": "99"})

    with pytest.raises(GeneratorError, match="format 99"):
        load(content)


def test_differences_are_listed_by_entry_and_the_date_is_none() -> None:
    old = document(merged(*RELEASES[:2]), "2026-01-01")
    new = document(merged(*RELEASES), "2026-02-02")

    assert differences(old, replace(old, facts={**old.facts, "date": "2026-02-02"})) == []
    assert differences(old, new) == [
        'exports_of: "" -> 2.10.0',
        'platforms: "" -> manylinux_2_28_x86_64',
        "releases: 2.9.0 2.9.1 -> 2.9.0 2.9.1 2.10.0",
        "exporters.1: None -> libtorch_cpu.so",
        "shims.aoti_a: 2.9.0 generic 0 -> 2.9.0 generic 1 deprecated",
        "shims.aoti_gone: 2.9.0 generic 0 -> 2.9.0 generic 0 last=2.9.1",
        "shims.aoti_kept: 2.9.0 generic 0 -> 2.9.0 generic 1 last=2.9.1",
        "shims.torch_b: None -> 2.10.0 generic 0 guard=2.10.0",
        "undeclared.torch_c: None -> libtorch_python.so",
        'unexported.aoti_a: "" -> None',
        'unexported.aoti_kept: "" -> None',
        'unexported.torch_b: None -> ""',
    ]
