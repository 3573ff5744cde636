"""Wheels that are tagged abi3, from compiler to exit code: what their libraries import."""

from __future__ import annotations

import subprocess
import zipfile
from typing import TYPE_CHECKING

import abi3info
import pytest
from abi3info.models import Symbol

from tests.support.sources import source
from tests.support.toolchain import gcc
from torch_abi_audit import inspect_package
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TAG = "cp311-abi3-manylinux_2_28_x86_64"
MIXED = "py3.cp311-abi3.none-manylinux_2_28_x86_64"
SHIM = "torch_call_dispatcher"
PRIVATE = "_PyObject_GetDictPtr"
UNSTABLE = "PyUnstable_Code_GetFirstFree"
SPECIFIC = "PyUnicode_AsUTF8"
NEWER = "PyObject_VectorcallMethod"  # 3.12
FINE = "PyLong_FromLong"
NAMES = ("_C.so", "demo/libhelper.so", "demo.libs/libhelper-1a2b3c4d.so.1")


def wheel(directory: Path, libraries: Mapping[str, Path], tag: str = TAG) -> Path:
    path = directory / f"demo-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, library in libraries.items():
            archive.write(library, name)
        archive.writestr(
            "demo-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: torch>=2.10\n\n",
        )
        archive.writestr("demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        archive.writestr("demo-1.0.dist-info/RECORD", "")
    return path


def built(directory: Path, *imports: str, module: bool = False) -> Path:
    code = source(imports, exports=["PyInit__C"] if module else [])
    library = gcc(code, directory / "built" / "x.so", "-nostdlib")
    listed = subprocess.run(["nm", "-D", "-u", library], capture_output=True, text=True, check=True)
    assert {line.split()[-1] for line in listed.stdout.splitlines()} == set(imports)
    return library


def found(path: Path) -> list[str]:
    return sorted(one.rule for one in inspect_package(path).findings)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("torch", [(), (SHIM,)], ids=["no torch", "torch"])
@pytest.mark.parametrize(
    ("import_", "rule"),
    [(PRIVATE, "P205"), (UNSTABLE, "P205"), (SPECIFIC, "P205"), (NEWER, "P203"), (FINE, None)],
)
def test_every_library_is_held_to_the_tag(
    name: str, torch: tuple[str, ...], import_: str, rule: str | None, tmp_path: Path
) -> None:
    entry = abi3info.FUNCTIONS.get(Symbol(import_))
    assert (entry is None) is (rule == "P205")
    assert entry is None or (entry.added.minor > 11) is (rule == "P203")
    fine = built(tmp_path / "fine", FINE, module=True)
    library = built(tmp_path, import_, *torch, module=name == "_C.so")
    path = wheel(tmp_path, {"demo/_D.abi3.so": fine, name: library})
    assert found(path) == [rule] * (rule is not None)
    for check, fails in (("abi3", True), ("both", True), ("all", True), ("torch", False)):
        assert main([str(path), "--check", check]) == (fails and rule is not None), check
    plain = wheel(tmp_path, {"demo/_D.abi3.so": fine, name: library}, MIXED)
    assert found(plain) == []


@pytest.mark.parametrize("check", ["abi3", "both", "all"])
def test_a_broken_claim_of_a_name_fails_without_torch(check: str, tmp_path: Path) -> None:
    broken = built(tmp_path, PRIVATE)
    path = wheel(tmp_path, {"demo/libx.abi3.so": broken}, "cp311-cp311-manylinux_2_28_x86_64")
    assert main([str(path), "--check", check]) == 1
    plain = wheel(tmp_path, {"demo/libx.so": broken}, "cp311-cp311-manylinux_2_28_x86_64")
    assert main([str(plain), "--check", check]) == 0


def test_what_a_sibling_provides_is_no_violation(tmp_path: Path) -> None:
    helper = built(tmp_path, PRIVATE)
    own = gcc(source(exports=[PRIVATE]), tmp_path / "own.so", "-nostdlib")
    path = wheel(tmp_path, {"demo/libhelper.so": helper, "demo/libown.so": own})
    assert found(path) == []
    assert found(wheel(tmp_path, {"demo/libhelper.so": helper})) == ["P205"]


def test_the_label_follows_the_file_name(tmp_path: Path) -> None:
    library = built(tmp_path, PRIVATE)
    report = inspect_package(wheel(tmp_path, {"demo/libhelper.so": library}))
    (one,) = report.libraries
    assert one.cpython is not None
    assert one.cpython.label == "uses-private-api"
    assert one.cpython.intent is False
    assert report.abi3_since == "3.11"


def test_a_module_that_keeps_the_claim_of_the_tag_needs_none_in_its_name(tmp_path: Path) -> None:
    library = built(tmp_path, FINE, SHIM, module=True)
    assert main([str(wheel(tmp_path, {"demo/_C.so": library})), "--check", "abi3"]) == 0
    tied = wheel(tmp_path, {"demo/_C.so": library}, "cp311-cp311-manylinux_2_28_x86_64")
    assert main([str(tied), "--check", "abi3"]) == 1


def test_left_over_files(tmp_path: Path) -> None:
    library = built(tmp_path, FINE, module=True)
    names = [f"demo/_C.cpython-3{minor}-x86_64-linux-gnu.so" for minor in (10, 12)]
    tag = "cp312-cp312-manylinux_2_28_x86_64"
    assert found(wheel(tmp_path, dict.fromkeys(names, library), tag)) == ["M319"]
    assert found(wheel(tmp_path, {names[0]: library}, tag)) == ["M311"]
    assert found(wheel(tmp_path, {names[1]: library}, tag)) == []
    assert main([str(wheel(tmp_path, dict.fromkeys(names, library), tag)), "--check", "all"]) == 0


# --- exported names of torch::stable -------------------------------------------------------------

STABLE = """
extern "C" int torch_call_dispatcher(void);
namespace torch { namespace stable VISIBILITY {
struct Tensor { int n; int twice() const; };
inline __attribute__((noinline)) int Tensor::twice() const { return 2 * n; }
template <class T> __attribute__((noinline)) T same(T t) { static T last = t; return last; }
} }
namespace torch { namespace headeronly VISIBILITY {
inline __attribute__((noinline)) int half(int n) { return n / 2; }
} }
namespace my {
__attribute__((visibility("default"))) int op(torch::stable::Tensor t) {
  return t.twice() + torch::stable::same(t.n) + torch::headeronly::half(t.n) CALL;
}
}
"""


def stable(directory: Path, visibility: str = "", call: str = "+ torch_call_dispatcher()") -> Path:
    code = STABLE.replace("VISIBILITY", visibility).replace("CALL", call)
    flags = ("-nostdlib", "-O1")
    return gcc(code, directory / "stable.so", *flags, lang="c++", torch=("libtorch.so",))


@pytest.mark.parametrize("installed", [True, False])
def test_visible_code_of_header_only_namespaces(installed: bool, tmp_path: Path) -> None:
    library = stable(tmp_path)
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True
    )
    exported = {line.split()[-1] for line in listed.stdout.splitlines()}
    visible = {name for name in exported if "5torch" in name and not name.startswith("_ZN2my")}
    assert len(visible) >= 4  # with the static variable and its guard
    target = library if installed else wheel(tmp_path, {"demo/stable.so": library})
    report = inspect_package(target)
    assert [one.rule for one in report.findings] == ["T108"]
    (one,) = report.libraries
    assert one.torch is not None
    assert len(one.torch.exported_stable_symbols) == len(visible)
    assert "torch::stable::Tensor::twice() const" in one.torch.exported_stable_symbols


@pytest.mark.parametrize(
    ("visibility", "call"),
    [('__attribute__((visibility("hidden")))', "+ torch_call_dispatcher()"), ("", "")],
    ids=["hidden", "no torch"],
)
def test_hidden_code_of_header_only_namespaces(visibility: str, call: str, tmp_path: Path) -> None:
    report = inspect_package(stable(tmp_path, visibility, call))
    assert report.findings == ()
