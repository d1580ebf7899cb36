"""Fields, annotations and structure of PDFs by pypdf, and pages that pdfium cannot read."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fpdf import FPDF
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    BooleanObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    StreamObject,
    TextStringObject,
)

from crystalcli.datatypes import Landmark
from crystalcli.errors import SourceError
from crystalcli.text.formats.pdf import pdf_reader, structure
from crystalcli.text.formats.pdf.fallback import NOTE
from crystalcli.text.readers import open_source
from crystalcli.text.source.read_request import ReadOptions
from crystalcli.text.source.worker_process import Bounds

Place = tuple[float, float, float, float]


def objects(value: Any) -> Any:
    """Plain Python as objects of pypdf; a string that begins with / is a name."""
    if isinstance(value, dict):
        return DictionaryObject({NameObject(key): objects(inner) for key, inner in value.items()})
    if isinstance(value, list | tuple):
        return ArrayObject(map(objects, value))
    if isinstance(value, str):
        return NameObject(value) if value.startswith("/") else TextStringObject(value)
    if isinstance(value, bool):
        return BooleanObject(value)
    if isinstance(value, float):
        return FloatObject(value)
    return NumberObject(value) if isinstance(value, int) else value


def letter(*lines: str, pages: int = 1) -> bytes:
    """A PDF with lines at 72 points from the left, the first at 700 points, 40 points apart."""
    pdf = FPDF(unit="pt", format=(600, 800))
    pdf.set_font("helvetica", size=12)
    for number in range(pages):
        pdf.add_page()
        for index, line in enumerate(lines):
            pdf.text(72, 100 + 40 * index, line.format(number))
    return bytes(pdf.output())


def rewritten(data: bytes, change: Callable[[PdfWriter], object]) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def annotated(data: bytes, *annotations: dict[str, Any], page: int = 0) -> bytes:
    def add(writer: PdfWriter) -> None:
        kept = ArrayObject(writer._add_object(objects({"/Type": "/Annot", **each})) for each in annotations)
        writer.pages[page][NameObject("/Annots")] = kept
        fields = ArrayObject(each for each in kept if each.get_object().get("/Subtype") == "/Widget")
        form = objects({"/DA": "/Helv 0 Tf 0 g"})
        form[NameObject("/Fields")] = fields
        writer._root_object[NameObject("/AcroForm")] = form

    return rewritten(data, add)


def field(kind: str, name: str, place: Place, **more: Any) -> dict[str, Any]:
    entries = {f"/{key}": value for key, value in more.items()}
    return {"/Subtype": "/Widget", "/FT": kind, "/T": name, "/Rect": list(place), "/F": 4, **entries}


def read(tmp_path: Path, data: bytes, password: str = "") -> tuple[str, str, list[tuple[str, str, str]]]:
    """Title, text, and the landmarks with the text that they stand at."""
    path = tmp_path / "a.pdf"
    path.write_bytes(data)
    _, reading = open_source(path, ReadOptions(password=password))
    title = reading.title
    pieces = list(reading.pieces())
    text = "".join(piece for piece in pieces if isinstance(piece, str))
    marks = [mark for mark in pieces if isinstance(mark, Landmark)]
    return title, text, [(mark.kind, mark.label, text[mark.start :].split("\n")[0]) for mark in marks]


def test_values_of_fields_stand_in_their_rows(tmp_path: Path) -> None:
    printed = letter("Name of the boat", "Home port:", "Life jackets", "Insured?        yes        no", "Remarks")
    states = {"/N": {"/Yes": {}, "/Off": {}}}
    data = annotated(
        printed,
        field("/Tx", "a1", (200, 693, 400, 711), V="Petrel", DA="/Helv 10 Tf 0 g"),
        field("/Ch", "a2", (200, 653, 400, 671), V="bod", Opt=[["ham", "Hamburg"], ["bod", "Bodø"]]),
        field("/Btn", "a3", (50, 615, 62, 627), V="/Yes", AS="/Yes", AP=states),
        field("/Btn", "a4", (110, 575, 120, 587), V="/Off", AS="/Off", AP=states),
        field("/Btn", "a5", (185, 575, 195, 587), V="/Yes", AS="/Yes", AP=states),
        field("/Tx", "a6", (200, 500, 400, 551), V="Two hours\rbefore low water", Ff=1 << 12),
        field("/Tx", "secret", (200, 400, 400, 420), V="hunter2", Ff=1 << 13),
        field("/Btn", "send", (200, 300, 400, 320), V="Send", Ff=1 << 16),
        field("/Tx", "hidden", (200, 200, 400, 220), V="unseen") | {"/F": 2},
        field("/Tx", "empty", (200, 150, 400, 170), V=""),
    )
    assert read(tmp_path, data)[1].split("\n") == [
        "Name of the boat  Petrel",
        "Home port:  Bodø",
        "[x] Life jackets",
        "Insured?  yes  no [x]",
        "Remarks  Two hours",
        "before low water",
        "",
        "",
    ]


def test_a_value_on_a_line_of_underscores(tmp_path: Path) -> None:
    data = annotated(letter("Name: ______________"), field("/Tx", "n", (110, 693, 200, 711), V="Petrel"))
    assert read(tmp_path, data)[1] == "Name: ______________ Petrel\n\n"


def test_fields_without_letters_around_have_their_names(tmp_path: Path) -> None:
    data = annotated(
        letter(""),
        field("/Tx", "boat", (100, 693, 300, 711), V="Petrel", TU="Name of the boat"),
        field("/Tx", "port", (100, 653, 300, 671), V="Bodø"),
    )
    assert read(tmp_path, data)[1] == "Name of the boat: Petrel\nport: Bodø\n\n"


def test_a_field_takes_what_it_lacks_from_those_above_it(tmp_path: Path) -> None:
    def add(writer: PdfWriter) -> None:
        parent = writer._add_object(objects({"/FT": "/Tx", "/T": "boat", "/V": "Petrel"}))
        child = objects({"/Subtype": "/Widget", "/T": "name", "/Rect": [100, 693, 300, 711]})
        child[NameObject("/Parent")] = parent
        writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(child)])

    assert read(tmp_path, rewritten(letter(""), add))[1] == "boat.name: Petrel\n\n"


def test_a_turned_page_has_its_values_at_its_end(tmp_path: Path) -> None:
    data = annotated(letter("Name"), field("/Tx", "boat", (200, 693, 400, 711), V="Petrel"))
    turned = rewritten(data, lambda writer: writer.pages[0].rotate(90))
    assert read(tmp_path, turned)[1] == "Name\n\nboat: Petrel\n\n"


def test_comments_and_typed_annotations(tmp_path: Path) -> None:
    place = [300, 650, 500, 711]
    typed = {"/Subtype": "/FreeText", "/IT": "/FreeTextTypeWriter", "/DA": "/Helv 12 Tf"}
    data = annotated(
        letter("Date:", "The crane lifts ten tons.", "It stands on the quay."),
        {**typed, "/Rect": [150, 693, 300, 711], "/Contents": "3 May"},
        {"/Subtype": "/FreeText", "/Rect": place, "/Contents": "See the\rother plan."},
        {"/Subtype": "/Text", "/Rect": place, "/Contents": "Eight since May.", "/T": "Ann"},
        {"/Subtype": "/Text", "/Rect": place, "/Contents": "Ann set this to accepted", "/StateModel": "Review"},
        {"/Subtype": "/Highlight", "/Rect": place, "/Contents": "crane lifts ten", "/T": "Bo"},
        {"/Subtype": "/Highlight", "/Rect": place, "/Contents": "Which crane?", "/T": "Bo"},
        {"/Subtype": "/Text", "/Rect": place, "/Contents": "Unseen.", "/F": 2},
        {"/Subtype": "/Link", "/Rect": place, "/Contents": "A link"},
        {"/Subtype": "/FileAttachment", "/Rect": place, "/Contents": "Its plan", "/FS": {"/UF": "plan.txt"}},
    )
    assert read(tmp_path, data)[1] == (
        "Date:  3 May\nThe crane lifts ten tons.\nIt stands on the quay.\n\nSee the other plan.\n\n"
        "Comment by Ann: Eight since May.\n\nComment by Bo: Which crane?\n\n[Attachment: plan.txt] Its plan\n\n"
    )


def test_a_comment_does_not_tear_a_sentence(tmp_path: Path) -> None:
    pdf = FPDF(unit="pt", format=(600, 800))
    pdf.set_font("helvetica", size=12)
    for page in (["One", "paragraph.", "", "A sentence", "that goes"], ["on over the page."]):
        pdf.add_page()
        for index, line in enumerate(page):
            pdf.text(72, 100 + 16 * index, line)
    note = {"/Subtype": "/Text", "/Rect": [300, 650, 320, 670], "/Contents": "Good."}
    text = read(tmp_path, annotated(bytes(pdf.output()), note))[1]
    assert text == "One\nparagraph.\n\nComment: Good.\n\nA sentence\nthat goes\non over the page.\n\n"


def test_attachments_are_named(tmp_path: Path) -> None:
    def attach(writer: PdfWriter) -> None:
        writer.add_attachment("tides.csv", b"hour,height\n")
        writer.add_attachment("übersicht.txt", b"Tides.")

    assert read(tmp_path, rewritten(letter("Tides."), attach))[1] == (
        "Tides.\n\n[Attachment: tides.csv]\n[Attachment: übersicht.txt]\n\n"
    )
    with pytest.raises(SourceError, match=r"^no text layer"):
        read(tmp_path, rewritten(letter(""), attach))


def test_title_and_author(tmp_path: Path) -> None:
    def about(**more: str) -> str:
        data = rewritten(letter("Text."), lambda writer: writer.add_metadata({f"/{k}": v for k, v in more.items()}))
        return read(tmp_path, data)[0]

    assert about(Title="The crane", Author="Ann Lee, Bo Li") == "The crane — Ann Lee, Bo Li"
    assert about(Title="The crane", Author="(anonymous)") == "The crane"
    assert about(Title="untitled", Author="Ann") == about(Author="Ann") == ""


def test_the_title_of_xmp_where_there_is_no_other(tmp_path: Path) -> None:
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title><rdf:Alt>'
        '<rdf:li xml:lang="x-default">The crane</rdf:li></rdf:Alt></dc:title><dc:creator><rdf:Seq>'
        "<rdf:li>Ann Lee</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>"
    )

    def add(writer: PdfWriter) -> None:
        stream = StreamObject()
        stream.set_data(xmp.encode())
        stream.update(objects({"/Type": "/Metadata", "/Subtype": "/XML"}))
        writer._root_object[NameObject("/Metadata")] = writer._add_object(stream)

    assert read(tmp_path, rewritten(letter("Text."), add))[0] == "The crane — Ann Lee"


def test_a_form_that_only_adobe_reader_shows_is_refused(tmp_path: Path) -> None:
    wait = (
        "Please wait...",
        "If this message is not eventually replaced by the proper contents of the document, your PDF",
        "viewer may not be able to display this type of document.",
    )
    message = "^" + re.escape(pdf_reader.XFA_FORM) + "$"
    with pytest.raises(SourceError, match=message):
        read(tmp_path, letter(*wait))

    def declare(writer: PdfWriter) -> None:
        writer._root_object.update(objects({"/NeedsRendering": True, "/AcroForm": {"/XFA": []}}))

    with pytest.raises(SourceError, match=message):
        read(tmp_path, rewritten(letter("Bitte warten..."), declare))
    assert "tides" in read(tmp_path, letter("Please wait for the tides."))[1]


def test_labels_and_outline_are_those_that_pdfium_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def add(writer: PdfWriter) -> None:
        writer.set_page_label(0, 1, style="/r")
        writer.set_page_label(2, 3, style="/D", prefix="A-", start=8)
        writer.set_page_label(4, 5, style="/a", start=27)
        first = writer.add_outline_item(title="One", page_number=0)
        second = writer.add_outline_item(title="Two", page_number=2, parent=first)
        writer.add_outline_item(title="Three", page_number=4, parent=second)
        writer.add_outline_item(title="Four", page_number=5)

    data = rewritten(letter("Text", pages=6), add)
    marks = read(tmp_path, data)[2]
    assert [label for kind, label, _ in marks if kind == "page"] == ["i", "ii", "A-8", "A-9", "aa", "bb"]
    assert [label for kind, label, _ in marks if kind == "heading"] == ["One", "One › Two", "One › Two › Three", "Four"]
    monkeypatch.setattr("crystalcli.text.readers.WORKER_KINDS", frozenset())
    monkeypatch.setattr(structure, "BOUNDS", Bounds(silence=0.0))
    places = [mark for mark in marks if mark[0] in ("page", "heading")]
    assert [mark for mark in read(tmp_path, data)[2] if mark[0] in ("page", "heading")] == places


def test_pypdf_that_takes_too_long_costs_no_letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = rewritten(letter("Name"), lambda writer: writer.add_metadata({"/Title": "The crane"}))
    data = annotated(printed, field("/Tx", "boat", (200, 693, 400, 711), V="Petrel"))
    assert read(tmp_path, data)[:2] == ("The crane", "Name  Petrel\n\n")
    monkeypatch.setattr("crystalcli.text.readers.WORKER_KINDS", frozenset())
    monkeypatch.setattr(structure, "BOUNDS", Bounds(silence=0.0))
    assert read(tmp_path, data)[:2] == ("The crane", "Name\n\n")


def test_an_outline_and_fields_that_refer_to_themselves(tmp_path: Path) -> None:
    def add(writer: PdfWriter) -> None:
        item = writer._add_object(objects({"/Title": "Round"}))
        item.get_object().update({NameObject("/Next"): item, NameObject("/First"): item})
        writer._root_object[NameObject("/Outlines")] = objects({})
        writer._root_object["/Outlines"][NameObject("/First")] = item
        widget = writer._add_object(objects(field("/Tx", "boat", (200, 693, 400, 711))))
        widget.get_object()[NameObject("/Parent")] = widget
        writer.pages[0][NameObject("/Annots")] = ArrayObject([widget, widget])

    assert read(tmp_path, rewritten(letter("Name"), add))[1] == "Name\n\n"


def test_annotations_that_are_damaged_cost_themselves_alone(tmp_path: Path) -> None:
    data = annotated(
        letter("Name"),
        {"/Subtype": "/Text", "/Contents": "Good."},
        field("/Tx", "a", (200, 693, 400, 711), V="Petrel") | {"/Rect": ["left", 1]},
        field("/Tx", "b", (200, 693, 400, 711), V={"/Not": "text"}, Ff="many"),
        {"/Subtype": 7},
        field("/Ch", "c", (200, 693, 400, 711), V=["one", "two"], Opt=7),
        field("/Ch", "d", (200, 693, 400, 711), V=["one", "two"]),
    )
    assert read(tmp_path, data)[1] == "Name  one, two\n\nComment: Good.\n\n"


def test_a_file_that_pdfium_cannot_open_is_read_by_pypdf(tmp_path: Path) -> None:
    data = letter("Crane {} lifts ten tons.", "It stands on quay {}.", pages=60)
    assert read(tmp_path, data)[1].startswith("Crane 0 lifts ten tons.\nIt stands on quay 0.\n\nCrane 1 lifts")
    broken = re.sub(rb"/Root \d+ 0 R", b"/Root 9999 0 R", data)
    _, text, marks = read(tmp_path, broken)
    assert text.startswith(NOTE + "\n\nCrane 0 lifts ten tons.\nIt stands on quay 0.\n\nCrane 1 lifts")
    assert [label for kind, label, _ in marks if kind == "page"] == [str(number) for number in range(1, 61)]


def test_a_page_that_pdfium_cannot_read_is_read_by_pypdf(tmp_path: Path) -> None:
    data = letter("Crane {} lifts ten tons.", pages=3)
    broken = re.sub(rb"\n3 0 obj", b"\n3 0 xbj", data)
    assert broken != data
    assert read(tmp_path, broken)[1] == "".join(f"Crane {number} lifts ten tons.\n\n" for number in range(3))


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
def test_values_of_encrypted_forms(tmp_path: Path, algorithm: str) -> None:
    printed = annotated(letter("Name"), field("/Tx", "boat", (200, 693, 400, 711), V="Petrel"))
    data = rewritten(printed, lambda writer: writer.encrypt("user", "owner", algorithm=algorithm))
    for password in ("user", "owner"):
        assert read(tmp_path, data, password)[1] == "Name  Petrel\n\n"
    # The user may not have the package that pypdf needs for AES.
    code = (
        "import sys\nsys.modules.update(dict.fromkeys(('cryptography', 'Crypto')))\n"
        "import pypdf._crypt_providers as providers\n"
        "assert providers.crypt_provider[0] == 'local_crypt_fallback', providers.crypt_provider\n"
        "from crystalcli.text.formats.pdf.structure import open_pypdf\n"
        f"reader = open_pypdf(open({str(tmp_path / 'a.pdf')!r}, 'rb'), 'user')\n"
        "print(reader.pages[0]['/Annots'][0].get_object()['/V'])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "Petrel\n", result.stderr
