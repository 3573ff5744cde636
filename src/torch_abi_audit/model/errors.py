"""The exceptions that this package raises, with one base class."""

from __future__ import annotations


class AuditError(Exception):
    """Base class of all errors raised on purpose; the text is one sentence for the user."""


class FormatError(AuditError):
    """A file that looks like a library is truncated, damaged or of an unsupported kind."""


class TargetError(AuditError):
    """A TARGET cannot be audited: an unknown name, a missing path or an unusable archive."""


class SettingsError(AuditError):
    """A setting is not valid; for a configuration, the message begins with ``file:line``."""


class UnknownGpuError(AuditError):
    """No GPU is known by a name, or several are; the text has the nearest names."""
