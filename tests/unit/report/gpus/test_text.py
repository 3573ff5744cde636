"""The answers of ``gpus`` as text and Markdown, rendered from constructed values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.support.gpu_values import kernels, with_gpus
from tests.support.metadata_values import judged
from torch_abi_audit.gpus.answer import Answer, Library, Survey
from torch_abi_audit.gpus.survey import answer
from torch_abi_audit.judges.arch_list import Adding, LeftOut
from torch_abi_audit.judges.gpus import runs, together
from torch_abi_audit.knowledge.gpus import every_generation, gpu, gpu_of
from torch_abi_audit.model.binary import Format
from torch_abi_audit.model.device_code import DeviceCode, Driver, KernelSet, PackageCode
from torch_abi_audit.model.gpus import Gpu, Run, Runs
from torch_abi_audit.report.gpus.limits import to_add
from torch_abi_audit.report.gpus.phrases import drivers, failures, hindrance, spans, summary
from torch_abi_audit.report.rendering import Detail, render
from torch_abi_audit.report.style import COLOUR

ASKED = tuple(map(gpu_of, ("sm_75", "sm_80", "sm_89", "sm_90", "sm_120")))


def made(
    name: str, *libraries: tuple[str, DeviceCode], gpus: tuple[Gpu, ...] = ASKED, asked: bool = True
) -> Answer:
    """A package of libraries by name, without the facts that its metadata would say."""
    rows = tuple(
        Library(path, code, tuple(runs(code, one) for one in gpus)) for path, code in libraries
    )
    every = tuple(together(one.runs[at] for one in rows) for at in range(len(gpus)))
    return Answer(name, f"/w/{name}.whl", gpus, rows, every if rows else (), "1.0", asked=asked)


def text(*answers: Answer, directory: str | None = None, **detail: object) -> str:
    return render("gpus", "text", Survey(answers, directory), Detail(**detail))  # type: ignore[arg-type]


def markdown(*answers: Answer, directory: str | None = None, **detail: object) -> str:
    return render("gpus", "markdown", Survey(answers, directory), Detail(**detail))  # type: ignore[arg-type]


# --- one package ---------------------------------------------------------------------------------


def test_a_package_with_two_libraries() -> None:
    one = made(
        "demo",
        ("demo/_C.so", kernels("40x sm_80 sm_90 compute_90", "3x sm_90a")),
        ("demo/_ops.so", kernels("sm_75 sm_80", "2x sm_80")),
        gpus=every_generation(),
        asked=False,
    )
    assert text(one) == (
        "Package: demo 1.0\n"
        "  Root:      /w/demo.whl\n"
        "  Runs on:   A100 to L4/RTX 40 (8.0 to 8.9); in part on T4/RTX 20 (7.5), H100/H200 "
        "to RTX 50 "
        "(9.0 to\n"
        "             12.0); not on V100 (7.0)\n"
        "\n"
        "        T4            A10     L4      H100\n"
        "  V100  RTX 20  A100  RTX 30  RTX 40  H200  B200  B300  RTX 50\n"
        "  7.0   7.5     8.0   8.6     8.9     9.0   10.0  10.3  12.0\n"
        "  no    no      yes   yes     yes     yes   JIT   JIT   JIT     demo/_C.so\n"
        "  no    some    yes   yes     yes     no    no    no    no      demo/_ops.so\n"
        "  no    some    yes   yes     yes     some  some  some  some    (the package)\n"
        "\n"
        "  Built for: sm_80, sm_90, sm_90a, compute_90 (_C.so)\n"
        "             sm_75, sm_80 (_ops.so)\n"
        "  Some:      _ops.so has nothing for such a GPU in 2 of 3 fatbins\n"
        "             whether other kernels serve there does not show (-v lists all)\n"
        "  Special:   kernels for sm_90a alone, which have to be chosen at run time: _C.so"
    )


def test_the_reason_for_each_gpu() -> None:
    code = kernels("40x sm_80 compute_80", "2x sm_90", "1x sm_75")
    one = made("demo", ("demo/_C.so", code))
    one = replace(one, code=PackageCode(drivers=(Driver("linux", 12, "525.60.13"),)))
    assert text(one) == (
        "Package: demo 1.0\n"
        "  Root:      /w/demo.whl\n"
        "  Runs on:   in part on T4/RTX 20 to RTX 50 (7.5 to 12.0)\n"
        "\n"
        "  T4/RTX 20 (7.5): some\n"
        "    some  demo/_C.so\n"
        "          sm_75 code; 42 of 43 fatbins have nothing for it: 40 for sm_80 "
        "compute_80, 2 for "
        "sm_90\n"
        "\n"
        "  A100 (8.0): some\n"
        "    some  demo/_C.so\n"
        "          sm_80 code; 3 of 43 fatbins have nothing for it: 2 for sm_90, 1 for sm_75\n"
        "\n"
        "  L4/RTX 40 (8.9): some\n"
        "    some  demo/_C.so\n"
        "          sm_80 code, which runs on 8.9 too; 3 of 43 fatbins have nothing for it: 2 for "
        "sm_90, 1 for\n"
        "          sm_75\n"
        "\n"
        "  H100/H200 (9.0): some\n"
        "    some  demo/_C.so\n"
        "          sm_90 code, and PTX of compute_80, which the driver compiles at first use (PTX "
        "8.7: driver\n"
        "          570.26 or newer); 1 of 43 fatbins has nothing for it: 1 for sm_75\n"
        "\n"
        "  RTX 50 (12.0): some\n"
        "    some  demo/_C.so\n"
        "          PTX of compute_80, which the driver compiles at first use (PTX 8.7: "
        "driver 570.26 "
        "or\n"
        "          newer); 3 of 43 fatbins have nothing for it: 2 for sm_90, 1 for sm_75\n"
        "\n"
        "  Built for: sm_75, sm_80, sm_90, compute_80\n"
        "  Driver:    525.60.13 or newer (CUDA 12)\n"
        "  Some:      _C.so has nothing for such a GPU in 1 to 42 of 43 fatbins\n"
        "             whether other kernels serve there does not show (-v lists all)"
    )


def test_verbose_lists_what_lacks_a_gpu() -> None:
    code = kernels("40x sm_80 sm_90 sm_120", "2x sm_90", "1x sm_90a")
    shown = text(made("demo", ("a/_C.so", code), ("b/_C.so", code)), verbose=True, columns=200)
    assert (
        "  Some:      a/_C.so on A100 (8.0), L4/RTX 40 (8.9), RTX 50 (12.0): 3 of 43 fatbins have "
        "nothing for it: 2 for sm_90, 1 for sm_90a\n"
    ) in shown
    assert "             b/_C.so: of 43 fatbins 1 for sm_90a" in shown


def test_files_of_one_name_are_told_by_their_paths() -> None:
    shown = text(made("demo", ("a/_C.so", kernels("sm_80")), ("b/_C.so", kernels("sm_90"))))
    assert "  Built for: sm_80 (a/_C.so)\n             sm_90 (b/_C.so)" in shown


def test_many_libraries_are_told_together() -> None:
    each = [(f"{n}.so", kernels(f"sm_80 sm_{n}")) for n in (75, 86, 89, 90)]
    one = replace(
        made("demo", *each), code=PackageCode(("sm_80",), ("sm_75", "sm_86", "sm_89", "sm_90"))
    )
    assert (
        "  Built for: sm_80\n"
        "             some of it: sm_75, sm_86, sm_89, sm_90\n"
        "             (-v lists the architectures of each library)"
    ) in text(one)
    assert "  Built for: sm_75, sm_80 (75.so)\n" in text(one, verbose=True)


def test_each_maker_has_its_table() -> None:
    one = made(
        "demo",
        ("a_cuda.so", kernels("sm_80")),
        ("b_rocm.so", kernels("gfx942")),
        ("c.so", kernels("gfx942 sm_80")),
        ("d.so", DeviceCode(problem="cut short")),
        gpus=tuple(map(gpu_of, ("sm_80", "sm_90", "gfx942"))),
    )
    assert text(replace(one, asked=False)).partition("\n\n")[2].partition("  Built")[0] == (
        "        H100\n"
        "  A100  H200\n"
        "  8.0   9.0\n"
        "  yes   no    a_cuda.so\n"
        "  yes   no    c.so\n"
        "  ?     ?     d.so\n"
        "  ?     ?     (the package)\n"
        "\n"
        "  MI300\n"
        "  gfx942\n"
        "  yes     b_rocm.so\n"
        "  yes     c.so\n"
        "  ?       d.so\n"
        "  ?       (the package)\n"
        "\n"
    )


def test_wide_tables_continue_below() -> None:
    one = made("demo", ("a_rather_long_name/_C.so", kernels("sm_80")))
    shown = text(replace(one, asked=False), columns=40)
    assert shown.partition("\n\n")[2].partition("  Built")[0] == (
        "  T4            L4      H100\n"
        "  RTX 20  A100  RTX 40  H200  RTX 50\n"
        "  7.5     8.0   8.9     9.0   12.0\n"
        "  no      yes   yes     no    no      a_rather_long_name/_C.so\n"
        "\n"
    )
    every = made("demo", ("x.so", kernels("sm_80")), gpus=every_generation(), asked=False)
    lines = text(every, columns=40).splitlines()
    assert sum(line.endswith("  x.so") for line in lines) == 2
    assert all(len(line.removesuffix("  x.so")) <= 40 for line in lines if "yes" in line)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "nothing to judge: no compiled library was found"),
        (
            {"others": 2},
            "no code for GPUs in 2 libraries (kernels that are made at run time do not show)",
        ),
        (
            {"others": 1, "noun": "file"},
            "no code for GPUs in 1 file (kernels that are made at run time do not show)",
        ),
        (
            {"others": 2, "unread": (("a.so", "cut short"),)},
            "not known: 1 library could not be read",
        ),
    ],
)
def test_no_code(changes: dict[str, Any], sentence: str) -> None:
    one = replace(made("demo"), **changes)
    assert f"  Runs on:   {sentence}" in text(one)
    assert text(one).count("no\n") == 0
    assert f"**Runs on**: {sentence}" in markdown(one)


def test_what_could_not_be_read_is_told() -> None:
    one = made("demo", ("a.so", replace(kernels("sm_80"), others=("LTO-IR for sm_90",))))
    shown = text(replace(one, unread=(("b.so", "cut short"),)))
    assert "; 1 library could not be read\n  Not read:  b.so: cut short\n" in " ".join(
        shown.split("\n             ")
    )
    assert shown.endswith("  Besides:   LTO-IR for sm_90: not judged")
    half = text(made("demo", ("a.so", kernels("sm_80", problem="unknown kind 77"))))
    assert "  Runs on:   not known\n" in half
    assert "          not all could be read: unknown kind 77\n" in half
    assert half.endswith("  Not read:  a.so: unknown kind 77")
    other = text(made("demo", ("a.so", DeviceCode(others=("LTO-IR for sm_90",)))))
    assert "          holds only LTO-IR for sm_90, which is not judged\n" in other


def test_alternatives_are_named() -> None:
    names = tuple(f"lib_cuda{n}.so" for n in (118, 121, 124, 128))
    one = made("demo", *((name, kernels("sm_80")) for name in names))
    one = replace(one, code=PackageCode(choices=(tuple((name,) for name in names),)))
    assert (
        "  Chosen:    one of these is used, and the best counts for the package: lib_cuda118.so,\n"
        "             lib_cuda121.so, lib_cuda124.so and 1 more"
    ) in text(one)


def test_drivers_of_each_cuda() -> None:
    code = PackageCode(
        toolkit="12.8",
        ptx_isa="8.7",
        drivers=(
            Driver("linux", 11, "450.80.02"),
            Driver("linux", 12, "525.60.13", "12.8", "570.26"),
            Driver("windows", 12, "528.33", "12.8", "570.65"),
            Driver("linux", 13, "580.65.06", "13.0", "580.65.06"),
        ),
    )
    shown = text(replace(made("demo", ("a.so", kernels("sm_80"))), code=code), columns=120)
    assert (
        "  CUDA:      12.8 or a later one, by its PTX 8.7\n"
        "  Driver:    450.80.02 or newer (CUDA 11)\n"
        "             525.60.13 (Linux), 528.33 (Windows) or newer (CUDA 12); 570.26 "
        "(Linux), 570.65 "
        "(Windows) or newer to\n"
        "             compile its PTX (of CUDA 12.8)\n"
        "             580.65.06 or newer (CUDA 13)"
    ) in shown
    told = replace(kernels("sm_80"), toolkits=("11.8", "12.10"))
    shown = text(replace(made("demo", ("a.so", told)), code=code))
    assert "  CUDA:      11.8 and 12.10; 13, of a release that the code does not tell\n" in shown


def test_the_torch_beside_it() -> None:
    report = judged(
        with_gpus("sm_60 sm_80 compute_80", needed=("libcudart.so.12",)),
        requires=("torch==2.9.1",),
    )
    shown = text(answer(report), columns=120)
    # torch.cuda.get_arch_list() of torch 2.9.1+cu128: sm_70 to sm_90, sm_100, sm_120
    assert (
        "  Torch:     2.9.1 (CUDA 12.8) runs on V100 to RTX 50 (7.0 to 12.0)\n"
        "             this package has nothing for V100 (7.0), T4/RTX 20 (7.5)\n"
        "             torch itself has nothing for P100 (6.0), P40/GTX 10 (6.1)\n"
        "             torch has machine code, where this package has only PTX, for H100/H200 "
        "to RTX 50 "
        "(9.0 to 12.0)\n"
        '  To add:    TORCH_CUDA_ARCH_LIST="6.0;7.0;8.0+PTX"\n'
        "             adds 7.0; needs CUDA older than 13.0"
    ) in shown


def test_builds_of_torch_that_differ() -> None:
    report = judged(
        with_gpus("sm_60 sm_80 sm_120", format=Format.PE),
        requires=("torch==2.9.1",),
        tags=("cp310-abi3-win_amd64",),
    )
    shown = text(answer(report), columns=140)
    # cu126 has sm_50 to sm_90, cu128 sm_70 to sm_120, cu130 sm_75 to sm_120
    assert (
        "  Torch:     2.9.1 (each build, for CUDA 12.6, 12.8 and 13.0) runs on T4/RTX 20 to "
        "H100/H200 (7.5 to 9.0)\n"
        "             this package has nothing for T4/RTX 20 (7.5), H100/H200 (9.0)\n"
        "  To add:"
    ) in shown


# --- several packages ----------------------------------------------------------------------------


def test_a_row_for_each_package() -> None:
    one = made("one", ("a.so", kernels("sm_80")), ("b.so", kernels("sm_80")))
    two = made("two", ("c.so", kernels("sm_80 compute_80")))
    assert text(one, two, made("three"), replace(two, root="D:\\w\\x.whl")) == (
        "  T4            L4      H100\n"
        "  RTX 20  A100  RTX 40  H200  RTX 50\n"
        "  7.5     8.0   8.9     9.0   12.0\n"
        "  no      yes   yes     no    no      one 1.0\n"
        "  no      yes   yes     JIT   JIT     two 1.0 (two.whl)\n"
        "  no      yes   yes     JIT   JIT     two 1.0 (x.whl)\n"
        "\n"
        "  one 1.0 on T4/RTX 20 (7.5): a.so and 1 more library: compiled only for sm_80\n"
        "  one 1.0 on H100/H200 (9.0): a.so and 1 more library: compiled only for sm_80\n"
        "  one 1.0 on RTX 50 (12.0): a.so and 1 more library: compiled only for sm_80\n"
        "  two 1.0 (two.whl) on T4/RTX 20 (7.5): c.so: compiled only for sm_80 and compute_80\n"
        "  two 1.0 (x.whl) on T4/RTX 20 (7.5): c.so: compiled only for sm_80 and compute_80\n"
        "  No code for GPUs: three 1.0"
    )
    verbose = text(one, two, verbose=True)
    assert "\n\nPackage: one 1.0\n" in verbose
    assert "\n\nPackage: two 1.0\n" in verbose


def test_an_environment() -> None:
    plain = {"gpus": (gpu_of("sm_80"),)}
    one = made("one", ("a.so", kernels("sm_80")), **plain)  # type: ignore[arg-type]
    nvidia = made("nvidia-nccl-cu12", ("n.so", kernels("sm_80")), **plain)  # type: ignore[arg-type]
    none = made("numpy", **plain)  # type: ignore[arg-type]
    assert text(one, nvidia, none, directory="/site") == (
        "Site-packages: /site\n\n  A100\n  8.0\n  yes   one 1.0\n\n"
        "  NVIDIA's own: nvidia-nccl-cu12 1.0"
    )
    assert text(one, nvidia, none, directory="/site", show_all=True) == (
        "Site-packages: /site\n\n  A100\n  8.0\n  yes   one 1.0\n  yes   nvidia-nccl-cu12 1.0\n\n"
        "  No code for GPUs: numpy 1.0"
    )
    assert "yes   nvidia-nccl-cu12 1.0" in text(nvidia, none, directory="/site")
    assert text(none, directory="/site") == (
        "Site-packages: /site\n\nno code for GPUs found in 1 package"
    )
    assert markdown(none, directory="/site") == "No code for GPUs found in /site."
    assert text(replace(one, error="gone")) == markdown(replace(one, error="gone")) == ""


def test_columns_are_padded_before_they_are_coloured() -> None:
    one, two = (made(name, ("a.so", kernels("sm_80 compute_80"))) for name in ("one", "two"))
    for each in ((one,), (one, two)):
        painted = text(*each, style=COLOUR)
        assert "\x1b[32myes " in painted
        assert "\x1b[33mJIT" in painted
        assert "\x1b[31mno" in painted
        plain = painted
        for code in ("\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1m", "\x1b[0m"):
            plain = plain.replace(code, "")
        assert plain == text(*each)


def test_hostile_names_are_escaped() -> None:
    bad = "a\x1b[2J\nb|`*_<.so"
    one = replace(made(bad, (bad, kernels("sm_80", "sm_90a", problem=bad))), notes=(bad,))
    for shown in (
        text(one),
        text(one, one, verbose=True),
        markdown(one),
        markdown(one, one, verbose=True),
        render("gpus", "json", Survey((one,)), Detail()),
    ):
        assert "\x1b" not in shown
        assert "\nb|" not in shown


# --- markdown ------------------------------------------------------------------------------------


def test_markdown() -> None:
    one = made("demo", ("demo/_C.so", kernels("sm_80")))
    table = (
        "| {} | T4<br>RTX 20<br>7.5 | A100<br>8.0 | L4<br>RTX 40<br>8.9 | H100<br>H200<br>9.0 "
        "| RTX 50<br>12.0 |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
    )
    rest = (
        '- **Built for**: sm\\_80\n- **To add**: `TORCH_CUDA_ARCH_LIST="8.0;9.0"`: adds 9.0; needs '
        "CUDA 11.8 or newer\n- a note"
    )
    one = replace(one, adding=Adding("8.0;9.0", ("9.0",), "11.8"), notes=("a note",))
    assert markdown(replace(one, asked=False)) == (
        "### GPUs of demo 1.0\n\n"
        "**Runs on**: A100 (8.0), L4/RTX 40 (8.9); not on T4/RTX 20 (7.5), H100/H200 (9.0), RTX 50 "
        "(12.0)\n\n"
        + table.format("Library")
        + "| demo/\\_C.so | no | yes | yes | no | no |\n\n"
        + rest
    )
    assert "- A100 (8.0): demo/\\_C.so: sm\\_80 code\n" in markdown(one)
    assert markdown(one, one, made("none")) == (
        table.format("Package")
        + "| demo 1.0 (demo.whl) | no | yes | yes | no | no |\n" * 2
        + "\nNo code for GPUs: none 1.0"
    )


# --- phrases -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("letters", "sentence"),
    [
        ("yyyyy", "T4/RTX 20 to RTX 50 (7.5 to 12.0)"),
        ("nnnnn", "none of these GPUs"),
        ("uuuuu", "not known"),
        (
            "yynyy",
            "T4/RTX 20 (7.5), A100 (8.0), H100/H200 (9.0), RTX 50 (12.0); not on L4/RTX 40 (8.9)",
        ),
        (
            "jjjpp",
            (
                "after JIT compilation on T4/RTX 20 to L4/RTX 40 (7.5 to 8.9); in part on "
                "H100/H200 "
                "(9.0), RTX 50 (12.0)"
            ),
        ),
    ],
)
def test_the_answer_in_one_line(letters: str, sentence: str) -> None:
    words = {"y": "yes", "n": "no", "j": "jit", "p": "partly", "u": "unknown"}
    one = made("demo", ("a.so", kernels("sm_80")))
    found = tuple(Run(Runs(words[letter])) for letter in letters)
    assert summary(replace(one, runs=found), range(5)) == sentence


def test_spans_do_not_mix_makers() -> None:
    gpus = (*ASKED[2:], *map(gpu_of, ("gfx942", "gfx950", "gfx1100")))
    assert spans(range(6), range(6), gpus) == (
        "L4/RTX 40 to RTX 50 (8.9 to 12.0), MI300 (gfx942), MI350 (gfx950), RX 7900 (gfx1100)"
    )
    assert spans([0], [0], (gpu("8.9"),)) == "8.9"
    assert spans([0], [0], (Gpu("RTX 4090", "sm_89"),)) == "RTX 4090 (8.9)"


def test_what_fails_a_gate() -> None:
    one = made("demo", ("a.so", kernels("9x sm_80", "sm_90")), ("b.so", kernels("sm_80")))
    assert list(failures(one)) == [
        (
            "demo 1.0: does not run on T4/RTX 20 (7.5) (a.so: compiled only for sm_80 and "
            "sm_90; b.so: "
            "compiled only for sm_80)"
        ),
        (
            "demo 1.0: runs only in part on A100 (8.0) (a.so: 1 of 10 fatbins has nothing for "
            "it: 1 for "
            "sm_90)"
        ),
        (
            "demo 1.0: runs only in part on L4/RTX 40 (8.9) (a.so: 1 of 10 fatbins has nothing "
            "for it: 1 "
            "for sm_90)"
        ),
        (
            "demo 1.0: runs only in part on H100/H200 (9.0) (a.so: 9 of 10 fatbins have nothing "
            "for it: "
            "9 for sm_80; b.so: compiled only for sm_80)"
        ),
        (
            "demo 1.0: does not run on RTX 50 (12.0) (a.so: compiled only for sm_80 and "
            "sm_90; b.so: "
            "compiled only for sm_80)"
        ),
    ]
    assert list(failures(made("none"))) == []
    assert list(failures(made("fits", ("a.so", kernels("sm_75 compute_75"))))) == []


@pytest.mark.parametrize(
    ("adding", "sentence"),
    [
        (Adding("8.0;9.0", ("9.0",), None), "adds 9.0"),
        (Adding("8.0;9.0", ("9.0",), "11.8"), "adds 9.0; needs CUDA 11.8 or newer"),
        (
            Adding("7.0;9.0", ("7.0", "9.0"), "11.8", "13.0"),
            "adds 7.0 and 9.0; needs CUDA 11.8 or newer and CUDA older than 13.0",
        ),
        (
            Adding(None, (), None, None, (LeftOut("7.0", "9.0", "13.0"),)),
            "7.0 cannot be added: CUDA 13.0 dropped it",
        ),
        (
            Adding("8.0", ("8.0",), None, None, (LeftOut("11.0", "13.0", None),)),
            "adds 8.0; 11.0 cannot be added: it needs CUDA 13.0",
        ),
    ],
)
def test_what_to_add(adding: Adding, sentence: str) -> None:
    assert to_add(adding) == sentence


def test_drivers_by_system() -> None:
    assert drivers([]) == drivers([("linux", None)]) == ""
    assert drivers([("linux", "525.60.13"), ("windows", None)]) == "525.60.13 or newer"


def test_sets_beyond_the_first_are_counted() -> None:
    sets = tuple(KernelSet((f"sm_{n}",), 1) for n in (50, 60, 70, 86, 90, 100))
    code = DeviceCode((KernelSet(("sm_80",), 9), *sets))
    run = runs(code, gpu_of("sm_80"))
    sentence = (
        "6 of 15 fatbins have nothing for it: 1 for sm_50, 1 for sm_60, 1 for sm_70, 1 for sm_86"
    )
    assert hindrance(code, run) == f"{sentence}, 2 for others"
    assert hindrance(code, run, most=None) == f"{sentence}, 1 for sm_90, 1 for sm_100"


def test_the_answer_for_one_gpu_reads_as_a_sentence() -> None:
    (v100,) = (gpu("V100"),)
    one = made("demo", ("a.so", kernels("sm_80")), gpus=(v100,))
    assert summary(one, (0,)) == "not on V100 (7.0)"
    assert list(failures(one)) == [
        "demo 1.0: does not run on V100 (7.0) (a.so: compiled only for sm_80)"
    ]


def test_what_is_not_known_is_not_told_as_no() -> None:
    unread = made("demo", ("a.so", kernels("sm_80", problem="cut short")), gpus=(gpu("V100"),))
    assert list(failures(unread)) == [
        "demo 1.0: not known whether it runs on V100 (7.0) (a.so: not all could be read: cut short)"
    ]
    later = DeviceCode(others=("LTO-IR for sm_80",))
    (failure,) = failures(made("demo", ("a.so", later), gpus=(gpu("V100"),)))
    assert failure == (
        "demo 1.0: not known whether it runs on V100 (7.0) "
        "(a.so: holds only LTO-IR for sm_80, which is not judged)"
    )


def test_packages_of_one_name_without_code_are_told_apart() -> None:
    plain = replace(made("demo"), others=1)
    shown = text(
        replace(plain, root="/w/demo-1.0-win_amd64.whl"),
        replace(plain, root="/w/demo-1.0-linux_x86_64.whl"),
    )
    assert "demo 1.0 (demo-1.0-win_amd64.whl)" in shown
    assert "demo 1.0 (demo-1.0-linux_x86_64.whl)" in shown


def test_that_the_driver_is_not_known_is_told() -> None:
    one = made("demo", ("a.so", kernels("sm_80")))
    known = text(replace(one, code=PackageCode(targets=("sm_80",), libraries=("a.so",))))
    assert "  Driver:    not known: nothing in the package tells the CUDA release" in known
    amd = made("demo", ("a.so", kernels("gfx942")))
    assert "Driver:" not in text(replace(amd, code=PackageCode(targets=("gfx942",))))
