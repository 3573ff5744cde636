"""Checks of a replacement with torch's headers: it is declared, compiles, and needs which shims."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torch_abi_audit import formats
from torch_abi_audit.knowledge import torch_shims
from torch_abi_audit.knowledge.torch_shims import STABLE_ABI_BEGINS
from torch_abi_audit.model.binary import NotALibrary
from torch_abi_audit.model.releases import release_key
from torch_abi_audit.sources.files.readable import open_readable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tools.replacement_source import Row

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_OPERATOR = re.compile(
    r"struct TORCH_API (\w+) \{.*?"
    r'(?:name = |name, )"aten::(\w+)".*?overload_name(?: = |, )"(\w*)"',
    re.DOTALL,
)
_DECLARED = re.compile(
    r"^\s*(?:template\s*<[^;{]*>\s*)?(?:struct|class|enum class|enum|union)\s+"
    r"(?:alignas\(\w+\)\s*|C10_\w+\s+|TORCH_\w+\s+)*(\w+)\s*(?:final\s*)?[:{<]",
    re.MULTILINE,
)


class CheckError(Exception):
    """The headers contradict a row; the text names the row and the contradiction."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The verified facts about one replacement."""

    since: str
    """The first release whose headers declare the replacement and compile its example."""
    floor: str
    """The oldest release on which a library with the replacement runs."""
    shims: tuple[str, ...]
    """The C shims that the example imports for the oldest releases and the newest, sorted."""


class Compiler:
    """The host's g++ with the headers of each release; ``cache`` keeps the results."""

    def __init__(self, headers: Mapping[str, Path], cache: Path) -> None:
        self._headers, self._cache = headers, cache
        cache.mkdir(parents=True, exist_ok=True)

    def imports(self, text: str, release: str) -> frozenset[str] | None:
        """Undefined symbols of ``text`` compiled to a library; None if it does not compile."""
        key = hashlib.sha256(f"{release}\n{text}".encode()).hexdigest()[:24]
        kept = self._cache / f"{key}.json"
        if not kept.exists():
            kept.write_text(json.dumps(self._compile(text, release)), encoding="utf-8")
        names = json.loads(kept.read_text(encoding="utf-8"))
        return None if names is None else frozenset(names)

    def _compile(self, text: str, release: str) -> list[str] | None:
        include = self._headers[release]
        with tempfile.TemporaryDirectory(prefix="torch-replacement-") as scratch:
            out = Path(scratch) / "example.so"
            command = ["g++", "-std=c++20", "-O0", "-w", "-fPIC", "-shared", "-x", "c++", "-"]
            command += ["-o", str(out), "-I", str(include)]
            command += ["-I", str(include / "torch" / "csrc" / "api" / "include")]
            if subprocess.run(
                command, input=text, text=True, capture_output=True, check=False
            ).returncode:
                return None
            with open_readable(out) as source:
                images = formats.read(source)
                if isinstance(images, NotALibrary):
                    raise CheckError(f"g++ did not write a library: {images.kind}")
                return sorted(name.decode() for name in images[0].imports)


def prove(row: Row, headers: Mapping[str, Path], compiler: Compiler) -> Proof:
    """Verify a row's replacement with the headers of every release.

    Raises:
        CheckError: no release declares the replacement, or its example does not compile.
    """
    if row.header is None:
        raise ValueError(f"{row.name} has no header")
    declaring = [
        release
        for release, include in headers.items()
        if declares((include / row.header), row.declares)
    ]
    if not declaring:
        raise CheckError(f"{row.name}: no release declares {row.declares} in {row.header}")
    since = next(
        (one for one in declaring if compiler.imports(row.text(one), one) is not None), None
    )
    if since is None:
        raise CheckError(f"{row.name}: the example does not compile with any release's headers")
    newest = max(headers, key=release_key)
    built = {target: compiler.imports(row.text(target), newest) for target in (*headers,)[:2]}
    for target in (*headers,)[2:]:
        if target == newest or not any(imports is not None for imports in built.values()):
            built[target] = compiler.imports(row.text(target), newest)
    shims = {
        target: {name for name in imports if name.encode() in torch_shims.shims()}
        for target, imports in built.items()
        if imports is not None
    }
    if not shims:
        raise CheckError(f"{row.name}: the example does not compile with torch {newest}")
    oldest = min(shims, key=release_key)
    firsts = [torch_shims.shims()[name.encode()].first_release for name in shims[oldest]]
    floor = max([STABLE_ABI_BEGINS, oldest, *firsts], key=release_key)
    return Proof(since, floor, tuple(sorted(set().union(*shims.values()))))


def declares(header: Path, identifier: str) -> bool:
    """Whether a header contains ``identifier`` outside of comments."""
    try:
        text = _COMMENT.sub("", header.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return False
    return re.search(rf"\b{re.escape(identifier)}\b", text) is not None


def operators(include: Path) -> set[str]:
    """Every operator of ATen that a release's headers call, as ``name.overload``.

    Raises:
        CheckError: a caller is not named ``name_overload``, as this program assumes.
    """
    found = set()
    for header in sorted((include / "ATen" / "ops").glob("*_ops.h")):
        for struct, name, overload in _OPERATOR.findall(header.read_text(encoding="utf-8")):
            if struct != (f"{name}_{overload}" if overload else name):
                raise CheckError(f"{header.name}: {struct} calls {name}.{overload}")
            found.add(f"{name}.{overload}" if overload else name)
    if not found:
        raise CheckError(f"there is no operator in {include / 'ATen' / 'ops'}")
    return found


def header_only(includes: Iterable[Path]) -> list[str]:
    """Types that ``torch/headeronly`` declares, in any namespace."""
    found: set[str] = set()
    for include in includes:
        for header in (include / "torch" / "headeronly").rglob("*.h"):
            found.update(_DECLARED.findall(_COMMENT.sub("", header.read_text(encoding="utf-8"))))
    return sorted(found)
