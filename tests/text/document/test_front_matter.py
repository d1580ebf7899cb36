from __future__ import annotations

from datetime import date

import pytest

from crystalcli.recall.front_matter import parse_front_matter, tags_of


@pytest.mark.parametrize(
    ("text", "day", "tags"),
    [
        ("---\ntitle: A\ndate: 2026-03-01\ntags: [wood, Home]\n---\ntext", date(2026, 3, 1), {"wood", "home"}),
        ("---\ncreated: '2026-03-01T10:00'\ntags: wood, home\n---\n", date(2026, 3, 1), {"wood", "home"}),
        ("---\r\ntags:\r\n  - wood\r\n  - post-mortem\r\nother: x\r\n---\r\n", None, {"wood", "post-mortem"}),
        ('+++\ndate = 2026-03-01\ntags = ["wood"]\n+++\n', date(2026, 3, 1), {"wood"}),
        ("---\ndate: 2026-02-31\n---\n", None, set()),
        ("text\n---\ntags: [wood]\n---\n", None, set()),
        ("", None, set()),
    ],
)
def test_date_and_tags_are_read(text, day, tags):
    assert parse_front_matter(text) == (day, frozenset(tags))


def test_tags_in_the_text_count_with_those_above_them():
    text = "# Heading\n\nOak #wood/oak, (#Home) and a#b, `#code`, #123, page.html#part\n\n```\n#fenced\n```\n#2026-plan"
    assert tags_of(text) == {"wood/oak", "wood", "home", "2026-plan"}
