"""What Office files share: parts, the relations between them, and the document's properties.

Knows Open Packaging Conventions (ECMA-376, part 2). Does not know documents, sheets or slides.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.markup import Element, descendants, local_name, parse_xml
from crystalcli.text.formats.office.zip_package import Package


class Relation(NamedTuple):
    """type: the last word of its name, such as "slide"; part: the name of the part that is meant."""

    type: str
    part: str


def read_relations(package: Package, part: str) -> dict[str, Relation]:
    """A part's relations to others, by their ids, in order; "" is the package's own. Links to the outside are left out."""
    folder, name = posixpath.split(part)
    rels = posixpath.join(folder, "_rels", f"{name}.rels")
    found: dict[str, Relation] = {}
    if rels in package:
        for each in descendants(parse_xml(package.read(rels)), "Relationship"):
            if each.get("TargetMode") != "External":
                target = unquote(str(each.get("Target") or ""))
                whole = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
                found[str(each.get("Id"))] = Relation(str(each.get("Type") or "").rpartition("/")[2], whole)
    return found


def related_part(package: Package, part: str, kind: str) -> str:
    """The name of the part that is related to this one as `kind`, or ""."""
    return next(
        (each.part for each in read_relations(package, part).values() if each.type == kind and each.part in package), ""
    )


def main_part(package: Package) -> str:
    """The part that the document begins with. Raises SourceError."""
    part = related_part(package, "", "officeDocument")
    if not part:
        raise SourceError("damaged: it has no main part", Reason.DAMAGED)
    return part


def core_title(package: Package) -> str:
    """What the properties say the title is, or ""."""
    part = related_part(package, "", "core-properties")
    found = descendants(parse_xml(package.read(part)), "title") if part else ()
    return next((text for each in found if (text := str(each.text or "").strip())), "")


def walk_elements(element: Element, skip: frozenset[str]) -> Iterator[Element]:
    """An element and all below it, in order, without the elements named in `skip`. Does not recurse."""
    stack = [element]
    while stack:
        each = stack.pop()
        yield each
        stack.extend(child for child in reversed(each) if local_name(child) not in skip)
