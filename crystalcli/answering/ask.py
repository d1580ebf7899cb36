"""A question answered: recall, pack, generate or extract, cite."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from crystalcli.answering import broad, context, extract, floor, support
from crystalcli.answering.spoken import PENALTY, STOP, Spoken
from crystalcli.answering.wishes import Wishes
from crystalcli.errors import CrystalError, NotFoundError
from crystalcli.memory.crystal import CrystalFile
from crystalcli.types import Answer, Citation, Sampling, Speaker

NOT_HERE = "not in this crystal"


def ask(
    crystal: CrystalFile,
    question: str,
    wishes: Wishes,
    *,
    speaker: Callable[[], Speaker],
    on_text: Callable[[str], None] | None = None,
    on_evidence: Callable[[tuple[Citation, ...]], None] | None = None,
) -> Answer:
    """Answer from what the crystal recalls; where too little speaks for it that this holds an answer, say that it does not.

    speaker: gives the language model; called once there is something to say, and not at all for an extractive answer.
    on_evidence is given the best sentences of what was recalled, before the model is opened, and not for an extractive answer,
    which they are; on_text receives the answer piece by piece.
    Raises UsageError for what cannot be asked, NotFoundError when nothing is recalled, and what `speaker` raises.
    """
    if (plan := broad.plan(crystal, question, wishes)) is not None:
        return broad.ask(crystal, question, wishes, plan, speaker=speaker, on_text=on_text, on_evidence=on_evidence)
    began = time.monotonic()
    recalled_passages = crystal.recall(question, max(wishes.k, floor.LOOKED_AT), wishes.depth, decay=wishes.decay)
    if not recalled_passages:
        raise NotFoundError(context.NOTHING)
    passages = recalled_passages[: wishes.k]
    recalled = time.monotonic() - began
    reading = extract.read(crystal.recaller(), question, recalled_passages)
    evidence = floor.evidence(crystal, question, recalled_passages, reading)
    if evidence < wishes.floor:
        nearest = support.extracts(crystal, passages)
        seconds = {"recall": recalled, "total": time.monotonic() - began}
        return Answer(question, NOT_HERE, nearest, tuple(passages), "", {}, seconds, answered=False, evidence=evidence)
    best = [each for each in reading.sentences if each.rank < wishes.k]
    quotations = extract.pointed(best[: support.MOST])
    if wishes.extractive:
        cited = support.extracts(crystal, quotations)
        text = "\n".join(f"{support.quoted(citation)} [{citation.number}]" for citation in cited)
        if on_text is not None:
            on_text(text)
        total = time.monotonic() - began
        seconds = {"recall": recalled, "first": total, "total": total}
        return Answer(question, text, cited, tuple(passages), "extractive", {}, seconds, evidence=evidence)

    if on_evidence is not None:
        on_evidence(support.extracts(crystal, quotations))
    model = speaker()
    given = context.given(question, passages, best, wishes, model, model.count, crystal.placed)
    sources = support.Sources(crystal, question, given.passages)
    spoken = Spoken(sources, strict=wishes.strict)
    first = 0.0
    stopped, failure, heard = False, None, False

    def tell(pieces: Iterable[str]) -> None:
        nonlocal first
        for piece in pieces:
            first = first or time.monotonic() - began
            if on_text is not None:
                on_text(piece)

    try:
        for piece in model.say(
            given.messages,
            Sampling(max_tokens=wishes.max_tokens, seed=wishes.seed, repetition_penalty=PENALTY, stop=STOP),
        ):
            heard = True
            tell(spoken.hear(piece))
    except KeyboardInterrupt:
        if not wishes.stoppable:
            raise
        stopped = True
    except CrystalError as error:
        if not (heard and wishes.stoppable):
            raise
        stopped, failure = True, error
    tell(spoken.end(stopped=stopped))
    tokens = {
        "context": sum(model.count(passage.text) for passage in given.passages),
        "prompt": model.prompt_size(given.messages),
        "answer": model.count(spoken.text),
    }
    seconds = {"recall": recalled, "first": first, "total": time.monotonic() - began}
    return Answer(
        question,
        spoken.text,
        sources.citations,
        tuple(passages),
        model.name,
        tokens,
        seconds,
        stopped=stopped,
        failure=failure,
        claims=spoken.claims,
        evidence=evidence,
    )
