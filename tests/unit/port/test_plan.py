"""The plan, computed from constructed values."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

import pytest

from torch_abi_audit.model.reports import ExtensionReport, PackageReport
from torch_abi_audit.model.verdicts import TorchABIVerdict
from torch_abi_audit.port.migration import Item, Plan, Site, Unit, Way
from torch_abi_audit.port.plan import plan, units_of
from torch_abi_audit.port.since import SavedReportError, saved, since
from torch_abi_audit.report import format_json
from torch_abi_audit.report.port.phrases import percent
from torch_abi_audit.report.rendering import Detail, render

CHECK = b"_ZN3c106detail14torchCheckFailEPKcS2_jRKSs"
EMPTY_LIKE = b"_ZN2at4_ops10empty_like4callERKNS_6TensorE"
MUL = b"_ZN2at4_ops10mul_Tensor4callERKNS_6TensorES4_"
GENERATOR = b"_ZN2at16CPUGeneratorImpl4seedEv"
CLASS = b"_ZN3c109ClassType9addMethodEi"
STRANGE = b"_ZN2at7strangeEv"


def planned(*units: Unit, **options: Any) -> Plan:
    return plan("pkg", "/pkg", units, **options)


def ways(one: Plan) -> dict[str, Way]:
    return {item.api: item.way for item in one.items}


def test_every_symbol_falls_under_its_api_and_class() -> None:
    one = planned(Unit("a.so", tuple(sorted((CHECK, EMPTY_LIKE, MUL, GENERATOR, CLASS, STRANGE)))))
    assert ways(one) == {
        "TORCH_CHECK": Way.NOW,
        "at::empty_like": Way.NOW,
        "at::mul.Tensor": Way.DISPATCHER,
        "at::Generator": Way.LATER,
        "torch::class_": Way.NOT_YET,
        "at::strange": Way.UNKNOWN,
    }
    assert [item.way for item in one.items] == sorted(
        (item.way for item in one.items), key=list(Way).index
    )
    assert (one.symbols, one.verdict) == (6, "UNSTABLE")
    assert one.coverage == pytest.approx(3 / 6)
    assert one.classified == pytest.approx(5 / 6, abs=1e-4)


def test_internal_symbols_are_counted_apart() -> None:
    one = planned(Unit("a.so", (CHECK, MUL, b"THPVariableClass", b"_ZN4c10d5Store4waitEv")))
    assert (one.symbols, one.internal) == (4, 2)
    text = render("port", "text", [one], Detail())
    assert "% of 2 unstable and 2 internal symbols can be replaced" in text


def test_the_target_decides() -> None:
    unit = Unit("a.so", (MUL, GENERATOR))
    assert planned(unit, target="2.9.0").coverage == 0
    assert planned(unit, target="2.13.0").coverage == 1
    targets = {one.release: one for one in planned(unit).targets}
    assert targets["2.13.0"].unlocks == ("at::Generator",)
    assert targets["2.9.0"].loses == ("at::mul.Tensor",)
    assert targets["2.10.0"].coverage == 0.5
    assert "2.10.3" in {one.release for one in planned(unit, target="2.10.3").targets}


ADD = b"_ZN2at4_ops10add_Tensor4callERKNS_6TensorES4_RKN3c106ScalarE"
MUL_NUMBER = b"_ZN2at4_ops10mul_Scalar4callERKNS_6TensorERKN3c106ScalarE"
ELU = b"_ZN2at4_ops3elu4callERKNS_6TensorERKN3c106ScalarES7_S7_"
RAND = b"_ZN2at4_ops14rand_generator4callEN3c108ArrayRefINS2_6SymIntEEE"
NORMAL = b"_ZN2at4_ops7normal_4callERNS_6TensorEdd"
PERMUTE = b"_ZN2at4_ops7permute4callERKNS_6TensorEN3c108ArrayRefIlEE"


def item(symbol: bytes, **options: Any) -> Item:
    (found,) = planned(Unit("a.so", (symbol,)), **options).items
    return found


def test_the_schema_decides_what_the_dispatcher_can_call() -> None:
    elu = item(ELU)  # elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1)
    assert (elu.way, elu.use, elu.refused) == (Way.NOT_YET, None, ("Scalar",))
    assert elu.note == ""  # the refused types say it
    assert elu.operator == "aten::elu"
    assert "subtract(a, b, -1)" in (item(ADD).use or "")
    assert "integers" in item(ADD).differs


def test_an_open_overload_says_what_works() -> None:
    one = item(b"_ZN2at6Tensor4pow_Ev")  # no overload takes no argument
    assert one.use == 'torch_call_dispatcher("aten::pow_", "…")'
    assert one.note == (
        'of its overloads the dispatcher calls "Tensor"; it refuses "Scalar": type Scalar'
    )


def test_a_number_becomes_a_tensor_where_an_overload_takes_one() -> None:
    one = item(MUL_NUMBER)
    assert (one.way, one.api) == (Way.DISPATCHER, "at::mul.Scalar")
    assert one.use == 'torch_call_dispatcher("aten::mul", "Tensor")'
    assert "full({}, value, dtype)" in one.note
    assert "otherwise kFloat for a floating-point number, kLong for an integer" in one.note
    assert "an integer gives int64" in one.differs


def call_of(operator: str) -> bytes:
    return f"_ZN2at4_ops{len(operator)}{operator}4callEv".encode()


@pytest.mark.parametrize("operator", ["linspace", "logspace", "float_power_Tensor_Scalar"])
def test_a_number_that_no_dtype_comes_from_is_a_double(operator: str) -> None:
    one = item(call_of(operator))
    assert one.way is Way.DISPATCHER
    assert "full({}, value, kDouble)" in one.note
    assert "int64" not in one.differs


def test_what_fills_does_not_promote() -> None:
    for operator in ("masked_fill_Scalar", "masked_fill__Scalar", "index_fill_int_Scalar"):
        one = item(call_of(operator))
        assert one.way is Way.DISPATCHER
        assert "gives int64" not in one.differs


@pytest.mark.parametrize(
    ("operator", "called"),
    [
        ("std_correction", '"aten::std", "dim"'),
        ("var_correction_out", '"aten::var", "out"'),
        ("std_mean_correction", '"aten::std_mean", "dim"'),
        ("var_mean_correction", '"aten::var_mean", "dim"'),
        ("isin_Tensor_Scalar", '"aten::isin", "Tensor_Tensor"'),
        ("scatter__value", '"aten::scatter_", "src"'),
        ("scatter_value_reduce", '"aten::scatter", "reduce"'),
    ],
)
def test_a_sibling_without_a_number_takes_another_form(operator: str, called: str) -> None:
    one = item(call_of(operator))
    assert (one.way, one.use) == (Way.DISPATCHER, f"torch_call_dispatcher({called})")
    assert one.refused == ()
    assert one.note


@pytest.mark.parametrize("symbol", [b"cpuinfo_initialize", b"Sleef_expf8_u10"])
def test_a_copy_of_another_library_is_linked_from_the_project(symbol: bytes) -> None:
    one = item(symbol)
    assert (one.way, one.header) == (Way.NOW, None)
    assert "the project's own" in (one.use or "")


@pytest.mark.parametrize(
    ("symbol", "api", "way"),
    [
        (
            b"_ZN3c104impl15SizesAndStrides14resizeSlowPathEmm",
            "at::Tensor's internals",
            Way.GOES,
        ),
        (b"_ZN3c106detail13deleteNothingEPv", "Tensor::storage", Way.NOW),
        (b"_ZN2at12NoNamesGuardC1Ev", "names of dimensions", Way.NOT_YET),
        (b"_ZN3c1012promoteTypesENS_10ScalarTypeES0_", "c10::promoteTypes", Way.DISPATCHER),
    ],
)
def test_internals_belong_to_what_brings_them(symbol: bytes, api: str, way: Way) -> None:
    assert (item(symbol).api, item(symbol).way) == (api, way)


def test_a_later_dispatcher_carries_more() -> None:
    rand = item(RAND)  # its argument of type Generator? has no default
    assert (rand.way, rand.floor) == (Way.LATER, "2.13.0")
    assert item(RAND, target="2.13.0").way is Way.DISPATCHER
    assert item(NORMAL).way is Way.DISPATCHER
    assert "generator must be none" in item(NORMAL).note
    assert not item(NORMAL, target="2.13.0").note


def test_older_headers_have_the_dispatcher() -> None:
    one = item(PERMUTE)
    assert one.fallback is not None
    assert (one.way, one.since, one.floor) == (Way.NOW, "2.14.0", "2.10.0")
    assert one.fallback.use == 'torch_call_dispatcher("aten::permute", "")'
    assert one.fallback.since == "2.10.0"
    assert item(PERMUTE, target="2.9.0").way is Way.LATER


ZEROS = b"_ZN2at4_ops5zeros4callEN3c108ArrayRefINS2_6SymIntEEE"


def test_an_older_target_takes_the_older_way() -> None:
    new, old = item(ZEROS), item(ZEROS, target="2.9.0")
    assert (new.use, new.floor) == ("torch::stable::full(size, 0, dtype)", "2.10.0")
    assert (old.way, old.use, old.floor) == (Way.NOW, "torch::stable::new_zeros", "2.9.0")
    assert "torch::stable::full(size, 0, dtype) from torch 2.10.0 on" in old.note
    assert old.fallback is None


GUARD = (
    b"_ZN3c104cuda14ExchangeDeviceEa",
    b"_ZN3c104cuda20CUDACachingAllocator9allocatorE",
    b"_ZN3c104cuda17getStreamFromPoolEia",
    b"_ZN3c104cuda20getDefaultCUDAStreamEa",
    b"_ZN3c104cuda20setCurrentCUDAStreamENS0_10CUDAStreamE",
    b"_ZN3c104cuda21warn_or_error_on_syncEv",
)


def test_what_one_include_brings_is_one_task() -> None:
    (one,) = planned(Unit("a.so", GUARD)).items
    assert one.api == "CUDAGuard, OptionalCUDAGuard, DeviceGuard"
    assert (one.origin or "").startswith("c10/cuda/CUDAGuard.h")
    assert len(one.symbols) == len(GUARD)
    some = planned(Unit("a.so", GUARD[:3])).items
    assert len(some) == 3  # the include would bring them all


def test_what_the_source_calls_is_a_task_of_its_own() -> None:
    own = {GUARD[2]: (Site("f()", "a.cpp", 3, own=True),)}
    apis = {one.api for one in planned(Unit("a.o", GUARD, sites=own), objects=True).items}
    assert apis == {"CUDAGuard, OptionalCUDAGuard, DeviceGuard", "getStreamFromPool"}


def test_what_goes_away_counts_as_covered() -> None:
    one = planned(Unit("a.so", (b"_ZN3c106SymInt9guard_intEPKcl",)))
    assert (one.coverage, one.classified, ways(one)) == (1, 1, {"c10::SymInt": Way.GOES})
    assert one.items[0].origin


def test_macros_of_a_replacement() -> None:
    assert item(b"_ZN3c104cuda29c10_cuda_check_implementationEiPKcS2_ib").macros == ("USE_CUDA",)


def test_cheapest_first() -> None:
    checks = (CHECK, b"_ZN3c106detail14torchCheckFailEPKcS2_jS2_")
    one = planned(Unit("a.so", (*checks, EMPTY_LIKE)))
    assert [item.api for item in one.items] == ["TORCH_CHECK", "at::empty_like"]
    assert one.items[0].uses == 2


def test_uses_count_libraries_and_places() -> None:
    site = Site("f()", "a.cpp", 3, count=2, own=True)
    inlined = Site("at::g()", "/torch/include/x.h", 9, own=False)
    one = planned(
        Unit("a.o", (CHECK,), sites={CHECK: (inlined, site)}), Unit("b.o", (CHECK,)), objects=True
    )
    (item,) = one.items
    assert (item.uses, item.own, item.units) == (4, 2, ("a.o", "b.o"))
    assert item.sites == (("a.o", site), ("a.o", inlined))


def test_files_that_alone_need_a_symbol() -> None:
    one = planned(Unit("a.o", (CHECK, MUL)), Unit("b.o", (CHECK,)))
    last = {unit.name: unit.last_to_need for unit in one.units}
    assert [len(last["a.o"]), len(last["b.o"])] == [1, 0]
    assert "mul_Tensor" in last["a.o"][0]


def test_the_floor_and_the_way_down() -> None:
    shims = (b"aoti_torch_get_dim", b"torch_call_dispatcher", b"torch_dtype_float8_e8m0fnu")
    one = planned(Unit("a.so", shims=shims))
    assert (one.verdict, one.floor, one.coverage, one.classified) == ("STABLE", "2.11.0", 1, 1)
    assert [(step.release, step.without) for step in one.floor_steps] == [
        ("2.10.0", ("torch_dtype_float8_e8m0fnu",)),
        ("2.9.0", ("torch_call_dispatcher", "torch_dtype_float8_e8m0fnu")),
    ]


def test_what_a_stable_library_could_drop() -> None:
    links = ("libc10.so", "libtorch.so", "libtorch_cpu.so")
    one = planned(Unit("a.so", shims=(b"aoti_torch_call_dispatcher",), links=links))
    assert {drop.what for drop in one.drops} == {
        "aoti_torch_call_dispatcher",
        "libc10.so",
        "libtorch.so",
    }
    umbrella = planned(Unit("a.so", shims=(b"aoti_torch_get_dim",), links=("libtorch.so",)))
    assert umbrella.drops == ()  # libtorch_cpu.so comes through it
    left = planned(Unit("a.o", shims=(b"aoti_torch_get_dim",), evidence=("at::Tensor::x()",)))
    assert [drop.what for drop in left.drops] == ["includes of unstable headers"]


def report(*libraries: ExtensionReport) -> PackageReport:
    return PackageReport("pkg", PurePath("/pkg"), bundled_libs=libraries)


def test_units_of_a_report() -> None:
    verdict = TorchABIVerdict(
        uses_torch=True,
        unstable_symbols=("c10::…",),
        unknown_shim_symbols=("torch_brand_new",),
        required=(CHECK, b"torch_brand_new", b"torch_call_dispatcher"),
        links=("libtorch.so",),
    )
    broken = ExtensionReport(PurePath("/pkg/lib/b.so"), error="cut short")
    plain = ExtensionReport(PurePath("/pkg/c.so"), torch=TorchABIVerdict())
    units = units_of(
        report(ExtensionReport(PurePath("/pkg/lib/a.so"), torch=verdict), broken, plain)
    )
    assert units == (
        Unit(
            "lib/a.so", (CHECK,), (b"torch_brand_new", b"torch_call_dispatcher"), ("libtorch.so",)
        ),
        Unit("lib/b.so", error="cut short"),
    )
    one = planned(*units)
    assert one.verdict == "ERROR"
    assert one.floor == "2.10.0"


def test_since_a_saved_plan() -> None:
    before = planned(Unit("a.o", (CHECK, MUL)), Unit("b.o", (MUL,)))
    after = planned(Unit("a.o", (MUL, STRANGE)), Unit("b.o"))
    found = since(after, saved(render("port", "json", [before], Detail()).encode(), "pkg"))
    assert [len(found.gone), len(found.new), found.before, found.now] == [1, 1, 2, 2]
    assert found.gone[0].startswith("c10::detail::torchCheckFail(")
    assert found.units == (("b.o", 1, 0),)
    both = render("port", "json", [plan("other", "/other", [Unit("other.o")]), before], Detail())
    assert saved(both.encode(), "pkg").units == {"a.o": 2, "b.o": 1}


def test_since_a_saved_audit() -> None:
    torch = TorchABIVerdict(
        uses_torch=True, unstable_symbols=("at::gone()",), internal_symbols=("c10d::x()",)
    )
    text = format_json(report(ExtensionReport(PurePath("/pkg/a.so"), torch=torch)))
    then = saved(text.encode(), "pkg")
    assert then.symbols == {"at::gone()", "c10d::x()"}
    assert then.units == {"a.so": 2}
    assert since(planned(), then).gone == ("at::gone()", "c10d::x()")


@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"plans": []}', b'{"name": "pkg"}', b"\xff"])
def test_what_is_no_report_is_refused(text: bytes) -> None:
    with pytest.raises(SavedReportError):
        saved(text, "pkg")


def test_text_markdown_and_json_say_the_same() -> None:
    one = planned(Unit("a|b.so", (CHECK, CLASS), (b"torch_call_dispatcher",)))
    text, markdown, document = (
        render("port", each, [one], Detail(verbose=True)) for each in ("text", "markdown", "json")
    )
    document = json.loads(document)
    assert "50% of 2 unstable symbols can be replaced" in text
    assert "    TORCH_CHECK -> STD_TORCH_CHECK  [1 symbol, 1 library, 1 use]" in text
    assert "symbol: c10::detail::torchCheckFail(" in text
    assert "| `TORCH_CHECK` | replace now | `STD_TORCH_CHECK` |" in markdown
    assert "`a\\|b.so`" in markdown
    assert document["coverage"] == 0.5
    assert document["classified"] == 1.0
    assert document["apis"][0]["class"] == "replace-now"
    assert document["apis"][1]["replacement"] is None
    assert document["files"][0]["unstable"] == 2


def test_a_share_is_never_rounded_to_a_lie() -> None:
    assert [percent(one) for one in (0, 0.001, 0.5, 0.999, 1)] == [
        "0%",
        "under 1%",
        "50%",
        "over 99%",
        "100%",
    ]
