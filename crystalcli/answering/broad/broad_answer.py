"""A question about the whole of something answered: divide, choose from every part, say each part, say all of it.

For every part a sentence of the language model, or the most telling one of the part itself, with a quotation that is read back from the
file; then one answer out of these. Where the model is slow, the parts that are left are quoted. Lists are `broad_list`'s.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.answering.broad import mentions_answer
from crystalcli.answering.broad.broad_plan import Plan, called
from crystalcli.answering.grounding import attribution
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.answering.prompt import prompt_context
from crystalcli.errors import NotFoundError
from crystalcli.lexical import query_terms, terms
from crystalcli.overview import (
    Section,
    holding_all,
    opening_section,
    relevance_of,
    representative_passages,
    split_sections,
)
from crystalcli.recall import CrystalReader, PreparedQuery, lexical_query
from crystalcli.text import sentence_spans, unwrap_lines
from crystalcli.types import BY_LINES, Answer, ChatModel, Citation, Passage, Portion

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.types import FloatArray

    Integers = npt.NDArray[np.int64]

PARTS, QUOTED_PARTS = 8, 12  # that a document is divided into: for the model, and where each is only quoted
PER_PART = 4  # passages that stand for a part
PATIENCE = 25.0  # seconds that the model may speak of parts; those that are left are quoted
FINISH, LAST_WORD = 5.0, 15.0  # seconds more for the part that it is at, and for the whole
_SENTENCE = 48  # tokens that it may say of one
_PASSAGE = 130  # tokens that it is given of one passage
_NARROWED = 100  # atoms that a topic is narrowed to, where those that hold all of its words are too few
_FEW = 3  # terms of a topic that all have to stand in an atom; more are a sentence
_SHORTEST, _LONGEST = 40, 320  # characters of a sentence that is worth quoting
_AWKWARD = 0.2  # what one that is shorter or longer counts
_TERMS = 8  # a sentence of fewer is not better for being short
_NAMED, _WANTED = 4.0, 4.0  # how many times more a name counts, and a word of the topic
_LATER = 0.85  # what a sentence counts in each passage after the first
_ROOM = 256  # tokens that a template needs beside notes and answer
# Speech, questions, lists, markup and code tell little of what a text is about.
_SPOKEN = re.compile(r"[“”\"?!]|^(?:#|@|:|\.\. |\$ |>>>|[-*+] )|::\s*$|[{};=]")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][\w’'-]+")  # a word with a capital that begins no sentence
_SYSTEM = "You sum up a text in one short sentence, with the names that it gives."
_ASKED = "Sum up the text above in one short sentence."
_ASKED_FOR = "Sum up the text above in one short sentence, with what it says to this question: {question}"
_SYSTEM_WHOLE = (
    "You answer a question about a whole text from notes on each of its parts. Answer in two or three sentences."
)


def answer_broadly(
    crystal: CrystalReader,
    draft: AnswerDraft,
    plan: Plan,
    *,
    open_model: Callable[[], ChatModel],
    on_evidence: Callable[[tuple[Citation, ...]], None] | None = None,
) -> Answer:
    """Answer from the whole of what the plan names; arguments as in `crystalcli.answering.answer.ask`.

    Raises:
        NotFoundError: There is nothing to say.
    """
    with draft.kept_when_stopped():
        if plan.intent.kind in ("list", "count"):
            with crystal.snapshot():
                mentions_answer.answer_mentions(crystal, plan, draft)
        else:
            _overview(crystal, draft, plan, open_model, on_evidence)
    return draft.answer()


def _overview(
    crystal: CrystalReader,
    draft: AnswerDraft,
    plan: Plan,
    open_model: Callable[[], ChatModel],
    on_evidence: Callable[[tuple[Citation, ...]], None] | None,
) -> None:
    most = QUOTED_PARTS if draft.options.extractive else PARTS
    with (
        crystal.snapshot()
    ):  # not while the model speaks, which takes long: quotations are compared when they are read back
        found = [(part, passages) for part, passages in _parts_with_passages(crystal, plan, most) if passages]
    if not found:
        raise NotFoundError(prompt_context.NOTHING)
    draft.passages = [passage for _, passages in found for passage in passages]
    draft.recalled = time.monotonic() - draft.began
    if on_evidence is not None and not draft.options.extractive:
        on_evidence(())  # what was found is quoted part by part
    topic = plan.intent.subject if plan.intent.kind == "topic" else ""
    model = None if draft.options.extractive else open_model()
    if model is not None:
        draft.model = model.name
    until = time.monotonic() + PATIENCE
    draft.say(f"{called(plan.sources, plan.stretches)}, in {len(found)} {'part' if len(found) == 1 else 'parts'}:\n")
    notes = []
    for part, passages in found:
        label = " ".join(part.label.split())
        draft.say(f"\n- {label}: " if label else "\n- ")
        text, number = "", None
        if model is not None and time.monotonic() < until:
            asked = _ASKED if plan.intent.kind == "about" and plan.intent.sure else _ASKED_FOR
            text, number = _summed_up(crystal, draft, model, passages, asked, until + FINISH)
        if not text:
            paths = {passage.path for passage in passages}
            weights = _weights([passage for passage in draft.passages if passage.path in paths], topic)
            citation = _telling(crystal, passages, weights, draft.citations)
            text = attribution.quotation_line(citation) if citation is not None else ""
            number = draft.cite(citation)
            draft.say(f"{text} [{number}]" if number else text)
        draft.portions.append(Portion(label, text, number))
        notes.append(f"{label}: {text}" if label else text)
    if model is not None and len(notes) > 1:
        draft.say("\n\n")
        _all_in_all(crystal, draft, model, notes, time.monotonic() + LAST_WORD)


def _parts_with_passages(crystal: CrystalReader, plan: Plan, most: int) -> Iterator[tuple[Section, list[Passage]]]:
    """The parts, each with the passages that stand for it."""
    shelf = crystal.shelf
    codec = crystal.codec() if shelf.atom_codes is not None else None
    if plan.intent.kind == "about":
        query = lexical_query(shelf, plan.intent.subject or "what it is about")
        first = opening_section(shelf, plan.stretches)
        for part in [*([first] if first is not None else []), *split_sections(shelf, plan.stretches, most)]:
            yield part, representative_passages(shelf, codec, query, part, PER_PART)
        return
    query = crystal.searcher().prepare(plan.intent.subject)
    relevance = relevance_of(query, codec, shelf)
    for part in split_sections(shelf, plan.stretches, most, _speaking(crystal, plan, query, relevance, most)):
        yield part, representative_passages(shelf, codec, query, part, PER_PART, relevance[part.atoms])


def _speaking(crystal: CrystalReader, plan: Plan, query: PreparedQuery, relevance: FloatArray, most: int) -> Integers:
    """The atoms that speak of a topic, int64: all that hold its words where these are few, else the nearest ones."""
    shelf = crystal.shelf
    inside = np.concatenate([np.zeros(0, np.int64), *(part.atoms for part in split_sections(shelf, plan.stretches, 1))])
    if 0 < len(query.idf) <= _FEW:
        holding = inside[np.isin(inside, holding_all(query))]
        if len(holding) >= most:
            return holding
    if plan.everything:
        ranked = crystal.searcher().rank(query, 3, _NARROWED)
        return np.array([scored.atom for scored in ranked], np.int64)
    return inside[np.argsort(-relevance[inside], kind="stable")[:_NARROWED]]


# --- one part, and all of them ------------------------------------------------------------------------


def _summed_up(
    crystal: CrystalReader,
    draft: AnswerDraft,
    model: ChatModel,
    passages: Sequence[Passage],
    asked: str,
    until: float,
) -> tuple[str, int | None]:
    """What the model says of a part, said as it comes, and the number of what carries it, or else of what is nearest to it."""
    ordered = sorted(passages, key=lambda passage: (passage.path, passage.start))
    room = (model.context_length - _SENTENCE - _ROOM) // len(ordered)
    size = max(1, min(_PASSAGE, room))
    given = "\n\n".join(
        model.truncate("".join(unwrap_lines(passage.text, passage.place.kind)).strip(), size) for passage in ordered
    )
    user = f"{given}\n\n{asked.format(question=draft.question.strip())}"
    sources = attribution.Sources(crystal, draft.question, passages, draft.citations)
    most = min(_SENTENCE, draft.options.max_tokens)
    spoken = draft.speak(
        model,
        prompt_context.chat_messages(user, _SYSTEM),
        sources,
        context=[user],
        max_tokens=most,
        stop=("\n",),
        deadline=until,
    )
    carried = [number for claim in spoken.claims for number in claim.citations]
    if carried or not spoken.text:
        return spoken.text, carried[0] if carried else None
    number = draft.cite(_telling(crystal, passages, {term: 1.0 for term, _ in terms(spoken.text)}, ()))
    draft.say(f" [{number}]" if number else "")
    return spoken.text, number


def _all_in_all(
    crystal: CrystalReader, draft: AnswerDraft, model: ChatModel, notes: Sequence[str], until: float
) -> None:
    """One answer out of what was said of the parts."""
    room = model.context_length - draft.options.max_tokens - _ROOM - model.count(draft.question)
    given = model.truncate("\n".join(notes), max(0, room))
    user = f"{given}\n\nQuestion: {draft.question.strip()}"
    sources = attribution.Sources(crystal, draft.question, draft.passages, draft.citations)
    conversation = prompt_context.chat_messages(user, _SYSTEM_WHOLE)
    draft.speak(model, conversation, sources, context=[user], max_tokens=draft.options.max_tokens, deadline=until)


# --- without a model ----------------------------------------------------------------------------------


def _weights(passages: Sequence[Passage], topic: str) -> dict[str, float]:
    """How much each term tells of what the passages have in common: in how many of them it stands, names and the topic more.

    After SumBasic (Nenkova and Vanderwende, "The impact of frequency on summarization", 2005), which counts words.
    """
    standing: Counter[str] = Counter()
    names: Counter[str] = Counter()
    for passage in passages:
        standing.update({term for term, _ in terms(passage.text)})
        inside = _NAME.findall(passage.text)
        names.update({term for term, _ in terms(" ".join(inside))})
    wanted = set(query_terms(topic))
    return {
        term: count
        / len(passages)
        * (_NAMED if 2 * names[term] > count else 1.0)
        * (_WANTED if term in wanted else 1.0)
        for term, count in standing.items()
    }


def _telling(
    crystal: CrystalReader, passages: Sequence[Passage], weights: Mapping[str, float], before: Sequence[Citation]
) -> Citation | None:
    """The sentence that tells most of a part, read back from the file; one that was cited before only where there is no other."""
    known_ones = {" ".join(citation.quote.split()) for citation in before}
    best: tuple[float, Passage, int, int] | None = None
    for rank, passage in enumerate(passages):
        for low, high in sentence_spans(passage.text, passage.place.kind in BY_LINES - {"code"}) or [
            (0, len(passage.text))
        ]:
            sentence = passage.text[low:high]
            known = {term for term, _ in terms(sentence)}
            score = sum(weights.get(term, 0.0) for term in known) / max(_TERMS, len(known))
            score *= _LATER**rank
            if not _SHORTEST <= high - low <= _LONGEST:
                score *= _AWKWARD
            if _SPOKEN.search(sentence):
                score *= _AWKWARD
            if " ".join(sentence.split()) in known_ones:
                score = -1.0
            if best is None or score > best[0]:
                best = score, passage, passage.start + low, passage.start + high
    if best is None:
        return None
    cited = attribution.extract_citations(crystal, [replace(best[1], best=best[2:])])
    return cited[0] if cited else None
