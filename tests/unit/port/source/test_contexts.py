"""What headers declare for the sources that include them."""

from __future__ import annotations

from torch_abi_audit.port.source.contexts import NOTHING, contexts
from torch_abi_audit.port.source.findings import Kind
from torch_abi_audit.port.source.reading import read

HELPER = b"""#ifndef HELPER_H
#define HELPER_H
#include <torch/types.h>
using namespace at;
using Images = std::vector<at::Tensor>;
at::Tensor padded(int n);
struct Layer { at::Tensor weight; };
#define TORCH_CHECK(x) if (!(x)) abort()
#endif
"""
BODY = b"""
void f(Tensor x, Images images, Layer* layer) {
  padded(3).relu();
  images[0].relu();
  layer->weight.relu();
  TORCH_CHECK(x.dim());
}
"""


def spelled(files: dict[str, bytes], name: str) -> list[str]:
    found = read(name, files[name], "2.10.0", contexts(files).get(name, NOTHING))
    return [one.spelled for one in found.uses if one.kind is not Kind.INCLUDE]


def test_declarations_of_an_included_header_hold_in_the_source() -> None:
    files = {"a.cpp": b'#include "helper.h"\n' + BODY, "helper.h": HELPER}
    assert spelled(files, "a.cpp") == ["Tensor", ".relu()", ".relu()", ".relu()"]


def test_headers_are_followed_through_headers_and_in_circles() -> None:
    files = {
        "csrc/a.cpp": b'#include "../include/all.h"\n' + BODY,
        "include/all.h": b'#include "helper.h"\n#include "all.h"\n',
        "include/helper.h": b'#include "all.h"\n' + HELPER,
    }
    assert "Tensor" in spelled(files, "csrc/a.cpp")


def test_without_the_include_the_names_are_other_ones() -> None:
    files = {"a.cpp": BODY, "helper.h": HELPER}
    assert spelled(files, "a.cpp") == ["TORCH_CHECK"]


def test_of_headers_with_one_name_the_nearest_is_meant() -> None:
    files = {
        "one/csrc/a.cpp": b'#include "helper.h"\nTensor x;',
        "one/csrc/helper.h": b"struct Tensor {};",
        "two/csrc/helper.h": b"using namespace at;",
    }
    assert spelled(files, "one/csrc/a.cpp") == []


def test_a_header_that_cannot_be_read_declares_nothing() -> None:
    files = {"a.cpp": b'#include "helper.h"\nTensor x;', "helper.h": b"using namespace at;\0"}
    assert spelled(files, "a.cpp") == []
