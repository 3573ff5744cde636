from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.metadata_values import ROOT, library
from torch_abi_audit.facts.optional import optional

if TYPE_CHECKING:
    from torch_abi_audit.model.reports import ExtensionReport

ABI = "cpython-311-x86_64-linux-gnu.so"


def helper(path: str, *needed: str) -> ExtensionReport:
    return library(path, module=False, needed=needed)


def module(path: str, *needed: str) -> ExtensionReport:
    return library(path, needed=needed)


def spared(*libraries: ExtensionReport) -> frozenset[str]:
    """The libraries that may be left out, if the package has no library named ``libmissing…``."""
    named = [(str(one.path.relative_to(ROOT)), one) for one in libraries]
    lacking = {
        path: missing
        for path, one in named
        if (missing := tuple(name for name in one.linkage[0].needed if "missing" in name))
    }
    return optional(named, lacking)


def test_a_plugin() -> None:
    plugin = helper("plugins/libx.so", "libmissing.so")
    assert spared(module("_C.so"), plugin) == {"plugins/libx.so"}


def test_a_plugin_that_something_else_is_linked_to() -> None:
    plugin = helper("plugins/libx.so", "libmissing.so")
    assert spared(module("_C.so", "libx.so"), plugin) == frozenset()
    assert spared(module("_C.so"), helper("liba.so", "libx.so"), plugin) == frozenset()


def test_what_only_plugins_are_linked_to() -> None:
    below = helper("lib/liby.so", "libmissing.so")
    plugin = helper("plugins/libx.so", "liby.so")
    assert spared(module("_C.so"), plugin, below) == {"plugins/libx.so", "lib/liby.so"}
    assert spared(module("_C.so", "liby.so"), plugin, below) == {"plugins/libx.so"}


def test_an_extension_module_is_no_plugin() -> None:
    assert spared(module("plugins/_C.so", "libmissing.so")) == frozenset()


def test_a_library_that_python_code_opens() -> None:
    """Nothing is linked to it, as to a plug-in, but it is what the package consists of."""
    assert spared(helper("lib/lib_lightgbm.so", "libmissing.so")) == frozenset()
    assert spared(module("_C.so"), helper("lib/libx.so", "libmissing.so")) == frozenset()


def test_a_library_named_after_another_one() -> None:
    host, plugin = helper("libcasadi.so"), helper("libcasadi_nlpsol_snopt.so", "libmissing.so")
    assert spared(host, plugin) == {"libcasadi_nlpsol_snopt.so"}
    assert spared(helper("libcasadi.so", "libcasadi_nlpsol_snopt.so"), plugin) == frozenset()


def test_alternatives_lack_different_libraries() -> None:
    one, two = "libcodec_core4.so", "libcodec_core5.so"
    assert spared(helper(one, "libmissing.so.4"), helper(two, "libmissing.so.5")) == {one, two}
    assert spared(helper(one, "libmissing.so.4"), helper(two)) == {one}
    assert spared(helper(one, "libmissing.so"), helper(two, "libmissing.so")) == frozenset()


def test_modules_that_are_alternatives() -> None:
    one, two = f"MPI.mpich.{ABI}", f"MPI.openmpi.{ABI}"
    assert spared(module(one, "libmissing.so.12"), module(two, "libmissing.so.40")) == {one, two}
    one, two = "_torio_ffmpeg4.so", "_torio_ffmpeg5.so"
    assert spared(module(one, "libmissing.so.58"), module(two, "libmissing.so.59")) == {one, two}


def test_modules_for_different_pythons_are_no_alternatives() -> None:
    one, two = f"_C.{ABI}", f"_C.{ABI.replace('311', '312')}"
    assert spared(module(one, "libmissing.so"), module(two)) == frozenset()
    assert spared(module("a.so", "libmissing.so"), module("b.so")) == frozenset()


def test_a_circle_of_libraries_is_not_left_out() -> None:
    one, two = helper("plugins/a.so", "b.so"), helper("plugins/b.so", "a.so", "libmissing.so")
    assert spared(one, two) == frozenset()
