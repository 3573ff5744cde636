"""Options that verbs share. Nothing is imported here, so that ``--help`` answers at once."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_target_options(parser: argparse.ArgumentParser) -> None:
    """The options that say what is inspected, and ``--no-progress``."""
    parser.add_argument(
        "targets",
        metavar="TARGET",
        nargs="*",
        help="an import or distribution name, a package directory, a library file or a wheel",
    )
    parser.add_argument(
        "--env", action="store_true", help="every package of the running interpreter"
    )
    parser.add_argument(
        "--site-packages", metavar="PATH", help="every package of a site-packages directory"
    )
    parser.add_argument(
        "--no-progress", action="store_true", help="never draw a progress bar on the terminal"
    )


def refuse_mixed_modes(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End with a usage error unless exactly one of the modes was chosen."""
    modes = [
        name
        for name, given in (
            ("TARGET", bool(options.targets)),
            ("--env", options.env),
            ("--site-packages", options.site_packages is not None),
        )
        if given
    ]
    if not modes:
        parser.error("nothing to inspect: give a TARGET, --env or --site-packages PATH")
    if len(modes) > 1:
        parser.error(f"{' and '.join(modes)} exclude each other: give one of them")
