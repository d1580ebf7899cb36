"""Numbers and dates as a spreadsheet shows them, by the format codes of Office Open XML.

Knows codes such as `#,##0.00`, `0%`, `d mmm yyyy` (ECMA-376, part 1, 18.8.30). Dates whose code
leaves the order to the reader's country are written 2020-03-14. Does not know files.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

# Codes that a file may use by number alone.
BUILT_IN_CODES = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 11: "0.00E+00", 12: "# ?/?", 13: "# ??/??",
    14: "yyyy-mm-dd", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy", 18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss",
    22: "yyyy-mm-dd h:mm", 37: "#,##0;(#,##0)", 38: "#,##0;(#,##0)", 39: "#,##0.00;(#,##0.00)", 40: "#,##0.00;(#,##0.00)",
    41: "#,##0", 42: "$#,##0", 43: "#,##0.00", 44: "$#,##0.00", 45: "mm:ss", 46: "[h]:mm:ss", 47: "mm:ss.0", 48: "0.0E+0",
}  # fmt: skip
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"?|\\(?P<escaped>.)|(?P<skipped>[_*].?)|\[\$(?P<currency>[^\]-]*)(?:-[^\]]*)?\]|\[(?P<elapsed>h+|m+|s+)\]|'
    r"(?P<bracket>\[[^\]]*\])|(?P<noon>AM/PM|A/P)|(?P<date>y+|m+|d+|h+|s+(?:\.0+)?)|(?P<exponent>E[+-])|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_MAX_CODE_LENGTH = 255  # characters, as spreadsheets allow

Token = tuple[str, str]


def format_number(value: float, code: str, *, from_1904: bool = False) -> str:
    """Return the number as a spreadsheet shows it.

    Args:
        value: the number, or for dates the days since the epoch of the workbook.
        code: the format code.
        from_1904: days count from 1904 rather than from 1900.
    """
    if value != value or value in (float("inf"), float("-inf")) or len(code) > _MAX_CODE_LENGTH:
        return str(value)
    sections = _sections(code)
    index = 1 if value < 0 and len(sections) > 1 else 2 if value == 0 and len(sections) > 2 else 0
    tokens = [(str(match.lastgroup), match[match.lastgroup or 0]) for match in _TOKEN.finditer(sections[index])]
    bare = "".join(text for kind, text in tokens if kind == "other")
    if "general" in sections[index].lower() or (not bare.strip("@") and not any(kind == "date" for kind, _ in tokens)):
        literal = "".join(text for kind, text in tokens if kind in ("quoted", "escaped", "currency"))
        return literal if literal and not code.lower().startswith("general") and index else format_general(value)
    if any(kind in ("date", "elapsed") for kind, _ in tokens):
        return _date(value, tokens, from_1904)
    magnitude = abs(value) if index == 1 else value
    if "/" in bare and "?" in bare:
        return _fraction(magnitude, bare)
    return _number(magnitude, tokens)


def format_general(value: float) -> str:
    """Return a number without a format, as under the code "General"."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.10g}"


def is_date_code(code: str) -> bool:
    """Tell whether a code shows a day or a time."""
    section = next(iter(_sections(code)), "")
    return "general" not in section.lower() and any(
        match.lastgroup in ("date", "elapsed") for match in _TOKEN.finditer(section[:_MAX_CODE_LENGTH])
    )


def _sections(code: str) -> list[str]:
    """Split a code at its semicolons: positive, negative, zero."""
    sections, current, position = [], "", 0
    for match in re.finditer(r'"[^"]*"?|\\.|\[[^\]]*\]?|;|[^;"\\\[]+|\\', code, re.DOTALL):
        if match[0] == ";":
            sections.append(current)
            current = ""
        else:
            current += match[0]
        position = match.end()
    return [*sections, current + code[position:]]


def _number(value: float, tokens: list[Token]) -> str:
    """Format by places: digits, a point, grouping, per cent, thousands left out, an exponent."""
    pattern = "".join(text for kind, text in tokens if kind == "other" and text in "0#?.,")
    whole, _, rest = pattern.partition(".")
    decimals = sum(rest.count(place) for place in "0#?")
    min_decimals = sum(rest.count(place) for place in "0?")
    scaled = Decimal(repr(value)) * 100 ** sum(text == "%" for kind, text in tokens if kind == "other")
    scaled /= 1000 ** (len(pattern) - len(pattern.rstrip(",")))
    exponent = next((text for kind, text in tokens if kind == "exponent"), "")
    if exponent:
        decimals = sum(1 for place in pattern.partition(".")[2] if place in "0#?") - _exponent_places(tokens)
        mantissa, _, power = f"{scaled:.{max(0, decimals)}E}".partition("E")
        sign = "-" if int(power) < 0 else "+" if exponent.endswith("+") else ""
        return f"{mantissa}E{sign}{abs(int(power)):0{_exponent_places(tokens)}d}"
    rounded = abs(scaled).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP) if abs(scaled) < 10**20 else abs(scaled)
    digits, _, fraction = f"{rounded:f}".partition(".")
    while len(fraction) > min_decimals and fraction.endswith("0"):
        fraction = fraction[:-1]
    places = sum(whole.count(place) for place in "0?")
    digits = digits.lstrip("0").rjust(places, "0")
    if "," in whole.rstrip(","):
        digits = f"{int(digits or 0):,}" if digits else ""
    return ("-" if scaled < 0 and rounded else "") + _fill_places(digits, fraction, tokens)


def _exponent_places(tokens: list[Token]) -> int:
    start = next(index for index, (kind, _) in enumerate(tokens) if kind == "exponent")
    return max(1, sum(text in "0#?" for kind, text in tokens[start:] if kind == "other"))


def _fill_places(digits: str, fraction: str, tokens: list[Token]) -> str:
    """Put the digits into the places of the code: those before the point from the right."""
    parts: list[str] = []
    places = [index for index, (kind, text) in enumerate(tokens) if kind == "other" and text in "0#?"]
    point = next((index for index, token in enumerate(tokens) if token == ("other", ".")), len(tokens))
    whole = [index for index in places if index < point]
    is_split = (
        any(kind in ("quoted", "escaped") or text not in "0#?," for kind, text in tokens[whole[0] : whole[-1]])
        if whole
        else False
    )
    filled: dict[int, str] = {}
    for index in reversed(whole):
        if index == whole[0] or not is_split:
            filled[whole[0]] = digits + filled.get(whole[0], "")
            break
        filled[index], digits = digits[-1:], digits[:-1]
    decimals = iter(fraction)
    for index, (kind, text) in enumerate(tokens):
        if kind in ("quoted", "escaped", "currency"):
            parts.append(text)
        elif kind == "other" and index in places:
            parts.append(filled.get(index, "") if index < point else next(decimals, ""))
        elif kind == "other" and text == ".":
            parts.append("." if fraction else "")
        elif kind == "other" and text not in ",@":
            parts.append(text)
    if not whole:  # `.00`
        parts.insert(0, digits)
    return "".join(parts).strip()


def _fraction(value: float, bare: str) -> str:
    """Format as a fraction, such as `1 3/4`."""
    denominator = bare.partition("/")[2].strip()
    if denominator.isdecimal() and int(denominator):
        nearest = Fraction(round(abs(value) * int(denominator)), int(denominator))
    else:
        nearest = Fraction(abs(value)).limit_denominator(10 ** min(4, max(1, denominator.count("?"))) - 1)
    whole, rest = divmod(nearest, 1)
    shown_part = f"{rest.numerator}/{rest.denominator}" if rest else ""
    return ("-" if value < 0 else "") + (" ".join(filter(None, (str(whole) if whole else "", shown_part))) or "0")


def _date(value: float, tokens: list[Token], from_1904: bool) -> str:
    """Format as a day or a time; days outside the calendar as a number."""
    days = value + 1462 if from_1904 else value
    if not 0 <= days < 2_958_466:
        return format_general(value)
    finest = max((len(text.partition(".")[2]) for kind, text in tokens if kind == "date"), default=0)
    seconds = round(days * 86400, finest)
    # Day 60 is 29 February 1900, which spreadsheets count although it never existed.
    moment = datetime(1899, 12, 31 if days < 60 else 30) + timedelta(seconds=seconds)
    is_pm = any(kind == "noon" for kind, _ in tokens)
    parts: list[str] = []
    for index, (kind, text) in enumerate(tokens):
        lower = text.lower()
        if kind in ("quoted", "escaped"):
            parts.append(text)
        elif kind == "elapsed":
            total = int(seconds) // {"h": 3600, "m": 60, "s": 1}[lower[0]]
            parts.append(f"{total:0{len(text)}d}")
        elif kind == "noon":
            parts.append(("AM" if moment.hour < 12 else "PM")[: 2 if len(text) > 3 else 1])
        elif kind == "date" and lower[0] == "m" and _is_minute(tokens, index):
            parts.append(f"{moment.minute:0{min(2, len(text))}d}")
        elif kind == "date":
            parts.append(_date_part(moment, lower, is_pm))
        elif kind == "other" and text not in "@;":
            parts.append(text)
    return "".join(parts).strip()


def _is_minute(tokens: list[Token], index: int) -> bool:
    """Tell whether the `m` at `index` is a minute: it stands after an hour or before a second."""
    letters = [(place, text.lower()) for place, (kind, text) in enumerate(tokens) if kind in ("date", "elapsed")]
    here = next(number for number, (place, _) in enumerate(letters) if place == index)
    previous = letters[here - 1][1] if here else ""
    following = letters[here + 1][1] if here + 1 < len(letters) else ""
    return previous.startswith("h") or following.startswith("s")


def _date_part(moment: datetime, code: str, is_pm: bool) -> str:
    """Format one token of a date code, such as `yyyy` or `mmm`."""
    letter, size = code[0], len(code)
    if letter == "y":
        return f"{moment.year:04d}" if size > 2 else f"{moment.year % 100:02d}"
    if letter == "m":
        name = _MONTHS[moment.month - 1]
        return f"{moment.month:0{size}d}" if size < 3 else name[:3] if size == 3 else name[0] if size == 5 else name
    if letter == "d":
        name = _DAYS[moment.weekday()]
        return f"{moment.day:0{size}d}" if size < 3 else name[:3] if size == 3 else name
    if letter == "h":
        hour = (moment.hour - 1) % 12 + 1 if is_pm else moment.hour
        return f"{hour:0{min(2, size)}d}"
    whole, _, places = code.partition(".")
    shown_second = f"{moment.second:0{min(2, len(whole))}d}"
    return shown_second + (f".{moment.microsecond:06d}"[: 1 + len(places)] if places else "")
