"""``compat`` and ``--loads-on`` on the command line, with compiled libraries and the real index."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from tests.support.sources import source
from tests.support.toolchain import gcc

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or os.uname().machine != "x86_64",
    reason="the fixtures are compiled by the host's gcc, and asked of Linux x86_64",
)

STABLE = "torch_dtype_float4_e2m1fn_x2"  # declared since 2.11
GONE = "_ZN3c104cuda29c10_cuda_check_implementationEiPKcS2_ib"  # int: to 2.9.1; unsigned since
CHECK_NOW = "_ZN3c104cuda29c10_cuda_check_implementationEiPKcS2_jb"
OLD_STRING = "_ZN3c106detail14torchCheckFailEPKcS2_jRKSs"
CAVEAT = (
    "That every symbol is exported is necessary for loading, not sufficient: "
    "symbols do not show whether layouts agree.\n"
)


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "torch_abi_audit", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_COLOR": "1"},
    )


def compat(*words: str | Path) -> str:
    done = run("compat", *words)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def answers(target: Path, *words: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(compat("--json", *words, target))
    schema = json.loads((files("torch_abi_audit.report") / "report.schema.json").read_text("utf-8"))
    jsonschema.validate(document, schema)
    return document


@pytest.fixture(scope="module")
def stable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gcc(source([STABLE]), tmp_path_factory.mktemp("stable") / "_C.so")


@pytest.fixture(scope="module")
def unstable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return gcc(source([GONE]), tmp_path_factory.mktemp("unstable") / "_C.so")


def test_a_stable_library(stable: Path) -> None:
    assert compat(stable) == (
        f"Package: {stable.name}\n"
        f"  Root: {stable}\n"
        "  Platform: linux_x86_64\n"
        "  loads on: torch 2.11.0 to 2.15.0 (stable: and later)\n"
        "  2.4.0 to 2.10.0  2.11.0 to 2.15.0\n"
        "  no               yes               _C.so\n"
        "  _C.so:\n"
        "    2.10.0 lacks torch_dtype_float4_e2m1fn_x2\n"
        "\n" + CAVEAT
    )


def test_an_unstable_library(unstable: Path) -> None:
    text = compat(unstable)
    name = "c10::cuda::c10_cuda_check_implementation(int, char const*, char const*, {}, bool)"
    summary = f"2.4.0 to 2.9.1 only; 2.10.0 lacks {name.format('int')}"
    assert f"  loads on: {summary}\n" in text
    assert "  2.4.0 to 2.9.1  2.10.0 to 2.15.0\n  yes             no                _C.so\n" in text
    assert f"    2.10.0 lacks {name.format('int')}\n" in text
    assert f"      exported instead: {name.format('unsigned int')}\n" in text
    assert "Note: it uses symbols or libraries that only CUDA builds of torch have\n" in text
    assert text.endswith("\n\n" + CAVEAT)
    assert text.count("necessary") == 1


def test_verbose_lists_every_name_with_the_releases_that_lack_it(tmp_path: Path) -> None:
    made = gcc(source([GONE, STABLE, "_ZN2at9neverEverEv"]), tmp_path / "_C.so")
    plain, verbose = compat(made), compat("-v", made)
    assert "loads on: no torch from 2.4.0 to 2.15.0; 2.15.0 lacks at::neverEver()\n" in plain
    assert " and 1 more name" in plain
    assert "    2.4.0 to 2.15.0 lack at::neverEver()\n" in verbose
    assert "    2.4.0 to 2.10.0 lack torch_dtype_float4_e2m1fn_x2\n" in verbose
    assert "    2.10.0 to 2.15.0 lack c10::cuda::c10_cuda_check_implementation(int" in verbose


def test_a_weak_name_and_a_siblings_name_are_not_asked_of_torch(tmp_path: Path) -> None:
    own = "_ZN2at6_mine_Ev"
    gcc(source([STABLE, own], weak=["_ZN2at9neverEverEv"]), tmp_path / "_C.so")
    gcc(source([], exports=[own]), tmp_path / "libmine.so")
    assert "loads on: torch 2.11.0 to 2.15.0 (stable: and later)" in compat(tmp_path)


def test_a_library_of_the_old_abi_is_named(tmp_path: Path) -> None:
    made = gcc(source([OLD_STRING]), tmp_path / "_C.so")
    text = compat(made)
    sentence = "built for the pre-C++11 ABI: no torch since 2.7.0 can load it"
    assert f"  loads on: 2.4.0 to 2.6.0 only; {sentence}\n" in text
    assert text.count(sentence) == 2
    assert answers(made)["bundled_libs"][0]["pre_cxx11_abi"] is True


def test_an_undefined_header_only_name_loads_nowhere(tmp_path: Path) -> None:
    made = gcc(source(["_ZN5torch6stable6DeviceC1EPKc", STABLE]), tmp_path / "_C.so")
    text = compat(made)
    assert "loads on: no torch from 2.4.0 to 2.15.0; 2.15.0 lacks torch::stable::Device::" in text


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("libtorch_cuda_cu.so", "no torch since 2.4.0 ships it"),
        ("libcaffe2.so", "no torch since 2.4.0 ships it"),
        ("libc10_hip.so", "only ROCm builds of torch ship it, and their exports are unknown"),
    ],
)
def test_a_linked_library_that_torch_no_longer_ships_is_named(
    file: str, reason: str, tmp_path: Path
) -> None:
    made = gcc(source([]), tmp_path / "p" / "_C.so", linked(file, tmp_path))
    text = compat(made)
    assert f"2.15.0 lacks {file} ({reason})" in text
    assert answers(made)["loads_on"] == dict.fromkeys(answers(made)["loads_on"], "no")


# --- narrowing and the gate ----------------------------------------------------------------------


def test_a_specifier_narrows_the_releases(stable: Path) -> None:
    document = answers(stable, "--torch", ">=2.10,<2.12")
    assert document["loads_on"] == {"2.10.0": "no", "2.11.0": "yes"}
    assert document["missing_symbols"] == {"2.10.0": [STABLE]}
    assert document["bundled_libs"][0]["missing_symbols"] == {"2.10.0": [STABLE]}


def test_a_release_newer_than_the_index_is_unknown(stable: Path, unstable: Path) -> None:
    assert answers(stable, "--torch", "==99.1")["loads_on"] == {"99.1.0": "unknown"}
    assert answers(unstable, "--torch", "2.9.1")["loads_on"] == {"2.9.1": "yes"}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("<1.0", "no known release matches; known releases are 2.4.0 to "),
        ("banana", "neither a version specifier such as '>=2.10,<2.13' nor the path of"),
        ("./nowhere", "is neither a torch directory nor a torch wheel"),
        (".", "is neither a torch directory nor a torch wheel"),
    ],
)
def test_what_is_no_torch_is_an_operational_error(spec: str, words: str, stable: Path) -> None:
    done = run("compat", "--torch", spec, stable)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_check_fails_where_a_release_in_the_range_does_not_load(stable: Path) -> None:
    good = run("compat", "--check", "--torch", ">=2.11", stable)
    assert (good.returncode, good.stderr) == (0, "")
    bad = run("compat", "--check", "--torch", ">=2.10", stable)
    assert bad.returncode == 1
    assert bad.stderr == (
        "FAIL:\n  _C.so: does not load on torch 2.10.0 "
        "(loads on: torch 2.11.0 to 2.15.0 (stable: and later))\n"
    )
    assert run("compat", "--check", stable).returncode == 1


def test_check_does_not_pass_what_is_unknown_unless_the_stable_abi_promises_it(
    stable: Path, tmp_path: Path
) -> None:
    assert run("compat", "--check", "--torch", "==99.1", stable).returncode == 0
    made = gcc(source([CHECK_NOW]), tmp_path / "_C.so")
    done = run("compat", "--check", "--torch", "==99.1", made)
    assert (done.returncode, "is not known to load on torch 99.1.0" in done.stderr) == (1, True)


def test_an_operational_error_goes_before_the_gate(unstable: Path, tmp_path: Path) -> None:
    (tmp_path / "_C.so").write_bytes(unstable.read_bytes()[:300])
    done = run("compat", "--check", tmp_path)
    assert done.returncode == 2
    assert "unknown: the library could not be read" in done.stdout
    assert run("compat", "no_such_package_at_all").returncode == 2


def test_a_gate_that_asked_about_nothing_does_not_pass(tmp_path: Path) -> None:
    (tmp_path / "module.py").touch()
    done = run("compat", "--check", tmp_path)
    assert done.returncode == 3
    assert "no target contains a compiled library" in done.stderr
    assert run("compat", tmp_path).returncode == 0


def test_a_missing_index_is_one_sentence(stable: Path, tmp_path: Path) -> None:
    script = (
        "import pathlib, sys\nfrom torch_abi_audit.knowledge import export_index\n"
        "export_index.DATA = pathlib.Path(sys.argv.pop(1))\n"
        "from torch_abi_audit.cli import main\nsys.exit(main(sys.argv[1:]))"
    )
    for words in (("compat",), ("--loads-on",)):
        done = subprocess.run(
            [sys.executable, "-c", script, str(tmp_path), *words, str(stable)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout) == (2, "")
        assert "the export index cannot be read" in done.stderr
        assert done.stderr.count("\n") == 1


# --- one very torch ------------------------------------------------------------------------------


@pytest.fixture
def torch(tmp_path: Path) -> Path:
    """An installed torch that exports less than any release."""
    root = tmp_path / "site" / "torch"
    gcc(source([], exports=[CHECK_NOW]), root / "lib" / "libc10_cuda.so")
    gcc(source([], exports=["aoti_torch_x"]), root / "lib" / "libtorch_cpu.so")
    (root / "version.py").write_text("__version__ = '2.13.0+mine'\ncuda = '13.0'\n")
    return root


def test_a_given_torch_is_asked_instead_of_the_index(
    torch: Path, stable: Path, unstable: Path, tmp_path: Path
) -> None:
    made = gcc(source([CHECK_NOW]), tmp_path / "_C.so", torch=("libc10_cuda.so",))
    text = compat("--torch", torch, made)
    assert text.startswith(f"Checked against torch 2.13.0+mine in {torch}\n\nPackage: _C.so\n")
    assert "  loads on: torch 2.13.0\n" in text
    for missing in (stable, unstable):
        assert answers(missing, "--torch", str(torch))["loads_on"] == {"2.13.0": "no"}
    other = gcc(source([GONE]), tmp_path / "other" / "_C.so", torch=("libc10_cuda.so",))
    assert "      exported instead: c10::cuda::" in compat("--torch", torch, other)
    assert answers(made, "--torch", str(torch.parent))["loads_on"] == {"2.13.0": "yes"}


def test_a_wheel_of_torch_is_read_as_well(torch: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "torch-2.13.0+mine-cp311-cp311-linux_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path in sorted(torch.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(torch.parent))
        for name in ("METADATA", "WHEEL", "RECORD"):
            archive.writestr(
                f"torch-2.13.0+mine.dist-info/{name}", "Name: torch\nVersion: 2.13.0\n"
            )
    made = gcc(source([CHECK_NOW]), tmp_path / "_C.so", torch=("libc10_cuda.so",))
    assert answers(made, "--torch", str(wheel))["loads_on"] == {"2.13.0": "yes"}


def test_a_damaged_library_of_a_given_torch_is_an_error(torch: Path, stable: Path) -> None:
    library = torch / "lib" / "libtorch_cpu.so"
    library.write_bytes(library.read_bytes()[:200])
    done = run("compat", "--torch", torch, stable)
    assert (done.returncode, done.stdout) == (2, "")
    assert "lib/libtorch_cpu.so in" in done.stderr


# --- the ordinary audit --------------------------------------------------------------------------


def test_loads_on_in_the_audit(stable: Path) -> None:
    lines = run("--loads-on", stable).stdout.splitlines()
    after = lines[lines.index("  Min torch:   2.11.0") + 1]
    assert after == "  Loads on:    torch 2.11.0 to 2.15.0 (stable: and later)"
    assert lines[-1] + "\n" == CAVEAT
    document = json.loads(run("--loads-on", "--json", stable).stdout)
    assert document["loads_on"]["2.11.0"] == "yes"
    assert document["loads_on_later"] is True


def test_without_it_the_audit_says_and_reads_nothing_of_it(stable: Path) -> None:
    assert "loads" not in run(stable).stdout.lower()
    assert "loads_on" not in json.loads(run("--json", stable).stdout)


def test_an_environment_gets_a_column(tmp_path: Path) -> None:
    gcc(source([STABLE]), tmp_path / "stable_ops" / "_C.so")
    gcc(source([GONE]), tmp_path / "unstable_ops" / "_C.so")
    text = run("--loads-on", "--site-packages", tmp_path).stdout
    rows = {
        line.split()[0]: line for line in text.splitlines() if "_ops" in line and "[" not in line
    }
    assert rows["stable_ops"].endswith("  torch 2.11.0 to 2.15.0 (stable: and later)")
    assert rows["unstable_ops"].endswith("  2.4.0 to 2.9.1 only")
    both = compat("--site-packages", tmp_path)
    assert both.count("Package: ") == 2
    assert both.count("necessary") == 1


def test_a_package_called_compat_is_reached_by_its_path(tmp_path: Path) -> None:
    gcc(source([STABLE]), tmp_path / "compat" / "_C.so")
    for words in (("audit", "compat"), ("./compat",)):
        done = subprocess.run(
            [sys.executable, "-m", "torch_abi_audit", *words],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert "[STABLE  ]" in done.stdout, words


# --- what it costs -------------------------------------------------------------------------------


def modules_after(*words: str | Path) -> set[str]:
    script = (
        "import sys\nfrom torch_abi_audit.cli import main\n"
        "try: main(sys.argv[1:])\nexcept SystemExit: pass\nprint('MODULES', *sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)], capture_output=True, text=True, check=True
    )
    return set(done.stdout.rpartition("MODULES")[2].split())


INDEX = {"torch_abi_audit.knowledge.export_file", "torch_abi_audit.knowledge.export_index"}


def test_names_that_the_owner_rule_settles_do_not_open_the_index(
    stable: Path, unstable: Path
) -> None:
    assert not INDEX & modules_after(stable, unstable)
    assert not INDEX & modules_after("compat", "--help")
    assert modules_after("compat", stable) >= INDEX


def test_names_in_doubt_open_the_index_and_are_settled_by_it(tmp_path: Path) -> None:
    link = linked("libtorch_cpu.so", tmp_path)
    lent = gcc(source(["Sleef_expf8_u10"]), tmp_path / "lent" / "_C.so", link)
    assert modules_after(lent) >= INDEX
    assert "internal=1" in row(lent, "UNSTABLE")
    foreign = gcc(source(["_ZN5other3runEN2at6TensorE"]), tmp_path / "foreign" / "_C.so")
    assert modules_after(foreign) >= INDEX
    assert "unresolved=1" in row(foreign, "NO-TORCH")


def test_such_a_name_of_another_library_is_not_torchs(tmp_path: Path) -> None:
    for files_ in (("libsleef.so.3", "libtorch_cpu.so"), ("libm_like.so",)):
        links = [linked(file, tmp_path) for file in files_]
        made = gcc(source(["Sleef_expf8_u10"]), tmp_path / files_[0] / "_C.so", *links)
        assert row(made, "NO-TORCH")


def row(target: Path, verdict: str) -> str:
    (line,) = [each for each in run(target).stdout.splitlines() if f"[{verdict:<8}]" in each]
    return line


def linked(name: str, tmp_path: Path) -> str:
    """The linker flag that links a library to one with this name."""
    made = gcc(source([], exports=["unused"]), tmp_path / "libs" / name, f"-Wl,-soname,{name}")
    return f"-Wl,--no-as-needed,{made}"


# --- variants, flavours and CUDA -----------------------------------------------------------------


def test_one_library_per_release_named_by_a_number_alone(tmp_path: Path) -> None:
    old = gcc(source([GONE]), tmp_path / "p/ops_2_9_1.cpython-312-x86_64-linux-gnu.so")
    gcc(source([CHECK_NOW]), tmp_path / "p/ops_2_10_0.cpython-312-x86_64-linux-gnu.so")
    text = compat(tmp_path / "p")
    assert "  loads on: torch 2.9.1, 2.10.0\n" in text
    assert (
        "  Note: the package has no variant for torch 2.11.0 to 2.13.0; the variant for 2.10.0 "
        "would load there, if the package selects it\n"
    ) in text
    assert "  Variant for torch 2.9.1 is used with: 2.9.1\n" in text
    assert "built for the pre-C++11" not in text
    document = answers(tmp_path / "p")
    assert document["serving"]["2.9.1"] == [
        {"variant": "2.9.1", "flavour": "", "files": [old.name]},
    ]
    assert {one["name"]: one["variant"] for one in document["bundled_libs"]}[old.name] == "2.9.1"


def test_one_library_per_cuda_loads_where_one_of_them_does(tmp_path: Path) -> None:
    gcc(source([GONE]), tmp_path / "p/x_cuda_cu118.so")
    gcc(source([CHECK_NOW]), tmp_path / "p/x_cuda_cu130.so")
    gcc(source([STABLE]), tmp_path / "p/y.so")
    document = answers(tmp_path / "p")
    assert document["loads_on"]["2.11.0"] == "yes"
    assert document["loads_on"]["2.9.1"] == "no", "y.so is used with each of them"
    assert [one["flavour"] for one in document["serving"]["2.11.0"]] == ["cu130"]
    assert "  Flavour cu118 is used with: none of these releases\n" in compat(tmp_path / "p")


def test_the_cuda_of_a_release_is_said_beside_its_symbols(tmp_path: Path) -> None:
    gcc(source([STABLE]), tmp_path / "p/_C.so", linked("libcudart.so.12", tmp_path))
    text = compat(tmp_path / "p")
    assert "loads on: torch 2.11.0 to 2.15.0 (stable: and later)\n" in text
    assert (
        "  Note: on torch 2.11.0 to 2.15.0 it loads by its symbols, but needs CUDA 12 where that "
        "torch, from the package index, brings CUDA 13\n"
    ) in text
    assert "yes, needs CUDA 12" in text
    document = answers(tmp_path / "p")
    assert document["loads_on"]["2.11.0"] == "yes"
    assert document["other_cuda"]["2.11.0"] == {"needs": [12], "brings": 13}
    assert document["bundled_libs"][0]["other_cuda"]["2.11.0"] == {"needs": [12], "brings": 13}
    markdown = compat("--format", "markdown", tmp_path / "p")
    assert "<br>On torch 2.11.0 to 2.15.0 it loads by its symbols, but needs CUDA 12" in markdown


def test_a_flavour_for_the_cuda_of_a_release_serves_it(tmp_path: Path) -> None:
    for cuda in ("12", "13"):
        where = tmp_path / cuda
        gcc(
            source([CHECK_NOW]),
            tmp_path / f"p/x_cu{cuda}.so",
            linked(f"libcudart.so.{cuda}", where),
        )
    document = answers(tmp_path / "p")
    assert document["other_cuda"] == {}
    flavours = {at: [one["flavour"] for one in each] for at, each in document["serving"].items()}
    assert flavours == {
        at: ["cu12"] if at == "2.10.0" else ["cu13"]
        for at, answer in document["loads_on"].items()
        if answer == "yes"
    }


def test_an_object_file_is_nothing_that_loads(tmp_path: Path) -> None:
    made = gcc(source([CHECK_NOW]), tmp_path / "x.o", "-c")
    assert "loads on: nothing to load (it is not a library: object file)\n" in compat(made)
