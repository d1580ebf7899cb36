"""Opens a file as a document: what its bytes are, what kind of text they hold, and a way to read it in pieces.

Knows which kind a name and a first look make of a file, and which reader that needs. Does not know how bytes
become text (reader_bytes), where headings are (reader_markdown) or what is inside a PDF (reader_pdf).
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from crystalcli.errors import SourceError
from crystalcli.text.asked import PLAINLY, Asked, Options
from crystalcli.text.reader_bytes import MAGIC, Survey, survey
from crystalcli.types import Fingerprint, Reading

BINARY = frozenset(("pdf", "tar", *(name for _, name in MAGIC)))

MARKDOWN = frozenset((".md", ".markdown", ".mdown", ".mkd", ".mdx"))
# What is cut at definitions and brackets rather than at sentences. HTML and reStructuredText are prose with marks.
# fmt: off
CODE = frozenset((
    ".py", ".pyi", ".pyx", ".js", ".mjs", ".cjs", ".jsx", ".ts", ".mts", ".cts", ".tsx", ".vue", ".svelte",
    ".go", ".rs", ".zig", ".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx", ".inl", ".cu", ".cuh", ".m", ".mm",
    ".java", ".kt", ".kts", ".scala", ".groovy", ".gradle", ".clj", ".cljs", ".cs", ".fs", ".vb", ".swift", ".dart",
    ".rb", ".php", ".pl", ".pm", ".lua", ".tcl", ".r", ".jl", ".nim", ".d", ".sol", ".proto", ".graphql",
    ".hs", ".ml", ".mli", ".erl", ".ex", ".exs", ".elm", ".lisp", ".el", ".scm", ".rkt", ".f", ".f90", ".f95", ".pas",
    ".s", ".asm", ".glsl", ".wgsl", ".vert", ".frag", ".v", ".sv", ".vhd", ".vhdl",
    ".sh", ".bash", ".zsh", ".fish", ".ps1", ".bat", ".cmd", ".awk", ".sed", ".vim",
    ".sql", ".css", ".scss", ".sass", ".less", ".tf", ".nix", ".bzl", ".cmake", ".mk",
    ".json", ".json5", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".properties", ".xml", ".xsd", ".xsl", ".svg",
))
CODE_NAMES = frozenset((
    "makefile", "gnumakefile", "dockerfile", "containerfile", "jenkinsfile", "vagrantfile", "rakefile", "gemfile",
    "procfile", "justfile", "cmakelists.txt", "meson.build", "build", "build.bazel", "workspace", "sconstruct",
    "go.mod", "go.sum", ".bashrc", ".zshrc", ".profile", ".vimrc", ".editorconfig", ".gitignore", ".gitattributes",
    ".dockerignore",
))
# fmt: on


# The reader of each kind: a module of this room, imported when it is needed, and a class in it that is called with what
# `Asked` says and is a Reading.
READERS = {
    "text": "reader_plain:PlainReading",
    "markdown": "reader_plain:PlainReading",
    "code": "reader_code:CodeReading",
    "pdf": "reader_pdf:PdfReading",
}


def open_source(path: Path, options: Options = PLAINLY) -> tuple[Fingerprint, Reading]:
    """Reads the file once from end to end for its fingerprint and encoding, and hands back a way to read it again.

    Nothing is parsed yet: a caller who knows the fingerprint already pays for the hash and no more. Raises SourceError with a
    short reason that does not repeat the path; the reading raises the same when the file is no longer what it was.
    """
    seen = survey(path, options.piece, named_pdf=path.suffix.lower() == ".pdf")
    kind = _kind_of_bytes(path, seen) if seen.encoding in BINARY else kind_of(path, seen.head)
    module, name = READERS[kind].split(":")
    reader = getattr(import_module(f"crystalcli.text.{module}"), name)
    reading: Reading = reader(Asked(path, seen, kind, options))
    return seen.fingerprint, reading


def _kind_of_bytes(path: Path, seen: Survey) -> str:
    """The kind of a file that is no text, by its content. Raises SourceError for one that no reader takes."""
    if seen.encoding == "pdf":
        return "pdf"
    raise SourceError("binary file")


def kind_of(path: Path, head: bytes = b"") -> str:
    """ "markdown", "code" or "text", by the name, or by a first line like `#!/bin/sh` where the name says nothing."""
    suffix, name = path.suffix.lower(), path.name.lower()
    if suffix in MARKDOWN:
        return "markdown"
    if suffix in CODE or name in CODE_NAMES or name.startswith("dockerfile."):
        return "code"
    return "code" if not suffix and head.startswith(b"#!") else "text"
