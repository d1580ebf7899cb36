"""Names of definitions in languages whose grammars do not keep them in a field of the node.

Knows the trees of Dart, Elixir, Julia, Lua, R, SQL, Swift, Kotlin and Zig. Does not know files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

# Words that begin a definition in Elixir, in which every line is a call.
_ELIXIR = frozenset(
    [
        "defmodule",
        "defprotocol",
        "defimpl",
        "def",
        "defp",
        "defmacro",
        "defmacrop",
        "defguard",
        "defguardp",
        "defdelegate",
    ]
)
# Functions of R that make a class, and those that define what their first argument names.
_R_CLASSES = frozenset(("R6Class", "setClass", "setRefClass", "new_class"))
_R_DEFINERS = _R_CLASSES | {"setGeneric", "setMethod", "setClassUnion"}
_R_ASSIGNMENTS = frozenset(("<-", "<<-", "="))
_ZIG_TYPES = frozenset(("struct_declaration", "enum_declaration", "union_declaration", "opaque_declaration"))
_NAME_ENDS = re.compile(r"[({<\s]")
_MAX_DEPTH = 6  # of a name below its definition


def _text(node: Node | None) -> str:
    return " ".join((node.text or b"").decode("utf-8", "replace").split()) if node is not None else ""


def _child(node: Node | None, *kinds: str) -> Node | None:
    """Return the first child of one of these kinds."""
    return next((child for child in node.named_children if child.type in kinds), None) if node is not None else None


def _dart(node: Node) -> str:
    """Name a function, a method or a constructor by its signature."""
    for _ in range(_MAX_DEPTH):
        names = node.children_by_field_name("name")
        if names:
            return ".".join(_text(name) for name in names if name.is_named)
        if node.type == "factory_constructor_signature":
            return ".".join(_text(child) for child in node.named_children if child.type == "identifier")
        if node.type == "operator_signature":
            return _text(node).partition("(")[0].partition("operator")[2].strip()
        inner = next((child for child in node.named_children if child.type.endswith("_signature")), None)
        if inner is None:
            return ""
        node = inner
    return ""


def _dart_mixin(node: Node) -> str:
    return _text(_child(node, "identifier", "type_identifier"))


def _elixir(node: Node) -> str:
    if _text(node.child_by_field_name("target")) not in _ELIXIR:
        return ""
    arguments = _child(node, "arguments")
    name = arguments.named_children[0] if arguments is not None and arguments.named_children else None
    if name is not None and name.type == "binary_operator":  # `f(x) when x > 1`
        name = name.child_by_field_name("left")
    if name is not None and name.type == "call":
        name = name.child_by_field_name("target")
    return _text(name) if name is not None and name.type in ("alias", "identifier") else ""


def _julia(node: Node) -> str:
    """Name a function by what its signature calls, and a type by the first word of its head."""
    head = _child(node, "signature", "type_head")
    if node.type == "assignment":  # `tide(x) = 2`
        head = node.named_children[0] if node.named_children else None
        if head is None or head.type not in ("call_expression", "where_expression", "typed_expression"):
            return ""
    return _NAME_ENDS.split(_text(head))[0]


def _lua_value(node: Node) -> str:
    """Name a variable or a field that holds a function."""
    names, values = _child(node, "variable_list"), _child(node, "expression_list")
    if names is None or values is None or not values.named_children:
        return ""
    return _text(names.named_children[0]) if values.named_children[0].type == "function_definition" else ""


def _r(node: Node) -> str:
    """Name a function by the variable that it is assigned to, a class, and a method of one."""
    if node.type == "call":  # `setMethod("show", "Lamp", …)`
        is_value = node.parent is not None and node.parent.type == "binary_operator"
        return _r_string(node) if _r_called(node) in _R_DEFINERS and not is_value else ""
    name, value = node.child_by_field_name("lhs"), node.child_by_field_name("rhs")
    if node.type == "argument":  # `R6Class("Lamp", public = list(burn = function(n) …))`
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        methods = node.parent.parent if node.parent is not None else None
        holder = methods.parent if methods is not None else None
        made_by = holder.parent.parent if holder is not None and holder.parent is not None else None
        if _r_called(methods) != "list" or _r_called(made_by) not in _R_CLASSES:
            return ""
    elif _text(node.child_by_field_name("operator")) not in _R_ASSIGNMENTS:
        return ""
    if value is None or not (value.type == "function_definition" or _r_called(value) in _R_CLASSES):
        return ""
    return _text(name).strip("`\"'") if name is not None and name.type in ("identifier", "string") else ""


def _r_called(node: Node | None) -> str:
    """Return the name of the function that a call calls, without its package."""
    if node is None or node.type != "call":
        return ""
    return _text(node.child_by_field_name("function")).rpartition(":")[2]


def _r_string(call: Node) -> str:
    """Return the first argument of a call, a string."""
    argument = _child(call.child_by_field_name("arguments"), "argument")
    return _text(_child(argument, "string")).strip("\"'")


def _sql(node: Node) -> str:
    if node.type == "create_index":
        return _text(node.child_by_field_name("column"))
    return _text(_child(node, "object_reference"))


def _zig(node: Node) -> str:
    """Name a type that is the value of a variable, and a test."""
    if node.type == "test_declaration":
        return _text(_child(node, "string", "identifier")).strip('"')
    return _text(_child(node, "identifier")) if _child(node, *_ZIG_TYPES) is not None else ""


# By what stands in a grammar in place of a field.
NAMERS: Mapping[str, Callable[[Node], str]] = {
    "@constructor": lambda _: "constructor",
    "@dart": _dart,
    "@dart_mixin": _dart_mixin,
    "@elixir": _elixir,
    "@init": lambda _: "init",
    "@julia": _julia,
    "@lua_value": _lua_value,
    "@r": _r,
    "@sql": _sql,
    "@zig": _zig,
}
