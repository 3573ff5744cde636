"""What the spelling of a TARGET or of a file name says, and the first bytes of a library.

A name never decides that a file is a library: it saves opening files that cannot be one, and makes
an empty or damaged ``.so`` an error to report.
"""

from __future__ import annotations

import os

from torch_abi_audit.knowledge.names.library_file import named_as_library
from torch_abi_audit.model.binary import MAGICS
from torch_abi_audit.model.device_code import DEVICE_MAGICS, PTX_SUFFIX

INDEX_PREFIX = "pypi:"
"""Prefix of a TARGET on a package index, and of the path of its wheel."""

_TARS = ".tar .tar.gz .tgz .tar.bz2 .tbz2 .tar.xz .txz .tar.zst"
ARCHIVE_SUFFIXES = (".conda", *_TARS.split())
"""Suffixes of tar files and conda packages, which are read from start to end, unlike wheels."""

_MAGICS = tuple(MAGICS)
_CODE = tuple(DEVICE_MAGICS)

_PYTHON = "py pyi pyc pyo pyw pyx pxd pxi pth ipynb typed"
_SOURCES = (
    "c cc cpp cxx cu cuh cl h hh hpp hxx inc inl ipp tcc f f90 f95 for go rs java kt scala swift "
    "js jsx ts tsx mjs cjs map css scss less html htm xhtml xml xsl xsd svg vue lua rb pl sh bash "
    "bat cmd ps1 cmake mk in am ac m4 pc proto fbs thrift td mlir metal glsl vert frag zig s asm "
    "def"
)
_TEXT = (
    "txt md rst tex csv tsv json jsonl json5 toml yaml yml ini cfg conf lock log diff patch po mo "
    "pot j2 jinja jinja2 tmpl template mako license"
)
_MEDIA = (
    "png jpg jpeg gif bmp ico tif tiff webp pdf eps ps wav mp3 mp4 ogg flac avi ttf otf woff "
    "woff2 eot afm pfb"
)
_DATA = (
    "npy npz pkl pickle pt pth onnx safetensors h5 hdf5 parquet arrow feather sqlite db mat fits "
    "gz bz2 xz zst zip tar tgz whl jar class"
)

OTHER_FORMATS = frozenset(" ".join((_PYTHON, _SOURCES, _TEXT, _MEDIA, _DATA)).split())
"""Suffixes, in lower case, of well-known formats that are not libraries."""

OTHER_ENDINGS = frozenset(f".{suffix}" for suffix in OTHER_FORMATS)
"""The same suffixes with a dot: slicing a name is faster than splitting it."""


def worth_opening(filename: str) -> bool:
    """Whether a file with this name can be a library."""
    _, dot, suffix = filename.rpartition(".")
    return not dot or (suffix not in OTHER_FORMATS and suffix.lower() not in OTHER_FORMATS)


def begins_like_library(head: bytes) -> bool:
    """Whether these are the first bytes of an ELF, Mach-O or PE file."""
    return head.startswith(_MAGICS)


def is_candidate(filename: str, head: bytes) -> bool:
    """Whether a file is examined: it begins like a library or device code, or is named like one.

    Of device code, only PTX is text and has no beginning of its own.
    """
    return head.startswith(_MAGICS + _CODE) or (
        named_as_library(filename) or filename.lower().endswith(PTX_SUFFIX)
    )


def has_separator(target: str) -> bool:
    """Whether a TARGET can only be a path."""
    return os.sep in target or "/" in target


def written_as_path(target: str) -> bool:
    """Whether a TARGET is tried as a path before it is tried as a name."""
    return (
        has_separator(target)
        or target in {os.curdir, os.pardir}
        or target.lower().endswith((".whl", *ARCHIVE_SUFFIXES))
        or named_as_library(target)
    )


def leads_out(member: str) -> bool:
    """Whether a member's name points outside its archive: absolute or with ``..``, on any system.

    Names with a NUL count as well.
    """
    parts = member.replace("\\", "/").split("/")
    return not parts[0] or parts[0].endswith(":") or ".." in parts or "\0" in member
