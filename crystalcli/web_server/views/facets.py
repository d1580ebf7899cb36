"""Facets of documents: folders, kinds and years, each with its count and its address.

Knows: filters, addresses. Does not know: how documents were found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from crystalcli.web_server.handling.ledger_cache import LedgerRow
from crystalcli.web_server.handling.page_templates import page_address
from crystalcli.web_server.views.filter_choice import FilterChoice

_MOST_OPTIONS = 12


@dataclass(frozen=True, slots=True)
class FacetOption:
    """A value that can be chosen.

    Attributes:
        label: Its name.
        count: The documents that are left with it.
        address: The address that chooses it, or takes it back.
        chosen: Whether it is chosen.
    """

    label: str
    count: int
    address: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """The values of one property.

    Attributes:
        name: The property.
        options: The most frequent values; years in order.
        more: The number of values that are left out.
    """

    name: str
    options: tuple[FacetOption, ...]
    more: int = 0


def make_facets(rows: Sequence[LedgerRow], choice: FilterChoice, path: str, kept: Mapping[str, str]) -> list[Facet]:
    """Count documents by folder, kind and year.

    Args:
        rows: The documents that were found, before the filter.
        choice: The filter; each facet counts what the others let through.
        path: The path of the page.
        kept: Other parameters, which the addresses keep.
    """

    def option(label: str, count: int, changed: FilterChoice, chosen: bool) -> FacetOption:
        return FacetOption(label, count, page_address(path, **kept, **changed.parameters), chosen)

    facets = []
    below = [row.folders for row in rows if choice.admits(row, without="in")]
    folders = _folder_counts(below, choice.folder)
    options = [
        option(
            name if name == choice.folder else name.removeprefix(f"{choice.folder}/"),
            count,
            replace(choice, folder=name.rpartition("/")[0] if name == choice.folder else name),
            name == choice.folder,
        )
        for name, count in folders
    ]
    facets.append(_facet("Folder", options))
    kinds = Counter(row.document.kind for row in rows if row.document.kind and choice.admits(row, without="kind"))
    options = [
        option(name, count, replace(choice, kind="" if name == choice.kind else name), name == choice.kind)
        for name, count in kinds.most_common()
    ]
    facets.append(_facet("Kind", options))
    years = Counter(row.day.year for row in rows if row.day is not None and choice.admits(row, without="date"))
    options = []
    for year, count in sorted(years.items(), reverse=True):
        since, until = f"{year:04}-01-01", f"{year:04}-12-31"
        chosen = (choice.since, choice.until) == (since, until)
        changed = replace(choice, since="" if chosen else since, until="" if chosen else until)
        options.append(option(str(year), count, changed, chosen))
    facets.append(_facet("Year", options))
    total = sum(choice.admits(row) for row in rows)
    return [
        facet
        for facet in facets
        if len(facet.options) > 1 or any(item.chosen or item.count < total for item in facet.options)
    ]


def _folder_counts(folders: Iterable[list[str]], chosen: str) -> list[tuple[str, int]]:
    """Count the outermost folders, or the chosen one and those right below it."""
    depth = chosen.count("/") + 1 if chosen else 0
    counts: Counter[str] = Counter()
    for above in folders:
        if chosen:
            if chosen in above:
                counts[chosen] += 1
                counts.update(above[depth : depth + 1])
        elif above:
            counts[above[0]] += 1
    if chosen:
        counts.setdefault(chosen, 0)
    return sorted(counts.items(), key=lambda item: (item[0] != chosen, -item[1], item[0]))


def _facet(name: str, options: list[FacetOption]) -> Facet:
    chosen_late = [option for option in options[_MOST_OPTIONS:] if option.chosen]
    return Facet(
        name, (*options[:_MOST_OPTIONS], *chosen_late), max(0, len(options) - _MOST_OPTIONS - len(chosen_late))
    )
