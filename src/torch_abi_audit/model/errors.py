"""The errors this package raises: one root and its few children."""

from __future__ import annotations


class AuditError(Exception):
    """Root of every error that is raised on purpose; its text is one clear sentence."""


class FormatError(AuditError):
    """A file that claims to be a library is cut short, damaged or of an unsupported kind."""


class TargetError(AuditError):
    """A TARGET names nothing that can be audited: unknown name, missing path, unusable archive."""


class SettingsError(AuditError):
    """A configuration says something that has no meaning; the message begins with file:line."""
