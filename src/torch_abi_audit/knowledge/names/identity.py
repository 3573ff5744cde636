"""Keys that survive a rebuild, for baselines, pairing and SARIF fingerprints.

A key leaves out everything that a build changes without a change of the source: the SOABI and abi3
tags, the platform's suffix, the hash that wheel repair puts into a file name, the commit that a
kernel builder puts there, a version after ``.so``, and how a C++ library spells ``std::string``. It
keeps the directory, the stem and the ``lib`` prefix.
"""

from __future__ import annotations

import re

from torch_abi_audit.knowledge.names.distribution import canonical
from torch_abi_audit.knowledge.names.library_file import split_version
from torch_abi_audit.knowledge.names.python import without_tag
from torch_abi_audit.knowledge.names.repair_mark import without_mark

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.outcome import Key
    from torch_abi_audit.model.reports import PackageReport

_COMMIT_DIGITS = frozenset("0123456789abcdef")
_SPACE = re.compile(r"\s+(?=[>*&,)])|(?<=[<(,])\s+")
_SPELLINGS = (
    ("std::__cxx11::", "std::"),
    ("std::__1::", "std::"),
    ("[abi:cxx11]", ""),
    ("unsigned long long", "unsigned long"),
    ("long long", "long"),
)


def package_key(report: PackageReport) -> str:
    """The distribution's canonical name; without one, the TARGET's last part without a suffix."""
    if report.distribution is not None:
        return canonical(report.distribution)
    return library_stem(report.name.replace("\\", "/").rstrip("/").rpartition("/")[2])


def library_key(report: PackageReport, relative: str | None) -> str:
    """The key of a library: its path from the import package's parent directory; '' for None."""
    if relative is None:
        return ""
    folder, slash, name = relative.rpartition("/")
    below = f"{folder}{slash}{library_stem(name)}"
    root = report.root.name
    return f"{root}/{below}" if root in report.import_names else below


def library_stem(name: str) -> str:
    """A file name without tags, suffix and hashes: ``_C`` for ``_C.cpython-311-darwin.so``."""
    stem = without_tag(split_version(without_mark(name)[0])[0])
    return _without_commit(stem) or name


def symbol_key(symbol: str) -> str:
    """A demangled symbol without the spellings in which C++ libraries differ."""
    for spelling, plain in _SPELLINGS:
        symbol = symbol.replace(spelling, plain)
    return _SPACE.sub("", symbol)


def _without_commit(stem: str) -> str:
    """``_activation`` for ``_activation_beeaae6``: a hash has 7 to 40 hex digits, one of them 0-9.

    Kernel builders write such names, and add ``_dirty`` for a changed working tree.
    """
    head, low, commit = stem.removesuffix("_dirty").rpartition("_")
    is_commit = _COMMIT_DIGITS.issuperset(commit) and 7 <= len(commit) <= 40
    return head if low and is_commit and not commit.isalpha() else stem


def digest(key: Key) -> str:
    """The fingerprint of one rule in one library: 32 hexadecimal digits."""
    from hashlib import sha256  # only some output formats contain fingerprints

    text = f"1\0{key.rule}\0{key.package}\0{key.library}"
    # file names need not be UTF-8: other bytes are surrogates here
    return sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
