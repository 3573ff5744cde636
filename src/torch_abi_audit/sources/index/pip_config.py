"""The user's package indexes, from pip's configuration files and ``PIP_*`` variables.

They are read as pip reads them (global, user and site files, then the environment), so that the
audit sees the wheels that pip would install, even where pip itself is not installed (pipx, uv).
Source: https://pip.pypa.io/en/stable/topics/configuration/
"""

from __future__ import annotations

import configparser
import os
import sys
from pathlib import Path

from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.runtime.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SECTIONS = ("global", "install", "download")
_ON = frozenset({"1", "true", "yes", "on", "y", "t"})


@dataclass(frozen=True, slots=True)
class PipConfig:
    """pip's settings for indexes and for how to reach them."""

    indexes: tuple[str, ...] = ()
    """URLs of simple indexes; they may contain credentials."""
    find_links: tuple[str, ...] = ()
    """Directories, or pages with links, that list more files."""
    cert: str | None = None
    client_cert: str | None = None
    trusted_hosts: tuple[str, ...] = ()
    """Hosts, as ``name`` or ``name:port``, whose certificate is not verified."""
    proxy: str | None = None
    timeout: float = 15.0
    """Seconds."""
    retries: int = 5
    pre: bool = False
    """Whether pre-releases may be chosen."""


def pip_config(environ: Mapping[str, str] | None = None) -> PipConfig:
    """The configuration in force.

    Raises:
        TargetError: a configuration file or a variable cannot be parsed.
    """
    environ = os.environ if environ is None else environ
    options: dict[str, str] = {}
    for path in _files(environ):
        options.update(_options(path))
    for name, value in environ.items():
        if name.startswith("PIP_") and value:
            options[name[4:].lower().replace("_", "-")] = value
    config = PipConfig(
        find_links=_words(options, "find-links"),
        cert=options.get("cert"),
        client_cert=options.get("client-cert"),
        trusted_hosts=_words(options, "trusted-host"),
        proxy=options.get("proxy"),
        timeout=_number(options, "timeout", options.get("default-timeout", "15")),
        retries=int(_number(options, "retries", "5")),
        pre=options.get("pre", "").lower() in _ON,
    )
    if options.get("no-index", "").lower() in _ON:
        return replace(config, indexes=())
    main = options.get("index-url") or default_index()
    return replace(config, indexes=(main, *_words(options, "extra-index-url")))


def default_index() -> str:
    """The index that pip uses by default, read from pip itself.

    Raises:
        TargetError: pip is not installed beside this program.
    """
    try:
        from pip._internal.models.index import PyPI  # needed only if no index is configured
    except ImportError:
        raise TargetError(
            "no package index is configured, and pip is not installed to supply its default: "
            "set PIP_INDEX_URL, or install pip beside torch-abi-audit"
        ) from None
    return str(PyPI.simple_url)


def _files(environ: Mapping[str, str]) -> Iterator[Path]:
    """The configuration files; later ones override earlier ones."""
    given = environ.get("PIP_CONFIG_FILE")
    if given == os.devnull:
        return
    home = Path(environ.get("HOME") or environ.get("USERPROFILE") or "~").expanduser()
    name = "pip.ini" if os.name == "nt" else "pip.conf"
    if os.name == "nt":
        yield Path(environ.get("PROGRAMDATA", r"C:\ProgramData")) / "pip" / name
        yield home / "pip" / name
        yield Path(environ.get("APPDATA", str(home))) / "pip" / name
    else:
        if sys.platform == "darwin":
            yield Path("/Library/Application Support/pip") / name
        for directory in reversed(environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":")):
            yield Path(directory) / "pip" / name
        yield Path("/etc") / name
        yield home / ".pip" / name
        support = home / "Library/Application Support/pip"
        config = Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "pip"
        yield (support if sys.platform == "darwin" and support.is_dir() else config) / name
    for prefix in (sys.prefix, environ.get("VIRTUAL_ENV"), environ.get("CONDA_PREFIX")):
        if prefix:
            yield Path(prefix) / name
    if given:
        yield Path(given)


def _options(path: Path) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        first = str(error).splitlines()[0]
        raise TargetError(f"cannot read pip's configuration file {path}: {first}") from error
    return {
        name.replace("_", "-"): value
        for section in _SECTIONS
        if parser.has_section(section)
        for name, value in parser.items(section)
        if value
    }


def _words(options: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(options.get(name, "").split()))


def _number(options: Mapping[str, str], name: str, default: str) -> float:
    value = options.get(name, default)
    try:
        return float(value)
    except ValueError as error:
        raise TargetError(f"pip's option {name} must be a number, not {value!r}") from error
