"""Keys that survive a rebuild, for baselines, pairing and SARIF fingerprints.

A key leaves out everything that a build changes without a change of the source: the SOABI and abi3
tags, the platform's suffix, the hashes that wheel repair puts into a file name, the commit that a
kernel builder puts there, a version after ``.so`` or at the end of the name, the ``.data``
directory of a wheel, and how a C++ library spells ``std::string``. It keeps the directory, the stem
and the ``lib`` prefix. Libraries of one package that would have one key by that keep their file
names.
"""

from __future__ import annotations

import re
from collections import Counter

from torch_abi_audit.knowledge.names.distribution import canonical
from torch_abi_audit.knowledge.names.library_file import split_version
from torch_abi_audit.knowledge.names.python import without_tag
from torch_abi_audit.knowledge.names.repair_mark import without_marks
from torch_abi_audit.model.paths import relative_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from torch_abi_audit.model.outcome import Key
    from torch_abi_audit.model.reports import PackageReport

_COMMIT_DIGITS = frozenset("0123456789abcdef")
_ENDING_VERSION = re.compile(r"(?<=.)(?:[-_][rv]?\d+(?:\.\d+)+(?:\.dev)?|-\d+(?:_\d+)+)$")
"""``-9.7.2``, ``_2.1.0``, ``-r0.3.23.dev`` and ``-1_84`` at the end of a name; not ``_2_0``."""
_ENDING_NUMBER = re.compile(r"(?<=.)[-_]\d+(?:_\d+)*$")
_ENDING_SOVERSION = re.compile(r"(?<=.)-\d+$")
"""The ``-61`` of ``avcodec-61.dll``."""
_STAR = "-*"
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
    return _installed(report, f"{folder}{slash}{library_stem(name)}")


def library_keys(report: PackageReport, shared: Collection[str] = ()) -> Mapping[str, str]:
    """The key of each library of a package by its relative path; no two are equal.

    A key is that of ``library_key`` where only one library has it. Of several, each keeps its file
    name without hashes; where these are equal, too, with ``-*`` for each hash, or with the hashes.

    Args:
        report: The package.
        shared: Keys of ``library_key`` that several libraries of another package have.
    """
    paths = [relative_path(one, report) for one in report.libraries]
    keys = {path: library_key(report, path) for path in paths}
    for form in (lambda name: without_marks(name)[0], _starred, str):
        times = Counter(keys.values())
        for path, key in keys.items():
            if times[key] > 1 or key in shared:
                folder, slash, name = path.rpartition("/")
                keys[path] = _installed(report, f"{folder}{slash}{form(name)}")
    return keys


def shared_keys(report: PackageReport) -> Collection[str]:
    """The keys of ``library_key`` that several libraries of a package have."""
    times = Counter(library_key(report, relative_path(one, report)) for one in report.libraries)
    return {key for key, count in times.items() if count > 1}


def plain_keys(key: str) -> frozenset[str]:
    """What ``library_key`` may be for the library of a key of this or of an earlier program.

    Those of earlier programs have no suffix, and may have a hash, a version or a ``.data``
    directory.
    """
    folder, slash, name = _without_data(key).replace(_STAR, "").rpartition("/")
    stems = {library_stem(name + suffix) for suffix in ("", ".so.0", ".0.dylib")}
    return frozenset(f"{folder}{slash}{stem}" for stem in stems)


def library_stem(name: str) -> str:
    """A file name without tags, suffix, versions and hashes.

    ``_C`` for ``_C.cpython-311-darwin.so``, ``libjpeg`` for ``libjpeg-944920e9.so.8.3.2``.
    """
    whole, _ = without_marks(name)
    stem, version = split_version(whole)
    lower = whole.lower()
    if version and lower.endswith(".dylib"):  # libx_1.2.dylib: the version is 1.2, not 2
        stem = _ENDING_NUMBER.sub("", stem)
    elif lower.endswith(".dll"):
        stem = _ENDING_SOVERSION.sub("", stem)
    stem = _ENDING_VERSION.sub("", without_tag(stem))
    return _without_commit(stem) or name


def _installed(report: PackageReport, below: str) -> str:
    """A path below the root, from the parent directory of the import package."""
    root = report.root.name
    return f"{root}/{below}" if root in report.import_names else _without_data(below)


def _without_data(path: str) -> str:
    """A path in a wheel without ``NAME-VERSION.data``, and without the scheme of modules in it."""
    top, _, rest = path.partition("/")
    if not (rest and top.endswith(".data") and "-" in top):
        return path
    scheme, _, inner = rest.partition("/")
    return inner if scheme in {"purelib", "platlib"} else rest


def _starred(name: str) -> str:
    """A file name with ``-*`` for each hash: ``libgcc_s-*-*.so.1`` for a library repaired twice."""
    plain, marks = without_marks(name)
    stem, dot, rest = plain.partition(".")
    return f"{stem}{_STAR * len(marks)}{dot}{rest}"


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
