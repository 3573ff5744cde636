"""What the reader of a binary format owes.

A reader is a module ``formats/<format>/library.py`` with the functions of ``LibraryReader``; the
table ``READERS`` of ``formats/__init__.py`` says which reads what, and ``model.binary.MAGICS`` by
which first bytes a file is known. Object files have ``formats/<format>/object.py``, with a function
``read`` that gives a ``formats.object_file.ObjectFile``.

- Reads are bounded: every count and offset that a file states is checked against the file by
  ``formats.bounded.window`` before it is used, and nothing is read that a loader would not need.
- The one error of a reader is ``FormatError``; an ``OSError`` of the source passes through.
- A reader knows its format and nothing of Python, torch or CUDA: the names that are looked for come
  from ``model.binary`` (``ENTRY_PREFIXES``, ``DEVICE_SECTIONS``).
- What is shared: ``bounded`` (windows of a file), ``strings`` (string tables), ``references`` and
  ``dwarf_lines`` (where object files refer to a symbol). In each format's folder ``image`` finds
  the tables, ``symbols`` reads the symbol table, ``library`` makes the ``Binary`` of them.
"""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.model.binary import Binary, NotALibrary, Readable


class LibraryReader(Protocol):
    """The functions of a module that reads libraries of one format."""

    def read(self, source: Readable) -> Binary | tuple[Binary, ...] | NotALibrary:
        """What a loader would learn from each image of a file.

        Raises:
            FormatError: the file is damaged, cut short or of an unknown kind.
        """

    def exports(self, source: Readable, binary: Binary) -> frozenset[bytes]:
        """The names that ``binary``, an image of ``source``, offers to other libraries.

        Raises:
            FormatError: the file is damaged.
        """

    def exported(
        self, source: Readable, wanted: frozenset[bytes], binary: Binary
    ) -> frozenset[bytes]:
        """Those of ``wanted`` that are among ``exports``, at less cost where that is possible.

        Raises:
            FormatError: the file is damaged.
        """
