"""What the containers of a file say together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.fatbins import (
    CUBIN,
    LTO_IR,
    PTX,
    SPECIFIC,
    ZSTD,
    bundle,
    cubin,
    entry,
    fatbin,
    hip,
    padded,
    sm,
)
from torch_abi_audit.formats.device_code.collect import Ranges, collect, merged
from torch_abi_audit.model.device_code import DeviceCode, KernelSet
from torch_abi_audit.sources.files.readable import BytesReadable

if TYPE_CHECKING:
    from collections.abc import Iterable

STUB = fatbin(entry(CUBIN, 75, size=200, plain=1464))


def ptx(*numbers: int, version: tuple[int, int] = (8, 7), flags: int = 0) -> list[bytes]:
    return [entry(PTX, number, version=version, flags=flags) for number in numbers]


def code(
    cuda: Iterable[bytes] = (),
    relocatable: Iterable[bytes] = (),
    packs: Iterable[bytes] = (),
    linked: Iterable[int] | None = None,
) -> DeviceCode:
    """The device code of a file with three sections."""
    sections = [b"".join(cuda), b"".join(relocatable), padded([*packs], 4096)]
    first, second, third = (
        ((sum(map(len, sections[:number])), len(part)),) if part else ()
        for number, part in enumerate(sections)
    )
    made = None if linked is None else frozenset(linked)
    return collect(
        BytesReadable(b"".join(sections)), Ranges(first, second, third, device_linked=made)
    )


def targets(found: DeviceCode) -> list[tuple[int, str]]:
    return [(one.count, " ".join(one.targets)) for one in found.sets]


def test_fat_binaries_for_the_same_targets_are_one_set() -> None:
    same = fatbin(*sm(90, 80), *ptx(90))
    found = code([fatbin(*sm(70)), same, fatbin(*ptx(90), *sm(80, 90)), fatbin(*sm(80))])
    assert targets(found) == [(2, "sm_80 sm_90 compute_90"), (1, "sm_70"), (1, "sm_80")]
    assert found.sets[0].size == 2 * 3 * 6000
    assert found.problem is None


def test_the_newest_language_of_each_target() -> None:
    found = code([fatbin(*ptx(90, version=(8, 9)), *ptx(80)), fatbin(*ptx(90, version=(8, 10)))])
    assert found.ptx_isa == (("compute_80", "8.7"), ("compute_90", "8.10"))


def test_letters_are_kept() -> None:
    found = code([fatbin(entry(CUBIN, 90, flags=SPECIFIC), *ptx(90, flags=SPECIFIC))])
    assert found.targets == ("sm_90a", "compute_90a")


def test_toolkits_of_cubins() -> None:
    old = [entry(CUBIN, 80, payload=cubin(80, release=release)) for release in (128, 98, 114)]
    strange = entry(CUBIN, 80, payload=cubin(80, release=60_000))
    new = entry(CUBIN, 80, payload=cubin(80, release=None))
    assert code([fatbin(*old, strange, new)]).toolkits == ("9.8", "11.4", "12.8")


def test_files_without_kernels_are_left_out() -> None:
    source = fatbin(entry(CUBIN, 75, size=200, plain=1464), entry(PTX, 75, size=60))
    assert code([source, STUB, fatbin()]) == DeviceCode()
    assert targets(code([source, fatbin(*sm(80)), STUB])) == [(1, "sm_80")]
    assert code([fatbin(entry(PTX, 75, size=56))]) == DeviceCode()


def test_a_kernel_for_some_architectures_alone_keeps_all() -> None:
    some = fatbin(entry(CUBIN, 75, size=200, plain=1464), *sm(90))
    assert targets(code([some])) == [(1, "sm_75 sm_90")]


def test_unknown_kinds_are_told() -> None:
    found = code([fatbin(*sm(80), entry(LTO_IR, 90), entry(64, 90))])
    assert targets(found) == [(1, "sm_80")]
    assert found.others == ("LTO-IR for sm_90", "code of the unknown kind 64 for sm_90")
    assert found.problem == "there is code of the unknown kind 64 for sm_90"
    assert code([fatbin(*sm(80), entry(LTO_IR, 90))]).problem is None


def test_an_impossible_architecture_is_told() -> None:
    found = code([fatbin(entry(CUBIN, 0), *sm(86))])
    assert found.problem == "there is code for the impossible sm_0"
    assert code([fatbin(entry(CUBIN, 10))]).problem is None


class TestRegistered:
    """What records in the file point at."""

    FIRST, SECOND = fatbin(*sm(80)), fatbin(*sm(86))

    def problem(self, data: bytes, registered: Iterable[int] = (), records: int = 0) -> str | None:
        ranges = Ranges(((0, len(data)),), registered=frozenset(registered), cuda_records=records)
        return collect(BytesReadable(data), ranges).problem

    def test_all_is_there(self) -> None:
        data, second = self.FIRST + self.SECOND, len(self.FIRST)
        assert self.problem(data, (0, second)) is None
        assert self.problem(data, (second,)) is None
        assert self.problem(data, records=2) is None
        assert self.problem(data, records=1) is None

    def test_zeros_instead(self) -> None:
        second = len(self.FIRST)
        behind = self.FIRST + bytes(len(self.SECOND))
        assert self.problem(behind) is None
        assert self.problem(behind, (0, second)) == (
            f"no device code at byte {second}, where some should begin"
        )
        assert self.problem(bytes(second) + self.SECOND, (0, second)) == (
            "no device code at byte 0, where some should begin"
        )
        assert self.problem(behind, records=2) == ("2 fat binaries are registered, but 1 found")

    def test_hip(self) -> None:
        first, second = padded([hip("gfx942"), b""], 4096), hip("gfx90a")
        for data, missing in ((first + second, False), (first + bytes(len(second)), True)):
            ranges = Ranges(hip=((0, len(data)),), registered=frozenset((0, len(first))))
            assert (collect(BytesReadable(data), ranges).problem is not None) is missing

    def test_several_records_for_one_bundle(self) -> None:
        data = hip("gfx942")
        whole = ((0, len(data)),)
        assert collect(BytesReadable(data), Ranges(hip=whole, hip_records=9)).problem is None
        assert collect(BytesReadable(data), Ranges(hip_records=9)).problem is None
        assert collect(BytesReadable(bytes(len(data))), Ranges(hip=whole, hip_records=1)).problem

    def test_what_could_not_be_read_is_told_first(self) -> None:
        data = self.FIRST + b"damage!!" * 20
        found = self.problem(data, (0, len(self.FIRST)))
        assert found is not None
        assert "stands there" in found


class TestRelocatable:
    """What ``nvcc -rdc=true`` leaves."""

    def test_before_the_device_linker(self) -> None:
        found = code(relocatable=[fatbin(*sm(80), *ptx(80)), fatbin(*sm(90))])
        assert targets(found) == [(1, "sm_80 compute_80"), (1, "sm_90")]

    def test_the_driver_links_what_every_part_has(self) -> None:
        parts = [fatbin(*sm(80), *ptx(80, 90)), fatbin(*sm(80), *ptx(90))]
        found = code([fatbin(*sm(80))], parts)
        assert targets(found) == [(2, "sm_80 compute_90")]
        assert found.ptx_isa == (("compute_90", "8.7"),)

    def test_beside_a_file_that_needed_no_linking(self) -> None:
        whole = fatbin(*sm(75), *ptx(75))
        found = code([fatbin(*sm(80)), whole], [fatbin(*sm(80), *ptx(80))])
        assert targets(found) == [(1, "sm_75 compute_75"), (1, "sm_80 compute_80")]

    def test_the_records_tell_better(self) -> None:
        first, second = fatbin(*sm(80)), fatbin(*sm(70))
        parts = [fatbin(*sm(80), *ptx(80))] * 3
        assert targets(code([first, second], parts, linked=[0])) == [
            (3, "sm_80 compute_80"),
            (1, "sm_70"),
        ]
        assert targets(code([first, second], parts)) == [
            (1, "sm_70 sm_80 compute_80"),
            (1, "sm_80 compute_80"),
        ]

    def test_linked_for_no_architecture_of_its_parts(self) -> None:
        found = code([STUB], [fatbin(*sm(80, 90)), fatbin(*sm(80))], linked=[0])
        assert targets(found) == [(2, "sm_80")]


def test_hip() -> None:
    found = code(packs=[hip("gfx942", "gfx90a"), hip("gfx90a", "gfx942"), hip("gfx1100"), bundle()])
    assert targets(found) == [(2, "gfx90a gfx942"), (1, "gfx1100")]
    assert found.problem is None


def test_hip_code_for_something_else() -> None:
    found = code(packs=[bundle("hip-spirv64-amd-amdhsa--amdgcnspirv")])
    assert found.others == ("code for hip-spirv64-amd-amdhsa--amdgcnspirv",)
    assert not found.sets


def test_damage_leaves_the_rest() -> None:
    found = code([fatbin(*sm(80)), b"damage!!" * 3], [], [hip("gfx942")])
    assert found.targets == ("sm_80", "gfx942")
    assert found.problem is not None
    assert "no fat binary" in found.problem


def test_very_many_sets_are_told() -> None:
    found = code([fatbin(*sm(number)) for number in range(10, 1110)])
    assert len(found.sets) == 1024
    assert found.problem == "more than 1024 different sets of targets"


def test_merged() -> None:
    one = code([fatbin(*sm(80), *ptx(80))])
    other = code([fatbin(*sm(80), *ptx(80, version=(9, 0))), fatbin(*sm(70))], [], [hip("gfx942")])
    damaged = DeviceCode(problem="why", others=("LTO-IR for sm_80",))
    found = merged([one, other, damaged])
    assert targets(found) == [(2, "sm_80 compute_80"), (1, "sm_70"), (1, "gfx942")]
    assert found.ptx_isa == (("compute_80", "9.0"),)
    assert (found.problem, found.others) == ("why", ("LTO-IR for sm_80",))
    assert merged([one]) == one


def test_compressed_code_counts() -> None:
    found = code([fatbin(entry(CUBIN, 90, flags=ZSTD, size=800, plain=9000))])
    assert found.sets == (KernelSet(("sm_90",), 1, 800),)
