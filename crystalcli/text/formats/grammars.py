"""Grammars of programming languages: the files they read, and the nodes that are definitions.

Knows languages, by the names that tree-sitter's grammars give to the nodes and fields of their
trees. Does not know landmarks (definitions.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

COMMENT = frozenset(("comment",))


class Grammar(NamedTuple):
    """The nodes of a language's syntax tree that definitions are found by.

    Attributes:
        package: of the parser.
        definitions: kinds of nodes that are a function, a class, a method and so on, with the
            field that holds the name, or, as in C, the declarator around the name, or a key of
            definition_names.NAMERS.
        values: kinds of nodes that are a definition if they hold a function, with the fields of
            name and value.
        scopes: kinds of nodes, such as a namespace, that name the definitions in them without
            being one, with the field that holds the name.
        above: kinds of nodes that belong to the definition on the next line.
        joint: between the name of a class and that of its method.
        function: of the package, which returns the language.
        argument: of the function, in a package of several languages; "" for one of one language.
    """

    package: str
    definitions: Mapping[str, str]
    values: Mapping[str, tuple[str, str]] = {}
    scopes: Mapping[str, str] = {}
    above: frozenset[str] = COMMENT
    joint: str = "."
    function: str = "language"
    argument: str = ""


def _named(kinds: str) -> dict[str, str]:
    """Map kinds of nodes, separated by spaces, to the field "name"."""
    return dict.fromkeys(kinds.split(), "name")


# Kinds of values that make the node around them a definition.
FUNCTIONS = frozenset(("arrow_function", "function_expression", "generator_function", "class"))
DECORATED = frozenset(("comment", "decorator"))
_VALUES = {
    "variable_declarator": ("name", "value"),
    "pair": ("key", "value"),
    "assignment_expression": ("left", "right"),
    "field_definition": ("property", "value"),
    "public_field_definition": ("name", "value"),
}
_ECMASCRIPT = _named("function_declaration generator_function_declaration class_declaration method_definition")
_TYPESCRIPT = _ECMASCRIPT | _named(
    "abstract_class_declaration interface_declaration enum_declaration type_alias_declaration function_signature "
    "abstract_method_signature"
)
_MODULES = {"internal_module": "name"}
_C = {"function_definition": "declarator", "type_definition": "declarator"} | _named(
    "struct_specifier union_specifier enum_specifier preproc_function_def"
)
_BLOCK_COMMENTS = frozenset(("line_comment", "block_comment"))
_SQL_THINGS = ("table", "view", "materialized_view", "function", "procedure", "trigger", "type", "index")
_CPP = _C | _named("class_specifier concept_definition")

GRAMMARS = {
    "python": Grammar("tree_sitter_python", _named("function_definition class_definition"), above=DECORATED),
    "javascript": Grammar("tree_sitter_javascript", _ECMASCRIPT, _VALUES, above=DECORATED),
    "typescript": Grammar(
        "tree_sitter_typescript", _TYPESCRIPT, _VALUES, _MODULES, DECORATED, function="language_typescript"
    ),
    "tsx": Grammar("tree_sitter_typescript", _TYPESCRIPT, _VALUES, _MODULES, DECORATED, function="language_tsx"),
    "go": Grammar("tree_sitter_go", _named("function_declaration method_declaration type_spec type_alias")),
    "rust": Grammar(
        "tree_sitter_rust",
        {
            **_named("function_item function_signature_item struct_item enum_item union_item trait_item type_item"),
            "macro_definition": "name",
            "impl_item": "type",
        },
        scopes={"mod_item": "name"},
        above=frozenset(("line_comment", "block_comment", "attribute_item")),
        joint="::",
    ),
    "c": Grammar("tree_sitter_c", _C),
    "cpp": Grammar(
        "tree_sitter_cpp",
        _CPP,
        scopes={"namespace_definition": "name"},
        above=frozenset(("comment", "template_parameter_list")),
        joint="::",
    ),
    "java": Grammar(
        "tree_sitter_java",
        _named(
            "class_declaration interface_declaration enum_declaration record_declaration annotation_type_declaration "
            "method_declaration constructor_declaration compact_constructor_declaration"
        ),
        above=frozenset(("line_comment", "block_comment")),
    ),
    "csharp": Grammar(
        "tree_sitter_c_sharp",
        _named(
            "class_declaration struct_declaration interface_declaration enum_declaration record_declaration "
            "delegate_declaration method_declaration constructor_declaration destructor_declaration "
            "property_declaration local_function_statement"
        ),
    ),
    "ruby": Grammar("tree_sitter_ruby", _named("class module method singleton_method"), joint="::"),
    "php": Grammar(
        "tree_sitter_php",
        _named(
            "function_definition class_declaration interface_declaration trait_declaration enum_declaration "
            "method_declaration"
        ),
        joint="::",
        function="language_php",
    ),
    "bash": Grammar("tree_sitter_bash", _named("function_definition")),
    # Those of the extra `grammars`.
    "dart": Grammar(
        "tree_sitter_dart_orchard",
        _named("class_definition enum_declaration extension_declaration extension_type_declaration")
        | {"mixin_declaration": "@dart_mixin"}
        | dict.fromkeys(("function_declaration", "method_declaration", "constructor_signature"), "@dart"),
        above=frozenset(("comment", "documentation_comment")),
    ),
    "elixir": Grammar("tree_sitter_elixir", {"call": "@elixir"}, above=frozenset(("comment", "unary_operator"))),
    "julia": Grammar(
        "tree_sitter_julia",
        {"module_definition": "name"}
        | dict.fromkeys(
            ["function_definition", "macro_definition", "struct_definition", "abstract_definition", "assignment"],
            "@julia",
        ),
        above=frozenset(("line_comment", "block_comment", "string_literal")),
    ),
    "kotlin": Grammar(
        "tree_sitter_kotlin",
        _named("class_declaration object_declaration function_declaration")
        | {"secondary_constructor": "@constructor", "type_alias": "type"},
        above=_BLOCK_COMMENTS,
    ),
    "lua": Grammar("tree_sitter_lua", {"function_declaration": "name", "assignment_statement": "@lua_value"}),
    "r": Grammar(
        "semble_grammars",
        dict.fromkeys(("binary_operator", "call", "argument"), "@r"),
        function="get_language",
        argument="r",
    ),
    "scala": Grammar(
        "tree_sitter_scala",
        _named(
            "class_definition object_definition trait_definition enum_definition function_definition "
            "function_declaration given_definition package_object"
        ),
        above=frozenset(("comment", "block_comment")),
    ),
    "sql": Grammar(
        "tree_sitter_sql",
        dict.fromkeys((f"create_{thing}" for thing in _SQL_THINGS), "@sql"),
        above=frozenset(("comment", "marginalia")),
    ),
    "swift": Grammar(
        "tree_sitter_swift",
        _named(
            "class_declaration protocol_declaration function_declaration protocol_function_declaration "
            "typealias_declaration"
        )
        | {"init_declaration": "@init"},
        above=frozenset(("comment", "multiline_comment")),
    ),
    "zig": Grammar(
        "tree_sitter_zig",
        {"function_declaration": "name", "variable_declaration": "@zig", "test_declaration": "@zig"},
    ),
}
# Kinds that are a definition only with a body; without one they name a type defined elsewhere.
WITH_BODY = frozenset(("struct_specifier", "union_specifier", "enum_specifier", "class_specifier"))
_SUFFIXES = {
    "python": ".py .pyi",
    "javascript": ".js .mjs .cjs .jsx",
    "typescript": ".ts .mts .cts",
    "tsx": ".tsx",
    "go": ".go",
    "rust": ".rs",
    "c": ".c",
    "cpp": ".cc .cpp .cxx .hh .hpp .hxx .inl .cu .cuh .h",
    "java": ".java",
    "csharp": ".cs",
    "ruby": ".rb",
    "php": ".php",
    "bash": ".sh .bash",
    "dart": ".dart",
    "elixir": ".ex .exs",
    "julia": ".jl",
    "kotlin": ".kt .kts",
    "lua": ".lua",
    "r": ".r",
    "scala": ".scala .sc .sbt",
    "sql": ".sql",
    "swift": ".swift",
    "zig": ".zig",
}
_BY_SUFFIX = {suffix: language for language, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_BY_NAME = {"rakefile": "ruby", "gemfile": "ruby", "vagrantfile": "ruby"}
# Programs in the first line of a script, such as `#!/usr/bin/env python3`.
_BY_PROGRAM = {
    "python": "python",
    "node": "javascript",
    "ruby": "ruby",
    "php": "php",
    "bash": "bash",
    "sh": "bash",
    "Rscript": "r",
}
# Beginnings of lines that a header of C++ has, and one of C does not.
_ONLY_CPP = ("class ", "namespace ", "template <", "template<", "public:", "private:", "protected:", "constexpr ")


def detect_language(path: Path, text: str) -> str:
    """Return the language of a file of source code.

    Args:
        path: of the file.
        text: its beginning at least.

    Returns:
        A name in GRAMMARS, or "" for a language without a grammar that is installed.
    """
    language = _language_of(path, text)
    return language if language and _is_installed(GRAMMARS[language].package) else ""


@cache
def _is_installed(package: str) -> bool:
    return find_spec(package) is not None


def _language_of(path: Path, text: str) -> str:
    suffix, name = path.suffix.lower(), path.name.lower()
    if suffix == ".h":
        lines = (line.lstrip() for line in text.split("\n"))
        return "cpp" if any(line.startswith(_ONLY_CPP) for line in lines) else "c"
    if suffix in _BY_SUFFIX or name in _BY_NAME:
        return _BY_SUFFIX.get(suffix) or _BY_NAME[name]
    if suffix or not text.startswith("#!"):
        return ""
    words = text.split("\n", 1)[0][2:].replace("/", " ").split()
    programs = [word.rstrip("0123456789.") for word in words if word not in ("usr", "bin", "local", "env", "-S")]
    return _BY_PROGRAM.get(programs[0], "") if programs else ""
