"""Texts in the encodings of before: told where their letters are mostly not those of Western Europe, and only there."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from crystalcli.text.readers import open_source
from crystalcli.text.source.legacy_encodings import GUESSED, guess_encoding
from crystalcli.text.source.read_request import ReadOptions
from crystalcli.text.source.text_decoder import decode_labelled

TEXTS = {
    "Капитан порта вёл журнал всех кораблей, которые заходили в гавань. Каждое утро он спускался к воде.": (
        "cp1251", "koi8-r", "cp866", "iso8859-5",
    ),
    "Щоранку капітан порту спускався до води й записував її рівень у товсту книгу.": ("cp1251", "koi8-u"),
    "Ο λιμενάρχης κρατούσε ημερολόγιο όλων των πλοίων που έμπαιναν στο λιμάνι κάθε πρωί.": ("cp1253", "iso8859-7"),
    "ירושלים היא עיר הבירה של מדינת ישראל והעיר הגדולה ביותר בה. העיר שוכנת בהרי יהודה.": ("cp1255",),
    "يحتفظ حارس الميناء بدفتر أزرق فيه كل السفن التي دخلت الميناء كل صباح.": ("cp1256",),
    "กัปตันท่าเรือเก็บบันทึกเรือทุกลำที่เข้ามาในท่าเรือทุกเช้า": ("cp874",),
    "港の灯台は夜に光る。船長は名前を田中という。毎朝、彼は水位を厚い本に書き留めた。": ("cp932", "euc_jp"),
    "항구의 선장은 항구에 들어오는 모든 배의 일지를 기록했다. 매일 아침 그는 물가로 내려갔다.": ("cp949",),
    "港口的灯塔在夜里发光。船长叫王伟，他每天早上都到水边去，把水位记在一本书里。": ("gb18030",),
    "港口的燈塔在夜裡發光。船長叫王偉，他每天早上都到水邊去，把水位記在一本書裡。": ("big5",),
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "encoding"), [(text, encoding) for text, encodings in TEXTS.items() for encoding in encodings]
)
@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.srt"])
def test_a_text_comes_back(tmp_path: Path, text: str, encoding: str, name: str) -> None:
    said = f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n" if name.endswith("srt") else 90 * f"{text}\r\n"
    (tmp_path / name).write_bytes(said.encode(encoding))
    for piece in (1, 7, 4096) if name == "a.txt" else (1 << 18,):
        pieces = open_source(tmp_path / name, ReadOptions(piece=piece))[1].pieces()
        found = "".join(each for each in pieces if isinstance(each, str))
        assert found == (f"{text}\n" if name.endswith("srt") else said)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Der Fährmann heißt Jörg Überall. Die Brücke über den Fluß wurde 1893 gebaut.", "cp1252"),
        ("ÀÉÈÙÇÔÊÎÏÜÖÄßÑ ÉTÉ À L’ÉCOLE", "cp1252"),
        ("Vichy: 4 m³, 2 m², 1ª, 2º", "cp1252"),
        ("╔════════╗║ DOS ║╚════════╝█████", "cp437"),
        ("МАЙ", "cp1251"),
        ("à été", "cp1252"),
    ],
)
def test_what_says_too_little_is_not_guessed(text: str, encoding: str) -> None:
    assert guess_encoding(text.encode(encoding)) == ""


@pytest.mark.parametrize("text", ["Капитан", "Ключ под горшком.", "молоко, хлеб, сыр", "Привет!", "Том 2. Часть 3."])
@pytest.mark.parametrize("encoding", ["cp1251", "koi8-r", "cp866", "iso8859-5"])
def test_a_few_words_without_a_latin_letter_are_enough(text: str, encoding: str) -> None:
    guessed = guess_encoding(text.encode(encoding))
    assert not guessed or text.encode(encoding).decode(guessed) == text
    assert guessed or len(text) < 9


@pytest.mark.parametrize(
    ("text", "encodings"), [("Καλημέρα, το νερό", ("cp1253", "iso8859-7")), ("مفتاح البيت", ("cp1256",))]
)
def test_a_few_words_of_other_alphabets_too(text: str, encodings: tuple[str, ...]) -> None:
    for encoding in encodings:
        assert text.encode(encoding).decode(guess_encoding(text.encode(encoding))) == text


@pytest.mark.parametrize(
    "text",
    [
        "Čuvar drži ključ ispod lonca. Žena šalje pisma iz Đakova.",
        "Šuma je tamna, čamac čeka na žici. Đak piše.",
    ],
)
def test_three_letters_are_enough_where_no_other_language_explains_them(text: str) -> None:
    assert guess_encoding(text.encode("cp1250")) == "cp1250"


def test_noise_is_no_language() -> None:
    dice = random.Random(0)
    for size in (40, 200, 1000, 4096) * 50:
        assert guess_encoding(bytes(dice.randrange(32, 256) for _ in range(size))) == ""


def test_what_is_guessed_wrongly_later_is_no_error(tmp_path: Path) -> None:
    text = next(iter(TEXTS))
    (tmp_path / "a.txt").write_bytes(60 * text.encode("cp1251") + b"\x98!")
    pieces = open_source(tmp_path / "a.txt")[1].pieces()
    assert "".join(each for each in pieces if isinstance(each, str)) == 60 * text + "\ufffd!"
    assert all(b"\r\n".decode(encoding) == "\r\n" for encoding in GUESSED)


def test_a_page_goes_by_what_it_says_of_itself(tmp_path: Path) -> None:
    text = next(iter(TEXTS))
    page = f'<!DOCTYPE html><meta charset="koi8-r"><body><p>{text}</p></body>'
    (tmp_path / "a.html").write_bytes(page.encode("koi8-r"))
    pieces = open_source(tmp_path / "a.html")[1].pieces()
    assert "".join(each for each in pieces if isinstance(each, str)).strip() == text


def test_the_euro_and_the_ligature_tell_latin_9_from_windows_1252() -> None:
    for text in ("Le prix est 30 € à l'été.", "Le cœur bat à côté.", "Une œuvre célèbre.", "Pris: 30€ på ön."):
        assert guess_encoding(text.encode("iso8859-15")) == "iso8859-15"
    for text in ("½ lb of flour, 2½ cups – café", "½inch à la carte", "¼ cup, é", "¤ é"):
        assert guess_encoding(text.encode("cp1252")) == ""


@pytest.mark.parametrize("text", ["会議は金曜日です。abc\n鍵は机の上\n", "plain\n", "あ\nい"])
def test_japanese_of_mails_comes_back(text: str) -> None:
    assert decode_labelled(text.encode("iso2022_jp"), "iso-2022-jp") == text


def test_japanese_of_mails_has_the_signs_of_windows() -> None:
    circled, company, high, kana = b"\x1b$B-!\x1b(B", b"\x1b$B-j\x1b(B", b"\x1b$B|e\x1b(B", b"\x1b(I6E\x1b(B"
    assert decode_labelled(circled + company + b" a " + kana, "ISO-2022-JP") == "①㈱ a ｶﾅ"
    assert len(decode_labelled(high, "iso-2022-jp")) == 1
    assert decode_labelled(b"\x1b$B\x21", "iso-2022-jp") == "!"
