"""What logs, test runners, mails and lists put before each line, as one table of patterns."""

from __future__ import annotations

import re

_TIME = r"\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?"
_LEVEL = r"(?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL)"

_PREFIXES = (
    r"(?:>{1,2}[ \t]+)(?!>)",  # mails, quotes of Markdown
    r"E(?:[ \t]{2,12}|$)",  # pytest
    r"\[(?:rank|RANK|Rank)[ _]?\d{1,6}\]:?",  # torchrun
    r"\[\d{1,7}(?:,\d{1,4})?\](?:<std(?:err|out)>)?:",
    r"\((?:[\w.:-]{1,60} )?(?:\w{1,20}=[^\s(),]{1,80}(?:, ?| )?){1,6}\)",  # Ray, vLLM
    rf"\[?(?:\d{{4}}[-/])?\d\d[-/]\d\d[T ]{_TIME}(?: ?(?:Z|UTC|[+-]\d\d:?\d\d))?\]?",
    rf"\[?{_TIME}\]?(?=[\s|\]-])",
    rf"[A-Z][a-z]{{2}} [ \d]\d {_TIME} [\w.-]{{1,80}} [\w./@-]{{1,80}}(?:\[\d{{1,8}}\])?:",
    rf"[IWEF]\d{{4,8}} {_TIME} +\d{{1,9}} [^\s\]]{{1,120}}\]",  # glog
    rf"\[?{_LEVEL}\]?(?:[ ]?[:|-](?!:)|(?=[ \t]))",
    rf"{_LEVEL}:[\w.-]{{1,80}}:",  # logging.basicConfig
    rf"\[[\w. -]{{1,40}}\|{_LEVEL}\](?:{_LEVEL}\[[\w.-]{{1,40}}\]:)?",
    r"\[[\w./-]{1,120}:\d{1,6}\]",
    r"##\[(?:error|warning|debug)\]",  # GitHub Actions
    r"\d{1,4}>(?=[^\s>])",  # MSBuild
    r"#\d{1,4} \d{1,6}\.\d{1,4} ",  # docker build
    r"[\w.-]{1,60}-\d{1,3} +\| ",  # docker compose
    r"(?:stderr|stdout): (?=\S)",
    r"[-*+\u2022](?=[ \t])",
    r"\d{1,3}[.)](?=[ \t])",
    r"[|-](?=[ \t]+\[?(?:[A-Z]{4,8}\b|\w{1,80}Error))",
)
_PREFIX = re.compile(rf"[ \t]*(?:{'|'.join(_PREFIXES)})[ \t]?")
_MOST = 8
"""Prefixes before one line: a log of a log of a test."""


def without_prefix(line: str) -> str:
    """A line without what was put before it; its own indentation is kept."""
    at = 0
    for _ in range(_MOST):
        match = _PREFIX.match(line, at)
        if match is None or match.end() == at:
            break
        at = match.end()
    return line[at:] if at else line
