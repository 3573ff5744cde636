"""The generator of the replacement table: its source, and the facts that it reads from headers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tools import generate_replacements
from tools.replacement_checks import CheckError, declares, header_only, operators, prove
from tools.replacement_source import Row, SourceError, read

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
[[api]]
name = "TORCH_CHECK"
symbols = ["c10::detail::torchCheckFail"]
use = "STD_TORCH_CHECK"
header = "torch/headeronly/util/Exception.h"
code = "STD_TORCH_CHECK(true);"
effort = 1
[[shim]]
name = "aoti_torch_library_impl"
use = "torch_library_impl"
note = "newer"
"""


def source(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "replacements.toml"
    path.write_text(text)
    return path


def test_rows_are_read(tmp_path: Path) -> None:
    found = read(source(tmp_path, GOOD))
    (row,) = found.rows
    assert (row.name, row.declares, row.effort) == ("TORCH_CHECK", "STD_TORCH_CHECK", 1)
    text = row.text("2.10.0")
    assert text.startswith("#define TORCH_TARGET_VERSION (((2ULL) << 56) | ((10ULL) << 48))\n")
    assert "#include <torch/headeronly/util/Exception.h>" in text
    assert found.shims[0].use == "torch_library_impl"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("effort = 1", "effort = 4"), "effort must be 1, 2 or 3, not 4"),
        (('symbols = ["c10::detail::torchCheckFail"]', ""), "has neither symbols nor ops"),
        (('code = "STD_TORCH_CHECK(true);"', ""), "needs a header and code"),
        (("effort = 1", "effort = 1\noutside = true"), "needs use and no header"),
        (("effort = 1", "effort = 1\nsymbol = []"), "unknown keys"),
        (
            (
                "[[shim]]",
                GOOD.partition("[[shim]]")[0].replace('"TORCH_CHECK"', '"B"') + "[[shim]]",
            ),
            "both claim c10::detail::torchCheckFail",
        ),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        read(source(tmp_path, GOOD.replace(*change)))


def test_the_committed_source_is_sound_and_whole() -> None:
    found = read(generate_replacements.SOURCE)
    assert len(found.rows) > 100
    names = [row.name for row in found.rows]
    assert len(set(names)) == len(names)


def headers(tmp_path: Path) -> Path:
    ops = tmp_path / "ATen" / "ops"
    ops.mkdir(parents=True)
    (ops / "add_ops.h").write_text(
        'struct TORCH_API add_Tensor {\n  name = "aten::add";\n  overload_name = "Tensor";\n};\n'
        'struct TORCH_API add_ {\n  STATIC(name, "aten::add_")\n  STATIC(overload_name, "")\n};\n'
    )
    (ops / "add_native.h").write_text('name = "aten::no"; overload_name = "no"')
    util = tmp_path / "torch" / "headeronly" / "util"
    util.mkdir(parents=True)
    (util / "Half.h").write_text(
        "// struct Commented {\nstruct alignas(2) Half {\nenum class Kind : int {\nint x;\n"
        "template <typename T>\nclass C10_API Ref final {\nclass Forward;\n"
    )
    return tmp_path


def test_operators_and_header_only_types(tmp_path: Path) -> None:
    include = headers(tmp_path)
    assert operators(include) == {"add.Tensor", "add_"}
    assert header_only([include]) == ["Half", "Kind", "Ref"]
    (include / "ATen" / "ops" / "odd_ops.h").write_text(
        'struct TORCH_API odd {\n  name = "aten::other";\n  overload_name = "x";\n};\n'
    )
    with pytest.raises(CheckError, match=r"odd calls other\.x"):
        operators(include)


def test_declarations_are_not_looked_for_in_comments(tmp_path: Path) -> None:
    header = tmp_path / "a.h"
    header.write_text("// torch_old\n/* torch_older */ int torch_new(int);\n")
    assert declares(header, "torch_new")
    assert not declares(header, "torch_old")
    assert not declares(header, "torch")
    assert not declares(tmp_path / "none.h", "torch_new")


class FakeCompiler:
    """A compiler that succeeds from a release on, with given imports for each target."""

    def __init__(self, since: str, shims: dict[str, set[str]]) -> None:
        self.since, self.shims = since, shims

    def imports(self, text: str, release: str) -> frozenset[str] | None:
        for target, names in self.shims.items():
            minor = target.split(".")[1]
            if f"(({minor}ULL) << 48)" in text and release >= self.since:
                return frozenset(names)
        return None


def test_a_proof(tmp_path: Path) -> None:
    row = Row("at::x", 1, symbols=("at::x",), use="f", header="f.h", declares="f", code="f();")
    releases = {}
    for release in ("2.10.0", "2.11.0", "2.12.0"):
        releases[release] = tmp_path / release
        releases[release].mkdir()
        (releases[release] / "f.h").write_text("int f();" if release > "2.10.0" else "")
    compiler = FakeCompiler(
        "2.11.0",
        {"2.11.0": {"torch_call_dispatcher", "malloc"}, "2.12.0": {"torch_tag_core"}},
    )
    proof = prove(row, releases, compiler)  # type: ignore[arg-type]
    assert (proof.since, proof.floor) == ("2.11.0", "2.11.0")
    assert proof.shims == ("torch_call_dispatcher", "torch_tag_core")
    never = FakeCompiler("2.99.0", {})
    with pytest.raises(CheckError, match="does not compile with any release's headers"):
        prove(row, releases, never)  # type: ignore[arg-type]
    (releases["2.11.0"] / "f.h").write_text("")
    (releases["2.12.0"] / "f.h").write_text("int g();")
    with pytest.raises(CheckError, match=r"no release declares f in f\.h"):
        prove(row, releases, compiler)  # type: ignore[arg-type]


def test_rendering_keeps_the_table() -> None:
    content = {"releases": ["2.9.0"], "apis": [{"name": "a"}, {"name": "b"}], "header_only": "x"}
    text = generate_replacements.render(content)
    assert json.loads(text) == content
    assert text.count("\n") == 8


def test_a_row_that_the_committed_table_lacks_is_told(tmp_path: Path) -> None:
    from tools.generate_replacements import SOURCE, TABLE, unproven

    committed = json.loads(TABLE.read_text(encoding="utf-8"))
    text = SOURCE.read_text(encoding="utf-8")
    assert unproven(read(SOURCE), committed) == []
    assert unproven(read(source(tmp_path, text + GOOD.replace("c10::", "mine::"))), committed) == [
        "TORCH_CHECK",
        "aoti_torch_library_impl",
    ]
    fewer = {**committed, "apis": committed["apis"][1:]}
    assert unproven(read(SOURCE), fewer) == [committed["apis"][0]["name"]]
    turned = {**committed, "apis": committed["apis"][::-1]}
    assert unproven(read(SOURCE), turned) == ["the order of rows, or a duplicate row"]
