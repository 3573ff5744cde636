"""Texts about a symbol that is undefined, or whose version is missing."""

from __future__ import annotations

from torch_abi_audit.explain.kinds import loader_words
from torch_abi_audit.explain.kinds.kind import LINK, SYMBOL, VERSION, ErrorKind, Form

_MACOS_PLACES = (
    r"(?:.{0,600}?Referenced from:\s*(?:<[^>]{0,80}>\s*)?(?P<file>[^\n]{1,400}?))?"
    r"(?:\s+Expected in:\s*(?:<[^>]{0,80}>\s*)?(?P<library>[^\n]{1,400}?))?\s*(?:$|\n|'|\))"
)

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        LINK,
        forms=(
            Form(
                "windows",
                r"unresolved external symbol (?:\"[^\"\n]{0,4000}\" )?"
                r"\(?(?:__imp_)?(?P<symbol>[?\w@$]{1,4000})",
            ),
            Form(
                "windows",
                rf"{loader_words.any_of(loader_words.EXTERNAL)} (?:\"[^\"\n]{{0,4000}}\" ?)?"
                r"\(?(?:__imp_)?(?P<symbol>[?A-Za-z_@$][?\w@$]{1,4000})",
            ),
            Form(
                "macos",
                r"Undefined symbols(?: for architecture (?P<version>\w+))?:\s*"
                r"\"?(?P<symbol>[^\"\n]{1,4000}?)\"?, referenced from:",
            ),
            Form("macos", r"^\s*\"(?P<symbol>[^\"\n]{1,4000})\", referenced from:"),
            Form(
                None,
                r"(?:ld(?:\.lld|64\.lld)?|lld(?:-link)?|mold|wild)(?:\.exe)?: (?:error|fatal): "
                r"undefined (?:symbol|hidden symbol|protected symbol): "
                r"(?P<symbol>[^\n]{1,4000})",
            ),
            Form(
                None,
                r"(?:(?<![^\s:(])(?P<file>[^\s:()]{1,300}\.so[\d.]{0,20}): )?"
                r"undefined reference to (?:symbol )?[`'\u2018\"]?"
                r"(?P<symbol>[^'\u2019\"\n]{1,4000})",
            ),
            Form(
                "linux",
                rf"{loader_words.any_of(loader_words.REFERENCE_BEFORE)} ?[`'\u2018\"\u00ab\u00bb]"
                r"[ ]?(?P<symbol>[^'\u2019\"\u00ab\u00bb\n]{1,4000}?) ?['\u2019\"\u00ab\u00bb]",
            ),
            Form(
                "linux",
                r"[`'\u2018\"\u201c\u00ab](?P<symbol>[^`'\u2018\u2019\"\u201c\u00ab\u00bb\n]{1,4000}?)"
                rf"['\u2019\"\u00bb] ?{loader_words.any_of(loader_words.REFERENCE_AFTER)}",
            ),
            Form(
                "linux",
                r"(?:hidden symbol|internal symbol|protected symbol) [`'\u2018\"]"
                r"(?P<symbol>[^'\u2019\"\n]{1,4000})['\u2019\"] "
                r"(?:in [^\n]{1,400} )?(?:isn't|is not) defined",
            ),
        ),
        source="binutils ld/ldmain.c and bfd/elflink.c; llvm lld/ELF/Relocations.cpp; Apple ld64",
    ),
    ErrorKind(
        SYMBOL,
        forms=(
            Form(
                "windows",
                r"procedure entry point (?P<symbol>\S{1,4000}) could not be located in "
                r"the dynamic link library "
                r"(?P<library>[^\n]{1,400}?)\.?\s*$",
            ),
            Form(
                "macos",
                r"Symbols? not found:\s*['(]{0,2}(?P<symbol>[^\s'()]{1,4000})" + _MACOS_PLACES,
            ),
            Form(
                "macos",
                r"(?:dlopen\((?P<file>[^,\n]{1,400}),.{0,600}?)?"
                r"symbol not found in flat namespace '?\(?'?(?P<symbol>[^\s')]{1,4000})",
            ),
            Form(
                "linux",
                r"(?:(?P<file>[^\s:'\"]{1,400}): )?symbol (?P<symbol>[\w?@$.]{1,4000}),? "
                r"version (?P<version>[\w.]{1,400}) not defined in file "
                r"(?P<library>[^\s]{1,400}) with link time reference",
            ),
            Form(
                "linux",
                r"undefined symbol: ?(?P<symbol>[\w?@$.]{1,4000})[ \t]+"
                r"\((?P<file>[^)\n]{1,400})\)",
            ),
            Form(
                "linux",
                r"(?:(?P<file>[^\s:'\"]{1,400}): ?)?undefined symbol: ?"
                r"(?P<symbol>[\w?@$.]{1,4000})"
                r"(?:,? version (?P<version>[\w.]{1,400}))?",
            ),
            Form(
                "linux",
                r"Error relocating (?P<file>[^\s:]{1,400}): "
                r"(?P<symbol>[\w?@$.]{1,4000}): symbol not found",
            ),
        ),
        source="glibc elf/dl-lookup.c; musl ldso/dynlink.c; dyld; Windows' loader; ldd -r",
    ),
    ErrorKind(
        VERSION,
        forms=(
            Form(
                "linux",
                r"(?:(?P<library>[^\s:'\"]{1,400}): )?version "
                r"[`'\u2018\"]?(?P<version>(?:GLIBC|GLIBCXX|CXXABI|GCC|GOMP|OMP|GFORTRAN)_"
                r"[\w.]{1,400}|(?<=[`'\u2018])[A-Za-z][\w.+-]{1,400})['\u2019\"]? not found"
                r"(?: \(required by (?P<file>[^)\n]{1,400})\))?",
            ),
        ),
        source="glibc elf/dl-version.c",
    ),
)
