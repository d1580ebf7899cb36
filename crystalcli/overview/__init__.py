"""Overview: documents by name, their sections, and passages that represent all of them.

The question it answers: which document is meant, what are its sections, which passages cover it?

facility_location.py  A few of many vectors that stand for all of them: facility location, chosen
                      greedily.
mentions.py           Every place where a word or a phrase stands, exactly: the lexical index says
                      which chunks to read, their text is what counts.
representatives.py    Passages that stand for the whole of something: some of every part, spread
                      over its chapters and files.
resolve.py            Which documents, or parts of them, are meant by a name in a question: "Moby
                      Dick", "app.py", "chapter 12 of Emma", "docs".
sections.py           A document, or many, divided into a few parts of like size: at its chapters,
                      along its folders, and nowhere else if it can be helped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.overview.mentions import (
        DocumentMentions,
        Mention,
        find_mentions,
    )
    from crystalcli.overview.representatives import (
        holding_all,
        relevance_of,
        representative_passages,
    )
    from crystalcli.overview.resolve import (
        DocumentRange,
        nearest_names,
        resolve_documents,
        whole_document,
    )
    from crystalcli.overview.sections import (
        Section,
        opening_section,
        split_sections,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "mentions": (
                "DocumentMentions",
                "Mention",
                "find_mentions",
            ),
            "representatives": (
                "holding_all",
                "relevance_of",
                "representative_passages",
            ),
            "resolve": (
                "DocumentRange",
                "nearest_names",
                "resolve_documents",
                "whole_document",
            ),
            "sections": (
                "Section",
                "opening_section",
                "split_sections",
            ),
        },
    )

__all__ = [
    "DocumentMentions",
    "DocumentRange",
    "Mention",
    "Section",
    "find_mentions",
    "holding_all",
    "nearest_names",
    "opening_section",
    "relevance_of",
    "representative_passages",
    "resolve_documents",
    "split_sections",
    "whole_document",
]
