"""The files of a project, as listed by simple indexes and ``--find-links`` locations.

PEP 503 (HTML) and PEP 691 (JSON), over HTTP and from ``file:`` URLs. If several locations list a
file of the same name, the first one wins, as in pip.
"""

from __future__ import annotations

import json
import os
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import url2pathname

from torch_abi_audit.knowledge.names.distribution import canonical
from torch_abi_audit.model.errors import TargetError
from torch_abi_audit.runtime.records import dataclass
from torch_abi_audit.sources.index.web import bare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch_abi_audit.sources.index.pip_config import PipConfig
    from torch_abi_audit.sources.index.web import Web


@dataclass(frozen=True, slots=True)
class Listed:
    """One file of a project."""

    filename: str
    url: str
    """The file's URL, or its path if it is on this machine."""
    sha256: str | None = None
    size: int | None = None
    requires_python: str | None = None
    yanked: bool = False
    uploaded: str | None = None
    """The day of its upload, such as ``2026-01-31``, if the index says it (PEP 700)."""

    @property
    def is_local(self) -> bool:
        """Whether ``url`` is a path."""
        return "://" not in self.url


def listing(project: str, config: PipConfig, web: Web) -> tuple[Listed, ...]:
    """Every file that the configured locations list for a project (given by canonical name).

    Raises:
        TargetError: no location lists the project, or the only ones that may cannot be reached.
    """
    found: dict[str, Listed] = {}
    failures: list[TargetError] = []
    known = False
    for index in config.indexes:
        try:
            page = _page(f"{index.rstrip('/')}/{project}/", web)
        except TargetError as error:
            failures.append(error)
            continue
        known = known or page is not None
        for one in page or ():
            found.setdefault(one.filename, one)
    for place in config.find_links:
        for one in _links(place, web):
            if _is_of(one.filename, project):
                found.setdefault(one.filename, one)
    if failures and not found:
        raise failures[0]
    if not found and not known:
        places = ", ".join(map(bare, (*config.indexes, *config.find_links)))
        if not places:
            raise TargetError(
                f"cannot look for {project}: pip's configuration disables indexes (no-index) and "
                "sets no find-links"
            )
        raise TargetError(f"there is no project {project} on {places}")
    return tuple(found.values())


def _is_of(filename: str, project: str) -> bool:
    """Whether a file with this name can be a release of the project."""
    return canonical(filename).startswith(f"{project}-")


def _page(url: str, web: Web) -> tuple[Listed, ...] | None:
    """The files on a project's page; None if there is no such page."""
    if urlsplit(url).scheme == "file":
        directory = Path(url2pathname(urlsplit(url).path))
        page = directory / "index.html"
        try:
            if page.is_file():
                return tuple(_html(page.read_bytes(), page.as_uri()))
            return tuple(_in_directory(directory)) if directory.is_dir() else None
        except OSError as error:
            raise TargetError(f"cannot read {page}: {error.strerror}") from error
    got = web.page(url)
    if got is None:
        return None
    kind, data = got
    return tuple(_json(data, url) if "json" in kind.lower() else _html(data, url))


def _links(place: str, web: Web) -> Iterator[Listed]:
    if urlsplit(place).scheme in {"http", "https"}:
        got = web.page(place)
        yield from _html(got[1], place) if got is not None else ()
        return
    path = Path(url2pathname(urlsplit(place).path)) if place.startswith("file:") else Path(place)
    path = path.expanduser()
    if path.is_dir():
        yield from _in_directory(path)
    elif path.is_file():
        yield from _html(path.read_bytes(), path.absolute().as_uri())


def _in_directory(directory: Path) -> Iterator[Listed]:
    for path in sorted(directory.iterdir()):
        if path.is_file():
            yield Listed(path.name, str(path.absolute()))


def _json(data: bytes, url: str) -> Iterator[Listed]:
    try:
        files = json.loads(data)["files"]
        for one in files:
            size = one.get("size")
            yield Listed(
                filename=str(one["filename"]),
                url=_place(str(one["url"]), url),
                sha256=one.get("hashes", {}).get("sha256"),
                size=size if isinstance(size, int) else None,
                requires_python=one.get("requires-python") or None,
                yanked=bool(one.get("yanked")),
                uploaded=_day(one.get("upload-time")),
            )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TargetError(f"{bare(url)} is not a valid JSON index page: {error!r}") from error


def _day(uploaded: object) -> str | None:
    day = str(uploaded)[:10]
    return day if len(day) == 10 and day.replace("-", "").isdecimal() else None


def _html(data: bytes, url: str) -> Iterator[Listed]:
    parser = _Anchors()
    parser.feed(data.decode("utf-8", "replace"))
    base = urljoin(url, parser.base) if parser.base else url
    for attributes in parser.anchors:
        href = attributes.get("href") or ""
        target = urljoin(base, href)
        parts = urlsplit(target)
        filename = unquote(parts.path.rpartition("/")[2])
        if not filename:
            continue
        algorithm, _, digest = parts.fragment.partition("=")
        yield Listed(
            filename=filename,
            url=_place(href, base),
            sha256=digest if algorithm == "sha256" else None,
            requires_python=attributes.get("data-requires-python") or None,
            yanked="data-yanked" in attributes,
        )


def _place(href: str, base: str) -> str:
    """The URL of a link; on the same host as its page, with that page's credentials."""
    target = urljoin(base, href)
    parts, page = urlsplit(target), urlsplit(base)
    if parts.scheme == "file":
        return os.path.normpath(url2pathname(parts.path))
    login, at, host = page.netloc.rpartition("@")
    if at and parts.netloc == host:
        parts = parts._replace(netloc=f"{login}@{host}")
    return parts._replace(fragment="").geturl()


class _Anchors(HTMLParser):
    """The links of a page, and its base URL."""

    def __init__(self) -> None:
        super().__init__()
        self.anchors: list[dict[str, str | None]] = []
        self.base: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.anchors.append(dict(attrs))
        elif tag == "base" and self.base is None:
            self.base = dict(attrs).get("href")
