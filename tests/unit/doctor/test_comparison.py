"""The packages that an error's text names, and the same failure in another environment."""

from __future__ import annotations

import pytest

from torch_abi_audit.doctor.comparison import compared, names_in
from torch_abi_audit.doctor.diagnosis import Examined, Problem, Status
from torch_abi_audit.doctor.process import Failure, Refusal
from torch_abi_audit.explain.explanation import Explanation

TORCH = Examined("torch", Status.LOADS)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('File "/a/site-packages/torchaudio/_extension/utils.py", line 56, in x', ["torchaudio"]),
        (r"C:\Python\Lib\site-packages\torchvision\_C.pyd", ["torchvision"]),
        ("/usr/lib/python3/dist-packages/ext/_C.so: undefined symbol: x", ["ext"]),
        (
            "ImportError: DLL load failed while importing flash_attn_2_cuda: x",
            ["flash_attn_2_cuda"],
        ),
        ("ModuleNotFoundError: No module named 'ext._C'", ["ext"]),
        ("ImportError: cannot import name '_C' from 'ext' (/x/__init__.py)", ["ext"]),
        (
            "a/site-packages/one/x.py\nb/site-packages/torch/y.py\nc/site-packages/two/z",
            ["one", "two"],
        ),
        ("a/site-packages/torch/lib/libtorch_cpu.so: undefined symbol: x", []),
        ("undefined symbol: x", []),
    ],
)
def test_the_packages_that_a_text_names(text: str, names: list[str]) -> None:
    assert names_in(text) == names


def failing(failure: Failure, **more: object) -> Examined:
    problem = Problem(failure.text, failure, advice=("do this",), **more)  # type: ignore[arg-type]
    return Examined("ext", Status.FAILS, problem=problem)


SYMBOL = Failure("/b/ext.so: undefined symbol: _Zx", Refusal.NO_SYMBOL, "/b/ext.so", symbol="_Zx")
LIBRARY = Failure("libx.so.1: cannot open", Refusal.NO_LIBRARY, "/b/ext.so", library="libx.so.1")
VERSION = Failure(
    "libx.so.1: version `V2' not found (required by /b/ext.so)",
    Refusal.NO_VERSION,
    "/b/ext.so",
    version="V2",
    library="libx.so.1",
)


@pytest.mark.parametrize(
    ("failure", "text", "same"),
    [
        (SYMBOL, "/a/ext.so: undefined symbol: _Zx", True),
        (SYMBOL, "/a/ext.so: undefined symbol: _Zy", False),
        (LIBRARY, "ImportError: libx.so.1: cannot open shared object file: gone", True),
        (LIBRARY, "ImportError: liby.so.1: cannot open shared object file: gone", False),
        (VERSION, "/a/libx.so.1: version `V2' not found (required by /a/ext.so)", True),
        (VERSION, "/a/libx.so.1: version `V3' not found (required by /a/ext.so)", False),
    ],
)
def test_whether_it_is_the_same_failure(failure: Failure, text: str, same: bool) -> None:
    answer = compared(Explanation("x", "error"), text, TORCH, [failing(failure)])
    expected = "the same failure here" if same else "import ext fails here, but with another error"
    assert answer.here[0].startswith(expected)
    assert (answer.advice == ("do this",)) is same


def test_a_failure_that_ends_an_import_comes_before_one_that_does_not() -> None:
    part = Examined("part", Status.PARTLY, parts=(Problem(LIBRARY.text, LIBRARY),))
    answer = compared(Explanation("x", "error"), LIBRARY.text, TORCH, [part, failing(LIBRARY)])
    assert answer.here[0].startswith("the same failure here: import ext opens")
    assert answer.here[0].endswith("; also in part")


def test_nothing_fails_here() -> None:
    fine = Examined("ext", Status.LOADS, unknown=("What a file needs is not known.",))
    answer = compared(Explanation("x", "error", advice=("as before",)), "x", TORCH, [fine])
    assert answer.here[0].startswith("import of torch, ext does not fail here")
    assert answer.advice == ("as before",)
    assert answer.unknown == ("What a file needs is not known.",)


def test_torch_itself_fails_first() -> None:
    torch = Examined("torch", Status.FAILS, problem=Problem(LIBRARY.text, LIBRARY))
    answer = compared(Explanation("x", "error"), "undefined symbol: _Zx", torch, [])
    assert answer.here[0].startswith("import torch fails here, but with another error first")
