"""HTTP as pip does it, with the user's proxies, certificates, credentials and netrc.

``requests`` makes the requests, and ``truststore`` verifies with the system's certificates; both
are imported when the first request is made.
"""

from __future__ import annotations

import weakref
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from torch_abi_audit.model.errors import TargetError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import requests

    from torch_abi_audit.sources.index.pip_config import PipConfig

    Watch = Callable[[str, int, int], None]
    """Called with a URL, the bytes downloaded so far, and the total (0: unknown)."""

_PIECE = 1 << 18
_JSON = "application/vnd.pypi.simple.v1+json"
_ACCEPT = f"{_JSON}, application/vnd.pypi.simple.v1+html; q=0.2, text/html; q=0.1"
_LARGEST_PAGE = 256 << 20


def ignore(name: str, done: int, total: int) -> None:
    """A ``Watch`` that does nothing."""


class Web:
    """One session: connections are reused, and credentials are only sent to their own hosts."""

    def __init__(self, config: PipConfig, watch: Watch = ignore) -> None:
        import requests  # slow to import
        from requests.adapters import HTTPAdapter
        from urllib3.util import Retry

        self._config, self.watch, self._errors = config, watch, requests.RequestException
        self._session = requests.Session()
        weakref.finalize(self, self._session.close)
        retry = Retry(config.retries, backoff_factor=0.25, status_forcelist=(500, 502, 503, 520))
        adapter = HTTPAdapter(max_retries=retry)
        context = None if config.cert else _system_trust()
        if context is not None:
            adapter.init_poolmanager(10, 10, ssl_context=context)
        self._session.mount("https://", adapter)
        self._session.mount("http://", HTTPAdapter(max_retries=retry))
        if config.cert:
            self._session.verify = config.cert
        if config.client_cert:
            self._session.cert = config.client_cert
        if config.proxy:
            self._session.proxies = {"http": config.proxy, "https": config.proxy}
        self._credentials = {
            host: found
            for url in config.indexes + config.find_links
            if (found := _login(url))
            for host in [urlsplit(url).netloc.rpartition("@")[2]]
        }

    def page(self, url: str) -> tuple[str, bytes] | None:
        """The content type and the bytes of an index page; None if the page does not exist.

        Raises:
            TargetError: the server cannot be reached, or answers with an error.
        """
        with self._get(url, {"Accept": _ACCEPT}) as answer:
            if answer.status_code == 404:
                return None
            self._expect(answer, url, 200)
            data = b"".join(self._pieces(answer, url, _LARGEST_PAGE))
            return answer.headers.get("Content-Type", ""), data

    def part(self, url: str, first: int, last: int) -> tuple[bytes, int] | None:
        """Bytes ``first`` to ``last`` of a file, and its size; None without support for ranges.

        A negative ``first`` requests that many bytes at the end, whatever ``last`` is.

        Raises:
            OSError: the server cannot be reached, or answers with an error.
        """
        wanted = f"bytes={first}" if first < 0 else f"bytes={first}-{last}"
        headers = {"Range": wanted, "Accept-Encoding": "identity"}
        try:
            with self._get(url, headers) as answer:
                if answer.status_code != 206:
                    if answer.status_code >= 400 and answer.status_code != 416:
                        self._expect(answer, url, 206)
                    return None
                size = answer.headers.get("Content-Range", "").rpartition("/")[2]
                if not size.isdecimal():
                    return None
                length = -first if first < 0 else last - first + 1
                return b"".join(self._pieces(answer, url, length)), int(size)
        except TargetError as error:
            raise OSError(str(error)) from error

    @contextmanager
    def stream(self, url: str) -> Iterator[tuple[Iterator[bytes], int]]:
        """A whole file, piece by piece, and its size (0: unknown).

        Raises:
            TargetError: the server cannot be reached, answers with an error, or breaks off.
        """
        with self._get(url, {"Accept-Encoding": "identity"}) as answer:
            self._expect(answer, url, 200)
            size = answer.headers.get("Content-Length", "")
            yield self._pieces(answer, url, None), int(size) if size.isdecimal() else 0

    @contextmanager
    def _get(self, url: str, headers: dict[str, str]) -> Iterator[requests.Response]:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        arguments: dict[str, Any] = {}
        if parts.hostname in self._config.trusted_hosts or host in self._config.trusted_hosts:
            arguments["verify"] = False
        try:
            answer = self._session.get(
                bare(url),
                headers=headers,
                auth=_login(url) or self._credentials.get(host),
                timeout=self._config.timeout,
                stream=True,
                **arguments,
            )
        except self._errors as error:
            raise TargetError(f"cannot reach {host}: {_cause(error)}") from error
        with answer:
            yield answer

    def _expect(self, answer: requests.Response, url: str, status: int) -> None:
        code = answer.status_code
        if code in {401, 403}:
            raise TargetError(
                f"{bare(url)} refuses access ({code}): put the credentials for it into pip's "
                "configuration or a netrc file"
            )
        if code != status:
            raise TargetError(f"{bare(url)} answered {code} {answer.reason}")

    def _pieces(self, answer: requests.Response, url: str, limit: int | None) -> Iterator[bytes]:
        done = 0
        try:
            for piece in answer.iter_content(_PIECE):
                done += len(piece)
                if limit is not None and done > limit:
                    raise TargetError(f"{bare(url)} sent more than the {limit} bytes expected")
                yield piece
        except self._errors as error:
            raise TargetError(f"the download of {bare(url)} broke off: {_cause(error)}") from error


def bare(url: str) -> str:
    """A URL without credentials and fragment."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))


def _login(url: str) -> tuple[str, str] | None:
    parts = urlsplit(url)
    if parts.username is None:
        return None
    return unquote(parts.username), unquote(parts.password or "")


def _system_trust() -> Any:  # noqa: ANN401 - a truststore.SSLContext or None
    try:
        import ssl

        import truststore
    except ImportError:
        return None
    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _cause(error: BaseException) -> str:
    """The innermost reason, as a clause."""
    while (inner := getattr(error, "reason", None) or (error.args and error.args[0])) and (
        isinstance(inner, BaseException)
    ):
        error = inner
    text = str(error).rpartition("object at ")[2].partition(">: ")[2] or str(error)
    return text.splitlines()[0][:200] if text else type(error).__name__
