"""Values that are made when they are first asked for, and kept.

``functools`` offers the same, and imports ``collections``, ``types`` and more for it: a quarter of
what the interpreter's own start costs.
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
        """A function without arguments that is called once at the most."""

        def __call__(self) -> T: ...
        def forget(self) -> None:
            """Call it again the next time."""
else:

    class cached_property:
        """A property that is computed when it is first read, and kept in the instance."""

        def __init__(self, make):
            self._make = make
            self.__doc__ = make.__doc__

        def __get__(self, instance, _cls):
            if instance is None:
                return self
            value = instance.__dict__[self._make.__name__] = self._make(instance)
            return value


def once(make: Callable[[], T]) -> _Kept[T]:
    """A decorator for a function without arguments: its first result serves every later call."""
    kept: list[T] = []

    def get() -> T:
        if not kept:
            kept.append(make())
        return kept[0]

    get.__doc__, get.__name__ = make.__doc__, make.__name__
    get.forget = kept.clear  # type: ignore[attr-defined]
    return get  # type: ignore[return-value]
