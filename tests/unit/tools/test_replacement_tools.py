"""The generator of the replacement table: its source, and the facts that it reads from headers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tools import generate_replacements
from tools.example_builder import Built
from tools.replacement_checks import (
    CheckError,
    Job,
    Proof,
    declares,
    header_only,
    operators,
    prove,
)
from tools.replacement_source import Example, Row, SourceError, read, together

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tools.torch_runtimes import Runner

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
    assert (row.name, row.effort) == ("TORCH_CHECK", 1)
    example = row.example
    assert example is not None
    assert example.declares == "STD_TORCH_CHECK"
    assert example.macros("2.10.0") == ("TORCH_TARGET_VERSION=0x020a000000000000",)
    assert example.text.startswith("#include <torch/headeronly/util/Exception.h>\n")
    assert found.shims[0].use == "torch_library_impl"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("effort = 1", "effort = 4"), "effort must be 1, 2 or 3, not 4"),
        (('symbols = ["c10::detail::torchCheckFail"]', ""), "has neither symbols nor ops"),
        (('code = "STD_TORCH_CHECK(true);"', ""), "needs a header and code"),
        (("effort = 1", "effort = 1\noutside = true"), "needs use and no header"),
        (("effort = 1", "effort = 1\nsymbol = []"), "unknown keys"),
        (("effort = 1", "effort = 1\ngoes = true"), "what goes away by itself"),
        (("effort = 1", 'effort = 1\nalso = ["b.h"]\nnote = "a.h"'), r"does not name b\.h"),
        (
            ("effort = 1", 'effort = 1\nfallback = {use = "f", header = "f.h"}'),
            "a fallback needs code",
        ),
        (
            ("effort = 1", 'effort = 1\nfallback = {use = "f", header = "f.h", symbols = []}'),
            r"TORCH_CHECK, fallback: unknown keys \['symbols'\]",
        ),
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


def test_a_source_file_of_examples() -> None:
    first = Example("f", "f.h", code="f(t);", define=("USE_CUDA",))
    second = Example("g", "f.h", code="g();", run="CHECK(g() == 1);")
    third = Example("h", "f.h", code="h(t);", cannot_run="needs a GPU")
    text = together((first, second, third))
    assert text.count("#include <f.h>") == 1
    assert text.index("g();") < text.index("#include <string>") < text.index("CHECK(g() == 1);")
    assert "void example_0(torch::stable::Tensor& t) { f(t); }" in text
    assert "void example_1() { g(); }" in text
    assert "checked_1();" in text
    assert "prove_run_1" in text
    assert "prove_run_2" not in text
    assert first.macros("2.9.0") == ("TORCH_TARGET_VERSION=0x0209000000000000", "USE_CUDA=1")


class FakeBuilder:
    """Builds with the headers of a release on; the shims depend on the target alone."""

    def __init__(self, since: str, shims: Mapping[str, tuple[str, ...]], root: Path) -> None:
        self.since, self.shims, self.root = since, shims, root

    def build(self, example: Example, target: str, release: str) -> Built:
        library = self.root / f"{target}-{release}.so"
        assert example.header == "f.h"
        if release < self.since or target not in self.shims:
            return Built(library, error="undefined reference to `f'")
        return Built(library, self.shims[target])


EXAMPLE = Example("f", "f.h", "f", "f();")


def declaring(tmp_path: Path, first: str) -> dict[str, Path]:
    releases = {}
    for release in ("2.10.0", "2.11.0", "2.12.0"):
        releases[release] = tmp_path / release
        releases[release].mkdir()
        (releases[release] / "f.h").write_text("int f();" if release >= first else "")
    return releases


def test_a_proof(tmp_path: Path) -> None:
    releases = declaring(tmp_path, "2.11.0")
    builder = FakeBuilder(
        "2.11.0", {"2.11.0": ("torch_call_dispatcher",), "2.12.0": ("torch_tag_core",)}, tmp_path
    )
    proof = prove("at::x", EXAMPLE, releases, builder)  # type: ignore[arg-type]
    assert (proof.since, proof.floor) == ("2.11.0", "2.11.0")
    assert proof.shims == ("torch_call_dispatcher", "torch_tag_core")
    assert {(job.release, job.library.name) for job in proof.jobs} == {
        ("2.11.0", "2.11.0-2.11.0.so"),
        ("2.11.0", "2.11.0-2.12.0.so"),
        ("2.12.0", "2.11.0-2.11.0.so"),
        ("2.12.0", "2.12.0-2.12.0.so"),
    }
    unrun = Example("f", "f.h", "f", "f();", cannot_run="needs a GPU")
    assert prove("at::x", unrun, releases, builder).jobs == ()  # type: ignore[arg-type]


def test_a_library_for_an_older_release_than_the_headers_is_proven(tmp_path: Path) -> None:
    releases = declaring(tmp_path, "2.11.0")
    shims = dict.fromkeys(("2.10.0", "2.11.0", "2.12.0"), ("torch_call_dispatcher",))
    builder = FakeBuilder("2.11.0", shims, tmp_path)
    proof = prove("at::x", EXAMPLE, releases, builder)  # type: ignore[arg-type]
    assert (proof.since, proof.floor) == ("2.11.0", "2.10.0")
    assert ("2.10.0", "2.10.0-2.11.0.so") in {(job.release, job.library.name) for job in proof.jobs}


def test_what_cannot_be_proven_is_refused(tmp_path: Path) -> None:
    releases = declaring(tmp_path, "2.11.0")
    with pytest.raises(CheckError, match="with the header alone, of any release: undefined ref"):
        prove("at::x", EXAMPLE, releases, FakeBuilder("2.99.0", {}, tmp_path))  # type: ignore[arg-type]
    old = FakeBuilder("2.11.0", {"2.11.0": ()}, tmp_path)
    with pytest.raises(CheckError, match=r"does not build with torch 2\.12\.0: undefined ref"):
        prove("at::x", EXAMPLE, releases, old)  # type: ignore[arg-type]
    for release in releases.values():
        (release / "f.h").write_text("int g();")
    with pytest.raises(CheckError, match=r"no release declares f in f\.h"):
        prove("at::x", EXAMPLE, releases, old)  # type: ignore[arg-type]


def test_a_fallback_must_work_with_older_headers(tmp_path: Path) -> None:
    releases = declaring(tmp_path, "2.11.0")
    builder = FakeBuilder("2.11.0", dict.fromkeys(releases, ("torch_call_dispatcher",)), tmp_path)
    row = Row("at::x", 1, ("at::x",), use="f", header="f.h", code="f();", fallback=EXAMPLE)
    proofs, refused = generate_replacements.proofs_of(row, releases, builder)  # type: ignore[arg-type]
    assert list(proofs) == ["at::x", "at::x, fallback"]
    assert refused == ["at::x: the fallback needs the headers of 2.11.0 as well"]
    other = replace(row, fallback=replace(EXAMPLE, header="no.h"))
    _, refused = generate_replacements.proofs_of(other, releases, builder)  # type: ignore[arg-type]
    assert refused == ["at::x, fallback: no release declares f in no.h"]


class FakeRunner:
    def run(self, release: str, jobs: Sequence[tuple[Path, str]]) -> list[str]:
        bad = "bad.so" if release == "2.9.0" else ""
        return ["throws: no" if library.name == bad else "" for library, _ in jobs]


def test_what_does_not_run_is_told(tmp_path: Path) -> None:
    jobs = [
        ("at::x", Job("2.10.0", tmp_path / "good.so", "headers of 2.10.0")),
        ("at::y", Job("2.9.0", tmp_path / "bad.so", "headers of 2.15.0 for 2.9.0")),
    ]
    runner: Runner = FakeRunner()  # type: ignore[assignment]
    assert generate_replacements.failures(jobs, runner) == [
        "at::y: under torch 2.9.0, built with the headers of 2.15.0 for 2.9.0: throws: no"
    ]


def test_a_row_of_the_table() -> None:
    other = Example("g", "g.h", "g", "g();")
    row = Row(
        "at::x",
        2,
        ops=("x",),
        use="f",
        header="f.h",
        code="f();",
        define=("USE_CUDA",),
        differs="the exception",
        fallback=other,
    )
    main = Proof("2.12.0", "2.10.0", ())
    entry = generate_replacements.stated(row, main, Proof("2.9.0", "2.9.0", ("s",)))
    assert entry == {
        "name": "at::x",
        "effort": 2,
        "ops": ["x"],
        "use": "f",
        "header": "f.h",
        "macros": ["USE_CUDA"],
        "since": "2.12.0",
        "floor": "2.10.0",
        "shims": [],
        "differs": "the exception",
        "fallback": {
            "use": "g",
            "header": "g.h",
            "since": "2.9.0",
            "floor": "2.9.0",
            "shims": ["s"],
        },
    }
    away = Row("IValue's tags", 1, symbols=("c10::X",), goes=True, origin="torch/all.h")
    assert generate_replacements.stated(away) == {
        "name": "IValue's tags",
        "effort": 1,
        "symbols": ["c10::X"],
        "origin": "torch/all.h",
        "goes": True,
    }


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
