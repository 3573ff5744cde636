"""The committed export index: its contents, its lookups, and when its files are opened."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support.sources import source
from tests.support.toolchain import gcc
from torch_abi_audit.knowledge import export_file, export_index
from torch_abi_audit.knowledge.export_index import IndexFileError, Neighbour
from torch_abi_audit.knowledge.names.torch import Build, build_of
from torch_abi_audit.knowledge.platforms import PLATFORMS
from torch_abi_audit.knowledge.torch_shims import shims
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.releases import release_key

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINUX = "linux_x86_64"
OLD_CHECK = b"_ZN3c104cuda29c10_cuda_check_implementationEiPKcS2_ib"
NEW_CHECK = b"_ZN3c104cuda29c10_cuda_check_implementationEiPKcS2_jb"
NEW_STRING = (
    b"_ZN3c105ErrorC1ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory in which the index is looked up, instead of the package's own."""
    monkeypatch.setattr(export_index, "DATA", tmp_path)
    export_index._file.cache_clear()
    yield tmp_path
    export_index._file.cache_clear()


def versions(platform: str, name: bytes) -> list[str]:
    exports = export_index.lookup(platform, [name]).get(name, export_index.NOWHERE)
    return [
        release.version
        for at, release in enumerate(export_index.releases(platform))
        if exports.releases >> at & 1
    ]


def test_every_platform_has_the_same_final_releases_from_2_4_on() -> None:
    listed = [
        [release.version for release in export_index.releases(platform)]
        for platform in export_index.platforms()
    ]

    assert all(one == listed[0] for one in listed)
    assert listed[0][0] == "2.4.0"
    assert listed[0] == sorted(listed[0], key=release_key)
    assert {"2.4.1", "2.9.1", "2.10.0", "2.12.1", "2.15.0"} <= set(listed[0])
    assert export_index.newest(LINUX) == listed[0][-1]


@pytest.mark.parametrize(
    ("format_", "arch", "platform"),
    [
        (Format.ELF, "x86_64", "linux_x86_64"),
        (Format.ELF, "aarch64", "linux_aarch64"),
        (Format.MACHO, "arm64", "macosx_arm64"),
        (Format.PE, "x86_64", "win_amd64"),
        (Format.PE, "arm64", None),
        (Format.MACHO, "x86_64", None),
        (Format.ELF, "ppc64le", None),
        (Format.ELF, None, None),
    ],
)
def test_an_image_belongs_to_a_platform(
    format_: Format, arch: str | None, platform: str | None
) -> None:
    assert export_index.platform_of(format_, arch) == platform


def test_builds_with_cuda_are_told_from_those_without() -> None:
    cuda = {
        platform: {one.version: one.cuda for one in export_index.releases(platform)}
        for platform in export_index.platforms()
    }

    assert cuda[LINUX]["2.4.0"] == "12.1"
    assert cuda[LINUX]["2.10.0"] == "12.8"
    assert cuda[LINUX]["2.11.0"] == "13.0"
    assert cuda["linux_aarch64"]["2.10.0"] is None
    assert cuda["linux_aarch64"]["2.11.0"] == "13.0"
    assert set(cuda["macosx_arm64"].values()) == set(cuda["win_amd64"].values()) == {None}


def test_a_build_has_libraries_of_cuda_where_it_is_built_for_it() -> None:
    for platform in export_index.platforms():
        for release in export_index.releases(platform):
            has = any(build_of(one) is Build.CUDA for one in release.libraries)
            assert has == (release.cuda is not None), (platform, release.version)


def test_names_that_torch_changed_are_where_they_were() -> None:
    assert versions(LINUX, OLD_CHECK)[-1] == "2.9.1"
    assert versions(LINUX, NEW_CHECK)[0] == "2.10.0"
    assert versions(LINUX, b"_ZN3c1015report_overflowEPKc")[-1] == "2.14.1"
    assert versions(LINUX, b"THPVariableClass") == versions(LINUX, b"aoti_torch_cpu_bmm_out")
    assert versions(LINUX, b"_ZN2my9extensionEv") == []


def test_a_name_is_known_with_its_library_on_every_platform() -> None:
    fail = {
        "linux_x86_64": (b"_ZN3c106detail14torchCheckFailEPKcS2_jS2_", "libc10.so"),
        "linux_aarch64": (b"_ZN3c106detail14torchCheckFailEPKcS2_jS2_", "libc10.so"),
        "macosx_arm64": (b"_ZN3c106detail14torchCheckFailEPKcS2_jS2_", "libc10.dylib"),
        "win_amd64": (b"?torchCheckFail@detail@c10@@YAXPEBD0I0@Z", "c10.dll"),
    }
    for platform, (name, library) in fail.items():
        every = (1 << len(export_index.releases(platform))) - 1
        assert export_index.lookup(platform, [name])[name].by_library == ((library, every),)
        assert export_index.exported(platform, name)
        assert not export_index.exported(platform, name + b"_")


def test_the_casters_that_torch_defines_for_python_bindings_are_known() -> None:
    load = b"_ZN8pybind116detail11type_casterIN2at6TensorEvE4loadENS_6handleEb"

    assert export_index.lookup(LINUX, [load])[load].libraries(0) == ("libtorch_python.so",)


def test_every_shim_is_exported_since_the_release_that_declared_it() -> None:
    names = [name for name, shim in shims().items() if "libtorch_cpu.so" in shim.exported_by]
    found = export_index.lookup(LINUX, names)

    assert len(names) > 300
    for name in names:
        first = release_key(shims()[name].first_release)
        for at, release in enumerate(export_index.releases(LINUX)):
            if release_key(release.version) >= max(first, (2, 8, 0)):
                assert found[name].releases >> at & 1, (name, release.version)


def test_third_party_names_that_no_extension_asks_for_are_left_out() -> None:
    assert versions(LINUX, b"cblas_sgemm") == []
    assert versions(LINUX, b"mkl_blas_dgemm") == []
    assert versions(LINUX, b"Sleef_expf8_u10") != []


def test_the_nearest_are_the_same_entity_with_another_signature() -> None:
    nearest = export_index.nearest(LINUX, OLD_CHECK)

    assert nearest[0] == Neighbour(NEW_CHECK, export_index.lookup(LINUX, [NEW_CHECK])[NEW_CHECK])
    assert OLD_CHECK not in {one.name for one in nearest}
    assert all(b"29c10_cuda_check_implementationE" in one.name for one in nearest)


@pytest.mark.parametrize(
    ("platform", "name", "nearest"),
    [
        (LINUX, b"_ZN3c105ErrorC1ENS_14SourceLocationESs", NEW_STRING),
        (LINUX, b"_ZN3c1010TensorImpl11has_storageEv", b"_ZNK3c1010TensorImpl11has_storageEv"),
        (
            LINUX,
            b"_ZN3c1014DeviceTypeNameENS_10DeviceTypeEb",
            b"_ZN3c1014DeviceTypeNameB5cxx11ENS_10DeviceTypeEb",
        ),
        (
            "win_amd64",
            b"?torchCheckFail@detail@c10@@YAXPEBD0H0@Z",
            b"?torchCheckFail@detail@c10@@YAXPEBD0I0@Z",
        ),
    ],
)
def test_the_nearest_may_differ_in_parameters_const_and_abi_tag(
    platform: str, name: bytes, nearest: bytes
) -> None:
    assert export_index.nearest(platform, name)[0].name == nearest


@pytest.mark.parametrize(
    "name", [b"aoti_torch_cpu_bmm_ou", b"_ZTVN2at6TensorE", b"_ZN", b"?", b"", b"_ZN2my3fooEi"]
)
def test_what_has_no_overloads_has_no_neighbours(name: bytes) -> None:
    assert export_index.nearest(LINUX, name) == ()


def test_the_first_release_with_the_cxx11_abi_depends_on_the_platform() -> None:
    assert {one: export_index.first_cxx11(one) for one in export_index.platforms()} == {
        "linux_x86_64": "2.7.0",
        "linux_aarch64": "2.6.0",
        "macosx_arm64": None,
        "win_amd64": None,
    }


@pytest.mark.parametrize(
    ("name", "old"),
    [
        (b"_ZN3c105ErrorC1ENS_14SourceLocationESs", True),
        (b"_ZN3c106detail14torchCheckFailEPKcS2_jRKSs", True),
        (b"_ZN5torch3jit7ClassSsEv", False),
        (b"_ZN3c103fooENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE", False),
        (b"_ZN3c103fooENSt3__112basic_stringIcNS0_11char_traitsIcEENS0_9allocatorIcEEEE", False),
        (b"aoti_torch_Ss", False),
    ],
)
def test_a_string_of_before_the_cxx11_abi_is_seen_in_the_grammar(name: bytes, *, old: bool) -> None:
    assert export_index.uses_old_string(name) == old


def test_releases_of_before_the_cxx11_abi_export_old_strings_and_later_ones_none() -> None:
    name = b"_ZN3c106detail14torchCheckFailEPKcS2_jRKSs"

    assert versions(LINUX, name) == ["2.4.0", "2.4.1", "2.5.0", "2.5.1", "2.6.0"]


def test_a_platform_that_is_not_covered_is_an_error_of_the_caller() -> None:
    with pytest.raises(KeyError):
        export_index.releases("win_arm64")


def test_a_missing_file_is_said_to_be_missing(elsewhere: Path) -> None:
    with pytest.raises(IndexFileError, match=r"cannot be read.*exports-linux_x86_64\.idx"):
        export_index.releases(LINUX)
    assert not any(elsewhere.iterdir())


def test_a_damaged_file_is_said_to_be_damaged(elsewhere: Path) -> None:
    path = elsewhere / f"exports-{LINUX}.idx"
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")

    with pytest.raises(IndexFileError, match="not an export index"):
        export_index.releases(LINUX)


def test_a_file_of_another_platform_is_refused(elsewhere: Path) -> None:
    release = export_file.IndexedRelease("2.9.0", "torch.whl", None, (), None, ())
    data = export_file.pack("win_amd64", [release], {b"a": {"c10.dll": 1}})
    (elsewhere / f"exports-{LINUX}.idx").write_bytes(data)

    with pytest.raises(IndexFileError, match="is the export index of win_amd64"):
        export_index.releases(LINUX)


def test_the_files_take_at_most_three_megabytes_in_all() -> None:
    files = list(export_index.DATA.glob("exports-*"))

    assert {file.stem for file in files} == {f"exports-{one.name}" for one in PLATFORMS}
    assert sum(file.stat().st_size for file in files) <= 3_000_000


AUDIT = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
import torch_abi_audit
report = torch_abi_audit.inspect_extension(sys.argv[1])
print(report.label, report.error, report.torch and len(report.torch.required))
print([path for path in opened if "exports-" in path])
"""


def test_an_audit_opens_no_index(tmp_path: Path) -> None:
    library = gcc(
        source(imports=["aoti_torch_new_tensor_handle", "_ZN2at5emptyEv"]),
        tmp_path / "_C.so",
    )

    done = subprocess.run(
        [sys.executable, "-c", AUDIT, str(library)], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == ["UNSTABLE None 2", "[]"]
