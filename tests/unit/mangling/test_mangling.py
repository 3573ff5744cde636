"""Owner, mentions and demangled text of mangled names: both manglings, one form per case."""

from __future__ import annotations

import subprocess
import sys
from time import perf_counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torch_abi_audit.mangling import demangle, escape, mentions, msvc, owner
from torch_abi_audit.mangling.cursor import MAX_DEPTH
from torch_abi_audit.mangling.itanium import names as itanium


def path(text: str) -> tuple[bytes, ...]:
    """The components of a name such as ``at::Tensor``; empty for an empty text."""
    return tuple(part.encode() for part in text.split("::")) if text else ()


OWNERS = {
    # C linkage
    "a C name": ("foo", ""),
    "a C name with a clone suffix": ("foo.cold", ""),
    "a C name with a version": ("foo@@V1", ""),
    "an empty name": ("", ""),
    "a C name that only looks mangled": ("_Zebra", ""),
    "a vector variant of a C function, by its NEON mangling": ("_ZGVnN2v_Sleef_acos_u10", ""),
    "a vector variant of a C function, by its AVX mangling": ("_ZGVbN4vv_pow", ""),
    "a block of Objective-C": ("__ZN2at1fEv_block_invoke", ""),
    # plain names
    "a function in nested namespaces": ("_ZN2at6detail3fooEv", "at::detail"),
    "a member function": ("_ZN2at6Tensor3fooEv", "at::Tensor"),
    "a function in a namespace": ("_ZN3c105allocEm", "c10::alloc"),
    "a global function": ("_Z3fooi", "foo"),
    "a global function with internal linkage": ("_ZL3fooi", "foo"),
    "a variable in a namespace": ("_ZN2at1xE", "at::x"),
    "const": ("_ZNK2at6Tensor3dimEv", "at::Tensor"),
    "const, &&": ("_ZNKO3c106Scalar2toEv", "c10::Scalar"),
    "volatile": ("_ZNV2at6Tensor3dimEv", "at::Tensor"),
    "an explicit object parameter": ("_ZNH2at6Tensor3dimES0_", "at::Tensor"),
    "internal linkage within a namespace": ("_ZN2atL3fooEv", "at::foo"),
    "an ABI tag on the namespace": ("_ZN2atB3tag3fooEv", "at::foo"),
    "an ABI tag on the function": ("_Z3fooB5cxx11v", "foo"),
    "identifiers of two digits": ("_ZN10abcdefghij11abcdefghijkEv", "abcdefghij::abcdefghijk"),
    "identifiers of three digits": (
        f"_ZN123{'a' * 123}100{'b' * 100}Ev",
        f"{'a' * 123}::{'b' * 100}",
    ),
    "an unnamed namespace": ("_ZN2at12_GLOBAL__N_13fooEv", "at::_GLOBAL__N_1"),
    "an unnamed outer namespace": ("_ZN12_GLOBAL__N_13fooEv", "_GLOBAL__N_1::foo"),
    # what an identifier contains is not a component
    "an identifier that contains a namespace": ("_Z8foo2atxxv", "foo2atxx"),
    "a namespace inside another": ("_ZN3foo2at1zEv", "foo::at"),
    "a namespace that begins like torch": ("_ZN9torch_npu1fEv", "torch_npu::f"),
    "a component that begins like stable": ("_ZN5torch7stable21zEv", "torch::stable2"),
    "torch::stable": ("_ZN5torch6stable6Device3fooEv", "torch::stable"),
    # entities without an identifier
    "a constructor": ("_ZN2at6TensorC1Ev", "at::Tensor"),
    "a constructor of a global class": ("_ZN3FooC2Ei", "Foo::{constructor}"),
    "an inheriting constructor": ("_ZN3FooCI13BarEi", "Foo::{constructor}"),
    "a destructor of a global class": ("_ZN3FooD0Ev", "Foo::{destructor}"),
    "an operator in a namespace": ("_ZN3c10lsERSoNS_6DeviceE", "c10::{operator}"),
    "a global operator": ("_ZlsRSoRKN2at6TensorE", "{operator}"),
    "operator new": ("_Znwm", "{operator}"),
    "a vendor's operator": ("_ZN2atv13fooEv", "at::{operator}"),
    "a literal operator": ("_ZN2atli2_xEy", "at::{operator}"),
    "a conversion operator": ("_ZN3FoocvN2at6TensorEEv", "Foo::{operator}"),
    "a conversion operator template": ("_ZN3FoocvT_IN2at6TensorEEEv", "Foo::{operator}"),
    "a lambda": ("_ZN2atUlvE_clEv", "at::{lambda}"),
    "a lambda in a member's initialiser": ("_ZN3Foo1aMUlvE_clEv", "Foo::a"),
    "an unnamed class": ("_ZN2atUt_C1Ev", "at::{unnamed}"),
    "a structured binding": ("_ZN2atDC1a1bEE", "at::{binding}"),
    "a global structured binding": ("_ZDC1a1bE", "{binding}"),
    # templates
    "a function template": ("_ZN2at3fooIN3c104HalfEEEvT_", "at::foo"),
    "a class template": ("_ZN10THPPointerI7_objectE4freeEv", "THPPointer::free"),
    "a class template's constructor": (
        "_ZN10THPPointerI7_objectEC1Ev",
        "THPPointer::{constructor}",
    ),
    "a global function template": ("_Z3fooIN2at6TensorEEvT_", "foo"),
    "arguments with literals": ("_ZN3FooILb1ELj16ELN2at1EE1EE3barEv", "Foo::bar"),
    "arguments with an expression": ("_ZN3FooIXsr2at3BarE1xEE3barEv", "Foo::bar"),
    "arguments with an address": ("_ZN3FooIXadL_ZN2at1fEvEEE3barEv", "Foo::bar"),
    "arguments with a pack": ("_ZN3FooIJiN2at6TensorEEE3barEv", "Foo::bar"),
    "arguments with a substitution for auto, by Clang": (
        "_ZN3FooIZN1a1fIiEEDaT_S3_NS0_1bEE1CE3barEv",
        "Foo::bar",
    ),
    # std and its abbreviations
    "std": ("_ZNSt6vectorIN2at6TensorESaIS1_EE9push_backERKS1_", "std::vector"),
    "const, std": ("_ZNKSt6vectorIiSaIiEE4sizeEv", "std::vector"),
    "a function in std": ("_ZSt4moveIRN2at6TensorEEvT_", "std::move"),
    "a variable in std": ("_ZSt4cout", "std::cout"),
    "an inline namespace of std": ("_ZNSt7__cxx119to_stringEi", "std::__cxx11"),
    "std::allocator": ("_ZNSaIcED1Ev", "std::allocator"),
    "std::basic_string": ("_ZNSbIwE4sizeEv", "std::basic_string"),
    "std::string": ("_ZNSs6appendEPKc", "std::basic_string"),
    "std::istream": ("_ZNSirsERi", "std::basic_istream"),
    "std::ostream": ("_ZNSolsEi", "std::basic_ostream"),
    "std::iostream": ("_ZNSd4swapERSd", "std::basic_iostream"),
    # what belongs to something else
    "a vtable": ("_ZTVN2at6TensorE", "at::Tensor"),
    "a vtable of a global class": ("_ZTV3Foo", "Foo"),
    "a VTT": ("_ZTTN2at6TensorE", "at::Tensor"),
    "a construction vtable": ("_ZTCN2at1AE16_NS_1BE", "at::A"),
    "a construction vtable of a global class": ("_ZTC3Foo0_N2at1BE", "Foo"),
    "type information": ("_ZTIN2at6TensorE", "at::Tensor"),
    "type information of a global class": ("_ZTI3Foo", "Foo"),
    "a type's name": ("_ZTSN2at6TensorE", "at::Tensor"),
    "a type's name, in std": ("_ZTSSt6vectorIN2at6TensorESaIS1_EE", "std::vector"),
    "type information of a pointer": ("_ZTIPN2at6TensorE", "at::Tensor"),
    "type information of a pointer to const": ("_ZTIPKN2at6TensorE", "at::Tensor"),
    "type information of an array": ("_ZTIA10_N2at6TensorE", "at::Tensor"),
    "type information of a function": ("_ZTIFvN2at6TensorEE", ""),
    "type information of a pointer to a function": ("_ZTIPFvN2at6TensorEE", ""),
    "type information of a pointer to a member": ("_ZTIMN2at6TensorEi", ""),
    "type information of a builtin": ("_ZTIi", ""),
    "type information of nullptr_t": ("_ZTIDn", ""),
    "a thread-local's wrapper": ("_ZTWN2at1xE", "at::x"),
    "a thread-local's initialisation": ("_ZTHN2at1xE", "at::x"),
    "a guard": ("_ZGVN2at1xE", "at::x"),
    "a temporary kept alive": ("_ZGRN2at1xE_", "at::x"),
    "a second temporary kept alive": ("_ZGRN2at1xE0_", "at::x"),
    "a transactional clone": ("_ZGTtN2at6Tensor3fooEv", "at::Tensor"),
    "a thunk": ("_ZThn16_N2at6Tensor3fooEv", "at::Tensor"),
    "a thunk of a global class": ("_ZThn16_N3FooD1Ev", "Foo::{destructor}"),
    "a virtual thunk": ("_ZTv0_n24_N2at6Tensor3fooEv", "at::Tensor"),
    "a thunk to a const function": ("_ZThn16_NK2at6Tensor3fooEv", "at::Tensor"),
    "a thunk without an offset": ("_ZThN2at6Tensor3fooEv", ""),
    "a virtual thunk with half of its offset": ("_ZTv0_N2at6Tensor3fooEv", ""),
    "a table of nothing": ("_ZTV", ""),
    "a covariant thunk": ("_ZTch0_h16_N2at6Tensor3fooEv", "at::Tensor"),
    "the object of a template parameter": ("_ZTAXtlN2at1AELi1EEE", ""),
    "a module's initialiser": ("_ZGIW3foo", ""),
    "an entity of a module": ("_ZN2atW3foo3barEv", "at::bar"),
    # local entities
    "a static variable of a function": ("_ZZN2at3fooEvE3bar", "at::foo"),
    "a static variable of a global function": ("_ZZ3fooN2at6TensorEE3bar", "foo"),
    "its guard": ("_ZGVZN2at3fooEvE3bar", "at::foo"),
    "a lambda of a function": ("_ZZN2at3fooEvENKUlvE_clEv", "at::foo"),
    "a lambda in a lambda": ("_ZZZN2at3fooEvENKUlvE_clEvE3bar", "at::foo"),
    "type information of a local class": ("_ZTIZN2at3fooEvE3Bar", "at::foo"),
    "type information of a global function's local class": ("_ZTIZ3foovE3Bar", "foo"),
    "a local class of a default argument": ("_ZZN2at3fooEiEd0_NKUlvE_clEv", "at::foo"),
    # suffixes
    "a cold part": ("_ZN2at3fooEv.cold", "at::foo"),
    "a global function's cold part": ("_Z3foov.isra.0.cold", "foo"),
    "a version": ("_ZN2at3fooEv@@TORCH_2", "at::foo"),
    "a variable's version": ("_ZSt4cout@@GLIBCXX_3.4", "std::cout"),
    "a thread-local's initialiser on Mach-O": ("_ZZN2at3fooEvE3bar$tlv$init", "at::foo"),
    # what is not a name
    "only the prefix": ("_Z", ""),
    "only the nesting": ("_ZN", ""),
    "cut short in a number": ("_ZN2", ""),
    "cut short in an identifier": ("_ZN2at9foo", ""),
    "cut short behind an identifier": ("_ZN2at", ""),
    "a length without end": ("_ZN99999999999999999999at", ""),
    "a length of a megabyte of digits": ("_ZN" + "9" * 1_000_000, ""),
    "a length of nothing": ("_ZN0E", ""),
    "nothing in the nesting": ("_ZNE", ""),
    "a substitution of nothing": ("_ZNS_3fooEv", ""),
    "an unknown special name": ("_ZTxN2at1xE", ""),
    "a thunk of nothing": ("_ZTh", ""),
    # MSVC
    "cl: a global function": ("?foo@@YAXXZ", "foo"),
    "cl: a function in nested namespaces": ("?f@detail@c10@@YAXXZ", "c10::detail"),
    "cl: a member function": ("?foo@Tensor@at@@QEAAXXZ", "at::Tensor"),
    "cl: a variable": ("?x@at@@3HA", "at::x"),
    "cl: a namespace that ends another": ("?z@at@foo@@YAXXZ", "foo::at"),
    "cl: a function template": ("??$f@VTensor@at@@@detail@c10@@YAXXZ", "c10::detail"),
    "cl: a global function template": ("??$f@VTensor@at@@@@YAXXZ", "f"),
    "cl: a class template": ("?f@?$A@VTensor@at@@@c10@@QEAAXXZ", "c10::A"),
    "cl: a global class template": (
        "??0?$THPPointer@U_object@@@@QEAA@XZ",
        "THPPointer::{constructor}",
    ),
    "cl: a constructor": ("??0Tensor@at@@QEAA@XZ", "at::Tensor"),
    "cl: a constructor of a global class": ("??0Foo@@QEAA@XZ", "Foo::{constructor}"),
    "cl: a destructor of a global class": ("??1Foo@@QEAA@XZ", "Foo::{destructor}"),
    "cl: an operator": (
        "??6c10@@YAAEAV?$basic_ostream@DU?$char_traits@D@std@@@std@@AEAV12@@Z",
        "c10::{operator}",
    ),
    "cl: a global operator": ("??6@YAHHVTensor@at@@@Z", "{operator}"),
    "cl: operator delete[]": ("??_V@YAXPEAX@Z", "{operator}"),
    "cl: a conversion": ("??BFoo@@QEAA?AVTensor@at@@XZ", "Foo::{operator}"),
    "cl: a literal operator": ("??__K_x@at@@YA_K_K@Z", "at::{operator}"),
    "cl: a vftable": ("??_7Tensor@at@@6B@", "at::Tensor"),
    "cl: a vftable for a base": ("??_7Tensor@at@@6BBase@c10@@@", "at::Tensor"),
    "cl: a vftable of a global class": ("??_7Foo@@6B@", "Foo"),
    "cl: a vbtable": ("??_8Tensor@at@@7B@", "at::Tensor"),
    "cl: a type descriptor": ("??_R0?AVTensor@at@@@8", "at::Tensor"),
    "cl: a type descriptor of a pointer": ("??_R0PEAVTensor@at@@@8", "at::Tensor"),
    "cl: a base class descriptor": ("??_R1A@?0A@EA@Tensor@at@@8", "at::Tensor"),
    "cl: a base class array": ("??_R2Tensor@at@@8", "at::Tensor"),
    "cl: a class hierarchy": ("??_R3Tensor@at@@8", "at::Tensor"),
    "cl: a complete object locator": ("??_R4Tensor@at@@6B@", "at::Tensor"),
    "cl: an unnamed namespace": ("?f@?A0x1a2b3c4d@at@@YAXXZ", "at::_GLOBAL__N_1"),
    "cl: a repeated component": ("?at@0@YAXXZ", "at::at"),
    "cl: a static variable of a function": ("?x@?1??f@detail@c10@@YAXXZ@4HA", "c10::detail"),
    "cl: its guard": ("??_B?1??f@at@@YAXXZ@51", "at::f"),
    "cl: a variable of a scope of a function": ("?x@?BA@??f@at@@YAXXZ@4HA", "at::f"),
    "cl: an initialiser": ("??__Ex@at@@YAXXZ", "at::x"),
    "cl: a static member's initialiser": ("??__E?x@at@@3HA@@YAXXZ", "at::x"),
    "cl: a finaliser": ("??__Fx@at@@YAXXZ", "at::x"),
    "cl: a vcall thunk": ("??_9Tensor@at@@$BBI@AA", "at::Tensor"),
    "cl: an adjusting thunk": ("?f@Tensor@at@@WBA@EAAXXZ", "at::Tensor"),
    "cl: a string literal": ("??_C@_03PIEFMJIP@foo@", ""),
    "cl: a hash for a long name": ("??@0123456789abcdef0123456789abcdef@", ""),
    "cl: only the prefix": ("?", ""),
    "cl: cut short": ("?foo@Tensor@at", ""),
    "cl: cut short in a template": ("??$f@VTensor@at", ""),
    "cl: no end of marks": ("?" * 100, ""),
}


@pytest.mark.parametrize(("name", "expected"), OWNERS.values(), ids=OWNERS.keys())
def test_owner(name: str, expected: str) -> None:
    assert owner(name.encode()) == path(expected)


@pytest.mark.parametrize("name", [name for name, found in OWNERS.values() if found])
def test_the_short_way_agrees_with_the_grammar(name: str) -> None:
    symbol = name.encode()
    if symbol[:1] == b"?":
        assert msvc.Reader(symbol, 0).entity()[0] == owner(symbol)
    else:
        assert itanium.owner(symbol) == owner(symbol)


MENTIONS = {
    "a C name": ("foo", ""),
    "no namespace": ("_Z3fooi", "foo"),
    "the entity": ("_ZN2at6detail3fooEv", "at::detail"),
    "a parameter": ("_Z3fooN2at6TensorE", "foo at::Tensor"),
    "a reference": ("_Z3fooRKN2at6TensorE", "foo at::Tensor"),
    "a namespace inside another": ("_ZN3foo2at1zEN5torch7LibraryE", "foo::at torch::Library"),
    "text within an identifier": ("_Z8foo2atxxN7a3c10_b1cE", "foo2atxx a3c10_b::c"),
    "a return type": ("_ZN3foo1fIiEEN2at6TensorET_", "foo::f at::Tensor"),
    "a template argument": ("_ZSt4moveIRN2at6TensorEEvT_", "std::move at::Tensor"),
    "a nested template argument": (
        "_Z1fSt6vectorIN2at6TensorESaIS1_EE",
        "f std::vector at::Tensor std::allocator",
    ),
    "a global class": ("_Z1f3Foo", "f Foo"),
    "a global class template": ("_Z1f3FooIN2at6TensorEE", "f Foo at::Tensor"),
    "a substituted namespace": ("_ZN5torch6stable1fENS_7LibraryE", "torch::stable torch::Library"),
    "a substituted namespace, counted past pointers": (
        "_ZN2at1fEPKcS1_RKNS_6TensorEN5torch6stable1AENS5_1BE",
        "at::f at::Tensor torch::stable torch::B",
    ),
    "a substituted namespace behind a function type": (
        "_ZN1a1fEPFvNS_1bEEN1c1dENS3_1eE",
        "a::f a::b c::d c::e",
    ),
    "a substituted namespace behind a reference in a function type": (
        "_ZN1a1fEPFvRNS_1bEEN1c1dENS4_1eE",
        "a::f a::b c::d c::e",
    ),
    "a substituted namespace behind a pack": ("_ZN1a1fIJiN1b1cEEEEvDpT_NS1_1dE", "a::f b::c b::d"),
    "a substituted namespace behind a qualified function": (
        "_ZN1a1fEM1bKFvvEN1c1dENS3_1eE",
        "a::f b c::d c::e",
    ),
    "a substituted class": ("_ZN2at6TensorC1ERKS0_", "at::Tensor"),
    "a substituted template": ("_Z1f3FooIiES_IN2at6TensorEE", "f Foo at::Tensor"),
    "std abbreviations": (
        "_Z1fSsSaIcERSo",
        "f std::basic_string std::allocator std::basic_ostream",
    ),
    "std by name": ("_Z1fNSt7__cxx113fooE", "f std::__cxx11"),
    "numbers that are no lengths": ("_Z1fILb1ELj16ELn3ELi2EEvA3_N2at1AEDv4_f", "f at::A"),
    "the type of a literal": ("_Z1fILN2at1EE1EEvv", "f at::E"),
    "a literal of a global type": ("_Z1fIL1E2EEvv", "f E"),
    "a literal of two halves": ("_Z1fILCf40400000_40800000ELd4008000000000000EEvv", "f"),
    "nullptr": ("_Z1fILDn0EEvv", "f"),
    "an address": ("_Z1fIXadL_ZN2at1gEN3c101hEEEEvv", "f at::g c10::h"),
    "an address without X": ("_Z1fIL_ZN2at1gEvEEvv", "f at::g"),
    "decltype": ("_Z1fIiEDTcl1gcvN2at1AE_EEET_", "f at::A"),
    "a member of a dependent type, by GCC": (
        "_Z1fI1AEN2enIXsrN2at1HIT_EE5valueEvE4typeES4_",
        "f A en::type at::H",
    ),
    "a member of a dependent type, by Clang": (
        "_Z1fI1AEN2enIXsr2at1HIT_EE5valueEvE4typeES2_",
        "f A en::type at::H",
    ),
    "a global dependent type, by GCC": (
        "_Z1fI1AEN2enIXsr3FooIT_E5valueEiE4typeES3_",
        "f A en::type Foo Foo::value",
    ),
    "a global dependent type, by Clang": (
        "_Z1fI1AEN2enIXsr3FooIT_EE5valueEiE4typeES2_",
        "f A en::type Foo::value",
    ),
    "a dependent type in std, by GCC": (
        "_Z1fIiEN2enIXsrSt7is_sameIT_N2at1AEE5valueEvE4typeEv",
        "f en::type std::is_same at::A",
    ),
    "a dependent type in std, by Clang": (
        "_Z1fIiEN2enIXsr3std7is_sameIT_N2at1AEEE5valueEvE4typeEv",
        "f en::type std::is_same at::A",
    ),
    "a member of a parameter": ("_Z1fI1AEN2enIXsrT_5valueEvE4typeES2_", "f A en::type"),
    "a scope of a parameter, by Clang": (
        "_Z1fI1AEN2enIXsrNT_5innerE5valueEvE4typeES2_",
        "f A en::type",
    ),
    "a scope of a parameter beside another, by Clang": (
        "_Z1fI1AEN2enIXaasrNT_5innerE5valuesr3FooIT_EE5valueEE4typeES2_",
        "f A en::type Foo::value",
    ),
    "a fold": ("_Z1fIJiEEN1aIXfraasr3FooIT_EE5valueEE1bEv", "f a::b Foo::value"),
    "operators": ("_Z1fIiEN1aIXooaagtstT_Li2EsrN2at1HIS1_EE5valuentcvbLi1EEE1bEv", "f a::b at::H"),
    "a call with parameters": ("_Z1fIiEDTclsr2atE1gfp_fp0_EET_S1_", "f at::g"),
    "braces": ("_Z1fIiEDTtlN2at1AEdi1xLi1EEET_", "f at::A"),
    "new": ("_Z1fIiEDTnw_N2at1AEpifp_EET_", "f at::A"),
    "sizeof...": ("_Z1fIJiEEN1aIXsZT_EE1bEv", "f a::b"),
    "a requires-clause": ("_Z1fIiEvT_Qsr2atE1CIS0_E", "f at::C"),
    "a requires-clause in template arguments": (
        "_Z1fI1AQsr2atE5SmallIT_EEiS1_",
        "f A at::Small",
    ),
    "a requires-expression": (
        "_Z1fIiEiT_QrQS0_3FooIS0_E_Xplfp_Li1ERN2at5SmallETNS2_4typeEQsr2atE2vvIS0_EXfp0_NE",
        "f Foo Foo::type at::Small at::vv",
    ),
    "a constrained parameter": ("_Z1fITkN2at5SmallE1AEiT_", "f A at::Small"),
    "a substituted namespace behind a constraint": (
        "_ZN1a1fITkN1b1CEN1c1AEEEvNS2_1xE",
        "a::f b::C c::A c::x",
    ),
    "a constrained auto": ("_Z1fIiEDkN2at5SmallET_", "f at::Small"),
    "a decltype as scope": ("_Z1fIiENDTfp_E4typeET_", "f"),
    "a generic lambda with all kinds of parameters": (
        "_ZZ1fI1AEiT_ENKUlTyTniTtTyETpTyS1_PAT0__T1_IS1_EE_clIS0_Li3EN2at1HEEEDaS1_S5_",
        "f A at::H",
    ),
    "a place in a default argument": ("_ZZN2at1fEiEd0_NKUlN3c101AEE_clES1_", "at::f c10::A"),
    "an array of a dependent size": ("_Z1fIN2at1AEEiRAszT__iS2_", "f at::A"),
    "a vector of a dependent size": ("_Z1fIN2at1AEEvDv_szT__f", "f at::A"),
    "an operator called by name": ("_Z1fI1AEDTcldtfp_onplfp_EET_", "f A"),
    "an operator's template arguments": ("_Z1fI1AEDTcldtfp_onplIN2at1BEEEET_", "f A at::B"),
    "a destructor called by name": ("_Z1fI1AEDTcldtfp_dn1AEET_", "f A"),
    "a dependent destructor": ("_Z1fI1AEDTcldtfp_dnT_EES1_", "f A"),
    "part of an object": ("_Z1fIXadsoN2at1QEL_Z1qE4_0pEEEvv", "f q at::Q"),
    "a throw specification": ("_Z1fPDwN2at1EEEFvvE", "f at::E"),
    "a parameter of an outer template": ("_Z1fITtTyEN2at1HEEDTcl1gTL0__EEv", "f at::H"),
    "a fold with an operand": ("_Z1fIJiEEDTfRplT_cvN2at1AELi1EEv", "f at::A"),
    "a vendor's expression": ("_Z1fIXu8__uuidofN2at1AEEEEvv", "f at::A"),
    "a noexcept function": ("_Z1fPDoFvN2at1AEE", "f at::A"),
    "a function that throws by expression": ("_Z1fPDOLb1EEFvN2at1AEE", "f at::A"),
    "a reference-qualified member function": ("_Z1fM1AKFvN2at1BEOE", "f A at::B"),
    "a pointer to a data member": ("_Z1fMN2at1AEN3c101BE", "f at::A c10::B"),
    "a vendor's qualifier": ("_Z1fPU3AS1N2at1AE", "f at::A"),
    "a vendor's type": ("_Z1fu3vecN2at1AE", "f at::A"),
    "a vendor's template": ("_Z1fu3vecIN2at1AEE", "f at::A"),
    "a vendor's qualifier with arguments": ("_Z1fPU2ASIN2at1AEEi", "f at::A"),
    "an array of no size": ("_Z1fPA_N2at1AE", "f at::A"),
    "a parameter of a lambda's function": ("_Z1fIiEDTcl1gfL0p_fpTEET_", "f"),
    "extended builtins": ("_Z1fDF16bDF16_DhDiDB16_DuN2at1AE", "f at::A"),
    "an elaborated type": ("_Z1fTsN2at1AE", "f at::A"),
    "a lambda's parameters": ("_ZZ1fvENKUlN2at1AEE_clES0_", "f at::A"),
    "a generic lambda": ("_ZZ1fvENKUlTyT_N2at1AEE_clIiEEDaS_S1_", "f at::A"),
    "a local entity heads no name": ("_ZZ1fvEN2at1AC1Ev", "f"),
    "discriminators": ("_ZZN2at1fEvE1x__12_", "at::f"),
    "a discriminator of one digit": ("_ZZN2at1fEvE1x_1", "at::f"),
    "a string literal": ("_ZZN2at1fEvEs_0", "at::f"),
    "thunk offsets": ("_ZTv0_n24_N1A1fEN2at1BE", "A::f at::B"),
    "covariant offsets": ("_ZTcv0_n12_h4_N1A1fEv", "A::f"),
    "a construction vtable": ("_ZTC1A16_N2at1BE", "A at::B"),
    "a function's type information": ("_ZTIFvN2at1AEE", "at::A"),
    "an ABI tag": ("_Z1fB2atN3c10B2at1AE", "f c10::A"),
    "a conversion operator": ("_ZN3FoocvN2at6TensorEEv", "Foo::{operator} at::Tensor"),
    "a conversion operator template": ("_ZN3FoocvT_IN2at6TensorEEEv", "Foo::{operator} at::Tensor"),
    "an enable_if attribute": ("_Z1fUa9enable_ifILb1EEN2at1AE", "f at::A"),
    "a clone": ("_Z1fN2at1AE.isra.0.cold", "f at::A"),
    "a version": ("_Z1fN2at1AE@@V1", "f at::A"),
    "a vector variant of a C function": ("_ZGVnN2v_sin", ""),
    "a thread-local's initialiser on Mach-O": ("_ZZN2at1fEvE1x$tlv$init", "at::f"),
    "a substitution for auto, by Clang": ("_ZN1a1fIiEEDaT_S2_NS_1bE", "a::f a::b"),
    "garbage behind the name": ("_ZN2at1fEv!", ""),
    "cut short in the signature": ("_ZN2at1fEN3c101", ""),
    "a substitution from the future": ("_ZN2at1fES9_", ""),
    # MSVC
    "cl: no namespace": ("?foo@@YAHH@Z", "foo"),
    "cl: a parameter": ("?foo@@YAXVTensor@at@@@Z", "foo at::Tensor"),
    "cl: a reference to const": ("?foo@@YAXAEBVTensor@at@@@Z", "foo at::Tensor"),
    "cl: an rvalue reference": ("?foo@@YAX$$QEAVTensor@at@@@Z", "foo at::Tensor"),
    "cl: an enum": ("?foo@@YAXW4E@c10@@@Z", "foo c10::E"),
    "cl: a return type": ("?foo@@YA?AVTensor@at@@XZ", "foo at::Tensor"),
    "cl: a namespace inside another": ("?z@at@foo@@YAXXZ", "foo::at"),
    "cl: a variable": ("?x@foo@@3VTensor@at@@A", "foo::x at::Tensor"),
    "cl: a template argument": ("??$f@VTensor@at@@@@YAXXZ", "f at::Tensor"),
    "cl: a class template": ("?f@?$A@VTensor@at@@@@QEAAXXZ", "A::f at::Tensor"),
    "cl: numbers": ("??$f@$0BA@$0A@$00@@YAXY01VTensor@at@@@Z", "f at::Tensor"),
    "cl: an address": ("??$f@$1?g@at@@YAXXZ@@YAXXZ", "f at::g"),
    "cl: a repetition of an address's template": (
        "??$g@$1??$h@H@b@@YAXXZV21@@@YAXXZ",
        "g b::h",
    ),
    "cl: an empty pack": ("??$f@$$V@@YAXVTensor@at@@@Z", "f at::Tensor"),
    "cl: an auto parameter": ("??$f@$MW4E@at@@00@@YAXXZ", "f at::E"),
    "cl: a repeated namespace": ("?f@at@@YAXVTensor@1@@Z", "at::f at::Tensor"),
    "cl: a repeated parameter": (
        "?f@at@@YAXVTensor@1@0VScalar@c10@@@Z",
        "at::f at::Tensor c10::Scalar",
    ),
    "cl: template arguments number apart": (
        "?f@b@@YAXV?$A@Vx@c@@V12@@1@Vy@1@@Z",
        "b::f b::A c::x b::y",
    ),
    "cl: a pointer to a function": ("?f@@YAXP6AXVTensor@at@@@Z@Z", "f at::Tensor"),
    "cl: a pointer to a member function": (
        "?f@@YAXP8A@b@@EAAXVTensor@at@@@Z@Z",
        "f b::A at::Tensor",
    ),
    "cl: a pointer to a data member": ("?f@@YAXPEQA@b@@VTensor@at@@@Z", "f b::A at::Tensor"),
    "cl: a variable that points to a member": ("?x@@3PEQA@b@@HEQ12@", "x b::A"),
    "cl: a function type as argument": ("??$f@$$A6AXVTensor@at@@@Z@@YAXXZ", "f at::Tensor"),
    "cl: a member function type as argument": (
        "??$f@$$A8@@EBAXVTensor@at@@@Z@@YAXXZ",
        "f at::Tensor",
    ),
    "cl: nullptr_t, const, an array": ("??$f@$$T$$CBH$$BY01VTensor@at@@@@YAXXZ", "f at::Tensor"),
    "cl: an ellipsis": ("?f@@YAXVTensor@at@@ZZ", "f at::Tensor"),
    "cl: noexcept": ("?f@@YAXVTensor@at@@@_E", "f at::Tensor"),
    "cl: const &": ("?f@A@@QEGBAXVTensor@at@@@Z", "A::f at::Tensor"),
    "cl: a vtordisp thunk": ("?f@A@@$4PPPPPPPM@A@EAAXVTensor@at@@@Z", "A::f at::Tensor"),
    "cl: a vftable for a base": ("??_7A@b@@6BB@c10@@@", "b::A c10::B"),
    "cl: a local variable": ("?x@?1??f@b@@YAXVTensor@at@@@Z@4HA", "b::f at::Tensor"),
    "cl: a type descriptor": ("??_R0?AV?$A@VTensor@at@@@b@@@8", "b::A at::Tensor"),
    "cl: extern C": ("?f@at@@9", "at::f"),
    "cl: a string literal": ("??_C@_03PIEFMJIP@foo@", ""),
    "cl: an alias template": ("??$f@$$YA@at@@@@YAXXZ", "f at::A"),
    "cl: a type of the compiler's own": ("?f@@YAX?Avec@at@@@Z", "f at::Avec"),
    "cl: a managed function": ("?f@@$$J0YAXVA@at@@@Z", "f at::A"),
    "cl: a vtordispex thunk": ("?f@A@@$R4BA@M@A@7EAAXVB@at@@@Z", "A::f at::B"),
    "cl: a reference to a function": ("?f@@YAXA6AXVTensor@at@@@Z@Z", "f at::Tensor"),
    "cl: an rvalue reference to a function": ("?f@@YAX$$Q6AXVTensor@at@@@Z@Z", "f at::Tensor"),
    "cl: bool and the long types": ("?f@@YAX_N_J_KVA@at@@@Z", "f at::A"),
    "cl: a thunk for another base": ("?f@A@@WBA@EAAXVB@at@@@Z", "A::f at::B"),
    "cl: cut short": ("?f@at@@YAXV", ""),
    "cl: an unknown code": ("?f@at@@YAX!@Z", ""),
    "cl: an unknown argument": ("??$f@$W0@@YAXXZ", ""),
    "cl: a repetition of nothing": ("?f@at@@YAX5@Z", ""),
    "cl: an array without end": ("?x@at@@3Y" + "P" * 16 + "@HA", ""),
}


@pytest.mark.parametrize(("name", "expected"), MENTIONS.values(), ids=MENTIONS.keys())
def test_mentions(name: str, expected: str) -> None:
    assert mentions(name.encode()) == {path(text) for text in expected.split()}


# Hostile names ------------------------------------------------------------------------------------

MANY = 100_000
BASE_36 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
HOSTILE = {
    "functions in functions": "_Z" + "Z" * MANY,
    "thunks to thunks": "_Z" + "Th0_" * MANY,
    "clones of clones": "_Z" + "GTt" * MANY,
    "type information of type information": "_Z" + "TI" * MANY,
    "scopes": "_ZN" + "1a" * MANY + "Ev",
    "scopes without end": "_ZN" + "1a" * MANY,
    "operators as scopes": "_ZN" + "pl" * MANY + "Ev",
    "pointers": "_Z1f" + "P" * MANY + "i",
    "qualifiers": "_Z1f" + "K" * MANY + "i",
    "vendor's qualifiers": "_Z1f" + "U1a" * MANY + "i",
    "arrays": "_Z1f" + "A_" * MANY + "i",
    "arrays of expressions": "_Z1f" + "Ang" * MANY,
    "functions of functions": "_Z1f" + "PF" * MANY,
    "members of members": "_Z1f" + "M" * MANY,
    "exception specifications": "_Z1f" + "DO" * MANY,
    "templates in templates": "_Z1f" + "N1aI" * MANY,
    "packs in packs": "_Z1fI" + "J" * MANY,
    "literals in literals": "_Z1fI" + "L1aI" * MANY,
    "addresses in addresses": "_Z1fI" + "L_Z1aI" * MANY,
    "lambdas in lambdas": "_Z1fI" + "LN1aUl" * MANY,
    "conversions to conversions": "_Z" + "cvN1a" * MANY,
    "expressions in expressions": "_Z1fIX" + "ng" * MANY,
    "dependent names": "_Z1fIX" + "sr1aIX" * MANY,
    "parameters of parameters": "_Z1fI" + "Tp" * MANY,
    "decltypes": "_Z1f" + "DTad" * MANY,
    "substitutions": "_Z1f1a" + "S0_" * MANY,
    "a substitution without end": "_Z1f" + "S" + "Z" * MANY + "_",
    "text that doubles": "_Z1f1aIiiE" + "S_IS1_S1_E" * MANY,
    "modules": "_Z" + "W1a" * MANY + "1fv",
    "ABI tags": "_Z1f" + "B1a" * MANY + "v",
    "cl: scopes": "?f@" + "a@" * MANY + "@YAXXZ",
    "cl: scopes without end": "?f@" + "a@" * MANY,
    "cl: templates in templates": "?" + "?$a@" * MANY,
    "cl: classes in classes": "?f@@YAX" + "V?$a@" * MANY,
    "cl: pointers": "?f@@YAX" + "PEA" * MANY + "H@Z",
    "cl: functions of functions": "?f@@YAX" + "P6A" * MANY,
    "cl: arrays": "?x@@3" + "Y0A@" * MANY + "H",
    "cl: local scopes": "?x@" + "?1??f@" * MANY,
    "cl: addresses": "?" + "?$a@$1?" * MANY,
    "cl: a number without end": "?x@@3Y" + "P" * MANY,
    "cl: repetitions": "?f@@YAXVa@@" + "0" * MANY + "@Z",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_name_takes_no_longer_than_its_length(name: str) -> None:
    symbol = name.encode()
    start = perf_counter()
    owner(symbol)
    mentions(symbol)
    assert perf_counter() - start < 5  # a quarter of a second, on an idle machine


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_name_is_kept_from_the_demangler(name: str) -> None:
    assert len(demangle([name.encode()])[0]) <= max(len(name), 1 << 20)


DOUBLING = {
    "substitutions": "_Z1f1aIiiE" + "".join(f"S_IS{base}_S{base}_E" for base in BASE_36),
    "template parameters": "_Z1fIi1aIT_T_E"
    + "".join(f"1aIT{base}_T{base}_E" for base in range(30))
    + "EvT_",
    "packs": f"_Z1fIJ{'i' * 50}EEv{'Dp1aIT_' * 5}DpT_{'E' * 5}",
    "packs in expressions": f"_Z1fIJ{'i' * 50}EEvDTcl1f{'spcl1gT_' * 5}spT_{'E' * 5}EE",
    "folds": f"_Z1fIJ{'i' * 50}EEvDT{'flplcvT_' * 6}cvT_Li1EE",
    "cl: parameters": "?f@@YAXP6AXHH@Z" + "".join(f"P6AX{str(i) * 9}@Z" for i in range(9)) + "@Z",
}
"""Short names whose text has megabytes, and gigabytes once they are a little longer."""


@pytest.mark.parametrize("name", DOUBLING.values(), ids=DOUBLING.keys())
def test_text_that_doubles_is_not_written_out(name: str) -> None:
    assert mentions(name.encode())  # it is a name like any other
    assert demangle([name.encode()]) == [name]


def test_too_deep_a_name_mentions_what_comes_before() -> None:
    deep = "N1aI" * (MAX_DEPTH + 1) + "i" + "EE" * (MAX_DEPTH + 1)
    assert mentions(f"_ZN2at1fEN3c101AE{deep}".encode()) == {
        (b"at", b"f"),
        (b"c10", b"A"),
    }


def test_a_name_as_deep_as_they_come_is_read_from_deep_in_the_stack() -> None:
    level = "N1aIL"  # the costliest that C++ can nest

    def call(depth: int) -> frozenset[tuple[bytes, ...]]:
        return call(depth - 1) if depth else mentions(f"_Z1f{level * 1000}".encode())

    assert call(300) == {(b"f",)}


PIECES = sorted({name for name, _ in [*OWNERS.values(), *MENTIONS.values()] if 2 < len(name) < 200})


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    name = draw(st.sampled_from(PIECES)).encode()
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(name)))
        end = draw(st.integers(start, min(len(name), start + 6)))
        other = draw(st.sampled_from(PIECES)).encode()
        cut = draw(st.integers(0, len(other)))
        piece = draw(st.sampled_from([b"", other[cut : cut + 8], draw(st.binary(max_size=3))]))
        name = name[:start] + piece + name[end:]
    return name


@pytest.mark.slow
@settings(max_examples=2000, deadline=None)
@given(mutated() | st.binary().map(b"_Z".__add__) | st.binary().map(b"?".__add__) | st.binary())
def test_any_bytes_have_some_owner_and_a_text(name: bytes) -> None:
    assert len(owner(name)) <= 2
    assert all(0 < len(found) <= 2 for found in mentions(name))
    (text,) = demangle([name])
    assert text.isprintable()


# Text for people ----------------------------------------------------------------------------------

TEXTS = {
    "_ZN2at6Tensor3fooEv": "at::Tensor::foo()",
    "_ZTVN2at6TensorE": "vtable for at::Tensor",
    "_Z1fSt6vectorIS_IiSaIiEESaIS1_EE": "f(std::vector<std::vector<int, std::allocator<int> >, "
    "std::allocator<std::vector<int, std::allocator<int> > > >)",
    "_ZN1arsERNS_1bE": "a::operator>>(a::b&)",
    "_ZN1arsIiEEvT_": "void a::operator>><int>(int)",
    "_ZN1alsIiEEvT_": "void a::operator<< <int>(int)",
    "_ZN1altIiEEvT_": "void a::operator< <int>(int)",
    "_ZlsRSoRKN2at6TensorE": "operator<<(std::ostream&, at::Tensor const&)",
    "_ZTWN2at1xE": "TLS wrapper function for at::x",
    "_ZTHN2at1xE": "TLS init function for at::x",
    "_ZZN2at1fEvENKUlvE_clEv": "at::f()::{lambda()#1}::operator()() const",
    "_ZZN2at1fEvENKUlPFviEE0_clES1_": "at::f()::{lambda(void (*)(int))#2}"
    "::operator()(void (*)(int)) const",
    "_ZN2atUt0_C1Ev": "at::{unnamed type#2}::()",
    "_Z3foov.cold": "foo() [clone .cold]",
    "_Z3foov.isra.0.cold": "foo() [clone .isra.0] [clone .cold]",
    "_Z3foov@@V1": "foo()@@V1",
    "?foo@Tensor@at@@QEAAXXZ": "public: void __cdecl at::Tensor::foo(void)",
    "_RNvCs1234_7mycrate3foo": "mycrate::foo",
    "foo": "foo",
    "PyObject_Call": "PyObject_Call",
    "": "",
    "_Zebra": "_Zebra",
    "_ZN2at": "_ZN2at",
    "?": "?",
    "_Z1f\x1b[31m": "_Z1f\\x1b[31m",
    "_Z3a\u202ebv": "_Z3a\\u202ebv",
}  # fmt: skip


@pytest.mark.parametrize(("name", "text"), TEXTS.items())
def test_demangle(name: str, text: str) -> None:
    assert demangle([name.encode()]) == [text]


def test_demangle_keeps_the_order() -> None:
    assert demangle(name.encode() for name in TEXTS) == list(TEXTS.values())


def test_bytes_that_are_no_text_are_shown_mangled() -> None:
    assert demangle([b"_Z3f\xffov", b"\xff", b"_Z1fv\x00"]) == [
        "_Z3f\\xffov",
        "\\xff",
        "_Z1fv\\x00",
    ]


def test_without_a_demangler_names_are_shown_mangled() -> None:
    program = (
        "import sys; sys.modules['pycxxfilt'] = None\n"
        "from torch_abi_audit.mangling import demangle, owner\n"
        r"print(demangle([b'_ZN2at1fEv', b'_Z1\x1bv', b'foo']), owner(b'_ZN2at1fEv'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "['_ZN2at1fEv', '_Z1\\\\x1bv', 'foo'] (b'at', b'f')\n"


def test_the_demangler_is_imported_when_it_is_needed() -> None:
    program = (
        "import sys, torch_abi_audit.mangling as m\n"
        "m.owner(b'_ZN2at1fEv'); m.mentions(b'?f@at@@YAXXZ')\n"
        "print('pycxxfilt' in sys.modules, m.demangle([b'_Z1fv']), 'pycxxfilt' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False ['f()'] True\n"


ESCAPED = {
    "plain": ("at::Tensor", "at::Tensor"),
    "a space": ("a b", "a b"),
    "letters beyond ASCII": ("naïve→名", "naïve→名"),
    "a backslash": ("a\\b", "a\\b"),
    "ESC": ("\x1b[31m", "\\x1b[31m"),
    "a newline": ("a\nb", "a\\x0ab"),
    "NUL": ("\0", "\\x00"),
    "DEL": ("\x7f", "\\x7f"),
    "C1": ("\x9b31m", "\\x9b31m"),
    "an override": ("\u202etxt", "\\u202etxt"),
    "an isolate": ("\u2066\u2069", "\\u2066\\u2069"),
    "a mark": ("\u200e\u200f", "\\u200e\\u200f"),
    "a line separator": ("\u2028", "\\u2028"),
    "a lone surrogate": ("\udc80", "\\udc80"),
    "unassigned": ("\U000e0001", "\\U000e0001"),
}


@pytest.mark.parametrize(("raw", "text"), ESCAPED.values(), ids=ESCAPED.keys())
def test_escape(raw: str, text: str) -> None:
    assert escape(raw) == text
    if raw != "\udc80":
        assert escape(raw.encode()) == text


def test_escape_of_bytes_that_are_no_text() -> None:
    assert escape(b"a\xffb\xc3") == "a\\xffb\\xc3"
    assert escape(b"\xed\xb2\x80") == "\\xed\\xb2\\x80"
