"""Recall: a question to ranked passages.

The question it answers: which passages answer this question best, and where do they stand?

citation.py        A span of a document as a citation: its text read back from the crystal, and
                   where just that span stands.
document_score.py  What the document that an atom stands in says for it, whatever the atom itself
                   says: its name, and its other words.
duplicates.py      Where else a passage stands: text is stored once, and every place that has it can
                   be cited.
memory_use.py      What recall keeps in memory, counted: what grows with the crystal, and the base
                   that does not.
name_score.py      What its name says for a definition that stands alone in its file, or nearly so.
page_score.py      What the page that an atom stands on says for it, in documents that are made of
                   pages.
passages.py        From ranked atoms to passages: whole sentences, with neighbours that were
                   recalled too, and the place of each.
query.py           A question made ready for ranking, the atoms that ranking gives, and the results
                   of a recall.
recency.py         Recall that prefers what was said lately: what is dated loses by its age, on the
                   forgetting curve. Knows the dates of messages alone.
reencode.py        The last candidates encoded again from their text, so that exact vectors decide
                   among them. Costs torch and some tenths of a second.
searcher.py        From a question to passages, coarse to fine: atoms and BM25 choose candidates,
                   clusters and units put them in order.
session.py         An open crystal, read: recalled from, cited, looked into. All that answers need
                   of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.recall.memory_use import (
        MemoryPart,
        MemoryReport,
        growing_bytes,
        measure_memory,
        resident_bytes,
    )
    from crystalcli.recall.page_score import (
        PAGED_KIND,
    )
    from crystalcli.recall.passages import (
        PassageBuilder,
    )
    from crystalcli.recall.query import (
        PreparedQuery,
        Results,
        ScoredAtom,
    )
    from crystalcli.recall.recency import (
        recency_of,
    )
    from crystalcli.recall.searcher import (
        Searcher,
        lexical_query,
    )
    from crystalcli.recall.session import (
        CrystalReader,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "memory_use": (
                "MemoryPart",
                "MemoryReport",
                "growing_bytes",
                "measure_memory",
                "resident_bytes",
            ),
            "page_score": ("PAGED_KIND",),
            "passages": ("PassageBuilder",),
            "query": (
                "PreparedQuery",
                "Results",
                "ScoredAtom",
            ),
            "recency": ("recency_of",),
            "searcher": (
                "Searcher",
                "lexical_query",
            ),
            "session": ("CrystalReader",),
        },
    )

__all__ = [
    "PAGED_KIND",
    "CrystalReader",
    "MemoryPart",
    "MemoryReport",
    "PassageBuilder",
    "PreparedQuery",
    "Results",
    "ScoredAtom",
    "Searcher",
    "growing_bytes",
    "lexical_query",
    "measure_memory",
    "recency_of",
    "resident_bytes",
]
