"""Names that compilers make, decided on as mangled and on their demangled text: no difference."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import lief
import pycxxfilt
import pytest

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
    """Every C++ name in the object file that a compiler makes of ``source``."""
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
    zig = (sys.executable, "-m", "ziglang", "c++", "-target", "x86_64-linux-gnu")
    return compiled(UNIX, tmp_path_factory.mktemp("clang"), *zig)


@pytest.fixture(scope="module")
def msvc_names(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    zig = (sys.executable, "-m", "ziglang", "c++", "-target", "x86_64-windows-msvc")
    return compiled(ANYWHERE, tmp_path_factory.mktemp("msvc"), *zig)


@pytest.fixture(params=["gcc", "clang", "msvc"])
def names(request: pytest.FixtureRequest) -> list[str]:
    found: list[str] = request.getfixturevalue(f"{request.param}_names")
    assert len(found) > 60
    return found


def texts(names: list[str]) -> list[str]:
    """What an independent demangler says: GNU's where there is one, for its manglings."""
    if names[0].startswith("_Z") and shutil.which("c++filt"):
        lines = "".join(f"{name}\n" for name in names)
        done = subprocess.run(
            ["c++filt", "-i"], input=lines, capture_output=True, text=True, check=True
        )
        return done.stdout.splitlines()
    return [pycxxfilt.demangle(name) or name for name in names]


def declared(text: str) -> tuple[str, ...] | None:
    """The leading components of what a text declares, None where that takes more than this."""
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
    """The first two components of the names of torch's namespaces in a text."""
    text = re.sub("[`(]anonymous namespace[')]", "_GLOBAL__N_1", text)
    return {(a, "{operator}" if b == "operator" else b) for a, b in NAMED.findall(text)}


def test_mentions_are_what_the_text_names(names: list[str]) -> None:
    """What either demangler spells: GNU's leaves out some signatures, LLVM's some GCC names."""
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
        if "$M" in name:  # LLVM's text leaves out the types of auto parameters
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
