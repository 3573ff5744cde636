"""``explain --with``: the failing library and the installed torch, on the command line."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.toolchain import gcc
from torch_abi_audit.cli import main

if TYPE_CHECKING:
    from pathlib import Path

NAME = "_ZN3c104cuda29c10_cuda_check_implementationEiPKcS2_ib"
WINDOWS = (
    "ImportError: DLL load failed while importing _C: The specified procedure could not be found."
)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    text = f"extern void {NAME}(void); void use(void) {{ {NAME}(); }}"
    return gcc(text, tmp_path / "_C.so", torch=("libtorch.so",))


def explained(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    assert main(["explain", *map(str, words), "--json"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_the_version_pair(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = explained(
        capsys, f"_C.so: undefined symbol: {NAME}", "--with", library, "--torch", "2.10.0"
    )
    assert answer["causes"][0] == "built-for-another-torch"
    assert answer["advice"][0].startswith("install torch==2.9.1, or a build of")
    assert "loads on torch 2.10.0: no" in answer["at_hand"]
    assert any("_C.so needs c10::cuda::c10_cuda_check" in one for one in answer["why"])


@pytest.mark.parametrize("torch", [(), ("--torch", "2.9.0")])
def test_a_library_that_lacks_a_link(
    torch: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = f"extern void {NAME}(void); void use(void) {{ {NAME}(); }}"
    plain = gcc(text, tmp_path / "_C.so", torch=())
    answer = explained(capsys, f"_C.so: undefined symbol: {NAME}", "--with", plain, *torch)
    assert answer["causes"] == ["not-linked-to-torch"]
    assert answer["advice"] == ["link _C.so with -lc10_cuda"]


def test_windows_names_nothing_and_the_library_does(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = explained(capsys, WINDOWS, "--torch", "2.10.0")
    assert any("Windows does not say" in one for one in alone["unknown"])
    beside = explained(capsys, WINDOWS, "--with", library, "--torch", "2.10.0")
    assert beside["causes"] == ["built-for-another-torch"]
    assert not any("Windows does not say" in one for one in beside["unknown"])


def test_a_library_that_does_not_need_the_name(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = explained(
        capsys,
        "x: undefined symbol: _ZN3c104warnERKNS_7WarningE",
        "--with",
        library,
        "--torch",
        "2.9.0",
    )
    assert any("none in _C.so imports it" in one for one in answer["unknown"])
    assert "loads on torch 2.9.0: yes" in answer["at_hand"]


def test_a_library_without_torch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = gcc("int f(void) { return 1; }", tmp_path / "plain.so")
    answer = explained(capsys, "torch_call_dispatcher", "--with", plain)
    assert "plain.so imports no symbol of torch" in answer["at_hand"]


def test_standard_input_text_and_markdown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"Traceback …\nx.so: undefined symbol: {NAME}\n"))
    assert main(["explain", "-", "--torch", "2.10.0"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("c10::cuda::c10_cuda_check_implementation(int, char const*, char const*")
    assert "  likely cause:  built for another torch [built-for-another-torch]\n" in text
    assert "  missing in:    torch 2.10.0 to 2.15.0\n" in text
    assert main(["explain", "T101", "--markdown"]) == 0
    assert capsys.readouterr().out.startswith("### `T101 unstable-torch-symbols`\n\n- **what**: ")


def test_wrong_use_and_wrong_targets(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["explain", " "])
    assert ended.value.code == 2
    capsys.readouterr()
    assert main(["explain", "T101", "--with", "/no/such/file"]) == 2
    assert "no such file" in capsys.readouterr().err


def test_the_installed_torch_is_found_and_not_imported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise SystemExit('imported')\n")
    (tmp_path / "torch" / "version.py").write_text(
        "from typing import Optional\n__version__ = '2.13.0+cu130'\ncuda: Optional[str] = '13.0'\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    answer = explained(capsys, "libcudart.so.12: cannot open shared object file: No such file")
    assert answer["at_hand"] == ["the installed torch is 2.13.0+cu130 (CUDA 13.0)"]


def test_the_variant_that_is_used_with_the_installed_torch(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newer = NAME.removesuffix("ib") + "jb"
    for file, name in (("ep_2_9_1", NAME), ("ep_2_10_0", newer)):
        text = f"extern void {name}(void); void use(void) {{ {name}(); }}"
        path = tmp_path / f"p/{file}.cpython-312-x86_64-linux-gnu.so"
        gcc(text, path, torch=("libtorch.so",))
    error = f"ep_2_9_1.so: undefined symbol: {NAME}"
    answer = explained(capsys, error, "--with", tmp_path / "p", "--torch", "2.10.0")
    assert "p finds all its symbols in torch 2.9.1, 2.10.0" in answer["at_hand"]
    assert "loads on torch 2.10.0: yes" in answer["at_hand"]
    used = "the variant for torch 2.10.0 (ep_2_10_0.cpython-312-x86_64-linux-gnu.so)"
    assert f"used with torch 2.10.0: {used}" in answer["at_hand"]
    assert not any("ep_2_9_1.cpython" in one for one in answer["why"])


def test_a_library_that_the_package_contains_lacks_an_rpath(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    helper = tmp_path / "p" / "libs" / "libhelper.so.1"
    gcc("int help(void) { return 1; }", helper, "-Wl,-soname,libhelper.so.1")
    user = tmp_path / "p" / "ext" / "_C.so"
    linked = ("-x", "none", str(helper))
    gcc("int help(void); int use(void) { return help(); }", user, *linked)
    error = "ImportError: libhelper.so.1: cannot open shared object file: No such file or directory"
    answer = explained(capsys, error, "--with", tmp_path / "p")
    assert answer["causes"] == ["not-on-search-path"]
    assert any("it has no RPATH" in one for one in answer["why"])
    assert "$ORIGIN/../libs" in answer["advice"][0]


def test_a_symbol_of_nobody_is_not_said_to_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "extern void aoti_torch_check(void); extern void my_kernel(void);\n"
    text += "void use(void) { aoti_torch_check(); my_kernel(); }"
    library = gcc(text, tmp_path / "_C.so", torch=("libtorch.so",))
    error = "_C.so: undefined symbol: my_kernel"
    answer = explained(capsys, error, "--with", library, "--torch", "2.13.0")
    assert answer["causes"][0] == "incomplete-build"
    assert not any(one.startswith("loads on torch") for one in answer["at_hand"])
    assert any("but not my_kernel" in one for one in answer["at_hand"])


def test_a_target_of_which_nothing_can_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "_C.so").write_bytes(b"\x7fELF damaged")
    words = ["explain", f"_C.so: undefined symbol: {NAME}", "--with", str(tmp_path / "_C.so")]
    assert main(words) == 2
    assert "_C.so" in capsys.readouterr().err
