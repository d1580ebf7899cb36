from __future__ import annotations

from datetime import date

import pytest

from crystalcli.recall.relative_dates import with_resolved_dates

DAY = date(2026, 5, 3)  # a Sunday


@pytest.mark.parametrize(
    ("text", "resolved"),
    [
        ("The boat left yesterday.", "The boat left yesterday (2 May 2026)."),
        ("Stolen last night, at the quay.", "Stolen last night (2 May 2026), at the quay."),
        ("Tomorrow we sail.", "Tomorrow (4 May 2026) we sail."),
        ("She had the baby on Thursday!", "She had the baby on Thursday (30 April 2026)!"),
        ("He came 3 days ago.", "He came 3 days ago (30 April 2026)."),
        ("It was built last year.", "It was built last year (2025)."),
        ("Sold last month.", "Sold last month (April 2026)."),
        ("Met last week.", "Met last week (20 April 2026 to 26 April 2026)."),
        ("Since last week she limps.", "Since last week she limps."),
        ("It opens on 12 June 2027.", "It opens on 12 June 2027."),
        ("Nothing of a day.", "Nothing of a day."),
    ],
)
def test_the_day_stands_behind_the_words(text, resolved):
    assert with_resolved_dates(text, DAY) == resolved


def test_each_message_counts_from_its_own_day():
    chat = "it was yesterday\n\n[2026-04-01 10:00] Ann: I fell yesterday\n\n[2026-04-09 12:00] Bo: Tomorrow then"
    assert with_resolved_dates(chat, DAY) == (
        "it was yesterday (2 May 2026)\n\n[2026-04-01 10:00] Ann: I fell yesterday (31 March 2026)\n\n"
        "[2026-04-09 12:00] Bo: Tomorrow (10 April 2026) then"
    )


def test_a_day_that_does_not_exist_is_no_day():
    assert with_resolved_dates("[2026-02-31 10:00] Ann: yesterday", DAY).endswith("yesterday (2 May 2026)")
