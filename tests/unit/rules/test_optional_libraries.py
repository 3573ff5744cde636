from __future__ import annotations

from tests.support.metadata_values import judged, library, only, rules
from torch_abi_audit.model.findings import Severity

SQL = library("plugins/libsqlpq.so", module=False, needed=("libpq.so.5",))
ODBC = library("plugins/libsqlodbc.so", module=False, needed=("libodbc.so.2", "libEGL.so.1"))
GUI = library("lib/libgui.so", module=False, needed=("libEGL.so.1", "libxkbcommon.so.0"))
USER = library(needed=("libgui.so",))


def test_what_plugins_need_is_one_note() -> None:
    report = judged(library(), SQL, ODBC)
    assert rules(report) == ["L422"]
    found = only(report, "L422")
    assert found.severity is Severity.NOTE
    assert found.evidence == ("libEGL.so.1", "libodbc.so.2", "libpq.so.5")
    assert found.message == (
        "2 plug-ins or alternatives (plugins/libsqlodbc.so and plugins/libsqlpq.so) need "
        "libEGL.so.1, libodbc.so.2 and libpq.so.5, which neither the package, the platform nor "
        "torch provides"
    )


def test_what_a_requirement_lends_to_a_plugin() -> None:
    plugin = library("plugins/libx.so", module=False, needed=("libodbc.so.2",))
    assert rules(judged(library(), plugin, requires=("odbc",))) == ["L417"]


def test_the_libraries_of_a_desktop_are_one_warning() -> None:
    report = judged(library(needed=("libgui.so", "libEGL.so.1")), GUI)
    assert rules(report) == ["L423"]
    found = only(report, "L423")
    assert found.severity is Severity.WARNING
    assert found.message == (
        "2 libraries (_C.abi3.so and lib/libgui.so) need libEGL.so.1 and libxkbcommon.so.0, which "
        "Linux desktops have, but servers and containers lack"
    )


def test_other_libraries_beside_those_of_a_desktop() -> None:
    report = judged(library(needed=("libEGL.so.1", "libzstd.so.1")))
    assert only(report, "L404").evidence == ("libzstd.so.1",)
    assert only(report, "L423").message == (
        "the library _C.abi3.so needs libEGL.so.1, which Linux desktops have, but servers and "
        "containers lack"
    )


def test_a_plugin_needs_what_others_need_too() -> None:
    """The plug-in's libEGL is no news then."""
    report = judged(USER, GUI, ODBC)
    assert only(report, "L422").evidence == ("libodbc.so.2",)
    assert only(report, "L423").evidence == ("libEGL.so.1", "libxkbcommon.so.0")
