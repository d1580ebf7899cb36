"""What a user asks in plain words comes from the manual, what names a place in the source from there."""

import pytest

from crystalcli.library import Crystal
from crystalcli.recall.plain_words import asks_in_plain_words, is_data, wants_manual

MANUAL = """Uploads
=======

Large files
-----------

Visitors may send files that fill the disk. To keep them from it, set ``MAX_CONTENT_LENGTH`` to the
most bytes that a request may have; anything larger is refused with the status 413.

Passwords
---------

To ask for a password without showing it on the screen, give the option ``hide_input=True``.
"""
SOURCE = '''"""Requests of visitors, and the files that they send."""


class FileStream:
    """A file that a visitor sends."""

    def read_file(self, request, size):
        """Read the file of a visitor's request."""
        return request.stream.read(size)

    def send_file(self, visitor, file, large=False):
        """Send a file to a visitor, a large one in parts."""
        return visitor.send(file, large)


def limit_file(request, bytes_of_file):
    """Keep a file of a request from getting larger than its bytes."""
    return request.files[:bytes_of_file]


def refuse_visitor(visitor, status):
    """Refuse a visitor's request with a status."""
    visitor.close(status)


def show_password(visitor):
    """Show a visitor's password."""
    return visitor.password
'''


@pytest.fixture(scope="module")
def software(tmp_path_factory, encoder_folder):
    folder = tmp_path_factory.mktemp("software")
    (folder / "docs").mkdir()
    (folder / "docs/uploads.rst").write_text(MANUAL)
    (folder / "uploads.py").write_text(SOURCE)
    with Crystal.create(folder / "s.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([folder / "docs", folder / "uploads.py"])
    with Crystal.open(folder / "s.crystal", encoder=encoder_folder, reranker=None) as crystal:
        yield crystal


@pytest.mark.parametrize(
    "question",
    [
        "stop visitors from sending me large files",
        "may visitors send files that fill the disk?",
        "how do I refuse large files?",
    ],
)
def test_a_user_is_answered_from_the_manual(software, question):
    assert software.recall(question, k=1).passages[0].path.endswith("uploads.rst")


@pytest.mark.parametrize(
    "question",
    ["which function keeps a file from getting larger?", "limit_file", "How does it send a large file to a visitor?"],
)
def test_a_reader_of_the_source_is_answered_from_there(software, question):
    assert software.recall(question, k=1).passages[0].path.endswith("uploads.py")


def test_the_lead_of_the_manual_is_explained(software):
    passages = software.recall("may visitors send files that fill the disk?", k=4).passages
    shares = {passage.path.rpartition(".")[2]: passage.shares.get("plain") for passage in passages}
    assert shares["rst"] is None
    assert shares["py"] == pytest.approx(-0.5)


def test_files_of_data_are_no_source(tmp_path, encoder_folder):
    (tmp_path / "d").mkdir()
    (tmp_path / "d/network.yaml").write_text("# what is at home\nwifi:\n  name: harbour\n  password: lantern-40\n")
    (tmp_path / "d/router.py").write_text(SOURCE)
    (tmp_path / "d/diary.md").write_text("# A day\n\nThe lamp was lit, and the tide went out at noon.\n")
    with Crystal.create(tmp_path / "d.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([tmp_path / "d"])
    with Crystal.open(tmp_path / "d.crystal", encoder=encoder_folder, reranker=None) as crystal:
        passages = crystal.recall("what is my wifi password?", k=3).passages
    assert passages[0].path == "network.yaml"
    assert [passage.path for passage in passages if "plain" in passage.shares] == ["router.py"]
    assert is_data("Config.YAML") and not is_data("yaml.py")


@pytest.mark.parametrize(
    ("question", "plain", "manual"),
    [
        ("How many visitors does it serve at once if I change nothing?", True, True),
        ("I want to go on tomorrow where it left off, how?", True, True),
        ("why is my function called twice?", True, True),
        ("How does the reloader notice that I edited a file?", True, False),
        ("Which class is used if I choose none?", True, False),
        ("what does xheaders do in HTTPServer?", False, False),
        ("How do I use send_file?", False, False),
        ('what does "no such visitor" mean?', False, False),
        ("Which method of the class closes the stream?", False, False),
        ("Fix the reloader on Windows", False, False),
        ("Avoid a crash when a folder is removed", False, False),
        ("Why does the test that reads a log empty it?", False, False),
        ("how to merge two dictionaries in python", False, False),
    ],
)
def test_who_asks(question, plain, manual):
    assert (asks_in_plain_words(question), wants_manual(question)) == (plain, manual)
