from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from torch_abi_audit.facts.environments import Environment
from torch_abi_audit.facts.lending import Lender, Lending, applying
from torch_abi_audit.model.binary import Format
from torch_abi_audit.runtime.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ELF = Format.ELF
LINUX = Environment("3.11", "linux", "x86_64")
WINDOWS = Environment("3.11", "windows", "x86_64")


@dataclass(frozen=True, slots=True)
class Read:
    name: str
    files: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"{self.name} 1.0"

    def holds(self, library: str, form: Format) -> bool:
        return form is ELF and library in self.files


class Reader:
    """Requirements that are near, and those that must be fetched."""

    def __init__(self, near: Sequence[Read] = (), far: Sequence[Read] = ()) -> None:
        self.near, self.far = near, far
        self.asked: list[bool] = []

    def __call__(self, *, everything: bool) -> tuple[Sequence[Read], Mapping[str, str]]:
        self.asked.append(everything)
        return [*self.near, *(self.far if everything else ())], {"bad": "no wheel fits"}


def lending(*requires: str, near: Sequence[Read] = (), far: Sequence[Read] = ()) -> Lending:
    return Lending(lambda: requires, Reader(near, far))


def test_nothing_is_read_before_a_library_is_sought() -> None:
    reader = Reader()
    found = Lending(lambda: ("foo",), reader)
    assert reader.asked == []
    assert found.lender("libfoo.so", ELF) == Lender("foo", read=False)
    assert reader.asked == [False], "a name suggests foo: nothing else is fetched"
    assert found.lender("libother.so", ELF) is None
    assert found.lender("libanother.so", ELF) is None
    assert reader.asked == [False, True], "each is read once"


def test_without_a_reader_names_alone_tell() -> None:
    found = Lending(lambda: ("foo>=1", "torch"))
    assert found.lender("libfoo.so", ELF) == Lender("foo", read=False)
    assert found.lender("libother.so", ELF) is None
    assert found.unreadable == {}


def test_a_requirement_that_was_read_decides() -> None:
    read = Read("foo", ("libfoo.so.1", "libunrelated.so"))
    found = lending("foo", near=[read])
    assert found.lender("libfoo.so.1", ELF) == Lender("foo", read=True)
    assert found.lender("libunrelated.so", ELF) == Lender("foo", read=True)
    assert found.lender("libfoo.so.2", ELF) is None
    assert found.refuted("libfoo.so.2") == ("foo 1.0",)
    assert found.refuted("libother.so") == ()
    assert found.lender("libfoo.so.1", Format.PE) is None


def test_what_a_requirement_requires_may_lend_as_well() -> None:
    meta = Read("tensorrt", requires=("tensorrt-cu13-libs==10",))
    found = lending("tensorrt", near=[meta])
    assert found.lender("libnvinfer.so.10", ELF) == Lender("tensorrt-cu13-libs", read=False)
    libraries = Read("tensorrt-cu13-libs", ("libnvinfer.so.10",))
    found = lending("tensorrt", near=[meta, libraries])
    assert found.lender("libnvinfer.so.10", ELF) == Lender("tensorrt-cu13-libs", read=True)


def test_one_whose_name_does_not_suggest_it_is_read_last() -> None:
    found = lending("bar", far=[Read("bar", ("libfoo.so",))])
    assert found.holder("libfoo.so", ELF) is None
    assert found.lender("libfoo.so", ELF) == Lender("bar", read=True)
    assert found.unreadable == {"bad": "no wheel fits"}


def test_torch_lends_nothing_here() -> None:
    assert lending("torch", "torchvision").lender("libtorchfoo.so", ELF) is None
    assert lending("torch").lender("libtorch_foo.so", ELF) is None


@pytest.mark.parametrize(
    ("line", "on_linux", "on_windows"),
    [
        ("foo>=1", True, True),
        ("foo; sys_platform == 'win32'", False, True),
        ('foo; platform_system == "Linux" and extra == "gpu"', True, False),
        ('foo; extra == "gpu"', True, True),
        ("foo; python_version < '3.9'", False, False),
        ("foo; python_version < '3.9' or extra == 'old'", True, True),
        ("foo; platform_machine == 'AMD64'", False, True),
        ("foo; this platform is no marker", True, True),
    ],
)
def test_a_marker_may_leave_a_requirement_out(
    line: str, *, on_linux: bool, on_windows: bool
) -> None:
    assert (applying([line], [LINUX]) == (line,)) is on_linux
    assert (applying([line], [WINDOWS]) == (line,)) is on_windows
    assert (applying([line], [LINUX, WINDOWS]) == (line,)) is (on_linux or on_windows)
    assert applying([line], []) == (line,)
