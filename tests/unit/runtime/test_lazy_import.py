"""``lazy_import.module`` returns the imported module, or raises the error of the import."""

from __future__ import annotations

import pytest

from torch_abi_audit.formats.elf import library as elf
from torch_abi_audit.runtime.lazy_import import module


def test_gives_the_module_itself_not_its_package() -> None:
    assert module("formats.elf.library") is elf


def test_what_there_is_not() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"torch_abi_audit\.formats\.nothing"):
        module("formats.nothing")
