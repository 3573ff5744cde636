"""``torch-abi-audit explain TEXT``: what an error, a symbol, a label or a rule means."""

from __future__ import annotations

import argparse
import sys

from torch_abi_audit.commands import ERROR, OK

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_abi_audit.explain.explanation import Explanation, Installed


_LARGEST = 1 << 16


def run(words: list[str]) -> int:
    """Explain what ``words`` say and return the exit code."""
    made = parser()
    options = made.parse_args(words)
    text = " ".join(options.text)
    if text == "-":
        text = sys.stdin.read()
    if not text.strip():
        made.error("nothing to explain: give an error's text, a symbol, a label or a rule")
    from torch_abi_audit.commands.shared.terminal import complain, style
    from torch_abi_audit.explain.question import explain
    from torch_abi_audit.model.errors import AuditError
    from torch_abi_audit.report.explain import answers as show

    try:
        installed = _installed(options.torch)
        answer = explain(text, installed, ".".join(map(str, sys.version_info[:2])))
        if options.with_target:
            answer = _beside(answer, options.with_target, installed)
    except AuditError as error:
        complain(str(error))
        return ERROR
    if options.json:
        print(show.format_explanation_json(answer))
    elif options.markdown:
        print(show.format_explanation_markdown(answer))
    else:
        print(show.format_explanation(answer, style=style()))
    return OK


def parser() -> argparse.ArgumentParser:
    """The verb's options."""
    made = argparse.ArgumentParser(
        prog="torch-abi-audit explain",
        description="Say what an ImportError means, where a symbol went, what a label or a rule "
        "is, and what to do. Nothing is imported or executed.",
        epilog="exit codes: 0 answered, 2 operational error",
        allow_abbrev=False,
    )
    made.add_argument(
        "text",
        metavar="TEXT",
        nargs="+",
        help="an error's text, a symbol (mangled or not), a row's label, a rule; - reads stdin",
    )
    made.add_argument(
        "--with",
        dest="with_target",
        metavar="TARGET",
        help="the package or library that fails: which torch releases it finds its names in",
    )
    made.add_argument(
        "--torch",
        metavar="RELEASE",
        help="the torch at hand, such as 2.13.0; that of this environment where not given",
    )
    form = made.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
    form.add_argument("--markdown", action="store_true", help="print Markdown")
    return made


def _installed(asked: str | None) -> Installed | None:
    """The torch that ``import torch`` would find, by its version file; nothing is imported."""
    from torch_abi_audit.explain.explanation import Installed

    if asked is not None:
        local = asked.partition("+")[2]
        cuda = f"{local[2:4]}.{local[4:]}" if local.startswith("cu") else None
        return Installed(asked, cuda, stated=bool(local))
    import os
    import re

    for directory in sys.path:
        path = os.path.join(directory, "torch", "version.py")  # pathlib is slow
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read(_LARGEST)
        except (OSError, ValueError):
            continue
        version = re.search(r"^__version__\b[^=\n]*=\s*['\"]([^'\"]+)['\"]", text, re.MULTILINE)
        built = re.search(r"^cuda\b[^=\n]*=\s*['\"]([\d.]+)['\"]", text, re.MULTILINE)
        if version is not None:
            return Installed(version[1], None if built is None else built[1])
    return None


def _beside(answer: Explanation, target: str, installed: Installed | None) -> Explanation:
    """The answer with what the target that fails asks of torch.

    Raises:
        TargetError: the target names nothing.
    """
    from torch_abi_audit import sources
    from torch_abi_audit.audit.pipeline import audit
    from torch_abi_audit.explain.target import beside

    return beside(answer, audit(sources.resolve(target)), installed)
