"""The platform of an error, from its text."""

from __future__ import annotations

import re

from torch_abi_audit.knowledge.platforms import PLATFORMS, platform, usual_platform

_AARCH64 = re.compile(r"aarch64|-arm64-linux|linux[_/-]arm64|\bsbsa\b")
_SYSTEMS = (
    (
        "windows",
        re.compile(r"\bLNK\d{4}\b|\.obj\b|\.pyd\b|\.dll\b|win_amd64|\bWinError\b|[A-Z]:\\"),
    ),
    (
        "macos",
        re.compile(r"\.dylib\b|-darwin\.so|macosx_|dlopen\(|for architecture arm64|\bdyld\b"),
    ),
)
"""Words that only one system's tools print."""


def platform_of(system: str | None, message: str, text: str) -> str:
    """The index platform of an error.

    Args:
        system: What the form of the message says: ``linux``, ``macos``, ``windows`` or None.
        message: The message itself, and the file that it names.
        text: All of the text, which decides only what the message leaves open.
    """
    if system is None:
        found = (word for part in (message, text) for word, sign in _SYSTEMS if sign.search(part))
        system = next(found, None)
    if system in (None, "linux") and (
        _AARCH64.search(message) or ("x86_64" not in message and _only_aarch64(text))
    ):
        return "linux_aarch64"
    return usual_platform(system)


def _only_aarch64(text: str) -> bool:
    return _AARCH64.search(text) is not None and "x86_64" not in text


def platform_of_tag(tag: str) -> str | None:
    """The index platform of a wheel's platform tag; None if there is none."""
    known = platform(tag)
    if known is None:
        return None
    return next(
        (
            one.name
            for one in PLATFORMS
            if one.system.word == known.system and one.arch in known.architectures
        ),
        None,
    )
