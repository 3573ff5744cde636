"""Which way of inspecting was chosen: TARGETs, the running environment, or a directory."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from torch_abi_audit.commands.shared.options import Syntax


def refuse_mixed(
    syntax: Syntax, options: argparse.Namespace, also: Sequence[str | None] = ()
) -> None:
    """End with a usage error unless one mode was chosen.

    Args:
        syntax: The verb's.
        options: What the command line gives.
        also: Further words that may name wheels of an index.
    """
    from torch_abi_audit.commands.shared.parsing import fail

    modes = [
        name
        for name, given in (
            ("TARGET", bool(options.targets)),
            ("--env", options.env),
            ("--site-packages", options.site_packages is not None),
        )
        if given
    ]
    if options.python is not None and options.site_packages is not None:
        fail(syntax, "--python and --site-packages exclude each other: give one of them")
    if options.python is not None and not options.targets:
        options.env = True
        return
    refuse_idle_index_options(syntax, options, (*options.targets, *also))
    if not modes:
        fail(syntax, "nothing to inspect: give a TARGET, --env or --site-packages PATH")
    if len(modes) > 1:
        fail(syntax, f"{' and '.join(modes)} exclude each other: give one of them")


def refuse_idle_index_options(
    syntax: Syntax, options: argparse.Namespace, words: Sequence[str | None]
) -> None:
    """End with a usage error where wheels are chosen, and none of ``words`` names any of an index.

    So do choices that contradict each other.
    """
    from torch_abi_audit.commands.shared.options import OPTIONS, WHEELS

    asked = [
        OPTIONS[name].flags[0]
        for name in WHEELS
        if getattr(options, name, None) not in (None, False)
    ]
    if not asked:
        return
    from torch_abi_audit.commands.shared.parsing import fail
    from torch_abi_audit.sources import INDEX_PREFIX

    if not any(word.startswith(INDEX_PREFIX) for word in words if word is not None):
        fail(syntax, f"{asked[0]} is for pypi: targets")
    if "--all-platforms" in asked and "--platform" in asked:
        fail(syntax, "--all-platforms and --platform exclude each other: give one of them")
    version = options.python_version
    if version is not None and not version.removeprefix("3.").removesuffix("t").isdecimal():
        fail(syntax, "--python-version takes a release such as 3.12")
