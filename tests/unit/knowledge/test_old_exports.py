"""The table of functions that torch exported before the releases of the export index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from torch_abi_audit.knowledge import export_index, old_exports
from torch_abi_audit.knowledge.old_exports import exported_before, old_releases, pack, spelt
from torch_abi_audit.mangling import demangle
from torch_abi_audit.model.releases import release_key

if TYPE_CHECKING:
    from pathlib import Path


def test_the_releases_end_where_those_of_the_export_index_begin() -> None:
    keys = [release_key(one) for one in old_releases()]
    assert keys == sorted(keys)
    assert keys[-1] < release_key(export_index.releases("linux_x86_64")[0].version)


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        # pytorch/pytorch#63612 (1.10): methods of Tensor that need no operator are TensorBase's
        ("_ZNK2at6Tensor7optionsEv", "1.6.0", "1.9.1"),
        ("_ZNK2at10TensorBase8data_ptrIdEEPT_v", "1.10.2", "2.3.1"),
        # pytorch/TensorRT#1002, by the thread: built for 1.10, the type is a reference since 1.11
        ("_ZNK3c104Type14isSubtypeOfExtERKSt10shared_ptrIS0_EPSo", "1.8.1", "1.10.2"),
        # k2-fsa/k2#409, by the thread: built for 1.6, and 1.7 is installed
        ("_ZN3c104impl23ExcludeDispatchKeyGuardC1ENS_11DispatchKeyE", "1.5.1", "1.6.0"),
        # pytorch/vision#8305, by the thread: built for 2.2, and 2.1.2 is installed
        ("_ZNK3c1017SymbolicShapeMeta18init_is_contiguousEv", "2.2.2", "2.3.1"),
    ],
)
def test_names_of_linux_whose_threads_settle_the_release(name: str, first: str, last: str) -> None:
    found = exported_before(demangle([name.encode()])[0])
    assert (found[0], found[-1]) == (first, last)


def test_what_no_release_exports() -> None:
    assert exported_before("at::no_such_function(long)") == ()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("f(std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >)",
         "f(std::string)"),
        ("f(std::__1::vector<long long>)", "f(std::vector<long>)"),
        ("f(std::__1::basic_ostream<char, std::__1::char_traits<char> >*)", "f(std::ostream*)"),
    ],
)  # fmt: skip
def test_spellings_of_compilers(one: str, other: str) -> None:
    assert spelt(one) == spelt(other)


@given(st.dictionaries(st.text("abc:(), ", max_size=9), st.integers(1, 7), max_size=40))
def test_what_is_packed_is_found(functions: dict[str, int]) -> None:
    plain = {spelt(shown) for shown in functions}
    releases = ("1.0.0", "1.1.0", "1.2.0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(old_exports, "FILE", _File(pack("from nowhere", releases, functions)))
        old_exports._table.cache_clear()
        try:
            assert old_releases() == releases
            for shown in functions:
                bits = 0
                for other, bitmap in functions.items():
                    bits |= bitmap if spelt(other) == spelt(shown) else 0
                wanted = tuple(one for at, one in enumerate(releases) if bits >> at & 1)
                assert exported_before(shown) == wanted
            assert len(old_exports._table()[1]) == len(plain)
        finally:
            old_exports._table.cache_clear()


class _File:
    """The bytes of a file that is not on disk."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read_bytes(self) -> bytes:
        return self._data


def test_a_file_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(old_exports, "FILE", tmp_path / "none.idx")
    old_exports._table.cache_clear()
    try:
        with pytest.raises(OSError, match=r"none\.idx"):
            exported_before("f()")
    finally:
        old_exports._table.cache_clear()
