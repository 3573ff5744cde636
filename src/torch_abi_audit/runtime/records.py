"""Frozen, slotted dataclasses that take almost no time to define.

A command that answers within three times the start-up time of the interpreter cannot import
``dataclasses``: the import alone takes longer than the start-up (it imports ``inspect``), and every
class compiles its methods at run time. A type checker sees the standard ``dataclass`` and
``field``. At run time they make classes that behave like the standard ones, also with
``dataclasses.replace``, ``fields``, ``asdict`` and ``is_dataclass``: the attributes that these read
are computed when they are read.

A field that is annotated as a ``PurePath`` also accepts a string, which becomes a path when the
field is first read: importing ``pathlib`` takes as long as reading a small library, and most runs
only print the path.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from dataclasses import dataclass, field, replace
    from pathlib import PurePath
    from types import MappingProxyType
    from typing import TypeVar

    __all__ = [
        "MappingProxyType",
        "dataclass",
        "field",
        "given_path",
        "is_record",
        "late_path",
        "put_together",
        "replace",
        "taken_apart",
    ]

    Record = TypeVar("Record")

    def late_path(text: str) -> PurePath:
        """The string, typed as a path, for a field that becomes a path when it is read."""

    def given_path(value: object, name: str) -> str | None:
        """The string in a path field, if it is not a path yet and its path has the same spelling.

        None if the field is already a path, or if ``pathlib`` might normalise the string.
        """

    def is_record(value: object) -> bool:
        """Whether a value is a class made by this module, or an instance of one."""

    def taken_apart(value: object) -> list[object]:
        """The fields in order, with paths as strings."""

    def put_together(cls: type[Record], fields: Iterable[object]) -> Record:
        """The instance of ``cls`` with the fields that ``taken_apart`` returned."""
else:
    MappingProxyType = type(type.__dict__)  # as in ``types``, which would be slow to import

    _MISSING = object()

    class field:  # replaces the function of that name
        """A default that is made anew for each instance, or a field not compared or not shown."""

        __slots__ = ("compare", "default", "default_factory", "repr")

        def __init__(self, *, default=_MISSING, default_factory=_MISSING, repr=True, compare=True):
            self.default, self.default_factory = default, default_factory
            self.repr, self.compare = repr, compare

        def made(self):
            """The default for one instance; ``_MISSING`` if there is none."""
            return self.default if self.default_factory is _MISSING else self.default_factory()

    def dataclass(*, frozen, slots):
        """A decorator; ``frozen`` and ``slots`` must be true, and are there for the reader."""
        if not (frozen and slots):
            raise TypeError("records.dataclass makes only frozen, slotted classes")
        return _record

    def is_record(value):
        """Whether a value is a class made by this module, or an instance of one."""
        return (value if isinstance(value, type) else type(value)) in _SPECS

    def taken_apart(value):
        """The fields in order, with paths as strings."""
        fields = [slot.__get__(value) for slot in _SPECS[type(value)][3]]
        pathlib = sys.modules.get("pathlib")
        if pathlib is None:  # so no field can be a path yet
            return fields
        return [str(each) if isinstance(each, pathlib.PurePath) else each for each in fields]

    def put_together(cls, fields):
        """The instance of ``cls`` with the fields that ``taken_apart`` returned."""
        value = object.__new__(cls)
        _setstate(value, fields)
        return value

    def replace(value, /, **changes):
        """A copy with some fields changed."""
        return value.__replace__(**changes)

    def _record(cls):
        body = dict(cls.__dict__)
        names = tuple(body.get("__annotations__", ()))
        specs = {}
        for name in names:
            if name in body:
                specs[name] = body.pop(name)
        for name in ("__dict__", "__weakref__"):
            body.pop(name, None)
        body.update(_METHODS)
        body["__slots__"] = body["__match_args__"] = names
        body["__dataclass_fields__"] = _Late(_fields)
        body["__dataclass_params__"] = _Late(_params)
        body["__signature__"] = _Late(_signature)
        made = type(cls)(cls.__name__, cls.__bases__, body)
        made.__qualname__ = cls.__qualname__
        slots = tuple(made.__dict__[name] for name in names)
        _SPECS[made] = (names, tuple(slot.__set__ for slot in slots), specs, slots)
        for name, slot in zip(names, slots):  # of equal length
            kind = cls.__annotations__[name]
            if "PurePath" in kind and "PurePath" in kind.split(" | "):
                setattr(made, name, _PathSlot(slot))
        return made

    _SPECS = {}

    def _field(specs, name):
        """The ``field`` of a name; a plain default, or none, is wrapped in one."""
        spec = specs.get(name, _MISSING)
        return spec if type(spec) is field else field(default=spec)

    class _PathSlot:
        """A field that holds a path; a string in it becomes a path when the field is read."""

        __slots__ = ("slot",)

        def __init__(self, slot) -> None:
            self.slot = slot

        def __get__(self, instance, _cls):
            if instance is None:
                return self
            value = self.slot.__get__(instance)
            if isinstance(value, str):
                from pathlib import PurePath

                value = PurePath(value)
                self.slot.__set__(instance, value)
            return value

    def late_path(text):
        """The string itself."""
        return text

    def given_path(value, name):
        """The string in a field, unless ``pathlib`` might normalise it."""
        held = getattr(type(value), name).slot.__get__(value)
        if not isinstance(held, str):
            return None
        plain = _plain_paths.get(held)
        if plain is None:
            strange = held == "." or held.startswith(os.sep * 2)
            plain = _plain_paths[held] = not strange and os.path.normpath(held) == held
        return held if plain else None

    _plain_paths = {}  # a cache: each path is checked a dozen times

    class _Late:
        """A class attribute that is computed each time it is read."""

        __slots__ = ("_make",)

        def __init__(self, make) -> None:
            self._make = make

        def __get__(self, _instance, cls):
            return self._make(cls)

    def _init(self, *args, **kwargs):
        names, setters, specs, _ = _SPECS[type(self)]
        given = len(args)
        if given > len(names):
            raise TypeError(f"{type(self).__name__} takes {len(names)} arguments, not {given}")
        for put, value in zip(setters, args):  # the others are keyword arguments
            put(self, value)
        for name, put in zip(names[given:], setters[given:]):  # of equal length
            if name in kwargs:
                put(self, kwargs.pop(name))
                continue
            default = specs.get(name, _MISSING)
            if type(default) is field:
                default = default.made()
            if default is _MISSING:
                raise TypeError(f"{type(self).__name__} is missing the argument {name!r}")
            put(self, default)
        if kwargs:
            raise TypeError(
                f"{type(self).__name__} has no field {next(iter(kwargs))!r}, or was given it twice"
            )

    def _compared(self):
        names, _, specs, _ = _SPECS[type(self)]
        return tuple(getattr(self, name) for name in names if _field(specs, name).compare)

    def _eq(self, other):
        return _compared(self) == _compared(other) if type(other) is type(self) else NotImplemented

    def _hash(self):
        return hash(_compared(self))

    def _repr(self):
        names, _, specs, _ = _SPECS[type(self)]
        shown = ", ".join(
            f"{name}={getattr(self, name)!r}" for name in names if _field(specs, name).repr
        )
        return f"{type(self).__qualname__}({shown})"

    def _refuse_set(_self, name, _value):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def _refuse_delete(_self, name):
        from dataclasses import FrozenInstanceError

        raise FrozenInstanceError(f"cannot delete field {name!r}")

    def _getstate(self):
        return [getattr(self, name) for name in _SPECS[type(self)][0]]

    def _setstate(self, state):
        for put, value in zip(_SPECS[type(self)][1], state, strict=True):
            put(self, value)

    def _replaced(self, /, **changes):
        names, _, _, slots = _SPECS[type(self)]
        kept = {name: slot.__get__(self) for name, slot in zip(names, slots)}  # of equal length
        return type(self)(**{**kept, **changes})

    _METHODS = {
        "__init__": _init,
        "__eq__": _eq,
        "__hash__": _hash,
        "__repr__": _repr,
        "__setattr__": _refuse_set,
        "__delattr__": _refuse_delete,
        "__getstate__": _getstate,
        "__setstate__": _setstate,
        "__replace__": _replaced,
    }

    def _standard(cls):
        """The class that ``dataclasses`` would have made of the same fields."""
        import dataclasses

        names, _, specs, _ = _SPECS[cls]
        rows = []
        for name in names:
            spec = _field(specs, name)
            options = {"repr": spec.repr, "compare": spec.compare}
            if spec.default is not _MISSING:
                options["default"] = spec.default
            elif spec.default_factory is not _MISSING:
                options["default_factory"] = spec.default_factory
            rows.append((name, cls.__annotations__[name], dataclasses.field(**options)))
        return dataclasses.make_dataclass(cls.__name__, rows, frozen=True, slots=True)

    def _fields(cls):
        return _standard(cls).__dataclass_fields__

    def _params(cls):
        return _standard(cls).__dataclass_params__

    def _signature(cls):
        import inspect

        return inspect.signature(_standard(cls))
