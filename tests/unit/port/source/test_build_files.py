"""What build files say about the stable ABI, and the edits that put it right."""

from __future__ import annotations

import ast
import json
import random

import pytest

from torch_abi_audit.port.source.build import target_macro
from torch_abi_audit.port.source.build_files import defined_in, examine
from torch_abi_audit.port.source.edits import edited_build

TARGET = "2.10.0"
FLAG = "-DTORCH_TARGET_VERSION=0x020a000000000000"
HEAD = "from setuptools import setup\nfrom torch.utils.cpp_extension import *\n"


def said(name: str, text: str, target: str = TARGET) -> list[str]:
    return [one.what for one in examine(name, text.encode(), target)]


def changed(name: str, text: str, target: str = TARGET) -> str:
    """The text after its mechanical changes, which leave nothing mechanical to do."""
    data = text.encode()
    after = edited_build(data, examine(name, data, target)).data
    assert not any(one.edits for one in examine(name, after, target))
    return after.decode()


# --- the macro -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "release"),
    [
        ("0x020a000000000000", (2, 10)),
        ("0x020A000000000000ULL", (2, 10)),
        ("0x0210000000000000", (2, 16)),
        (str(2 << 56 | 9 << 48), (2, 9)),
        ("(((0ULL + 2) << 56) | ((0ULL + 13) << 48))", (2, 13)),
        ("((uint64_t)2 << 56 | (uint64_t)9 << 48)", (2, 9)),
        ("0x020a", (0, 0)),
        ("TORCH_VERSION_2_10_0", None),
        ("", None),
    ],
)
def test_which_release_a_value_means(text: str, release: tuple[int, int] | None) -> None:
    assert target_macro.decoded(text) == release


@pytest.mark.parametrize(
    ("text", "words", "right", "mistaken"),
    [
        ("0x0210000000000000", "means torch 2.16", "0x020a000000000000", True),
        ("0x0212000000000000", "so 2.12 is 0x020c", "0x020c000000000000", True),
        ("0x02ff000000000000", "newer than any that is known", "0x020a000000000000", True),
        ("0x020a", "names no torch release", "0x020a000000000000", True),
        ("210", "names no torch release", "0x020a000000000000", True),
        ("0x0209000000000000", "is for torch 2.9: it hides", "0x020a000000000000", False),
        ("0x020c000000000000", "would not run on torch 2.10", "0x020a000000000000", False),
    ],
)
def test_what_is_wrong_with_a_value(text: str, words: str, right: str, mistaken: bool) -> None:
    found = target_macro.complaint(text, TARGET)
    assert found is not None
    assert words in found[0]
    assert found[1] == right
    assert target_macro.is_mistaken(text) is mistaken


@pytest.mark.parametrize("text", ["0x020a000000000000", "MINE", "0x020A000000000000ull"])
def test_values_that_fit_or_are_computed_are_no_mistake(text: str) -> None:
    assert target_macro.complaint(text, TARGET) is None


def test_a_source_may_define_the_macro_itself() -> None:
    data = (
        b"#pragma once\r\n# define TORCH_TARGET_VERSION 0x0210000000000000  // oldest\r\nint a;\r\n"
    )
    defines, (finding,) = defined_in("a.h", data, TARGET)
    assert (defines, finding.line) == (True, 2)
    assert edited_build(data, [finding]).data == data.replace(b"0x0210", b"0x020a")
    assert defined_in("a.h", b"// #define TORCH_TARGET_VERSION 1\n", TARGET) == (False, ())
    text = HEAD + "CppExtension('a', ['a.cpp'], py_limited_api=False)\n"
    kept = examine("setup.py", text.encode(), TARGET, in_sources=True)
    assert not any(target_macro.MISSING in one.what for one in kept)


# --- setup.py ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "CppExtension('a', ['a.cpp'])",
            f"CppExtension('a', ['a.cpp'], extra_compile_args=[\"{FLAG}\"])",
        ),
        (
            "CppExtension('a', s, extra_compile_args=[])",
            f"CppExtension('a', s, extra_compile_args=[\"{FLAG}\"])",
        ),
        (
            "CppExtension('a', s, extra_compile_args=['-O3'])",
            f"CppExtension('a', s, extra_compile_args=['{FLAG}', '-O3'])",
        ),
        (
            "CppExtension('a', s, extra_compile_args={'cxx': ['-O3'] + more})",
            f"CppExtension('a', s, extra_compile_args={{'cxx': ['{FLAG}', '-O3'] + more}})",
        ),
        (
            "CUDAExtension('a', s, extra_compile_args={'cxx': [], 'nvcc': ['-O3']})",
            (
                f"CUDAExtension('a', s, extra_compile_args={{'cxx': [\"{FLAG}\", \"-DUSE_CUDA\"], "
                f"'nvcc': ['{FLAG}', '-DUSE_CUDA', '-O3']}})"
            ),
        ),
    ],
)
def test_flags_are_added_where_they_are_literal(before: str, after: str) -> None:
    assert changed("setup.py", f"{HEAD}x = {before}\n") == f"{HEAD}x = {after}\n"


def test_flags_on_lines_of_their_own_keep_the_layout() -> None:
    text = HEAD + "flags = [  # ours\r\n    '-O3',\r\n    '-g',\r\n]\r\n".replace("\r\n", "\n")
    text += "CppExtension(\n    'a',\n    s,\n)\nCppExtension('b', s, extra_compile_args=flags)\n"
    new = changed("setup.py", text)
    assert f"flags = [\n    '{FLAG}',  # ours\n    '-O3',\n" in new
    assert f'    s,\n    extra_compile_args=["{FLAG}"],\n)' in new
    ast.parse(new)


def test_lists_that_extensions_share_are_changed_once() -> None:
    text = HEAD + "f = ['-O3']\na = CppExtension('a', s, extra_compile_args=f)\n"
    text += "b = CppExtension('b', s, extra_compile_args=f)\n"
    assert changed("setup.py", text).count(FLAG) == 1


def test_a_choice_of_extension_classes_gets_cuda_flags_for_nvcc_alone() -> None:
    text = HEAD + "kind = CUDAExtension if cuda else CppExtension\n"
    text += "kind('a', s, extra_compile_args={'cxx': ['-O3'], 'nvcc': ['-O3']})\n"
    new = changed("setup.py", text)
    assert f"'cxx': ['{FLAG}', '-O3']" in new
    assert f"'nvcc': ['{FLAG}', '-DUSE_CUDA', '-O3']" in new


PAIR = '("TORCH_TARGET_VERSION", "0x020a000000000000")'


@pytest.mark.parametrize(
    ("arguments", "after"),
    [
        ("extra_compile_args=flags()", f"extra_compile_args=flags(), define_macros=[{PAIR}]"),
        ("extra_compile_args={**base}", f"extra_compile_args={{**base}}, define_macros=[{PAIR}]"),
        ("extra_compile_args=twice", f"extra_compile_args=twice, define_macros=[{PAIR}]"),
        (
            "extra_compile_args=flags(), define_macros=[('A', None)]",
            f"extra_compile_args=flags(), define_macros=[{PAIR}, ('A', None)]",
        ),
    ],
)
def test_where_flags_are_computed_the_macro_goes_to_define_macros(
    arguments: str, after: str
) -> None:
    head = f"{HEAD}twice = []\nif x:\n    twice = ['-g']\n"
    text = f"{head}y = CppExtension('a', s, {arguments})\n"
    assert changed("setup.py", text) == f"{head}y = CppExtension('a', s, {after})\n"


def test_flags_of_nvcc_that_are_computed_reach_it_as_macros() -> None:
    text = HEAD + "Extension = CppExtension\nif cuda:\n    Extension = CUDAExtension\n"
    text += (
        "macros = []\nmacros += [('A', None)]\nargs = {'cxx': ['-O2']}\nargs['nvcc'] = flags()\n"
    )
    text += "x = Extension('a', s, define_macros=macros, extra_compile_args=args)\n"
    new = changed("setup.py", text)
    assert new == text.replace("macros = []", f"macros = [{PAIR}]")
    assert any("USE_CUDA is not defined" in one for one in said("setup.py", new))
    alone = HEAD + "x = CUDAExtension('a', s, extra_compile_args=flags())\n"
    assert f'define_macros=[{PAIR}, ("USE_CUDA", None)]' in changed("setup.py", alone)


@pytest.mark.parametrize(
    "arguments", ["**settings", "define_macros=macros(), extra_compile_args=flags()"]
)
def test_what_is_computed_is_left_to_the_reader(arguments: str) -> None:
    text = f"{HEAD}x = CppExtension('a', s, {arguments})\n"
    assert changed("setup.py", text) == text
    assert any(target_macro.MISSING in one for one in said("setup.py", text))


@pytest.mark.parametrize(
    "text",
    [
        "extra_compile_args=['-DTORCH_TARGET_VERSION=0x020a000000000000']",
        "define_macros=[('TORCH_TARGET_VERSION', '0x020a000000000000')]",
        "extra_compile_args=[f'-DTORCH_TARGET_VERSION={oldest}']",
        "define_macros=[('TORCH_TARGET_VERSION', oldest)]",
    ],
)
def test_the_macro_may_be_defined_in_several_ways(text: str) -> None:
    found = said("setup.py", f"{HEAD}x = CppExtension('a', s, py_limited_api=True, {text})\n")
    assert not any(target_macro.MACRO in one for one in found)


def test_a_misspelled_release_is_corrected_and_another_one_only_told() -> None:
    call = "x = CppExtension('a', s, extra_compile_args=['-DTORCH_TARGET_VERSION={}'])\n"
    wrong = HEAD + call.format("0x0210000000000000")
    assert changed("setup.py", wrong) == HEAD + call.format("0x020a000000000000")
    newer = HEAD + call.format("0x020c000000000000")
    assert changed("setup.py", newer) == newer
    assert any("would not run on torch 2.10" in one for one in said("setup.py", newer))


def test_nvcc_needs_the_macros_too() -> None:
    text = (
        f"{HEAD}x = CUDAExtension('a', s, extra_compile_args={{'cxx': ['{FLAG}'], 'nvcc': []}})\n"
    )
    assert any("nvcc compiles without" in one for one in said("setup.py", text))
    assert f'\'nvcc\': ["{FLAG}", "-DUSE_CUDA"]' in changed("setup.py", text)


def test_stable_only_is_not_enough() -> None:
    text = f"{HEAD}x = CppExtension('a', s, extra_compile_args=['-DTORCH_STABLE_ONLY'])\n"
    assert any("TORCH_STABLE_ONLY hides" in one for one in said("setup.py", text))


@pytest.mark.parametrize("flag", ["-std=c++14", "-std=gnu++11", "--std=c++14", "/std:c++14"])
def test_the_stable_headers_need_cpp17(flag: str) -> None:
    text = f"{HEAD}x = CppExtension('a', s, extra_compile_args=['{FLAG}', '{flag}'])\n"
    assert any("need C++17" in one for one in said("setup.py", text))
    assert changed("setup.py", text) == text.replace(flag, flag[:-2] + "17")
    assert not any("C++17" in one for one in said("setup.py", text.replace(flag, "-std=c++20")))


@pytest.mark.parametrize(
    ("arguments", "options", "words"),
    [
        ("", "", "py_limited_api is not set: the library is linked"),
        ("py_limited_api=False", "", "py_limited_api is not set: the library is linked"),
        ("py_limited_api=True", "", "set for the extension but not for the wheel"),
        ("py_limited_api=limited", 'options={"bdist_wheel": {"py_limited_api": "cp310"}}', None),
        ("**more", 'options={"bdist_wheel": {"py_limited_api": "cp310"}}', None),
    ],
)
def test_one_library_for_every_cpython(arguments: str, options: str, words: str | None) -> None:
    text = f"{HEAD}setup(ext_modules=[CppExtension('a', s, {arguments})], {options})\n"
    found = [one for one in examine("setup.py", text.encode(), TARGET) if one.late]
    assert [one.what for one in found if words is None or words not in one.what] == []
    assert bool(found) == (words is not None)


@pytest.mark.parametrize(
    ("flags", "more", "told"),
    [
        ("'-rdc=true'", "", True),
        ("'-dc'", "", True),
        ("'-rdc=true'", ", dlink=True", False),
        ("'-rdc=true'", ", dlink_libraries=['x']", False),
        ("'-O3'", "", False),
    ],
)
def test_relocatable_device_code_needs_a_device_link(flags: str, more: str, told: bool) -> None:
    args = f"extra_compile_args={{'cxx': [], 'nvcc': [{flags}]}}{more}"
    text = f"{HEAD}x = CUDAExtension('a', s, {args})\n"
    assert any("relocatable" in one for one in said("setup.py", text)) is told
    linked = text.replace("'cxx': []", "'cxx': [], 'nvcc_dlink': ['-dlink']")
    assert not any("relocatable" in one for one in said("setup.py", linked))


@pytest.mark.parametrize(
    "text",
    [
        "from setuptools import setup\nsetup()\n",
        "from setuptools import Extension\nx = Extension('a', ['a.c'])\n",
        "import torch\n",
        "",
    ],
)
def test_scripts_that_build_nothing_of_torch(text: str) -> None:
    assert said("setup.py", text) == []


def test_an_extension_of_setuptools_counts_if_it_names_torch() -> None:
    text = "x = Extension('a', s, include_dirs=torch.utils.cpp_extension.include_paths())\n"
    assert any(target_macro.MISSING in one for one in said("setup.py", text))


@pytest.mark.parametrize("data", [b"def (:\n", b"x = '\0'\n", b"\xff\xfe\x00", b"(" * 10000])
def test_a_script_that_is_not_understood(data: bytes) -> None:
    (finding,) = examine("setup.py", data, TARGET)
    assert finding.what.startswith("not understood: look in it for TORCH_TARGET_VERSION=0x020a")


def test_scripts_in_other_encodings_keep_their_bytes() -> None:
    call = f"{HEAD}# \xe9\nx = CppExtension('\xe9', s, extra_compile_args=['-O3'])\n"
    marked = b"\xef\xbb\xbf" + call.encode()
    after = edited_build(marked, examine("setup.py", marked, TARGET)).data
    assert after == marked.replace(b"['-O3']", f"['{FLAG}', '-O3']".encode())
    latin = b"# -*- coding: latin-1 -*-\n" + call.encode("latin-1")
    found = examine("setup.py", latin, TARGET)
    assert found
    assert edited_build(latin, found).data == latin  # columns would be those of UTF-8
    windows = call.replace("\n", "\r\n").encode()
    after = edited_build(windows, examine("setup.py", windows, TARGET)).data
    assert after == windows.replace(b"['-O3']", f"['{FLAG}', '-O3']".encode())


def test_a_script_with_odd_escapes_warns_nobody() -> None:
    text = HEAD + "x = '\\d'\nassert (1, 'x')\ny = CppExtension('a', s, extra_compile_args=[])\n"
    assert FLAG in changed("setup.py", text)


# --- CMake ---------------------------------------------------------------------------------------

CMAKE = """\
project(x LANGUAGES CXX)  # a comment ( that opens
find_package(Torch REQUIRED)
if(TRUE)
  add_library(ops SHARED a.cpp)
  target_link_libraries(ops PRIVATE "${TORCH_LIBRARIES}")  # torch
endif()
"""


def test_a_target_that_links_torch_gets_the_definition() -> None:
    new = changed("CMakeLists.txt", CMAKE)
    added = "  target_compile_definitions(ops PRIVATE TORCH_TARGET_VERSION=0x020a000000000000)\n"
    assert new == CMAKE.replace("  # torch\n", "  # torch\n" + added)
    windows = CMAKE.replace("\n", "\r\n")
    assert changed("sub/x.cmake", windows) == new.replace("\n", "\r\n")


@pytest.mark.parametrize("word", ["torch", "torch_cpu", "${TORCH_LIBRARIES}", "Torch::Torch"])
def test_other_ways_to_link(word: str) -> None:
    text = CMAKE.replace('"${TORCH_LIBRARIES}"', word.replace("Torch::Torch", "torch::torch"))
    assert "target_compile_definitions" in changed("CMakeLists.txt", text)


def test_cuda_sources_get_use_cuda() -> None:
    new = changed("CMakeLists.txt", CMAKE.replace("LANGUAGES CXX", "LANGUAGES CXX CUDA"))
    assert "0x020a000000000000 $<$<COMPILE_LANGUAGE:CUDA>:USE_CUDA>)" in new
    told = CMAKE.replace("a.cpp", "a.cu") + f"add_compile_definitions({FLAG[2:]})\n"
    assert any("USE_CUDA is not defined" in one for one in said("CMakeLists.txt", told))


@pytest.mark.parametrize(
    "definition",
    [
        f"add_definitions({FLAG})",
        f"add_compile_definitions({FLAG[2:]})",
        f'target_compile_definitions(ops PRIVATE "A=1;{FLAG[2:]}")',
        f'set(CMAKE_CXX_FLAGS "${{CMAKE_CXX_FLAGS}} {FLAG}")',
    ],
)
def test_definitions_that_cmake_knows(definition: str) -> None:
    text = CMAKE + definition + "\n"
    assert said("CMakeLists.txt", text) == []
    wrong = text.replace("0x020a", "0x0210")
    assert changed("CMakeLists.txt", wrong) == text
    commented = CMAKE + f"# {definition}\n#[[ {definition} ]]\n"
    assert any(target_macro.MISSING in one for one in said("CMakeLists.txt", commented))


def test_what_else_cmake_sets() -> None:
    text = CMAKE.replace("PRIVATE", "PRIVATE torch_python") + (
        f"add_definitions({FLAG})\nset(CMAKE_CXX_STANDARD 14)\n"
        "set_target_properties(ops PROPERTIES CUDA_RESOLVE_DEVICE_SYMBOLS OFF)\n"
    )
    found = examine("CMakeLists.txt", text.encode(), TARGET)
    assert sorted((one.line, one.what.partition(" ")[0], one.late) for one in found) == [
        (5, "links", True),
        (8, "CMAKE_CXX_STANDARD", False),
        (9, "CUDA_RESOLVE_DEVICE_SYMBOLS", False),
    ]
    assert "set(CMAKE_CXX_STANDARD 17)" in changed("CMakeLists.txt", text)


@pytest.mark.parametrize(
    "text",
    ["", "add_library(a SHARED a.cpp)\n", "target_link_libraries(", "target_link_libraries()"],
)
def test_cmake_files_that_build_nothing_of_torch(text: str) -> None:
    assert said("CMakeLists.txt", text) == []


def test_a_program_is_no_extension() -> None:
    text = CMAKE.replace("add_library(ops SHARED", "add_executable(ops")
    assert said("CMakeLists.txt", text) == []


def test_commands_that_share_a_line_are_left_to_the_reader() -> None:
    text = "target_link_libraries(ops torch) target_link_libraries(more x)\n"
    assert changed("CMakeLists.txt", text) == text
    assert any(target_macro.MISSING in one for one in said("CMakeLists.txt", text))


# --- how files are really compiled ---------------------------------------------------------------


def database(*flags: str) -> str:
    entries: list[dict[str, object]] = [
        {"file": f"{number}.cu", "command": f"nvcc -I/x/torch/include {one} -c {number}.cu"}
        for number, one in enumerate(flags)
    ]
    entries.append({"file": "own.cpp", "arguments": ["g++", "-c", "own.cpp"]})
    return json.dumps(entries)


def test_each_entry_of_a_database_counts() -> None:
    good = f"{FLAG} -DUSE_CUDA"
    text = database(good, "-DUSE_CUDA", f"{FLAG}", good.replace("0x020a", "0x0210"))
    found = said("compile_commands.json", text)
    assert [one.partition(":")[0] for one in found] == [
        "TORCH_TARGET_VERSION is not defined for 1.cu",
        "TORCH_TARGET_VERSION=0x0210000000000000 means torch 2.16",
        "CUDA sources compiled without USE_CUDA",
    ]
    assert found[1].endswith(": 3.cu")
    assert found[2].endswith(": 2.cu")
    assert said("compile_commands.json", database(good)) == []


def test_many_files_are_counted() -> None:
    (missing,) = said("compile_commands.json", database(*["-DUSE_CUDA"] * 12))
    assert missing.endswith("7.cu and 4 more")


@pytest.mark.parametrize("text", ["{", "3", "[3]", '[{"command": "x"}]', "[" * 100000])
def test_a_database_that_is_not_understood(text: str) -> None:
    assert said("compile_commands.json", text) == ["not understood: it is no compilation database"]


NINJA = """\
cflags = -I/v/torch/include $
  -fPIC
post_cflags = -O3
rule compile
  command = c++ $cflags -c $in -o $out ${post_cflags}
rule cmake
  command = c++ $DEFINES $INCLUDES -c $in
build a.o: compile /s/a.cpp
build b.o: cmake /s/b.cpp | dep
  DEFINES = -DTORCH_TARGET_VERSION=0x020a000000000000
  INCLUDES = -I/v/torch/include
build c.o: cmake /s/c.cpp
"""


def test_ninja_files_of_torch_and_of_cmake() -> None:
    assert said("build.ninja", NINJA) == ["TORCH_TARGET_VERSION is not defined for /s/a.cpp"]
    assert said("build.ninja", NINJA.replace("-O3", FLAG)) == []


def test_a_ninja_file_that_refers_to_itself_ends() -> None:
    assert said("build.ninja", "a = $a $a\nrule r\n  command = $a\nbuild x: r y\n") == []


# --- the others ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "table", "words"),
    [
        ("scikit_build_core.build", "", "wheel.py-api is not set"),
        ("scikit_build_core.build", '[tool.scikit-build]\nwheel.py-api = "cp310"', None),
        ("mesonpy", "", "limited-api is not set"),
        ("mesonpy", "[tool.meson-python]\nlimited-api = true", None),
        ("hatchling.build", "", None),
    ],
)
def test_the_tag_of_the_wheel(backend: str, table: str, words: str | None) -> None:
    text = f'[build-system]\nrequires = ["torch"]\nbuild-backend = "{backend}"\n{table}\n'
    found = said("pyproject.toml", text)
    assert [one for one in found if words is None or words not in one] == []
    assert bool(found) == (words is not None)
    assert said("pyproject.toml", text.replace("torch", "numpy")) == []


@pytest.mark.parametrize("data", [b"[", b"\xff", b"a = " + b"[" * 5000])
def test_a_table_that_is_not_understood(data: bytes) -> None:
    (finding,) = examine("pyproject.toml", data, TARGET)
    assert finding.what.startswith("not understood")


def test_meson() -> None:
    text = "torch = dependency('torch')\n# extension_module(\npy.extension_module('a', 'a.cpp')\n"
    (finding,) = examine("meson.build", text.encode(), TARGET)
    assert (finding.line, finding.write) == (3, f"cpp_args: ['{FLAG}']")
    assert said("meson.build", text.replace("'a.cpp'", f"'a.cpp', cpp_args: ['{FLAG}']")) == []
    wrong = text.replace("'a.cpp'", f"'a.cpp', cpp_args: ['{FLAG.replace('0a', '10')}']")
    assert "means torch 2.16" in said("meson.build", wrong)[0]
    assert said("meson.build", text.replace("torch", "numpy")) == []


@pytest.mark.parametrize("name", ["setup.cfg", "notes.txt", "x/Makefile"])
def test_other_names_say_nothing(name: str) -> None:
    assert said(name, "torch") == []


SEEDS = {
    "setup.py": (
        f"{HEAD}f = ['-O3', '-std=c++14']\n"
        "x = CUDAExtension('a', s, extra_compile_args={'cxx': f, 'nvcc': ['-rdc=true']}, "
        "define_macros=[('TORCH_TARGET_VERSION', '0x0210000000000000')])\n"
    ),
    "CMakeLists.txt": CMAKE + "add_definitions(-DTORCH_TARGET_VERSION=0x0210000000000000)\n",
    "build.ninja": NINJA,
    "compile_commands.json": database(FLAG, "-DTORCH_TARGET_VERSION=0x0210000000000000"),
    "pyproject.toml": '[build-system]\nrequires = ["torch"]\nbuild-backend = "mesonpy"\n',
    "meson.build": "torch = 1\nextension_module('a', cpp_args: '-DTORCH_TARGET_VERSION=0x02')\n",
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::SyntaxWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", SEEDS)
def test_damaged_build_files_never_fail(name: str) -> None:
    chance = random.Random(7)
    seed = SEEDS[name].encode()
    for _ in range(1500):
        data = bytearray(seed)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(data) + 1)
            if chance.random() < 0.5:
                data[at : at + chance.randint(0, 9)] = chance.randbytes(chance.randint(0, 3))
            else:
                begin = chance.randrange(len(seed))
                data[at:at] = seed[begin : begin + chance.randint(1, 30)]
        found = examine(name, bytes(data), TARGET)
        after = edited_build(bytes(data), found).data
        if name == "setup.py" and not any(one.what.startswith("not understood") for one in found):
            compile(after, name, "exec", ast.PyCF_ONLY_AST)
