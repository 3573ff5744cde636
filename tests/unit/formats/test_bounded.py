"""Bounded reads of a file."""

from __future__ import annotations

import pytest

from torch_abi_audit.formats.bounded import LARGEST, window
from torch_abi_audit.model.errors import FormatError


class Sparse:
    """A file of 3 GB that fails the test if all of it is read."""

    size = 3 << 30

    def read_at(self, _offset: int, length: int) -> bytes:
        assert length <= LARGEST
        return bytes(length)


def test_no_table_is_as_large_as_a_sparse_file() -> None:
    assert len(window(Sparse(), 5, 1 << 20, "hash table")) == 1 << 20
    with pytest.raises(FormatError, match="hash table of 2147483648 bytes: larger than"):
        window(Sparse(), 5, 2 << 30, "hash table")
