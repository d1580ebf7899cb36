"""Signatures under documents: whose they are, with the office and the day below them."""

from __future__ import annotations

from crystalcli.answering.metadata.signatures import find_signatures, signature_section, signed_in_office

FILING = """The auditor's report.

/s/ Tally & Sons LLP
We have been the auditor since 2019.

SIGNATURES

The registrant has duly caused this report to be signed on its behalf.

MARL PLC
By:  /s/ ANN MARL
Ann Marl
Chief Financial Officer
Dated: May 2, 2031

This report has been signed below by the following persons.

/s/ Bo Fenn  /s/ Cid Orme
Bo Fenn – President and  Cid Orme – Director
Chairman

/s/ Ann Marl  May 2, 2031
Ann Marl  Chief Financial Officer

Exhibit 4.6

By: /s/ Dee Quill
Name: Dee Quill
"""


def test_a_documents_own_signatures_are_neither_its_auditors_nor_its_exhibits():
    signatures = find_signatures(FILING)
    assert [signature.name for signature in signatures] == ["Ann Marl", "Bo Fenn", "Cid Orme", "Ann Marl"]
    assert [signature.is_own for signature in signatures] == [True, False, False, False]
    first = signatures[0]
    assert FILING[first.start : first.end].startswith("By:  /s/ ANN MARL\nAnn Marl")
    assert FILING[first.start : first.end].endswith("Dated: May 2, 2031")


def test_an_office_is_that_of_the_column_below_the_name():
    signatures = find_signatures(FILING)
    names = {
        office: [signature.name for signature in signed_in_office(signatures, office)]
        for office in ("chief financial officer", "directors", "chairman", "Chairman and President", "treasurer", "")
    }
    assert names["chief financial officer"] == ["Ann Marl", "Ann Marl"]
    assert names["directors"] == ["Cid Orme"]
    assert names["chairman"] == names["Chairman and President"] == ["Bo Fenn"]
    assert names["treasurer"] == names[""] == []


def test_without_a_heading_all_signatures_count():
    letter = "I shall pay the rent.\n\nSigned: Edith Marrow\nTenant\n\nSigned by: Hal Orme, 2031-05-02\n"
    assert signature_section(letter) == (0, len(letter))
    assert [signature.name for signature in find_signatures(letter)] == ["Edith Marrow", "Hal Orme"]
    assert find_signatures("She signed the lease, and Hal signed by the door.") == []


def test_lines_of_prose_are_no_part_of_a_signature():
    text = "/s/ Ann Marl\n" + "This is a long sentence about something else. " * 8
    assert find_signatures(text)[0].stated == "/s/ Ann Marl"
