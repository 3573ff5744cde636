"""Names from real compilers: their mangled form and their demangled text get the same answer."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import lief
import pycxxfilt
import pytest

from tests.support.toolchain import zig_program
from torch_abi_audit.mangling import demangle, mentions, owner

if TYPE_CHECKING:
    from pathlib import Path

ANYWHERE = """
namespace torch { struct Library { int n; }; namespace stable { struct Tensor {}; } }
namespace c10 {
struct Half { short x; };
struct Device {}; struct Stream {};
inline namespace v1 { template<class T> struct ArrayRef { const T *p; ArrayRef(T&); }; }
}
namespace at {
struct Base { virtual ~Base(); virtual int run(c10::Half); int b; };
struct Other { virtual Base *self(); virtual int go() = 0; int o; };
struct Tensor : virtual Base, Other {
  ~Tensor() override; int run(c10::Half) override; Tensor *self() override; int go() override;
  static c10::Half zero; operator torch::Library() const; template<class T> operator T*();
  int right() &&; int left() const &; Tensor operator+(const Tensor&) volatile;
};
Base::~Base() {} int Base::run(c10::Half) { return 0; } Base *Other::self() { return 0; }
Tensor::~Tensor() {} int Tensor::run(c10::Half) { return 1; } int Tensor::go() { return 2; }
Tensor *Tensor::self() { return this; } c10::Half Tensor::zero;
Tensor::operator torch::Library() const { return {}; }
template<class T> Tensor::operator T*() { return 0; }
template Tensor::operator c10::Half*();
int Tensor::right() && { return 0; } int Tensor::left() const & { return 0; }
struct Mixed { Mixed(); ~Mixed(); int m; }; Mixed::Mixed() : m(1) {} Mixed::~Mixed() {}
namespace { struct Hidden { int x; }; __attribute__((used)) int hidden(Hidden, Tensor*) { return 1; } }
enum class Tag { a, b };
template<Tag t, int... n> struct Tagged { virtual int f(Tagged*); };
template<Tag t, int... n> int Tagged<t, n...>::f(Tagged*) { return 0; }
template struct Tagged<Tag::b, 16, -3>;
int outer(int x) {
  static Mixed first; static Mixed second;
  struct Local { virtual int in(c10::Device*) { return 3; } };
  static Local local;
  auto lambda = [](c10::Stream *, auto y) { static Mixed third; return y + third.m; };
  return first.m + second.m + local.in(0) + lambda(0, x);
}
int pointers(int (*f)(Tensor*, c10::Half (&)[3]), int (Tensor::*m)(c10::Half), int Other::*d) {
  return f && m && d;
}
template<class... T> int pack(T *...) { return sizeof...(T); }
template int pack<Tensor, c10::Half, Tensor>(Tensor*, c10::Half*, Tensor*);
template int pack<>();
template<auto f> int call() { return f != nullptr; }
template int call<&pointers>(); template int call<&Tensor::go>(); template int call<&Other::o>();
template<template<class> class C> int shape(C<int>*) { return 0; }
template int shape<c10::ArrayRef>(c10::ArrayRef<int>*);
}
namespace foo {
namespace at { int z(::at::Tensor*) { return 1; } struct Tensor {}; int y(Tensor*, ::at::Tensor*) { return 1; } }
namespace torch { int w(at::Tensor&) { return 1; } struct c10 { int v(c10*); }; int c10::v(c10*) { return 1; } }
int at2at(int) { return 0; } int a2at6Tensor(int) { return 0; }
}
int global(c10::Half) { return 1; }
int stable(torch::stable::Tensor*, torch::Library*, const volatile at::Tensor&) { return 0; }
struct Third { virtual int third(at::Tensor*); }; int Third::third(at::Tensor*) { return 0; }
struct Both : at::Base, Third { int third(at::Tensor*) override; };
int Both::third(at::Tensor*) { return 1; }
struct Derived : at::Tensor { int run(c10::Half) override; int go() override; };
int Derived::run(c10::Half) { return 0; } int Derived::go() { return 1; }
Derived derived;
template<class T> struct Holder { T *t; Holder(); ~Holder(); };
template<class T> Holder<T>::Holder() : t(0) {} template<class T> Holder<T>::~Holder() {}
template struct Holder<Holder<at::Tensor>>;
template<class T> struct Trait { static constexpr bool value = true; static int g(T*); typedef T type; };
namespace c10 { template<class T> struct is { static constexpr bool value = true; }; }
template<bool, class T = int> struct when { typedef T type; };
template<class T> typename when<c10::is<T>::value>::type on(T*) { return 1; }
template<class T> typename when<Trait<T>::value, T*>::type on2(T*) { return 0; }
template<class T> auto on3(T *t) -> decltype(Trait<T>::g(t) + sizeof(T) * 2) { return 0; }
template<class T> auto on4(T *t) -> decltype(at::pack<T, c10::Half>(t, nullptr)) { return 0; }
template<class... T> auto on5(T... t) -> decltype((t + ... + 1)) { return 0; }
template<class T> typename when<(c10::is<typename Trait<T>::type>::value && !Trait<T>::value) || true>::type on6(T*) { return 0; }
int all(at::Tensor *t) {
  on(t); on2(t); on5(1, 2L); on6(t); at::outer(1); (void)sizeof(on3(t)); return sizeof(on4(t));
}
"""  # noqa: E501

ON_UNIX = """
#include <initializer_list>
#include <map>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <vector>
namespace at {
[[gnu::abi_tag("v2")]] std::string tagged(std::vector<Tensor*>) { return ""; }
thread_local Mixed slot; int use() { return slot.m; }
const c10::Half &&kept = c10::Half();
struct Error : std::runtime_error { using std::runtime_error::runtime_error; ~Error() override; };
Error::~Error() {} void fail() { throw Error(std::string("x")); }
long operator""_at(unsigned long long) { return 0; }
}
namespace std { template<> struct hash<at::Tensor> { unsigned long operator()(at::Tensor*) const; };
unsigned long hash<at::Tensor>::operator()(at::Tensor*) const { return 0; } }
template class std::map<at::Tag, std::vector<c10::Half>>;
template class std::vector<std::pair<torch::Library, torch::stable::Tensor>>;
const std::type_info *infos[] = {
  &typeid(void (*)(at::Tensor*)), &typeid(at::Tensor const *), &typeid(int (at::Tensor::*)(c10::Half) const),
  &typeid(c10::Half[3]), &typeid(void(at::Tensor&) noexcept), &typeid(int at::Other::*),
};
"""  # noqa: E501

UNIX = ANYWHERE + ON_UNIX

DEPENDENT = """
namespace at {
template<class T> struct H { static constexpr bool value = true; template<class U> struct In { static constexpr bool v = true; template<class X> static constexpr bool w = true; }; static int fn(T); };
struct Tensor { int x; Tensor operator+(Tensor) const; template<class T> int get() { return 1; } int operator[](int); Tensor *operator->(); int operator()(int); };
template<class T> constexpr bool vv = true; template<class T> int g(T) { return 1; }
template<class T> concept Small = sizeof(T) < 64;
struct Point { int x, y; const int *p; }; constexpr int table[3] = {1, 2, 3}; struct Q2 { Point a[2]; }; constexpr Q2 q2{};
}
template<class T> struct Foo { static constexpr bool value = true; static int go(T); using type = T; };
template<bool B, class T = void> struct en { typedef T type; };
template<class T> typename en<at::H<T>::value>::type a1(T) {}
template<class T> typename en<Foo<T>::value, int>::type a2(T) { return 0; }
template<class T> typename en<at::H<T>::template In<T>::v>::type a3(T) {}
template<class T> typename en<T::value>::type a4(T) {}
template<class T> typename en<T::inner::value>::type a5(T) {}
template<class T> auto a6(T t) -> decltype(at::H<T>::fn(t)) { return 0; }
template<class T> auto a7(T t) -> decltype(at::g<T>(t)) { return 0; }
template<class T> typename en<at::vv<T>>::type a8(T) {}
template<class T> auto a9(T t) -> decltype(g(t)) { return 0; }
template<class T> auto b1(T t) -> decltype(t.x + 1) { return 0; }
template<class T> auto b2(T t) -> decltype(t.template get<T>()) { return 0; }
template<class T> auto b3(T t) -> decltype(::at::g(t)) { return 0; }
template<class T> typename en<at::H<T>::template In<T>::template w<T>>::type b4(T) {}
template<class T> auto b5(T t) -> decltype(t.operator+(t)) { return t; }
template<class T> auto b6(T *t) -> decltype(t->~T()) {}
template<class T> typename en<(sizeof(T) > 2 && at::H<T>::value || !Foo<T>::value)>::type b7(T) {}
template<class... T> auto b8(T... t) -> decltype((t + ...)) { return 0; }
template<class... T> auto b9(T... t) -> decltype((t + ... + 1)) { return 0; }
template<class... T> auto b0(T... t) -> decltype((... + t)) { return 0; }
template<class... T> auto b01(T... t) -> decltype((1 + ... + t)) { return 0; }
template<class T> auto c1(T t) -> decltype(new T(t)) { return 0; }
template<class T> auto c2(T t) -> decltype(T{t}, static_cast<int>(t), (int)t, t ? 1 : 2) { return 0; }
template<class T> auto c3(T t) -> decltype(::Foo<T>::go(t)) { return 0; }
template<class T> auto c4(T t) -> decltype(delete &t, alignof(T), sizeof t, at::Tensor{1}, T(t, t), t = t) { return t; }
template<class T> auto c5(T *t) -> decltype(++*t, (*t)++, --*t, t[0], -*t, ~*t, !*t, &*t) { return 0; }
template<class T> auto c6(T t, int (*f)(T)) -> decltype(f(t), const_cast<T &>(t), new T[3], new T{}, ::new T) { return 0; }
template<class... T> void c7(T... t) requires (sizeof...(T) > 1) {}
template<class... T> int c8(int (*)[sizeof...(T) + 1], T...) { return 0; }
template<class T> int c9(int (&)[sizeof(T)], T) { return 0; }
template<at::Small T> int d1(T) { return 0; }
template<class T> requires at::Small<T> int d2(T) { return 0; }
template<class T> int d3(T) requires at::Small<T> && requires (T t, Foo<T> f) { t + t; { t + 1 } -> at::Small; typename Foo<T>::type; requires at::vv<T>; { f } noexcept; } { return 0; }
template<class T> int d4(T) requires requires { typename at::H<T>; } { return 0; }
int d5(at::Small auto x) { return 0; }
template<at::Point p> int d6() { return p.x; }
template<const int *p> int d7() { return *p; }
template<auto p> int d8() { return 0; }
template<class T, T... v> int d9() { return 0; }
template<class T> auto e1(T t) -> decltype(throw t, t) { return t; }
template<template<class...> class C, class... T> int e3(C<T...> *, C<T> *...) { return 0; }
template<class T> auto e4(T t) -> decltype(t.at::Tensor::operator+(t)) { return t; }
template<class T> void e5(typename en<at::H<T>::value, T>::type, typename T::inner *) {}
template<class T, class U> int e6(T, U, decltype(T() + U()) = 0) { return 0; }
template<class T> int e7(T t) { auto l = []<class X, int N, template<class> class C>(X x, C<X> (*)[N]) { static int k = 1; return ++k; }; at::H<T> h[3]; return l(t, &h); }
template<class T> int e8(T t) { auto l = [](auto... a) { return sizeof...(a); }; return l(t, 1, nullptr); }
template<class T> auto e9(T t) -> decltype(T::make(t)) { return 0; }
template<class T> auto f2(T t) -> decltype(typename T::inner(), int(sizeof(typename T::inner))) { return 0; }
template<class T> auto f3(T t) -> decltype(at::Point{.x = sizeof(T), .y = 1}) { return {}; }
template<class T> struct Conv { template<class U> operator U() { return U(); } operator at::Tensor(); template<class U> operator Foo<U>() { return {}; } explicit operator T *() { return nullptr; } };
template<class T> Conv<T>::operator at::Tensor() { return {}; }
template struct Conv<int>;
struct Y { static constexpr bool value = true; struct inner { static const bool value = true; inner() {} }; int x; template<class T> int get() { return 1; } Y operator+(Y) const; operator int() const; static int make(Y); Y(); Y(Y const&); Y(Y,Y); Y &operator=(const Y&); Y(int); };
int operator+(Y, int); long operator->*(Y, int at::Tensor::*);
namespace at { template<> int g<Y>(Y); } int g(Y); struct N : at::Tensor { N operator+(N) const; };
template<class...> struct Pa {};
void use() {
  Y y; at::Tensor t; a1(y); a2(y); a3(y); a4(y); a5(y); a6(y); a7(y); a8(y); a9(y); b1(y); b2(y); b3(y); b4(y); b5(y); b6(&y); b7(y); b8(1, 2, 3); b9(1, 2); b0(1, 2); b01(1, 2);
  c1(y); c2(1); c3(y); c4(y); int i = 0; c5(&i); c6<int>(i, (int(*)(int))0); c7(1, 2); int a2_[3]; c8(&a2_, 1, 2); int s[4]; c9(s, 1);
  d1(y); d2(y); d3(1); d4(y); d5(y); d6<at::Point{1, 2, nullptr}>(); d6<at::Point{1, 2, &at::table[1]}>(); d7<&at::table[2]>(); d7<&at::q2.a[1].y>(); d8<&at::Tensor::x>(); d8<'c'>(); d8<-3l>(); d8<nullptr>(); d8<at::Point{0, 1}>(); d8<1.5>(); d9<long, 1, -2, 3>();
  e1(1);  e3((Pa<int,int>*)0, (Pa<int>*)0, (Pa<int>*)0); e6(1, 2L); e7(y); e8(t); e9(y);  f2(y); f3(y); e4(t);
  Conv<int> c; (long)(c); Foo<char> fc = c; e5<Y>(y, nullptr);
}
"""  # noqa: E501

BEYOND_GCC = """
template<class T> int e2(T, en<noexcept(T())> *) { return 0; }
template<class T> auto f1(T t) -> decltype(t->*(&at::Tensor::x)) { return 0; }
void more() { e2(1, (en<noexcept(int())> *)0); f1(Y()); }
"""
"""GCC has no mangling for these: "sorry, unimplemented"."""

GCC_FORMS = """
_ZTV _ZTI _ZTS _ZTT _ZTC _ZTH _ZTW _ZTh _ZTv _ZTc _ZGV _ZGR _ZZ _ZNSt _ZNKSt
B2v2 12_GLOBAL__N_1 UlP CI2 li3_at cv sr DT adL _ZTIPF _ZTIM _ZTIA
"""
MSVC_FORMS = "??0 ??1 ??B ??$ ??_7 ??_8 ??_R0 ??_R1 ??_R2 ??_R3 ??_R4 @?1?? ?A0x $$V P8"

NAMED = re.compile(r"(?<![\w:])(at|c10|torch)::(\w+)")
ABOUT = re.compile(
    r"^(?:vtable for |VTT for |typeinfo (?:name )?for |guard variable for |non-virtual thunk to "
    r"|virtual thunk to |covariant return thunk to |TLS \w+ function for "
    r"|reference temporary #\d+ for )+"
)


def compiled(source: str, folder: Path, *compiler: str) -> list[str]:
    """Every C++ name in the object file compiled from ``source``."""
    folder.mkdir(exist_ok=True)
    (folder / "x.cc").write_text(source)
    out = folder / "x.o"
    command = [*compiler, "-std=c++20", "-w", "-c", str(folder / "x.cc"), "-o", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if "windows" in " ".join(compiler):
        parsed = lief.COFF.parse(str(out))
        assert parsed
        names = [str(symbol.name) for symbol in parsed.symbols]
    else:
        elf = lief.ELF.parse(str(out))
        assert elf
        names = [str(symbol.name) for symbol in elf.symbols]
    return sorted({name for name in names if name.startswith(("_Z", "?"))})


@pytest.fixture(scope="module")
def gcc_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return compiled(UNIX, tmp_path_factory.mktemp("gcc"), "g++")


@pytest.fixture(scope="module")
def clang_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    zig = (zig_program(), "c++", "-target", "x86_64-linux-gnu")
    return compiled(UNIX, tmp_path_factory.mktemp("clang"), *zig)


@pytest.fixture(scope="module")
def msvc_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    zig = (zig_program(), "c++", "-target", "x86_64-windows-msvc")
    return compiled(ANYWHERE, tmp_path_factory.mktemp("msvc"), *zig)


@pytest.fixture(scope="module")
def gcc_dependent_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return compiled(DEPENDENT, tmp_path_factory.mktemp("gcc"), "g++")


@pytest.fixture(scope="module")
def clang_dependent_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    zig = (zig_program(), "c++", "-target", "x86_64-linux-gnu")
    return compiled(DEPENDENT + BEYOND_GCC, tmp_path_factory.mktemp("clang"), *zig)


@pytest.fixture(params=["gcc", "clang", "msvc", "gcc_dependent", "clang_dependent"])
def names(request: pytest.FixtureRequest) -> list[str]:
    found: list[str] = request.getfixturevalue(f"{request.param}_names")
    assert len(found) > 60
    return found


def texts(names: list[str]) -> list[str]:
    """The text of an independent demangler: GNU's, if installed, for its manglings."""
    if names[0].startswith("_Z") and shutil.which("c++filt"):
        lines = "".join(f"{name}\n" for name in names)
        done = subprocess.run(
            ["c++filt", "-i"], input=lines, capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()
    return [pycxxfilt.demangle(name) or name for name in names]


def declared(text: str) -> tuple[str, ...] | None:
    """The first components of the declared name, or None if this simple parser cannot tell."""
    if "operator" in text or "decltype" in text or "::*" in text or "(*" in text:
        return None
    text = ABOUT.sub("", text).replace("(anonymous namespace)", "_GLOBAL__N_1")
    depth = 0
    words = [""]
    for character in text:
        if character == "(" and not depth:
            break
        if character in "<{[(":
            depth += 1
        elif character in ">}])":
            depth -= 1
        elif not depth and character == " ":
            words.append("")
        elif not depth:
            words[-1] += character
    else:
        words = words[:1]  # a type, and what qualifies it
    return tuple(words[-1].rstrip("*&").split("::")[:2])


def spelled(text: str) -> set[tuple[str, str]]:
    """The first two components of each name in torch's namespaces in a text."""
    text = re.sub("[`(]anonymous namespace[')]", "_GLOBAL__N_1", text)
    text = re.sub(r"(?<=[( ])::", "", text)  # said to be global
    return {(a, "{operator}" if b == "operator" else b) for a, b in NAMED.findall(text)}


def test_mentions_are_what_the_text_names(names: list[str]) -> None:
    """The names in either demangler's text: GNU's omits some signatures, LLVM's some GCC names."""
    for name, text in zip(names, texts(names), strict=True):
        found = {
            (first.decode(), second.decode())
            for first, second in (path for path in mentions(name.encode()) if len(path) == 2)
            if first in {b"at", b"c10", b"torch"}
        }
        try:
            both = spelled(text) | spelled(pycxxfilt.demangle(name) or "")
        except ValueError:
            both = spelled(text)
        if text == name or "$M" in name:  # LLVM's leaves out constraints, types of auto arguments
            assert found >= both, (name, text)
        else:
            assert found == both, (name, text)


def test_owners_are_what_the_text_declares(gcc_names: list[str], clang_names: list[str]) -> None:
    if not shutil.which("c++filt"):
        pytest.skip("c++filt is not installed")
    names = sorted({*gcc_names, *clang_names})
    checked = 0
    for name, text in zip(names, texts(names), strict=True):
        expected = declared(text)
        if text == name or expected is None or "construction vtable" in text:
            continue
        found = [part.decode() for part in owner(name.encode())]
        if found[1:] and found[1].startswith("{"):
            found, expected = found[:1], expected[:1]
        assert tuple(found) in {expected, ()}, (name, text)
        assert found or re.match(r"typeinfo (name )?for \w+( |$)", text), (name, text)
        checked += 1
    assert checked > 300


def test_owners_are_among_the_mentions(names: list[str]) -> None:
    for name in names:
        found = owner(name.encode())
        assert not found or found in mentions(name.encode()), name


def test_every_form_is_among_the_names(gcc_names: list[str], msvc_names: list[str]) -> None:
    for part in GCC_FORMS.split():
        assert any(part in name for name in gcc_names), part
    for part in MSVC_FORMS.split():
        assert any(part in name for name in msvc_names), part


def test_the_text_is_that_of_nm(gcc_names: list[str]) -> None:
    if not shutil.which("c++filt"):
        pytest.skip("c++filt is not installed")
    shown = demangle(name.encode() for name in gcc_names)
    pairs = list(zip(gcc_names, shown, texts(gcc_names), strict=True))
    other = [pair for pair in pairs if pair[1] != pair[2]]
    assert len(other) < len(pairs) / 10, other
