from __future__ import annotations

import pytest

from tests.support.reports import library, package
from torch_abi_audit.knowledge.names.identity import (
    digest,
    library_key,
    library_keys,
    library_stem,
    package_key,
    symbol_key,
)
from torch_abi_audit.model.outcome import Key


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("_C.so", "_C"),
        ("_C.abi3.so", "_C"),
        ("_C.abi3-x86_64-linux-gnu.so", "_C"),
        ("_C.abi3t.so", "_C"),
        ("_C.cpython-311-x86_64-linux-gnu.so", "_C"),
        ("_C.cpython-313t-darwin.so", "_C"),
        ("_C.cpython-310-x86_64-linux-musl.so", "_C"),
        ("_C.cp311-win_amd64.pyd", "_C"),
        ("_C.cp313t-win_arm64.pyd", "_C"),
        ("_C.pypy39-pp73-x86_64-linux-gnu.so", "_C"),
        ("_C.pyd", "_C"),
        ("libx.dylib", "libx"),
        ("libx.1.2.dylib", "libx"),
        ("x.dll", "x"),
        ("libx.so.6.12", "libx"),
        ("libx.abi3.so.6.12", "libx"),
        ("libjpeg-944920e9.so.8.3.2", "libjpeg"),
        ("msvcp140-1a962f2a91681954ca9c07b0c2a5c8cd.dll", "msvcp140"),
        ("_activation_beeaae6.abi3.so", "_activation"),
        ("_attn_0d1f2c3_dirty.abi3.so", "_attn"),
        ("ops.so.pt112cu116", "ops"),
        ("libcudart.faf08d9a.so.13", "libcudart"),
        ("libopenblas64_p-r0-0cf96a72.3.23.dev.so", "libopenblas64_p"),
        # repaired twice, in wheels of NumPy and SciPy
        ("libgcc_s-0cd532bd-c8f934f9.so.1", "libgcc_s"),
        ("libgfortran-040039e1-0352e75f.so.5.0.0", "libgfortran"),
        # the version in the name, in wheels of VTK, opencv-python, wxPython, PyAV and dgl
        ("vtkCommonCore-9.7.2.dll", "vtkCommonCore"),
        ("libSDL2-2.0.0.dylib", "libSDL2"),
        ("libglib-2.0.so.0", "libglib"),
        ("libOpenEXRCore-3_3.32.3.3.4.dylib", "libOpenEXRCore"),
        ("avcodec-61.dll", "avcodec"),
        ("libdgl_sparse_pytorch_2.2.1.so", "libdgl_sparse_pytorch"),
        ("libdgl_sparse_pytorch_2.2.1.dylib", "libdgl_sparse_pytorch"),
        # what only looks like that
        ("libpng16.16.dylib", "libpng16"),
        ("libx264.so.164", "libx264"),
        ("ep_2_10_0.cpython-312-x86_64-linux-gnu.so", "ep_2_10_0"),
        ("avcodec-61.so", "avcodec-61"),
        ("-1.2.so", "-1.2"),
        ("_C_stable.abi3.so", "_C_stable"),
        ("lib_deadbeef.so", "lib_deadbeef"),
        ("libtorchcodec_core4.so", "libtorchcodec_core4"),
        ("x-abc.so", "x-abc"),
        ("x_dirty.so", "x_dirty"),
        ("x_123456.so", "x_123456"),
        ("module", "module"),
        (".so", ".so"),
    ],
)
def test_the_stem_forgets_what_a_build_changes(name: str, stem: str) -> None:
    assert library_stem(name) == stem


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("f(std::__cxx11::basic_string<char>)", "f(std::__1::basic_string<char>)"),
        ("f[abi:cxx11]()", "f()"),
        ("f(long long)", "f(long)"),
        ("f(unsigned long long)", "f(unsigned long)"),
        ("v<a<b> >", "v<a<b>>"),
        ("f(int, char)", "f(int,char)"),
    ],
)
def test_spellings_of_one_symbol(one: str, other: str) -> None:
    assert symbol_key(one) == symbol_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("f(int)", "f(unsigned int)"),
        ("f(char const*)", "f(char*)"),
        ("std::__cxx11::f()", "g()"),
        ("unsigned int f()", "unsignedint f()"),
    ],
)
def test_other_symbols_stay_others(one: str, other: str) -> None:
    assert symbol_key(one) != symbol_key(other)


def test_a_library_has_one_key_however_its_package_was_named() -> None:
    by_name = package(root="/site/torchao", imports=("torchao",), distribution="torchao")
    wheel = package(root="/dist/torchao-1-py3-none-any.whl", imports=("torchao",))
    assert library_key(by_name, "lib/_C.abi3.so") == "torchao/lib/_C"
    assert library_key(wheel, "torchao/lib/_C.cpython-310-darwin.so") == "torchao/lib/_C"
    assert library_key(wheel, None) == ""
    for scheme in ("purelib", "platlib"):
        path = f"torchao-1.data/{scheme}/torchao/lib/_C.abi3.so"
        assert library_key(wheel, path) == "torchao/lib/_C"
    assert library_key(wheel, "torchao-1.data/data/lib/libx.so.1") == "data/lib/libx"
    assert library_key(wheel, "torchao-1.data/scripts/tool") == "scripts/tool"
    assert library_key(by_name, "a-1.data/purelib/x.so") == "torchao/a-1.data/purelib/x"


def keys(*paths: str) -> dict[str, str]:
    return dict(library_keys(package(*map(library, paths), imports=())))


def test_libraries_of_one_package_have_keys_of_their_own() -> None:
    assert keys("libx_1.13.0.dylib", "libx_1.13.1.dylib", "liby.1.dylib") == {
        "libx_1.13.0.dylib": "libx_1.13.0.dylib",
        "libx_1.13.1.dylib": "libx_1.13.1.dylib",
        "liby.1.dylib": "liby",
    }
    # a hash only where nothing else tells them apart
    assert keys("a-0a1b2c3d.so.1", "a-1a1b2c3d.so.2") == {
        "a-0a1b2c3d.so.1": "a.so.1",
        "a-1a1b2c3d.so.2": "a.so.2",
    }
    assert keys("a-0a1b2c3d.so", "a-1a1b2c3d-0a1b2c3d.so") == {
        "a-0a1b2c3d.so": "a-*.so",
        "a-1a1b2c3d-0a1b2c3d.so": "a-*-*.so",
    }
    assert keys("a-0a1b2c3d.so", "a-1a1b2c3d.so") == {
        "a-0a1b2c3d.so": "a-0a1b2c3d.so",
        "a-1a1b2c3d.so": "a-1a1b2c3d.so",
    }
    assert keys("p/_C.so", "q/_C.so") == {"p/_C.so": "p/_C", "q/_C.so": "q/_C"}


@pytest.mark.parametrize(
    ("name", "distribution", "key"),
    [
        ("x", "Torch_Audio.Ext", "torch-audio-ext"),
        ("build/lib/_C.abi3.so", None, "_C"),
        ("some/dir/", None, "dir"),
    ],
)
def test_package_keys(name: str, distribution: str | None, key: str) -> None:
    assert package_key(package(name=name, distribution=distribution)) == key


def test_a_digest_tells_rule_package_and_library_apart() -> None:
    keys = [Key("p", "l", "T101"), Key("p", "l", "T102"), Key("p", "m", "T101")]
    keys += [Key("q", "l", "T101"), Key("pl", "", "T101")]
    assert len({digest(one) for one in keys}) == len(keys)


def test_digests_never_change() -> None:
    """Code scanning and GitLab match alerts by digest from one release to the next."""
    assert digest(Key("torchao", "torchao/_C", "T101")) == "f57ca3b7a02caafc585872ccd9f61940"


def test_a_name_that_is_not_utf8_has_a_digest() -> None:
    names = (b"bad\xff", b"bad\xfe")
    keys = [Key("p", name.decode(errors="surrogateescape"), "E001") for name in names]
    assert len({digest(one) for one in keys}) == 2
