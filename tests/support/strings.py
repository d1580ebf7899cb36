"""Strings of all sorts, for whatever takes text apart."""

from __future__ import annotations

import random
import unicodedata

CODE = '''def tide(moon_age: float = 14.765) -> int:
    """Days to the next spring tide."""
\treturn int((14.765 - moon_age) % 14.765)  # 2 × 7.38
if __name__ == "__main__":
    print(f"{tide(3.5):>10}\\r\\n", 0x1F, 1e-9, '\\u00e9')


    x = [i for i in range(1000000)]\t\t\t
'''
PIECES = [
    *("ferry", "the", " The", "naïve", "Straße", "don't", "I'LL", "it's", "we've", "ﬁn", "ＦＵＬＬ", "e\u0301"),
    *("0", "7", "42", "1984", "3.14", "٣٤", "½", "Ⅷ", "²", "一二三", "①"),
    *(" ", "  ", "    ", "\t", "\n", "\n\n", "\r\n", "\u00a0", "\u3000", "\u2028", "\x85", "\x0b", "\x1f", "\u200b"),
    *("日本語", "한국어", "العربية", "हिन्दी", "ไทย", "Ελληνικά", "русский", "עברית"),
    *("🎉", "👩‍👩‍👧", "🏳️‍🌈", "🇫🇷", "𝕏", "𐍈"),
    *("!", "...", "—", "“", "”", "$", "€", "<|", "|>", "</s>", "{}", "=>", "\\", "`", "::", "'", "''s"),
    *("\x00", "\x01", "\x1b[2J", "\x7f", "\ufeff", "\ufffd"),
]


def varied(count: int) -> list[str]:
    """Strings of all sorts, the same each time."""
    choose = random.Random(20)
    anything = [chr(n) for n in range(1, 0x2FFF) if unicodedata.category(chr(n)) != "Cs"]
    made = [CODE, CODE.replace("    ", "\t"), "", " ", "\n" * 70, " " * 300 + "x", " " * 99 + "7"]
    while len(made) < count:
        source = choose.choice([PIECES, PIECES, anything, CODE.split(" ")])
        made.append(choose.choice(["", "", " "]).join(choose.choices(source, k=choose.randint(1, 40))))
    return made
