"""Tokens: what belongs together, where it stands, and which brackets match."""

from __future__ import annotations

import random
import time

import pytest

from torch_abi_audit.port.source.tokens import BRANCH, tokens


def texts(text: str) -> list[str]:
    return tokens(text).texts


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a::b->c", ["a", "::", "b", "->", "c"]),
        ("k<<<1, 2>>>(x)", ["k", "<<<", "1", ",", "2", ">", ">", ">", "(", "x", ")"]),
        ("a /* b */ c // d\ne", ["a", "c", "e"]),
        ("a // b \\\n c\nd", ["a", "d"]),
        ("1'000'000 0x1p-3 1e+5f", ["1'000'000", "0x1p-3", "1e+5f"]),
        (r'"a\"b" c', [r'"a\"b"', "c"]),
        ('R"x(a)" )x" b', ['R"x(a)" )x"', "b"]),
        ("'\\'' b", ["'\\''", "b"]),
        ("a \\\n b", ["a", "b"]),
        ("#error don't\nb", ["b"]),
        ("#pragma unroll\nb", ["b"]),
        ("#if 0\na\n#else\nb\n#endif\nc", ["#else", "b", "#endif", "c"]),
        ("#define F(x) \\\n  #x y\nz", ["y", "z"]),
        ("/* not closed", []),
        ('"not closed\nb', ['"not closed', "b"]),
    ],
)
def test_texts(text: str, found: list[str]) -> None:
    assert [one for one in texts(text) if one not in ("#if", "x")] == [
        one for one in found if one != "x"
    ]


def test_offsets_are_those_of_the_text() -> None:
    text = 'int f(at::Tensor x) { return "s"; } // end\n#define A b c\n'
    found = tokens(text)
    for start, end, shown in zip(found.starts, found.ends, found.texts, strict=True):
        assert text[start:end] == shown


def test_a_macro_has_its_body_and_a_name() -> None:
    found = tokens("#define CHECK(x) g(x, \\\n  y) // why\nafter")
    assert found.defined == {"CHECK"}
    ((first, end),) = found.defines.items()
    assert found.texts[first:end] == ["g", "(", "x", ",", "y", ")"]


def test_brackets_match_on_each_side_of_a_condition() -> None:
    found = tokens("#if A\nf(x) {\n#else\ng(y) {\n#endif\n}")
    closing = len(found.texts) - 1
    assert found.texts[found.pairs[closing]] == "{"
    assert [one for one in found.kinds if one == BRANCH] == [BRANCH] * 3


def test_a_macros_brackets_are_its_own() -> None:
    found = tokens("void f() {\n#define OPEN if (x) {\n}")
    assert found.pairs[-1] == found.texts.index("{")


def test_a_brace_closes_brackets_that_were_left_open() -> None:
    found = tokens("{ f(a; }")
    assert found.pairs[0] == len(found.texts) - 1


PIECES = [
    *("(", "{", "<", "#if A\n", "#if A\n(", 'R"x(', "/*", "a.b(", "#define A (\n", '"', "x[", "&"),
    *("at::Tensor<", "auto a = ", "\\\n", "using A = B;", "a < ", "namespace a {", "at::", "x.y"),
    *("-", "std::vector<", "#if 0\n", "at::Tensor x, ", "{x.view(", "TORCH_CHECK(", "m.impl("),
    *("#else\n", "template <", "x.options().dtype(", "x - ", "a b(", "using namespace at; {"),
]


@pytest.mark.slow
@pytest.mark.parametrize("piece", PIECES)
def test_time_is_linear_in_hostile_repetitions(piece: str) -> None:
    from torch_abi_audit.port.source.reading import read

    def seconds(count: int) -> float:
        data = b"at::Tensor x;\n" + (piece * count).encode()
        begin = time.process_time()
        read("a.cpp", data, "2.10.0")
        return time.process_time() - begin

    seconds(100)
    small, large = seconds(500), seconds(5_000)
    assert large < max(40 * small, 3), f"{small:.2f} s, ten times as much {large:.2f} s"


@pytest.mark.slow
def test_damaged_sources_are_read_without_an_exception() -> None:
    from tests.unit.port.source.samples import SAMPLES
    from torch_abi_audit.port.source.reading import read

    generator = random.Random(20261130)
    for number in range(3000):
        data = bytearray(generator.choice(SAMPLES).encode())
        for _ in range(generator.randrange(1, 8)):
            place = generator.randrange(len(data))
            match generator.randrange(4):
                case 0:
                    del data[place:]
                case 1:
                    del data[place : place + generator.randrange(1, 30)]
                case 2:
                    data[place] = generator.randrange(1, 256)
                case _:
                    data[place:place] = generator.choice(
                        [b"{", b"}", b"(", b")", b"<", b"::", b"#if\n", b'"']
                    )
            if not data:
                data = bytearray(b" ")
        found = read("a.cpp", bytes(data), "2.10.0")
        for use in found.uses:
            assert use.line >= 1
            assert use.column >= 1
            for edit in use.edits:
                assert 0 <= edit.start <= edit.end <= len(data), number
