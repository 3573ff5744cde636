"""L422 and L423: what plug-ins need that nothing provides, and what a Linux desktop provides."""

from __future__ import annotations

from torch_abi_audit.knowledge.names.system import is_desktop
from torch_abi_audit.model.findings import Severity
from torch_abi_audit.model.paths import file_name
from torch_abi_audit.report.wording import several
from torch_abi_audit.rules.definition import About, Rule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from torch_abi_audit.model.findings import Finding
    from torch_abi_audit.rules import Detectors
    from torch_abi_audit.rules.context import Context

L422 = Rule(
    "L422",
    "unprovided-by-plugin",
    "Plug-ins or alternatives need libraries that neither the package, its requirements, the "
    "platform nor torch provides",
    "They load only where the user has put the missing libraries; the rest of the package does not "
    "need them. Names and links say what is a plug-in, or one of several alternatives: nothing of "
    "the package that is always loaded is linked to it.",
    "Document which libraries these parts of the package need, or leave out the parts that nobody "
    "can use.",
    Severity.NOTE,
    itemized=True,
    example="2 plug-ins or alternatives (plugins/libsqlodbc.so and plugins/libsqlpq.so) need "
    "libodbc.so.2 and libpq.so.5, which neither the package, the platform nor torch provides",
    about=About.PACKAGE,
)

L423 = Rule(
    "L423",
    "desktop-library",
    "Libraries are linked to libraries of a Linux desktop",
    "The platform tag does not promise them. Servers and containers lack them, so imports fail "
    "there: `libEGL.so.1: cannot open shared object file`.",
    "Document which packages of the system users must install. Do not bundle libEGL, libGL, libgbm "
    "or libdrm, which must fit the graphics driver.",
    Severity.WARNING,
    itemized=True,
    example="the library lib/libGui.so.6 needs libEGL.so.1 and libxkbcommon.so.0, which Linux "
    "desktops have, but servers and containers lack",
    about=About.PACKAGE,
)


def optional(context: Context) -> Iterator[Finding]:
    """What the plug-ins and the other libraries need that is no defect of one library each."""
    desktop: dict[str, set[str]] = {}
    others: dict[str, set[str]] = {}
    for path, names in context.unprovided.items():
        if path not in context.optional:
            for name in filter(is_desktop, map(file_name, names)):
                desktop.setdefault(name, set()).add(path)
    for path in context.optional:
        for name in map(file_name, context.unprovided.get(path, ())):
            if name not in desktop:
                others.setdefault(name, set()).add(path)
    if others:
        who, what = _described(others, "plug-in or alternative", "plug-ins or alternatives")
        yield L422.finding(
            f"{who} {what}, which neither the package, the platform nor torch provides",
            evidence=sorted(others),
        )
    if desktop:
        who, what = _described(desktop, "library", "libraries")
        yield L423.finding(
            f"{who} {what}, which Linux desktops have, but servers and containers lack",
            evidence=sorted(desktop),
        )


def _described(users: Mapping[str, Collection[str]], one: str, many: str) -> tuple[str, str]:
    """Who needs libraries, with the verb, and these libraries, what most need first."""
    paths = sorted(set[str]().union(*users.values()))
    names = sorted(users, key=lambda name: (-len(users[name]), name))
    what = f"the {one} {paths[0]} needs"
    if len(paths) > 1:
        what = f"{len(paths)} {many} ({several(paths)}) need"
    return what, several(names, "library")


DETECTORS: Detectors = {optional: (L422, L423)}
