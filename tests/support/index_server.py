"""A package index on localhost that serves files: intact, slow, broken or password-protected."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Index:
    """How the server behaves, and which requests it got."""

    files: dict[str, dict[str, Path]] = field(default_factory=dict)
    """Project to file name to file."""
    html: bool = False
    ranges: bool = True
    delay: float = 0.0
    cut: bool = False
    """Whether to break off in the middle of every file."""
    lie: bool = False
    """Whether to state a wrong hash."""
    login: tuple[str, str] | None = None
    yanked: frozenset[str] = frozenset()
    uploaded: dict[str, str] = field(default_factory=dict)
    """The beginning of file names to the time of their upload; none is stated for others."""
    failures: int = 0
    """Number of requests to answer with 503 first."""
    url: str = ""
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    """Path and range of every request."""
    sent: int = 0

    def add(self, project: str, path: Path) -> None:
        self.files.setdefault(project, {})[path.name] = path

    @property
    def ranged(self) -> list[str]:
        return [wanted for _, wanted in self.requests if wanted is not None]


@contextmanager
def serving(index: Index) -> Iterator[Index]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            index.requests.append((self.path, wanted))
            time.sleep(index.delay)
            if index.failures:
                index.failures -= 1
                return self.answer(503, b"")
            if index.login is not None:
                given = base64.b64encode(":".join(index.login).encode()).decode()
                if self.headers.get("Authorization") != f"Basic {given}":
                    return self.answer(401, b"")
            kind, _, rest = self.path.strip("/").partition("/")
            if kind == "simple" and rest in index.files:
                return self.page(rest)
            for found in index.files.values():
                if kind == "files" and rest in found:
                    return self.file(found[rest].read_bytes(), wanted)
            return self.answer(404, b"nothing here")

        def page(self, project: str) -> None:
            rows = []
            for name, path in index.files[project].items():
                digest = hashlib.sha256(b"" if index.lie else path.read_bytes()).hexdigest()
                rows.append((name, f"../../files/{name}", digest))
            if index.html:
                links = "".join(
                    f'<a href="{url}#sha256={digest}" {self.mark(name)}>{name}</a>'
                    for name, url, digest in rows
                )
                return self.answer(200, f"<html>{links}</html>".encode(), "text/html")
            files = [
                {
                    "filename": name,
                    "url": url,
                    "hashes": {"sha256": digest},
                    "yanked": name in index.yanked,
                    **self.uploaded(name),
                }
                for name, url, digest in rows
            ]
            return self.answer(
                200, json.dumps({"files": files}).encode(), "application/vnd.pypi.simple.v1+json"
            )

        def uploaded(self, name: str) -> dict[str, str]:
            times = [time for start, time in index.uploaded.items() if name.startswith(start)]
            return {"upload-time": times[0]} if times else {}

        def mark(self, name: str) -> str:
            return 'data-yanked="broken"' if name in index.yanked else ""

        def file(self, data: bytes, wanted: str | None) -> None:
            if not index.ranges or wanted is None:
                return self.answer(200, data)
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start = len(data) - min(int(last), len(data)) if not first else int(first)
            end = len(data) - 1 if not first or not last else min(int(last), len(data) - 1)
            span = f"bytes {start}-{end}/{len(data)}"
            return self.answer(206, data[start : end + 1], span=span)

        def answer(
            self, code: int, data: bytes, kind: str = "application/octet-stream", span: str = ""
        ) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            if span:
                self.send_header("Content-Range", span)
            self.end_headers()
            if index.cut and self.path.startswith("/files/"):
                data = data[: len(data) // 2]
                self.close_connection = True
            index.sent += len(data)
            self.wfile.write(data)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        index.url = f"http://127.0.0.1:{server.server_port}/simple"
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()
