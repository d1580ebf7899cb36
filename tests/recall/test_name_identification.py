from __future__ import annotations

import pytest

from crystalcli.recall.name_identification import asked_name, identifies


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Who is Tom Haddow?", "Tom Haddow"),
        ("who's tom haddow", "tom haddow"),
        ("Who was Haddow", "Haddow"),
        ("Who is the keeper?", ""),
        ("Who was in the boat?", ""),
        ("Who keeps the light?", ""),
        ("Whose boat is it?", ""),
        ("Who is Tom Haddow and why did he leave the harbour in May?", ""),
    ],
)
def test_the_name_that_is_asked_for(question, name):
    assert asked_name(question) == name


@pytest.mark.parametrize(
    "text",
    [
        "There I met the old keeper, Tom Haddow.",
        "Tom Haddow, the keeper, came in.",
        "Tom Haddow was a tall man.",
        "a keeper of the light called Tom\nHaddow",
        "Tom Haddow had been the pilot for years",
        "Tom Háddow, the keeper, came in.",
        "“That was Tom Haddow, the pilot,” she said.",
        "“There I met the old keeper, Tom Haddow,” she said.",
    ],
)
def test_forms_that_say_who_it_is(text):
    assert identifies("tom haddow", text)


@pytest.mark.parametrize(
    "text",
    [
        "Tom Haddow was asleep.",
        "I saw Tom Haddow at the pier, and the boat.",
        "The keeper came. Tom Haddow left.",
    ],
)
def test_forms_that_do_not(text):
    assert not identifies("tom haddow", text)


@pytest.mark.parametrize(
    "text",
    [
        "“Are you in the mood for a song, Haddow?” she said.",
        "“I knew you, Haddow, my dear.” She smiled.",
        "like a fresh fig, Haddow. So she said.” And he left.",
        'She said: "Take the lamp, Haddow."',
    ],
)
def test_somebody_spoken_to_is_not_told_of(text):
    assert not identifies("Haddow", text)
    assert identifies("Haddow", f"{text} “Come in!” said their neighbour, Haddow.")


def test_who_it_is_comes_before_what_he_did(tmp_path, encoder_folder):
    from crystalcli import Crystal

    (tmp_path / "a.txt").write_text("And what of Tom Haddow? asked Mary. He is always late, she said.")
    (tmp_path / "b.txt").write_text("On the stairs stood the new harbour master, Tom Haddow, with a lamp.")
    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([tmp_path])
        first = crystal.recall("Who is Tom Haddow?")[0]
        assert first.path == "b.txt" and first.shares["identification"] > 0
        assert "identification" not in crystal.recall("Where is Tom Haddow?")[0].shares
