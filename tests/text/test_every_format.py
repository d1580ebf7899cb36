"""Every format end to end: the facts of `formats.py` are read, stand where they should, and are recalled with their place."""

from __future__ import annotations

import re
from bisect import bisect_right
from pathlib import Path

import pytest
from support import formats
from support.formats import ARCHIVES, MEMBERS, SAMPLES, Fact, Sample

from crystalcli.datatypes import FIELDS, HEADING_JOINT, LANDMARKS, LINED, Landmark, Passage
from crystalcli.errors import Reason
from crystalcli.library import Crystal
from crystalcli.text.readers import CODE, READERS, SUFFIXES, open_source
from crystalcli.text.source.sniff_messages import MAIL_SUFFIXES


def read(path: Path) -> tuple[str, str, str, list[Landmark]]:
    """A file's kind, title, text and landmarks."""
    _, reading = open_source(path)
    parts, landmarks, given = [], [], 0
    for piece in reading.pieces():
        if isinstance(piece, Landmark):
            assert piece.start == given
            assert piece.kind in LANDMARKS + FIELDS
            landmarks.append(piece)
        else:
            parts.append(piece)
            given += len(piece)
    return reading.kind, reading.title, "".join(parts), landmarks


def needs(kind: str) -> None:
    """Skip where there is no reader of a kind."""
    if kind not in READERS:
        pytest.skip(f"no reader of {kind} yet")


def has_definitions() -> bool:
    return READERS["code"] != READERS["text"]


def spot(text: str, fact: Fact) -> int:
    """Where a fact stands in a text, whatever spaces and line ends are between its words."""
    found = re.search(re.sub(r" (?![^\[]*\])", r"\\s+", fact.text), text)
    assert found is not None, f"{fact.text} is not in {text[:2000]!r}"
    return found.start()


def labels(landmarks: list[Landmark], at: int) -> dict[str, str]:
    """What holds at character `at`."""
    before = landmarks[: bisect_right([mark.start for mark in landmarks], at)]
    return {mark.kind: mark.label for mark in before}


def right(kind: str, label: str, wanted: str) -> bool:
    if kind == "heading":
        return f"{HEADING_JOINT}{label}".endswith(f"{HEADING_JOINT}{wanted}") or (
            wanted.endswith(f"{HEADING_JOINT}{label}") and READERS["markdown"] == "formats.plain:PlainReading"
        )
    return re.fullmatch(wanted, label) is not None


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Path:
    """A folder with every file of the gallery, each in a folder of its own."""
    folder = tmp_path_factory.mktemp("gallery")
    for name, data in formats.gallery().items():
        place_of(folder, name).parent.mkdir()
        place_of(folder, name).write_bytes(data)
    return folder


def place_of(shelf: Path, name: str) -> Path:
    return shelf / name.replace(".", "-") / name


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_reader_finds_the_facts_and_says_where_they_stand(shelf, sample):
    needs(sample.kind)
    path = place_of(shelf, sample.name)
    kind, title, text, landmarks = read(path)
    assert kind == sample.kind
    assert title.startswith(sample.title)  # an author may follow
    for unwanted in sample.unwanted:
        assert unwanted not in text
    assert [mark.start for mark in landmarks] == sorted(mark.start for mark in landmarks)
    assert all(0 <= mark.start <= len(text) for mark in landmarks)
    for fact in sample.facts:
        at = spot(text, fact)
        held = labels(landmarks, at)
        for each, wanted in fact.marks.items():
            if each != "definition" or has_definitions():
                assert right(each, held.get(each, ""), wanted), (each, held)
        shift = held.get("row", "" if kind in LINED else held.get("line", ""))
        if fact.at and (kind in LINED or shift):
            assert text[:at].count("\n") + 1 + int(shift or 0) == fact.at
        elif fact.at:
            assert kind not in ("xlsx", "csv", "ods"), "its rows have no numbers"
    assert (kind, title, text, landmarks) == read(path)  # the same bytes, the same text


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_crystal_recalls_the_facts_with_their_places(shelf, tmp_path, sample):
    needs(sample.kind)
    path = place_of(shelf, sample.name)
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        report = crystal.ingest([path])
        skipped = [file for file in report.skipped if file.code != Reason.IMAGE]  # in a note
        assert (report.read, skipped) == (1, [])
        for fact in sample.facts:
            passages = crystal.recall(fact.question, k=3)
            (found,) = [each for each in passages if _says(each, fact)][:1] or [None]
            assert found is not None, [each.text for each in passages]
            _stands(found, sample, fact)


def _says(passage: Passage, fact: Fact) -> bool:
    return re.search(re.sub(r" (?![^\[]*\])", r"\\s+", fact.text), passage.text) is not None


def _stands(passage: Passage, sample: Sample, fact: Fact) -> None:
    """Whether a passage says where it is, in the words of its kind."""
    assert passage.place.kind == sample.kind
    wanted = dict(fact.marks)
    if heading := wanted.pop("heading", ""):
        assert right("heading", passage.heading, heading)
    if page := wanted.pop("page", ""):
        assert str(passage.place) == f"p. {page}"
    if wanted.pop("time", ""):  # that of the passage's first sentence
        assert re.fullmatch(r"\d\d:\d\d:\d\d", str(passage.place))
    wanted.pop("definition", "")
    for kind, label in wanted.items():
        assert right(kind, passage.place.marks.get(kind, ""), label)
        assert re.search(label, str(passage.place))
    if fact.at and "row" in passage.place.marks:
        first, _, last = passage.place.marks["row"].partition("-")
        assert int(first) <= fact.at <= int(last or first)
    elif fact.at and passage.place.has_lines:
        assert passage.place.line_start <= fact.at <= passage.place.line_end
        assert str(passage.place).startswith("line")


@pytest.mark.parametrize("name", ARCHIVES)
def test_every_member_of_an_archive_is_a_document(shelf, tmp_path, name):
    needs("archive")
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([place_of(shelf, name).parent])
        held = {document.path: document for document in crystal.documents() if document.chunks}
        if name == "tale.txt.gz":
            assert len(held) == 1
        else:
            assert set(held) == {f"{name}/{member}" for member in MEMBERS}
        found = crystal.recall(formats.TIDE_ASKED, k=1)[0]
        assert formats.TIDE in " ".join(found.text.split())
        assert found.path in held
        assert str(found.place).startswith("line")


def test_the_page_of_formats_lists_every_kind():
    page = Path(__file__).parents[2] / "docs" / "FORMATS.md"
    table = [line.split("|")[1] for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    listed = {kind for cell in table for kind in re.findall(r"`(\w+)`", cell)}
    assert listed == READERS.keys() - {"json", "mhtml"}  # these are read as other kinds


def rows_of_the_page() -> dict[str, tuple[str, str]]:
    """The files and the places that the page of formats gives for each kind."""
    page = (Path(__file__).parents[2] / "docs" / "FORMATS.md").read_text(encoding="utf-8")
    table = page[page.index("| kind | files | place") :].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.split("|")[1:4]] for line in table.splitlines()[2:]]
    return {kind: (files, place) for kinds, files, place in rows for kind in re.findall(r"`(\w+)`", kinds)}


def test_the_page_of_formats_has_the_endings_of_every_kind():
    read_as = {"mhtml": "html", "json": "chat"}
    endings = {(ending, kind) for ending, kind in SUFFIXES.items()}
    endings |= {(ending, "mail") for ending in (*MAIL_SUFFIXES, ".msg", ".oft")}
    endings |= {(Path(sample.name).suffix.lower(), sample.kind) for sample in SAMPLES if sample.kind != "code"}
    rows = rows_of_the_page()
    for ending, kind in endings:
        files = rows[read_as.get(kind, kind)][0].lower()
        is_man_page = kind == "markup" and re.fullmatch(r"\.[1-9]", ending)
        assert f"`{ending}`" in files or is_man_page or not ending, f"{ending} of {kind} is not in docs/FORMATS.md"
    code = int(re.search(r"some (\d+) endings", rows["code"][0])[1])
    assert abs(code - len(CODE)) < 50


# The words for a landmark in the places of the page.
PLACE_WORDS = {
    "page": "page", "slide": "slide", "sheet": "sheet", "row": "row", "cell": "cell", "time": "time", "message": "time",
    "line": "lines", "heading": "heading|chapter|bookmark|group", "definition": "`class.method`", "table": "",
}  # fmt: skip


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_the_page_of_formats_has_the_places_of_every_kind(sample, tmp_path):
    path = tmp_path / sample.name
    path.write_bytes(sample.make())
    kind, _, _, landmarks = read(path)
    place = rows_of_the_page()[kind][1].lower()
    if kind in LINED:
        assert "lines" in place
    for landmark in {landmark.kind for landmark in landmarks} - set(FIELDS):
        assert re.search(PLACE_WORDS[landmark], place), f"{landmark} of {kind} is not in docs/FORMATS.md: {place}"


def test_a_file_is_known_by_its_content_where_its_name_says_nothing(shelf, tmp_path):
    """A PDF, a book or a document that someone saved without its suffix."""
    for sample in SAMPLES:
        if (
            sample.kind in ("pdf", "epub", "docx", "pptx", "xlsx", "odt", "ods", "odp", "html")
            and sample.kind in READERS
            and not sample.make().startswith(b"Subject:")  # a saved page is a mail by its first lines
        ):
            path = tmp_path / f"{sample.kind}-download"
            path.write_bytes(sample.make())
            assert read(path)[0] == sample.kind


def test_the_page_of_formats_has_every_kind():
    page = (Path(__file__).parents[2] / "docs" / "FORMATS.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+?`) \|", page, re.MULTILINE)
    named = {kind for row in rows for kind in re.findall(r"`(\w+)`", row)}
    assert named <= READERS.keys()
    assert {sample.kind for sample in SAMPLES} | {"archive"} <= named
