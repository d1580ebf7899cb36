"""A broad question answered: divide the whole, sum up each part, then all of it.

Each part gets a sentence of the language model, or the most telling sentence of the part itself,
with a quotation that is read back from the file; then one answer is made out of these. Where the
model is slow, the remaining parts are quoted. `mentions_answer` makes lists and counts.

Knows: parts, and the passages that stand for them. Does not know: the names in the question, the
form of lists.
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
from crystalcli.answering.broad.broad_plan import BroadPlan
from crystalcli.answering.grounding import attribution
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.answering.prompt import prompt_context
from crystalcli.datatypes import BY_LINES, Answer, ChatModel, Citation, Passage, Portion
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

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array

PARTS, QUOTED_PARTS = 8, 12  # parts of a document: for the model, and where each is only quoted
PER_PART = 4  # passages that stand for a part
PATIENCE = 25.0  # seconds in which the model may begin parts; the remaining ones are quoted
PART_GRACE, SUMMARY_TIME = 5.0, 15.0  # seconds more to end a part, and seconds for the whole
_NOTE_TOKENS = 48  # that the model may say of a part
_PASSAGE_TOKENS = 130  # of one passage that the model is given
_NEAREST = 100  # atoms that a topic is narrowed to, where too few have all of its words
_MAX_TERMS = 3  # of a topic whose terms all have to stand in an atom; more are a sentence
_MIN_LENGTH, _MAX_LENGTH = 40, 320  # characters of a sentence that is worth quoting
_AWKWARD = 0.2  # the factor for a sentence that is shorter or longer, or of an awkward form
_MIN_SENTENCE_TERMS = 8  # a sentence of fewer terms is not better for being short
_NAME_FACTOR, _TOPIC_FACTOR = 4.0, 4.0  # for the weight of a name, and of a word of the topic
_RANK_FACTOR = 0.85  # for the sentences of each passage after the first
_OVERHEAD = 256  # tokens that a template needs beside notes and answer
# Speech, questions, lists, markup and code tell little of the topic of a text.
_AWKWARD_FORM = re.compile(r"[“”\"?!]|^(?:#|@|:|\.\. |\$ |>>>|[-*+] )|::\s*$|[{};=]")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][\w’'-]+")  # a capitalised word inside a sentence
_PART_SYSTEM = "You sum up a text in one short sentence, with the names that it gives."
_PART_PROMPT = "Sum up the text above in one short sentence."
_PART_TOPIC_PROMPT = "Sum up the text above in one short sentence, with what it says to this question: {question}"
_WHOLE_SYSTEM = (
    "You answer a question about a whole text from notes on each of its parts. Answer in two or three sentences."
)


def answer_broadly(
    crystal: CrystalReader,
    draft: AnswerDraft,
    plan: BroadPlan,
    *,
    open_model: Callable[[], ChatModel],
    on_evidence: Callable[[tuple[Citation, ...]], None] | None = None,
) -> Answer:
    """Answer from the whole of the documents in a plan.

    Args:
        crystal: The crystal, open for reading.
        draft: The answer to fill.
        plan: The plan.
        open_model: As of `answer.answer_question`.
        on_evidence: Called without citations before the model is opened; each part is quoted in
            its place.

    Returns:
        The answer.

    Raises:
        NotFoundError: There is nothing to say.
    """
    with draft.keep_when_stopped():
        if plan.intent.kind in ("list", "count"):
            with crystal.snapshot():
                mentions_answer.answer_mentions(crystal, plan, draft)
        else:
            _sum_up(crystal, draft, plan, open_model, on_evidence)
    return draft.answer()


def _sum_up(
    crystal: CrystalReader,
    draft: AnswerDraft,
    plan: BroadPlan,
    open_model: Callable[[], ChatModel],
    on_evidence: Callable[[tuple[Citation, ...]], None] | None,
) -> None:
    """Say each part, then, with a model, all of it."""
    max_parts = QUOTED_PARTS if draft.options.extractive else PARTS
    # The snapshot ends before the model speaks, which takes long; quotations are compared with the
    # file when they are read back.
    with crystal.snapshot():
        sections = [
            (section, passages) for section, passages in _sections_with_passages(crystal, plan, max_parts) if passages
        ]
    if not sections:
        raise NotFoundError(prompt_context.NO_MATCH)
    draft.passages = [passage for _, passages in sections for passage in passages]
    draft.seconds_to_passages = draft.seconds()
    if on_evidence is not None and not draft.options.extractive:
        on_evidence(())
    topic = plan.intent.subject if plan.intent.kind == "topic" else ""
    model = None if draft.options.extractive else open_model()
    if model is not None:
        draft.model = model.name
    deadline = time.monotonic() + PATIENCE
    draft.say(f"{plan.scope}, in {len(sections)} {'part' if len(sections) == 1 else 'parts'}:\n")
    notes = []
    for section, passages in sections:
        label = " ".join(section.label.split())
        draft.say(f"\n- {label}: " if label else "\n- ")
        text, number = "", None
        if model is not None and time.monotonic() < deadline:
            prompt = _PART_PROMPT if plan.intent.kind == "about" and plan.intent.sure else _PART_TOPIC_PROMPT
            text, number = _generate_part(crystal, draft, model, passages, prompt, deadline + PART_GRACE)
        if not text:
            paths = {passage.path for passage in passages}
            weights = _term_weights([passage for passage in draft.passages if passage.path in paths], topic)
            citation = _cite_telling(crystal, passages, weights, draft.citations)
            text = attribution.quotation_line(citation) if citation is not None else ""
            number = draft.cite(citation)
            draft.say(f"{text} [{number}]" if number else text)
        draft.portions.append(Portion(label, text, number))
        notes.append(f"{label}: {text}" if label else text)
    if model is not None and len(notes) > 1:
        draft.say("\n\n")
        _generate_whole(crystal, draft, model, notes, time.monotonic() + SUMMARY_TIME)


def _sections_with_passages(
    crystal: CrystalReader, plan: BroadPlan, max_parts: int
) -> Iterator[tuple[Section, list[Passage]]]:
    """Divide the documents of a plan; give each section with the passages that stand for it."""
    shelf = crystal.shelf
    codec = crystal.codec() if shelf.atom_codes is not None else None
    if plan.intent.kind == "about":
        query = lexical_query(shelf, plan.intent.subject or "what it is about")
        opening = opening_section(shelf, plan.ranges)
        for section in [
            *([opening] if opening is not None else []),
            *split_sections(shelf, plan.ranges, max_parts),
        ]:
            yield section, representative_passages(shelf, codec, query, section, PER_PART)
        return
    query = crystal.searcher().prepare(plan.intent.subject)
    relevance = relevance_of(query, codec, shelf)
    atoms = _topic_atoms(crystal, plan, query, relevance, max_parts)
    for section in split_sections(shelf, plan.ranges, max_parts, atoms):
        yield section, representative_passages(shelf, codec, query, section, PER_PART, relevance[section.atoms])


def _topic_atoms(
    crystal: CrystalReader, plan: BroadPlan, query: PreparedQuery, relevance: FloatArray, max_parts: int
) -> Int64Array:
    """Choose the atoms on a topic: all that have its words if these are few, else the nearest ones.

    Args:
        crystal: The crystal.
        plan: The plan.
        query: The topic, prepared.
        relevance: The relevance of each atom, float32 [atoms].
        max_parts: The parts that the atoms have to fill.

    Returns:
        The atoms, int64.
    """
    shelf = crystal.shelf
    sections = split_sections(shelf, plan.ranges, 1)
    inside = np.concatenate([np.zeros(0, np.int64), *(section.atoms for section in sections)])
    if 0 < len(query.idf) <= _MAX_TERMS:
        with_all_terms = inside[np.isin(inside, holding_all(query))]
        if len(with_all_terms) >= max_parts:
            return with_all_terms
    if plan.everything:
        ranked = crystal.searcher().rank(query, 3, _NEAREST)
        return np.array([scored.atom for scored in ranked], np.int64)
    return inside[np.argsort(-relevance[inside], kind="stable")[:_NEAREST]]


# --- with a model -----------------------------------------------------------------------------


def _generate_part(
    crystal: CrystalReader,
    draft: AnswerDraft,
    model: ChatModel,
    passages: Sequence[Passage],
    prompt: str,
    deadline: float,
) -> tuple[str, int | None]:
    """Let the model sum up a part, shown as it comes.

    Args:
        crystal: The crystal.
        draft: The answer to add to.
        model: The language model.
        passages: The passages that stand for the part.
        prompt: The request, a template with {question}.
        deadline: The time, by `time.monotonic`, at which the model is cut short.

    Returns:
        The text, and the number of the citation that carries it, or else is nearest to it.
    """
    ordered = sorted(passages, key=lambda passage: (passage.path, passage.start))
    room = (model.context_length - _NOTE_TOKENS - _OVERHEAD) // len(ordered)
    size = max(1, min(_PASSAGE_TOKENS, room))
    context = "\n\n".join(
        model.truncate("".join(unwrap_lines(passage.text, passage.place.kind)).strip(), size) for passage in ordered
    )
    user = f"{context}\n\n{prompt.format(question=draft.question.strip())}"
    sources = attribution.Sources(crystal, draft.question, passages, draft.citations)
    stream = draft.generate(
        model,
        prompt_context.chat_messages(user, _PART_SYSTEM),
        sources,
        context=[user],
        max_tokens=min(_NOTE_TOKENS, draft.options.max_tokens),
        stop=("\n",),
        deadline=deadline,
    )
    numbers = [number for claim in stream.claims for number in claim.citations]
    if numbers or not stream.text:
        return stream.text, numbers[0] if numbers else None
    number = draft.cite(_cite_telling(crystal, passages, {term: 1.0 for term, _ in terms(stream.text)}, ()))
    draft.say(f" [{number}]" if number else "")
    return stream.text, number


def _generate_whole(
    crystal: CrystalReader, draft: AnswerDraft, model: ChatModel, notes: Sequence[str], deadline: float
) -> None:
    """Let the model make one answer out of the notes on all parts."""
    room = model.context_length - draft.options.max_tokens - _OVERHEAD - model.count(draft.question)
    context = model.truncate("\n".join(notes), max(0, room))
    user = f"{context}\n\nQuestion: {draft.question.strip()}"
    sources = attribution.Sources(crystal, draft.question, draft.passages, draft.citations)
    messages = prompt_context.chat_messages(user, _WHOLE_SYSTEM)
    draft.generate(model, messages, sources, context=[user], max_tokens=draft.options.max_tokens, deadline=deadline)


# --- without a model --------------------------------------------------------------------------


def _term_weights(passages: Sequence[Passage], topic: str) -> dict[str, float]:
    """Weigh terms by the share of the passages that have them, names and the topic more.

    After SumBasic (Nenkova and Vanderwende, "The impact of frequency on summarization", 2005),
    which counts words.

    Args:
        passages: The passages.
        topic: The topic; "" without one.
    """
    counts: Counter[str] = Counter()
    names: Counter[str] = Counter()
    for passage in passages:
        counts.update({term for term, _ in terms(passage.text)})
        names.update({term for term, _ in terms(" ".join(_NAME.findall(passage.text)))})
    topic_terms = set(query_terms(topic))
    return {
        term: count
        / len(passages)
        * (_NAME_FACTOR if 2 * names[term] > count else 1.0)
        * (_TOPIC_FACTOR if term in topic_terms else 1.0)
        for term, count in counts.items()
    }


def _cite_telling(
    crystal: CrystalReader, passages: Sequence[Passage], weights: Mapping[str, float], earlier: Sequence[Citation]
) -> Citation | None:
    """Cite the sentence that tells most of a part, read back from the file.

    Args:
        crystal: The crystal.
        passages: The passages that stand for the part.
        weights: The weights of terms.
        earlier: The citations so far; one of their sentences is cited again only where there is no
            other.

    Returns:
        The citation; None if the file differs.
    """
    quotes = {" ".join(citation.quote.split()) for citation in earlier}
    best: tuple[float, Passage, int, int] | None = None
    for rank, passage in enumerate(passages):
        spans = sentence_spans(passage.text, passage.place.kind in BY_LINES - {"code"}) or [(0, len(passage.text))]
        for low, high in spans:
            sentence = passage.text[low:high]
            sentence_terms = {term for term, _ in terms(sentence)}
            score = sum(weights.get(term, 0.0) for term in sentence_terms)
            score = score / max(_MIN_SENTENCE_TERMS, len(sentence_terms)) * _RANK_FACTOR**rank
            if not _MIN_LENGTH <= high - low <= _MAX_LENGTH:
                score *= _AWKWARD
            if _AWKWARD_FORM.search(sentence):
                score *= _AWKWARD
            if " ".join(sentence.split()) in quotes:
                score = -1.0
            if best is None or score > best[0]:
                best = score, passage, passage.start + low, passage.start + high
    if best is None:
        return None
    citations = attribution.extract_citations(crystal, [replace(best[1], best=best[2:])])
    return citations[0] if citations else None
