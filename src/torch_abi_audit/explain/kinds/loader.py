"""Texts of the loaders of Linux about a file that they found and do not load."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import LIBRARY, ErrorKind, Form, Rank
from torch_abi_audit.explain.kinds.patterns import ELF_NAME, FILE

_OF_TORCH = r"(?:libc10|libtorch|libshm|libcaffe2|libATen)"
_SUBJECT = ("{file}", "the file")

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "static TLS",
        forms=(
            Form("linux", FILE + r"cannot allocate memory in static TLS block"),
            Form("linux", FILE + r"cannot load any more object with static TLS"),
        ),
        subject=_SUBJECT,
        is_a=("a library whose thread-local variables need room that is set aside at the start",),
        causes=(Cause.STATIC_TLS,),
        why=(
            "what was loaded before has used that room up, so the order of imports decides",
            "OpenMP runtimes (libgomp) and libraries built with -ftls-model=initial-exec need it",
        ),
        advice=(
            "import the package that {file} belongs to first, before what uses up the room",
            "or start Python with LD_PRELOAD={file}",
            "or set GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384 (glibc 2.32 and later)",
        ),
        source="glibc elf/dl-reloc.c",
    ),
    ErrorKind(
        "executable stack",
        forms=(Form("linux", FILE + r"cannot enable executable stack as shared object requires"),),
        subject=_SUBJECT,
        is_a=("a library whose header (PT_GNU_STACK) asks for an executable stack",),
        causes=(Cause.EXECUTABLE_STACK,),
        why=(
            "glibc 2.41 and later, SELinux and hardened kernels refuse it once the process runs",
            "mostly nothing needs it: one object of the link did not say that it does not",
        ),
        advice=(
            "install a newer release of the package, or link it with -Wl,-z,noexecstack",
            "or clear the flag: patchelf --clear-execstack {file}",
            "or start Python with GLIBC_TUNABLES=glibc.rtld.execstack=2 (glibc 2.41 and later)",
        ),
        source="glibc elf/dl-execstack.c, elf/dl-load.c",
    ),
    ErrorKind(
        "broken version table",
        forms=(
            Form(
                "linux",
                r"Inconsistency detected by ld\.so: dl-version\.c: \d{1,6}: "
                r"_dl_check_map_versions: Assertion",
            ),
            Form("linux", FILE + r"unsupported version \d{1,9} of Verneed record"),
        ),
        subject=_SUBJECT,
        is_a=("a library whose table of symbol versions names a library that it does not need",),
        causes=(Cause.DAMAGED,),
        why=("old releases of patchelf broke the table when they renamed or removed a dependency",),
        advice=(
            "repair the wheel again with a newer patchelf and auditwheel",
            "or install another release of the package",
        ),
        unknown=("which library it is: LD_DEBUG=files shows the last one that was opened",),
        source="glibc elf/dl-version.c, pypa/auditwheel#103",
    ),
    ErrorKind(
        "ld.so assertion",
        forms=(Form("linux", r"Inconsistency detected by ld\.so: (?P<version>[^\n]{1,300})"),),
        subject=("the dynamic loader",),
        is_a=("an assertion of the dynamic loader: it met a file that it takes for impossible",),
        causes=(Cause.DAMAGED, Cause.OLD_SYSTEM),
        why=(
            (
                "a file was changed by a tool (patchelf, strip), or the loader is of another "
                "glibc than the C library"
            ),
        ),
        advice=(
            "reinstall the package whose file was opened last",
            "do not mix libc.so.6 and ld.so of two systems in LD_LIBRARY_PATH",
        ),
        unknown=("which file it is: LD_DEBUG=files shows the last one that was opened",),
        source="glibc elf/dl-minimal.c",
    ),
    ErrorKind(
        "program",
        forms=(
            Form(
                "linux",
                FILE + r"cannot dynamically load (?:position-independent )?executable",
            ),
        ),
        subject=_SUBJECT,
        is_a=("a program, not a shared library",),
        causes=(Cause.INCOMPLETE_BUILD,),
        why=("it was linked with -pie or without -shared",),
        advice=("link it with -shared, or run it instead of importing it",),
        source="glibc elf/dl-load.c",
    ),
    ErrorKind(
        "not a shared library",
        forms=(
            Form("linux", FILE + r"only ET_DYN(?: and ET_EXEC)? can be loaded"),
            Form("linux", FILE + r"object file has no (?:dynamic section|loadable segments)"),
        ),
        subject=_SUBJECT,
        is_a=("an object file, or the debug information of a library",),
        causes=(Cause.INCOMPLETE_BUILD, Cause.DAMAGED),
        why=("it was not linked (-shared), or was stripped of what the loader needs",),
        advice=("link the object files into a shared library, or reinstall the package",),
        source="glibc elf/dl-load.c",
    ),
    ErrorKind(
        "not to be opened",
        forms=(Form("linux", FILE + r"shared object cannot be dlopen\(\)ed"),),
        subject=_SUBJECT,
        is_a=("a library that was linked to be loaded only with its program (-z nodlopen)",),
        causes=(Cause.INCOMPLETE_BUILD,),
        why=("sanitizers, debuggers and parts of the C library are such libraries",),
        advice=(
            "start Python with LD_PRELOAD={file}",
            "or link it without -Wl,-z,nodlopen",
        ),
        source="glibc elf/dl-load.c",
    ),
    ErrorKind(
        "text relocations",
        forms=(
            Form("linux", FILE + r"cannot (?:make segment writable|restore segment prot)"),
            Form("linux", FILE + r"(?:has text relocations|TEXTREL is not supported)"),
        ),
        subject=_SUBJECT,
        is_a=("a library whose code must be changed when it is loaded (text relocations)",),
        causes=(Cause.INCOMPLETE_BUILD, Cause.REFUSED),
        why=(
            "part of it was compiled without -fPIC, and SELinux or the kernel refuses the change",
        ),
        advice=("compile all of it, static libraries as well, with -fPIC",),
        source="glibc elf/dl-reloc.c",
    ),
    ErrorKind(
        "overflow of a relocation",
        forms=(
            Form(
                "linux", FILE + r"Symbol `(?P<symbol>[^'\n]{1,400})' causes overflow in R_\w{1,40}"
            ),
            Form("linux", FILE + r"unexpected reloc type 0x[0-9a-f]{1,8}"),
        ),
        subject=_SUBJECT,
        is_a=("a library whose code cannot be placed where the loader placed it",),
        causes=(Cause.INCOMPLETE_BUILD,),
        why=("part of it was compiled without -fPIC, or for another machine",),
        advice=("compile all of it, static libraries as well, with -fPIC",),
        source="glibc sysdeps/x86_64/dl-machine.h",
    ),
    ErrorKind(
        "map refused",
        forms=(
            Form(
                "linux",
                FILE + r"failed to map segment from shared object(?P<version>: [^\n]{1,80})?",
            ),
            Form("linux", FILE + r"cannot (?:map zero-fill pages|change memory protections)"),
        ),
        subject=_SUBJECT,
        is_a=("a library that the system does not let the process map into memory",),
        causes=(Cause.REFUSED,),
        why=(
            (
                "its file system is mounted noexec (often /tmp or a home directory), the process "
                "has a limit on memory, or SELinux forbids it"
            ),
        ),
        advice=(
            "move the environment, or TMPDIR and TORCH_EXTENSIONS_DIR, to a place without noexec",
            "or raise the limit (ulimit -v) or the memory of the container",
        ),
        unknown=("which of these applies: `findmnt -T FILE` shows the options of the mount",),
        source="glibc elf/dl-map-segments.h",
    ),
    ErrorKind(
        "no permission",
        forms=(
            Form("linux", FILE + r"cannot open shared object file: Permission denied"),
            Form(
                "linux",
                r"Error loading shared library (?P<file>[^\s:]{1,400}): Permission denied",
            ),
        ),
        subject=_SUBJECT,
        is_a=("a library that this user may not read",),
        causes=(Cause.REFUSED,),
        why=("the file or one of its directories was installed for another user",),
        advice=("reinstall it as this user, or give it the right to read: chmod a+rX",),
        source="glibc elf/dl-load.c",
    ),
    ErrorKind(
        "no room for the file",
        forms=(
            Form(
                "linux",
                FILE + r"cannot open shared object file: (?P<version>Too many open files|Cannot "
                r"allocate memory|Input/output error|Stale file handle)",
            ),
        ),
        subject=_SUBJECT,
        is_a=("a library that is there, and that the system could not open",),
        causes=(Cause.REFUSED,),
        why=("the system says: {version}",),
        advice=(
            "raise the limit of open files (ulimit -n), or use fewer worker processes",
            "or look at the memory and the disk: dmesg names what failed",
        ),
        source="glibc elf/dl-load.c",
    ),
    ErrorKind(
        "page size",
        forms=(
            Form("linux", FILE + r"ELF load command (?:alignment|address/offset) not page-aligned"),
        ),
        subject=_SUBJECT,
        is_a=("a library whose segments do not fit the page size of this kernel",),
        causes=(Cause.WRONG_MACHINE, Cause.DAMAGED),
        why=(
            "it was linked for pages of 4 KiB, and this kernel has larger ones (getconf PAGESIZE)",
            "or strip was run on it after patchelf, which breaks the alignment",
        ),
        advice=(
            "install a build for the page size, or link with -Wl,-z,max-page-size=65536",
            "or reinstall the package, and do not strip the libraries of wheels",
        ),
        source="glibc elf/dl-load.c, elf/dl-map-segments.h",
    ),
    ErrorKind(
        "another ELF",
        forms=(
            Form("linux", FILE + r"ELF file (?P<version>OS ABI invalid|ABI version invalid)"),
            Form("linux", FILE + r"ELF file (?P<version>data encoding not (?:big|little)-endian)"),
            Form("linux", FILE + r"ELF file (?P<version>version does not match current one)"),
            Form("linux", FILE + r"(?P<version>cannot handle TLS data)"),
        ),
        subject=_SUBJECT,
        is_a=("a library for another system than the loader's",),
        causes=(Cause.WRONG_MACHINE, Cause.OLD_SYSTEM),
        why=("the loader says: {version}",),
        advice=("install the build for this machine, or run it on a newer system",),
        source="glibc elf/dl-load.c",
    ),
    ErrorKind(
        "static program",
        forms=(
            Form("linux", FILE + r"Dynamic loading not supported"),
            Form("linux", FILE + r"Not a valid dynamic program"),
        ),
        subject=_SUBJECT,
        is_a=("a program that was linked statically, and therefore cannot load libraries",),
        causes=(Cause.WRONG_PYTHON,),
        why=("musl refuses to load libraries into static programs",),
        advice=("run a Python that is linked dynamically",),
        source="musl src/ldso/dlopen.c, ldso/dynlink.c",
    ),
    ErrorKind(
        LIBRARY,
        forms=(
            Form("linux", rf"(?<![^\s])(?!{_OF_TORCH})(?P<library>[^\s:]{{1,400}}) => not found"),
            Form(
                "linux",
                rf"required shared library (?!{_OF_TORCH})(?P<library>[^\s:'\"]{{1,400}}) not "
                rf"found",
            ),
        ),
        source="glibc elf/rtld.c (ldd)",
    ),
    ErrorKind(
        "looked at without torch",
        forms=(
            Form("linux", rf"(?<![^\s/])(?P<library>{_OF_TORCH}[^\s:]{{0,200}}) => not found"),
            Form(
                "linux",
                rf"required shared library (?P<library>{_OF_TORCH}[^\s:'\"]{{0,200}}) not found",
            ),
        ),
        subject=("{library}",),
        is_a=(
            "a library of torch, which is in torch/lib, where ldd and packaging tools do not look",
        ),
        causes=(Cause.IMPORT_ORDER,),
        why=(
            "this is normal, and no failure: the library is in the process once torch is imported",
        ),
        advice=(
            "import torch before the extension; nothing else is needed",
            "to see what ldd sees then, set LD_LIBRARY_PATH to torch/lib",
        ),
        rank=Rank.CONSEQUENCE,
        about_torch=True,
        owner="the extension",
        source="glibc elf/rtld.c (ldd), rusty1s/pytorch_sparse#372",
    ),
    ErrorKind(
        "no version information",
        forms=(
            Form(
                "linux",
                rf"{ELF_NAME}: no version information available "
                r"\(required by (?P<file>[^)\n]{1,400})\)",
            ),
        ),
        subject=("{library}",),
        is_a=("a copy of a library without the symbol versions that {file} was linked to",),
        causes=(Cause.OTHER_COPY,),
        why=("another build of {library} was found first: conda's instead of the system's, say",),
        advice=("it is a warning: if something fails, remove that copy from LD_LIBRARY_PATH",),
        rank=Rank.CONSEQUENCE,
        source="glibc elf/dl-version.c",
    ),
)
