"""Encodings: as a file states it, as its letters look wherever they are, and NULs that do not make a text binary."""

from __future__ import annotations

from pathlib import Path

import pytest

from crystalcli.errors import SourceError
from crystalcli.text.readers import open_source
from crystalcli.text.source.legacy_encodings import guess_encoding, guess_name_encoding
from crystalcli.text.source.letter_sample import SAMPLE_BYTES, LetterSample
from crystalcli.text.source.read_request import ReadOptions
from crystalcli.text.source.stated_encoding import codec_of_label, stated_encoding
from crystalcli.text.source.text_decoder import decode_labelled


def text_of(path: Path, data: bytes, sizes: tuple[int, ...] = (1, 7, 1 << 18)) -> str:
    path.write_bytes(data)
    texts = set()
    for piece in sizes:
        pieces = open_source(path, ReadOptions(piece=piece))[1].pieces()
        texts.add("".join(piece for piece in pieces if isinstance(piece, str)))
    assert len(texts) == 1
    return texts.pop()


# --- Latin letters ----------------------------------------------------------------------------------

LATIN = [
    ("Loď odplula za úsvitu. Kapitán řekl, že přístav zůstane zavřený ještě týden.", ("cp1250", "iso8859-2", "cp852")),
    ("Loď odišla ráno. Kapitán povedal, že prístav ešte týždeň nebude otvorený; kľúč je v skrini.", ("cp1250", "iso8859-2")),
    ("Łódź stoi w przystani. Żona rybaka mówiła, że śnieg zaczął padać o świcie.", ("cp1250", "iso8859-2", "cp852")),
    ("A hajó kikötőben áll. A révész azt mondta, hogy a főkapu kulcsa eltűnt, és erős szél jön.", ("cp1250", "iso8859-2")),
    ("Brod je u luci. Kapetan je rekao da će ključ naći iza najveće kuće, a šupa je već zaključana.", ("cp1250",)),
    ("Gemi limanda. Kaptan anahtarın dolapta olduğunu söyledi; şubat ayında işler açılır.", ("cp1254", "iso8859-9")),
    ("Laivas stovi uoste. Kapitonas pasakė, kad raktas yra spintoje, o žiemą čia būna šalta; išėję grįžo.", ("cp1257",)),
    ("Kuģis stāv ostā. Kapteinis teica, ka atslēga ir skapī, un ziemā šeit ir ļoti auksts.", ("cp1257",)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "encoding"), [(text, encoding) for text, encodings in LATIN for encoding in encodings]
)
@pytest.mark.parametrize("name", ["notes.txt", "film.srt"])
def test_letters_tell_the_encoding_of_their_language(tmp_path: Path, text: str, encoding: str, name: str) -> None:
    said = f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n" if name.endswith("srt") else text + "\r\n"
    assert text_of(tmp_path / name, said.encode(encoding)).strip() == text


@pytest.mark.parametrize(
    "text",
    [
        "Où est la clé? Près de l'évier, à côté du gâteau; ça n'a pas changé depuis Noël. L'œuvre est à l'hôtel.",
        "Der Schlüssel hängt über dem Waschbecken; die Tür ist größer, als man glaubt.",
        "¿Dónde está la llave? El señor Núñez la dejó en el cajón; mañana volverá.",
        "A chave não está na gaveta; o irmão dele só chega amanhã às três. É preciso atenção.",
        "La chiave è sotto il vaso; perché non c'è più? Così è la città, e l'università è là.",
        "Nøglen ligger på bordet; båden er ældre end færgen, og søen er rolig.",
        "Lykillinn er á borðinu; það er þó ekki víst að hann sé þar ennþá. Ég fór út í gær.",
        "Voilà: 4 m³ of sand, 2 m² of floor, 25 °C, ±½ inch, £300, ¥5, “quoted” – and so on…",
    ],
)
def test_western_letters_stay_as_they_are(tmp_path: Path, text: str) -> None:
    assert text_of(tmp_path / "a.txt", text.encode("cp1252")) == text


# --- letters that come late ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("late", "encoding"),
    [
        ("# длина верёвки дана в метрах, остальное в тексте", "cp1251"),
        ("2026-03-01 10:00:02 警告：备份服务器没有响应，请检查网络连接", "gb18030"),
        ("2026-03-01 10:00:02 警告：備份伺服器沒有回應，請檢查網路連線", "big5"),
        ("灯台の鍵は事務所にあります。船は五時に着く予定です。", "cp932"),
        ("등대 열쇠는 사무실에 있습니다. 배는 다섯 시에 도착합니다.", "cp949"),
        ("Klucz wisi za drzwiami; łódź odpływa o świcie, więc śpiesz się.", "cp1250"),
    ],
)
@pytest.mark.parametrize("name", ["module.py", "server.log"])
def test_the_letters_decide_wherever_they_are(tmp_path: Path, late: str, encoding: str, name: str) -> None:
    text = "".join(f"value_{n} = {n}\n" for n in range(900)) + late + "\nend = 0\n"
    assert text_of(tmp_path / name, text.encode(encoding), (61, 1 << 18)) == text


def test_a_sample_does_not_depend_on_the_pieces() -> None:
    data = b"".join(b"%d: plain\n" % n + bytes((200, 65 + n % 26, 210)) * (n % 5) + b"\n" for n in range(900))
    samples = set()
    for size in (1, 2, 7, 64, 4096, len(data)):
        sample = LetterSample()
        for start in range(0, len(data), size):
            sample.feed(data[start : start + size])
        samples.add(sample.lines())
    assert len(samples) == 1
    assert len(samples.pop()) == SAMPLE_BYTES


def test_nothing_is_guessed_of_nothing() -> None:
    assert guess_encoding(b"") == guess_encoding(b"plain\n") == ""


# --- encodings that a file states ---------------------------------------------------------------------

POLISH, RUSSIAN = "Ścieżka", "Ключ"


@pytest.mark.parametrize(
    ("name", "text", "encoding"),
    [
        ("data.xml", f'<?xml version="1.0" encoding="windows-1250"?>\n<a>{POLISH}</a>\n', "cp1250"),
        ("book.xml", f'<?xml version="1.0" encoding="koi8-r"?>\n<a>{RUSSIAN}</a>\n', "koi8-r"),
        ("path.py", f"# -*- coding: iso-8859-2 -*-\n# {POLISH}\n", "iso8859-2"),
        ("path.rb", f"#!/usr/bin/ruby\n# encoding: windows-1251\n# {RUSSIAN}\n", "cp1251"),
        ("vim.c", f"/* vim: set fileencoding=cp1251 : */\n/* {RUSSIAN} */\n", "cp1251"),
        ("style.css", f'@charset "windows-1251";\n/* {RUSSIAN} */\n', "cp1251"),
        ("thesis.tex", f"\\documentclass{{article}}\n\\usepackage[latin2]{{inputenc}}\n{POLISH}\n", "iso8859-2"),
        ("pl.po", f'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=ISO-8859-2\\n"\n{POLISH}\n', "iso8859-2"),
        ("jis.xml", '<?xml version="1.0" encoding="iso-2022-jp"?>\n<a>鍵</a>\n', "iso2022_jp"),
    ],
)
def test_a_file_is_read_as_it_says(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    assert text_of(tmp_path / name, text.encode(encoding)) == text


def test_a_statement_that_is_not_true_is_not_followed(tmp_path: Path) -> None:
    assert text_of(tmp_path / "a.py", f"# coding: cp1251\n# {POLISH}\n".encode()) == f"# coding: cp1251\n# {POLISH}\n"
    late = "# coding: euc_jp\n# caf\xe9 na\xefve\n"
    assert text_of(tmp_path / "b.py", late.encode("cp1252")) == late
    assert stated_encoding(b"# coding: rot13\n") == stated_encoding(b"# coding: utf-8\n") == ""
    assert stated_encoding(b"the coding: cp1251 of a sentence\n") == ""


def test_labels_mean_what_browsers_take_them_for() -> None:
    assert [codec_of_label(label) for label in ("GB2312", "iso-8859-1", "KS_C_5601-1987", "Shift_JIS", "'latin5'")] == [
        "gb18030", "windows-1252", "cp949", "cp932", "cp1254",
    ]  # fmt: skip
    assert codec_of_label("nonsense") == codec_of_label("unicode_escape") == codec_of_label("hex") == ""


@pytest.mark.parametrize(
    ("data", "label", "text"),
    [
        ("镕、喆".encode("gbk"), "gb2312", "镕、喆"),
        ("①髙﨑".encode("cp932"), "shift_jis", "①髙﨑"),
        ("“30 €”".encode("cp1252"), "iso-8859-1", "“30 €”"),
        ("Grüße".encode(), "iso-8859-1", "Grüße"),
        ("Grüße, größer".encode() + b"\xe2\x82", "utf-8", "Grüße, größer\ufffd"),
        (RUSSIAN.encode("koi8-r"), "koi8-r", RUSSIAN),
        ("Фонарь висит у северных ворот порта.".encode("cp1251"), "us-ascii", "Фонарь висит у северных ворот порта."),
        ("鍵は三番の鉢".encode("iso2022_jp"), "iso-2022-jp", "鍵は三番の鉢"),
        ("žluť".encode("cp1250") + b"\x81", "windows-1250", "žluť\ufffd"),
    ],
)
def test_a_text_with_a_label(data: bytes, label: str, text: str) -> None:
    assert decode_labelled(data, label) == text


# --- NULs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("zeros", ["front", "inside", "end"])
def test_a_log_with_a_run_of_nuls_is_a_text(tmp_path: Path, zeros: str) -> None:
    lines = [f"2026-03-01 10:00:{n:02} pump {n} started\n" for n in range(50)]
    hole = b"\0" * 5000
    data = {
        "front": hole + "".join(lines).encode(),
        "inside": "".join(lines[:20]).encode() + hole + "".join(lines[20:]).encode(),
    }
    assert text_of(tmp_path / "a.log", data.get(zeros, "".join(lines).encode() + hole)) == "".join(lines)


def test_one_or_two_nuls_do_not_make_a_short_text_binary(tmp_path: Path) -> None:
    assert text_of(tmp_path / "a.log", b"10:00 pump 1 star\0ted\n10:01 pump\0 2 stopped\n") == (
        "10:00 pump 1 started\n10:01 pump 2 stopped\n"
    )


@pytest.mark.parametrize(
    "data", [b"\0" * 5000, b"\0" * 5000 + b"text\n", b"abc" * 50 + b"\0\xff\xfe", b"x" * 500 + b"\0\1\2\3\4\5"]
)
def test_nuls_among_other_bytes_are_no_text(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(SourceError, match=r"^binary file$"):
        text_of(tmp_path / "a.log", data)


# --- names in archives --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "encoding"),
    [
        (["潮汐表.txt"], "gbk"), (["潮位記録.txt", "データ.csv"], "cp932"), (["潮汐紀錄.txt", "報告.txt"], "big5"),
        (["조석표에 대한 의견.txt"], "cp949"), (["Приливы.txt"], "cp866"), (["приливы за май.txt"], "cp1251"),
        (["Gezeiten für Köln.txt"], "cp437"), (["Gezeiten für Köln.txt"], "cp1252"), (["Přílivy v září.txt"], "cp852"),
        (["plain.txt"], "ascii"),
    ],
)  # fmt: skip
def test_names_of_files_in_an_archive(names: list[str], encoding: str) -> None:
    raw = [name.encode(encoding) for name in names]
    guess = guess_name_encoding(raw)
    assert [data.decode("cp1252" if guess == "windows-1252" else guess) for data in raw] == names
