"""Statements of dated documents: sentences of notes, diaries, chats and mail that make a claim.

A document is read once by each version of the rules, after its text is committed, so that a crystal
that was made before gets its statements with the next ingest. Documents of other kinds, and those
without dates, are not opened.

Knows: landmarks and dates of documents. Does not know: what supersedes what.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from crystalcli.datatypes import CONVERSATION_KIND, MEMORY_KIND, NOTES
from crystalcli.index import ChunkReader, name_day
from crystalcli.memories.claim import ToldClaim, read_statement
from crystalcli.memories.effective_date import effective_day
from crystalcli.recall import heading_day, message_of
from crystalcli.storage import SourceRow, StatementRow, Store, landmarks_of
from crystalcli.text import is_assistant, is_chat_owner, parse_front_matter

RULES = 3  # raised where a document has to be read anew
_KINDS = frozenset(NOTES - {MEMORY_KIND, CONVERSATION_KIND})
_BATCH = 500  # documents of a transaction
_LONGEST = 200  # characters of a sentence
_FRONT_MATTER = 4000  # characters
_SENTENCE = re.compile(
    r"[^\s][^\n]*?(?:(?<!\bDr)(?<!\bMr)(?<!\bMs)(?<!\bMrs)(?<!\bSt)(?<!\bNo)(?<!\bno)[.!?;]+(?=\s|\Z)|(?=\n)|\Z)"
)
_FENCED = re.compile(r"\ufeff?(---|\+\+\+)[ \t]*\r?\n.{0,4000}?\r?\n(?:\1|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_MARKER = re.compile(r"[-*+•] +(?:\[[ x]\] +)?|\d{1,2}[.)] +")
_LIKELY = re.compile(r"\d|\b(?:is|are|['’]m|am|lives?|living|works?|working|moved|joined|started)\b|: [A-Z]")


class _Part(NamedTuple):
    """A part of a document by one author and of one day.

    Attributes:
        start: Its first character.
        author: The author, "" for the writer of notes; None where it is not read.
        day: Its day.
    """

    start: int
    author: str | None
    day: str


def read_new_statements(store: Store) -> int:
    """Read the statements of all documents that were not read by these rules yet.

    Args:
        store: The crystal, open for writing.

    Returns:
        The number of statements found.
    """
    known = store.statement_rules()
    waiting = [
        source
        for source in store.sources()
        if source.chunks and source.kind in _KINDS and known.get(source.id) != RULES
    ]
    reader, found = ChunkReader(store), 0
    for first in range(0, len(waiting), _BATCH):
        batch = waiting[first : first + _BATCH]
        rows = {source.id: list(statements_of(store, reader, source)) for source in batch}
        if not store.keeps_statements and (not any(rows.values()) or not store.add_new_tables()):
            continue  # a file of an older version stays one until there is a statement to keep
        with store.transaction():
            for source in batch:
                upheld = {(row.claim, row.value) for row in store.statements(source.id) if row.upheld}
                store.drop_statements(source.id)
                store.put_statements(
                    row._replace(upheld=int((row.claim, row.value) in upheld)) for row in rows[source.id]
                )
                found += len(rows[source.id])
            store.put_statement_rules([source.id for source in batch], RULES)
    return found


def statements_of(store: Store, reader: ChunkReader, source: SourceRow) -> Iterator[StatementRow]:
    """Read the statements of a document, in order; none without dates."""
    parts = _parts_of(store, reader, source)
    if not parts:
        return
    is_note = parts[0].author == "" and not store.landmark_count(source.id, "message")
    scope = _scope_of(source)
    for part, text in _texts_of(reader, source, parts):
        if part.author is None or not part.day:
            continue
        # The facts of front matter are about the document.
        head = _head_length(text, part.author) if part.start or not is_note else _front_matter_end(text)
        for start, sentence in sentences_of(text, head):
            claim = read_statement(sentence, part.author, is_note=is_note)
            if claim is None:
                continue
            # What holds from a later day on is dated by that.
            day = effective_day(sentence, part.day, claim.aspect)
            day = part.day if day == part.day[:10] else day
            yield StatementRow(
                source.id, part.start + start, len(sentence), day, part.author, _scoped(claim, scope),
                claim.shown, int(claim.negated),
            )  # fmt: skip


def sentences_of(text: str, begin: int = 0) -> Iterator[tuple[int, str]]:
    """Give the sentences of a text that may state how things are, each with its first character.

    Args:
        text: The text.
        begin: The first character that is read.
    """
    for match in _SENTENCE.finditer(text, begin):
        sentence, start = match[0], match.start()
        if marker := _MARKER.match(sentence):
            sentence, start = sentence[marker.end() :], start + marker.end()
        sentence = sentence.rstrip()
        if 5 < len(sentence) <= _LONGEST and sentence[0] not in "#>|" and _LIKELY.search(sentence):
            yield start, sentence


def _head_length(text: str, author: str) -> int:
    """Count the characters of the head of a message, "[2024-05-01 10:30] Ann: "."""
    match = re.match(r"(?:\[[^\]\n]{1,40}\] )?", text)
    offset = match.end() if match is not None else 0
    return offset + len(author) + 2 if author and text.startswith(f"{author}: ", offset) else offset


def _front_matter_end(text: str) -> int:
    match = _FENCED.match(text)
    return match.end() if match is not None else 0


def _parts_of(store: Store, reader: ChunkReader, source: SourceRow) -> list[_Part]:
    """Divide a document by its messages, else by its dated sections; [] without any date."""
    parts = []
    for start, label in landmarks_of(store, source.id, "message"):
        author, day = message_of(label)
        owner = "" if is_chat_owner(author) else author
        parts.append(_Part(start, None if is_assistant(author) else owner, str(day or "")))
    if parts:
        return parts if any(part.day for part in parts) else []
    otherwise: date | str | None = name_day(source.path, source.kind, strict=True)
    if otherwise is None and source.kind == "markdown":
        beginning = "".join(_chunk_texts(reader, source, _FRONT_MATTER))
        otherwise = parse_front_matter(beginning[:_FRONT_MATTER]).date
    days = [(start, heading_day(label, source)) for start, label in landmarks_of(store, source.id, "heading")]
    parts = [_Part(0, "", str(otherwise or ""))]
    parts += [_Part(start, "", str(day or otherwise or "")) for start, day in days]
    return parts if any(part.day for part in parts) else []


def _texts_of(reader: ChunkReader, source: SourceRow, parts: Sequence[_Part]) -> Iterator[tuple[_Part, str]]:
    """Give each part with its text, holding no more than one part."""
    texts = _chunk_texts(reader, source)
    buffer, begin = "", 0
    for number, part in enumerate(parts):
        end = parts[number + 1].start if number + 1 < len(parts) else source.characters
        while begin + len(buffer) < end and (more := next(texts, None)) is not None:
            buffer += more
        yield part, buffer[max(0, part.start - begin) : end - begin]
        buffer, begin = buffer[end - begin :], end


def _chunk_texts(reader: ChunkReader, source: SourceRow, limit: int | None = None) -> Iterator[str]:
    """Give the texts of a document's chunks, in order, until so many characters were given."""
    given = 0
    for chunk in reader.of(source.id):
        text = reader.text(chunk)
        given += len(text)
        yield text
        if limit is not None and given >= limit:
            return


def _scope_of(source: SourceRow) -> str:
    """Name the documents in which the same words mean the same thing.

    Those of one folder where each has its date in its name, as diaries and channels of Slack; else
    the document alone.
    """
    leaf = source.path.rpartition("/")
    return (
        f"{source.kind} {leaf[0]}"
        if name_day(source.path, source.kind, strict=True) is not None
        else f"{source.kind} {source.path}"
    )


def _scoped(claim: ToldClaim, scope: str) -> str:
    """Give the key of a claim; what no person owns is the same thing in one scope alone."""
    subject, _, aspect = claim.key.rpartition("|")
    is_of_person = "@" in subject and (" " in subject or aspect.startswith(("home", "work")))
    return claim.key if is_of_person else f"{claim.key}|{scope}"
