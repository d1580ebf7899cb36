"""A jinja2 environment for templates from outside.

The size of intermediate results is bounded, too, not only that of the output.

Knows: jinja2's filters, methods and operators that make strings longer. Does not know: messages,
models.

jinja2's own sandbox keeps a template from Python's objects and from long ranges. A short one can
still ask for gigabytes: by padding, by formats, by putting a string twice into itself forty times.
Here every operation that makes a string longer is checked before it runs. Time is not bounded:
Ctrl-C is for that.
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

MAX_CHARACTERS = 1 << 22  # of a string
_ENTRY = 32  # characters that each entry of a list or a dictionary counts for, however deep
_MAX_NUMBER = 10_000  # an argument of a filter or a method: a width, a depth, a count
_WIDTH = re.compile(r"\d{5,}")  # in a format
# Methods of strings with results that are hard to foresee.
_REFUSED = frozenset(("translate", "expandtabs"))


class _CheckedConcat(CodeGenerator):
    """Compiles `a ~ b` to a call that can be checked."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.concat((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")


class Sandbox(ImmutableSandboxedEnvironment):
    """The environment. An operation that goes too far raises SecurityError."""

    intercepted_binops = frozenset(("*", "**", "%", "+"))
    code_generator_class = _CheckedConcat

    def __init__(self, **options: Any) -> None:
        super().__init__(finalize=_check_value, **options)
        self.globals.pop("lipsum", None)
        self.filters = {name: _bounded(name, function) for name, function in self.filters.items()}

    @staticmethod
    def concat(pieces: Iterable[object]) -> str:
        """Join what a block or a macro has written, and `a ~ b`."""
        texts, length = [], 0
        for piece in pieces:
            text = piece if isinstance(piece, str) else str(_check_value(piece))
            length += len(text)
            _check_length(length)
            texts.append(text)
        return "".join(texts)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Run an operator that may make much out of little."""
        if operator == "+":
            if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
                _check_length(len(left) + len(right))
            return super().call_binop(context, operator, left, right)
        if not all(isinstance(side, int | float) and abs(side) < 1e9 for side in (left, right)):
            raise SecurityError(f"`{operator}` is for small numbers only")
        if operator == "**" and abs(right) > 64:
            raise SecurityError("the exponent is too large")
        return super().call_binop(context, operator, left, right)

    def call(self, context: Any, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a function, a macro or a method."""
        owner = getattr(function, "__self__", None)
        if isinstance(owner, str):
            _check_method(owner, getattr(function, "__name__", ""), args, kwargs)
        return _check_value(super().call(context, function, *args, **kwargs))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        """Wrap `str.format`, which jinja2 runs itself, so that `call` does not see whose it is."""
        format_method = super().wrap_str_format(value)
        if format_method is None:
            return None
        text, name = value.__self__, value.__name__

        @functools.wraps(format_method)
        def checked(*args: Any, **kwargs: Any) -> str:
            _check_method(text, name, args, kwargs)
            return format_method(*args, **kwargs)

        return checked


def _bounded(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a filter so that its arguments are checked before, and its result afterwards."""
    # The value, and what jinja2 passes itself.
    leading = 2 if hasattr(function, "jinja_pass_arg") else 1

    @functools.wraps(function)
    def bounded(*args: Any, **kwargs: Any) -> Any:
        passed, value, rest = args[: leading - 1], args[leading - 1], args[leading:]
        _check_value(value)
        if name in ("replace", "format"):
            _check_method(str(value), name, rest, kwargs)
        elif name == "join":
            options = dict(zip(("d", "attribute"), rest, strict=False)) | kwargs
            if options.get("attribute") is not None:
                value = list(map(make_attrgetter(passed[0].environment, options["attribute"]), value))
            value = list(value)
            _check_join(str(options.get("d", "")), value)
            return _check_value(function(*passed, value, options.get("d", "")))
        elif name == "sum" and not all(isinstance(start, int | float) for start in (*rest[1:], kwargs.get("start", 0))):
            raise SecurityError("`sum` is for numbers only")
        _check_numbers(rest, kwargs)
        return _check_value(function(*passed, value, *rest, **kwargs))

    return bounded


def _check_method(text: str, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    """Check the result that a method of a string, or the filter of its name, would have."""
    _check_numbers(args, kwargs)
    if name in _REFUSED:
        raise SecurityError(f"`{name}` is not available")
    values = (*args, *kwargs.values())
    if name == "replace" and len(values) >= 2:
        old, new = str(kwargs.get("old", args[0] if args else "")), str(kwargs.get("new", values[1]))
        _check_length(len(text) + text.count(old) * len(new))
    elif name == "join" and args:
        items = list(args[0]) if isinstance(args[0], list | tuple | str | dict) else _refuse("join takes a list")
        _check_join(text, items)
    elif name in ("format", "format_map"):
        if _WIDTH.search(text):
            raise SecurityError("the width of the format is too large")
        longest = max((len(str(_check_value(value))) for value in values), default=0)
        width = max(longest, _MAX_NUMBER if "*" in text else 0)
        _check_length(len(text) + (text.count("{") + text.count("%")) * width)


def _check_join(separator: str, items: list[Any]) -> None:
    """Check the length of items with a separator between them."""
    length = len(separator) * len(items)
    _check_length(length)
    for item in items:
        length += len(item if isinstance(item, str) else str(_check_value(item)))
        _check_length(length)


def _check_numbers(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    for value in (*args, *kwargs.values()):
        if isinstance(value, int | float) and abs(value) > _MAX_NUMBER:
            raise SecurityError(f"{value} is too large a number here")
        _check_value(value)


def _check_value(value: Any) -> Any:
    """Give the value back unless it holds too much.

    A list twice in itself, forty times over, is written out whole.
    """
    waiting, weight = [value], 0
    while waiting:
        item = waiting.pop()
        weight += len(item) if isinstance(item, str | bytes) else _ENTRY
        if isinstance(item, list | tuple | set | frozenset):
            _check_length(weight + _ENTRY * len(item))
            waiting += item
        elif isinstance(item, dict):
            _check_length(weight + _ENTRY * len(item))
            waiting += (*item.keys(), *item.values())
        _check_length(weight)
    return value


def _check_length(length: int) -> None:
    if length > MAX_CHARACTERS:
        _refuse(f"a text of {length:,} characters")


def _refuse(what: str) -> Never:
    raise SecurityError(f"{what} is more than a template needs")
