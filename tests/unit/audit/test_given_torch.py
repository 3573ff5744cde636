"""A single torch in place of the export index, with constructed values."""

from __future__ import annotations

from torch_abi_audit.audit.given_torch import GivenTorch
from torch_abi_audit.knowledge.export_file import Exports, IndexedRelease
from torch_abi_audit.model.binary import Format

RELEASE = IndexedRelease("2.13.0", "torch", None, (), True, ("libc10.so", "libtorch_cpu.so"))
EXPORTS = {"libc10.so": frozenset({b"a", b"b"}), "libtorch_cpu.so": frozenset({b"b"})}


def torch(format_: Format = Format.ELF, arch: str = "x86_64") -> GivenTorch:
    return GivenTorch(RELEASE, (format_, arch), EXPORTS, "2.13.0 in /somewhere")


def test_it_answers_for_what_could_run_beside_it_alone() -> None:
    assert torch().platform_of(Format.ELF, "x86_64") == "linux_x86_64"
    for other in ((Format.ELF, "aarch64"), (Format.PE, "x86_64"), (Format.ELF, None)):
        assert torch().platform_of(*other) is None
    assert torch(arch="riscv64").platform_of(Format.ELF, "riscv64") == "elf riscv64"


def test_it_is_one_release_and_says_nothing_of_others() -> None:
    assert torch().releases("linux_x86_64") == (RELEASE,)
    assert torch().releases("win_amd64") == ()
    assert torch().newest("linux_x86_64") is None


def test_names_are_looked_up_by_library() -> None:
    found = torch().lookup("linux_x86_64", [b"a", b"b", b"c"])
    assert found == {
        b"a": Exports((("libc10.so", 1),)),
        b"b": Exports((("libc10.so", 1), ("libtorch_cpu.so", 1))),
    }
    assert torch().lookup("linux_aarch64", [b"a"]) == {}


def test_neighbours_are_asked_of_the_index_where_it_covers_the_platform() -> None:
    assert torch(arch="riscv64").nearest("elf riscv64", b"_ZN2at1aEv") == ()


def test_which_string_it_has() -> None:
    assert torch().first_cxx11("linux_x86_64") == "2.13.0"
    assert torch(Format.PE).first_cxx11("win_amd64") is None
