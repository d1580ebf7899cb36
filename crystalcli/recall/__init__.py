"""Recall: a question to ranked passages.

The question it answers: which passages answer this question best, and where are they?

asked_value.py          Values that a question asks for: counts, days, times, shares and lengths
                        that sentences state.
aspects.py              Aspects of a question: things that it names side by side, each of which is
                        recalled by itself.
citation.py             Citations: a span of a document read back from the crystal, and its place.
content_dates.py        Dates of what a crystal holds: of messages, of sections, and of documents.
date_expressions.py     Dates in words and figures: "2026-03", "last week", "since March", "2 weeks
                        ago".
document_score.py       Signal of the document: its name, and its words outside of the atom.
duplicates.py           Duplicates: the other places of a passage's text.
event_order.py          Order of events: a question for it gets many short quotations, in order of
                        time.
exact_score.py          Signal of exact strings: identifiers, quotations, numbers with units and
                        paths as they stand.
fate_score.py           Signal of fates: a question for a death or an end in a story is answered
                        where that is told.
filter_mask.py          The mask of a filter: the atoms that a question may be answered from, and
                        the parts of documents.
instruction_match.py    Standing instructions: what a person told an assistant to do, from then on,
                        behind the best one.
introduction_score.py   Signal of introductions: who somebody is, is told where a book first names
                        them.
layer_score.py          Signals of the layers: nearness of clusters and units to the question.
layer_trace.py          The trace of a recall: the scores that each layer gave, from all atoms down
                        to the passages.
lexical_score.py        Signal of an atom's own words: BM25 over the sum of the question's idf.
memory_strength.py      Strength of memories: how slowly what was told fades, by its importance and
                        its use.
memory_use.py           Memory of recall: the parts that grow with the crystal, and the base.
name_identification.py  Identification: where a question asks who somebody is, a passage that says
                        it comes first.
name_mentions.py        Mentions of a name: the atoms that have it or a part of it, in the books
                        that tell of it most.
name_score.py           Signal of a definition's name, in source code of few definitions.
named_definition.py     Signal of a named definition: the function or class that a question calls by
                        its name.
own_words.py            Own words in short: what a person wrote to an assistant, from its beginning
                        to what answers.
page_score.py           Signal of the page that an atom is on, in documents that are made of pages.
passages.py             Passages from ranked atoms: whole sentences, each with its place.
plain_words.py          Signal of plain words: what a user asks in words of their own, a manual
                        answers.
query.py                A question prepared for ranking, ranked atoms, and the results of a recall.
question_frame.py       The frame of a question: words that say where and how, and not what.
recall_notes.py         Notes of what was recalled, kept in the crystal for later: memories, and
                        text without layers.
recency.py              Recency: dated messages lose score by their age, on the forgetting curve.
reencode.py             Re-encoding: the best candidates are ordered by exact vectors.
relative_dates.py       Relative dates in dated texts, resolved: "yesterday" of 3 May 2026 is 2 May
                        2026.
rerank.py               Reranking: the best passages are read together with the question, and
                        ordered anew.
score_arrays.py         Statistics of scores: the highest, mean and deviation, sums of z-scores.
score_table.py          The score table: a row for each candidate atom, a column for each signal.
searcher.py             The searcher: from a question to passages, coarse to fine.
session.py              The reading half of an open crystal: recall, citations, contents.
statement_lines.py      Lines of financial statements that a ratio is made of, or that an
                        abbreviation stands for.
subject_match.py        The subject of a question that documents are named after: passages about
                        others come later.
updates.py              Updates: where a person says that something has changed, this comes before
                        what was said first.
voice_score.py          Signal of the voice: in chats with an assistant a person's own words come
                        before its answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.recall.citation import (
        cite_span,
    )
    from crystalcli.recall.content_dates import (
        day_at,
        document_day,
        heading_day,
        message_of,
    )
    from crystalcli.recall.date_expressions import (
        DateMention,
        find_dates,
        iso_date,
        parse_days,
        parse_period,
    )
    from crystalcli.recall.event_order import (
        EventQuestion,
        event_question,
    )
    from crystalcli.recall.filter_mask import (
        FilterMask,
        is_author,
        is_same_person,
        make_filter_mask,
        rooted,
    )
    from crystalcli.recall.instruction_match import (
        INSTRUCTION,
        MOST_INSTRUCTIONS,
    )
    from crystalcli.recall.layer_trace import (
        LayerTrace,
    )
    from crystalcli.recall.memory_strength import (
        RECALLS_KEY,
        MemoryStrength,
        join_recalls,
        read_recalls,
        strength_of,
    )
    from crystalcli.recall.memory_use import (
        MemoryPart,
        MemoryReport,
        growing_bytes,
        measure_memory,
        resident_bytes,
    )
    from crystalcli.recall.named_definition import (
        DEFINITION_JOINTS,
        module_parts,
    )
    from crystalcli.recall.own_words import (
        BEGINNING,
        is_own,
        whole_words,
        without_reply,
    )
    from crystalcli.recall.page_score import (
        PAGED_KIND,
    )
    from crystalcli.recall.passages import (
        PassageBuilder,
        sentences_within,
    )
    from crystalcli.recall.plain_words import asks_in_plain_words
    from crystalcli.recall.query import (
        PreparedQuery,
        Results,
        ScoredAtom,
    )
    from crystalcli.recall.recall_notes import (
        RecallNotes,
    )
    from crystalcli.recall.recency import (
        HALF_LIFE,
        recency_of,
    )
    from crystalcli.recall.relative_dates import (
        format_day,
        relative_days,
        with_resolved_dates,
    )
    from crystalcli.recall.rerank import (
        RERANKER,
        rerank_passages,
    )
    from crystalcli.recall.searcher import (
        Searcher,
        lexical_query,
    )
    from crystalcli.recall.session import (
        ME_KEY,
        CrystalReader,
    )
    from crystalcli.recall.subject_match import (
        SUBJECT,
        spell_out,
    )
    from crystalcli.recall.voice_score import (
        CHAT_KIND,
        is_of_oneself,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "citation": ("cite_span",),
            "content_dates": ("day_at", "document_day", "heading_day", "message_of"),
            "date_expressions": (
                "DateMention",
                "find_dates",
                "format_day",
                "iso_date",
                "parse_days",
                "parse_period",
            ),
            "event_order": ("EventQuestion", "event_question"),
            "filter_mask": (
                "FilterMask",
                "is_author",
                "is_same_person",
                "make_filter_mask",
                "rooted",
            ),
            "instruction_match": ("INSTRUCTION", "MOST_INSTRUCTIONS"),
            "layer_trace": ("LayerTrace",),
            "memory_strength": (
                "RECALLS_KEY",
                "MemoryStrength",
                "join_recalls",
                "read_recalls",
                "strength_of",
            ),
            "memory_use": (
                "MemoryPart",
                "MemoryReport",
                "growing_bytes",
                "measure_memory",
                "resident_bytes",
            ),
            "named_definition": ("DEFINITION_JOINTS", "module_parts"),
            "own_words": ("BEGINNING", "is_own", "whole_words", "without_reply"),
            "page_score": ("PAGED_KIND",),
            "passages": (
                "PassageBuilder",
                "sentences_within",
            ),
            "plain_words": ("asks_in_plain_words",),
            "query": (
                "PreparedQuery",
                "Results",
                "ScoredAtom",
            ),
            "recall_notes": ("RecallNotes",),
            "recency": ("HALF_LIFE", "recency_of"),
            "relative_dates": (
                "format_day",
                "relative_days",
                "with_resolved_dates",
            ),
            "rerank": (
                "RERANKER",
                "rerank_passages",
            ),
            "searcher": (
                "Searcher",
                "lexical_query",
            ),
            "session": ("ME_KEY", "CrystalReader"),
            "subject_match": (
                "SUBJECT",
                "spell_out",
            ),
            "voice_score": ("CHAT_KIND", "is_of_oneself"),
        },
    )

__all__ = [
    "BEGINNING",
    "CHAT_KIND",
    "DEFINITION_JOINTS",
    "HALF_LIFE",
    "INSTRUCTION",
    "ME_KEY",
    "MOST_INSTRUCTIONS",
    "PAGED_KIND",
    "RECALLS_KEY",
    "RERANKER",
    "SUBJECT",
    "CrystalReader",
    "DateMention",
    "EventQuestion",
    "FilterMask",
    "LayerTrace",
    "MemoryPart",
    "MemoryReport",
    "MemoryStrength",
    "PassageBuilder",
    "PreparedQuery",
    "RecallNotes",
    "Results",
    "ScoredAtom",
    "Searcher",
    "asks_in_plain_words",
    "cite_span",
    "day_at",
    "document_day",
    "event_question",
    "find_dates",
    "format_day",
    "growing_bytes",
    "heading_day",
    "is_author",
    "is_of_oneself",
    "is_own",
    "is_same_person",
    "iso_date",
    "join_recalls",
    "lexical_query",
    "make_filter_mask",
    "measure_memory",
    "message_of",
    "module_parts",
    "parse_days",
    "parse_period",
    "read_recalls",
    "recency_of",
    "relative_days",
    "rerank_passages",
    "resident_bytes",
    "rooted",
    "sentences_within",
    "spell_out",
    "strength_of",
    "whole_words",
    "with_resolved_dates",
    "without_reply",
]
