"""Chapters of a document, among all of its headings."""

from __future__ import annotations

import pytest

from crystalcli.overview.chapters import select_chapters

LONG = 1000


def select(*paths: str, short: int = 0, is_book: bool = True, title: str = ""):
    """Select the chapters among headings with long texts; the first `short` are entries of a list."""
    landmarks, position = [], 0
    for index, path in enumerate(paths):
        landmarks.append((position, path))
        position += len(path.rpartition(" › ")[2]) + 2 + (0 if index < short else LONG)
    return select_chapters(landmarks, position, title, is_book=is_book)


@pytest.mark.parametrize(
    ("paths", "chapters", "others"),
    [
        (
            ["Preface", "I", "II", "III", "Epilogue", "Endnotes"],
            ["I", "II", "III"],
            ["Preface", "Epilogue", "Endnotes"],
        ),
        (
            ["Letter I", "Letter II", "Chapter I", "Chapter II", "Chapter III"],
            ["Chapter I", "Chapter II", "Chapter III"],
            ["Letter I", "Letter II"],
        ),
        (
            ["Volume I", "Volume I › Chapter I", "Volume I › Chapter II", "Volume II", "Volume II › Chapter I"],
            ["Chapter I", "Chapter II", "Chapter I"],
            [],
        ),
        (
            ["The Red Sail", "The Red Sail › I", "The Red Sail › II", "A Case of Rope", "The Boathouse", "The Pier"],
            ["The Red Sail", "A Case of Rope", "The Boathouse", "The Pier"],
            [],
        ),
        (["Part I", "Part I › The Son", "Part II", "Part II › The River"], ["The Son", "The River"], []),
        (["Preface"], [], ["Preface"]),
        ([], [], []),
    ],
)  # fmt: skip
def test_chapters_are_told_from_volumes_and_prefaces(paths, chapters, others):
    selected = select(*paths)
    assert [heading.chapter.label for heading in selected.chapters] == chapters
    assert [heading.chapter.label for heading in selected.others] == others


def test_a_table_of_contents_counts_no_chapter_twice():
    selected = select("Chapter I", "Chapter II", "Chapter III", "Chapter I", "Chapter II", "Chapter III", short=3)
    assert [heading.chapter.number for heading in selected.chapters] == [1, 2, 3]
    assert selected.chapters[0].start > 3 * len("Chapter I")


def test_an_epilogue_is_a_part_of_the_story_and_a_preface_is_not():
    selected = select("Preface", "Prologue", "I", "II", "Epilogue", "Notes")
    assert [heading.chapter.label for heading in selected.body] == ["Prologue", "I", "II", "Epilogue"]


def test_a_paper_has_its_introduction_among_its_sections():
    paths = ("Tides", "Tides › Introduction", "Tides › Method", "Tides › Method › Data", "Tides › Results")
    selected = select(*paths, is_book=False, title="Tides")
    assert [heading.chapter.label for heading in selected.chapters] == ["Introduction", "Method", "Results"]


def test_a_dedication_is_no_chapter():
    landmarks = [(0, "To my Mother"), (14, "The Red Sail"), (1014, "A Case of Rope")]
    assert [heading.chapter.label for heading in select_chapters(landmarks, 2000).chapters] == [
        "The Red Sail",
        "A Case of Rope",
    ]
