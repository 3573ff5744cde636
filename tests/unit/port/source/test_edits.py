"""Edits of sources: bytes to bytes, with the includes that they need, and as a diff."""

from __future__ import annotations

import random
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.port.migration import Way
from torch_abi_audit.port.source.edits import (
    applied,
    diff,
    edited,
    edited_build,
    without_carried,
)
from torch_abi_audit.port.source.findings import (
    BuildFinding,
    Edit,
    Kind,
    SourceFile,
    SourceUse,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RULES = (
    (rb"OLD\((.*?)\)END", r"neu(\1)", "torch/b.h", Kind.FUNCTION),
    (rb"\bold\b", "neu", "torch/a.h", Kind.TYPE),
    (rb"#include <ATen/[^\n]*", "", None, Kind.INCLUDE),
    (rb"\bhand\b", None, None, Kind.METHOD),
)
"""Pattern, what to write, the header it needs, and the kind: a language of its own, so that these
tests say nothing of C++."""


def use(
    data: bytes, start: int, spelled: str, kind: Kind, edits: tuple[Edit, ...], header: str | None
) -> SourceUse:
    line = data.count(b"\n", 0, start) + 1
    column = len(data[data.rfind(b"\n", 0, start) + 1 : start].decode("utf-8", "replace")) + 1
    return SourceUse(line, column, kind, spelled, None, Way.NOW, None, header, edits=edits)


def read(data: bytes) -> SourceFile:
    found = []
    for pattern, text, header, kind in RULES:
        for match in re.finditer(pattern, data):
            written = None if text is None else match.expand(text.encode()).decode("latin-1")
            edits = () if written is None else (Edit(match.start(), match.end(), written),)
            spelled = match[0].decode("latin-1")
            found.append(use(data, match.start(), spelled, kind, edits, header))
    return SourceFile("a.cpp", tuple(sorted(found, key=lambda one: (one.line, one.column))))


def changed(data: bytes) -> bytes:
    """The source after its edits, which leave nothing to edit."""
    after = edited(data, read(data), read).data
    assert edited(after, read(after), read).data == after
    return after


# --- bytes ---------------------------------------------------------------------------------------


def test_edits_in_any_order_and_insertions_in_theirs() -> None:
    edits = [Edit(4, 5, "X"), Edit(0, 1, ""), Edit(2, 2, "1"), Edit(2, 2, "2"), Edit(2, 3, "c")]
    assert applied(b"abcdef", [edits]) == b"b12cdXf"
    assert applied(b"abcdef", [[one] for one in edits]) == b"b12cdXf"


def test_newlines_in_an_edit_become_those_of_the_file() -> None:
    assert applied(b"a\r\nb\r\n", [[Edit(0, 1, "x\ny\r\nz")]]) == b"x\r\ny\r\nz\r\nb\r\n"
    assert applied(b"a\nb\r\nc\n", [[Edit(0, 1, "x\r\ny")]]) == b"x\ny\nb\r\nc\n"


def call(data: bytes, start: int, name: bytes) -> tuple[Edit, ...]:
    """What makes ``receiver.name(arguments)`` a call of a function ``name``."""
    at = data.index(b"." + name + b"(", start)
    opens = at + len(name) + 2
    arguments = data[opens : opens + 1] != b")"
    end = opens if arguments else opens + 1
    text = ", " if arguments else ")"
    return Edit(start, start, f"{name.decode()}("), Edit(at, end, text)


@pytest.mark.parametrize("order", [1, -1])
def test_chains_of_methods_nest_as_they_are_called(order: int) -> None:
    data = b"y = -x.view({1, 2}).one().sum(0).two() + x.one();"
    changes = [call(data, 5, name) for name in (b"view", b"one", b"sum", b"two")]
    changes.append(call(data, data.rindex(b"x"), b"one"))
    after = applied(data, changes[::order])
    assert after == b"y = -two(sum(one(view(x, {1, 2})), 0)) + one(x);"


@pytest.mark.parametrize("order", [1, -1])
def test_what_ends_in_one_place_ends_from_the_inside(order: int) -> None:
    inner = (Edit(2, 2, "("), Edit(3, 3, ")"))
    outer = (Edit(0, 0, "["), Edit(3, 3, "]"))
    after = (Edit(3, 3, "<"), Edit(4, 4, ">"))
    assert applied(b"a*bc", [inner, outer, after][::order]) == b"[a*(b)]<c>"


@pytest.mark.parametrize(
    "data",
    [b"\xef\xbb\xbfold\n", b"old \xe9 old", "old é 漢 old\r\n".encode(), b"old\x0c\x0b\rold\x85"],
)
def test_what_no_edit_names_stays_byte_for_byte(data: bytes) -> None:
    mark = b"\xef\xbb\xbf" if data.startswith(b"\xef\xbb\xbf") else b""
    newline = b"\r\n" if b"\r\n" in data else b"\n"
    rest = data.removeprefix(mark).replace(b"old", b"neu")
    assert changed(data) == mark + b"#include <torch/a.h>" + newline + rest


def test_bytes_that_an_edit_carries_stay_as_they_are() -> None:
    for carried in ("é".encode(), b"\xe9", "漢".encode()):
        assert changed(b"OLD(" + carried + b")END").endswith(b"neu(" + carried + b")")


def test_a_use_within_anothers_is_carried_and_then_changed() -> None:
    data = b"#include <ATen/x.h>\nOLD(old, OLD(1)END)END"
    assert changed(data).startswith(b"#include <torch/a.h>\n#include <torch/b.h>\nneu(neu, ")
    assert edited(data, read(data), read).made == 4


def test_edits_that_never_settle_come_to_an_end() -> None:
    def growing(data: bytes) -> SourceFile:
        at = data.index(b"x")
        return SourceFile("a", (use(data, at, "x", Kind.TYPE, (Edit(at, at, "y"),), None),))

    assert edited(b"x", growing(b"x"), growing).data.count(b"y") <= 20


def test_a_use_is_changed_in_whole_or_not_at_all() -> None:
    data = b"a b c d"
    outer = use(data, 0, "outer", Kind.TYPE, (Edit(0, 5, "A"),), None)
    torn = use(data, 4, "torn", Kind.TYPE, (Edit(4, 5, "C"), Edit(6, 7, "D")), None)
    once: Callable[[bytes], SourceFile] = lambda _: SourceFile("a")  # noqa: E731
    assert edited(data, SourceFile("a", (torn, outer)), once).data == b"A d"


def test_findings_of_a_build_file() -> None:
    findings = [
        BuildFinding("setup.py", 1, "one", edits=(Edit(0, 0, "x"), Edit(2, 2, "y"))),
        BuildFinding("setup.py", 1, "two"),
        BuildFinding("setup.py", 1, "three", edits=(Edit(0, 0, "z"),)),
    ]
    result = edited_build(b"abc", findings)
    assert (result.data, result.made) == (b"xzabyc", 2)


def test_what_goes_with_another_change_is_not_left_to_a_hand() -> None:
    data = "é empty(x.options(), y.options(), 1)".encode()
    start = data.index(b"empty")
    whole = use(data, start, "empty", Kind.FUNCTION, (Edit(start, len(data), "new(y)"),), None)
    inner = [
        use(data, match.start(), ".options()", Kind.METHOD, (), None)
        for match in re.finditer(rb"\.options\(\)", data)
    ]
    assert without_carried(data, SourceFile("a", (whole, *inner))).uses == (whole,)
    kept = Edit(start, len(data), "new(y.options())")
    whole = use(data, start, "empty", Kind.FUNCTION, (kept,), None)
    assert without_carried(data, SourceFile("a", (whole, *inner))).uses == (whole, *inner)
    apart = use(data, 0, "é", Kind.METHOD, (), None)
    assert without_carried(data, SourceFile("a", (apart, whole))).uses == (apart, whole)


# --- includes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "#include <vector>\n#include <ATen/x.h>\n#include <map>\n#include <ATen/y.h>\nold\n",
            "#include <vector>\n#include <torch/a.h>\n#include <map>\nneu\n",
            id="in place of the first that goes",
        ),
        pytest.param(
            "#include <torch/a.h>\n#include <ATen/x.h>\nold\n",
            "#include <torch/a.h>\nneu\n",
            id="not twice",
        ),
        pytest.param(
            '#include "torch/a.h"\n#include <ATen/x.h>\nold\n',
            '#include "torch/a.h"\nneu\n',
            id="not twice in quotes",
        ),
        pytest.param(
            "#ifdef G\n#include <ATen/x.h>\n#endif\n#include <ATen/y.h>\nold\n",
            "#ifdef G\n#endif\n#include <torch/a.h>\nneu\n",
            id="not under a condition",
        ),
        pytest.param(
            "#ifdef G\n#include <ATen/x.h>\n#include <torch/a.h>\n#endif\n#include <map>\nold\n",
            "#ifdef G\n#include <torch/a.h>\n#endif\n#include <torch/a.h>\n#include <map>\nneu\n",
            id="one under a condition does not count",
        ),
        pytest.param(
            "#ifndef A_H\n#define A_H\n#include <ATen/x.h>\nold\n#endif  // A_H\n",
            "#ifndef A_H\n#define A_H\n#include <torch/a.h>\nneu\n#endif  // A_H\n",
            id="an include guard is no condition",
        ),
        pytest.param(
            "#ifndef X\n#define X 1\n#endif\n#ifdef G\n#include <ATen/x.h>\nold\n#endif\n",
            "#include <torch/a.h>\n#ifndef X\n#define X 1\n#endif\n#ifdef G\nneu\n#endif\n",
            id="a default is no include guard",
        ),
        pytest.param(
            "// #include <ATen/x.h>\n#pragma once\nold\n",
            None,
            id="an include in a comment",
        ),
        pytest.param("#pragma once\nold\n", "#pragma once\n#include <torch/a.h>\nneu\n", id="none"),
        pytest.param(
            "#ifndef A\n#define A\nold\n#endif\n",
            "#ifndef A\n#define A\n#include <torch/a.h>\nneu\n#endif\n",
            id="none, but a guard",
        ),
        pytest.param("#include <ATen/x.h>", "", id="no final newline"),
        pytest.param(
            "  #  include <ATen/x.h>  // why\nint a;\n", None, id="blanks, which the rule lacks"
        ),
        pytest.param(
            '/* #include <map> */\nauto a = R"(\n#include <set>\n)";\nold\n',
            '#include <torch/a.h>\n/* #include <map> */\nauto a = R"(\n#include <set>\n)";\nneu\n',
            id="includes in comments and raw texts are none",
        ),
    ],
)
def test_where_includes_go_and_come(before: str, after: str | None) -> None:
    if after is None:
        result = changed(before.encode()).decode()
        assert result.replace("#include <torch/a.h>\n", "").replace("neu", "old") in {
            before,
            before.replace("#include <ATen/x.h>", ""),
            re.sub(r"[^\n]*#include <ATen/x.h>[^\n]*\n", "", before),
        }
        return
    assert changed(before.encode()).decode() == after


def test_includes_keep_the_newline_of_the_file() -> None:
    assert changed(b"#include <ATen/x.h>\r\nold\r\n") == b"#include <torch/a.h>\r\nneu\r\n"
    marked = b"\xef\xbb\xbf#include <ATen/x.h>\nold"
    assert changed(marked) == b"\xef\xbb\xbf#include <torch/a.h>\nneu"


def test_random_sources_settle_and_keep_what_is_not_named() -> None:
    chance = random.Random(3)
    words = [b"old", b"OLD(", b")END", b"hand", b"x", b"\n", b"\r\n", b" ", b"\xe9"]
    words += [b"\n#include <ATen/x.h>\n", b"\n#if 1\n", b"\n#endif\n", b"/*", b"*/", b'"', b"'"]
    for _ in range(400):
        data = b"".join(chance.choices(words, k=40))
        after = changed(data)
        assert after.count(b"x") - after.count(b"#include <ATen/x") == (
            data.count(b"x") - data.count(b"#include <ATen/x")
        )


# --- diffs ---------------------------------------------------------------------------------------

FILES = {
    "a.cpp": (b"one\ntwo\nthree\n", b"one\n2\nthree\n"),
    "dir/with space.cu": (b"a\r\nb\r\n", b"a\r\nc\r\n"),
    "ends.h": (b"a\nb", b"a\nc"),
    "gains.h": (b"a\nb", b"a\nb\n"),
    "l\u00e9/\u6f22.h": ("é\n".encode("latin-1"), "è\n".encode("latin-1")),
    'odd"quo\\te.h': (b"x\ry\n", b"x\rz\n"),
    "empty.h": (b"a\n", b""),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name, (before, _) in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(before)
    return tmp_path


@pytest.mark.parametrize(
    "command", [["git", "apply", "--whitespace=nowarn", "-"], ["patch", "-p1", "--binary"]]
)
@pytest.mark.slow
def test_diffs_apply(place: Path, command: list[str]) -> None:
    patch = b"".join(diff(name, *both) for name, both in FILES.items())
    done = subprocess.run(command, cwd=place, input=patch, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout + patch
    for name, (_, after) in FILES.items():
        now = (place / name).read_bytes() if (place / name).exists() else b""
        assert now == after, name


def test_a_diff_of_equal_files_is_empty() -> None:
    assert diff("a", b"x", b"x") == b""
