"""Comparisons of values that are known."""

from __future__ import annotations

import ast
import operator

from torch_abi_audit.doctor.tracing import functions
from torch_abi_audit.doctor.tracing.values import UNKNOWN, Method, Named, TorchRelease

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from torch_abi_audit.doctor.tracing.run import Run
    from torch_abi_audit.doctor.tracing.values import Known

_PLAIN = (str, int, float, tuple, list, type(None), bool)
_COMPARISONS: dict[type[ast.cmpop], Callable[[Known, Known], Known]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def compared(sign: ast.cmpop, left: Known, right: Known, run: Run) -> Known:
    """What a comparison of two values gives; ``UNKNOWN`` where it is not known."""
    if isinstance(sign, (ast.In, ast.NotIn)):
        found = _contains(right, left, run)
        return UNKNOWN if found is UNKNOWN else found is isinstance(sign, ast.In)
    if isinstance(sign, (ast.Is, ast.IsNot)):
        found = _is(left, right)
        return UNKNOWN if found is UNKNOWN else found is isinstance(sign, ast.Is)
    compare = _COMPARISONS.get(type(sign))
    left, right = _versions(left, right)
    if isinstance(left, functions.Release) and isinstance(right, functions.Release) and compare:
        return compare(left, right)
    if compare is None or not (isinstance(left, _PLAIN) and isinstance(right, _PLAIN)):
        return UNKNOWN
    if any(isinstance(each, (tuple, list)) and UNKNOWN in each for each in (left, right)):
        return UNKNOWN
    try:
        return compare(left, right)
    except TypeError:
        return UNKNOWN


def _contains(items: Known, item: Known, run: Run) -> Known:
    if items == Named("os.environ") and isinstance(item, str):
        return item in run.environ
    if isinstance(items, str) and isinstance(item, str):
        return item in items
    if isinstance(items, (tuple, list, dict)) and isinstance(item, (str, int, type(None))):
        return item in items if UNKNOWN not in items else UNKNOWN
    return UNKNOWN


def _is(left: Known, right: Known) -> Known:
    if left is None or right is None:
        other = right if left is None else left
        if other is UNKNOWN or isinstance(other, (Named, Method)):
            return UNKNOWN
        return other is None
    return left is right if isinstance(left, bool) and isinstance(right, bool) else UNKNOWN


def _versions(left: Known, right: Known) -> tuple[Known, Known]:
    """Both as releases, where one of them is a release or torch's version."""
    kinds = (TorchRelease, functions.Release)
    if not (isinstance(left, kinds) or isinstance(right, kinds)):
        return left, right
    return functions.release_of(left), functions.release_of(right)
