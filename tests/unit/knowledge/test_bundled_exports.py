"""Names of other projects in torch's libraries: which are kept, and whose they are."""

from __future__ import annotations

import pytest

from tools.generate_bundled_exports import is_bundled
from torch_abi_audit.knowledge import bundled_exports, export_index

LINUX = "linux_x86_64"


@pytest.mark.parametrize(
    ("name", "library", "kept"),
    [
        ("mkl_sparse_d_create_csr", "libtorch_cpu.so", True),
        ("uv_loop_init", "libtorch_cpu.so", True),
        ("sgemm_", "libtorch_cpu.so", True),
        ("_ZN4gloo7ContextD1Ev", "libtorch_cpu.so", True),
        ("_ZN2at13globalContextEv", "libtorch_cpu.so", False),  # torch's own
        ("aoti_torch_get_sizes", "libtorch_cpu.so", False),
        ("Sleef_sinf8_u10", "libtorch_cpu.so", False),  # in the export index
        ("_ZNSt6vectorIiSaIiEED1Ev", "libtorch_cpu.so", False),  # every library has its own
        ("_init", "libtorch_cpu.so", False),
        (".gomp_critical_user_x", "libtorch_cpu.so", False),
        ("mz_crc32", "torch_cpu.dll", False),  # the index of Windows has every name
    ],
)
def test_what_is_kept(name: str, library: str, kept: bool) -> None:
    assert is_bundled(name.encode(), library) is kept


def test_the_file_covers_the_releases_of_the_export_index_and_none_of_its_names() -> None:
    known = tuple(one.version for one in export_index.releases(LINUX))
    assert bundled_exports.releases(LINUX) == known
    names = (b"mkl_sparse_d_create_csr", b"uv_loop_init", b"mz_deflate", b"_ZN4gloo7ContextD1Ev")
    for name in names:
        found = bundled_exports.exports(LINUX, name)
        assert found is not None
        assert found.releases >> (len(known) - 1) & 1, "the newest release"
        assert not export_index.exported(LINUX, name)
    assert bundled_exports.exports(LINUX, b"cblas_sgemm") is None
    assert bundled_exports.releases("linux_aarch64") == tuple(
        one.version for one in export_index.releases("linux_aarch64")
    )
    assert bundled_exports.exports("linux_aarch64", b"mkl_sparse_d_create_csr") is None


def test_a_platform_without_a_file_has_no_answer() -> None:
    assert bundled_exports.releases("win_amd64") == ()
    assert bundled_exports.exports("macosx_arm64", b"uv_loop_init") is None


@pytest.mark.parametrize(
    ("name", "project"),
    [
        ("mkl_blas_avx2_dgemm", "Intel's MKL"),
        ("MKL_Simatcopy", "Intel's MKL"),
        ("vdlog2_64_", "Intel's MKL"),
        ("VMDCOS_", "Intel's MKL"),
        ("DftiCommitDescriptor", "Intel's MKL"),
        ("dgemm_", "BLAS and LAPACK"),
        ("zheevd_64_", "BLAS and LAPACK"),
        ("uv__io_init", "libuv"),
        ("tdefl_compress", "miniz"),
        ("Sleef_expf16_u10", "SLEEF"),
        ("something_else_entirely", "a library that torch contains"),
    ],
)
def test_whose_a_c_name_is(name: str, project: str) -> None:
    assert bundled_exports.project(name) == project


def test_whose_a_namespace_is() -> None:
    assert bundled_exports.project("_ZN6fbgemm1fEv", "fbgemm") == "FBGEMM"
    assert bundled_exports.project("_ZN3abc1fEv", "abc") == "abc"
    assert bundled_exports.is_bundled_space(b"tensorpipe")
    assert not bundled_exports.is_bundled_space(b"at")
