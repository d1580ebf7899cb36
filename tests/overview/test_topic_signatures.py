"""Terms that set a part apart weigh more, names come out by frequency, and two texts are compared."""

from __future__ import annotations

from crystalcli.datatypes import Passage, Place
from crystalcli.overview.telling_sentences import rank_telling
from crystalcli.overview.topic_signatures import compare_terms, part_signatures, prominent_names


def passage(text: str, start: int = 0) -> Passage:
    return Passage(Place("a.txt", start, start + len(text), 1, 1), text, 1.0)


SEA = [passage("The whale rose beside the boat, and the crew saw the whale.", 100 * n) for n in range(4)]
LAND = [passage("The horse stood beside the barn, and the crew saw a horse.", 100 * n) for n in range(4)]


def test_the_terms_of_one_part_weigh_more_in_it_than_those_of_all():
    sea, land = (signature.weights for signature in part_signatures([SEA, LAND]))
    assert sea["whale"] > sea["crew"] < sea["boat"]
    assert "whale" not in land
    assert land["hors"] > land["crew"]


def test_a_text_of_one_part_has_weights_and_a_topic_counts_more():
    plain = part_signatures([SEA])[0].weights
    topical = part_signatures([SEA], "the crew")[0].weights
    assert plain["crew"] > 0
    assert topical["crew"] > plain["crew"]
    assert topical["boat"] == plain["boat"]


def test_names_are_told_from_other_words():
    (signature,) = part_signatures([[passage("So the captain met Ahab, and the captain left Ahab.")]])
    assert signature.names == {"ahab"}


def test_the_names_that_come_most_are_named_without_titles_and_common_words():
    text = "He saw Mr. Darcy and Miss Jane Bennet. They told Darcy of it, and Bennet, Darcy, and Bennet left. In June, June. "
    assert prominent_names([passage(text)], 5) == ["Darcy", "Bennet"]
    assert prominent_names([passage("the god of God, and a god, in God, by God. The god is a god.")], 5) == []
    assert prominent_names([passage(text)], 1) == ["Darcy"]
    assert prominent_names([], 5) == []


def test_two_texts_are_compared_by_their_words():
    words = compare_terms(SEA, LAND, lambda text: {"crew": 4.0, "saw": 4.0, "besid": 1.0}, 3)
    assert words.shared[:2] == ["crew", "saw"]
    assert "whale" in words.first and "horse" not in words.first
    assert "horse" in words.second and "whale" not in words.second


def test_speech_and_scraps_and_sentences_without_a_name_tell_less():
    text = (
        "“You saw Ahab and the boat, Ahab and the whale!” The crew of Ahab’s boat saw the whale rise at noon. Ahab. "
        "The crew of the boat saw the whale rise at noon. He and Ahab saw the whale rise by the boat at noon."
    )
    ranked = rank_telling([passage(text, 7)], part_signatures([[passage(text)]])[0])
    best = ranked[0]
    assert best.text == "The crew of Ahab’s boat saw the whale rise at noon."
    assert text[best.quotation.best[0] - 7 : best.quotation.best[1] - 7] == best.text
    assert best.alone.text == best.text
    assert best.place == ("a.txt", best.alone.start) == ("a.txt", text.index("The crew") + 7)


def test_a_sentence_inside_of_a_speech_tells_less():
    for speech in (
        "“So it was. Ahab saw the whale rise at noon there. So it was.”",
        "Ahab saw the whale rise at noon there. So!”",
    ):
        text = f"{speech} The crew saw Ahab leave the ship at noon."
        ranked = rank_telling([passage(text)], part_signatures([[passage(text)]])[0])
        assert ranked[0].text == "The crew saw Ahab leave the ship at noon."
