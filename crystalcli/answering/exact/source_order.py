"""The order of source files in an answer: source, then examples, then tests, then prose.

Knows: paths and kinds of documents. Does not know: their texts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from crystalcli.datatypes import DocumentState
from crystalcli.index import IndexReader
from crystalcli.storage import SourceRow

SOURCE, EXAMPLE, TEST, PROSE = 0, 1, 2, 3
_TEST_FOLDERS = frozenset(("test", "tests", "testing", "spec", "specs", "__tests__", "e2e", "testdata"))
_EXAMPLE_FOLDERS = frozenset(
    (
        "example",
        "examples",
        "doc",
        "docs",
        "demo",
        "demos",
        "sample",
        "samples",
        "bench",
        "benchmarks",
        "scripts",
        "extra",
    )
)
_TEST_FILE = re.compile(r"test_.*|.*[_.](?:test|spec|tests)\.\w+|conftest\.py|.*Tests?\.(?:java|cs|kt|php)")
_CONFIG_FILE = re.compile(r".*\.(?:toml|ini|cfg|conf|ya?ml|json|env|properties)", re.IGNORECASE)
_WHOLE = re.compile(
    r"(?:(?:the|this|that|my|our|your|all|whole|entire|source|code|code ?base|repo|repository|project|crystal|library|package|"
    r"here|we|i|you|they|it|memory)\b ?)+",
    re.IGNORECASE,
)
_SCOPE_NOUN = re.compile(
    r"\A(?:the |this |that )|(?:'s)? (?:repo|repository|project|code ?base|code|source(?: code)?|package|library|module|file|"
    r"folder|directory)\Z",
    re.IGNORECASE,
)


def source_rank(source: SourceRow) -> int:
    """Rank a document: SOURCE, EXAMPLE, TEST or PROSE."""
    if source.kind != "code" and not is_config(source):
        return PROSE
    *folders, name = source.path.lower().split("/")
    if not _TEST_FOLDERS.isdisjoint(folders) or _TEST_FILE.fullmatch(source.path.rpartition("/")[2]):
        return TEST
    return EXAMPLE if not _EXAMPLE_FOLDERS.isdisjoint(folders) or name in ("setup.py", "noxfile.py") else SOURCE


def is_code(source: SourceRow) -> bool:
    """Tell whether a document is source code or a configuration file."""
    return source_rank(source) != PROSE


def is_config(source: SourceRow) -> bool:
    """Tell whether a document is a configuration file."""
    return _CONFIG_FILE.fullmatch(source.path) is not None


def readable_sources(index: IndexReader) -> list[SourceRow]:
    """List the documents with text; files that are gone only where there are no others."""
    readable = [source for source in index.store.sources() if source.chunks]
    return [source for source in readable if source.state != DocumentState.GONE] or readable


def sources_in_scope(sources: Sequence[SourceRow], scope: str) -> list[SourceRow]:
    """Select the documents that a question is limited to.

    Args:
        sources: The documents to choose from.
        scope: A repository (a folder that was ingested), a folder or a file, as the question
            writes it; "" for all.

    Returns:
        The documents; empty if the scope means none.
    """
    if not scope or _WHOLE.fullmatch(scope):
        return list(sources)
    name = scope.strip(" /`\"'").lower()
    while (shorter := _SCOPE_NOUN.sub("", name)) != name:
        name = shorter
    return [source for source in sources if _is_in(source, name)]


def _is_in(source: SourceRow, name: str) -> bool:
    """Tell whether a document is, or stands in, what has a name in lower case."""
    path = source.path.lower()
    is_in_folder = f"/{name}/" in f"/{path}/" or source.root.lower().rstrip("/").rpartition("/")[2] == name
    return is_in_folder or path.rpartition("/")[2].partition(".")[0] == name
