"""Author, title and date on the first page of documents."""

from __future__ import annotations

import pytest

from crystalcli.answering.metadata import byline

PAPER = """Tides: How the Moon Pulls

Ann B. Lee, Maud Fenn*
Josiah van Dyke†

{ann,maud}@harbour.example

Harbour Institute

March 3, 2019

Abstract

The moon pulls at the sea. Nobody knew it in 1620.
"""


@pytest.mark.parametrize(
    ("head", "kind", "author"),
    [
        (PAPER, "pdf", "Ann B. Lee, Maud Fenn and Josiah van Dyke"),
        ("The Harbour Lamp\n\nby Edith Marrow\n\n\nChapter 1\n\nIt rained.\n", "text", "Edith Marrow"),
        ("THE HARBOUR LAMP; or, THE KEEPER. By Edith Marrow\n\nIt rained.\n", "text", "Edith Marrow"),
        ("THE LAMP\n\nBY\n\nEDITH MARROW\n\nIt rained.\n", "text", "EDITH MARROW"),
        ("Title: The Lamp\n\nAuthor: Edith Marrow\n\nRelease Date: May, 1994\n", "text", "Edith Marrow"),
        ('---\ntitle: Beans\nauthor: "Maud Fenn"\n---\n# Beans\n', "markdown", "Maud Fenn"),
        ("---\nauthors:\n  - Maud Fenn\n  - Ann Lee\n---\n# Beans\n", "markdown", "Maud Fenn, Ann Lee"),
        ("Subject: Lease\nFrom: Ann Lee <ann@x.example>\nTo: Bob\n\nHello.\n", "mail", "Ann Lee <ann@x.example>"),
        ("The Lamp\n\nTranslated by Maud Fenn\n\nIt was lit by Josiah Crask\n", "text", None),
        ("It was lit by the keeper. He went by Oldhaven.\n", "text", None),
        ("Tide Tables\n\nHarbour Institute of Oldhaven\n\nAbstract\n\nThe sea.\n", "pdf", None),
    ],
)
def test_authors_are_found_where_a_reader_finds_them(head, kind, author):
    stated = byline.find_author(head, kind)
    assert (stated.value if stated else None) == author
    if stated is not None:
        assert stated.value.split()[0] in head[stated.start : stated.end]
        assert head[stated.start : stated.end].strip() == head[stated.start : stated.end]


@pytest.mark.parametrize(
    ("head", "date"),
    [
        (PAPER, "March 3, 2019"),
        ("Title: The Lamp\nRelease Date: August, 1994  [Etext 1]\n", "August, 1994"),
        ("---\ndate: 2024-05-01\n---\n# Beans\n", "2024-05-01"),
        ("The Lamp\n\nCopyright © 1987 by Edith Marrow\n", "1987"),
        ("Journal of Tides, Volume 59, August 2014\n\nThe sea\n", "August 2014"),
        ("The bridge that was built in 1903 by the men of Oldhaven stood until the flood.\n", None),
    ],
)
def test_dates_are_those_of_the_document(head, date):
    stated = byline.find_date(head)
    assert (stated.value if stated else None) == date


def test_a_title_is_the_first_paragraph_unless_it_is_a_sentence():
    stated = byline.first_title(PAPER)
    assert stated is not None
    assert PAPER[stated.start : stated.end] == stated.value == "Tides: How the Moon Pulls"
    assert byline.first_title("The moon pulls at the sea.\n\nIt does.\n") is None
