"""Attachments of mails: documents of their own, below the mail, which the ledger knows as it knows members of archives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email.message import EmailMessage
from pathlib import Path

import pytest
from support.ingested_folder import IngestedFolder
from support.lexical_crystals import recalled, texts

from crystalcli import library
from crystalcli.ingest.status import crystal_status
from crystalcli.maintenance.forget import forget_documents
from crystalcli.storage.store import Store
from crystalcli.text.formats.archive.archive_reader import ArchiveMember
from crystalcli.text.formats.mail.mail_reader import MailReading

QUAYS = b"name,depth\nNorth quay,9.2\nSouth quay,4.1\n"
CRANE = b"The crane lifts nine tonnes.\n"


class Mails(IngestedFolder):
    """A folder with one mail, and a crystal of it."""

    def put(self, files: Mapping[str, bytes], said: str = "See the plan.\n", at: int = 1000) -> None:
        message = EmailMessage()
        message["From"], message["Subject"] = "Ann <ann@example.org>", "Plan"
        message.set_content(said)
        for name, data in files.items():
            message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
        self.write("plan.eml", message.as_bytes(), at)

    def now(self) -> set[str]:
        with Store.open(self.crystal) as store:
            return {entry.now for entry in crystal_status(store).entries}


@pytest.fixture
def mails(tmp_path: Path) -> Mails:
    return Mails(tmp_path / "docs", tmp_path / "m.crystal")


def test_attachments_are_documents(mails: Mails) -> None:
    mails.put({"quays.csv": QUAYS, "crane.txt": CRANE, "photo.png": b"\x89PNG"})
    report = mails.ingest()
    assert (report.read, list(report.skipped)) == (3, [("plan.eml/photo.png", "image", "image")])
    assert texts(mails.crystal)["plan.eml/crane.txt"] == CRANE.decode()
    (best,) = recalled(mails.crystal, "How deep is the south quay?", 1)
    assert (best.path, str(best.place)) == ("plan.eml/quays.csv", "rows 1-3")
    expected = {
        "plan.eml": "done",
        "plan.eml/quays.csv": "done",
        "plan.eml/crane.txt": "done",
        "plan.eml/photo.png": "skipped",
    }
    assert mails.states() == expected
    assert mails.now() == {"same"}
    again = mails.ingest()
    assert (again.read, again.unchanged, again.gone, len(again.skipped)) == (0, 3, 0, 1)


def test_a_mail_that_changes_keeps_what_it_still_holds(mails: Mails) -> None:
    mails.put({"quays.csv": QUAYS, "crane.txt": CRANE})
    mails.ingest()
    mails.put({"crane.txt": CRANE}, "See the crane.\n", 2000)
    report = mails.ingest()
    assert (report.read, report.unchanged, report.gone) == (1, 1, 1)
    assert mails.states() == {"plan.eml": "done", "plan.eml/quays.csv": "gone", "plan.eml/crane.txt": "done"}
    assert mails.ingest(prune=True).pruned == 1
    mails.put({}, "Nothing.\n", 3000)
    assert mails.ingest().gone == 1
    (mails.folder / "plan.eml").unlink()
    assert mails.ingest().gone == 1
    assert set(mails.states().values()) == {"gone"}


def test_a_mail_with_its_attachments_is_predicted(mails: Mails) -> None:
    mails.put({"quays.csv": QUAYS, "crane.txt": CRANE})
    tokens = library.Crystal.forecast(mails.crystal, [mails.folder], encoder=None).tokens
    assert tokens == mails.ingest().tokens


def test_an_ingest_that_stops_among_attachments_goes_on_there(mails: Mails, monkeypatch: pytest.MonkeyPatch) -> None:
    mails.put({"quays.csv": QUAYS, "crane.txt": CRANE})
    real = MailReading.members

    def stopped(self: MailReading) -> Iterator[ArchiveMember]:
        members = real(self)
        yield next(members)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(MailReading, "members", stopped)
        with pytest.raises(KeyboardInterrupt):
            mails.ingest()
    assert mails.states() == {"plan.eml": "partial", "plan.eml/quays.csv": "done"}
    report = mails.ingest()
    assert (report.read, report.unchanged) == (2, 1)
    assert set(mails.states().values()) == {"done"}
    assert mails.ingest().read == 0


def test_forgotten_attachments_stay_forgotten(mails: Mails) -> None:
    mails.put({"quays.csv": QUAYS, "crane.txt": CRANE})
    mails.ingest()
    with Store.open(mails.crystal, writable=True) as store:
        forget_documents(store, ["plan.eml/crane.txt"])
    assert mails.ingest().read == 0
    assert mails.states() == {"plan.eml": "done", "plan.eml/quays.csv": "done"}
