"""The filter of a question, from options and from its words, read against the names of a crystal.

Knows: the documents and authors of a crystal. Does not know: forms of words; `filter_words` does.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import fields, replace
from datetime import date
from functools import cached_property

from crystalcli.answering.request.filter_words import read_filter_words
from crystalcli.datatypes import DocumentState, FilterReading, RecallFilter
from crystalcli.overview import resolve_documents
from crystalcli.recall import CrystalReader, is_of_oneself, rooted
from crystalcli.storage import SourceRow

_WORD = re.compile(r"[^\W\d_]+")
_STEM = 4  # letters of a word that its forms share
_MOST_DOCUMENTS = 5  # that a name in a question may mean; a name of more is a word like any other


def read_filter(
    crystal: CrystalReader, question: str, where: RecallFilter | None = None, today: date | None = None
) -> FilterReading:
    """Read the filter of a question.

    Args:
        crystal: The crystal.
        question: The question.
        where: The filter that options say; the words of the question add to it, and change nothing
            of it.
        today: The day that dates in the words are counted from; None: the newest date in the text.

    Returns:
        The filter, and what the words said of it.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    options = where or RecallFilter()
    with crystal.snapshot():
        words = read_filter_words(question, _CrystalNames(crystal), today)
    found = words.recall_filter
    has_period = options.since is not None or options.until is not None
    added = {
        field.name: getattr(found, field.name)
        for field in fields(RecallFilter)
        if getattr(found, field.name)
        and not getattr(options, field.name)
        and not (has_period and field.name in ("since", "until", "by_content"))
    }
    if options.within or options.kinds:
        added = {name: value for name, value in added.items() if name not in ("within", "kinds")}
    combined = replace(options, **added)
    me = crystal.me if is_of_oneself(question) and not combined.people else ""
    return FilterReading(combined, options, combined, words.newest, words.rest, words.bare and bool(added), me)


class _CrystalNames:
    """The names of a crystal, looked up when they are asked for.

    Args:
        crystal: The crystal, inside a snapshot.
    """

    def __init__(self, crystal: CrystalReader) -> None:
        self._crystal = crystal

    @cached_property
    def _sources(self) -> list[SourceRow]:
        readable = [source for source in self._crystal.shelf.store.sources() if source.chunks]
        return [source for source in readable if source.state != DocumentState.GONE] or readable

    @cached_property
    def _authors(self) -> dict[str, int]:
        return self._crystal.authors()

    @cached_property
    def _stems(self) -> set[str]:
        names = " ".join(f"{rooted(source)} {source.title}" for source in self._sources).casefold()
        return {word[:_STEM] for word in _WORD.findall(names)}

    def authors(self) -> Collection[str]:
        """Give the authors of messages."""
        return self._authors

    def documents(self, phrase: str) -> tuple[str, ...]:
        """Give the names of the documents that a phrase means; () for a section, or for many.

        A folder of chats counts with any number of them; of other folders only one at the top.
        """
        longest = max(_WORD.findall(phrase.casefold()), key=len, default="")
        if longest[:_STEM] not in self._stems:  # looking a phrase up takes a millisecond or more
            return ()
        if (folder := self.folder(phrase)) and " " not in phrase:
            below = [source for source in self._sources if f"/{folder}/" in f"/{rooted(source)}"]
            is_chats = all(source.kind in ("chat", "mail", "code") for source in below)
            is_top = all(rooted(source).startswith(f"{folder}/") for source in below)
            return (folder,) if is_chats or is_top else ()
        ranges = resolve_documents(self._crystal.shelf.store, self._sources, phrase)
        if not ranges or len(ranges) > _MOST_DOCUMENTS or any(part.label for part in ranges):
            return ()
        return tuple(dict.fromkeys(part.source.path for part in ranges))

    def folder(self, noun: str) -> str:
        """Give the folder of that name, as it is written; "" without one."""
        folded = noun.casefold()
        names = (folder for source in self._sources for folder in rooted(source).split("/")[:-1])
        return next((name for name in names if name.casefold() == folded), "")

    def kinds(self) -> Collection[str]:
        """Give the kinds of documents."""
        return {source.kind for source in self._sources}

    def newest_day(self) -> date | None:
        """Give the newest date in the text; None where nothing is dated."""
        return self._crystal.newest_day(by_content=True)
