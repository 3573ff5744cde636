"""The environment that this program runs in, where nobody means it: a tool runner has made it.

``pipx`` and ``uv tool`` install the program in an environment of its own; ``pipx run``, ``uvx`` and
``uv run --with`` make one in their cache for a single run. An audit is about the environment of the
project, which these runners do not name in a common way.
"""

from __future__ import annotations

import os
import sys
from itertools import pairwise

from torch_abi_audit.knowledge.names.distribution import required
from torch_abi_audit.sources.installed.distribution import distributions, headers
from torch_abi_audit.sources.installed.virtual_environment import CONFIGURATION, configuration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PROGRAM = "torch-abi-audit"
_INSTALLERS = frozenset({"pip", "setuptools", "wheel"})
"""What ``venv`` and ``virtualenv`` put into a new environment."""
_RECEIPTS = ("pipx_metadata.json", "uv-receipt.toml")
_PLACES = frozenset({("pipx", "venvs"), ("uv", "tools")})
_BUCKETS = ("archive-v", "environments-v", "builds-v")
"""Directories in uv's cache that hold environments; a number follows. The cache itself may be
anywhere (``UV_CACHE_DIR``)."""


def meant(environ: Mapping[str, str] | None = None, directory: str | None = None) -> str | None:
    """The environment to audit in place of this program's own, which a runner has made.

    It is the one that ``uv run --with`` extends, or else the activated one, or else the ``.venv``
    of the working directory or of one above it, where uv looks. None if there is none of these, or
    if the program does not run in an environment of its own.

    Args:
        environ: The environment variables; by default, those of the process.
        directory: The working directory; by default, that of the process.
    """
    if not is_of_a_runner():
        return None
    environ = os.environ if environ is None else environ
    extended = configuration(sys.prefix).get("extends-environment")
    for prefix in (extended, environ.get("VIRTUAL_ENV"), environ.get("CONDA_PREFIX")):
        if prefix and os.path.isdir(prefix) and not _same(prefix, sys.prefix):
            return prefix
    return _beside(os.getcwd() if directory is None else directory)


def is_of_a_runner() -> bool:
    """Whether pipx or uv has made the environment that this program runs in."""
    if sys.prefix == sys.base_prefix:
        return False
    if any(os.path.exists(os.path.join(sys.prefix, name)) for name in _RECEIPTS):
        return True
    parts = os.path.abspath(sys.prefix).replace("\\", "/").split("/")
    if not _PLACES.isdisjoint(pairwise(parts)):
        return True
    in_cache = any(
        part.startswith(bucket) and part.removeprefix(bucket).isdecimal()
        for part in parts[-3:-1]
        for bucket in _BUCKETS
    )
    return in_cache and "uv" in configuration(sys.prefix)


def holds_only_the_program(sites: Iterable[str]) -> bool:
    """Whether package directories hold this program and what it requires, and nothing else."""
    found = {}
    for directory in sites:
        try:
            found.update({one.key: one for one in distributions(directory)})
        except OSError:
            return False
    own = {_PROGRAM} & found.keys()
    waiting = list(own)
    while waiting:
        try:
            named = set(map(required, headers(found[waiting.pop()]).requires))
        except OSError:
            continue
        new = (named & found.keys()) - own
        own |= new
        waiting += new
    return bool(own) and found.keys() <= own | _INSTALLERS


def _beside(directory: str) -> str | None:
    """The ``.venv`` in a directory, or in the nearest directory above it that has one."""
    while True:
        place = os.path.join(directory, ".venv")
        if os.path.isfile(os.path.join(place, CONFIGURATION)):
            return None if _same(place, sys.prefix) else place
        above = os.path.dirname(directory)
        if above == directory:
            return None
        directory = above


def _same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
