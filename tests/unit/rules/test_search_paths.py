from __future__ import annotations

import pytest

from tests.support.metadata_values import judged, library, mac, only, rules
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.report.audit.facts import facts

MACOS = ("cp310-abi3-macosx_11_0_arm64",)


def test_absolute_rpaths() -> None:
    report = judged(library(rpaths=("$ORIGIN/../lib", "/opt/conda/lib", "/builds/x")))
    assert only(report, "L405").evidence == ("/builds/x", "/opt/conda/lib")
    fine = ("$ORIGIN", "${ORIGIN}/x", "@loader_path/..", "@rpath", "/usr/lib/swift", "/usr/lib")
    assert rules(judged(library(rpaths=fine))) == []


@pytest.mark.parametrize(
    ("directory", "searched"),
    [
        *((each, True) for each in ("/lib", "/lib64", "/usr/lib64", "/usr/lib64/", "//usr/lib")),
        *((each, True) for each in ("/usr/local/lib", "/usr/lib/../lib64", "/lib32")),
        *((f"{each}/x86_64-linux-gnu", True) for each in ("/lib", "/usr/lib", "/usr/local/lib")),
        *((f"/usr/lib/{each}", True) for each in ("aarch64-linux-gnu", "arm-linux-gnueabihf")),
        *((each, False) for each in ("/", "/usr", "/usr/local", "/usr/lib64/ucx", "/opt/lib")),
        *((each, False) for each in ("/usr/local/cuda/lib64", "/home/x/lib", "/lib64/../opt")),
        *((each, False) for each in ("/usr/lib64/x86_64-linux-gnu", "/lib/x86_64-linux")),
        *((each, False) for each in ("/usr/libexec", "/usr/local/lib/python3.11", "/lib/../..")),
    ],
)
def test_what_the_loader_searches_anyway_is_no_finding(directory: str, searched: bool) -> None:
    found = rules(judged(library(rpaths=(directory,))))
    assert found == ([] if searched else ["L405"])


@pytest.mark.parametrize(
    ("directory", "severity"),
    [
        *(
            (each, Severity.NOTE)
            for each in (
                "/usr/local/cuda/lib64",
                "/usr/local/cuda-12.1/targets/x86_64-linux/lib",
                "/usr/lib64/ucx",
                "/opt/rocm/lib",
                "/opt/rocm-6.4.4/lib",
                "/opt/homebrew/opt/libomp/lib",
                "/opt/local/lib",
                "/opt/ddn/red//lib",
                "//opt/mellanox/doca/lib64",
            )
        ),
        *(
            (each, Severity.WARNING)
            for each in (
                "/home/runner/work/x/build/lib",
                "/__w/_temp/conda_environment_1/lib",
                "/usr/../home/x",
                "/opt/rocm/../../tmp",
                "/opt/_internal/cpython-3.11.13/lib/python3.11/site-packages/x/lib",
                "/opt/hostedtoolcache/Python/3.9.15/x64/lib",
                "/opt/conda/envs/venv/lib",
                "/opt/rh/openssl/root/lib",
                "/opt/homebrew/Cellar/jpeg-turbo/3.1.1/lib",
                "/usr/local/lib/python3.11/site-packages/torch/lib",
                "/opt",
                "/",
            )
        ),
    ],
)
def test_where_users_install_libraries_is_a_note(directory: str, severity: Severity) -> None:
    found = only(judged(library(rpaths=(directory,))), "L405")
    assert found.severity is severity
    assert found.fix.startswith("Nothing, if users") is (severity is Severity.NOTE)


@pytest.mark.parametrize(
    ("needed", "requires", "fires"),
    [
        ("libcudart.so.12", (), False),
        ("libcudart.so.12", ("torch>=2.10",), True),  # torch's is meant
        ("libmpi.so.40", ("torch>=2.10",), False),
        ("libstdc++.so.6", (), True),
        ("libhelper.so.1", (), True),
    ],
)
def test_a_place_that_holds_what_is_needed_is_meant(
    needed: str, requires: tuple[str, ...], fires: bool
) -> None:
    used = library(rpaths=("/opt/vendor/lib",), needed=("libc.so.6", needed))
    own = library("lib/libhelper.so.1", module=False)
    assert ("L405" in rules(judged(used, own, requires=requires))) is fires
    built = library(rpaths=("/builds/x",), needed=(needed,))
    assert "L405" in rules(judged(built, own, requires=requires))


def test_a_warning_names_only_the_entries_that_it_is_about() -> None:
    found = only(judged(library(rpaths=("/usr/local/cuda/lib64", "/builds/x"))), "L405")
    assert (found.severity, found.evidence) == (Severity.WARNING, ("/builds/x",))


def test_all_directories_of_a_package_are_one_fact() -> None:
    report = judged(library("a.so", rpaths=("/b/x", "/b/y")), library("b.so", rpaths=("/b/z",)))
    (fact,) = facts(report.findings)
    assert fact.message == "looks for libraries in /b/x, /b/y and /b/z"
    assert fact.members == (0, 1)


def test_dyld_uses_an_entry_for_names_that_begin_with_rpath_alone() -> None:
    own = mac("lib/libown.dylib", module=False, soname="@loader_path/libown.dylib", rpaths=("/b",))
    assert rules(judged(mac(), own, tags=MACOS)) == []
    used = mac("_C.so", needed=("@loader_path/lib/libown.dylib",), rpaths=("/b",))
    assert rules(judged(used, own, tags=MACOS)) == []


def test_dyld_uses_the_entries_of_whoever_loads_a_library() -> None:
    torch = ("@rpath/libc10.dylib",)
    own = mac("lib/libown.dylib", module=False, torch="2.11.0", needed=torch)
    used = mac("_C.so", needed=("@loader_path/lib/libown.dylib",), rpaths=("/b",))
    report = judged(used, own, tags=MACOS, requires=("torch>=2.11",))
    assert only(report, "L405").library == "_C.so"
