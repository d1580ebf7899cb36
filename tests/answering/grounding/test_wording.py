from __future__ import annotations

import pytest

from crystalcli.answering.grounding.wording import (
    counts_alike,
    denies_alike,
    depends_alike,
    gives_cause_alike,
    gives_roles_alike,
    has_no_rival,
    heads_alike,
    is_another_item,
    is_garbled,
    joins_alike,
    limits_alike,
    modifies_alike,
    names_alike,
    opens_contrast,
    possesses_alike,
    ranks_alike,
    refers_back,
    settles_alike,
    supposes_alike,
)


@pytest.mark.parametrize(
    ("said", "stated", "alike"),
    [
        ("You decided not to apply for the PhD.", "Changed my mind about the PhD, will apply in January.", False),
        ("You will apply for the PhD.", "I will not apply for the PhD.", False),
        ("You will not apply for the PhD.", "I won't apply for the PhD.", True),
        ("The boom is 60 metres long.", "Never without a tug, says he; the boom is 60 metres long.", True),
        ("Detergent is never used.", "Detergent is never used: it makes the damage worse.", True),
        ("The ferry runs on Sundays.", "The ferry doesn't run on Sundays.", False),
    ],
)
def test_a_sentence_that_denies_is_borne_out_by_one_that_denies(said, stated, alike):
    assert denies_alike(said, stated) == alike


@pytest.mark.parametrize(
    ("said", "stated", "alike"),
    [
        ("He did not stop because it was late.", "He did not stop, and it was late when he came to a wood.", False),
        ("He did not stop because it was late.", "It was late, so he did not stop.", True),
        ("He did not stop because it was late.", "He did not stop, for it was late.", True),
        ("He came late.", "He came late, and rested.", True),
    ],
)
def test_a_cause_must_be_one_in_the_source(said, stated, alike):
    assert gives_cause_alike(said, stated) == alike


@pytest.mark.parametrize(
    ("said", "stated", "alike"),
    [
        ("She was glad that they were alive.", "She was glad to learn whether they were dead or alive.", False),
        ("She wanted to know whether they were alive.", "She wondered whether they were alive.", True),
        ("The trial tested salt against ice.", "We asked whether salt melts ice.", True),
        ("Salt melts ice.", "We asked whether salt melts ice.", False),
        ("Salt melts ice.", "We asked if salt melts ice.", False),
        ("Salt melts ice.", "We asked whether salt melts ice; salt melts ice.", True),
        ("The ferry runs on Sundays.", "The ferry runs on Sundays, whether it rains or not.", True),
    ],
)
def test_what_the_source_leaves_open_is_not_settled(said, stated, alike):
    assert settles_alike(said, stated) == alike


@pytest.mark.parametrize(
    ("said", "stated", "alike"),
    [
        ("The girl is Ann Marl.", "It shows the singer (Ann Marl) and his sister (Eva Lund).", False),
        ("The sister is Eva Lund.", "It shows the singer (Ann Marl) and his sister (Eva Lund).", True),
        ("The singers were led by Ann Marl.", "It shows the singer (Ann Marl).", True),
        ("The girl is Ann Marl.", "Ann Marl plays the girl; the singer (Ann Marl) wrote it.", True),
        ("It is sent to the Board of Trade.", "It goes to the board (BOT).", True),
    ],
)
def test_a_name_in_brackets_belongs_to_the_noun_before_it(said, stated, alike):
    assert gives_roles_alike(said, stated) == alike


@pytest.mark.parametrize(
    ("check", "said", "stated", "alike"),
    [
        (ranks_alike, "The more useful tool is a wide net.", "We use a wide net.", False),
        (ranks_alike, "The tallest mast is pine.", "The mast is pine.", False),
        (ranks_alike, "The most useful tool is a net.", "The main tool is a net.", True),
        (ranks_alike, "The forest has an interest in rest.", "The forest rests.", True),
        (supposes_alike, "The engine yields 38.", "There is a theoretical yield of 38, never reached.", False),
        (supposes_alike, "The theoretical yield is 38.", "There is a theoretical yield of 38.", True),
        (supposes_alike, "Ann becomes mayor.", "Had he lost, Ann would have become mayor.", False),
        (supposes_alike, "The engine yields 38.", "The engine may yield 38.", False),
        (supposes_alike, "The engine yields 38.", "The engine yields 38, which may be a record.", True),
        (supposes_alike, "The engine came in 1921.", "The engine came on 3 May 1921.", True),
        (supposes_alike, "The engine could yield 38.", "The engine may yield 38.", True),
        (supposes_alike, "The mast is pine.", "The mast is widely believed to be pine.", False),
        (supposes_alike, "She repaired the boat.", "She tried to repair the boat.", False),
        (supposes_alike, "The boat is green.", "The boat that she tried to repair is green.", True),
        (supposes_alike, "She tries to repair the boat.", "She tried to repair the boat.", True),
        (depends_alike, "The fair is indoors.", "If it rains, the fair is indoors.", False),
        (depends_alike, "The fair is indoors.", "The fair is indoors if it rains.", False),
        (depends_alike, "If it rains, it is indoors.", "If it rains, the fair is indoors.", True),
        (depends_alike, "The fair is in June.", "The fair is in June, and costs less if it rains.", True),
        (limits_alike, "Ferries run at night.", "Some ferries run at night.", False),
        (limits_alike, "Some ferries run at night.", "Many ferries run at night.", True),
        (limits_alike, "The ferry runs at night.", "Past some lights, the ferry runs at night.", True),
        (limits_alike, "The ferry runs at night.", "The ferry used to run at night.", False),
        (limits_alike, "The Orme is a ferry.", "The Orme, formerly known as the Elk, is a ferry.", True),
        (limits_alike, "It is caused by a tumor.", "In about 80 percent of people a tumor has formed.", False),
        (
            limits_alike,
            "In most people it is caused by a tumor.",
            "In about 80 percent of people a tumor formed.",
            True,
        ),
        (limits_alike, "It costs a third of 80.", "In Norway it costs a third of 80.", True),
        (limits_alike, "Ann was mayor.", "The former mayor, Ann, ran again.", False),
        (limits_alike, "Ann was the former mayor.", "The former mayor, Ann, ran again.", True),
        (limits_alike, "Ann ran again.", "The former mayor, Ann, ran again.", True),
        (possesses_alike, "She had fear in her eyes.", "He had fear in his eyes; her mother left.", False),
        (possesses_alike, "He lost his mother.", "He left with her mother, and lost his mother.", True),
        (possesses_alike, "She sold her boat.", "I sold my boat.", True),
        (has_no_rival, "44 % of the crew rent.", "Of the crew 44 % own a house, and 11 % rent.", False),
        (has_no_rival, "11 % of the crew rent.", "Of the crew 44 % own a house, and 11 % rent.", False),
        (has_no_rival, "11 % rent.", "Of the crew 44 % own a house, and 11 % rent.", True),
        (has_no_rival, "In May 12 of the crew rent.", "In May 1903, 12 (11 %) of the crew rent.", True),
        (has_no_rival, "The crew rent.", "Of the crew 44 % own a house, and 11 % rent.", True),
        (counts_alike, "It has 13 parts.", "Part 13: the storm.", False),
        (counts_alike, "It has 13 parts.", "Part 13 is the last of 13 parts.", True),
        (counts_alike, "It was in 13 long chapters.", "Of 13 chapters.", True),
    ],
)
def test_degree_doubt_and_count_are_those_of_the_source(check, said, stated, alike):
    assert check(said, stated) == alike


@pytest.mark.parametrize(
    ("said", "stated", "alike"),
    [
        ("The red ferry is fast.", "The blue ferry is fast, and red.", False),
        ("The red ferry is fast.", "The ferry is fast, and red.", True),
        ("The red ferry is fast.", "The old red ferry is fast.", True),
        ("The old red ferry is fast.", "The red ferry is fast; the old one is not.", True),
        ("The night ferry sails.", "The ferry sails by night; a day ferry is slow.", True),
        ("The red ferries are fast.", "Two ferries are red and fast.", True),
        ("There are 13 ferries.", "There are 12 ferries.", False),
        ("Orme sailed in spring.", "Captain Orme, who sailed in spring, is back.", True),
    ],
)
def test_a_word_is_not_put_where_the_source_has_another(said, stated, alike):
    assert modifies_alike(said, stated) == alike


def test_a_contrast_and_a_garbled_sentence_are_seen():
    assert opens_contrast("However, scans find it.") and opens_contrast("- But not here.")
    assert not opens_contrast("Scans find it, however.") and not opens_contrast("Butter melts.")
    assert refers_back("So they left.") and not refers_back("The boys left when they had eaten.")
    assert is_garbled("The ferry is run by in Norway.")
    assert not is_garbled("The ferry is run by Ann in Norway.")


@pytest.mark.parametrize(
    ("said", "stated", "alike"),
    [
        ("There are two crews: the pilots and the rowers.", "One of two crews, the pilots, or the rowers.", False),
        ("The pilots or the rowers went.", "The pilots and the rowers went.", False),
        ("The pilots and the rowers went.", "The pilots, and the rowers, went.", True),
        ("The pilots and the rowers went.", "The rowers or the pilots went, and so did Ann.", True),
    ],
)
def test_what_is_joined_is_joined_alike(said, stated, alike):
    assert joins_alike(said, stated) == alike


LIST = (
    "The guests were the singer Ann Marl, the mayor of Skarn Ben Orde, the baker Cid Hale, two rowers, and Eve Moray."
)


@pytest.mark.parametrize(
    ("said", "question", "is_another"),
    [
        ("Ann Marl", "Which mayor of Skarn came?", True),
        ("Cid Hale", "Which mayor of Skarn came?", True),
        ("Ben Orde", "Which mayor of Skarn came?", False),
        ("Ann Marl", "Who were the guests?", False),
        ("Eve Moray", "Who were the guests?", False),
    ],
)
def test_an_item_of_a_list_is_not_what_is_said_of_another(said, question, is_another):
    assert is_another_item(said, question, LIST) == is_another


def test_a_sentence_without_a_list_has_no_other_items():
    assert not is_another_item("Ann Marl", "Which mayor of Skarn came?", "The singer Ann Marl, and the mayor of Skarn.")


def test_a_sentence_that_repeats_itself_is_garbled():
    assert is_garbled("Support for the fit of the model suggests that the fit of the model suggests more.")
    assert not is_garbled("Support for the fit of the model suggests that the fit is good.")


@pytest.mark.parametrize(
    ("said", "stated", "alike"),
    [
        ("The little arms are called paddles.", "Its arms have little arms that are covered with paddles.", False),
        ("The little arms are called fins.", "Its little arms, known as fins, are short.", True),
        ("The kitten is called Miso.", "We named the kitten Miso.", True),
        ("The ferry is called Minna.", "The ferry is the Minna, built in 1901.", True),
        ("The ferry is old.", "The ferry has paddles.", True),
    ],
)
def test_a_name_is_one_in_the_source(said, stated, alike):
    assert names_alike(said, stated) == alike


@pytest.mark.parametrize(
    ("said", "stated", "alike"),
    [
        ("Hand washing is good for all of us.", "Face washing is good for all of us, like hand washing.", False),
        ("Washing is good for all of us.", "Face washing is good for all of us.", True),
        ("The washing is good for all of us.", "Face washing is good for all of us.", True),
        ("Faces washing is good for all of us.", "Face washing is good for all of us.", True),
        ("Prevent mites by airing all of the rooms.", "Mites are prevented by airing all of the rooms.", True),
        ("Hand washing is good.", "Face washing is good.", True),  # too short to be taken from there
    ],
)
def test_a_run_of_words_has_no_other_word_before_it(said, stated, alike):
    assert heads_alike(said, stated) == alike
