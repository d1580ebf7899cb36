"""Common structure of Office files: parts, the relations between them, the document's properties.

Knows Open Packaging Conventions (ECMA-376, part 2). Does not know documents, sheets or slides.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.markup import Element, descendants, local_name, parse_xml
from crystalcli.text.document.stated_fields import StatedFields
from crystalcli.text.formats.office.zip_package import Package

# Names that programs write as the author when they know of none.
_NO_AUTHORS = frozenset(
    (
        "anonymous",
        "unknown",
        "user",
        "admin",
        "administrator",
        "author",
        "owner",
        "microsoft office user",
        "python-docx",
        "openpyxl",
    )
)


class Relation(NamedTuple):
    """A relation from one part to another.

    Attributes:
        type: the last word of its name, such as "slide".
        part: the name of the other part.
    """

    type: str
    part: str


def read_relations(package: Package, part: str) -> dict[str, Relation]:
    """Return the relations of a part to others.

    Args:
        package: the Office file.
        part: its name; "" for the package's own relations.

    Returns:
        The relations by their ids, in order, without links to the outside.
    """
    folder, name = posixpath.split(part)
    rels = posixpath.join(folder, "_rels", f"{name}.rels")
    relations: dict[str, Relation] = {}
    if rels in package:
        for element in descendants(parse_xml(package.read(rels)), "Relationship"):
            if element.get("TargetMode") != "External":
                target = unquote(str(element.get("Target") or ""))
                path = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
                relations[str(element.get("Id"))] = Relation(str(element.get("Type") or "").rpartition("/")[2], path)
    return relations


def related_part(package: Package, part: str, kind: str) -> str:
    """Return the name of the first part that is related to `part` as `kind`, or ""."""
    relations = read_relations(package, part).values()
    return next((relation.part for relation in relations if relation.type == kind and relation.part in package), "")


def main_part(package: Package) -> str:
    """Return the name of the part that the document begins with.

    Raises:
        SourceError: it is missing.
    """
    part = related_part(package, "", "officeDocument")
    if not part:
        raise SourceError("damaged: its main part is missing", Reason.DAMAGED)
    return part


def core_title(package: Package) -> str:
    """Return the title in the document's core properties, with its author behind it; or ""."""
    part = related_part(package, "", "core-properties")
    return title_with_authors(parse_xml(package.read(part))) if part else ""


def core_fields(package: Package) -> StatedFields:
    """Return the author, date and keywords in the document's core properties."""
    part = related_part(package, "", "core-properties")
    return stated_in(parse_xml(package.read(part))) if part else StatedFields()


def stated_in(properties: Element) -> StatedFields:
    """Return the authors, date and keywords in a document's properties.

    The date is that of the last change, as far as the document states it.
    """
    dates = [*_texts(properties, "modified"), *_texts(properties, "date"), *_texts(properties, "created")]
    dates += _texts(properties, "creation-date")
    creators = [*_texts(properties, "initial-creator")] or [*_texts(properties, "creator")]
    tags = [*_texts(properties, "keywords"), *_texts(properties, "keyword")]
    creators = [name for name in creators if name.lower() not in _NO_AUTHORS]
    return StatedFields(tuple(creators), next(iter(dates), ""), tuple(tags))


def title_with_authors(properties: Element) -> str:
    """Return the title and up to three authors in a document's properties; "" without a title."""
    title = next(_texts(properties, "title"), "")
    creators = [*_texts(properties, "initial-creator")] or [*_texts(properties, "creator")]
    authors = [name for name in creators if name.lower() not in _NO_AUTHORS][:3]
    return f"{title} — {', '.join(authors)}" if title and authors else title


def _texts(element: Element, name: str) -> Iterator[str]:
    return (text for inner in descendants(element, name) if (text := str(inner.text or "").strip()))


def walk_elements(element: Element, skip: frozenset[str]) -> Iterator[Element]:
    """Yield an element and all below it, in order, without recursion.

    Args:
        element: the first one.
        skip: names of elements that are left out, with all below them.
    """
    stack = [element]
    while stack:
        inner = stack.pop()
        yield inner
        stack.extend(child for child in reversed(inner) if local_name(child) not in skip)
