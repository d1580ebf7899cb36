"""Memories told, edited, pinned and forgotten: each in one short transaction.

A memory is committed before it is indexed. Where another program writes the crystal, that program
indexes it at its next commit; else it is indexed at once.

Knows: the table `memory`, what may be told. Does not know: questions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import NoReturn

from crystalcli.datatypes import CONVERSATION_KIND, MEMORY_KIND
from crystalcli.errors import CrystalError, NotFoundError, UsageError
from crystalcli.index import Encoder
from crystalcli.ingest import index_waiting
from crystalcli.memories.claim import read_claim
from crystalcli.memories.supersession import HOLDS, settle_claims
from crystalcli.recall import parse_days
from crystalcli.storage import MemoryRow, Store

MAX_MEMORY_CHARACTERS = 100_000  # a longer text is a document
_MAX_AUTHOR = 100  # characters
_MAX_TAG = 50  # characters
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(?::\d\d)?)?")
_TAG = re.compile(r"[\w/-]*[^\W\d_][\w/-]*")
_ID = re.compile(r"[0-9a-f]{1,8}")


def tell_memory(
    store: Store,
    encoder: Encoder,
    text: str,
    *,
    author: str = "",
    dated: str = "",
    tags: Sequence[str] = (),
    pinned: bool = False,
    now: datetime | None = None,
) -> MemoryRow:
    """Keep a sentence or a note as a document of its own.

    Args:
        store: The crystal, as of `Store.open_for_telling`.
        encoder: Its encoder, whose tokenizer says where chunks end.
        text: The text.
        author: Who tells it.
        dated: The day that it speaks of: "2026-09-20", "2026-09-20 14:30", "yesterday"; "" for now.
        tags: Its tags, with or without `#`.
        pinned: Whether it is pinned.
        now: The time at which it is told; None for the system's clock.

    Returns:
        Its row.

    Raises:
        UsageError: The text is empty or too long, or the date, the author or a tag cannot be used.
        CrystalError: The crystal's format has no memories, or it cannot be written.
    """
    now = now or datetime.now().astimezone()
    body = _checked_text(text)
    row = MemoryRow(
        "", 0, MEMORY_KIND, "", _checked_date(dated, now), int(now.timestamp()),
        check_author(author), " ".join(_checked_tags(tags)), int(pinned), body,
    )  # fmt: skip
    row = row._replace(claim=_claim_key(row))
    _need_table(store)
    with store.transaction():
        number = store.free_memory_id(row)
        row = row._replace(id=number, document=f"memories/{row.dated[:10]}-{number}")
        store.put_memory(row)
        settle_claims(store, [row.claim])
    return _indexed(store, encoder, row)


def tell_turn(
    store: Store, encoder: Encoder, document: str, messages: Sequence[tuple[str, str]], now: datetime | None = None
) -> None:
    """Keep messages of a conversation, at the end of its document.

    Args:
        store: The crystal, as of `Store.open_for_telling`.
        encoder: Its encoder.
        document: The name of the conversation's document.
        messages: Authors and texts, in order; an author is "" for the person without a name.
        now: The time; None for the system's clock.

    Raises:
        CrystalError: The crystal's format has no conversations, or it cannot be written.
    """
    now = now or datetime.now().astimezone()
    _need_table(store)
    with store.transaction():
        for author, text in messages:
            row = MemoryRow(
                "", 0, CONVERSATION_KIND, document, f"{now:%Y-%m-%d %H:%M}", int(now.timestamp()),
                author, "", 0, text[:MAX_MEMORY_CHARACTERS].replace("\0", "\N{REPLACEMENT CHARACTER}"),
            )  # fmt: skip
            store.put_memory(row._replace(id=store.free_memory_id(row)))
    if not store.shared:
        index_waiting(store, encoder)


def edit_memory(store: Store, encoder: Encoder, number: str, text: str) -> MemoryRow:
    """Give a memory another text; its date, its tags and its id stay.

    Args:
        store: The crystal, as of `Store.open_for_telling`.
        encoder: Its encoder.
        number: The id, or its beginning.
        text: The new text.

    Raises:
        NotFoundError: No memory has the id.
        UsageError: The text is empty or too long, or several ids begin like that.
    """
    body, row = _checked_text(text), find_memory(store, number)
    if body == row.text:
        return row
    with store.transaction():
        _drop_document(store, row)
        old_key = row.claim
        row = row._replace(source=0, document=f"memories/{row.dated[:10]}-{row.id}", text=body)
        row = row._replace(claim=_claim_key(row))
        store.put_memory(row)
        settle_claims(store, [old_key, row.claim])
    return _indexed(store, encoder, row)


def pin_memories(store: Store, numbers: Sequence[str], *, pinned: bool = True) -> list[MemoryRow]:
    """Pin memories, or take the pins away.

    Args:
        store: The crystal, as of `Store.open_for_telling`.
        numbers: Their ids, or the beginnings of these.
        pinned: Whether they are pinned from now on.

    Raises:
        NotFoundError: No memory has an id; nothing is changed.
    """
    with store.transaction():
        rows = [find_memory(store, number)._replace(pinned=int(pinned)) for number in dict.fromkeys(numbers)]
        store.put_memories(rows)
    return rows


def uphold_memories(store: Store, numbers: Sequence[str], *, holds: bool = True) -> list[MemoryRow]:
    """Decide by hand that memories still hold, or leave that to what was told since.

    Args:
        store: The crystal, as of `Store.open_for_telling`.
        numbers: Their ids, or the beginnings of these.
        holds: Whether nothing supersedes them from now on.

    Raises:
        NotFoundError: No memory has an id; nothing is changed.
    """
    with store.transaction():
        rows = [find_memory(store, number) for number in dict.fromkeys(numbers)]
        store.put_memories([row._replace(successor=HOLDS if holds else "") for row in rows])
        settle_claims(store, [row.claim for row in rows])
        return [find_memory(store, row.id) for row in rows]


def forget_memories(store: Store, numbers: Sequence[str]) -> list[MemoryRow]:
    """Forget memories. Their text stays in the bytes of the file until `compact`.

    Args:
        store: The crystal, as of `Store.open_for_telling`.
        numbers: Their ids, or the beginnings of these.

    Raises:
        NotFoundError: No memory has an id; nothing is forgotten then.
    """
    with store.transaction():
        rows = {row.id: row for row in (find_memory(store, number) for number in numbers)}
        for row in rows.values():
            _drop_document(store, row)
            store.drop_memory(row.id)
        settle_claims(store, [row.claim for row in rows.values()])
    return list(rows.values())


def find_memory(store: Store, number: str) -> MemoryRow:
    """Find a memory by its id, the beginning of its id, or the name of its document.

    Raises:
        NotFoundError: No memory has it.
        UsageError: Several ids begin like that.
    """
    prefix = number.strip().lower().rpartition("-")[2]
    rows = store.memories_like(prefix) if _ID.fullmatch(prefix) else []
    if not rows:
        raise NotFoundError(f"no memory {number.strip() or repr(number)}; `crystal memories` lists them")
    if len(rows) > 1:
        raise UsageError(f"several memories begin with {prefix}: {', '.join(row.id for row in rows)}")
    return rows[0]


def _indexed(store: Store, encoder: Encoder, row: MemoryRow) -> MemoryRow:
    """Index what waits, where this program has the crystal to itself, and read a memory again."""
    if store.shared:
        return row
    index_waiting(store, encoder)
    return find_memory(store, row.id)


def _claim_key(row: MemoryRow) -> str:
    claim = read_claim(row.text, row.author)
    return claim.key if claim is not None else ""


def _drop_document(store: Store, row: MemoryRow) -> None:
    """Delete the document of a memory, inside a transaction."""
    if row.source:
        store.clear_source(row.source)
        store.drop_source(row.source)


def _need_table(store: Store) -> None:
    if not store.add_new_tables():
        raise CrystalError(
            f"{store.path} has format version {store.format}, which keeps no memories: "
            "`crystal compact` makes it one that does"
        )


# --- what may be told -----------------------------------------------------------------------------


def _checked_text(text: str) -> str:
    body = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not body:
        raise UsageError("there is nothing to remember: the text is empty")
    if len(body) > MAX_MEMORY_CHARACTERS:
        raise UsageError(
            f"the text has {len(body):,} characters; a memory has {MAX_MEMORY_CHARACTERS:,} at most: "
            "`crystal ingest` reads longer ones"
        )
    if "\0" in body or any("\ud800" <= letter <= "\udfff" for letter in body):
        raise UsageError("the text is not text in UTF-8")
    return body


def _checked_date(written: str, now: datetime) -> str:
    """Read the date of a memory: a day, a day and a time, or words such as "yesterday"."""
    words = " ".join(written.split())
    if not words:
        return f"{now:%Y-%m-%d %H:%M}"
    if match := _DATE.fullmatch(words):
        try:
            datetime.fromisoformat(words)
        except ValueError:
            _refuse_date(written)
        return match[1] + (f" {match[2]}" if match[2] else "")
    relative = {"today": 0, "yesterday": 1}.get(words.lower())
    if relative is not None:
        return (now.date() - timedelta(days=relative)).isoformat()
    try:
        day: date | None = parse_days(words, "--at", now.date())[0]
    except UsageError:
        day = None
    if day is None:
        _refuse_date(written)
    return day.isoformat()


def _refuse_date(written: str) -> NoReturn:
    raise UsageError(f"invalid date {written!r}: expected 2026-09-20, '2026-09-20 14:30', yesterday, '2 weeks ago'")


def check_author(author: str) -> str:
    """Give the name of a person as it is kept.

    Raises:
        UsageError: It is too long, or no name.
    """
    name = " ".join(author.split())
    if len(name) > _MAX_AUTHOR or not name.isprintable() or ":" in name:
        raise UsageError(
            f"invalid name {author!r:.120}: expected a name of up to {_MAX_AUTHOR} characters, without a colon"
        )
    return name


def _checked_tags(tags: Sequence[str]) -> list[str]:
    clean = [tag.strip().lstrip("#").lower() for tag in tags]
    for tag, given in zip(clean, tags, strict=True):
        if not _TAG.fullmatch(tag) or len(tag) > _MAX_TAG:
            raise UsageError(f"invalid tag {given!r:.80}: expected a word such as home or home/garden")
    return sorted(set(clean))
