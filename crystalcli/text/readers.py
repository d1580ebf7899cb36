"""Opens a file as a document: what its bytes are, what kind of text they hold, and a way to read it in pieces.

Knows which kind a name and a first look make of a file, and which reader that needs. Does not know how bytes
become text (reader_bytes), where headings are (reader_markdown) or what is inside a PDF (reader_pdf).
"""

from __future__ import annotations

from pathlib import Path

from crystalcli.text.reader_bytes import PIECE, survey
from crystalcli.text.reader_pdf import PdfReading
from crystalcli.text.reader_plain import PlainReading
from crystalcli.types import Fingerprint, Reading

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


def open_source(path: Path, *, piece: int = PIECE) -> tuple[Fingerprint, Reading]:
    """Reads the file once from end to end for its fingerprint and encoding, and hands back a way to read it again.

    Nothing is parsed yet: a caller who knows the fingerprint already pays for the hash and no more. `piece` is how
    many bytes are held at a time. Raises SourceError with a short reason that does not repeat the path; the reading
    raises the same when the file is no longer what it was.
    """
    seen = survey(path, piece, named_pdf=path.suffix.lower() == ".pdf")
    if seen.encoding == "pdf":
        return seen.fingerprint, PdfReading(path, seen.fingerprint)
    return seen.fingerprint, PlainReading(path, seen, kind_of(path, seen.head), piece)


def kind_of(path: Path, head: bytes = b"") -> str:
    """ "markdown", "code" or "text", by the name, or by a first line like `#!/bin/sh` where the name says nothing."""
    suffix, name = path.suffix.lower(), path.name.lower()
    if suffix in MARKDOWN:
        return "markdown"
    if suffix in CODE or name in CODE_NAMES or name.startswith("dockerfile."):
        return "code"
    return "code" if not suffix and head.startswith(b"#!") else "text"
