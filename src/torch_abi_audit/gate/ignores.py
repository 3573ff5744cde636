"""Ignores: findings that the configuration hides, with a reason and an optional last day."""

from __future__ import annotations

from fnmatch import fnmatchcase

from torch_abi_audit.model.outcome import Result, Status
from torch_abi_audit.report.wording import some
from torch_abi_audit.rules import detect_in_run, rule
from torch_abi_audit.rules.reported import IdleIgnore, Upkeep
from torch_abi_audit.runtime.records import dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator

    from torch_abi_audit.model.findings import Finding


@dataclass(frozen=True, slots=True)
class Ignore:
    """One ignore. Absent parts match everything; ``*`` in a glob also matches ``/`` and ``::``."""

    reason: str
    rule: str | None = None
    """A rule id, or a prefix of ids."""
    package: str | None = None
    """Glob of the package's name."""
    library: str | None = None
    """Glob of the path below the package's root, with or without the name of the root."""
    symbol: str | None = None
    """Glob of a demangled symbol, for rules whose evidence is itemized."""
    expires: dt.date | None = None
    """Last day on which the ignore applies."""
    origin: str = ""
    """Where it is defined: ``pyproject.toml:12``."""

    def covers(self, result: Result) -> bool:
        """Whether the ignore matches a finding, apart from its symbols.

        A finding about an unreadable library is covered only by an ignore that names both its rule
        and a library.
        """
        one = result.finding
        named = self.rule == one.rule and self.library and one.library
        if rule(one.rule).unread and not named:
            return False
        if self.rule is not None and not one.rule.startswith(self.rule):
            return False
        if self.package is not None and not fnmatchcase(result.package, self.package):
            return False
        if self.library is not None and not any(
            fnmatchcase(path, self.library) for path in _paths(result)
        ):
            return False
        return self.symbol is None or rule(one.rule).itemized

    def hides(self, symbol: str) -> bool:
        """Whether the ignore hides one piece of evidence of a finding that it covers."""
        return self.symbol in (None, symbol) or fnmatchcase(symbol, self.symbol or "*")

    def __str__(self) -> str:
        """The ignore in words: ``the ignore of T101 in lib/*core*``."""
        where = self.library or self.package
        parts = [self.rule or "every rule", f"in {where}" if where else ""]
        if self.symbol is not None:
            parts.append(f"for {self.symbol}")
        return "the ignore of " + " ".join(filter(None, parts))


def apply(
    results: Iterable[Result], ignores: tuple[Ignore, ...], today: dt.date
) -> tuple[tuple[Result, ...], tuple[Finding, ...]]:
    """Apply the ignores: the results, and a finding for each ignore that is expired or unused."""
    used: set[int] = set()
    valid = {at: one for at, one in enumerate(ignores) if not _expired(one, today)}
    kept = tuple(_apply(result, valid, used) for result in results)
    return kept, tuple(detect_in_run(Upkeep(tuple(_idle(ignores, used, today)))))


def _apply(result: Result, ignores: dict[int, Ignore], used: set[int]) -> Result:
    one = result.finding
    covering = {at: each for at, each in ignores.items() if each.covers(result)}
    if not covering:
        return result
    whole = next((at for at, each in covering.items() if each.symbol is None), None)
    if whole is not None:
        used.add(whole)
        return replace(result, status=Status.IGNORED, reason=covering[whole].reason)
    hidden: dict[str, int] = {}
    for symbol in one.evidence:
        for at, each in covering.items():
            if each.hides(symbol):
                used.add(at)
                hidden.setdefault(symbol, at)
    if not hidden:
        return result
    standing = tuple(symbol for symbol in one.evidence if symbol not in hidden)
    if not standing:
        reasons = dict.fromkeys(covering[at].reason for at in hidden.values())
        return replace(result, status=Status.IGNORED, reason="; ".join(reasons))
    gone = tuple(symbol for symbol in one.evidence if symbol in hidden)
    return narrowed(result, standing, gone)


def narrowed(result: Result, standing: tuple[str, ...], hidden: tuple[str, ...]) -> Result:
    """A result with only part of its evidence left; the message says how much.

    Where a row of the table says what is wrong, the message says nothing else.
    """
    one = result.finding
    left = _left(standing, result.hidden + hidden)
    if rule(one.rule).row:
        message = left
    else:
        before = f" ({_left(one.evidence, result.hidden)})"
        message = f"{one.message.removesuffix(before)} ({left})"
    return replace(
        result,
        finding=replace(one, evidence=standing, message=message),
        hidden=result.hidden + hidden,
    )


def _left(standing: tuple[str, ...], hidden: tuple[str, ...]) -> str:
    total = len(standing) + len(hidden)
    return f"{len(standing)} of {total} not ignored or in the baseline: {some(standing)}"


def _paths(result: Result) -> tuple[str, ...]:
    """A library's path from the package's root, and from the root's parent directory."""
    library = result.finding.library
    if library is None or result.report is None:
        return ()
    return library, f"{result.report.root.name}/{library}"


def _idle(ignores: tuple[Ignore, ...], used: set[int], today: dt.date) -> Iterator[IdleIgnore]:
    for at, one in enumerate(ignores):
        where = f"{one.origin}: " if one.origin else ""
        if _expired(one, today):
            yield IdleIgnore(f"{where}{one}", one.expires)
        elif at not in used:
            yield IdleIgnore(f"{where}{one}")


def _expired(one: Ignore, today: dt.date) -> bool:
    return one.expires is not None and today > one.expires
