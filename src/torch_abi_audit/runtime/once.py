"""Values that are computed when they are first needed, and kept.

``functools`` can do the same, but it imports ``collections``, ``types`` and more, which takes a
quarter of the time that the interpreter takes to start.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from functools import cached_property
    from typing import Generic, TypeVar

    __all__ = ["cached_property", "once"]

    T = TypeVar("T")

    class _Kept(Generic[T]):
        """A function without arguments that runs at most once."""

        def __call__(self) -> T: ...
        def forget(self) -> None:
            """Drop the result, so that the next call computes it again."""
else:

    class cached_property:
        """A property that is computed when it is first read and then kept in the instance."""

        def __init__(self, make):
            self._make = make
            self.__doc__ = make.__doc__

        def __get__(self, instance, _cls):
            if instance is None:
                return self
            value = instance.__dict__[self._make.__name__] = self._make(instance)
            return value


def once(make: Callable[[], T]) -> _Kept[T]:
    """A decorator for a function without arguments: every later call returns the first result."""
    kept: list[T] = []

    def get() -> T:
        if not kept:
            kept.append(make())
        return kept[0]

    get.__doc__, get.__name__ = make.__doc__, make.__name__
    get.forget = kept.clear  # type: ignore[attr-defined]
    return get  # type: ignore[return-value]
