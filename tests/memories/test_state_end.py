"""A later sentence ends a state where it names the thing and says that it is over."""

from __future__ import annotations

import pytest

from crystalcli import Crystal
from crystalcli.memories.state_end import ends_state, read_state, renews_state, tells_of_thing

ENDS = [
    ("Do I still owe Mara money?", "I owe Mara 30 euros.", "Paid Mara back the 30 euros."),
    ("How much do I owe Mara?", "I owe Mara 30 euros.", "Gave Mara the 30 euros."),
    ("Who has my saw?", "I lent Emil my saw.", "Emil returned the saw."),
    ("What am I reading?", "I'm reading Emma.", "Finished Emma on the train."),
    ("Do we have a dog?", "We have a dog called Rufus.", "Rufus died in the night."),
    ("Do I have to renew my licence?", "I have to renew my licence.", "Renewed my licence."),
    ("Do I have to pay the plumber?", "I must pay the plumber.", "The plumber has been paid, at last I paid him."),
    ("Is the boat still at the yard?", "The boat is at the yard.", "Fetched the boat, it is as good as new."),
    ("Am I still learning Dutch?", "I'm learning Dutch on Fridays.", "Gave up Dutch, too little time."),
    ("Do I still have the newspaper?", "I have the newspaper delivered.", "The newspaper is cancelled from today."),
    ("Is the window still broken?", "The kitchen window is cracked.", "Glazier came and the window is replaced."),
    ("Who is our lodger?", "Our lodger is called Yaro.", "Yaro's moved out."),
    ("Are Ida and Tom engaged?", "Ida and Tom are engaged.", "Ida and Tom split up."),
]
NO_ENDS = [
    ("Do I still owe Mara money?", "I owe Mara 30 euros.", "Paid Olga back."),
    ("How much do I owe Mara?", "I owe Mara 30 euros.", "Mara has her van back from the garage."),
    ("Who has my saw?", "I lent Emil my saw.", "Emil promised to return the saw."),
    ("Do we have a dog?", "We have a dog called Rufus.", "The neighbour's dog died."),
    ("Do I have to renew my licence?", "I have to renew my licence.", "Must renew my licence soon."),
    ("Where does Karl work?", "Karl works at the port.", "Karl gave up the night shifts."),
    ("Is the boat still at the yard?", "The boat is at the yard.", "Left the yard at six."),
    ("Is Tom still ill?", "Tom is ill.", "Tom finished the shed."),
    ("Who chairs the choir?", "Ida was elected chair of the choir.", "Olga stepped down as secretary of the choir."),
    ("Is Tom's knee still sore?", "Tom's knee is sore.", "Tom's glasses turned up."),
]


@pytest.mark.parametrize(("question", "text", "later"), ENDS)
def test_it_ends_a_state(question, text, later):
    state = read_state(text, question)
    assert state is not None
    assert ends_state(state, later)


@pytest.mark.parametrize(("question", "text", "later"), NO_ENDS)
def test_another_thing_or_person_or_a_plan_ends_nothing(question, text, later):
    state = read_state(text, question)
    assert state is not None
    assert not ends_state(state, later)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What colour is the gate?", "The path to the gate and the pond is muddy."),
        ("Do I have anything to renew?", "I have to renew my licence."),
        ("Who has my saw?", "Do I lend Emil my saw?"),
        ("Is Tom a vegetarian?", "We ate soup."),
    ],
)
def test_of_another_thing_or_of_several_no_state_is_read(question, text):
    assert read_state(text, question) is None


def test_what_is_lent_again_holds():
    state = read_state("I lent Emil my saw.", "To whom is my saw lent?")
    assert state is not None
    assert not renews_state(state, "Emil returned the saw.")
    assert not renews_state(state, "Lent Ida my bicycle.")
    assert renews_state(state, "Lent the saw to Ida.")


def test_news_of_a_thing_is_of_the_thing_asked_for_and_no_wish():
    state = read_state("The veg box from the farm comes on Fridays.", "Do we get a veg box from the farm?")
    assert state is not None
    assert tells_of_thing(state, "The veg box of the farm is better than ever.")
    assert not tells_of_thing(state, "Perhaps we stop the veg box of the farm.")
    assert not tells_of_thing(state, "The hedge is box.")
    volunteer = read_state("Applied to be a volunteer at the shop.", "Am I a volunteer at the shop?")
    assert volunteer is not None
    assert not tells_of_thing(volunteer, "Olga is a volunteer at the shop.")


NOTES = {
    "2026-01-05": "Rain all day. I lent Emil my saw. Soup for dinner.",
    "2026-01-09": "We have a dog called Rufus. He sleeps a lot.",
    "2026-03-02": "Emil returned the saw. Long walk.",
    "2026-04-11": "Bread from the mill.",
    "2026-05-20": "Rufus died in the night.",
}


@pytest.mark.parametrize("are_memories", [True, False])
def test_asked_how_things_are_the_end_comes_first(tmp_path, are_memories):
    with Crystal(tmp_path / "m.crystal") as crystal:
        if are_memories:
            for day, text in NOTES.items():
                crystal.remember(text, at=day)
        else:
            (tmp_path / "diary").mkdir()
            for day, text in NOTES.items():
                (tmp_path / "diary" / f"{day}.md").write_text(text, encoding="utf-8")
            crystal.ingest([tmp_path / "diary"])
        assert "returned the saw" in crystal.ask("Who has my saw?", extractive=True).citations[0].quote
        answer = crystal.ask("Do we have a dog?", extractive=True)
        assert "died" in answer.citations[0].quote
        assert answer.changes[0].startswith(
            "Rufus died in the night since 2026-05-20; before: We have a dog called Rufus"
        )
        assert (
            crystal.ask("Does Emil still have my saw?", extractive=True).changes[0].startswith("Emil returned the saw")
        )
        assert "called Rufus" in crystal.ask("What was our dog called?", extractive=True).citations[0].quote


def test_a_language_model_does_not_say_what_has_ended(tmp_path, language_model):
    """A small one says "Yes, you have a dog" to "Rufus died in the night"."""
    with Crystal(tmp_path / "m.crystal") as crystal:
        for day, text in NOTES.items():
            crystal.remember(text, at=day)
        answer = crystal.ask("Do we have a dog?", model=language_model)
        assert "“Rufus died in the night.” [1]" in answer.text
        assert crystal.ask("Where is the bread from?", model=language_model).model is not None


def test_somebody_else_s_memory_ends_nothing(tmp_path):
    with Crystal(tmp_path / "m.crystal") as crystal:
        crystal.remember("I have a subscription to the Courier.", at="2026-01-05")
        crystal.remember("Cancelled the Courier.", at="2026-02-05", by="Ben")
        answer = crystal.ask("Do I have a subscription to the Courier?", extractive=True)
        assert "subscription" in answer.citations[0].quote
        crystal.remember("Cancelled the Courier, too much paper.", at="2026-03-05")
        answer = crystal.ask("Do I have a subscription to the Courier?", extractive=True)
        assert "too much paper" in answer.citations[0].quote


def test_of_memories_of_one_day_the_one_told_later_is_the_end(tmp_path):
    with Crystal(tmp_path / "m.crystal") as crystal:
        for text in ("I lent Emil my saw.", "Emil returned the saw.", "I lent Ida my ladder."):
            crystal.remember(text, at="2026-03-01")
        assert "returned" in crystal.ask("Who has my saw?", extractive=True).citations[0].quote
        assert "Ida" in crystal.ask("Who has my ladder?", extractive=True).citations[0].quote
        crystal.remember("Lent my saw to Ida.", at="2026-03-01")
        assert "Lent my saw to Ida" in crystal.ask("Who has my saw?", extractive=True).citations[0].quote
