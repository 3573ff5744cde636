"""String enumerations that take almost no time to define.

Importing ``enum`` takes as long as reading a small library, and creating each of its classes is
slow. A type checker sees the standard ``StrEnum``. At run time the members behave like the standard
ones: singleton strings that can be looked up by value or by name. ``auto()`` is not supported, and
the members are not instances of ``enum.Enum``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from enum import StrEnum

    __all__ = ["StrEnum"]
else:
    from torch_abi_audit.runtime.records import MappingProxyType

    class _Enumeration(type):
        """A class whose only instances are its members."""

        def __new__(cls, name, bases, body):
            for base in bases:
                if getattr(base, "__members__", None):
                    raise TypeError(f"{name} cannot extend {base.__name__}, which has members")
            given = {
                key: body.pop(key)
                for key, value in tuple(body.items())
                if not (key.startswith("_") or hasattr(value, "__get__"))  # the latter: methods
            }
            made = super().__new__(cls, name, bases, {"__slots__": (), **body})
            members = {}
            for key, value in given.items():
                member = _found(members.values(), value)
                members[key] = _member(made, key, value) if member is None else member
                super().__setattr__(made, key, members[key])
            super().__setattr__(made, "__members__", MappingProxyType(members))
            return made

        def __call__(cls, value):
            member = _found(cls, value)
            if member is None:
                known = ", ".join(repr(one.value) for one in cls)
                raise ValueError(f"{value!r} is not a valid {cls.__qualname__}; valid are {known}")
            return member

        def __getitem__(cls, name):
            return cls.__members__[name]

        def __iter__(cls):
            return iter(_distinct(cls))

        def __reversed__(cls):
            return reversed(_distinct(cls))

        def __len__(cls):
            return len(_distinct(cls))

        def __contains__(cls, value):
            return _found(cls, value) is not None

        def __bool__(cls):
            return True

        def __repr__(cls):
            return f"<enum {cls.__qualname__!r}>"

        def __setattr__(cls, name, _value):
            raise AttributeError(f"cannot set {name!r}: {cls.__qualname__} is an enumeration")

        def __delattr__(cls, name):
            raise AttributeError(f"cannot delete {name!r}: {cls.__qualname__} is an enumeration")

    class StrEnum(str, metaclass=_Enumeration):
        """The base class of an enumeration; each string in the class body becomes a member."""

        __slots__ = ("_name_", "_value_")

        @property
        def name(self):
            """The name of the member."""
            return self._name_

        @property
        def value(self):
            """The string of the member, as a plain ``str``."""
            return self._value_

        def __repr__(self):
            return f"<{type(self).__name__}.{self._name_}: {self._value_!r}>"

        def __setattr__(self, name, _value):
            raise AttributeError(f"cannot set {name!r} of a member")

        def __delattr__(self, name):
            raise AttributeError(f"cannot delete {name!r} of a member")

        def __reduce__(self):
            return type(self), (self._value_,)

    def _member(cls, name, value):
        if not isinstance(value, str):
            raise TypeError(f"{name} is {value!r}, which is not a string")
        member = str.__new__(cls, value)
        object.__setattr__(member, "_name_", name)
        object.__setattr__(member, "_value_", value)
        return member

    def _distinct(cls):
        """The members in order, without aliases."""
        return tuple(dict.fromkeys(cls.__members__.values()))

    def _found(members, value):
        return next((one for one in members if one == value), None)
