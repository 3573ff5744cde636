"""Checks that the options select one mode: TARGETs, an environment, or a directory."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from torch_abi_audit.commands.shared.options import Syntax


def refuse_mixed(
    syntax: Syntax, options: argparse.Namespace, also: Sequence[str | None] = ()
) -> None:
    """Exit with a usage error unless exactly one mode is selected.

    Args:
        syntax: The syntax of the verb.
        options: The parsed command line.
        also: Other TARGETs that may be wheels of an index.
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
        fail(syntax, "--python and --site-packages cannot be used together")
    if options.python is not None and not options.targets:
        options.env = True
        return
    refuse_idle_index_options(syntax, options, (*options.targets, *also))
    if not modes:
        fail(syntax, "nothing to inspect: give a TARGET, --env or --site-packages PATH")
    if len(modes) > 1:
        fail(syntax, f"{' and '.join(modes)} cannot be used together")


def refuse_idle_index_options(
    syntax: Syntax, options: argparse.Namespace, words: Sequence[str | None]
) -> None:
    """Exit with a usage error if index options are given, but no ``pypi:`` target.

    Contradictory index options and a malformed ``--python-version`` are usage errors as well.
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
        fail(syntax, f"{asked[0]} applies only to pypi: targets")
    if "--all-platforms" in asked and "--platform" in asked:
        fail(syntax, "--all-platforms and --platform cannot be used together")
    version = options.python_version
    if version is not None and not version.removeprefix("3.").removesuffix("t").isdecimal():
        fail(syntax, "--python-version takes a version such as 3.12")
