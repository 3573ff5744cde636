"""The generator of the table of spellings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.generate_spellings import declared, entries, macros, main, stable_headers, stated

if TYPE_CHECKING:
    from pathlib import Path


def test_the_committed_table_has_the_rows_of_its_source() -> None:
    assert main(["--check", "--source-only"]) == 0


def test_a_row_with_braces_is_filled_for_each_name(tmp_path: Path) -> None:
    source = tmp_path / "spellings.toml"
    source.write_text(
        '[[spelling]]\nkind = "type"\nnames = ["A", "B"]\nto = "x::{}"\nheader = "std"\n'
        "[constants]\n",
        encoding="utf-8",
    )
    assert [(one["names"], one["to"]) for one in entries(source)] == [
        (["A"], "x::A"),
        (["B"], "x::B"),
    ]
    assert [stated(one).get("header") for one in entries(source)] == [None, None]


def test_macros_are_those_of_the_unstable_headers_alone(tmp_path: Path) -> None:
    for name, text in {
        "ATen/Dispatch.h": "#define AT_DISPATCH_X(a) a\n#define AT_BOTH 1\n#define OTHER 1\n",
        "torch/headeronly/macros/Macros.h": "#define AT_BOTH 1\n#define C10_OPEN\n",
        "torch/csrc/stable/ops.h": "",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    headers = {"2.9.0": tmp_path}
    assert macros(headers) == ["AT_DISPATCH_X"]
    assert list(stable_headers(headers)) == [
        "torch/csrc/stable/ops.h",
        "torch/headeronly/macros/Macros.h",
    ]


def test_names_that_a_header_declares_are_told_by_the_compiler(tmp_path: Path) -> None:
    include = tmp_path / "2.9.0" / "torch" / "include"
    include.mkdir(parents=True)
    (include / "a.h").write_text("namespace c10 { struct Half {}; }", encoding="utf-8")
    (include / "b.h").write_text("#error no", encoding="utf-8")
    names = ["c10::Half", "c10::Other"]
    assert declared(names, ["a.h"], include, tmp_path) == {"c10::Half"}
    assert declared(names, ["b.h"], include, tmp_path) == set()
