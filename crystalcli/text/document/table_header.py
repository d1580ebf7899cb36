"""Headers of tables: which rows at the top of a table name its columns.

A row is a header by evidence alone: words or years over numbers, words over dates, codes or links,
usual names of columns. A row that looks like the rows below it is data.

Knows what cells hold. Does not know where the rows are from, nor how they are written.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice, pairwise
from typing import NamedTuple

MAX_HEADER_ROWS = 3
MAX_NAME_LENGTH = 80  # characters of a column's name that each row repeats
_MAX_NAMES = 4_000  # characters of all names of a table, if their ends are to be repeated
_SHARED_END = 0.8  # of these names
_WORD_START = re.compile(r"(?<=[^\W_])[\W_]+(?=\w)")
_JUDGED_CELLS = 200  # of a row
_MAJORITY = 0.6  # of the values in a column, to be its kind
_NUMBER = r"[\s$€£¥(+-]*(?:\d[\d.,'\s]*|\.\d+)(?:[eE][+-]?\d+)?\s*(?:%|\)|[$€£¥])*\s*"
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_CLOCK = r"\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?(?:\s*[ap]\.?m\.?)?"
_DATE = (
    rf"\d{{1,4}}[-/.]\d{{1,2}}[-/.]\d{{1,4}}(?:[T ,]+{_CLOCK}(?:Z|[+-]\d\d:?\d\d)?)?|\d{{4}}-\d\d|{_CLOCK}"
    rf"|(?:\d{{1,2}}\.?[ -])?{_MONTH}[ -]'?\d{{2,4}}|{_MONTH} \d{{1,2}},? \d{{4}}"
)
_KINDS = re.compile(
    rf"(?P<day>\d{{1,2}}\.\d{{1,2}}\.(?:\d\d|\d{{4}})?)|(?P<number>{_NUMBER})|(?P<date>{_DATE})|(?P<flag>true|false|yes|no|null|none|n/?a|nan|#n/a|[-–—.?x✓✗]+)"
    rf"|(?P<quantity>{_NUMBER}[^\W\d_]{{1,4}}[²³]?(?:/[^\W\d_]{{1,3}})?|{_NUMBER}°\s?[CF]?)"
    r"|(?P<link>\w+://\S+|www\.\S+|\S+@\S+\.\w+)|(?P<code>(?=\S*\d)\S+)",
    re.IGNORECASE,
)
_YES_NO = frozenset(("yes", "no", "true", "false"))
_YEAR = re.compile(r"(?:1[5-9]|20|21)\d\d")
# fmt: off
# Names of columns in tables of all kinds; the last word of a name counts: "first name", "Order ID".
_USUAL_NAMES = frozenset((
    "account", "action", "activity", "address", "age", "amount", "answer", "area", "article", "assignee", "author", "balance",
    "brand", "capacity", "capital", "category", "city", "class", "client", "code", "color", "colour", "comment", "comments",
    "company", "contact", "cost", "count", "country", "course", "created", "currency", "customer", "date", "day", "deadline",
    "default", "department", "depth", "description", "destination", "details", "duration", "email", "e-mail", "end", "event",
    "feature", "field", "file", "first", "format", "from", "function", "gender", "grade", "group", "height", "id", "item", "job",
    "key", "kind", "label", "language", "last", "length", "level", "link", "location", "manager", "meaning", "method", "model",
    "month", "name", "no", "note", "notes", "number", "option", "order", "organisation", "organization", "origin", "owner",
    "parameter", "path", "payee", "person", "phone", "place", "port", "position", "price", "priority", "product", "project",
    "purpose", "quantity", "quarter", "question", "rank", "rate", "rating", "reason", "region", "remark", "remarks", "result",
    "role", "room", "route", "score", "section", "sex", "size", "source", "species", "stage", "start", "state", "status", "step",
    "subject", "supplier", "surname", "symbol", "task", "team", "telephone", "time", "timestamp", "title", "to", "topic", "total",
    "town", "translation", "type", "unit", "updated", "url", "user", "username", "value", "vendor", "version", "village", "week",
    "weight", "width", "word", "year",
    "anzahl", "art", "autor", "bemerkung", "beschreibung", "betrag", "bezeichnung", "datum", "einheit", "größe", "jahr",
    "kategorie", "kommentar", "kunde", "land", "menge", "monat", "nachname", "nr", "ort", "preis", "quelle", "stadt", "stand",
    "straße", "summe", "tag", "titel", "typ", "vorname", "wert", "zeit",
    "année", "auteur", "catégorie", "commentaire", "jour", "lieu", "mois", "montant", "nom", "pays", "prénom", "prix", "quantité",
    "statut", "titre", "valeur", "ville",
    "apellido", "año", "cantidad", "categoría", "ciudad", "descripción", "estado", "fecha", "lugar", "nombre", "país", "precio",
    "tipo", "título", "valor",
    "città", "cognome", "data", "descrizione", "nome", "prezzo", "quantità", "stato", "titolo", "aantal", "bedrag", "naam",
    "omschrijving", "prijs", "cidade", "preço", "quantidade",
    "имя", "фамилия", "дата", "название", "сумма", "цена", "город", "адрес", "телефон", "описание", "статус", "名称", "名前",
    "日付", "日期", "姓名", "价格", "数量", "金額", "状态", "备注",
))
# fmt: on
_LAST_WORD = re.compile(r"([^\W_]+(?:-mail)?)[\W_]*\Z")
_IDENTIFIER = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[a-z]+(?:[A-Z][a-z0-9]+)+")


class Cell(NamedTuple):
    """One cell.

    Attributes:
        text: what it shows, on one line.
        is_text: it is stored as text, rather than as a number, a date or the like.
    """

    text: str
    is_text: bool = True


Row = Mapping[int, Cell]  # filled cells by column, from 0, in order


def header_height(
    rows: Sequence[Row], *, is_apart: bool = False, is_second: bool = False, is_doubtful: bool = False
) -> int:
    """Return how many of the first rows are a header, 0 if the first is data.

    Args:
        rows: of one table, the first ones.
        is_apart: an empty row parts the first row from the others: it is a header if nothing
            speaks against it.
        is_second: the table above has a header, so that only values below are evidence.
        is_doubtful: the first row may as well be data, and is a header only with usual names.
    """
    if is_doubtful and not _has_usual_names(rows[0]):
        return 0
    rows = [dict(islice(row.items(), _JUDGED_CELLS)) for row in rows]
    height = 1
    while height < MAX_HEADER_ROWS and height + 1 < len(rows) and _spans(rows[height - 1], rows[height]):
        height += 1
    for lowest in {height: None, 1: None}:
        if _is_header(rows[lowest - 1], rows[lowest:], is_apart, is_second):
            return lowest
    return 0


def column_names(rows: Sequence[Row]) -> dict[int, str]:
    """Return the names of columns that header rows give, the upper first: "2024 Plan"."""
    names: dict[int, list[str]] = {}
    for index, row in enumerate(rows):
        below = rows[index + 1] if index + 1 < len(rows) else {}
        columns = set(row) | set(below)
        text = ""
        for column in range(min(columns), max(columns) + 1) if below else row:
            text = row[column].text if column in row else text if column in below else ""
            if text and text not in names.setdefault(column, []):
                names[column].append(text)
    joined = {column: _shortened(" ".join(parts)) for column, parts in names.items() if parts}
    return _without_common_end(joined) if sum(map(len, joined.values())) > _MAX_NAMES else joined


def are_alike(row: Row, other: Row) -> bool:
    """Tell whether two rows hold values of the same kind, and no words, in one of their columns."""
    pairs = ((_kind(row[column]), _kind(other[column])) for column in row if column in other)
    return any(a == b != "words" for a, b in pairs)


def _without_common_end(names: dict[int, str]) -> dict[int, str]:
    """Return the names of a wide table without the words in which most of them end.

    `gauge_7_millimetres` and 299 others would stand in each row; the header has them whole.
    """
    example = list(names.values())[len(names) // 2]
    for match in _WORD_START.finditer(example):
        end = example[match.start() :]
        if sum(name.endswith(end) for name in names.values()) >= _SHARED_END * len(names):
            return {column: name.removesuffix(end) or name for column, name in names.items()}
    return names


def _shortened(name: str) -> str:
    """Return a name cut at the end of a word, if it is too long to be repeated."""
    if len(name) <= MAX_NAME_LENGTH:
        return name
    cut = name.rfind(" ", MAX_NAME_LENGTH // 2, MAX_NAME_LENGTH)
    return name[: cut if cut > 0 else MAX_NAME_LENGTH].rstrip(" ,;:.") + "…"


def _spans(row: Row, below: Row) -> bool:
    """Tell whether the names of a row span several of the names right below it.

    Then they come again in the next column, or have columns without a name between them.
    """
    texts = [cell.text for cell in row.values()]
    is_repeated = any(a == b for a, b in pairwise(texts)) and len(set(texts)) > 1
    low, high = min(row), max(row)
    has_gap = any(low < column < high and column not in row for column in below)
    return (is_repeated or has_gap) and len(below) > 1 and _may_be_names(row) and _may_be_names(below)


def _may_be_names(row: Row) -> bool:
    numbers = (cell.text for cell in row.values() if _kind(cell) in ("number", "quantity"))
    return all(map(_YEAR.fullmatch, numbers))


def _is_header(row: Row, below: Sequence[Row], is_apart: bool, is_second: bool) -> bool:
    """Tell whether `row` names the columns of the rows below it."""
    if len(row) < 2 or not below:
        return False
    shared = [column for column in below[0] if column in row]
    if not shared or 2 * len(shared) < len(below[0]):
        return False
    years = _years(row)
    evidence = 0
    for column, cell in row.items():
        values = [other[column] for other in below if column in other]
        if not values:
            continue
        kinds = Counter(map(_kind, values))
        most, count = kinds.most_common(1)[0]
        numbers = kinds["number"] + kinds["quantity"]
        kind = _kind(cell)
        if kind != "number" and any(value.text.casefold() == cell.text.casefold() for value in values):
            return False
        if kind == "number" and column in years:
            if _years({0: values[0], 1: values[-1]}):
                return False
            evidence += 2 * numbers > len(values)
        elif kind == "number":
            # A year alone names a column of figures that are no years; any other number is a value.
            is_year = _YEAR.fullmatch(cell.text) and not any(_YEAR.fullmatch(value.text) for value in values)
            if not is_year and numbers:
                return False
            evidence += bool(is_year) and all("." in value.text or "," in value.text for value in values)
        elif kind == "date" and kinds["date"]:
            return False
        elif kind == "quantity":
            if any(_unit(value) == _unit(cell) for value in values):
                return False
            evidence += kinds["number"] >= _MAJORITY * len(values)
        elif kind in ("words", "code", "date") or cell.text.casefold() in _YES_NO:
            evidence += numbers >= _MAJORITY * len(values)
            evidence += (
                kind == "words" and most not in ("words", "number", "quantity") and count >= _MAJORITY * len(values)
            )
    if evidence or is_second:
        return evidence > 0
    return is_apart or _has_usual_names(row) or _is_written_as_names(row, below) or _is_above_labels(row, below)


def _years(row: Row) -> frozenset[int]:
    """Return the columns of years, or of whole numbers that count up by one; empty without any.

    The years may come again and again, below names that span them: 2023, 2024, 2023, 2024.
    """
    numbers = {column: int(cell.text) for column, cell in row.items() if cell.text.isdecimal() and len(cell.text) < 5}
    years = {column: number for column, number in numbers.items() if 1500 <= number < 2200}
    cycle = list(dict.fromkeys(years.values()))
    is_cycle = list(years.values()) == cycle * (len(years) // max(1, len(cycle)))
    steps = {b - a for a, b in pairwise(cycle if is_cycle else years.values())}
    if len(years) > 1 and steps and (max(steps) < 0 or min(steps) > 0):
        return frozenset(years)
    counts = {b - a for a, b in pairwise(numbers.values())}
    return frozenset(numbers) if len(numbers) > 2 and counts == {1} and len(numbers) < len(row) else frozenset()


def _has_usual_names(row: Row) -> bool:
    """Tell whether most cells of a row are usual names of columns, and all of them words."""
    words = (_LAST_WORD.search(cell.text) for cell in row.values())
    usual = sum(word is not None and word[1].casefold() in _USUAL_NAMES for word in words)
    return 2 * usual > len(row) and all(_kind(cell) in ("words", "flag") for cell in row.values())


def _is_written_as_names(row: Row, below: Sequence[Row]) -> bool:
    """Tell whether all cells of a row, and none below it, are written as names alone are."""
    values = [cell.text for other in below for cell in other.values()]
    return any(
        all(is_name(cell.text) for cell in row.values()) and not any(map(is_name, values))
        for is_name in (_IDENTIFIER.fullmatch, str.isupper, _ends_as_label)
    )


def _is_above_labels(row: Row, below: Sequence[Row]) -> bool:
    """Tell whether a row of words leaves one column empty, the first, in which all rows differ."""
    first = min(min(other) for other in below)
    labels = {other[first].text for other in below if first in other}
    columns = {column for other in below for column in other if column != first}
    return (
        first not in row
        and len(labels) == len(below) > 1
        and columns <= row.keys()
        and all(_kind(cell) == "words" for cell in row.values())
    )


def _ends_as_label(text: str) -> bool:
    return text.endswith(":")


def _unit(cell: Cell) -> str:
    return cell.text.lstrip(" $€£¥(+-0123456789.,'").casefold()


def _kind(cell: Cell) -> str:
    """Return what a cell holds: "words", "number", "date", "flag", "quantity", "link" or "code"."""
    match = _KINDS.fullmatch(cell.text)
    kind = (match.lastgroup if match is not None else "") or "words"
    kind = "date" if kind == "day" else kind
    if cell.is_text or kind in ("number", "date", "flag"):
        return kind
    return "number" if kind == "quantity" or cell.text.startswith("=") else "date"
