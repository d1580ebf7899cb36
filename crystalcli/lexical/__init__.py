"""The lexical index: which atoms hold a term, and how well they match a question.

Knows: terms, atoms and bytes. Does not know: documents, files, or where blocks are stored.
Importing the room costs nothing: its files are loaded when a name is used.

accents.py        Accents: the spellings of a word with an accent, or without its own.
analysis.py       Text analysis: text to the terms that BM25 counts.
block_layout.py   The bytes of a block of the inverted index, in two layouts.
bm25.py           BM25 (Robertson and Zaragoza, "The probabilistic relevance framework", 2009) over
                  atoms.
exact_string.py   Exact strings of a question: identifiers, quotations, numbers with units, paths.
languages.py      Languages: which one a text is in, by its most frequent words, and how its words
                  are stemmed.
postings.py       The inverted index: sorted blocks of terms with their postings, small enough to
                  read one.
unicode_words.py  Words of text that is not ASCII: by letters with their marks, in one form of
                  Unicode.
varint.py         Variable-length integers: LEB128, seven bits a byte, low bits first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.lexical import bm25, varint
    from crystalcli.lexical.accents import (
        accented_spellings,
        without_accents,
    )
    from crystalcli.lexical.analysis import (
        ANALYSIS,
        NAMES_ONCE_SINCE,
        query_forms,
        query_terms,
        terms,
        terms_in,
        word_spans,
    )
    from crystalcli.lexical.block_layout import (
        plain_block,
    )
    from crystalcli.lexical.exact_string import (
        ExactString,
        exact_strings,
    )
    from crystalcli.lexical.languages import (
        ENGLISH,
        LANGUAGES,
        OTHER_SCRIPT,
        identify_language,
        question_language,
        stored_code,
    )
    from crystalcli.lexical.postings import (
        Block,
        BlockStore,
        PackedPostings,
        Postings,
        build_blocks,
        decode_block,
        find_postings,
        lookup_postings,
        merge_blocks,
        renumber_block,
        terms_with_prefix,
    )
    from crystalcli.lexical.unicode_words import (
        fold,
        fold_with_offsets,
        needs_no_boundary,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "accents": (
                "accented_spellings",
                "without_accents",
            ),
            "analysis": (
                "ANALYSIS",
                "NAMES_ONCE_SINCE",
                "query_forms",
                "query_terms",
                "terms",
                "terms_in",
                "word_spans",
            ),
            "block_layout": ("plain_block",),
            "bm25": (),
            "exact_string": (
                "ExactString",
                "exact_strings",
            ),
            "languages": (
                "ENGLISH",
                "LANGUAGES",
                "OTHER_SCRIPT",
                "identify_language",
                "question_language",
                "stored_code",
            ),
            "postings": (
                "renumber_block",
                "Block",
                "BlockStore",
                "PackedPostings",
                "Postings",
                "build_blocks",
                "decode_block",
                "find_postings",
                "lookup_postings",
                "merge_blocks",
                "terms_with_prefix",
            ),
            "unicode_words": (
                "fold",
                "fold_with_offsets",
                "needs_no_boundary",
            ),
            "varint": (),
        },
    )

__all__ = [
    "ANALYSIS",
    "ENGLISH",
    "LANGUAGES",
    "NAMES_ONCE_SINCE",
    "OTHER_SCRIPT",
    "Block",
    "BlockStore",
    "ExactString",
    "PackedPostings",
    "Postings",
    "accented_spellings",
    "bm25",
    "build_blocks",
    "decode_block",
    "exact_strings",
    "find_postings",
    "fold",
    "fold_with_offsets",
    "identify_language",
    "lookup_postings",
    "merge_blocks",
    "needs_no_boundary",
    "plain_block",
    "query_forms",
    "query_terms",
    "question_language",
    "renumber_block",
    "stored_code",
    "terms",
    "terms_in",
    "terms_with_prefix",
    "varint",
    "without_accents",
    "word_spans",
]
