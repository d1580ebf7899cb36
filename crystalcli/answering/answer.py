"""A question answered: recall, judge the evidence, then quote or let a model speak."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crystalcli.answering.broad import broad_answer
from crystalcli.answering.broad.broad_plan import plan_broad_answer
from crystalcli.answering.broad.broad_question import BroadIntent
from crystalcli.answering.evidence import answerability, sentence_ranking
from crystalcli.answering.evidence.sentence_ranking import RankedSentence
from crystalcli.answering.exact.code_question import code_intents
from crystalcli.answering.grounding import attribution
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.answering.prompt import prompt_context
from crystalcli.answering.request.ask_options import AskOptions
from crystalcli.datatypes import Answer, ChatModel, Citation
from crystalcli.errors import NotFoundError
from crystalcli.recall import CrystalReader, Results

NOT_HERE = "not in this crystal"


def answer_question(
    crystal: CrystalReader,
    question: str,
    options: AskOptions,
    *,
    intent: BroadIntent | None,
    open_model: Callable[[], ChatModel],
    on_text: Callable[[str], None] | None = None,
    on_evidence: Callable[[tuple[Citation, ...]], None] | None = None,
) -> Answer:
    """Answer a question from the crystal, or say that the crystal does not hold an answer.

    Args:
        crystal: The crystal, open for reading.
        question: The question.
        options: The options, with `extractive` decided.
        intent: The broad intent of the question (`broad_question.broad_intent`); None: it asks for
            a fact.
        open_model: Opens the language model; called when there is something to say, and not for an
            extractive answer.
        on_text: Called with each piece of the answer.
        on_evidence: Called with the best sentences before the model is opened; not for an
            extractive answer, which consists of them.

    Returns:
        The answer.

    Raises:
        UsageError: The question is empty, or an option is out of range.
        NotFoundError: Nothing was recalled, or a document that the question names does not exist.
    """
    draft = AnswerDraft(question, options, on_text)
    if options.broad is None and (exact := _answer_exactly(crystal, draft)) is not None:
        return exact
    plan = plan_broad_answer(crystal, question, intent, options.broad)
    if plan is not None:
        return broad_answer.answer_broadly(crystal, draft, plan, open_model=open_model, on_evidence=on_evidence)
    results = _recall(crystal, draft)
    best = _judge(crystal, draft, results)
    if best is None:
        return draft.refusal(NOT_HERE, attribution.extract_citations(crystal, draft.passages))
    quotations = attribution.extract_citations(crystal, sentence_ranking.as_passages(best[: attribution.MAX_CITATIONS]))
    if options.extractive:
        _quote(draft, quotations)
    else:
        if on_evidence is not None:
            on_evidence(quotations)
        _generate(crystal, draft, best, open_model())
    return draft.answer()


def _answer_exactly(crystal: CrystalReader, draft: AnswerDraft) -> Answer | None:
    """Answer a question about source code from definitions; None for any other question."""
    intents = code_intents(draft.question)
    if not intents:
        return None
    from crystalcli.answering.exact.code_answer import answer_code_question

    return answer_code_question(crystal, draft, intents)


def _recall(crystal: CrystalReader, draft: AnswerDraft) -> Results:
    """Recall the passages, and as many as the evidence needs. Raises NotFoundError without any."""
    options = draft.options
    results = crystal.recall(
        draft.question, max(options.k, sentence_ranking.MAX_PASSAGES), depth=options.depth, half_life=options.half_life
    )
    if not results:
        raise NotFoundError(prompt_context.NO_MATCH)
    draft.passages = list(results.passages[: options.k])
    draft.seconds_to_passages = draft.seconds()
    return results


def _judge(crystal: CrystalReader, draft: AnswerDraft, results: Results) -> list[RankedSentence] | None:
    """Rank the sentences of the passages; None where the evidence is under the floor."""
    reading = sentence_ranking.read_passages(crystal.searcher().encoder, results.query, results.passages)
    draft.evidence = answerability.answer_probability(crystal, results, reading)
    if draft.evidence < draft.options.floor:
        return None
    return [sentence for sentence in reading.sentences if sentence.rank < draft.options.k]


def _quote(draft: AnswerDraft, quotations: Sequence[Citation]) -> None:
    """Answer with the best sentences as they stand."""
    draft.citations = list(quotations)
    draft.say("\n".join(f"{attribution.quotation_line(citation)} [{citation.number}]" for citation in quotations))


def _generate(crystal: CrystalReader, draft: AnswerDraft, best: Sequence[RankedSentence], model: ChatModel) -> None:
    """Answer in a model's words, each sentence with the citations that carry it."""
    draft.model = model.name
    prompt = prompt_context.build_prompt(
        draft.question, draft.passages, best, draft.options, model, model.count, crystal.with_place
    )
    sources = attribution.Sources(crystal, draft.question, prompt.passages, draft.citations)
    with draft.keep_when_stopped():
        draft.generate(
            model,
            prompt.messages,
            sources,
            context=[passage.text for passage in prompt.passages],
            max_tokens=draft.options.max_tokens,
        )
    sources.cite_first()
