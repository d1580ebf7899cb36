"""A sentence stays if it only says, in fewer words, what the text says."""

from __future__ import annotations

import pytest

from crystalcli.answering.grounding.compression import is_compression

FERRY = "Captain Orme, who had sailed from Skarn in the spring, brought the brass key to the keeper of the lamp."
DECLINE = (
    "Fretting at length threw Madame Moreau into a decline, which at first increased her irritability, but she is "
    "now at peace. Her brother hardly wept."
)


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("Captain Orme brought the brass key to the keeper.", FERRY),
        ("Orme sailed from Skarn and brought the key to the keeper.", FERRY),
        ("Fretting threw Madame Moreau into a decline.", DECLINE),
        ("She found peace in Skarn.", "Much was said of Madame Moreau, but, of late, she found some peace in Skarn."),
        ("Her brother hardly wept at the end.", "Madame Moreau died. Her brother hardly wept at Moreau’s end."),
        ("The lamp burns oil of whales.", "“The lamp,” said Orme, “burns the oil\nof whales.”"),
    ],
)
def test_fewer_words_of_the_same_sentence_stay(sentence, text):
    assert is_compression(sentence, text)


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("The keeper brought the brass key to Captain Orme.", FERRY),  # who does what
        ("Captain Orme stole the golden key of the lighthouse.", FERRY),  # other words
        ("Captain Orme brought the brass key to Marta.", FERRY),  # another name
        ("Captain Orme brought the brass key to the keeper", FERRY),  # cut off
        ("Captain Orme never brought the brass key to the keeper.", FERRY),  # denied
        ("Her brother wept for Madame Moreau.", "Madame Moreau died. Her brother hardly wept at Moreau’s end."),
        ("He brought the brass key to the keeper of the lamp.", FERRY),  # a person who is not in it
        ("I expected to find a disciple of Magnus.", "I little expected, in this age, to find a disciple of Magnus."),
        ("Despair secured her prey.", "Despair had, indeed, almost secured her prey."),
        ("Madame Moreau fell into a decline and is now at peace.", DECLINE),  # it may be another who is
        ("Anne and Kitty were out of sight.", "Anne stayed in the hall, till she and Kitty were out of sight."),
        ("Mrs. Long will have Anne here at last.", "Mrs. Long, we shall have Anne here at last."),
        ("Dorian falls in love with Juliet.", "Dorian falls in love with a beautiful girl who acts Juliet."),
        ("The hero became a type of himself.", "The hero, a young Parisian, became to him a type of himself."),
        (
            "The Orme was taken by some other craft than the Orme.",
            "It was to be taken by some other craft than the Orme.",
        ),
        ("Mrs. Long’s will arose of the quarrel.", "I came to see that Mrs. Long’s will arose of the quarrel."),
        ("The will arose of the quarrel.", "Anne was of the opinion that the will arose of the quarrel."),
        ("Yes, the key.", FERRY),
        ("", FERRY),
        ("Captain Orme brought the brass key.", ""),
    ],
)
def test_what_says_another_thing_does_not(sentence, text):
    assert not is_compression(sentence, text)
