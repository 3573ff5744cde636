"""The helpers of ``port --wrappers``: they compile, and compute what torch computes.

Compiled with the oldest headers that have ``torch_call_dispatcher`` and the newest, and run under
the CPU build of torch, where pip provides one. There, the table of schemas is also compared with
the operators that torch registers, and what is said to be refused with what it refuses.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.sources import source
from tests.support.toolchain import gcc
from tests.support.torch_cpu import cpu_torch
from tests.support.torch_headers import headers
from torch_abi_audit.cli import main
from torch_abi_audit.knowledge import operators, replacements
from torch_abi_audit.port.wrappers import Header, header

HERE = Path(__file__).parent / "port_wrappers"
CPU_RELEASE = "2.13.0"
OLDEST, NEWEST = replacements.DISPATCHER_SINCE, operators.releases()[-1]
TARGET = "-DTORCH_TARGET_VERSION=0x020A000000000000"
SET_UP = """
import torch, sys, json
torch.manual_seed(0)
a, b = torch.randn(3, 4), torch.rand(3, 4) + 0.5
i = torch.tensor([2, 0])
m = a > 0
s = torch.randn(4, 4); s = s @ s.T
p, w = torch.randn(1, 2, 6, 6), torch.randn(3, 2, 3, 3)
q, one, nil = torch.conv2d(p, w), [1, 1], [0, 0]
long, double, strided = torch.int64, torch.float64, torch.strided
aten = torch.ops.aten
"""
CASES = (
    ("mul(a, b)", "mul.Tensor(a, b)"),
    ("cat({a, b}, 1)", "cat.default([a, b], 1)"),
    ("stack({a, b})", "stack.default([a, b])"),
    ("where(m, a, b)", "where.self(m, a, b)"),
    ("softmax(a, 1)", "softmax.int(a, 1)"),
    ("softmax(a, 1, ScalarType::Double)", "softmax.int(a, 1, double)"),
    ("max(a, 1, true)", "max.dim(a, 1, True)"),
    ("unbind(a)", "unbind.int(a)"),
    ("split(a, 2)", "split.Tensor(a, 2)"),
    ("split_with_sizes(a, {1, 3}, 1)", "split_with_sizes.default(a, [1, 3], 1)"),
    ("index(a, {none, i})", "index.Tensor(a, [None, i])"),
    ("index_put_(torch::stable::clone(a), {m}, dispatched::masked_select(b, m), true)",
     "index_put_.default(a.clone(), [m], b[m], True)"),
    ('div(a, b, "floor")', "div.Tensor_mode(a, b, rounding_mode='floor')"),
    ("div(a, b, none)", "div.Tensor_mode(a, b, rounding_mode=None)"),
    ("mean(a, std::vector<int64_t>{0, 1}, true, ScalarType::Double)",
     "mean.dim(a, [0, 1], True, dtype=double)"),
    ("permute(a, {1, 0})", "permute.default(a, [1, 0])"),
    ("conv2d(p, w)", "conv2d.default(p, w)"),
    ("conv2d(p, w, none, {2, 2}, {1, 1})", "conv2d.default(p, w, None, [2, 2], [1, 1])"),
    ('conv2d_padding(p, w, none, {1, 1}, "same")', "conv2d.padding(p, w, None, [1, 1], 'same')"),
    ("max_pool2d(p, {2, 2})", "max_pool2d.default(p, [2, 2])"),
    ("avg_pool2d(p, {3, 3}, {1, 1}, {1, 1}, false, false, 5)",
     "avg_pool2d.default(p, [3, 3], [1, 1], [1, 1], False, False, 5)"),
    ("upsample_nearest2d(p, none, std::vector<double>{2.0, 1.5})",
     "upsample_nearest2d.vec(p, None, [2.0, 1.5])"),
    ("native_layer_norm(a, {4}, none, none, 1e-5)",
     "native_layer_norm.default(a, [4], None, None, 1e-5)"),
    ("native_batch_norm(p, none, none, none, none, true, 0.1, 1e-5)",
     "native_batch_norm.default(p, None, None, None, None, True, 0.1, 1e-5)"),
    ("convolution_backward(q, p, w, three, one, nil, one, false, nil, 1, {true, true, true})",
     "convolution_backward.default(q, p, w, [3], one, nil, one, False, nil, 1, [True] * 3)"),
    ("zeros({2, 3}, ScalarType::Double, torch::headeronly::Layout::Strided, cpu, false)",
     "zeros.default([2, 3], dtype=double, layout=strided, device='cpu', pin_memory=False)"),
    ("ones_like(p, none, none, none, none, MemoryFormat::ChannelsLast)",
     "ones_like.default(p, memory_format=torch.channels_last)"),
    ("to(a, ScalarType::Long)", "to.dtype(a, long)"),
    ("argmax(a)", "argmax.default(a)"),
    ("argmax(a, 1, true)", "argmax.default(a, 1, True)"),
    ("equal(a, b)", "equal.default(a, b)"),
    ("equal(a, a)", "equal.default(a, a)"),
    ("result_type(i, a)", "result_type.Tensor(i, a)"),
    ("size(a, 1)", "size.int(a, 1)"),
    ('linalg_qr(s, "reduced")', "linalg_qr.default(s, 'reduced')"),
    ("linalg_eigvalsh(s)", "linalg_eigvalsh.default(s)"),
    ("bernoulli(dispatched::zeros({4}))", "bernoulli.default(torch.zeros(4))"),
    ("sort(a, true, 1, true)", "sort.stable(a, stable=True, dim=1, descending=True)"),
    ("topk(a, 2)", "topk.default(a, 2)"),
    ("cumsum(a, 1, ScalarType::Double)", "cumsum.default(a, 1, dtype=double)"),
    ("scatter_add(a, 0, dispatched::to(m, ScalarType::Long), b)",
     "scatter_add.default(a, 0, m.long(), b)"),
    ("mul_out(torch::stable::empty_like(a), a, b)", "mul.out(a, b, out=torch.empty_like(a))"),
    ("relu_(torch::stable::clone(a))", "relu_.default(a.clone())"),
    ('searchsorted(dispatched::cumsum(b, 1), b, false, false, "right")',
     "searchsorted.Tensor(aten.cumsum.default(b, 1), b, out_int32=False, side='right')"),
    ('einsum("ij,kj->ik", {a, b})', "einsum.default('ij,kj->ik', [a, b])"),
    ("roll(a, {1, 2}, {0, 1})", "roll.default(a, [1, 2], [0, 1])"),
    ("_foreach_mul({a, b}, {b, a})", "_foreach_mul.List([a, b], [b, a])"),
    ('quantile(a, 0.5, 1, false, "linear")',
     "quantile.scalar(a, 0.5, 1, False, interpolation='linear')"),
    ("nan_to_num(a, 0.0, 1.0)", "nan_to_num.default(a, 0.0, 1.0)"),
    ('gelu(a, "tanh")', "gelu.default(a, approximate='tanh')"),
    ("std(a)", "std.default(a)"),
    ("std(a, std::vector<int64_t>{1}, false)", "std.dim(a, [1], False)"),
    ("triu(a, 1)", "triu.default(a, 1)"),
    ("repeat_interleave(a, 2, 1)", "repeat_interleave.self_int(a, 2, 1)"),
    ("is_floating_point(a)", "is_floating_point.default(a)"),
)  # fmt: skip
"""A call of a helper, and of the same operator in Python."""
COMPARE = (
    SET_UP
    + """
torch.ops.load_library(sys.argv[1])
found = torch.ops.port_wrappers.run(a, b, i, m, s, p, w)
expected = []
def flat(value):
    if isinstance(value, (tuple, list)):
        for one in value:
            flat(one)
    elif isinstance(value, torch.Tensor):
        expected.append(value)
    else:
        expected.append(torch.tensor([float(value)], dtype=double))
counts = []
for case in json.loads(sys.argv[2]):
    flat(eval("aten." + case))
    counts.append(len(expected))
assert len(found) == len(expected), (len(found), len(expected))
for at, (one, wanted) in enumerate(zip(found, expected)):
    assert (one.dtype, one.shape) == (wanted.dtype, wanted.shape), (at, one, wanted)
    assert one.stride() == wanted.stride() and torch.equal(one, wanted), (at, one, wanted)
try:
    torch.ops.port_wrappers.wrong(a)
except RuntimeError as error:
    print(error)
print("compared", len(expected), "results on torch", torch.__version__)
"""
)
REGISTERED = """
import json, sys, torch
registered = [one for one in torch._C._dispatch_get_all_op_names() if one.startswith("aten::")]
found = {}
for one in registered:
    name, _, overload = one.partition(".")
    found[one] = str(torch._C._get_schema(name, overload))
stated = {one: str(torch._C.parse_schema("aten::" + one)) for one in json.loads(sys.stdin.read())}
json.dump([found, stated], sys.stdout)
"""
REFUSED = """
import ctypes, json, sys, torch
native = ctypes.CDLL(sys.argv[1], ctypes.RTLD_GLOBAL)
native.torch_exception_get_what.restype = ctypes.c_char_p
native.torch_call_dispatcher.argtypes = [
    ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_uint64
]
native.aoti_torch_abi_version.restype = ctypes.c_uint64
native.torch_new_list_reserve_size.argtypes = [ctypes.c_size_t, ctypes.c_void_p]
native.torch_list_push_back.argtypes = [ctypes.c_void_p, ctypes.c_uint64]
native.torch_new_string_handle.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p]
version = native.aoti_torch_abi_version()
def handle(made, *words):
    found = ctypes.c_void_p()
    assert made(*words, ctypes.byref(found)) == 0
    return found.value
def value(kind):
    if kind.endswith("?"):
        found = handle(native.torch_new_stable_ivalue)
        ctypes.c_uint64.from_address(found).value = value(kind[:-1])
        return found
    if kind.endswith("]"):
        found = handle(native.torch_new_list_reserve_size, 1)
        native.torch_list_push_back(found, value(kind.rpartition("[")[0]))
        return found
    if kind == "Tensor":
        one = (ctypes.c_int64 * 1)(1)
        return handle(native.aoti_torch_empty_strided, 1, one, one, 6, 0, 0)
    return handle(native.torch_new_string_handle, b"none", 4) if kind == "str" else 0
errors = {}
for name, overload, kinds in json.loads(sys.stdin.read()):
    stack = (ctypes.c_uint64 * max(8, len(kinds)))(*map(value, kinds))
    failed = native.torch_call_dispatcher(name.encode(), overload.encode(), stack, version)
    errors[f"{name}.{overload}"] = native.torch_exception_get_what().decode() if failed else ""
json.dump(errors, sys.stdout)
"""


@pytest.fixture(scope="module")
def oldest_headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return headers(OLDEST, tmp_path_factory.mktemp("oldest"))


@pytest.fixture(scope="module")
def newest_headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return headers(NEWEST, tmp_path_factory.mktemp("newest"))


@pytest.fixture(scope="module")
def torch() -> Path:
    return cpu_torch(CPU_RELEASE)


def every(release: str) -> list[operators.Schema]:
    """All schemas of a release."""
    return [operators.parse(text) for text in operators.texts(release)]


def helpers(target: str, step: int) -> Header:
    """Helpers for each operator, or for each second one, and so on."""
    wanted = [(one.name.removeprefix("aten::"), one.overload) for one in every(target)]
    return header(wanted[::step], target, "HELPERS_H")


def python(torch: Path, script: str, *words: str, given: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, *words],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(torch)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("fixture", "step", "count"), [("oldest_headers", 4, 600), ("newest_headers", 1, 2500)]
)
def test_helpers_for_all_operators_compile(
    fixture: str, step: int, count: int, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    include: Path = request.getfixturevalue(fixture)
    made = helpers(OLDEST, step)
    assert len(made.operators) > count
    (tmp_path / "helpers.h").write_text(made.text)
    (tmp_path / "twice.cpp").write_text('#include "helpers.h"\n' * 2)
    command = ["g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", TARGET]
    command += ["-isystem", str(include), str(tmp_path / "twice.cpp")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:3000]


def test_two_headers_in_one_source(newest_headers: Path, tmp_path: Path) -> None:
    built = gcc(source(("_ZN2at4_ops10mul_Tensor4callERKNS_6TensorES4_",)), tmp_path / "a.so")
    for name in ("one.h", "two.h"):
        assert main(["port", str(built), "--wrappers", str(tmp_path / name)]) == 0
    text = (
        '#include "one.h"\n#include "two.h"\nusing torch::stable::Tensor;\n'
        "Tensor f(const Tensor& a) { return dispatched_one::mul(dispatched_two::mul(a, a), a); }\n"
    )
    (tmp_path / "both.cpp").write_text(text)
    command = ["g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", TARGET]
    command += ["-isystem", str(newest_headers), str(tmp_path / "both.cpp")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:3000]


def test_helpers_refuse_an_older_target(newest_headers: Path, tmp_path: Path) -> None:
    (tmp_path / "helpers.h").write_text(header([("mul", "Tensor")], "2.12.0", "HELPERS_H").text)
    command = ["g++", "-std=c++20", "-fsyntax-only", "-I", str(newest_headers)]
    command += ["-x", "c++", str(tmp_path / "helpers.h")]
    done = subprocess.run([*command, TARGET], capture_output=True, text=True, check=False)
    assert "These helpers are for torch 2.12 and newer" in done.stderr
    newer = TARGET.replace("0A", "0C")
    done = subprocess.run([*command, newer], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:3000]


@pytest.mark.parametrize("fixture", ["oldest_headers", "newest_headers"])
def test_helpers_compute_what_torch_computes(
    fixture: str, request: pytest.FixtureRequest, torch: Path, tmp_path: Path
) -> None:
    include: Path = request.getfixturevalue(fixture)
    called = [one for _, case in CASES for one in re.findall(r"(\w+)\.(\w+)\(", f" {case}")]
    wanted = {
        (name, "" if overload == "default" else overload)
        for name, overload in called
        if name not in {"torch", "aten", "a", "m"}
    }
    wanted |= {("masked_select", ""), ("to", "dtype")}
    made = header(sorted(wanted), OLDEST, "HELPERS_H")
    assert made.left_out == ()
    assert len(made.operators) > 45
    (tmp_path / "helpers.h").write_text(made.text)
    calls = "".join(f"  keep(dispatched::{call});\n" for call, _ in CASES)
    (tmp_path / "calls.inc").write_text(calls)
    library = tmp_path / "run.so"
    links = torch / "torch" / "lib"
    command = ["g++", "-std=c++20", "-O0", "-w", "-shared", "-fPIC", TARGET, "-I", str(tmp_path)]
    command += ["-I", str(include), str(HERE / "run.cpp"), "-o", str(library)]
    command += [f"-L{links}", "-ltorch_cpu", "-Wl,-z,defs", f"-Wl,-rpath,{links}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:3000]
    said = python(torch, COMPARE, str(library), json.dumps([case for _, case in CASES]))
    assert f"results on torch {CPU_RELEASE}" in said
    assert "torch_call_dispatcher" in said  # the error names the call that failed


def test_the_schemas_are_those_that_torch_registers(torch: Path) -> None:
    texts = list(operators.texts(CPU_RELEASE))
    registered: dict[str, str]
    stated: dict[str, str]
    registered, stated = json.loads(python(torch, REGISTERED, given=json.dumps(texts)))
    ours = {f"aten::{text.partition('(')[0]}": shown for text, shown in stated.items()}
    assert {one for one, shown in ours.items() if registered.get(one) != shown} == set()
    assert {one.partition(".")[0] for one in registered.keys() - ours.keys()} == {
        *("aten::get_gradients", "aten::quantized_gru", "aten::quantized_lstm"),
    }


def test_what_is_refused_is_what_torch_refuses(torch: Path) -> None:
    """Every operator of which an argument is refused, called with a value for each argument."""
    calls: list[tuple[str, str, list[str]]] = []
    expected: dict[str, tuple[str, ...]] = {}
    for one in every(CPU_RELEASE):
        if one.arguments and (types := operators.refused(one, CPU_RELEASE)):
            only = one._replace(returns=())
            if operators.refused(only, CPU_RELEASE):
                calls.append((one.name, one.overload, [each.type for each in one.arguments]))
                expected[f"{one.name}.{one.overload}"] = types
    assert len(calls) > 500
    library = str(torch / "torch" / "lib" / "libtorch_cpu.so")
    errors: dict[str, Any] = json.loads(python(torch, REFUSED, library, given=json.dumps(calls)))
    for name, error in errors.items():
        found = re.search(r"Not yet supported conversion .* for schema type: (\w+)", error)
        assert found is not None, (name, error)
        assert found[1] in expected[name]


def test_results_that_torch_does_not_hand_back(torch: Path) -> None:
    expected = {
        "equal": "",
        "item": "Not yet supported conversion from IValue to StableIValue .*: Scalar",
        "sym_is_contiguous": "Not yet supported conversion from IValue to StableIValue .*: SymBool",
        "_choose_qparams_per_tensor": "expected double",  # it converts the int as a float
    }
    calls = []
    for name, error in expected.items():
        one = operators.schema(name, "", CPU_RELEASE)
        assert one is not None
        assert bool(operators.refused(one, CPU_RELEASE)) == bool(error)
        calls.append([one.name, "", [each.type for each in one.arguments]])
    library = str(torch / "torch" / "lib" / "libtorch_cpu.so")
    said = json.loads(python(torch, REFUSED, library, given=json.dumps(calls)))
    for name, error in expected.items():
        found = said[f"aten::{name}."]
        assert re.search(error, found) if error else found == ""
