"""A broad question answered: divide the whole, and tell each part in order.

Each part gets a sentence of the language model that it bears out, or its most telling sentences as
quotations that are read back from the file. Two documents are compared part by part, then by the
words that they share and those that set them apart. `mentions_answer` makes lists and counts.

Knows: plans, the form of the answer. Does not know: how a part is chosen, summed up or kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain

from crystalcli.answering.broad import mentions_answer
from crystalcli.answering.broad.broad_plan import BroadPlan
from crystalcli.answering.broad.part_teller import PartTeller
from crystalcli.answering.broad.whole_parts import Part, read_parts
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.answering.prompt import prompt_context
from crystalcli.datatypes import BY_LINES, Answer, ChatModel, Citation, Passage
from crystalcli.errors import NotFoundError
from crystalcli.overview import compare_terms, prominent_names
from crystalcli.recall import CrystalReader

_SHOWN = 6  # passages of a part that an answer names as its own
_COMPARED = 4  # parts of each document that are told where two are compared
_NAMES, _FEWEST_NAMES = 5, 3  # names that a summary begins with
_WORDS = 8  # words that documents share, or that set one apart


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
            _tell_parts(crystal, draft, plan, open_model, on_evidence)
    return draft.answer()


def _tell_parts(
    crystal: CrystalReader,
    draft: AnswerDraft,
    plan: BroadPlan,
    open_model: Callable[[], ChatModel],
    on_evidence: Callable[[tuple[Citation, ...]], None] | None,
) -> None:
    """Tell each part of the whole, or of each of the documents that are compared."""
    # The snapshot ends before the model speaks, which takes long; quotations are compared with the
    # file when they are read back.
    with crystal.snapshot():
        sides = [read_parts(crystal, plan, ranges) for ranges in plan.sides or (plan.ranges,)]
    if not all(sides):
        raise NotFoundError(prompt_context.NO_MATCH)
    told = [_evenly(parts, _COMPARED) for parts in sides] if plan.sides else sides
    in_order = list(chain(*told))
    draft.passages = [passage for part in in_order for passage in part.passages[:_SHOWN]]
    draft.seconds_to_passages = draft.seconds()
    if on_evidence is not None and not draft.options.extractive:
        on_evidence(())
    model = None if draft.options.extractive else open_model()
    if model is not None:
        draft.model = model.name
    is_summary = plan.intent.kind == "compare" or (plan.intent.kind == "about" and plan.intent.sure)
    teller = PartTeller(crystal, draft, in_order, model, topical=not is_summary)
    try:
        for index, parts in enumerate(told):
            heading = [plan.scope_of(plan.sides[index])] if plan.sides else [plan.scope, _counted(parts)]
            names = _names_in(sides[index]) if plan.intent.kind != "topic" else ""
            draft.say("\n\n" * bool(index) + f"{', '.join(heading)}{names}:\n")
            for _ in parts:
                teller.tell_next()
    finally:
        teller.keep()
    if plan.sides:
        _compare(crystal, draft, plan, sides)


def _compare(crystal: CrystalReader, draft: AnswerDraft, plan: BroadPlan, sides: Sequence[Sequence[Part]]) -> None:
    """Say which words two documents share, and which set each apart."""
    one, other = sides
    words = compare_terms(_passages_of(one), _passages_of(other), crystal.idf, _WORDS)
    first, second = map(plan.scope_of, plan.sides)
    for label, listed in zip(("Words of both", f"More in {first}", f"More in {second}"), words, strict=True):
        if listed:
            draft.say(f"\n\n{label}: {', '.join(listed)}.")


def _counted(parts: Sequence[Part]) -> str:
    return f"in {len(parts)} {'part' if len(parts) == 1 else 'parts'}"


def _names_in(parts: Sequence[Part]) -> str:
    """Format the names that come most often in a document; "" for several, code and tables."""
    kinds = {passage.path: passage.place.kind for part in parts for passage in part.passages}
    if len(kinds) != 1 or not BY_LINES.isdisjoint(kinds.values()):
        return ""
    names = prominent_names(_passages_of(parts), _NAMES)
    return f"; most often named: {', '.join(names)}" if len(names) >= _FEWEST_NAMES else ""


def _passages_of(parts: Sequence[Part]) -> list[Passage]:
    return [passage for part in parts for passage in part.passages]


def _evenly(parts: Sequence[Part], most: int) -> list[Part]:
    """Select up to `most` parts, the first and the last among them."""
    if len(parts) <= most:
        return list(parts)
    return [parts[round(number * (len(parts) - 1) / (most - 1))] for number in range(most)]
