"""Overview: documents by name, their sections, and representative passages.

The question it answers: which document is meant, what are its sections, which passages cover it?

chapters.py           Chapters of a document, counted: which of its headings are chapters, and which
                      stand beside them.
document_outline.py   Outline of a document: its headings, definitions, pages or other parts, each
                      with an id.
excerpt.py            Excerpt of a document: the span that lines, pages or a section mean, cut to a
                      length.
facility_location.py  Selects a few vectors that represent many: facility location.
mentions.py           Finds every mention of a word or a phrase, exactly.
representatives.py    Selects passages that represent a whole section.
resolve.py            Resolves a name in a question to documents, or to sections of documents.
sections.py           Divides documents into a few sections of similar size.
telling_sentences.py  The telling sentences of a part, ranked.
text_window.py        Window of a long document: a stretch of its text with the landmarks inside,
                      shown as a page.
topic_signatures.py   Topic signatures: the terms that set a part of a text apart from the rest, and
                      its names.

layers/
    cell_groups.py        Groups of neighbouring nodes, so that a band has a bounded number of
                          cells.
    document_layers.py    The layers of a document, or of a span of it.
    layer_view.py         Views of layers: a scope, its bands of cells, and what a question lit in
                          them.
    light.py              The light of cells: how far the score of each stands out for a question.
    lit_passages.py       The passages that a question found, each with the scores on the way down
                          to it.
    meaning_plane.py      The plane of meaning of a view: similar atoms lie in similar directions
                          from its middle.
    shelf_layers.py       The layers of many documents: those of a folder, or all.
    telling_words.py      Telling words of texts beside one another, as short labels.
    view_builder.py       Builder of views of layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.overview.chapters import (
        ChapterList,
        HeadingRange,
        list_chapters,
    )
    from crystalcli.overview.document_outline import (
        DocumentOutline,
        OutlineEntry,
        OutlinePart,
        document_parts,
        find_section,
        outline_document,
    )
    from crystalcli.overview.excerpt import (
        Excerpt,
        cut_span,
        lines_span,
        pages_span,
        window_around,
    )
    from crystalcli.overview.layers.layer_view import (
        LayerBand,
        LayerCell,
        LayerCrumb,
        LayerScope,
        LayerView,
        LitPassage,
        LitStep,
        UnitText,
    )
    from crystalcli.overview.layers.lit_passages import (
        lit_passages,
    )
    from crystalcli.overview.layers.view_builder import (
        build_layer_view,
    )
    from crystalcli.overview.mentions import (
        DocumentMentions,
        Mention,
        documents_with,
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
    from crystalcli.overview.telling_sentences import (
        TellingSentence,
        rank_telling,
    )
    from crystalcli.overview.text_window import (
        TextWindow,
        read_window,
        window_start,
    )
    from crystalcli.overview.topic_signatures import (
        ComparedTerms,
        TopicSignature,
        compare_terms,
        part_signatures,
        prominent_names,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "chapters": (
                "ChapterList",
                "HeadingRange",
                "list_chapters",
                "lit_passages",
            ),
            "excerpt": (
                "Excerpt",
                "cut_span",
                "lines_span",
                "pages_span",
                "window_around",
            ),
            "layers.layer_view": (
                "LayerBand",
                "LayerCell",
                "LayerCrumb",
                "LayerScope",
                "LayerView",
                "LitPassage",
                "LitStep",
                "UnitText",
            ),
            "layers.lit_passages": ("lit_passages",),
            "layers.view_builder": ("build_layer_view",),
            "mentions": (
                "DocumentMentions",
                "Mention",
                "documents_with",
                "find_mentions",
            ),
            "document_outline": (
                "DocumentOutline",
                "OutlineEntry",
                "OutlinePart",
                "document_parts",
                "find_section",
                "outline_document",
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
            "telling_sentences": (
                "TellingSentence",
                "rank_telling",
            ),
            "text_window": (
                "TextWindow",
                "read_window",
                "window_start",
            ),
            "topic_signatures": (
                "ComparedTerms",
                "TopicSignature",
                "compare_terms",
                "part_signatures",
                "prominent_names",
            ),
        },
    )

__all__ = [
    "ChapterList",
    "ComparedTerms",
    "DocumentMentions",
    "DocumentOutline",
    "DocumentRange",
    "Excerpt",
    "HeadingRange",
    "LayerBand",
    "LayerCell",
    "LayerCrumb",
    "LayerScope",
    "LayerView",
    "LitPassage",
    "LitStep",
    "Mention",
    "OutlineEntry",
    "OutlinePart",
    "Section",
    "TellingSentence",
    "TextWindow",
    "TopicSignature",
    "UnitText",
    "build_layer_view",
    "compare_terms",
    "cut_span",
    "document_parts",
    "documents_with",
    "find_mentions",
    "find_section",
    "holding_all",
    "lines_span",
    "list_chapters",
    "lit_passages",
    "nearest_names",
    "opening_section",
    "outline_document",
    "pages_span",
    "part_signatures",
    "prominent_names",
    "rank_telling",
    "read_window",
    "relevance_of",
    "representative_passages",
    "resolve_documents",
    "split_sections",
    "whole_document",
    "window_around",
    "window_start",
]
