"""A question answered: recall, judge the evidence, then quote or let a model speak."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from crystalcli.answering.broad.broad_question import BroadIntent, unit_named
from crystalcli.answering.evidence import answerability, sentence_ranking
from crystalcli.answering.evidence.answer_span import answer_spans, cite_spans
from crystalcli.answering.evidence.asked_number import number_first
from crystalcli.answering.evidence.days_meant import with_days
from crystalcli.answering.evidence.figure_row import with_figure_row
from crystalcli.answering.evidence.newest_first import newest_first
from crystalcli.answering.evidence.own_memories import memories_first
from crystalcli.answering.evidence.own_row import with_own_rows
from crystalcli.answering.evidence.question_type import asks_for_all
from crystalcli.answering.exact.code_question import code_intents
from crystalcli.answering.grounding import attribution
from crystalcli.answering.grounding.answer_draft import AnswerDraft, KeepSummaries
from crystalcli.answering.grounding.answering_sentence import answering_sentence
from crystalcli.answering.grounding.declining import declines
from crystalcli.answering.metadata.document_question import document_question
from crystalcli.answering.prompt import prompt_context
from crystalcli.answering.request.ask_options import AskOptions
from crystalcli.answering.request.filter_reading import read_filter
from crystalcli.datatypes import (
    MEMORY_KIND,
    Answer,
    ChatModel,
    Citation,
    FilterReading,
    Passage,
    Progress,
    RecallFilter,
)
from crystalcli.errors import NotFoundError, UsageError
from crystalcli.recall import (
    CHAT_KIND,
    INSTRUCTION,
    MOST_INSTRUCTIONS,
    CrystalReader,
    EventQuestion,
    Results,
    event_question,
)

NOT_HERE = "not in this crystal"
# No message answers by itself where a course is asked for: so much of the floor is enough. Of 50
# questions of chats with an assistant 45 have it, of 39 about other things 2.
_COURSE_FLOOR = 0.2


def answer_question(
    crystal: CrystalReader,
    question: str,
    options: AskOptions,
    *,
    intent: BroadIntent | None,
    open_model: Callable[[], ChatModel],
    on_text: Callable[[str], None] | None = None,
    on_search: Callable[[], None] | None = None,
    on_evidence: Callable[[tuple[Citation, ...]], None] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    keep_summaries: KeepSummaries | None = None,
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
        on_search: Called before passages are searched, where the model may be needed for them; not
            for an extractive answer.
        on_evidence: Called with the best sentences before the model is opened; not for an
            extractive answer, which consists of them.
        on_progress: Called before each part of an answer from the whole.
        keep_summaries: Keeps what the language model says of parts of documents.

    Returns:
        The answer.

    Raises:
        UsageError: The question is empty, or an option is out of range.
        NotFoundError: Nothing was recalled, or a document that the question names does not exist.
    """
    draft = AnswerDraft(question, options, on_text, on_progress, keep_summaries)
    if (exact := _answer_exactly(crystal, draft, intent)) is not None:
        return exact
    reading = read_filter(crystal, question, options.where, options.today)
    if (course := _tell_course(crystal, draft, intent, reading)) is not None:
        return course
    if (told := _tell_period(crystal, draft, intent, reading)) is not None:
        return told
    if options.broad or (options.broad is None and intent is not None):
        from crystalcli.answering.broad.broad_plan import plan_broad_answer

        plan = plan_broad_answer(crystal, question, intent, options.broad, options.where)
        if plan is not None:
            from crystalcli.answering.broad.broad_answer import answer_broadly

            return answer_broadly(crystal, draft, plan, open_model=open_model, on_evidence=on_evidence)
    if on_search is not None and not options.extractive:
        on_search()
    is_found = _find_passages(crystal, draft, reading)
    if _put_stated_value_first(crystal, draft):
        is_found = True
    elif is_found:
        where = RecallFilter() if draft.reading is None else draft.reading.recall_filter
        passages = with_figure_row(crystal, question, draft.passages, where)[: options.k]
        if any(passage.place.kind == CHAT_KIND for passage in passages):
            from crystalcli.answering.evidence.later_message import latest_message_best

            passages = latest_message_best(question, passages)
        draft.passages = passages
    quotations = _quotations(crystal, draft, is_refused=not is_found)
    if not is_found:
        return draft.refusal(NOT_HERE, quotations)
    if options.extractive or draft.has_ended:  # a small model takes what ends a state for the state
        _quote(draft, quotations)
    else:
        if on_evidence is not None:
            on_evidence(quotations)
        _generate(crystal, draft, quotations, open_model())
        if draft.evidence is not None and draft.evidence < options.floor:
            return draft.refusal(NOT_HERE, quotations)
    return draft.answer()


def count_mentions(crystal: CrystalReader, phrase: str, *, unit: str = "", where: RecallFilter | None = None) -> Answer:
    """Count and list every mention of a word or a phrase, exactly.

    Args:
        crystal: The crystal, open for reading.
        phrase: One word or several, as written.
        unit: The unit of the list in a reader's word: "file", "chapter", "page", "function",
            "message", "slide" or "sheet"; "": files, or the chapters, functions or pages of one.
        where: The documents, times and people to look at; None: all.

    Returns:
        The answer, with a portion and its count for each unit that has mentions.

    Raises:
        UsageError: The phrase is empty, or the unit unknown.
        NotFoundError: The phrase does not occur, or the filter names what is nowhere.
    """
    from crystalcli.answering.broad.broad_answer import answer_broadly
    from crystalcli.answering.broad.broad_plan import plan_broad_answer

    if not phrase.strip():
        raise UsageError("the phrase to count is empty")
    intent = BroadIntent("list", phrase.strip(), unit=unit_named(unit) if unit else "")
    draft = AnswerDraft(phrase, AskOptions(extractive=True, where=where))
    plan = plan_broad_answer(crystal, phrase, intent, True, where)
    assert plan is not None  # the intent decides
    return answer_broadly(crystal, draft, plan, open_model=_no_model)


def _no_model() -> ChatModel:
    raise AssertionError("mentions are counted without a model")


def _answer_exactly(crystal: CrystalReader, draft: AnswerDraft, intent: BroadIntent | None) -> Answer | None:
    """Answer from definitions, the index and what documents say of themselves; None otherwise.

    These look at the whole crystal, so that a filter given as an option leaves them out.
    """
    if draft.options.where is not None and draft.options.where.selects:
        return None
    if draft.options.broad is None and (intents := code_intents(draft.question)):
        from crystalcli.answering.exact.code_answer import answer_code_question

        if (answer := answer_code_question(crystal, draft, intents)) is not None:
            return answer
    if intent is not None and intent.needs_no_model:  # lists and counts of mentions
        return None
    asked = document_question(draft.question)
    if asked is None or draft.options.broad is not None:
        return None
    from crystalcli.answering.metadata.document_answer import answer_document_question

    return answer_document_question(crystal, draft, asked)


def _tell_course(
    crystal: CrystalReader, draft: AnswerDraft, intent: BroadIntent | None, reading: FilterReading
) -> Answer | None:
    """List the messages that a question for their order, or a summary, means; None for another one.

    A summary of documents is another one, and so is an answer that was asked for from the whole.
    """
    events = event_question(draft.question)
    if events is None or draft.options.broad or (intent is not None and events is EventQuestion.SUMMARY):
        return None
    if not crystal.searcher().has_messages:
        return None
    try:
        results = crystal.recall(draft.question, max(draft.options.k, sentence_ranking.MAX_PASSAGES), where=reading)
    except NotFoundError:
        return None
    if not results.in_order:
        return None
    draft.reading = reading if reading.read.selects or reading.me else None
    best_first = replace(results, passages=tuple(sorted(results.passages, key=lambda each: -each.score)))
    draft.evidence = _course_evidence(crystal, best_first)
    draft.seconds_to_passages = draft.seconds()
    if draft.evidence < _COURSE_FLOOR * draft.options.floor:
        draft.passages = list(best_first[: draft.options.k])
        return draft.refusal(NOT_HERE, _quotations(crystal, draft, is_refused=True))
    draft.is_sure = draft.evidence >= draft.options.floor
    from crystalcli.answering.broad.course_answer import answer_course

    return answer_course(crystal, draft, results.passages)


def _tell_period(
    crystal: CrystalReader, draft: AnswerDraft, intent: BroadIntent | None, reading: FilterReading
) -> Answer | None:
    """List what is dated in a period, where the question names that alone; None otherwise."""
    if draft.options.broad or (intent is not None and (intent.sure or intent.kind != "about")):
        return None
    if not reading.bare or not (reading.read.since or reading.read.until):
        return None
    from crystalcli.answering.broad.period_answer import PERIOD_DEPTH, answer_period

    try:
        results = crystal.recall(draft.question, PERIOD_DEPTH, where=reading.present_only())
    except NotFoundError:
        return None
    draft.reading = reading
    draft.seconds_to_passages = draft.seconds()
    return answer_period(crystal, draft, results.passages)


def _course_evidence(crystal: CrystalReader, results: Results) -> float:
    """Judge messages by their first words, which need not be like all nouns of the question."""
    read = sentence_ranking.read_passages(crystal.searcher().encoder, results.query, results.passages)
    return answerability.answer_probability(crystal, results, read._replace(likeness=None))


def _find_passages(crystal: CrystalReader, draft: AnswerDraft, reading: FilterReading) -> bool:
    """Find the best passages where the question says, then elsewhere; False without evidence.

    What the words of the question said is dropped where nothing there answers. Documents whose
    files are gone are looked at last.

    Raises:
        NotFoundError: Nothing was recalled, or options name what is nowhere in the crystal.
    """
    attempts = [reading.present_only(), reading] if crystal.has_gone_files() else [reading]
    if reading.from_words:
        attempts = [attempts[0], *(attempt.without_words() for attempt in attempts)]
    tried: list[AnswerDraft] = []
    for attempt in attempts:
        try:
            if _look(crystal, draft, attempt):
                return True
        except NotFoundError:  # nothing is there
            if attempt is attempts[-1] and not tried:
                raise
        else:
            tried.append(replace(draft))
    nearest = max(tried, key=lambda attempt: attempt.evidence or 0.0)
    draft.passages, draft.evidence, draft.reading = nearest.passages, nearest.evidence, nearest.reading
    return False


def _put_stated_value_first(crystal: CrystalReader, draft: AnswerDraft) -> bool:
    """Put the statement of what is asked for first; False where nothing states it."""
    where = draft.options.where
    if not draft.passages or (where is not None and replace(where, as_of=None).selects):
        return False
    if not crystal.has_statements():
        return False
    from crystalcli.answering.evidence.stated_value import STATED, stated_value

    reading = draft.reading or FilterReading()
    statement = stated_value(crystal, draft.question, draft.passages[0], reading)
    if statement is None:
        return False
    others = [passage for passage in draft.passages if passage.path != statement.path]
    draft.passages = [statement, *others][: draft.options.k]
    draft.evidence = max(draft.evidence or 0.0, STATED)
    draft.is_sure = True
    return True


def _look(crystal: CrystalReader, draft: AnswerDraft, reading: FilterReading) -> bool:
    """Recall passages by a filter and judge them; False where the evidence is under the floor."""
    draft.reading = reading if reading.read.selects or reading.me else None
    return _judge(crystal, draft, _recall(crystal, draft, reading), reading)


def _recall(crystal: CrystalReader, draft: AnswerDraft, reading: FilterReading) -> Results:
    """Recall the passages, and as many as the evidence needs. Raises NotFoundError without any."""
    options = draft.options
    count = max(options.k, sentence_ranking.MAX_PASSAGES)
    results = crystal.recall(
        draft.question,
        count + MOST_INSTRUCTIONS,
        depth=options.depth,
        half_life=options.half_life,
        where=reading,
    )
    if not results:
        raise NotFoundError(prompt_context.NO_MATCH)
    draft.instructions = [passage for passage in results.passages if INSTRUCTION in passage.shares]
    others = [passage for passage in results.passages if INSTRUCTION not in passage.shares] or results.passages
    recalled = memories_first(crystal, draft.question, others[:count], reading)
    passages = number_first(draft.question, newest_first(draft.question, recalled, asked=reading.newest))
    if crystal.has_statements():
        from crystalcli.answering.evidence.present_statements import newest_statement_first
        from crystalcli.answering.evidence.superseded import holding_first

        passages = holding_first(crystal, draft.question, passages, reading.recall_filter)
        passages, draft.changes = newest_statement_first(crystal, draft.question, passages, reading)
    if passages[0].date is not None and not draft.changes:
        from crystalcli.answering.evidence.ended_state import newest_of_state

        passages, draft.changes, draft.has_ended = newest_of_state(crystal, draft.question, passages, reading)
    draft.passages, draft.wants_newest = passages[: options.k], reading.newest
    draft.seconds_to_passages = draft.seconds()
    return replace(results, passages=tuple(passages))


def _judge(crystal: CrystalReader, draft: AnswerDraft, results: Results, where: FilterReading) -> bool:
    """Judge the evidence of the passages; False where it is under the floor."""
    draft.evidence = None
    if where.bare:
        return True
    judged = results
    if where.searched_for(draft.question) != draft.question:  # it was as long as the whole
        judged = replace(results, query=results.query._replace(idf=crystal.idf(draft.question)))
    judged = replace(judged, passages=_judged_passages(crystal, judged))
    reading = sentence_ranking.read_passages(crystal.searcher().encoder, results.query, judged.passages)
    draft.evidence = answerability.answer_probability(crystal, judged, reading)
    if crystal.searcher().has_messages:
        from crystalcli.answering.evidence.own_detail import own_detail

        detail = own_detail(crystal, results.question, judged.passages)
        if detail is not None:
            draft.evidence = detail.evidence(draft.evidence)
    draft.is_sure = draft.evidence >= answerability.SURE
    return draft.evidence >= draft.options.floor


def _judged_passages(crystal: CrystalReader, results: Results) -> tuple[Passage, ...]:
    """Take the best passages as they are judged: of a list the row for the one asked about.

    Memories of another thing of the one asked about are left out.
    """
    reranker = crystal.searcher().reranker

    def read_again(texts: list[str]) -> list[float]:
        assert reranker is not None
        return [float(logit) for logit in reranker.logits(results.question, texts)]

    topic = answerability.topic_of(results.query.idf)
    best = results.passages[: sentence_ranking.MAX_PASSAGES]
    if any(passage.place.kind == MEMORY_KIND for passage in best):
        from crystalcli.answering.evidence.present_statements import is_of_another_thing

        best = tuple(passage for passage in best if not is_of_another_thing(results.question, passage))
    return tuple(with_own_rows(best, topic, read_again if reranker is not None else None))


def _quotations(crystal: CrystalReader, draft: AnswerDraft, *, is_refused: bool = False) -> tuple[Citation, ...]:
    """Quote the best passages so that they answer; where they do not, a few lines of each."""
    most = attribution.MAX_IN_LIST if asks_for_all(draft.question) and not is_refused else attribution.MAX_CITATIONS
    spans = answer_spans(crystal, draft.question, draft.passages, most, is_refused=is_refused)
    return with_days(draft.question, cite_spans(crystal, spans, draft.evidence))


def _quote(draft: AnswerDraft, quotations: Sequence[Citation]) -> None:
    """Answer with the best passages as they stand."""
    draft.citations = list(quotations)
    draft.say(_quoted_text(quotations))


def _quoted_text(quotations: Sequence[Citation]) -> str:
    return "\n".join(map(attribution.numbered_quotation, quotations))


def _generate(crystal: CrystalReader, draft: AnswerDraft, quotations: Sequence[Citation], model: ChatModel) -> None:
    """Answer in a model's words, each sentence with the quotations that carry it."""
    from crystalcli.answering.prompt.passage_choice import choose_passages, passages_in_mind

    draft.model, draft.citations = model.name, list(quotations)
    passages = choose_passages(crystal, draft.question, draft.passages, newest=draft.wants_newest)
    in_mind = passages_in_mind(crystal, draft.options.in_mind, passages)
    passages = [*passages[:1], *in_mind, *draft.instructions, *passages[1:]]
    prompt = prompt_context.build_prompt(draft.question, passages, draft.options, model, model.count, _asker(draft))
    sources = attribution.Sources(crystal, draft.question, prompt.passages, draft.citations)
    with draft.keep_when_stopped():
        said = draft.generate(
            model,
            prompt.messages,
            sources,
            context=[passage.text for passage in prompt.passages],
            max_tokens=draft.options.max_tokens,
        )
        if not said.text:
            _quote_instead(draft, quotations)
            return
        is_far = declines(said.text) or not any(each.is_near for each in said.claims)
        if is_far or any(each.missing for each in said.claims):
            draft.is_sure = False
        if quotations:
            _end_with_source(crystal, draft, sources, quotations[0], is_far=is_far)


def _end_with_source(
    crystal: CrystalReader, draft: AnswerDraft, sources: attribution.Sources, best: Citation, *, is_far: bool
) -> None:
    """Quote the best source behind words that it does not bear.

    Where they are near nothing, all of it is quoted. Where they are near a source, but in the
    model's own words, its sentence that answers best is, unless it has their names and numbers.
    """
    if is_far:
        draft.quote(best)
        return
    claims = [claim for claim in draft.claims if claim.is_near]
    if any(claim.borne_out or sources.has_facts_of(best, claim.text) for claim in claims):
        return
    sentence = answering_sentence(crystal, draft.question, best)
    if sentence is not None:
        draft.quote(sentence)


def _asker(draft: AnswerDraft) -> str:
    """Name who "I" is in the question; "" where that is not known."""
    return draft.reading.me if draft.reading is not None else ""


def _quote_instead(draft: AnswerDraft, quotations: Sequence[Citation]) -> None:
    """Quote where a model finds no answer in the passages, which counts against them.

    The quotations have been shown as evidence, and are not shown again.
    """
    draft.model, draft.is_sure = None, False
    draft.citations, draft.text = list(quotations), [_quoted_text(quotations)]
    if draft.evidence is not None:
        draft.evidence = answerability.declined_probability(draft.evidence)
