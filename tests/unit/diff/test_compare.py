from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.reports import ABI3, library, package, stable, unstable
from torch_abi_audit.diff.compare import diff
from torch_abi_audit.diff.difference import Changed, Difference, Symbols
from torch_abi_audit.model.loads import LoadMatrix, Loads
from torch_abi_audit.model.reports import Cuda, PackageReport
from torch_abi_audit.model.verdicts import CPythonABIVerdict
from torch_abi_audit.report.rendering import Detail, render
from torch_abi_audit.rules import rule


def only(old: PackageReport, new: PackageReport) -> Difference:
    (found,) = diff((old,), (new,))
    return found


OLD = package(library("_C.so", unstable("c10::a()", "c10::b()", internal=["c10d::x()"])))
NEW = package(library("_C_stable.abi3.so", stable("2.11.0", "torch_call_dispatcher")))


def test_nothing_changed() -> None:
    found = only(OLD, package(library("_C.cpython-313-darwin.so", OLD.libraries[0].torch or None)))  # type: ignore[arg-type]
    assert found.empty
    assert found.unchanged == 1
    assert found.worse == ()


def test_a_renamed_library_is_the_same_one() -> None:
    found = only(OLD, NEW)
    (one,) = found.libraries
    assert (one.old, one.new, one.renamed) == ("_C.so", "_C_stable.abi3.so", True)
    assert one.changes == (
        Changed("torch verdict", "UNSTABLE", "STABLE"),
        Changed("torch floor", None, "2.11.0"),
    )
    assert one.symbols == found.symbols
    assert found.symbols == (
        Symbols("unstable", (), ("c10::a()", "c10::b()")),
        Symbols("internal", (), ("c10d::x()",)),
        Symbols("shim", ("torch_call_dispatcher",), ()),
    )
    assert found.worse == ()


def test_a_new_version_in_a_file_name_is_a_change_and_a_new_hash_is_none() -> None:
    def cudart(mark: str, major: int) -> PackageReport:
        return package(library(f"x.libs/libcudart{mark}.so.{major}"))

    (one,) = only(cudart(".faf08d9a", 12), cudart("-0a1b2c3d", 13)).libraries
    assert one.changes == (Changed("file name", "libcudart.so.12", "libcudart.so.13"),)
    assert only(cudart(".faf08d9a", 12), cudart("-0a1b2c3d", 12)).empty


def test_a_package_that_lost_its_libraries_is_worse() -> None:
    assert "no compiled library is left" in only(OLD, package()).worse
    assert only(package(), package()).worse == ()


def test_the_way_back_is_worse() -> None:
    assert only(NEW, OLD).worse == (
        "torch verdict: torch-stable to torch-unstable",
        "2 new unstable symbols",
        "1 new internal symbol",
    )


def test_beginning_to_use_the_stable_abi_is_not_worse() -> None:
    assert only(package(library("_C.so")), package(library("_C.so", stable()))).worse == ()
    assert only(package(library("_C.so")), OLD).worse[0] == (
        "torch verdict: no-torch to torch-unstable"
    )
    module = library("_C.so", stable(), ABI3, module=True)
    assert only(package(library("_C.so", stable())), package(module)).worse == ()


def test_a_symbol_that_moved_is_neither_new_nor_gone() -> None:
    two = package(library("a.so", unstable("c10::a()")), library("b.so", unstable("c10::b()")))
    moved = package(library("a.so", unstable("c10::b()")), library("b.so", unstable("c10::a()")))
    found = only(two, moved)
    assert len(found.libraries) == 2
    assert found.symbols == ()
    assert found.worse == ()


def test_libraries_that_come_and_go() -> None:
    extra = library("helper.so", stable())
    found = only(OLD, package(*OLD.libraries, extra))
    (one,) = found.libraries
    assert (one.old, one.new) == (None, "helper.so")
    assert found.worse == ()
    back = only(package(*OLD.libraries, extra), OLD)
    assert [(each.old, each.new) for each in back.libraries] == [("helper.so", None)]


@pytest.mark.parametrize(
    ("old", "new", "worse"),
    [
        (stable("2.10.0"), stable("2.11.0"), ("torch floor: 2.10.0 to 2.11.0",)),
        (stable("2.11.0"), stable("2.10.0"), ()),
        (stable("2.9.0"), stable("2.10.0"), ("torch floor: 2.9.0 to 2.10.0",)),
    ],
)
def test_floors(old: object, new: object, worse: tuple[str, ...]) -> None:
    found = only(package(library("_C.so", old)), package(library("_C.so", new)))  # type: ignore[arg-type]
    assert found.worse == worse


def test_the_python_side() -> None:
    newer = replace(ABI3, min_python="3.11")
    loose = CPythonABIVerdict(violations=("_PyX",), references=1, min_python="3.12")
    abi3 = package(library("_C.abi3.so", stable(), ABI3, module=True))
    found = only(abi3, package(library("_C.abi3.so", stable(), newer, module=True)))
    assert found.worse == ("python floor: 3.8 to 3.11",)
    found = only(abi3, package(library("_C.so", stable(), loose, module=True)))
    assert found.worse == ("cpython verdict: abi3-compliant to not-abi3",)
    assert Symbols("cpython", ("_PyX",), ()) in found.symbols


def test_metadata() -> None:
    old = replace(OLD, version="1.0", requires_torch="torch>=2.9", glibc="2.17")
    new = replace(
        OLD,
        version="2.0",
        proposed_requires_torch="torch>=2.11",
        glibc="2.28",
        min_python="3.10",
        cuda=Cuda((12, 13), ("libcudart.so.12", "libcudart.so.13")),
    )
    found = only(old, new)
    assert found.changes == (
        Changed("version", "1.0", "2.0"),
        Changed("requires torch", "torch>=2.9", None),
        Changed("should require", None, "torch>=2.11"),
        Changed("oldest python", None, "3.10"),
        Changed("oldest glibc", "2.17", "2.28"),
        Changed("cuda", None, "12, 13"),
    )
    assert found.worse == ()


def loads(report: PackageReport, **answers: str) -> PackageReport:
    on = {key.replace("_", ".")[1:]: Loads(answer) for key, answer in answers.items()}
    return replace(report, loads=LoadMatrix(loads_on=on))


def test_releases_gained_and_lost() -> None:
    old = loads(OLD, v2_9_0="yes", v2_10_0="no", v2_11_0="needs-cuda", v2_12_0="unknown")
    new = loads(OLD, v2_9_0="no", v2_10_0="yes", v2_11_0="yes", v2_13_0="yes")
    found = only(old, new)
    assert found.releases_gained == ("2.10.0",)
    assert found.releases_lost == ("2.9.0",)
    assert found.worse == ("no longer loads on torch 2.9.0",)
    assert only(OLD, new).releases_gained == ()


def test_findings_by_library_and_rule() -> None:
    second = rule("T102").finding("a second copy of libtorch", library="libc10-0a1b2c3d.so")
    same = rule("T102").finding("a second copy of libtorch", library="libc10-11223344.so")
    warned = rule("T104").finding("unknown", library="_C.so")
    found = only(replace(OLD, findings=(second,)), replace(OLD, findings=(same, warned)))
    assert found.findings_gained == (warned,)
    assert found.findings_lost == ()
    assert found.worse == ()
    assert only(OLD, replace(OLD, findings=(same,))).worse == ("T102: a second copy of libtorch",)


def test_a_finding_of_a_renamed_library_is_the_same_finding() -> None:
    before = rule("T103").finding("no torch release exports at::f()", library="_C.so")
    after = rule("T103").finding("no torch release exports at::f()", library="_C_stable.abi3.so")
    found = only(replace(OLD, findings=(before,)), replace(NEW, findings=(after,)))
    assert (found.findings_gained, found.findings_lost) == ((), ())
    assert found.worse == ()
    another = rule("T102").finding("a second copy of libtorch", library="_C_stable.abi3.so")
    found = only(replace(OLD, findings=(before,)), replace(NEW, findings=(another,)))
    assert (found.findings_gained, found.findings_lost) == ((another,), (before,))


def test_a_library_that_stayed_lends_its_findings_to_no_other() -> None:
    stayed = library("ops.cpython-310-darwin.so", stable())
    two = package(stayed, library("ops.cpython-311-darwin.so", stable()))
    other = package(stayed, library("ops_stable.so", stable()))
    error = rule("T103").finding("no torch release exports at::f()", library=stayed.name)
    found = only(replace(two, findings=(error,)), replace(other, findings=(error,)))
    assert [(one.old, one.new) for one in found.libraries if one.renamed] == [
        ("ops.cpython-311-darwin.so", "ops_stable.so")
    ]
    assert (found.findings_gained, found.findings_lost) == ((), ())


def test_marks_of_wheel_repair_are_no_new_names() -> None:
    """Compares the library names of torchvision 0.24 and 0.26 for Linux."""
    old = ("libcudart.41118559.so.12", "libjpeg.1c1c4b09.so.8", "libz.d13a2644.so.1")
    new = ("libcudart.faf08d9a.so.13", "libjpeg.b1a87dc0.so.8", "libz.7dbeb23c.so.1")
    found = only(
        package(*(library(f"torchvision.libs/{name}") for name in old)),
        package(*(library(f"torchvision.libs/{name}") for name in new)),
    )
    assert not any(one.renamed for one in found.libraries)
    assert [one.changes for one in found.libraries] == [
        (Changed("file name", "libcudart.so.12", "libcudart.so.13"),)
    ]
    assert found.unchanged == 2


def test_packages_that_come_and_go() -> None:
    other = package(library("x.so", unstable("at::y()"), root="/o"), name="other", root="/o")
    third = package(name="third", root="/t")
    found = diff((OLD, third), (OLD, other, package(name="fourth", root="/f")))
    assert [(one.name, one.old is None, one.new is None) for one in found] == [
        ("pkg", False, False),
        ("other", True, False),
        ("fourth", True, False),
        ("third", False, True),
    ]
    assert found[1].worse == ("new package: torch-unstable",)
    assert found[3].worse == ()


def test_an_error_of_many_libraries_is_one_clause() -> None:
    names = [f"lib{at}.so" for at in range(3)]
    error = [rule("L401").finding("needs glibc 9", library=name) for name in names]
    old = package(*map(library, names))
    found = only(old, replace(old, findings=tuple(error)))
    assert found.worse == ("L401: needs glibc 9 (3 libraries)",)
    text = render("diff", "text", (found,), Detail())
    assert "    + error L401: needs glibc 9: 3 libraries (lib0.so, lib1.so and lib2.so)\n" in text
    page = render("diff", "markdown", (found,), Detail())
    assert page.count("needs glibc 9") == 2


def test_a_library_that_was_repaired_twice_is_not_renamed() -> None:
    def twice(first: str, second: str) -> PackageReport:
        return package(
            library(f"x.libs/a-{first}.so.1"), library(f"x.libs/a-{first}-{second}.so.1")
        )

    assert only(twice("0a1b2c3d", "1a1b2c3d"), twice("2a1b2c3d", "3a1b2c3d")).empty


def test_builds_that_differ_in_their_tags_alone_are_told_apart() -> None:
    two = package(
        library("_C.cpython-310-darwin.so", stable()),
        library("_C.cpython-311-darwin.so", unstable("c10::a()")),
    )
    assert only(two, two).unchanged == 2
    (gone,) = only(two, package(two.libraries[0])).libraries
    assert gone.old == "_C.cpython-311-darwin.so"
