"""Names found by prefix."""

from __future__ import annotations

import pytest

from torch_abi_audit.judges.prefixes import beginning

NAMES = sorted(
    [b"", b"P", b"Py", b"PyInit", b"Py_X", b"Pz", b"_Z", b"_ZN", b"a", b"\xff", b"Py\xff"]
)


@pytest.mark.parametrize("prefix", [b"P", b"Py", b"Py_", b"PyInit", b"_Z", b"a", b"b", b"Q"])
def test_finds_what_startswith_finds(prefix: bytes) -> None:
    assert beginning(NAMES, prefix) == [name for name in NAMES if name.startswith(prefix)]


def test_finds_nothing_in_nothing() -> None:
    assert list(beginning((), b"Py")) == []
