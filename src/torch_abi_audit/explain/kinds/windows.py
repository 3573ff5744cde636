"""Texts of Windows about DLLs that it found and does not run: errors with a number of their own."""

from __future__ import annotations

from torch_abi_audit.explain.explanation import Cause
from torch_abi_audit.explain.kinds.kind import ErrorKind, Form

_FAILED = r"(?:DLL load failed(?: while importing (?P<file>[\w.]{1,400}))?[^\n:]{0,80}: {0,4})?"
_LOADING = (
    r"(?:(?:[^\n]{0,300}?|[^\n]{0,300}\n[ ]{0,40})Error loading "
    r"\"?(?P<library>[^\"\n]{1,300}?\.dll))?"
)
_AGAIN = "or reinstall torch into a new environment: pip from one index, or conda, not both"
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
                "or import the packages that bring copies of msvcp140.dll (PyQt, PySide, numpy "
                "with MKL) after torch"
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
        "damaged DLL",
        forms=(
            Form(
                "windows",
                r"WinError 193\b(?:[^\n]{0,300}?|[^\n]{0,300}\n[ ]{0,40})Error loading "
                r"\"?(?P<library>[^\"\n]{1,300}?\.dll)",
            ),
        ),
        subject=("{library}",),
        is_a=("a file that Windows does not take for a library (error 193): it is damaged",),
        causes=(Cause.DAMAGED, Cause.WRONG_MACHINE),
        why=(
            (
                "{package} brings it, so it is for the right processor: a download or an "
                "installation was interrupted, or the disk was full"
            ),
        ),
        advice=(
            "reinstall {package}, with pip's --no-cache-dir",
            "to see what is in the file, run torch-abi-audit FILE",
        ),
        source="Windows error 193 (ERROR_BAD_EXE_FORMAT), " + _SOURCE,
    ),
    ErrorKind(
        "not a library for this process",
        forms=(
            Form("windows", r"WinError 193\b(?:\] %1 [^\n]{0,80}?Win32)?"),
            Form(
                "windows",
                r"(?:DLL load failed(?: while importing (?P<file>[\w.]{1,400}))?[^\n:]{0,80}: )"
                r"?%1 [^\n]{0,80}?Win32",
            ),
        ),
        subject=("{file}", "a DLL"),
        is_a=(
            (
                "a file that Windows does not take for a library (error 193): it is for another "
                "processor, or damaged"
            ),
        ),
        causes=(Cause.WRONG_MACHINE, Cause.DAMAGED),
        why=(
            (
                "a 32-bit file met a 64-bit Python, or the other way round; or a download or an "
                "installation was interrupted"
            ),
            "it is a DLL that {package} loads, or one that it needs",
        ),
        advice=(
            "reinstall {package}, with pip's --no-cache-dir",
            "compare the Python: python -c 'import platform; print(platform.architecture())'",
            "to see what is in the file, run torch-abi-audit FILE",
        ),
        source="Windows error 193 (ERROR_BAD_EXE_FORMAT), " + _SOURCE,
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
)
