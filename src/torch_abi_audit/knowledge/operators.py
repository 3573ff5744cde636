"""Schemas of ATen's operators by torch release, and what the dispatcher's stable interface carries.

``torch_call_dispatcher`` takes each argument as a ``StableIValue`` and converts it by the type in
the operator's schema; for a type that it cannot convert, it throws at run time.
"""

from __future__ import annotations

from typing import NamedTuple


class Argument(NamedTuple):
    """An argument of an operator."""

    name: str
    type: str
    """As in the schema, without alias marks: ``Tensor``, ``SymInt[]``, ``Scalar?``, ``int[2]``."""
    default: str | None = None
    """As in the schema; None if it has none."""
    keyword_only: bool = False


class Schema(NamedTuple):
    """The schema of one overload."""

    name: str
    """``aten::add``."""
    overload: str
    """``Tensor``; empty for the one without a name."""
    arguments: tuple[Argument, ...]
    returns: tuple[str, ...]
    """Types, as in ``Argument``."""


def schema(name: str, overload: str, release: str) -> Schema | None:
    """The schema of an overload of ``aten::NAME`` in a release; None if it has no such one."""
    raise NotImplementedError


def overloads(name: str, release: str) -> tuple[str, ...]:
    """The overloads of ``aten::NAME`` in a release, sorted; none if it has no such operator."""
    raise NotImplementedError


def refused(schema: Schema, release: str) -> tuple[str, ...]:
    """The types of a schema that ``torch_call_dispatcher`` of a release cannot convert, sorted."""
    raise NotImplementedError
