from __future__ import annotations

import pytest

from crystalcli.text.document.front_matter import parse_front_matter, tags_of


@pytest.mark.parametrize(
    ("text", "day", "tags"),
    [
        ("---\ntitle: A\ndate: 2026-03-01\ntags: [wood, Home]\n---\ntext", "2026-03-01", {"wood", "home"}),
        ("---\ncreated: '2026-03-01T10:00'\ntags: wood, home\n---\n", "2026-03-01", {"wood", "home"}),
        ("---\r\ntags:\r\n  - wood\r\n  - post-mortem\r\nother: x\r\n---\r\n", "", {"wood", "post-mortem"}),
        ('+++\ndate = 2026-03-01\ntags = ["wood"]\n+++\n', "2026-03-01", {"wood"}),
        ("---\ndate: 2026-02-31\n---\n", "", set()),
        ("---\ncategories: [wood, oil]\n---\n", "", {"wood", "oil"}),
        ("text\n---\ntags: [wood]\n---\n", "", set()),
        ("", "", set()),
    ],
)
def test_date_and_tags_are_read(text, day, tags):
    stated = parse_front_matter(text)
    assert (stated.date, {tag.lower() for tag in stated.tags}) == (day, tags)


@pytest.mark.parametrize(
    ("matter", "authors"),
    [
        ("author: Ann Lee", ("Ann Lee",)),
        ('author: "Lee, Ann"  # who', ("Lee, Ann",)),
        ("authors: [Ann Lee, 'Bo Roe']", ("Ann Lee", "Bo Roe")),
        ("author:\n  - Ann Lee\n  - Bo Roe\ntitle: x", ("Ann Lee", "Bo Roe")),
        ("author:\n  - name: Ann Lee\n    affiliation: Harbour\n  - name: Bo Roe", ("Ann Lee", "Bo Roe")),
        ("title: by Ann Lee", ()),
    ],
)
def test_authors_are_read_in_the_forms_of_yaml(matter, authors):
    assert parse_front_matter(f"---\n{matter}\n---\ntext").authors == authors


def test_tags_of_several_words_are_one_in_a_list_and_several_without_one():
    assert parse_front_matter("---\ntags: [spring tide, lamp]\n---\n").tags == ("spring tide", "lamp")
    assert parse_front_matter("---\ntags: spring tide\n---\n").tags == ("spring", "tide")
    assert tags_of("---\ntags: [spring tide]\n---\n") == {"spring tide", "spring", "tide"}


def test_tags_in_the_text_count_with_those_above_them():
    text = "# Heading\n\nOak #wood/oak, (#Home) and a#b, `#code`, #123, page.html#part\n\n```\n#fenced\n```\n#2026-plan"
    assert tags_of(text) == {"wood/oak", "wood", "home", "2026-plan"}
