r"""The kinds of error texts that ``explain`` recognises, as one table of patterns and answers.

To add a kind, add a row to the module of its family. Rows are tried in the order of ``KINDS``, and
of two patterns that match the same text the first decides, so a pattern that also matches the texts
of other kinds comes after theirs: those for any symbol and any library come last. The patterns
cover the messages of glibc, musl, dyld, Windows (as CPython reports them), compilers and linkers,
CPython, CUDA, torch and packages built on it, and the tools that repair wheels. Their named groups
are ``symbol``, ``library`` (the library that is missing or should provide the symbol), ``file``
(the file that needs it), ``version``, and ``a`` and ``b`` for two releases. Every repetition in a
pattern is bounded, so that hostile texts cannot make matching slow.

``known_symbols`` and ``known_libraries`` hold what is known of names that no table of exports has.
"""

from __future__ import annotations

from torch_abi_audit.explain.kinds import (
    build,
    cuda,
    files,
    gpus,
    headers,
    libraries,
    link,
    loader,
    macos,
    opened_later,
    package_parts,
    packages,
    python,
    refused_gpus,
    registration,
    repair,
    runtimes,
    symbols,
    torch,
    windows,
    windows_missing,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.kinds.kind import ErrorKind

KINDS: tuple[ErrorKind, ...] = (
    *loader.ROWS,
    *macos.ROWS,
    *files.ROWS,
    *repair.ROWS,
    *windows.ROWS,
    *windows_missing.ROWS,
    *runtimes.ROWS,
    *python.ROWS,
    *packages.ROWS,
    *package_parts.ROWS,
    *opened_later.ROWS,
    *refused_gpus.ROWS,
    *gpus.ROWS,
    *cuda.ROWS,
    *torch.ROWS,
    *registration.ROWS,
    *headers.ROWS,
    *link.ROWS,
    *build.ROWS,
    *symbols.ROWS,
    *libraries.ROWS,
)
