"""The page of a search: passages by exact words while one types, by meaning when one has typed.

Knows: recall, snippets, facets. Does not know: answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crystalcli.datatypes import RecallFilter
from crystalcli.errors import NotFoundError
from crystalcli.index import TermIndex
from crystalcli.lexical import query_terms
from crystalcli.overview import documents_with
from crystalcli.recall import Searcher, make_filter_mask
from crystalcli.web_server.handling.page_request import PageRequest, PageSpec, html_response
from crystalcli.web_server.views.facets import Facet, make_facets
from crystalcli.web_server.views.filter_choice import FilterChoice, filter_choice
from crystalcli.web_server.views.snippets import Snippet, sentence_snippet, word_snippet

if TYPE_CHECKING:
    from starlette.responses import Response

    from crystalcli.library import Crystal

_PASSAGES = 20
_MOST_PASSAGES = 100  # after some requests for more
_TYPED_PASSAGES = 12
_COMPLETIONS = 6  # of a word of which the beginning is typed
_MOST_TYPED = 200  # characters that are looked for while they are typed


@dataclass(frozen=True, slots=True)
class Hits:
    """What a search has found.

    Attributes:
        snippets: The passages, best first.
        facets: Where else there is something, by folder, kind and year.
        documents: The number of documents with the words; None where all compete.
        notice: How the words of the question were read as a filter, or what is missing; maybe "".
        more: The number of passages to ask for next; 0 where these are all.
    """

    snippets: list[Snippet]
    facets: list[Facet]
    documents: int | None = None
    notice: str = ""
    more: int = 0


def _by_words(page: PageRequest, crystal: Crystal, words: str, choice: FilterChoice) -> Hits:
    """Find passages by their words, without any model; the last word may go on."""
    rows = page.site.ledger.rows(crystal)
    with crystal.snapshot():
        index = crystal.shelf
        head, last = (words, "") if not words[-1:].isalnum() else _without_last(words)
        completions = [*query_terms(last), *TermIndex(index).completions(last, _COMPLETIONS)] if last else []
        terms = {*query_terms(head), *completions}
        if not terms:
            return Hits([], [])
        sources = [source for source in index.store.sources() if source.chunks]
        for term in query_terms(head):
            sources = documents_with(index, term, sources)
        if completions:
            sources = [
                *{one.id: one for term in set(completions) for one in documents_with(index, term, sources)}.values()
            ]
        names = {source.path for source in sources}
        facets = make_facets([row for row in rows if row.document.path in names], choice, "/search", {"q": words})
        try:
            chosen = choice.recall_filter() or RecallFilter()
            mask = make_filter_mask(index, chosen, {source.id for source in sources})
            if not mask.atoms.any():  # some of the words are better than nothing
                mask = make_filter_mask(index, chosen)
        except NotFoundError:
            return Hits([], facets, 0)
        text = " ".join([head, *dict.fromkeys(completions)])
        results = Searcher(index, None, None).recall(text, _TYPED_PASSAGES, rerank=False, mask=mask)
    snippets = [_placed(crystal, word_snippet(passage, terms, last.casefold())) for passage in results.passages]
    number = sum(row.document.path in names and choice.admits(row) for row in rows)
    return Hits(snippets, facets, number)


def _without_last(words: str) -> tuple[str, str]:
    """Part the last word from those before."""
    head, _, last = words.rpartition(" ")
    return head, last


def _by_meaning(page: PageRequest, crystal: Crystal, question: str, choice: FilterChoice) -> Hits:
    """Find passages by meaning and words."""
    wanted = min(max(page.number("n", _PASSAGES), 1), _MOST_PASSAGES)
    rows = [row for row in page.site.ledger.rows(crystal) if row.document.chunks]
    facets = make_facets(rows, choice, "/search", {"q": question})
    try:
        results = crystal.recall(question, wanted, where=choice.recall_filter())
    except NotFoundError as error:
        return Hits([], facets, notice=str(error))
    notice = results.reading.notice if results.reading is not None else ""
    share = crystal.layer_share
    if rows and crystal.has_weights and share < 1.0:
        notice = f"Layers of {int(100 * share)} %: the rest is found by words alone, until layers are made."
    elif rows and not crystal.has_weights:
        notice = "Found by words alone: the encoder's weights are not here (crystal ask --fetch fetches them)."
    snippets = [_placed(crystal, sentence_snippet(passage)) for passage in results.passages]
    more = min(wanted + _PASSAGES, _MOST_PASSAGES) if len(snippets) == wanted < _MOST_PASSAGES else 0
    return Hits(snippets, facets, notice=notice, more=more)


def _placed(crystal: Crystal, snippet: Snippet) -> Snippet:
    """Give a passage of a conversation the author and time of the message that is marked in it."""
    passage, (start, end) = snippet.passage, snippet.span
    if not passage.place.marks.get("message") or end <= start:
        return snippet
    cited = crystal.cite(passage.path, start, end)
    return replace(snippet, passage=replace(passage, place=cited.place, date=cited.date))


async def _search(page: PageRequest) -> Response:
    """Show passages by meaning; without a question the box alone."""
    question, choice = page.text("q"), filter_choice(page)
    hits = Hits([], [])
    if question:
        hits = await page.read(lambda crystal: _by_meaning(page, crystal, question, choice))
    return page.render("search.html", query=question, choice=choice, hits=hits)


async def _words(page: PageRequest) -> Response:
    """Show passages by words, as a part of the page that is open."""
    words, choice = page.request.query_params.get("q", "").lstrip()[:_MOST_TYPED], filter_choice(page)
    hits = Hits([], [])
    if words:
        hits = await page.read(lambda crystal: _by_words(page, crystal, words, choice))
    return html_response(page.fill("part_words.html", query=words, hits=hits).strip())


SEARCH = PageSpec("/search", _search, "Search")
WORDS = PageSpec("/search/words", _words)
