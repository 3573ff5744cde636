#!/usr/bin/env python3
"""Generate ``data/bundled-PLATFORM.idx``: names of other projects that torch's libraries export.

On Linux, torch's libraries export functions of the static libraries that they contain (MKL, libuv,
miniz, gloo, FBGEMM …). The export index leaves them out: nothing should import them from torch.
``explain`` needs them, to say whose they are and that torch has them. The other platforms' index
has every name.

    generate_bundled_exports.py                       read every release, write the files
    generate_bundled_exports.py --check               read every release, exit 1 if a file differs
    generate_bundled_exports.py --release 2.16.0      add one release to the committed files

Wheels are read as by ``generate_export_index.py``, with the same ``--cache``.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # a script run by its path cannot import tools otherwise

from tools.export_contents import indexed, is_kept  # noqa: E402
from tools.generate_export_index import CACHE, OLDEST, read, update  # noqa: E402
from tools.torch_wheels import PLATFORMS, Wheel  # noqa: E402
from tools.wheels import WheelError, final_releases  # noqa: E402
from torch_abi_audit.knowledge.bundled_exports import path_of  # noqa: E402
from torch_abi_audit.knowledge.export_file import IndexFileError  # noqa: E402
from torch_abi_audit.knowledge.names.torch import is_libtorch  # noqa: E402
from torch_abi_audit.knowledge.torch_namespaces import NAMESPACES  # noqa: E402
from torch_abi_audit.mangling import owner  # noqa: E402

if TYPE_CHECKING:
    from tools.export_contents import Contents

_NOT_A_PROJECT = NAMESPACES | {
    *(b"std", b"__gnu_cxx", b"__gnu_debug", b"__cxxabiv1", b"torch", b"thrust", b"cub", b"cuda"),
    *(b"cutlass", b"nvtx3", b"cooperative_groups", b"cute", b"__nv_hdl_wrapper_t"),
    b"__nv_hdl_helper",
}
"""Namespaces of torch, and of templates that every library has for itself."""
_LINKER = frozenset(
    b"_init _fini _edata _end __bss_start __bss_start__ _bss_end__ __bss_end__ __end__".split()
)


def is_bundled(name: bytes, library: str) -> bool:
    """Whether a name that one of torch's libraries exports is another project's."""
    if not library.endswith(".so") or is_kept(name, library):
        return False
    if not name.startswith(b"_Z"):
        return name.replace(b"_", b"").isalnum() and name not in _LINKER
    declared = owner(name)
    return len(declared) > 1 and declared[0] not in _NOT_A_PROJECT and declared[0].isalnum()


def contents(wheels: list[Wheel]) -> Contents:
    """The names of wheels for one platform, which are given oldest first."""
    exports: dict[bytes, dict[str, int]] = {}
    for position, wheel in enumerate(wheels):
        for library, names in wheel.exports.items():
            for name in map(str.encode, names) if is_libtorch(library) else ():
                if is_bundled(name, library):
                    by_library = exports.setdefault(name, {})
                    by_library[library] = by_library.get(library, 0) | 1 << position
    return [replace(indexed(one, {}), cxx11_abi=None, needed=None) for one in wheels], exports


def main(arguments: list[str] | None = None) -> int:
    """Run the program; returns 0 if done or equal, 1 if a file differs, 2 for an error."""
    linux = [one for one in PLATFORMS if one.startswith("linux")]
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--release", metavar="X", help="read only this release, and merge it")
    parser.add_argument("--platform", choices=linux, help="only this platform")
    parser.add_argument("--cache", type=Path, metavar="DIR", default=CACHE)
    options = parser.parse_args(arguments)
    try:
        versions = [options.release] if options.release else final_releases("torch", OLDEST)
        chosen = [options.platform] if options.platform else linux
        changed = []
        for platform in chosen:
            fresh = contents([read(version, platform, options.cache) for version in versions])
            if update(platform, path_of(platform), fresh, options):
                changed.append(platform)
    except (WheelError, IndexFileError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 1 if options.check and changed else 0


if __name__ == "__main__":
    sys.exit(main())
