"""The kind of an import by its name and its provider, for every mangling."""

from __future__ import annotations

from dataclasses import replace

import pytest

from torch_abi_audit.judges.interface import Names
from torch_abi_audit.judges.torch_abi import judge
from torch_abi_audit.judges.torch_names import Kind, classify
from torch_abi_audit.model.binary import Binary, Format

NAMES = {
    b"_ZN2at5emptyEv": Kind.UNSTABLE,
    b"_ZNK3c106Device3strB5cxx11Ev": Kind.UNSTABLE,
    b"_ZNO5torch11CppFunctionD1Ev": Kind.UNSTABLE,
    b"_ZTIN3c105ErrorE": Kind.UNSTABLE,
    b"_ZTVN5torch8autograd4NodeE": Kind.UNSTABLE,
    b"_ZTSN2at10TensorBaseE": Kind.UNSTABLE,
    b"_ZTIN5torch6stable6TensorE": Kind.HEADER_ONLY,
    b"_ZN5torch6stable6Device3strEv": Kind.HEADER_ONLY,
    b"_ZNK5torch10headeronly3fooEv": Kind.HEADER_ONLY,
    b"_ZN5torch7stable21zEv": Kind.UNSTABLE,
    b"_ZN5torch8executor3runEv": None,
    b"_ZTIN5torch8executor7ProgramE": None,
    b"_ZN4c10d5Store4waitEv": Kind.INTERNAL,
    b"_ZN4c10d11hashTensorsERKSt6vectorIN2at6TensorESaIS2_EE": Kind.UNSTABLE,
    b"_ZN3foo2at1zEi": None,
    b"_ZN2my2opERKN2at6TensorE": Kind.FOREIGN,
    b"_ZNSt6vectorIiSaIiEE9push_backEOi": None,
    b"_ZN6caffe28TypeMetaC1Ev": Kind.INTERNAL,
    b"THPVariableClass": Kind.INTERNAL,
    b"aoti_torch_delete_tensor_object": Kind.SHIM,
    b"torch_call_dispatcher": Kind.SHIM,
    b"aoti_torch_of_tomorrow": Kind.UNKNOWN_SHIM,
    b"printf": None,
    b"Py_BuildValue": None,
    b"??6c10@@YAAEAVostream@std@@AEAV12@AEBUDevice@0@@Z": Kind.UNSTABLE,
    b"??8c10@@YA_NAEBVSymInt@0@H@Z": Kind.UNSTABLE,
    b"?f@c10@@YAXXZ": Kind.UNSTABLE,
    b"?g@at@@YAXXZ": Kind.UNSTABLE,
    b"?h@format@@YAXXZ": None,
}
"""The kind of each name if the binary does not state a provider."""


def binary(*names: bytes, **providers: str) -> Binary:
    stated = {name: dll for name in names for dll in providers.values()}
    return Binary(Format.ELF, "x86_64", 64, "little", tuple(sorted(names)), providers=stated)


@pytest.mark.parametrize(("name", "kind"), NAMES.items())
def test_a_name_by_itself(name: bytes, kind: Kind | None) -> None:
    assert classify([name], binary(name)).get(name) is kind


def test_all_names_at_once_are_what_each_is() -> None:
    expected = {name: kind for name, kind in NAMES.items() if kind is not None}
    assert classify(list(NAMES), binary(*NAMES)) == expected


@pytest.mark.parametrize(("name", "kind"), [(n, k) for n, k in NAMES.items() if k is Kind.UNSTABLE])
def test_what_libtorch_provides_is_what_its_name_says(name: bytes, kind: Kind) -> None:
    assert classify([name], binary(name, dll="torch_cpu.dll")) == {name: kind}


def test_what_libtorch_provides_is_its_own_whatever_its_name() -> None:
    names = (b"_ZN3foo3barEv", b"plain_c", b"_ZNSt6vectorIiSaIiEE9push_backEOi")
    assert classify(names, binary(*names, dll="c10.dll")) == dict.fromkeys(names, Kind.INTERNAL)


def test_what_another_library_provides_is_no_shim() -> None:
    assert classify([b"torch_call_dispatcher"], binary(b"torch_call_dispatcher", dll="x.dll")) == {}


def test_a_reader_of_counts_gets_counts() -> None:
    names = [name for name, kind in NAMES.items() if kind is not None]
    one = replace(binary(*names), needed=("libtorch.so",))
    kinds = classify(names, one)
    full = judge(one, kinds, frozenset())
    for held in (Names.RAW, Names.COUNTED):
        brief = judge(one, kinds, frozenset(), names=held)
        assert len(brief.unstable_symbols) == len(full.unstable_symbols) > 5
        assert len(brief.internal_symbols) == len(full.internal_symbols) > 1
        assert sorted(brief.required) == (list(full.required) if held is Names.RAW else [])
        assert set(brief.unstable_symbols) == {""}
        assert (brief.label, brief.stable_shim_count) == (full.label, full.stable_shim_count)


def test_a_reader_of_counts_gets_the_names_that_may_lack_a_link() -> None:
    one = replace(binary(b"THPVariableClass"), needed=("libc10.so",))
    kinds = classify([b"THPVariableClass"], one)
    brief = judge(one, kinds, frozenset(), names=Names.COUNTED)
    assert brief.required == (b"THPVariableClass",)


def test_listed_names_are_in_the_order_of_the_mangled_ones() -> None:
    names = [b"_ZN2at1bEv", b"_ZN2at1aEv", b"_ZN3c101cEv"]
    verdict = judge(binary(*names), classify(names, binary(*names)), frozenset())
    assert verdict.unstable_symbols == ("at::a()", "at::b()", "c10::c()")
