"""Encodings that texts state: labels of encodings, and the places where a file names its own.

Knows the labels of WHATWG's encoding standard, by which every browser and mail program reads
`gb2312` as GBK and `iso-8859-1` as Windows-1252, and the declarations of XML, HTML, CSS, LaTeX,
gettext and source code (PEP 263). Does not know whether a statement is true.
"""

from __future__ import annotations

import codecs
import re

# Labels that stand for a larger encoding than their name says, and names that Python does not know.
_BY_LABEL = {
    **dict.fromkeys(("ascii", "us-ascii", "iso-8859-1", "iso8859-1", "latin1", "latin-1", "l1", "ansinew"), "windows-1252"),
    **dict.fromkeys(("cp1252", "windows-1252", "x-cp1252", "ansi_x3.4-1968", "iso_8859-1"), "windows-1252"),
    **dict.fromkeys(("gb2312", "gb_2312-80", "gbk", "x-gbk", "cp936", "windows-936", "euc-cn", "chinese"), "gb18030"),
    **dict.fromkeys(("big5", "big5-hkscs", "cn-big5", "x-x-big5"), "big5hkscs"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987", "ks_c_5601-1989", "ksc5601", "ksc_5601", "korean", "windows-949"), "cp949"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "ms_kanji", "windows-31j"), "cp932"),
    **dict.fromkeys(("x-euc-jp", "euc-jp"), "euc_jp"),
    **dict.fromkeys(("iso-8859-9", "latin5", "windows-1254"), "cp1254"),
    **dict.fromkeys(("tis-620", "iso-8859-11", "windows-874"), "cp874"),
    **dict.fromkeys(("iso-8859-8-i", "iso-8859-8-e"), "iso8859-8"),
    **dict.fromkeys(("koi8", "koi8-ru"), "koi8-u"),
    **dict.fromkeys(("macintosh", "x-mac-roman", "applemac"), "mac_roman"),
    **dict.fromkeys(("x-mac-cyrillic", "x-mac-ukrainian"), "mac_cyrillic"),
    "x-mac-ce": "mac_latin2",
    "latin9": "iso8859-15",
}  # fmt: skip
# Codecs of Python that turn bytes into other text than their letters.
_NO_ENCODINGS = frozenset(("idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"))
# A statement of these says nothing: they are what programs write without knowing.
_EMPTY_STATEMENTS = re.compile(r"(?:utf|ucs)[-_]?\d.*|unicode|(?:us-)?ascii|iso[-_]8859-1|latin-?1")
_STATEMENTS = (
    re.compile(rb"<\?xml\b[^>]{0,100}?\bencoding\s*=\s*[\"']([\w.:-]{1,40})"),
    re.compile(rb"<meta\b[^>]{0,300}?\bcharset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE),
    re.compile(rb"\A@charset \"([\w.:-]{1,40})\""),
    # In the first two lines, as PEP 263 has it; also of Emacs, Vim, Ruby.
    re.compile(rb"\A(?:[^\n]*\n)?[ \t\f]*[#%;/\"*<(-][^\n]*?coding[:=][ \t]*([\w.-]{1,40})"),
    re.compile(rb"^[^%\n]*\\(?:usepackage\[([\w.-]{1,40})\]\{inputenc\}|inputencoding\{([\w.-]{1,40})\})", re.MULTILINE),
    re.compile(rb"^\"Content-Type: text/plain; charset=([\w.:-]{1,40})", re.MULTILINE),
)  # fmt: skip
_STATEMENT_WORDS = re.compile(rb"coding|charset|inputenc", re.IGNORECASE)


def codec_of_label(label: str) -> str:
    """Return the encoding that a label stands for.

    Args:
        label: as mails and pages write it, in any case.

    Returns:
        "windows-1252", or the name of a codec of Python; "" for a label that is not known.
    """
    name = label.strip().strip("\"'").lower()
    if name in _BY_LABEL:
        return _BY_LABEL[name]
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    if not codec._is_text_encoding or codec.name in _NO_ENCODINGS:
        return ""
    return _BY_LABEL.get(codec.name, codec.name)


def stated_encoding(head: bytes) -> str:
    """Return the encoding that a text states in its first bytes.

    Args:
        head: the first bytes.

    Returns:
        As `codec_of_label`; "" where there is no statement, or one of UTF-8, ASCII or Latin-1,
        which programs write without knowing.
    """
    if not _STATEMENT_WORDS.search(head):
        return ""
    for statement in _STATEMENTS:
        if match := statement.search(head):
            label = next(group for group in match.groups() if group).decode("ascii", "replace")
            return "" if _EMPTY_STATEMENTS.fullmatch(label.lower()) else codec_of_label(label)
    return ""
