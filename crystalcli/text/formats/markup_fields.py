"""Fields that plain-text markups state of a document: its authors, its date, its tags.

Knows how reStructuredText, Org, AsciiDoc, LaTeX, Typst and man pages write them at the beginning of
a document. Does not know titles (markup_headings, rst) nor Markdown (document.front_matter).
"""

from __future__ import annotations

import re
from collections.abc import Callable

from crystalcli.text.document.stated_fields import StatedFields, iso_day
from crystalcli.text.formats.markup_headings import tex_words

_RST_FIELD = re.compile(r"^:(authors?|date|keywords|tags):[ \t]*(.*(?:\n[ \t]+\S.*)*)", re.MULTILINE | re.IGNORECASE)
_RST_META = re.compile(r"^\.\.[ \t]+meta::.*(?:\n[ \t]+.*)*", re.MULTILINE)
_ORG_FIELD = re.compile(r"^#\+(author|date|filetags|keywords):[ \t]*(.*)$", re.MULTILINE | re.IGNORECASE)
_ADOC_FIELD = re.compile(r"^:(authors?|revdate|docdate|date|keywords|tags|page-tags):[ \t]*(.*)$", re.MULTILINE)
# The lines below the title: the authors with their addresses, and the revision with its day.
_ADOC_HEADER = re.compile(r"= .*\n(?:([^\W\d_:=].*)\n(?:(?:v?[\d.]+,[ \t]*)?(\d{4}-\d\d-\d\d).*\n)?)?")
_ADDRESS = re.compile(r"\s*<[^<>]*>")
_TEX_COMMAND = re.compile(r"\\(author|date|keywords?|tags)\s*(?:\[[^\]]*\])?\{")
_TEX_GONE = re.compile(
    r"\\(?:thanks|footnote|email|inst|orcid\w*|affil)\s*\{[^{}]*\}|(?<!\\)%.*$|\$[^$]*\$", re.MULTILINE
)
_TYPST_DOCUMENT = re.compile(r"#set\s+document\((.{0,2000})", re.DOTALL)
_TYPST_STRINGS = r"{}\s*:\s*(\([^)]*\)|\"[^\"]*\")"
_TYPST_DATE = re.compile(r"date\s*:\s*datetime\(\s*year:\s*(\d+),\s*month:\s*(\d+),\s*day:\s*(\d+)")
_STRING = re.compile(r'"([^"]*)"')
_MAN_HEADER = re.compile(r'^\.(?:TH\s+\S+\s+\S+|Dd)\s+"?([^"\n]+)', re.MULTILINE)


def markup_fields(head: str, suffix: str) -> StatedFields:
    """Read the fields that the beginning of a document states.

    Args:
        head: the beginning of the document.
        suffix: the file's suffix, in lower case; another than those known is that of a man page.
    """
    return _FIELDS.get(suffix, _man)(head.replace("\r\n", "\n"))


def rst_fields(head: str) -> StatedFields:
    """Read the fields that the beginning of a reStructuredText states."""
    head = head.replace("\r\n", "\n")
    meta = _RST_META.search(head)
    if meta is not None:
        head += "\n" + "\n".join(line.strip() for line in meta[0].splitlines()[1:])
    fields = {match[1].lower(): match[2] for match in reversed(list(_RST_FIELD.finditer(head)))}
    authors = fields.get("authors", fields.get("author", ""))
    names = re.split(r"\s*[;\n]\s*(?:[-*]\s+)?", authors.strip("-* \n")) if authors else []
    return _stated(names, fields.get("date", ""), fields.get("keywords", fields.get("tags", "")))


def _org(head: str) -> StatedFields:
    fields = {match[1].lower(): match[2] for match in reversed(list(_ORG_FIELD.finditer(head)))}
    tags = ",".join(filter(None, (fields.get("filetags", "").replace(":", ","), fields.get("keywords", ""))))
    return _stated([fields.get("author", "")], fields.get("date", "").lstrip("<["), tags)


def _adoc(head: str) -> StatedFields:
    fields = {match[1]: match[2] for match in reversed(list(_ADOC_FIELD.finditer(head)))}
    header = _ADOC_HEADER.match(head.lstrip("\ufeff\n"))
    names = _ADDRESS.sub("", fields.get("author", fields.get("authors", (header and header[1]) or "")))
    day = next(
        filter(None, (fields.get(name, "") for name in ("revdate", "date", "docdate"))), (header and header[2]) or ""
    )
    return _stated(names.split(";"), day, fields.get("keywords", fields.get("tags", fields.get("page-tags", ""))))


def _tex(head: str) -> StatedFields:
    arguments = {match[1]: _argument(head, match.end()) for match in reversed(list(_TEX_COMMAND.finditer(head)))}
    authors = _TEX_GONE.sub("", arguments.get("author", ""))
    names = [tex_words(name.partition(r"\\")[0]) for name in re.split(r"\\and\b|\\And\b|\\AND\b", authors)]
    tags = arguments.get("keywords", arguments.get("keyword", arguments.get("tags", ""))).replace(r"\sep", ",")
    return _stated(names, tex_words(arguments.get("date", "")), tex_words(tags))


def _typst(head: str) -> StatedFields:
    document = _TYPST_DOCUMENT.search(head)
    if document is None:
        return StatedFields()
    fields = {name: re.search(_TYPST_STRINGS.format(name), document[1]) for name in ("author", "keywords")}
    lists = {name: _STRING.findall(match[1]) if match else [] for name, match in fields.items()}
    day = _TYPST_DATE.search(document[1])
    return _stated(lists["author"], "-".join(day.groups()) if day else "", ",".join(lists["keywords"]))


def _man(head: str) -> StatedFields:
    header = _MAN_HEADER.search(head)
    return _stated([], header[1] if header else "", "")


def _stated(names: list[str], day: str, tags: str) -> StatedFields:
    return StatedFields(tuple(names), iso_day(day.strip("\"' ")), (tags,) if tags else ())


def _argument(text: str, start: int) -> str:
    """Return an argument of TeX, up to the brace that ends it, or ""."""
    depth = 0
    for offset in range(start, min(len(text), start + 2000)):
        depth += (text[offset] == "{") - (text[offset] == "}")
        if depth < 0:
            return text[start:offset]
    return ""


_FIELDS: dict[str, Callable[[str], StatedFields]] = {
    ".org": _org,
    **dict.fromkeys((".adoc", ".asciidoc"), _adoc),
    **dict.fromkeys((".tex", ".latex", ".ltx", ".rnw"), _tex),
    ".typ": _typst,
    **dict.fromkeys((".wiki", ".mediawiki", ".textile", ".pod"), lambda head: StatedFields()),
}
