"""A jinja2 environment for templates from outside: what one makes on the way is bounded, too, not only what it writes.

jinja2's own sandbox keeps a template from Python's objects and from long ranges. A short one can still ask for gigabytes: by padding,
by formats, by putting a string twice into itself forty times. Here every operation that makes a string longer is looked at before it
is carried out. Time is not bounded: Ctrl-C is for that.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Never

from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.filters import make_attrgetter
from jinja2.sandbox import ImmutableSandboxedEnvironment

LARGEST = 1 << 22  # characters of a string
_ENTRY = 32  # of them, for each thing that a list or a dictionary holds, however deep
_WIDEST = 10_000  # a number that is handed to a filter or a method: a width, a depth, a count
_WIDTH = re.compile(r"\d{5,}")  # in a format
_REFUSED = frozenset(
    ("translate", "expandtabs")
)  # methods of strings whose results are hard to foresee, and which none needs


class _Generator(CodeGenerator):
    """Compiles `a ~ b` to something that can be looked at."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.concat((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment. Whatever goes too far raises SecurityError."""

    intercepted_binops = frozenset(("*", "**", "%", "+"))
    code_generator_class = _Generator

    def __init__(self, **options: Any) -> None:
        super().__init__(finalize=_weighed, **options)
        self.globals.pop("lipsum", None)
        self.filters = {name: _bounded(name, function) for name, function in self.filters.items()}

    @staticmethod
    def concat(pieces: Iterable[object]) -> str:
        """What a block or a macro has written, and `a ~ b`, as one string."""
        made, length = [], 0
        for piece in pieces:
            text = piece if isinstance(piece, str) else str(_weighed(piece))
            length += len(text)
            _check(length)
            made.append(text)
        return "".join(made)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """An operator that may make much out of little."""
        if operator == "+":
            if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
                _check(len(left) + len(right))
            return super().call_binop(context, operator, left, right)
        if not all(isinstance(side, int | float) and abs(side) < 1e9 for side in (left, right)):
            raise SecurityError(f"`{operator}` is for small numbers only")
        if operator == "**" and abs(right) > 64:
            raise SecurityError("the exponent is too large")
        return super().call_binop(context, operator, left, right)

    def call(self, context: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """A function, a macro or a method."""
        owner = getattr(function, "__self__", None)
        if isinstance(owner, str):
            _method(owner, getattr(function, "__name__", ""), args, kwargs)
        return _weighed(super().call(context, function, *args, **kwargs))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """`str.format`, which jinja2 carries out itself, so that `call` does not see whose it is."""
        carried_out = super().wrap_str_format(value)
        if carried_out is None:
            return None
        text, name = value.__self__, value.__name__

        @functools.wraps(carried_out)
        def looked_at(*args: Any, **kwargs: Any) -> str:
            _method(text, name, args, kwargs)
            return carried_out(*args, **kwargs)

        return looked_at


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter whose arguments are looked at before, and its result afterwards."""
    given = 2 if hasattr(function, "jinja_pass_arg") else 1  # the value, and what jinja2 hands over itself

    @functools.wraps(function)
    def filtered(*args: Any, **kwargs: Any) -> Any:
        own, value, rest = args[: given - 1], args[given - 1], args[given:]
        _weighed(value)
        if name in ("replace", "format"):
            _method(str(value), name, rest, kwargs)
        elif name == "join":
            said = dict(zip(("d", "attribute"), rest, strict=False)) | kwargs
            if said.get("attribute") is not None:
                value = list(map(make_attrgetter(own[0].environment, said["attribute"]), value))
            value = list(value)
            _joined(str(said.get("d", "")), value)
            return _weighed(function(*own, value, said.get("d", "")))
        elif name == "sum" and not all(isinstance(each, int | float) for each in (*rest[1:], kwargs.get("start", 0))):
            raise SecurityError("`sum` is for numbers only")
        _numbers(rest, kwargs)
        return _weighed(function(*own, value, *rest, **kwargs))

    return filtered


def _method(text: str, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Looks at what a method of a string, or the filter of its name, would make of it."""
    _numbers(args, kwargs)
    if name in _REFUSED:
        raise SecurityError(f"`{name}` is not to be had")
    values = (*args, *kwargs.values())
    if name == "replace" and len(values) >= 2:
        old, new = str(kwargs.get("old", args[0] if args else "")), str(kwargs.get("new", values[1]))
        _check(len(text) + text.count(old) * len(new))
    elif name == "join" and args:
        _joined(text, list(args[0]) if isinstance(args[0], list | tuple | str | dict) else _refuse("join takes a list"))
    elif name in ("format", "format_map"):
        if _WIDTH.search(text):
            raise SecurityError("a format with such a width")
        longest = max((len(str(_weighed(each))) for each in values), default=0)
        _check(len(text) + (text.count("{") + text.count("%")) * max(longest, _WIDEST if "*" in text else 0))


def _joined(separator: str, items: list[Any]) -> None:
    """Looks at what items would be with a separator between them."""
    length = len(separator) * len(items)
    _check(length)
    for item in items:
        length += len(item if isinstance(item, str) else str(_weighed(item)))
        _check(length)


def _numbers(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    for each in (*args, *kwargs.values()):
        if isinstance(each, int | float) and abs(each) > _WIDEST:
            raise SecurityError(f"{each} is too large a number here")
        _weighed(each)


def _weighed(value: Any) -> Any:
    """The value, unless it holds too much: a list that stands twice in itself, forty times over, is written out whole."""
    waiting, weight = [value], 0
    while waiting:
        each = waiting.pop()
        weight += len(each) if isinstance(each, str | bytes) else _ENTRY
        if isinstance(each, list | tuple | set | frozenset):
            _check(weight + _ENTRY * len(each))
            waiting += each
        elif isinstance(each, dict):
            _check(weight + _ENTRY * len(each))
            waiting += (*each.keys(), *each.values())
        _check(weight)
    return value


def _check(length: int) -> None:
    if length > LARGEST:
        _refuse(f"a text of {length:,} characters")


def _refuse(what: str) -> Never:
    raise SecurityError(f"{what} is more than a template needs")
