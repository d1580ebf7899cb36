"""Fields that a web page states of itself: its authors, its date, its keywords.

Knows `meta` elements as in HTML, Open Graph, Dublin Core and Google Scholar, and articles in
JSON-LD (schema.org). Does not know titles (html_reader).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from crystalcli.text.document.composer import one_line
from crystalcli.text.document.markup import Element, descendants, local_name
from crystalcli.text.document.stated_fields import StatedFields, iso_day

# Names of `meta` elements in lower case, those to be preferred first.
_AUTHORS = (
    "author",
    "citation_author",
    "dc.creator",
    "dcterms.creator",
    "article:author",
    "parsely-author",
    "sailthru.author",
)
_DATES = (
    "article:published_time", "datepublished", "citation_publication_date", "citation_date", "dc.date.issued", "dcterms.issued",
    "dcterms.created", "dc.date", "dcterms.date", "dc.date.created", "date", "pubdate", "parsely-pub-date", "article:modified_time",
    "last-modified",
)  # fmt: skip
_TAGS = ("keywords", "news_keywords", "citation_keywords", "article:tag", "dc.subject", "dcterms.subject")
_MAX_JSON = 100_000  # characters of a script that is read
_MAX_SCRIPTS = 4
_MAX_DEPTH = 4  # nested lists and graphs of JSON-LD
_ARTICLES = ("Article", "Posting", "WebPage", "Report", "Book", "Thesis", "Recipe", "CreativeWork")


def page_fields(root: Element) -> StatedFields:
    """Read the fields that a page states of itself."""
    if root is None:
        return StatedFields()
    values: dict[str, list[str]] = {}
    articles: list[dict[str, Any]] = []
    scripts = 0
    for element in descendants(root, "meta", "script"):
        if local_name(element) == "meta":
            name = element.get("name") or element.get("property") or element.get("itemprop") or ""
            if content := one_line(str(element.get("content") or "")):
                values.setdefault(str(name).strip().lower(), []).append(content)
        elif element.get("type") == "application/ld+json" and scripts < _MAX_SCRIPTS:
            scripts += 1
            articles += _articles("".join(element.itertext()))
    authors = next((values[name] for name in _AUTHORS if name in values), [])
    authors = [name for name in authors if "://" not in name] or [name for item in articles for name in _people(item)]
    days = [iso_day(day) for name in _DATES for day in values.get(name, ())]
    days += [iso_day(str(item.get(key, ""))) for item in articles for key in ("datePublished", "dateCreated")]
    tags = [tag for name in _TAGS for tag in values.get(name, ())]
    tags = tags or [tag for item in articles for tag in _texts(item.get("keywords"))]
    return StatedFields(tuple(authors), next(filter(None, days), ""), tuple(tags))


def _articles(script: str) -> list[dict[str, Any]]:
    """Return the articles in a script of JSON-LD; none where it is invalid."""
    if len(script) > _MAX_JSON:
        return []
    try:
        data = json.loads(script)
    except (ValueError, RecursionError):
        return []
    return list(_found(data, _MAX_DEPTH))


def _found(data: object, depth: int) -> Iterator[dict[str, Any]]:
    if depth and isinstance(data, list):
        for item in data:
            yield from _found(item, depth - 1)
    elif depth and isinstance(data, dict):
        kinds = data.get("@type")
        names = kinds if isinstance(kinds, list) else [kinds]
        if any(isinstance(name, str) and name.endswith(_ARTICLES) for name in names):
            yield data
        yield from _found(data.get("@graph"), depth - 1)


def _people(article: dict[str, Any]) -> Iterator[str]:
    """Yield the names of an article's authors."""
    authors = article.get("author")
    for author in authors if isinstance(authors, list) else [authors]:
        name = author.get("name") if isinstance(author, dict) else author
        if isinstance(name, str) and "://" not in name:
            yield name


def _texts(value: object) -> Iterator[str]:
    yield from (item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str))
