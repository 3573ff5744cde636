"""The generator of the table of schemas: what it reads from headers of ATen, and refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools import generate_operators, generate_replacements
from tools.generate_operators import HeaderError, main, schemas
from torch_abi_audit.knowledge import operators

if TYPE_CHECKING:
    from pathlib import Path

ADD = r"""
struct TORCH_API add_Tensor {
  using schema = at::Tensor (const at::Tensor &, const at::Tensor &, const at::Scalar &);
  static constexpr const char* name = "aten::add";
  static constexpr const char* overload_name = "Tensor";
  static constexpr const char* schema_str = "add.Tensor(Tensor self, Scalar alpha=1) -> Tensor";
  static at::Tensor call(const at::Tensor & self);
};
struct TORCH_API add__text {
  using schema = at::Tensor (at::Tensor &);
  static constexpr const char* name = "aten::add_";
  static constexpr const char* overload_name = "text";
  static constexpr const char* schema_str = "add_.text(Tensor(a!) self, str b=\"\\\"x\") -> ()";
};
"""


def include(root: Path, text: str) -> Path:
    place = root / "ATen" / "ops"
    place.mkdir(parents=True)
    (place / "add_ops.h").write_text(text)
    return root


def test_schemas_of_a_header(tmp_path: Path) -> None:
    assert schemas(include(tmp_path, ADD)) == {
        "add.Tensor(Tensor self, Scalar alpha=1) -> Tensor",
        'add_.text(Tensor(a!) self, str b="\\"x") -> ()',
    }


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "there is no operator in"),
        (ADD.replace("schema_str", "schema"), "add_ops.h has operators without a schema"),
        (ADD.replace('"Tensor"', '"Scalar"'), "is the schema of another operator"),
        (ADD.replace('"aten::add_"', '"aten::sub_"'), "is the schema of another operator"),
    ],
)
def test_headers_of_another_form(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(HeaderError, match=wrong):
        schemas(include(tmp_path, text))


def test_check_compares_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for release in ("2.9.0", "2.10.0"):
        include(tmp_path / release / "torch" / "include", ADD)
    monkeypatch.setattr(generate_operators, "releases", lambda: ["2.9.0", "2.10.0"])
    monkeypatch.setattr(generate_operators, "FILE", tmp_path / "table.idx")
    words = ["--headers", str(tmp_path)]
    assert main([*words, "--check"]) == 1
    assert not (tmp_path / "table.idx").exists()
    assert main(words) == 0
    assert main([*words, "--check"]) == 0
    data = (tmp_path / "table.idx").read_bytes()
    assert data.splitlines()[1] == b"2.9.0 2.10.0"
    include(tmp_path / "2.11.0" / "torch" / "include", ADD)
    monkeypatch.setattr(generate_operators, "releases", lambda: ["2.9.0", "2.10.0", "2.11.0"])
    assert main([*words, "--check"]) == 1
    assert (tmp_path / "table.idx").read_bytes() == data


def test_the_table_names_the_releases_of_the_generator() -> None:
    assert list(operators.releases()) == generate_replacements.releases()
