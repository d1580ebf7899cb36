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

from crystalcli.answering import broad_list, context, support
from crystalcli.answering.broad_plan import Plan, called, plan_of
from crystalcli.answering.broad_said import Said
from crystalcli.answering.spoken import PENALTY, STOP, Spoken
from crystalcli.answering.wishes import Wishes
from crystalcli.errors import CrystalError, NotFoundError
from crystalcli.lexical.analysis import query_terms, terms
from crystalcli.memory.crystal import CrystalFile
from crystalcli.memory.overview import holding_all, overview, relevance_of
from crystalcli.memory.parts import Part, opening, parts_of
from crystalcli.memory.passages import Query
from crystalcli.memory.recall import Recall
from crystalcli.text.sentences import sentences
from crystalcli.text.unwrap import unwrapped
from crystalcli.types import BY_LINES, Answer, Citation, Passage, Portion, Sampling, Speaker

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


def plan(crystal: CrystalFile, question: str, wishes: Wishes) -> Plan | None:
    """How a question is answered from the whole, or None where it is not broad. Raises NotFoundError for a document not there."""
    return plan_of(crystal, question, wishes.broad)


def ask(
    crystal: CrystalFile,
    question: str,
    wishes: Wishes,
    plan: Plan,
    *,
    speaker: Callable[[], Speaker],
    on_text: Callable[[str], None] | None = None,
    on_evidence: Callable[[tuple[Citation, ...]], None] | None = None,
) -> Answer:
    """Answer from the whole of what the plan names; arguments as in `crystalcli.answering.ask.ask`.

    Raises NotFoundError when there is nothing to say, and what `speaker` raises.
    """
    said = Said(question, time.monotonic(), on_text)
    try:
        if plan.intent.kind in ("list", "count"):
            with crystal.snapshot():
                broad_list.answer(crystal, plan, said)
        else:
            _overview(crystal, wishes, plan, speaker, said, on_evidence)
    except KeyboardInterrupt:
        if not (said.text and wishes.stoppable):
            raise
        return replace(said.answer(), stopped=True)
    except CrystalError as error:
        if not (said.heard and wishes.stoppable):
            raise
        return replace(said.answer(), stopped=True, failure=error)
    return said.answer()


def _overview(
    crystal: CrystalFile,
    wishes: Wishes,
    plan: Plan,
    speaker: Callable[[], Speaker],
    said: Said,
    on_evidence: Callable[[tuple[Citation, ...]], None] | None,
) -> None:
    most = QUOTED_PARTS if wishes.extractive else PARTS
    with (
        crystal.snapshot()
    ):  # not while the model speaks, which takes long: quotations are compared when they are read back
        found = [(part, passages) for part, passages in _chosen(crystal, plan, most) if passages]
    if not found:
        raise NotFoundError(context.NOTHING)
    said.passages = [passage for _, passages in found for passage in passages]
    said.recalled = time.monotonic() - said.began
    if on_evidence is not None and not wishes.extractive:
        on_evidence(())  # what was found is quoted part by part
    topic = plan.intent.subject if plan.intent.kind == "topic" else ""
    model = None if wishes.extractive else speaker()
    if model is not None:
        said.model = model.name
    until = time.monotonic() + PATIENCE
    said.say(f"{called(plan.sources, plan.stretches)}, in {len(found)} {'part' if len(found) == 1 else 'parts'}:\n")
    notes = []
    for part, passages in found:
        label = " ".join(part.label.split())
        said.say(f"\n- {label}: " if label else "\n- ")
        text, number = "", 0
        if model is not None and time.monotonic() < until:
            asked = _ASKED if plan.intent.kind == "about" and plan.intent.sure else _ASKED_FOR
            text, number = _summed_up(crystal, said, model, wishes, passages, asked, until + FINISH)
        if not text:
            paths = {passage.path for passage in passages}
            weights = _weights([passage for passage in said.passages if passage.path in paths], topic)
            citation = _telling(crystal, passages, weights, said.citations)
            text = support.quoted(citation) if citation is not None else ""
            number = said.cite(citation)
            said.say(f"{text} [{number}]" if number else text)
        said.portions.append(Portion(label, text, number))
        notes.append(f"{label}: {text}" if label else text)
    if model is not None and len(notes) > 1:
        said.say("\n\n")
        _all_in_all(crystal, said, model, wishes, notes, time.monotonic() + LAST_WORD)


def _chosen(crystal: CrystalFile, plan: Plan, most: int) -> Iterator[tuple[Part, list[Passage]]]:
    """The parts, each with the passages that stand for it."""
    shelf = crystal.shelf
    codec = crystal.codec() if shelf.atom_codes is not None else None
    if plan.intent.kind == "about":
        query = Recall(shelf, None, None).prepare(plan.intent.subject or "what it is about")
        first = opening(shelf, plan.stretches)
        for part in [*([first] if first is not None else []), *parts_of(shelf, plan.stretches, most)]:
            yield part, overview(shelf, codec, query, part, PER_PART)
        return
    query = crystal.recaller().prepare(plan.intent.subject)
    relevance = relevance_of(query, codec, shelf)
    for part in parts_of(shelf, plan.stretches, most, _speaking(crystal, plan, query, relevance, most)):
        yield part, overview(shelf, codec, query, part, PER_PART, relevance[part.atoms])


def _speaking(crystal: CrystalFile, plan: Plan, query: Query, relevance: FloatArray, most: int) -> Integers:
    """The atoms that speak of a topic, int64: all that hold its words where these are few, else the nearest ones."""
    shelf = crystal.shelf
    inside = np.concatenate([np.zeros(0, np.int64), *(part.atoms for part in parts_of(shelf, plan.stretches, 1))])
    if 0 < len(query.idf) <= _FEW:
        holding = inside[np.isin(inside, holding_all(query))]
        if len(holding) >= most:
            return holding
    if plan.everything:
        ranked = crystal.recaller().rank(query, 3, _NARROWED)
        return np.array([scored.atom for scored in ranked], np.int64)
    return inside[np.argsort(-relevance[inside], kind="stable")[:_NARROWED]]


# --- one part, and all of them ------------------------------------------------------------------------


def _summed_up(
    crystal: CrystalFile,
    said: Said,
    model: Speaker,
    wishes: Wishes,
    passages: Sequence[Passage],
    asked: str,
    until: float,
) -> tuple[str, int]:
    """What the model says of a part, said as it comes, and the number of what carries it, or else of what is nearest to it."""
    ordered = sorted(passages, key=lambda passage: (passage.path, passage.start))
    room = (model.context_length - _SENTENCE - _ROOM) // len(ordered)
    size = max(1, min(_PASSAGE, room))
    given = "\n\n".join(
        model.truncate("".join(unwrapped(passage.text, passage.kind)).strip(), size) for passage in ordered
    )
    user = f"{given}\n\n{asked.format(question=said.question.strip())}"
    sources = support.Sources(crystal, said.question, passages, said.citations)
    most = min(_SENTENCE, wishes.max_tokens)
    spoken = _speak(said, model, wishes, sources, _SYSTEM, user, most, ("\n",), until)
    carried = [number for claim in spoken.claims for number in claim.citations]
    if carried or not spoken.text:
        return spoken.text, carried[0] if carried else 0
    number = said.cite(_telling(crystal, passages, {term: 1.0 for term, _ in terms(spoken.text)}, ()))
    said.say(f" [{number}]" if number else "")
    return spoken.text, number


def _all_in_all(
    crystal: CrystalFile, said: Said, model: Speaker, wishes: Wishes, notes: Sequence[str], until: float
) -> None:
    """One answer out of what was said of the parts."""
    room = model.context_length - wishes.max_tokens - _ROOM - model.count(said.question)
    given = model.truncate("\n".join(notes), max(0, room))
    user = f"{given}\n\nQuestion: {said.question.strip()}"
    sources = support.Sources(crystal, said.question, said.passages, said.citations)
    _speak(said, model, wishes, sources, _SYSTEM_WHOLE, user, wishes.max_tokens, STOP, until)


def _speak(
    said: Said,
    model: Speaker,
    wishes: Wishes,
    sources: support.Sources,
    system: str,
    user: str,
    most: int,
    stop: Sequence[str],
    until: float,
) -> Spoken:
    """What the model says, shown as it comes, with marks; cut short at the time `until`, as time.monotonic counts."""
    conversation = context.messages(user, system)
    spoken = Spoken(sources, strict=wishes.strict)
    last, whole = "", False
    try:
        for piece in model.say(
            conversation, Sampling(max_tokens=most, seed=wishes.seed, repetition_penalty=PENALTY, stop=stop)
        ):
            said.heard = True
            last = piece.strip()[-1:] or last
            said.show(spoken.hear(piece))
            if time.monotonic() > until:
                break
        else:
            whole = True
    finally:  # whoever stops it keeps what was said
        if last.isalnum():  # in the middle of a sentence
            said.show(spoken.hear("…"))
        said.show(spoken.end(stopped=not whole))
        said.take(spoken)
    said.tokens["context"] += model.count(user)
    said.tokens["prompt"] += model.prompt_size(conversation)
    said.tokens["answer"] += model.count(spoken.text)
    return spoken


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
    crystal: CrystalFile, passages: Sequence[Passage], weights: Mapping[str, float], before: Sequence[Citation]
) -> Citation | None:
    """The sentence that tells most of a part, read back from the file; one that was cited before only where there is no other."""
    known_ones = {" ".join(citation.quote.split()) for citation in before}
    best: tuple[float, Passage, int, int] | None = None
    for rank, passage in enumerate(passages):
        for low, high in sentences(passage.text, passage.kind in BY_LINES - {"code"}) or [(0, len(passage.text))]:
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
    cited = support.extracts(crystal, [replace(best[1], best=best[2:])])
    return cited[0] if cited else None
