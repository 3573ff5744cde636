"""Texts of Windows about DLLs and functions that it did not find: errors 126 and 127."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form
from torch_abi_audit.explain.kinds.windows_words import MODULE, PROCEDURE, any_of

_FAILED = r"(?:DLL load failed(?: while importing (?P<file>[\w.]{1,400}))?[^\n:]{0,80}: {0,4})?"
_IN_TORCH = (
    r"from torch\._C import [^\n]{0,80}\n(?:[^\n]{0,300}\n){0,4}?[^\n]{0,120}?DLL load "
    r"failed[^\n:]{0,120}: {0,4}"
)
_TORCH_DLL = (
    r"Error loading \"?(?P<library>[^\"\n]{0,300}torch[\\/]{1,2}lib[\\/]{1,2}[^\"\n]{1,80}?\.dll|"
    r"(?:torch|c10|caffe2)(?:_\w{1,30})?\.dll|(?:shm|fbgemm|asmjit)\.dll)"
)
_OWN = (
    "install the Visual C++ Redistributable 2015-2022 (x64), which torch's DLLs need (msvcp140.dll)"
)
_AGAIN = "or reinstall torch into a new environment: pip from one index, or conda, not both"
_SEE = "to see which DLL is missing, open the file with Dependencies or run dumpbin /dependents"
_SOURCE = "pytorch torch/__init__.py (_load_dll_libraries), CPython Python/dynload_win.c"

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "torch's DLL, a function",
        forms=(
            Form(
                "windows", r"WinError 127\b(?:[^\n]{0,300}?|[^\n]{0,300}\n[ ]{0,40})" + _TORCH_DLL
            ),
        ),
        subject=("{library}", "torch"),
        is_a=(
            "a DLL of torch for which a function is missing in a DLL that was loaded (error 127)",
        ),
        causes=(Cause.MIXED, Cause.OTHER_COPY, Cause.OLD_SYSTEM),
        why=(
            (
                "the specified procedure was not found: a DLL of the same name but another "
                "release was loaded first, from PATH, conda or another package (libiomp5md.dll, "
                "uv.dll, msvcp140.dll, CUDA's DLLs)"
            ),
            "or files of two releases of torch are mixed in torch\\lib",
        ),
        advice=(
            "look for a second copy of torch's DLLs and CUDA's on PATH, and remove it",
            _AGAIN,
            f"or {_OWN}",
        ),
        unknown=("which function of which DLL is missing: Windows does not say",),
        about_torch=True,
        owner="torch",
        source=_SOURCE,
    ),
    ErrorKind(
        "torch, a function",
        forms=(Form("windows", _IN_TORCH + any_of(PROCEDURE)),),
        subject=("torch",),
        is_a=("a DLL of torch for which a function is missing in a DLL that was loaded",),
        causes=(Cause.OTHER_COPY, Cause.MIXED, Cause.OLD_SYSTEM),
        why=(
            "error 127: the specified procedure was not found",
            "torch itself fails: a DLL of the same name but another release was loaded first",
        ),
        advice=(
            "look for a second copy of torch's DLLs and CUDA's on PATH, and remove it",
            _AGAIN,
            f"or {_OWN}",
        ),
        unknown=("which function of which DLL is missing: Windows does not say",),
        about_torch=True,
        owner="torch",
        source=_SOURCE,
    ),
    ErrorKind(
        "libomp of fbgemm",
        forms=(
            Form(
                "windows",
                r"(?:WinError 126\b[^\n]{0,300}?)?Error loading "
                r"\"?(?P<library>[^\"\n]{0,300}\bfbgemm\.dll)",
            ),
        ),
        subject=("{library}",),
        is_a=("a DLL of torch that needs libomp140.x86_64.dll, which torch 2.4.0 did not bring",),
        causes=(Cause.NOT_INSTALLED,),
        why=("libomp140.x86_64.dll comes with Visual Studio's C++ tools for LLVM",),
        advice=("install torch 2.4.1 or later",),
        about_torch=True,
        owner="torch",
        source="pytorch/pytorch#131662",
    ),
    ErrorKind(
        "torch's DLL, a module",
        forms=(
            Form(
                "windows", r"WinError 126\b(?:[^\n]{0,300}?|[^\n]{0,300}\n[ ]{0,40})" + _TORCH_DLL
            ),
            Form("windows", _TORCH_DLL),
            Form("windows", _IN_TORCH + any_of(MODULE)),
            Form(
                "windows",
                r"Could not find module '(?P<library>[^'\n]{0,300}torch[\\/]{1,2}li"
                r"b[\\/]{1,2}[^'\n]{1,80})' \(or one of its dependencies\)",
            ),
        ),
        subject=("{library}", "torch"),
        is_a=("a DLL of torch that is there, while one of its dependencies is not (error 126)",),
        causes=(Cause.OLD_SYSTEM, Cause.NOT_INSTALLED, Cause.MIXED),
        why=(
            (
                "torch itself fails: mostly the Visual C++ runtime is missing or old "
                "(msvcp140.dll, vcruntime140_1.dll)"
            ),
            "or an antivirus program or an interrupted installation removed a DLL of torch\\lib",
        ),
        advice=(_OWN, _AGAIN, _SEE),
        unknown=("which dependency is missing: Windows does not say",),
        about_torch=True,
        owner="torch",
        source=_SOURCE,
    ),
    ErrorKind(
        "CUDA operators",
        forms=(
            Form(
                "windows",
                r"Could not find module '(?P<library>[^'\n]{0,300}[\\/][^'\\/\n]{0,80}(?:cuda|hip)"
                r"[^'\\/\n]{0,80})' \(or one of its dependencies\)",
            ),
        ),
        subject=("{library}",),
        is_a=("a library for CUDA that is there, while one of its dependencies is not",),
        causes=(Cause.CPU_TORCH, Cause.OTHER_TORCH, Cause.CUDA_MAJOR),
        why=("it needs torch_cuda.dll and CUDA's DLLs, which only CUDA builds of torch bring",),
        advice=(
            "install a CUDA build of torch, or the package's build for the CPU",
            "or the package's build for the CUDA release in torch.version.cuda",
            "run torch-abi-audit -v FILE to list the dependencies",
        ),
        unknown=("which dependency is missing: Windows does not say",),
        about_torch=True,
        owner="the extension",
        source="CPython Lib/ctypes/__init__.py",
    ),
    ErrorKind(
        "file and its dependencies",
        forms=(
            Form(
                "windows",
                r"Could not find module '(?P<library>[^'\n]{0,300}[\\/][^'\\/\n]{1,120})' \(or "
                r"one of its dependencies\)",
            ),
            Form("windows", r"Failed to load dynlib/dll '(?P<library>[^'\n]{1,300})'"),
        ),
        subject=("{library}",),
        is_a=("a file that Windows did not load: it, or one of its dependencies, is not there",),
        causes=(Cause.OTHER_TORCH, Cause.NOT_INSTALLED, Cause.SEARCH_PATH),
        why=(
            "the file may well be there: Windows uses one message for it and its dependencies",
            (
                "since Python 3.8, PATH is not searched for dependencies, and the current "
                "directory neither"
            ),
        ),
        advice=(
            "if the file is not there, the package was built without it",
            "else run torch-abi-audit -v FILE to list its dependencies",
            "and add their directory with os.add_dll_directory()",
        ),
        unknown=("which of them is missing: Windows does not say",),
        about_torch=True,
        source="CPython Lib/ctypes/__init__.py",
    ),
    ErrorKind(
        "procedure",
        forms=(
            Form(
                "windows", _FAILED + rf"(?:(?:WinError 127\] )?{any_of(PROCEDURE)}|WinError 127\b)"
            ),
        ),
        subject=("{file}", "a DLL"),
        is_a=("Windows loaded a DLL that does not export a function imported by another DLL",),
        causes=(Cause.OTHER_TORCH, Cause.WRONG_PYTHON),
        why=(
            "error 127: the specified procedure was not found",
            "on Windows, a package built for another torch fails with this message",
        ),
        advice=(
            "run torch-abi-audit explain --with FILE … to list what is missing",
            "install the package's build for the installed torch, or rebuild it",
        ),
        unknown=("which function of which DLL is missing: Windows does not say",),
        about_torch=True,
        source=_SOURCE,
    ),
    ErrorKind(
        "module",
        forms=(
            Form("windows", _FAILED + rf"(?:(?:WinError 126\] )?{any_of(MODULE)}|WinError 126\b)"),
        ),
        subject=("{file}", "a DLL"),
        is_a=("Windows did not find a DLL, or one of its dependencies",),
        causes=(Cause.IMPORT_ORDER, Cause.CUDA_MAJOR, Cause.CPU_TORCH),
        why=(
            "error 126: the specified module was not found",
            "Windows finds torch's DLLs and its CUDA libraries only after import torch",
        ),
        advice=(
            "import torch before the extension",
            "run torch-abi-audit -v FILE to list the libraries that it needs",
        ),
        unknown=("which DLL is missing: Windows does not say",),
        about_torch=True,
        source=_SOURCE,
    ),
    ErrorKind(
        "126 or 127",
        forms=(
            Form(
                "windows",
                r"from torch\._C import [^\n]{0,80}\n(?:[^\n]{0,300}\n){0,4}?[^\n]{0,120}?DLL "
                r"load failed[^\n:]{0,120}: {0,4}(?P<version>\S[^\n]{1,200})",
            ),
            Form(
                "windows",
                r"DLL load failed(?: while importing (?P<file>[\w.]{1,400}))?[^\n:]{0,80}: "
                r"{0,4}(?P<version>\S[^\n]{1,200})",
            ),
        ),
        subject=("{file}", "a DLL"),
        is_a=(
            (
                "126 or 127: Windows' words are not known (a DLL was not found, or one lacks a "
                "function)"
            ),
        ),
        causes=(Cause.OTHER_TORCH, Cause.NOT_INSTALLED, Cause.OLD_SYSTEM),
        why=("Windows says: {version}",),
        advice=(
            "run torch-abi-audit explain --with FILE … to list what is missing",
            "install the package's build for the installed torch, or rebuild it",
            "if torch itself fails, install the Visual C++ Redistributable 2015-2022 (x64)",
        ),
        unknown=("which DLL or function is missing: Windows does not say",),
        about_torch=True,
        source=_SOURCE,
    ),
)
