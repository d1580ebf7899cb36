"""Letters of fonts of symbols, which Office files name by font and code.

Knows the signs that forms and lists use, and Greek and mathematics of the font Symbol.
"""

from __future__ import annotations

_WINGDINGS = {
    0x4A: "☺", 0x6C: "●", 0x6E: "■", 0x6F: "□", 0x71: "❑", 0xA7: "▪", 0xA8: "☐", 0xB7: "•", 0xD8: "➢",
    0xDF: "←", 0xE0: "→", 0xE1: "↑", 0xE2: "↓", 0xE8: "➔", 0xF0: "⇨", 0xFB: "✗", 0xFC: "✓", 0xFD: "☒", 0xFE: "☑",
}  # fmt: skip
_FONTS = {
    "wingdings": _WINGDINGS,
    "wingdings 2": {0x4F: "✗", 0x50: "✓", 0x51: "☒", 0x52: "☑", 0x53: "☒", 0x54: "☒", 0x55: "☒", 0xA3: "☐"},
    "webdings": {0x61: "✓", 0x63: "□", 0x67: "■", 0x72: "✗"},
    "symbol": {
        **dict(zip(b"ABGDEZHQIKLMNXOPRSTUFCYW", "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ", strict=True)),
        **dict(zip(b"abgdezhqiklmnxoprstufcyw", "αβγδεζηθικλμνξοπρστυφχψω", strict=True)),
        0xA3: "≤", 0xA5: "∞", 0xAC: "←", 0xAE: "→", 0xB0: "°", 0xB1: "±", 0xB3: "≥", 0xB4: "×", 0xB6: "∂", 0xB7: "•",
        0xB8: "÷", 0xB9: "≠", 0xBA: "≡", 0xBB: "≈", 0xBC: "…", 0xCE: "∈", 0xD6: "√", 0xDE: "⇒", 0xE5: "∑", 0xF2: "∫",
    },
}  # fmt: skip
_PRIVATE = range(0xF000, 0xF100)  # where these fonts have their letters


def symbol_letter(font: str, code: str) -> str:
    """Return the letter that a font shows for a code; "" where it is not known.

    Args:
        font: name of the font.
        code: the code in hexadecimal digits, as the file has it.
    """
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    known = _FONTS.get(font.lower())
    if known is None:
        letter = chr(number) if 0x20 < number < 0x110000 else ""
        return letter if letter.isprintable() else ""
    if number in _PRIVATE:
        number -= _PRIVATE.start
    return known.get(number, chr(number) if 0x20 < number < 0x3A else "")
