"""The contract of a reader for a binary format.

A reader is a module ``formats/<format>/library.py`` with the functions of ``LibraryReader``. The
table ``READERS`` in ``formats/__init__.py`` maps formats to readers, and ``model.binary.MAGICS``
maps first bytes to formats. Object files are read by ``formats/<format>/object.py``, with a
function ``read`` that returns a ``formats.object_file.ObjectFile``.

- Reads are bounded: ``formats.bounded.window`` checks every count and offset in a file against the
  size of the file before it is used, and nothing is read that a loader would not need.
- A reader only raises ``FormatError``; an ``OSError`` of the source passes through.
- A reader knows its format, but nothing about Python, torch or CUDA: the names to look for come
  from ``model.binary`` (``ENTRY_PREFIXES``) and ``model.device_code``.
- The formats share ``bounded`` (windows of a file), ``strings`` (string tables), ``references``
  and ``dwarf_inlines`` (the places where files refer to a symbol). In each format's folder,
  ``image`` finds the tables, ``symbols`` reads the symbol table, and ``library`` builds the
  ``Binary``. ``device_code`` there says where the file has code for GPUs, and is imported only
  for files that have some; the folder ``device_code`` reads it.
"""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.binary import Binary, NotALibrary, Readable


class LibraryReader(Protocol):
    """The functions of a module that reads libraries of one format."""

    def read(self, source: Readable) -> Binary | tuple[Binary, ...] | NotALibrary:
        """What a loader would learn from each image in a file.

        Raises:
            FormatError: the file is damaged, cut short or of an unknown kind.
        """

    def exports(self, source: Readable, binary: Binary) -> frozenset[bytes]:
        """The names that ``binary``, an image in ``source``, exports to other libraries.

        Raises:
            FormatError: the file is damaged.
        """

    def exported(
        self, source: Readable, wanted: frozenset[bytes], binary: Binary
    ) -> frozenset[bytes]:
        """The names in ``wanted`` that ``binary`` exports; faster than ``exports`` if possible.

        Raises:
            FormatError: the file is damaged.
        """

    def exported_with(
        self, source: Readable, parts: tuple[bytes, ...], binary: Binary
    ) -> frozenset[bytes]:
        """The names that ``binary`` exports and that contain one of ``parts``.

        Raises:
            FormatError: the file is damaged.
        """
