"""Fake installs for tests: files with a library's first bytes, metadata directories, wheels."""

from __future__ import annotations

import base64
import hashlib
import json
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from torch_abi_audit.sources.found import Candidate, Found, Inventory

ELF = b"\x7fELF" + bytes(60)


def write(path: Path, data: bytes | str = ELF) -> Path:
    """Write a file and its directories; by default with the first bytes of an ELF library."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def install(
    site: Path,
    name: str,
    files: Mapping[str, bytes | str] | Sequence[str],
    *,
    version: str = "1.0",
    recorded: Sequence[str] = (),
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Install a distribution in ``site``: its files, and a RECORD of them and of ``recorded``."""
    contents = files if isinstance(files, dict) else dict.fromkeys(files, ELF)
    for relative, data in contents.items():
        write(site / relative, data)
    info = site / f"{name.replace('-', '_')}-{version}.dist-info"
    write(info / "METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nWords.\n")
    write(info / "WHEEL", "Wheel-Version: 1.0\nTag: cp311-cp311-linux_x86_64\n")
    for relative, text in (metadata or {}).items():
        write(info / relative, text)
    paths = [*contents, *recorded, f"{info.name}/METADATA", f"{info.name}/RECORD"]
    write(info / "RECORD", "".join(f"{quoted(path)},sha256=x,1\n" for path in paths))
    return info


def quoted(path: str) -> str:
    return f'"{path}"' if "," in path else path


def editable(site: Path, name: str, project: Path, files: Mapping[str, bytes | str]) -> Path:
    """Install a project as editable: ``direct_url.json`` and the files of the build backend."""
    url = {"url": project.as_uri(), "dir_info": {"editable": True}}
    return install(site, name, files, metadata={"direct_url.json": json.dumps(url)})


def wheel(
    directory: Path,
    members: Mapping[str, bytes],
    *,
    name: str = "demo-1.0-cp311-abi3-linux_x86_64",
    requires: str = "torch",
) -> Path:
    """Write a wheel with deflated members, and with METADATA, WHEEL and RECORD."""
    path = directory / f"{name}.whl"
    distribution, version = name.split("-")[:2]
    info = f"{distribution}-{version}.dist-info"
    texts = {
        f"{info}/METADATA": (
            f"Name: {distribution}\nVersion: {version}\nRequires-Dist: {requires}\n\n"
        ),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{member},sha256={base64.b64encode(hashlib.sha256(data).digest()).decode()},{len(data)}\n"
        for member, data in members.items()
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, data in members.items():
            archive.writestr(member, data)
        for member, text in {**texts, f"{info}/RECORD": record}.items():
            archive.writestr(member, text)
    return path


def relatives(found: Found) -> list[str]:
    return [each.relative for each in found.candidates]


def sibling_relatives(found: Found) -> list[str]:
    return [each.relative for each in found.siblings]


def by_name(inventory: Inventory) -> dict[str, Found]:
    return {each.name: each for each in inventory.packages}


def contents(candidate: Candidate) -> bytes:
    with candidate.open() as source:
        return source.read_at(0, source.size)
