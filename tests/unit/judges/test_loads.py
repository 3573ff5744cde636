"""The load matrix of constructed reports and releases, without an index or files."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from torch_abi_audit.judges.loads import compat, explained
from torch_abi_audit.knowledge import export_index
from torch_abi_audit.knowledge.export_file import Exports, IndexedRelease
from torch_abi_audit.knowledge.export_index import Neighbour
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.loads import LoadMatrix, Loads, OtherCuda
from torch_abi_audit.model.reports import (
    Cuda,
    ExtensionReport,
    Linkage,
    PackageReport,
    Skipped,
    SliceReport,
)
from torch_abi_audit.model.verdicts import CPythonABIVerdict as Python
from torch_abi_audit.model.verdicts import TorchABIVerdict
from torch_abi_audit.runtime.records import replace

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

YES, NO, CUDA, UNKNOWN = Loads.YES, Loads.NO, Loads.NEEDS_CUDA, Loads.UNKNOWN
ALL = ("2.8.0", "2.9.0", "2.10.0")
CPU = ("libc10.so", "libtorch.so", "libtorch_cpu.so", "libtorch_python.so")
GPU = (*CPU, "libc10_cuda.so", "libtorch_cuda.so")
EVERY = 0b111


class Builds:
    """Three releases on four platforms; only those for Linux x86_64 have CUDA."""

    platform_names: ClassVar = {
        (Format.ELF, "x86_64"): "linux_x86_64",
        (Format.ELF, "aarch64"): "linux_aarch64",
        (Format.MACHO, "arm64"): "macosx_arm64",
        (Format.PE, "x86_64"): "win_amd64",
    }

    def __init__(
        self, exports: Mapping[str, Mapping[bytes, Mapping[str, int]]], since: str | None = None
    ) -> None:
        self.exports = exports
        self.since = since
        self.questions: list[tuple[str, frozenset[bytes]]] = []

    def platforms(self) -> tuple[str, ...]:
        return tuple(self.platform_names.values())

    def platform_of(self, format_: Format, arch: str | None) -> str | None:
        return self.platform_names.get((format_, arch or ""))

    def releases(self, platform: str) -> tuple[IndexedRelease, ...]:
        cuda = "12.8" if platform == "linux_x86_64" else None
        libraries: tuple[str, ...] = GPU if cuda else CPU
        if platform == "win_amd64":
            libraries = ("c10.dll", "torch_cpu.dll", "torch_python.dll")
        if platform == "macosx_arm64":
            libraries = ("libc10.dylib", "libtorch_cpu.dylib", "libtorch_python.dylib")
        return tuple(IndexedRelease(one, "", cuda, (), None, libraries) for one in ALL)

    def newest(self, platform: str) -> str | None:
        return self.releases(platform)[-1].version

    def lookup(self, platform: str, names: Iterable[bytes]) -> Mapping[bytes, Exports]:
        asked = frozenset(names)
        self.questions.append((platform, asked))
        known = self.exports.get(platform, {})
        return {one: Exports(tuple(known[one].items())) for one in asked if one in known}

    def with_cuda(self, names: Iterable[bytes]) -> Mapping[bytes, Exports]:
        return self.lookup("linux_x86_64", names)

    def nearest(self, platform: str, name: bytes) -> tuple[Neighbour, ...]:
        known = self.exports.get(platform, {})
        return tuple(
            Neighbour(other, Exports(tuple(known[other].items())))
            for other in sorted(known)
            if other != name and other[:8] == name[:8]
        )

    def first_cxx11(self, platform: str) -> str | None:
        return self.since if platform.startswith("linux") else None


def linux(exports: Mapping[bytes, int]) -> Builds:
    return Builds({"linux_x86_64": {name: {"libc10.so": at} for name, at in exports.items()}})


def library(
    path: str = "p/_C.so",
    required: Iterable[bytes] = (),
    *,
    stable: bool = False,
    needed: Iterable[str] = (),
    frm: Iterable[str] = (),
    format_: Format = Format.ELF,
    arch: str = "x86_64",
    variant: str | None = None,
) -> ExtensionReport:
    names = tuple(required)
    verdict = TorchABIVerdict(
        uses_torch=bool(names), stable=stable, required=names, required_from=tuple(frm)
    )
    return ExtensionReport(
        PurePath("/site") / path,
        cpython=Python(),
        torch=verdict,
        format=format_,
        arch=arch,
        needed=tuple(needed),
        variant=variant,
    )


def package(*libraries: ExtensionReport) -> PackageReport:
    return PackageReport("p", PurePath("/site/p"), bundled_libs=libraries)


def answers(matrix_or_library: object) -> list[Loads]:
    return list(matrix_or_library.loads_on.values())  # type: ignore[attr-defined]


def test_a_release_that_exports_every_name_loads_it() -> None:
    builds = linux({b"_ZN2at1aEv": EVERY, b"_ZN2at1bEv": 0b011})
    matrix = compat(package(library(required=[b"_ZN2at1aEv", b"_ZN2at1bEv"])), builds)
    assert dict(matrix.loads_on) == {"2.8.0": YES, "2.9.0": YES, "2.10.0": NO}
    (one,) = matrix.libraries
    assert [(each.symbol, each.releases) for each in one.missing] == [("at::b()", ("2.10.0",))]
    assert one.missing_on("2.10.0") == ("at::b()",)
    assert one.missing_on("2.9.0") == ()
    assert (one.platform, matrix.known_to) == ("linux_x86_64", "2.10.0")


def test_a_package_is_its_worst_library() -> None:
    builds = linux({b"_ZN2at1aEv": 0b110, b"_ZN2at1bEv": 0b011})
    matrix = compat(
        package(library("p/a.so", [b"_ZN2at1aEv"]), library("p/b.so", [b"_ZN2at1bEv"])), builds
    )
    assert answers(matrix) == [NO, YES, NO]
    assert [answers(one) for one in matrix.libraries] == [[NO, YES, YES], [YES, YES, NO]]


def test_names_are_asked_for_once_for_the_whole_package() -> None:
    builds = linux({b"_ZN2at1aEv": EVERY})
    compat(
        package(*(library(f"p/{at}.so", [b"_ZN2at1aEv", b"_ZN2at1bEv"]) for at in range(9))), builds
    )
    assert builds.questions == [("linux_x86_64", frozenset({b"_ZN2at1aEv", b"_ZN2at1bEv"}))]


def test_a_stable_range_is_open_upwards_and_an_unstable_one_is_not() -> None:
    builds = linux({b"aoti_torch_x": 0b110})
    stable = compat(package(library(required=[b"aoti_torch_x"], stable=True)), builds)
    assert (answers(stable), stable.open_upwards) == ([NO, YES, YES], True)
    unstable = compat(package(library(required=[b"aoti_torch_x"])), builds)
    assert (answers(unstable), unstable.open_upwards) == ([NO, YES, YES], False)


def test_what_the_newest_release_lacks_is_not_open_upwards() -> None:
    stable = library(required=[b"aoti_torch_unheard_of"], stable=True)
    assert not compat(package(stable), linux({})).open_upwards


def test_the_promise_is_told_from_the_newest_release_though_fewer_are_asked_for() -> None:
    builds = linux({b"aoti_torch_x": 0b011})
    report = package(library(required=[b"aoti_torch_x"], stable=True))
    matrix = compat(report, builds, within=lambda release: release != "2.10.0")
    assert (matrix.releases, answers(matrix)) == (("2.8.0", "2.9.0"), [YES, YES])
    assert not matrix.open_upwards


def test_a_library_that_only_links_libtorch_does_not_close_a_stable_range() -> None:
    builds = linux({b"aoti_torch_x": EVERY})
    stable = library("p/a.so", [b"aoti_torch_x"], stable=True)
    linked = library("p/b.so", needed=["libtorch.so", "libm.so.6"])
    assert compat(package(stable, linked), builds).open_upwards


def test_releases_beyond_what_is_known_are_unknown() -> None:
    builds = linux({b"_ZN2at1aEv": EVERY})
    matrix = compat(package(library(required=[b"_ZN2at1aEv"])), builds, beyond=("2.16.0",))
    assert (matrix.releases[-1], matrix.loads_on["2.16.0"]) == ("2.16.0", UNKNOWN)
    assert matrix.libraries[0].loads_on["2.16.0"] is UNKNOWN


def test_a_package_without_torch_asks_nothing() -> None:
    builds = linux({})
    matrix = compat(package(library(needed=["libm.so.6"])), builds)
    assert (matrix.uses_torch, dict(matrix.loads_on), builds.questions) == (False, {}, [])


def test_a_package_without_torch_does_not_open_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_index, "_file", lambda _: pytest.fail("the index was opened"))
    assert not compat(package(library())).uses_torch


def test_an_unreadable_library_leaves_every_release_unknown() -> None:
    damaged = ExtensionReport(PurePath("/site/p/b.so"), error="cut short")
    alone = compat(package(damaged), linux({}))
    assert (alone.releases, answers(alone)) == (ALL, [UNKNOWN] * 3)
    builds = linux({b"_ZN2at1aEv": 0b011})
    both = compat(package(library(required=[b"_ZN2at1aEv"]), damaged), builds)
    assert answers(both) == [UNKNOWN, UNKNOWN, NO]
    assert both.libraries[1].why_unknown == "the library could not be read"
    assert not both.open_upwards


@pytest.mark.parametrize(
    ("format_", "arch"),
    [(Format.ELF, "i686"), (Format.ELF, "ppc64le"), (Format.MACHO, "x86_64"), (Format.PE, "arm64")],
)
def test_a_platform_that_is_not_covered_is_unknown_everywhere(format_: Format, arch: str) -> None:
    one = library(required=[b"_ZN2at1aEv"], format_=format_, arch=arch, stable=True)
    matrix = compat(package(one), linux({b"_ZN2at1aEv": EVERY}))
    assert answers(matrix) == [UNKNOWN] * 3
    assert arch in (matrix.libraries[0].why_unknown or "")
    assert (matrix.open_upwards, matrix.known_to) == (False, None)


def test_each_slice_of_a_universal_library_is_judged_for_its_own_platform() -> None:
    torch = TorchABIVerdict(uses_torch=True, required=(b"_ZN2at1aEv",))
    slices = tuple(SliceReport(arch, Python(), torch) for arch in ("x86_64", "arm64"))
    fat = ExtensionReport(
        PurePath("/site/p/a.so"), Python(), torch, format=Format.MACHO, slices=slices
    )
    builds = Builds({"macosx_arm64": {b"_ZN2at1aEv": {"libc10.dylib": EVERY}}})
    matrix = compat(package(fat), builds)
    assert [(one.arch, answers(one)) for one in matrix.of(fat.path)] == [
        ("x86_64", [UNKNOWN] * 3),
        ("arm64", [YES] * 3),
    ]
    assert answers(matrix) == [YES] * 3, "no torch of these releases runs on the other slice"
    (note,) = matrix.notes
    assert note.startswith("a.so: the x86_64 slice is not judged: no known torch ")


# --- CUDA ----------------------------------------------------------------------------------------


def test_a_build_without_cuda_needs_one_with_it_for_names_of_cuda_libraries() -> None:
    exports = {b"_ZN3c104cuda1fEv": {"libc10_cuda.so": EVERY}}
    builds = Builds({"linux_x86_64": exports})
    arm = library(required=[b"_ZN3c104cuda1fEv"], arch="aarch64")
    assert answers(compat(package(arm), builds)) == [CUDA] * 3
    intel = compat(package(library(required=[b"_ZN3c104cuda1fEv"])), builds)
    assert answers(intel) == [YES] * 3
    assert intel.libraries[0].needs_cuda


def test_another_missing_name_makes_it_no() -> None:
    builds = Builds({"linux_x86_64": {b"_ZN3c104cuda1fEv": {"libc10_cuda.so": EVERY}}})
    arm = library(required=[b"_ZN2at4goneEv", b"_ZN3c104cuda1fEv"], arch="aarch64")
    assert answers(compat(package(arm), builds)) == [NO] * 3


def test_a_link_to_a_cuda_library_needs_a_cuda_build() -> None:
    arm = library(needed=["libtorch_cuda.so"], arch="aarch64")
    matrix = compat(package(arm), linux({}))
    assert answers(matrix) == [CUDA] * 3
    (absent,) = matrix.libraries[0].absent
    assert (absent.library, absent.releases) == ("libtorch_cuda.so", ALL)
    assert absent.reason == "only CUDA builds of torch ship it"


def test_a_windows_import_says_by_its_dll_that_it_needs_cuda() -> None:
    one = library(
        required=[b"?f@cuda@c10@@YAXXZ"],
        frm=["c10_cuda.dll"],
        needed=["c10_cuda.dll"],
        format_=Format.PE,
    )
    assert answers(compat(package(one), Builds({}))) == [CUDA] * 3


def test_a_missing_file_of_no_cuda_build_makes_it_no() -> None:
    arm = library(needed=["libtorch_cuda.so", "libcaffe2.so"], arch="aarch64")
    assert answers(compat(package(arm), linux({}))) == [NO] * 3


def test_a_cuda_build_that_lacks_a_cuda_name_is_no() -> None:
    builds = Builds({"linux_x86_64": {b"_ZN3c104cuda1fEv": {"libc10_cuda.so": 0b011}}})
    assert answers(compat(package(library(required=[b"_ZN3c104cuda1fEv"])), builds)) == [
        YES,
        YES,
        NO,
    ]


# --- libraries that are not shipped --------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("libtorch_cuda_cu.so", "no torch since 2.8.0 ships it"),
        ("libcaffe2.so", "no torch since 2.8.0 ships it"),
        ("libtorch_hip.so", "only ROCm builds of torch ship it, and their exports are unknown"),
        ("libc10_xpu.so", "only XPU builds of torch ship it, and their exports are unknown"),
    ],
)
def test_a_link_to_a_library_that_no_release_ships_is_named(file: str, reason: str) -> None:
    matrix = compat(package(library(needed=[file, "libc.so.6"])), linux({}))
    assert answers(matrix) == [NO] * 3
    (absent,) = matrix.libraries[0].absent
    assert (absent.library, absent.reason) == (file, reason)
    assert matrix.libraries[0].missing_on("2.9.0") == (file,)


def test_a_library_of_that_name_in_the_package_itself_is_not_torchs() -> None:
    own = library("p/lib/libcaffe2_ops.so")
    user = library("p/_C.so", needed=["@loader_path/lib/libcaffe2_ops.so"])
    assert not compat(package(user, own), linux({})).uses_torch


def test_windows_does_not_mind_the_case_of_a_dll() -> None:
    one = library(needed=["C10.DLL"], format_=Format.PE)
    assert answers(compat(package(one), Builds({}))) == [YES] * 3


# --- who must provide it -------------------------------------------------------------------------


def test_a_name_that_moved_to_another_dylib_no_longer_resolves() -> None:
    name = b"_ZN2at1aEv"
    exports = {name: {"libc10.dylib": 0b001, "libtorch_cpu.dylib": 0b110}}
    builds = Builds({"macosx_arm64": exports})
    one = library(required=[name], frm=["libc10.dylib"], format_=Format.MACHO, arch="arm64")
    matrix = compat(package(one), builds)
    assert answers(matrix) == [YES, NO, NO]
    (missing,) = matrix.libraries[0].missing
    assert missing.provider == "libc10.dylib"
    assert dict(missing.moved) == {"2.9.0": "libtorch_cpu.dylib", "2.10.0": "libtorch_cpu.dylib"}


def test_windows_does_not_mind_the_case_of_the_dll_that_provides_a_name() -> None:
    name = b"?f@at@@YAXXZ"
    builds = Builds({"win_amd64": {name: {"c10.dll": EVERY}}})
    one = library(required=[name], frm=["C10.dll"], format_=Format.PE)
    assert answers(compat(package(one), builds)) == [YES] * 3


def test_a_flat_name_may_come_from_any_dylib() -> None:
    builds = Builds({"macosx_arm64": {b"_ZN2at1aEv": {"libtorch_cpu.dylib": EVERY}}})
    one = library(required=[b"_ZN2at1aEv"], frm=[""], format_=Format.MACHO, arch="arm64")
    assert answers(compat(package(one), builds)) == [YES] * 3


def test_a_name_that_another_library_must_provide_is_not_asked_of_torch() -> None:
    builds = Builds({})
    one = library(
        required=[b"_ZN2at1aEv"], frm=["libother.dylib"], format_=Format.MACHO, arch="arm64"
    )
    assert answers(compat(package(one), builds)) == [YES] * 3


# --- pre-C++11 -----------------------------------------------------------------------------------

OLD = b"_ZN3c106detail14torchCheckFailEPKcS2_jRKSs"
NEW = (
    b"_ZN3c106detail14torchCheckFailEPKcS2_jRKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
)


def test_the_old_string_is_recognised() -> None:
    names = {OLD: {"libc10.so": 0b001}, NEW: {"libc10.so": 0b110}}
    builds = Builds({"linux_x86_64": names}, since="2.9.0")
    matrix = explained(compat(package(library(required=[OLD])), builds), builds)
    assert answers(matrix) == [YES, NO, NO]
    (one,) = matrix.libraries
    assert one.pre_cxx11 == "2.9.0"
    (missing,) = one.missing
    (new,) = missing.instead
    assert new.startswith("c10::detail::torchCheckFail(char const*, char const*, unsigned int, ")
    assert "std::__cxx11::basic_string<" in new


def test_the_new_string_or_two_letters_in_a_name_are_not_the_old_string() -> None:
    builds = Builds({}, since="2.8.0")
    matrix = compat(package(library(required=[b"_ZN2at9ProceSsorEv", NEW])), builds)
    assert (answers(matrix), matrix.libraries[0].pre_cxx11) == ([NO] * 3, None)


def test_a_name_that_newer_releases_still_export_is_no_sign_of_the_old_abi() -> None:
    builds = Builds({"linux_x86_64": {OLD: {"libc10.so": 0b010}}}, since="2.9.0")
    assert compat(package(library(required=[OLD])), builds).libraries[0].pre_cxx11 is None


def test_instead_is_what_the_nearest_release_that_lacks_the_name_exports() -> None:
    gone, early, late = b"_ZN2at1fEi", b"_ZN2at1fEc", b"_ZN2at1fEj"
    builds = linux({gone: 0b010, early: 0b001, late: 0b100})
    matrix = compat(package(library(required=[gone])), builds)
    assert matrix.libraries[0].missing[0].instead == ()
    (one,) = explained(matrix, builds).libraries
    assert one.missing[0].instead == ("at::f(unsigned int)",)


def test_only_what_is_shown_is_explained_unless_every_name_is() -> None:
    builds = linux({b"_ZN2at1fEc": EVERY, b"_ZN2at1gEc": EVERY})
    matrix = compat(package(library(required=[b"_ZN2at1fEi", b"_ZN2at1gEi"])), builds)
    (some,) = explained(matrix, builds, every=False).libraries
    (every,) = explained(matrix, builds).libraries
    assert [bool(one.instead) for one in some.missing] == [True, False]
    assert [bool(one.instead) for one in every.missing] == [True, True]


# --- variants ------------------------------------------------------------------------------------


def built_for(*minors: str) -> list[ExtensionReport]:
    return [
        library(f"p/torch-{one}/_C.so", [f"_ZN2at3v{one.replace('.', '')}Ev".encode()], variant=one)
        for one in minors
    ]


def served(matrix: LoadMatrix) -> dict[str, list[str]]:
    """The variant and flavour of what serves each release."""
    return {
        release: [f"{one.variant or ''} {one.flavour}".strip() for one in each]
        for release, each in matrix.serving.items()
    }


def test_with_variants_each_release_is_served_by_its_own() -> None:
    builds = linux({b"_ZN2at3v28Ev": 0b001, b"_ZN2at3v29Ev": 0b010})
    matrix = compat(package(*built_for("2.8", "2.9")), builds)
    assert answers(matrix) == [YES, YES, NO]
    assert served(matrix) == {"2.8.0": ["2.8"], "2.9.0": ["2.9"]}
    assert matrix.serving["2.9.0"][0].files == ("torch-2.9/_C.so",)
    assert matrix.notes == ()


def test_a_release_without_a_variant_is_unknown_where_another_would_load() -> None:
    builds = linux({b"_ZN2at3v28Ev": 0b001, b"_ZN2at3v29Ev": 0b110})
    matrix = compat(package(*built_for("2.8", "2.9")), builds)
    assert answers(matrix) == [YES, YES, UNKNOWN]
    assert "no variant for torch 2.10.0" in matrix.notes[0]
    assert not matrix.open_upwards


def test_a_variant_that_does_not_load_on_its_own_release_serves_none() -> None:
    builds = linux({b"_ZN2at3v28Ev": EVERY})
    matrix = compat(package(*built_for("2.8", "2.9")), builds)
    assert matrix.loads_on["2.9.0"] is NO
    assert "2.9.0" not in matrix.serving


def test_what_all_variants_share_must_load_as_well() -> None:
    builds = linux({b"_ZN2at3v28Ev": 0b001, b"_ZN2at3v29Ev": 0b010, b"_ZN2at1aEv": 0b010})
    matrix = compat(package(library(required=[b"_ZN2at1aEv"]), *built_for("2.8", "2.9")), builds)
    assert answers(matrix) == [NO, YES, NO]


def flavoured(path: str, name: bytes, variant: str = "2.9") -> ExtensionReport:
    return library(path, [name], variant=variant)


def test_flavours_of_one_release_stand_in_each_others_place() -> None:
    builds = linux({b"_ZN2at3newEv": 0b010, b"_ZN2at1aEv": EVERY})
    matrix = compat(
        package(
            flavoured("p/torch29-cxx11-cu126/x.so", b"_ZN2at3newEv"),
            flavoured("p/torch29-cxx98-cu126/x.so", b"_ZN2at3oldEv"),
            flavoured("p/torch28/x.so", b"_ZN2at1aEv", "2.8"),
        ),
        builds,
    )
    assert answers(matrix) == [YES, YES, UNKNOWN]
    assert served(matrix) == {"2.8.0": ["2.8"], "2.9.0": ["2.9 cxx11-cu126"]}


def test_libraries_of_one_flavour_are_all_needed() -> None:
    builds = linux({b"_ZN2at1aEv": EVERY})
    matrix = compat(
        package(
            flavoured("p/x_torch29.so", b"_ZN2at1aEv"),
            flavoured("p/y_torch29.so", b"_ZN2at4goneEv"),
            flavoured("p/x_torch28.so", b"_ZN2at1aEv", "2.8"),
        ),
        builds,
    )
    assert answers(matrix) == [YES, NO, UNKNOWN]


def test_a_flavour_that_loads_is_enough_beside_libraries_that_all_share() -> None:
    builds = linux({b"_ZN2at3oldEv": 0b011, b"_ZN2at3newEv": 0b100, b"_ZN2at1aEv": 0b110})
    flavours = (
        library("p/x_cu118.so", [b"_ZN2at3oldEv"]),
        library("p/x_cu126.so", [b"_ZN2at3newEv"]),
    )
    alone = compat(package(*flavours), builds)
    assert answers(alone) == [YES, YES, YES]
    assert served(alone) == {"2.8.0": ["cu118"], "2.9.0": ["cu118"], "2.10.0": ["cu126"]}
    shared = compat(package(*flavours, library("p/_C.so", [b"_ZN2at1aEv"])), builds)
    assert answers(shared) == [NO, YES, YES]
    assert "2.8.0" not in shared.serving


def test_releases_without_a_variant_share_one_note() -> None:
    builds = linux({b"_ZN2at3v26Ev": EVERY, b"_ZN2at3v27Ev": EVERY})
    (note,) = compat(package(*built_for("2.6", "2.7")), builds).notes
    assert note == (
        "the package has no variant for torch 2.8.0 to 2.10.0; the variant for 2.6 or 2.7 would "
        "load there, if the package selects it"
    )


def test_numbers_are_learned_though_few_releases_are_asked_for() -> None:
    builds = linux({b"_ZN2at1aEv": 0b001, b"_ZN2at1bEv": 0b010})
    report = package(
        library("p/x_2_8_0.so", [b"_ZN2at1aEv"]), library("p/x_2_9_0.so", [b"_ZN2at1bEv"])
    )
    matrix = compat(report, builds, within=lambda release: release == "2.9.0")
    assert (matrix.releases, answers(matrix)) == (("2.9.0",), [YES])
    assert [one.variant for one in matrix.libraries] == ["2.8.0", "2.9.0"]


def linked(path: str, cuda: str, **changes: Any) -> ExtensionReport:
    """A library that finds its symbols everywhere and is linked to a CUDA library."""
    made = library(path, [b"_ZN2at1aEv"], **changes)
    image = Linkage(made.format or Format.ELF, made.arch or "", needed=(cuda,))
    return replace(made, linkage=(image,))


def test_a_release_may_bring_another_cuda() -> None:
    builds = linux({b"_ZN2at1aEv": EVERY})
    other = compat(package(linked("p/_C.so", "libcudart.so.13")), builds)
    assert answers(other) == [YES] * 3, "the symbols are there"
    assert dict(other.other_cuda) == dict.fromkeys(ALL, OtherCuda((13,), 12))
    assert dict(other.libraries[0].brings) == dict.fromkeys(ALL, 12)
    assert compat(package(linked("p/_C.so", "libcudart.so.12")), builds).other_cuda == {}


def test_a_flavour_for_the_cuda_of_torch_is_the_one_that_serves() -> None:
    builds = linux({b"_ZN2at1aEv": EVERY})
    flavours = [linked(f"p/x_cu{at}.so", f"libcudart.so.{at}") for at in (12, 13)]
    matrix = compat(package(*flavours), builds)
    assert matrix.other_cuda == {}
    assert served(matrix) == {release: ["cu12"] for release in ALL}


def test_cuda_that_comes_with_the_package_or_its_requirements_is_not_asked_of_torch() -> None:
    builds = linux({b"_ZN2at1aEv": EVERY})
    report = package(linked("p/_C.so", "libcudart.so.13"))
    bundled = replace(report, bundled_libs=(*report.bundled_libs, library("p/libcudart.so.13")))
    assert compat(bundled, builds).other_cuda == {}
    for name in ("nvidia-cuda-runtime-cu13", "cuda-toolkit"):
        cuda = Cuda((13,), ("libcudart.so.13",), dependencies=(name,))
        assert compat(replace(report, cuda=cuda), builds).other_cuda == {}, name
    cuda = Cuda((13,), ("libcudart.so.13",), dependencies=("nvidia-nccl-cu12",))
    assert compat(replace(report, cuda=cuda), builds).other_cuda != {}


def test_a_build_without_cuda_brings_none() -> None:
    builds = Builds({"win_amd64": {b"_ZN2at1aEv": {"c10.dll": EVERY}}})
    made = linked("p/_C.pyd", "cudart64_12.dll", format_=Format.PE)
    assert dict(compat(package(made), builds).other_cuda) == dict.fromkeys(
        ALL, OtherCuda((12,), None)
    )


def test_a_file_that_is_no_library_is_named() -> None:
    skipped = (Skipped("x.o", "object file"),)
    report = PackageReport("x.o", PurePath("/site/x.o"), skipped=skipped)
    assert compat(report).not_a_library == "object file"
    assert compat(replace(report, root=PurePath("/site"))).not_a_library is None


def test_a_variant_for_a_patch_release_serves_that_one_alone() -> None:
    builds = linux({b"_ZN2at1aEv": EVERY})
    matrix = compat(
        package(
            flavoured("p/libx_pytorch_2.9.1.so", b"_ZN2at1aEv"),
            flavoured("p/libx_pytorch_2.8.0.so", b"_ZN2at1aEv", "2.8"),
        ),
        builds,
    )
    assert answers(matrix) == [YES, UNKNOWN, UNKNOWN]
