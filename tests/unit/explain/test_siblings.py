"""Kinds of failures in other words, libraries and systems than those of the public cases."""

from __future__ import annotations

import re

import pytest

from torch_abi_audit.explain.explanation import Cause, Explanation, Fails, Installed
from torch_abi_audit.explain.question import explain
from torch_abi_audit.explain.reading.native import is_native

MISSING = "cannot open shared object file: No such file or directory"
PROGRAM = "error while loading shared libraries"


def said(answer: Explanation) -> str:
    return "\n".join((*answer.is_a, *answer.why, *answer.advice, *answer.unknown))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"./example-app: {PROGRAM}: libtorch_cuda.so: {MISSING}", "-rpath"),
        (f"target/debug/app: {PROGRAM}: libtorch_cpu.so: {MISSING}", "LD_LIBRARY_PATH"),
        (f"/v/build/main: {PROGRAM}: libcudart.so.12: {MISSING}", "CUDA toolkit"),
        (f"java.lang.UnsatisfiedLinkError: /tmp/a.so: libtorch_cpu.so: {MISSING}", "-rpath"),
        ("The code execution cannot proceed because c10.dll was not found.", "PATH"),
        ("dyld[7]: Library not loaded: @rpath/libc10.dylib\n  Referenced from: /v/app", "DYLD"),
    ],
)
def test_a_program_that_is_not_python_cannot_import_torch(text: str, words: str) -> None:
    answer = explain(text)
    assert answer.causes[0] in (Cause.SEARCH_PATH, Cause.NOT_INSTALLED)
    assert words in said(answer)
    assert "import torch" not in said(answer)
    assert "torch was not imported" not in said(answer)


@pytest.mark.parametrize(
    ("text", "file"),
    [
        (f"python3.11: {PROGRAM}: libpython3.11.so.1.0: {MISSING}", "python3.11"),
        ("dyld[7]: Library not loaded: @rpath/x", "/v/lib/python3.9/lib-dynload/_ssl.so"),
        ("ImportError: dlopen(/v/x.so, 2): Library not loaded: @rpath/libc10.dylib", "/v/x.so"),
    ],
)
def test_a_python_is_recognised_beside_words_of_programs(text: str, file: str) -> None:
    assert not is_native(text, text, file)


@pytest.mark.parametrize(
    ("before", "name", "cause", "fails"),
    [
        ("", "libgomp-a34b3233.so.1", Cause.INCOMPLETE_BUILD, Fails.EXTENSION),
        ('  File "/v/site-packages/torchvision/__init__.py", line 5, in <module>\n',
         "libcudart.faf08d9a.so.13", Cause.INCOMPLETE_BUILD, Fails.EXTENSION),
        ('  File "/v/site-packages/torch/__init__.py", line 5, in <module>\n',
         "libnvToolsExt-24de1d56.so.1", Cause.MIXED, Fails.TORCH),
    ],
)  # fmt: skip
def test_no_other_copy_replaces_one_renamed_by_repair(
    before: str, name: str, cause: Cause, fails: Fails
) -> None:
    answer = explain(f"{before}ImportError: {name}: {MISSING}")
    assert (answer.causes[0], answer.fails) == (cause, fails)
    assert "reinstall" in answer.advice[0]


@pytest.mark.parametrize(
    ("found", "version", "needs", "words"),
    [
        ("/usr/lib/x86_64-linux-gnu/libssl.so.3", "OPENSSL_3.2.0", "/v/site-packages/x/_C.so",
         "put the lib directory"),
        ("/opt/mpi/lib/libmpi.so.40", "OMPI_5.0", "/v/site-packages/torch/lib/libtorch_cpu.so",
         "off LD_LIBRARY_PATH"),
        ("/opt/rocm/lib/libamdhip64.so.5", "hip_6.0", "/v/site-packages/torch/lib/libc10_hip.so",
         "hip_6.0"),
        ("/usr/local/cuda/lib64/libcublas.so.12", "libcublas.so.12", "/v/site-packages/x.so",
         "a newer libcublas.so.12"),
    ],
)  # fmt: skip
def test_a_version_of_any_library(found: str, version: str, needs: str, words: str) -> None:
    answer = explain(f"ImportError: {found}: version `{version}' not found (required by {needs})")
    assert answer.causes[0] is Cause.OTHER_COPY
    assert answer.file == needs
    assert words in said(answer)


@pytest.mark.parametrize(
    ("text", "platform", "wrong"),
    [
        ("x.so: undefined symbol: _ZNK2at10TensorBase8data_ptrIxEEPT_v", "linux", "long long"),
        ("symbol not found in flat namespace '__ZNK2at10TensorBase8data_ptrIlEEPT_v'", "macos",
         "long"),
        (("LNK2001: unresolved external symbol "
         "\"long * at::TensorBase::item<long>(void)\" (??$item@J@TensorBase@at@@QEBAJXZ)"),
         "windows", "long"),
    ],
)  # fmt: skip
def test_int64_is_another_type_on_each_system(text: str, platform: str, wrong: str) -> None:
    answer = explain(text)
    assert answer.causes == (Cause.INCOMPLETE_BUILD,), platform
    assert answer.advice == (
        f"write int64_t (or uint64_t) in the source in place of {wrong}, and rebuild it",
    )


@pytest.mark.parametrize(
    ("path", "formula"),
    [("/opt/homebrew/opt/libomp/lib/libomp.dylib", "libomp"),
     ("/usr/local/opt/openssl@1.1/lib/libssl.1.1.dylib", "openssl@1.1"),
     ("/usr/local/Cellar/ffmpeg/6.0/lib/libavutil.58.dylib", "ffmpeg")],
)  # fmt: skip
def test_a_path_of_homebrew_names_what_to_install(path: str, formula: str) -> None:
    answer = explain(f"ImportError: dlopen(/v/x.so, 2): Library not loaded: {path}")
    assert answer.causes[0] is Cause.NOT_INSTALLED
    assert answer.advice[0] == f"brew install {formula}"


def test_debian_s_packages_are_for_linux_only() -> None:
    macos = "ImportError: dlopen(/v/x.so, 2): Library not loaded: @rpath/libpng16.16.dylib"
    assert "apt-get" not in said(explain(macos))
    assert "apt-get install libpng16-16" in said(explain(f"ImportError: libpng16.so.16: {MISSING}"))


@pytest.mark.parametrize(
    "text",
    [
        "/usr/bin/ld: kann -lc10_cuda nicht finden: Datei oder Verzeichnis nicht gefunden",
        'LINK : fatal error LNK1104: Datei "torch_cuda.lib" kann nicht geöffnet werden.',
        "LINK : fatal error LNK1181: 无法打开输入文件“c10_cuda.lib”",
        "ld: library not found for -ltorch_cuda",
    ],
)
def test_a_cpu_torch_has_no_library_for_cuda(text: str) -> None:
    assert explain(text).causes[0] is Cause.CPU_TORCH
    for_cuda = explain(text, Installed("2.9.0+cu128", "12.8"))
    assert Cause.CPU_TORCH not in for_cuda.causes


def test_one_message_is_not_told_in_parts() -> None:
    answer = explain("OSError: [WinError 127] The specified procedure could not be found")
    assert answer.others == ()
    text = "FFmpeg version 8: Could not load this library: /v/libtorchcodec_core8.so"
    two = explain(f"{text}\n{text.replace('8', '7')}")
    assert two.file == "/v/libtorchcodec_core7.so"
    assert len(two.others) == 1


def test_torch_itself_is_not_told_to_import_torch() -> None:
    text = (
        '  File "c:\\v\\lib\\site-packages\\torch\\__init__.py", line 79, in <module>\n'
        "    from torch._C import *\n"
        "ImportError: DLL load failed: Une routine d\u2019initialisation d\u2019une bibliothèque "
        "de liens dynamiques (DLL) a échoué."
    )
    answer = explain(text)
    assert answer.fails is Fails.TORCH
    assert not re.search(r"import torch (?:first|before)", said(answer))
    faulty = explain(
        ">>> import torch\n    from torch._C import *\nImportError: dynamic module does not define "
        "module export function (PyInit__C)"
    )
    assert faulty.fails is Fails.TORCH
    assert "load_library" not in said(faulty)


def test_a_torch_outside_of_python_s_packages() -> None:
    stray = explain(
        "ImportError: /v/libtorch/lib/libtorch_python.so: undefined symbol: PyCMethod_New"
    )
    assert Cause.OTHER_COPY in stray.causes
    assert "take /v/libtorch/lib off LD_LIBRARY_PATH" in stray.advice[0]
    of_a_distribution = explain(
        "ImportError: /usr/lib64/libtorch_python.so: undefined symbol: PyCMethod_New"
    )
    assert "/usr/lib64 off" not in said(of_a_distribution)


def test_another_signature_is_not_taken_for_the_missing_one() -> None:
    missing = "c10::Error::Error(c10::SourceLocation, std::string const&, int, int)"
    answer = explain(f"x.cpp:(.text+0x9): undefined reference to `{missing}'")
    assert answer.subject == missing
    assert answer.causes[0] is Cause.OLD_STRING
    assert answer.history is not None
    assert answer.history.releases == ()
    assert answer.history.instead


def test_a_version_that_only_the_linker_misses() -> None:
    answer = explain(
        "/v/libtorch/lib/libtorch_cpu.so: undefined reference to "
        "`std::logic_error::logic_error(char const*)@GLIBCXX_3.4.21'"
    )
    assert answer.causes[0] is Cause.OLD_SYSTEM
    assert answer.file == "/v/libtorch/lib/libtorch_cpu.so"
    assert "GCC 5" in said(answer)
