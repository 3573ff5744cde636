"""Inputs that other tools get wrong, built by the tests: none may get a clean verdict wrongly."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.installs import install
from tests.support.sources import source
from tests.support.toolchain import gcc, zig
from torch_abi_audit import inspect_extension, inspect_package
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    from torch_abi_audit.model.reports import ExtensionReport
    from torch_abi_audit.model.verdicts import TorchABIVerdict

SHIM = "aoti_torch_get_dim"
UNSTABLE = "_ZN3c106detail14torchCheckFailEPKcS2_jS2_"  # c10::detail::torchCheckFail(…)


def judged(report: ExtensionReport) -> TorchABIVerdict:
    assert report.error is None
    assert report.torch is not None
    return report.torch


def verdict(tmp_path: Path, *imports: str, weak: tuple[str, ...] = ()) -> TorchABIVerdict:
    return judged(inspect_extension(gcc(source(imports, weak=weak), tmp_path / "x.so")))


def audit_json(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any]:
    code = main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


# What cannot be read ------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 2, 3, 200])
@pytest.mark.parametrize("name", ["x.so", "x.so.1.2", "x.pyd", "x.dll", "x.dylib"])
def test_an_empty_or_cut_library_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], size: int, name: str
) -> None:
    whole = gcc(source([SHIM]), tmp_path / "whole" / "x.so").read_bytes()
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / name).write_bytes(whole[:size])
    (tmp_path / "pkg" / "good.so").write_bytes(whole)
    assert main([str(tmp_path / "pkg")]) == 2
    out = capsys.readouterr().out
    assert "Torch ABI:   ERROR" in out
    assert f"[ERROR   ] [unreadable            ] {name}  (error: " in out
    assert "[STABLE  ] [not-abi3              ] good.so" in out  # the rest of the report stays


def test_the_same_verdict_without_section_headers(tmp_path: Path) -> None:
    path = gcc(source([SHIM, UNSTABLE]), tmp_path / "x.so")
    data = bytearray(path.read_bytes())
    struct.pack_into("<Q", data, 40, 0)
    struct.pack_into("<HHH", data, 58, 0, 0, 0)
    (tmp_path / "y.so").write_bytes(data)
    assert judged(inspect_extension(tmp_path / "y.so")) == judged(inspect_extension(path))


@pytest.mark.parametrize(
    "name", ["_C.so.1", "x.so.pt112cu116", "module", "x.dll", "x.bundle", "x.node"]
)
def test_a_library_is_found_by_its_bytes(tmp_path: Path, name: str) -> None:
    gcc(source([UNSTABLE]), tmp_path / "pkg" / name)
    (report,) = inspect_package(tmp_path / "pkg").libraries
    assert report.path.name == name
    assert judged(report).label == "UNSTABLE"


def test_a_symlink_is_not_a_second_library(tmp_path: Path) -> None:
    gcc(source([SHIM]), tmp_path / "pkg" / "libx.so.1.0")
    (tmp_path / "pkg" / "libx.so").symlink_to("libx.so.1.0")
    assert [one.path.name for one in inspect_package(tmp_path / "pkg").libraries] == ["libx.so.1.0"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"/* GNU ld script */\nGROUP ( libx.so.1 AS_NEEDED ( liby.so ) )\n", "linker script"),
        (b"INPUT(libx.so.1)\n", "linker script"),
        (b"just text\n", "text"),
        (b"!<arch>\nx.o/            0 ", "static archive"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
    ],
)
def test_what_is_no_library_is_said_by_kind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, kind: str
) -> None:
    (tmp_path / "x.so").write_bytes(content)
    code, report = audit_json(capsys, str(tmp_path))
    assert code == 0
    assert report["skipped"] == [{"path": "x.so", "kind": kind}]
    main([str(tmp_path)])
    assert f"no compiled libraries found in {tmp_path}" in capsys.readouterr().out


def test_links_that_lead_nowhere_and_pointers_to_elsewhere_are_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gcc(source([SHIM]), tmp_path / "good.so")
    (tmp_path / "gone.so").symlink_to("nowhere")
    (tmp_path / "_C.so").write_bytes(b"version https://git-lfs.github.com/spec/v1\nsize 5\n")
    assert main([str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "  Note: _C.so is a Git LFS pointer: the library was not fetched\n" in out
    assert "  Note: gone.so is a dangling symlink\n" in out
    assert "good.so" in out


def test_an_object_file_named_as_a_library_is_no_library(tmp_path: Path) -> None:
    subprocess.run(
        ["gcc", "-x", "c", "-", "-c", "-o", str(tmp_path / "x.so")],
        input=source([UNSTABLE]),
        text=True,
        check=True,
    )
    report = inspect_package(tmp_path)
    assert [(one.path, one.kind) for one in report.skipped] == [("x.so", "object file")]
    assert report.libraries == ()


def test_webassembly_is_an_error_not_a_clean_verdict(tmp_path: Path) -> None:
    (tmp_path / "x.cpython-313-wasm32-emscripten.so").write_bytes(b"\0asm\1\0\0\0" + bytes(64))
    (report,) = inspect_package(tmp_path).libraries
    assert report.error is not None
    assert "WebAssembly" in report.error


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no FIFOs on this system")
def test_a_fifo_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.so")
    gcc(source([SHIM]), tmp_path / "y.so")
    assert [one.path.name for one in inspect_package(tmp_path).libraries] == ["y.so"]


# Whose symbol it is -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "_ZN4c10d5Store4waitEv",  # c10d::Store::wait()
        "_ZN6caffe23fooEv",  # caffe2::foo()
        "THPVariableClass",
        "_ZN18PackedLinearWeight3runEv",
        "_ZN5torch7stable21zEv",  # torch::stable2::z()
        "_ZN5torch15stable_internal1yEv",
        "_ZN2at5emptyEv",
        "_ZNK3c106Device3strEv",
        "_ZTVN5torch8autograd4NodeE",  # vtable for torch::autograd::Node
        "_ZSt9to_stringRKSt10shared_ptrIN5torch3jit4ExprEE",
    ],
)
@pytest.mark.parametrize("with_shim", [False, True])
def test_libtorchs_own_names_are_unstable(tmp_path: Path, name: str, with_shim: bool) -> None:
    found = verdict(tmp_path, name, *([SHIM] if with_shim else []))
    assert found.label == "UNSTABLE"
    assert found.stable_shim_count == with_shim
    assert found.min_torch_version is None


@pytest.mark.parametrize(
    ("name", "internal"),
    [
        ("_ZN4c10d5Store4waitEv", True),
        ("THPVariableClass", True),
        ("_ZN4c10d12ProcessGroup4sendERSt6vectorIN2at6TensorESaIS3_EE", False),
        ("_Z16THPVariable_WrapN2at6TensorE", False),
    ],
)
def test_internal_and_unstable_are_told_apart(tmp_path: Path, name: str, internal: bool) -> None:
    found = verdict(tmp_path, name)
    assert len(found.internal_symbols) == internal
    assert len(found.unstable_symbols) == (not internal)


@pytest.mark.parametrize(
    "name",
    [
        "_ZN3foo2at1zEi",  # foo::at::z(int)
        "_ZN5torch8executor3runEv",  # ExecuTorch
        "_ZN9torch_npu3runEv",
        "_ZN9torch_foo3runERN2at6TensorE",  # torch_foo::run(at::Tensor&)
        "_ZN2my2opERN2at6TensorE",  # my::op(at::Tensor&)
        "_Z8foo2atxxv",  # foo2atxx(): text inside an identifier
        "torchvision_version",
        "at_exit_handler",
    ],
)
def test_other_peoples_names_are_not_torch(tmp_path: Path, name: str) -> None:
    assert verdict(tmp_path, name).label == "NO-TORCH"


def test_a_foreign_name_with_torch_types_and_no_provider_is_listed(tmp_path: Path) -> None:
    found = verdict(tmp_path, "_ZN2my2opERN2at6TensorE")
    assert found.unresolved_symbols == ("my::op(at::Tensor&)",)


def test_weak_imports_are_optional(tmp_path: Path) -> None:
    found = verdict(tmp_path, weak=("_ZN3c101wEv", SHIM))
    assert found.label == "NO-TORCH"
    assert found.weak_symbols == ("c10::w()", SHIM)


def test_a_header_only_name_that_is_undefined_is_a_finding(tmp_path: Path) -> None:
    gcc(source(["_ZN5torch6stable6DeviceC1EPKc"]), tmp_path / "x.so")
    report = inspect_package(tmp_path)
    assert judged(report.libraries[0]).label == "NO-TORCH"
    (finding,) = report.findings
    assert finding.rule == "T103"
    assert finding.evidence == ("torch::stable::Device::Device(char const*)",)


def test_what_a_sibling_provides_is_not_libtorchs(tmp_path: Path) -> None:
    names = ["_ZN2my2opERN2at6TensorE", "torch_my_own_func", "_ZN2at6custom3runEv", "PyWcsprm_new"]
    gcc(source(names), tmp_path / "user.so")
    gcc(source(exports=names), tmp_path / "provider.so")
    reports = {one.path.name: one for one in inspect_package(tmp_path).libraries}
    found = judged(reports["user.so"])
    assert found.label == "NO-TORCH"
    assert found.unknown_shim_symbols == ()
    assert found.unresolved_symbols == ()
    assert found.header_evidence == ("at::custom::run()", "my::op(at::Tensor&)")


def test_a_siblings_hidden_name_provides_nothing(tmp_path: Path) -> None:
    gcc(source(["_ZN2at6custom3runEv"]), tmp_path / "user.so")
    gcc(source(exports=["_ZN2at6custom3runEv"]).replace('"default"', '"hidden"'), tmp_path / "p.so")
    reports = {one.path.name: one for one in inspect_package(tmp_path).libraries}
    assert judged(reports["user.so"]).label == "UNSTABLE"


def test_libtorch_itself_is_no_sibling(tmp_path: Path) -> None:
    # the torch distribution audits itself: what its libraries take from one another is unstable
    package = tmp_path / "torch"
    gcc(source([UNSTABLE]), package / "lib" / "libtorch_cpu.so")
    gcc(source(exports=[UNSTABLE]), package / "lib" / "libc10.so")
    (package / "version.py").write_text("__version__ = '2.11.0'\n")
    reports = {one.path.name: one for one in inspect_package(package).libraries}
    assert judged(reports["libtorch_cpu.so"]).label == "UNSTABLE"


def test_in_torch_itself_others_provide_what_is_theirs_alone(tmp_path: Path) -> None:
    package = tmp_path / "torch"
    theirs = "_ZN3foo3barERKN2at6TensorE"  # foo::bar(at::Tensor const&)
    gcc(source([UNSTABLE, theirs]), package / "lib" / "libtorch_cpu.so")
    gcc(f"void {theirs}(void) {{}} void {UNSTABLE}(void) {{}}", package / "lib" / "libother.so")
    install(tmp_path, "torch", {"torch/__init__.py": ""})
    report = inspect_package(package)
    cpu = judged(next(one for one in report.libraries if one.name == "libtorch_cpu.so"))
    assert [name.partition("(")[0] for name in cpu.unstable_symbols] == [
        "c10::detail::torchCheckFail"
    ]
    assert cpu.header_evidence == ("foo::bar(at::Tensor const&)",)
    assert cpu.unresolved_symbols == ()


def test_a_bundled_copy_of_libtorch_is_a_finding(tmp_path: Path) -> None:
    gcc(source([UNSTABLE]), tmp_path / "pkg" / "_C.so")
    gcc(source(exports=[UNSTABLE]), tmp_path / "pkg" / "libs" / "libc10-e03523b3.so")
    report = inspect_package(tmp_path / "pkg")
    assert report.torch_verdict == "no-torch"
    assert [(one.rule, one.library) for one in report.findings] == [
        ("T102", "libs/libc10-e03523b3.so")
    ]


# Shims and floors ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shim", "floor"),
    [
        ("aoti_torch_cuda_caching_allocator_raw_alloc", "2.10.0"),
        ("torch_call_dispatcher", "2.10.0"),
        ("aoti_torch_get_dim", "2.9.0"),  # older than the stable ABI, which begins with 2.9
        ("aoti_record_function_start", "2.9.0"),  # matches no prefix rule
        ("aoti_torch_mps_nonzero_static", "2.12.0"),  # its guard says 2.11
    ],
)
def test_the_floor_is_the_first_wheel_that_declares_a_shim(
    tmp_path: Path, shim: str, floor: str
) -> None:
    found = verdict(tmp_path, shim)
    assert (found.label, found.min_torch_version) == ("STABLE", floor)


def test_the_newest_shim_sets_the_floor(tmp_path: Path) -> None:
    found = verdict(tmp_path, SHIM, "torch_call_dispatcher", "torch_library_impl")
    assert found.stable_shim_count == 3
    assert found.min_torch_version == "2.10.0"
    assert found.version_defining_symbols == ("torch_call_dispatcher", "torch_library_impl")


def test_an_unknown_shim_is_visible_and_makes_the_floor_a_lower_bound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gcc(source(["torch_shim_of_the_future", "torch_call_dispatcher"]), tmp_path / "x.so")
    report = inspect_package(tmp_path)
    assert report.torch_verdict == "torch-stable"
    assert judged(report.libraries[0]).unknown_shim_symbols == ("torch_shim_of_the_future",)
    main([str(tmp_path)])
    out = capsys.readouterr().out
    assert "Min torch:   >=2.10.0" in out
    assert "(stable_shim=1, unstable=0)  min-torch>=2.10.0 unknown_shim=1" in out


def test_the_dynamo_entry_is_no_shim(tmp_path: Path) -> None:
    found = verdict(tmp_path, "torch_c_dynamo_eval_frame_init")
    assert found.label == "UNSTABLE"
    assert found.internal_symbols == ("torch_c_dynamo_eval_frame_init",)


def test_an_unstable_package_has_no_floor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gcc(source([SHIM, UNSTABLE]), tmp_path / "x.so")
    gcc(source([SHIM]), tmp_path / "y.so")
    main([str(tmp_path)])
    assert "Min torch:   n/a" in capsys.readouterr().out


# Names that are not text --------------------------------------------------------------------------


def test_hostile_names_are_escaped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "_ZN3c106hostilexxxxxxxxxxxxE"
    data = gcc(source([UNSTABLE, name]), tmp_path / "made" / "x.so").read_bytes()
    bad = b"_ZN3c10\xff\x1b[31m\x07\x9b" + name[14:].encode()
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "x\x1b[2J.so").write_bytes(data.replace(name.encode(), bad[: len(name)]))
    for words in ([], ["-v"], ["--json"]):
        assert main([str(tmp_path / "pkg"), *words]) == 0
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert "\x07" not in out
    assert r"\x1b[2J.so" in json.loads(out)["bundled_libs"][0]["path"]


# CPython ------------------------------------------------------------------------------------------


def cpython(path: Path) -> tuple[str, tuple[str, ...], str | None]:
    found = inspect_extension(path).cpython
    assert found is not None
    return str(found.label), found.violations, found.min_python


@pytest.mark.parametrize(
    ("filename", "names", "expected"),
    [
        ("m.abi3.so", ["PyLong_FromLong"], ("abi3-ok", (), "3.2")),
        ("m.abi3.so", ["_Py_NoneStruct", "_Py_Dealloc"], ("abi3-ok", (), "3.2")),
        ("m.abi3.so", ["PyBuffer_Release"], ("abi3-ok", (), "3.11")),
        ("m.abi3t.so", ["PyLong_FromLong"], ("abi3-ok", (), "3.2")),
        ("m.abi3-x86_64-linux-gnu.so", ["PyLong_FromLong"], ("abi3-ok", (), "3.2")),
        ("libm.abi3.so.6.12", ["PyLong_FromLong"], ("abi3-ok", (), "3.2")),
        ("libm.abi3.6.12.dylib", ["PyLong_FromLong"], ("abi3-ok", (), "3.2")),
        ("m.abi3.so", ["_PyLong_Sign"], ("abi3-tagged-violations", ("_PyLong_Sign",), None)),
        ("m.abi3.so", ["PyErr_SetFromWindowsErr"],
         ("abi3-tagged-violations", ("PyErr_SetFromWindowsErr",), None)),
        ("m.abi3.so", [SHIM], ("abi3-tagged-no-capi", (), None)),
        ("m.so", ["_PyLong_Sign"], ("uses-private-api", ("_PyLong_Sign",), None)),
        ("m.so", ["PyUnicode_AsUTF8", "PyLong_FromLong"],
         ("uses-private-api", ("PyUnicode_AsUTF8",), "3.2")),
        ("m.so", ["PyLong_FromLong"], ("not-abi3", (), "3.2")),
        ("m.so", [], ("not-abi3", (), None)),
        ("m.so", ["PyVTKObject_New", "PySide_init", "PyPyLong_X", "PyWcsprm_new", "Pyfoo"],
         ("not-abi3", (), None)),
        ("m.so", ["_ZN9PyWrapper3runEv"], ("not-abi3", (), None)),
    ],
)  # fmt: skip
def test_cpython_labels(
    tmp_path: Path, filename: str, names: list[str], expected: tuple[str, tuple[str, ...], str]
) -> None:
    assert cpython(gcc(source(names), tmp_path / filename)) == expected


def test_limited_names_without_a_claim_are_not_called_ok(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gcc(source(["PyObject_CallNoArgs"], exports=["PyInit_m"]), tmp_path / "m.so")
    report = inspect_package(tmp_path)
    assert report.cpython_verdict == "not-abi3"
    main([str(tmp_path), "-v"])
    assert "imports only Limited API names (floor 3.10)" in capsys.readouterr().out


@pytest.mark.parametrize("entry", ["PyInit_m", "PyInitU_m", "PyModExport_m", "PyModExportU_m"])
def test_entry_points_make_an_extension(tmp_path: Path, entry: str) -> None:
    gcc(source(["PyLong_FromLong"], exports=[entry]), tmp_path / "m.abi3.so")
    gcc(source(["PyLong_FromLong"], exports=["not_" + entry]), tmp_path / "lib.so")
    report = inspect_package(tmp_path)
    assert [one.path.name for one in report.extensions] == ["m.abi3.so"]
    assert [one.path.name for one in report.bundled_libs] == ["lib.so"]
    assert report.cpython_verdict == "abi3-compliant"


# Other formats ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "filename", "flags"),
    [
        ("aarch64-macos", "m.abi3.so", ["-Wl,-undefined,dynamic_lookup", "-nostdlib"]),
        ("x86_64-macos", "m.abi3.so", ["-Wl,-undefined,dynamic_lookup", "-nostdlib"]),
        ("s390x-linux-musl", "m.abi3.so", ["-nostdlib"]),
    ],
)
def test_foreign_formats_get_the_same_verdict(
    tmp_path: Path, target: str, filename: str, flags: list[str]
) -> None:
    under = "_" if "macos" in target else ""
    names = [under + name for name in (SHIM, UNSTABLE, "PyLong_FromLong")]
    path = zig(source(names), tmp_path / filename, target, *flags)
    report = inspect_extension(path)
    found = judged(report)
    assert (found.label, found.stable_shim_count, len(found.unstable_symbols)) == ("UNSTABLE", 1, 1)
    assert report.cpython is not None
    assert report.cpython.label == "abi3-ok"


def test_the_worst_slice_of_a_universal_file_is_its_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ("-Wl,-undefined,dynamic_lookup", "-nostdlib")
    thin = [
        zig(source(["_" + name]), tmp_path / target, target, *flags).read_bytes()
        for target, name in (("aarch64-macos", SHIM), ("x86_64-macos", UNSTABLE))
    ]
    kinds = ((0x0100000C, 0), (0x01000007, 3))
    offset, entries, body = 0x4000, b"", b""
    for (cpu, sub), data in zip(kinds, thin, strict=True):
        entries += struct.pack(">5I", cpu, sub, offset + len(body), len(data), 14)
        body += data + bytes(-len(data) % 0x4000)
    (tmp_path / "pkg").mkdir()
    header = struct.pack(">2I", 0xCAFEBABE, 2) + entries
    (tmp_path / "pkg" / "fat.dylib").write_bytes(header.ljust(offset, b"\0") + body)
    (report,) = inspect_package(tmp_path / "pkg").libraries
    assert judged(report).label == "UNSTABLE"
    assert [(one.arch, one.torch.label) for one in report.slices] == [
        ("arm64", "STABLE"),
        ("x86_64", "UNSTABLE"),
    ]
    main([str(tmp_path / "pkg")])
    assert "slices=arm64:STABLE,x86_64:UNSTABLE" in capsys.readouterr().out


def test_variants_for_torch_releases_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = gcc(source([UNSTABLE]), tmp_path / "made.so")
    for name in ("torch-2.10/_C.so", "torch-2.9/_C.so", "x_torch211.so", "x.so.pt112cu116"):
        target = tmp_path / "pkg" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(made, target)
    main([str(tmp_path / "pkg")])
    out = capsys.readouterr().out
    assert "Note: ships variants for torch 1.12, 2.9, 2.10, 2.11" in out
    assert "x_torch211.so  (stable_shim=0, unstable=1)  variant=torch-2.11" in out
