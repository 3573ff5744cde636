"""Texts of Windows about DLLs, which mostly name neither a symbol nor a library."""

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
    r"Error loading \"?(?P<library>[^\"\n]{0,300}torch[\\/]{1,2}lib[\\/]{1,2}[^\"\n]{1,80}?\.dll)"
)
_LOADING = r"(?:[^\n]{0,300}?Error loading \"?(?P<library>[^\"\n]{1,300}?\.dll))?"
_OWN = (
    "install the Visual C++ Redistributable 2015-2022 (x64), which torch's DLLs need (msvcp140.dll)"
)
_AGAIN = "or reinstall torch into a new environment: pip from one index, or conda, not both"
_SEE = "to see which DLL is missing, open the file with Dependencies or run dumpbin /dependents"
_SOURCE = "pytorch torch/__init__.py (_load_dll_libraries), CPython Python/dynload_win.c"

ROWS: tuple[ErrorKind, ...] = (
    ErrorKind(
        "paging file",
        forms=(
            Form("windows", r"WinError 1455\b" + _LOADING),
            Form("windows", r"The paging file is too small"),
            Form("windows", r"页面文件太小"),
        ),
        subject=("{library}", "a DLL"),
        is_a=("a DLL for which Windows cannot reserve memory: the paging file is too small",),
        causes=(Cause.REFUSED,),
        why=(
            (
                "each Python process that imports a CUDA build of torch reserves several GB: a "
                "DataLoader with many workers exhausts it"
            ),
        ),
        advice=(
            "make the paging file larger (System, Advanced, Performance, Virtual memory)",
            "or use fewer processes: a smaller num_workers",
        ),
        source="Windows error 1455 (ERROR_COMMITMENT_LIMIT)",
    ),
    ErrorKind(
        "initialisation failed",
        forms=(
            Form("windows", r"WinError 1114\b" + _LOADING),
            Form(
                "windows",
                _FAILED + r"A dynamic link library \(DLL\) initiali[sz]ation routine failed",
            ),
            Form(
                "windows",
                r"DLL load failed(?: while importing (?P<file>[\w.]{1,400}))?[^\n:]{0,80}: "
                r"[^\n]{0,100}\bDLL\b",
            ),
            Form("windows", r"动态链接库 ?\(DLL\) ?初始化例程失败"),
        ),
        subject=("{library}", "{file}", "a DLL"),
        is_a=("a DLL that was found, and whose own initialisation failed (error 1114)",),
        causes=(Cause.OLD_SYSTEM, Cause.OTHER_COPY, Cause.TWO_RUNTIMES),
        why=(
            (
                "the Visual C++ runtime (msvcp140.dll, vcruntime140.dll) that the process loaded "
                "is older than the one that the DLL was built with: an old installation, or the "
                "copy of another package that was imported before"
            ),
            "or two copies of an OpenMP or CUDA library met",
        ),
        advice=(
            "install the newest Visual C++ Redistributable 2015-2022 (x64), and restart",
            (
                "or import torch before the packages that bring copies of msvcp140.dll (PyQt, "
                "PySide, numpy with MKL)"
            ),
        ),
        source=_SOURCE + "; pytorch/pytorch#166628",
    ),
    ErrorKind(
        "cannot run",
        forms=(
            Form("windows", r"WinError 182\b" + _LOADING),
            Form(
                "windows",
                r"DLL load failed(?: while importing (?P<file>[\w.]{1,400}))?[^\n:]{0,80}: {0,4}"
                r"[^\n%]{0,100}%1(?![^\n]{0,80}Win32)",
            ),
        ),
        subject=("{library}", "{file}", "a DLL"),
        is_a=("a DLL whose needed function is sought in a DLL of another release (error 182)",),
        causes=(Cause.OTHER_COPY, Cause.MIXED),
        why=("a DLL of the same name was found first: on PATH, or of another installation",),
        advice=(
            "remove the other copies of the DLL from PATH, such as another OpenMP or MKL",
            _AGAIN,
        ),
        source="Windows error 182 (ERROR_INVALID_ORDINAL), " + _SOURCE,
    ),
    ErrorKind(
        "access denied",
        forms=(
            Form("windows", r"WinError (?:5|1260|225|4551)\b[^\n]{0,300}?\.(?:dll|pyd)"),
            Form(
                "windows",
                r"DLL load failed[^\n]{0,100}: (?:Access is denied|"
                r"[^\n]{0,60}[Aa]pplication [Cc]ontrol policy|[^\n]{0,120}\b(?:virus|AppLocker)\b)",
            ),
        ),
        subject=("a DLL",),
        is_a=("a DLL that Windows refuses to open",),
        causes=(Cause.REFUSED,),
        why=("an antivirus program, AppLocker or Smart App Control, or the rights of the file",),
        advice=("allow the environment's directory there, or install it for this user",),
        source="Windows errors 5, 225, 1260 and 4551",
    ),
    ErrorKind(
        "DLL flags",
        forms=(
            Form("windows", r"WinError 87\b"),
            Form("windows", r"DLL load failed[^\n:]{0,120}: The parameter is incorrect"),
        ),
        subject=("a DLL",),
        is_a=("a call of LoadLibrary that this Windows does not accept (error 87)",),
        causes=(Cause.OLD_SYSTEM,),
        why=("Windows 7 without KB2533623 lacks directories for DLLs, which Python uses",),
        advice=("update Windows",),
        source="Windows error 87, CPython Python/dynload_win.c",
    ),
    ErrorKind(
        "torch's DLL, a function",
        forms=(Form("windows", r"WinError 127\b[^\n]{0,300}?" + _TORCH_DLL),),
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
            _OWN,
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
            _OWN,
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
        advice=("install torch 2.4.1 or later", _OWN),
        about_torch=True,
        owner="torch",
        source="pytorch/pytorch#131662",
    ),
    ErrorKind(
        "torch's DLL, a module",
        forms=(
            Form("windows", r"WinError 126\b[^\n]{0,300}?" + _TORCH_DLL),
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
        forms=(Form("windows", _FAILED + rf"(?:{any_of(PROCEDURE)}|WinError 127\b)"),),
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
        forms=(Form("windows", _FAILED + rf"(?:{any_of(MODULE)}|WinError 126\b)"),),
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
