"""Answering: an answer from the nearest passages, or from the whole of a document.

The question it answers: what can be said to this question, and which sources carry it?

answer.py              A question answered: recall, judge the evidence, then quote or let a model
                       speak.

broad/
    broad_answer.py        A broad question answered: divide the whole, and tell each part in order.
    broad_plan.py          The plan of a broad answer: the documents, or parts of them, that it is
                           made from.
    broad_question.py      The broad intent of a question, by its words: a summary, a comparison, a
                           list, a count, a topic.
    course_answer.py       The course of a conversation: its messages, each quoted by its first
                           words, in order of time.
    kept_summaries.py      What a language model has said of parts before, and what it says now, to
                           be kept.
    mentions_answer.py     Every mention of a word or a phrase, listed by chapter, page, file or
                           function.
    part_speaker.py        A part summed up by a language model, in words that the part bears out.
    part_teller.py         Tells what each part of a whole says: in a model's words, kept or new, or
                           in quotations.
    period_answer.py       The course of a period: what is dated in it, each quoted by its first
                           words, in order of time.
    reading_pace.py        The pace of a language model: how often it can still be asked in the time
                           there is.
    whole_parts.py         The parts of a whole, each with the passages that stand for it and its
                           telling sentences.

conversation/
    antecedents.py         The antecedents of pronouns: the noun of earlier questions, or of their
                           answers, that each means.
    follow_up.py           The follow-up: the mark by which an English question leans on those
                           before it.
    other_document.py      The other document: the one that "in the other book" means, by name.
    pronouns.py            The pronouns of an English question, and whether they mean something in
                           it.
    rule_rewrite.py        The rewriting of a follow-up by rules, so that it stands alone.
    topic.py               The topic of a conversation: the phrases of its last questions, weighed.
    understanding.py       The understanding of a question after those before it: as asked, or
                           rewritten to stand alone.

evidence/
    answer_span.py         The spans of passages that are quoted as an answer, each with how sure it
                           is.
    answerability.py       The probability that recalled passages hold an answer, from a few
                           weighted signs.
    asked_measure.py       The measure that a question asks for: an age needs years or a date, a
                           height a number.
    asked_number.py        The line that states the number or the e-mail address that a question
                           asks for.
    days_meant.py          The days that relative dates in a quotation mean, where a question asks
                           for a time.
    ended_state.py         The end of a state before the state, where a question asks how things
                           are.
    figure_row.py          The row of a table that states the figure a question asks for, before
                           prose about that figure.
    later_message.py       The message of a chat that changes what an earlier one in the same
                           passage says.
    manual_blocks.py       The end of a quotation from a manual: the rest of its list or example,
                           without what comes next.
    newest_first.py        The order of dated passages: of those that answer about as well the
                           newest comes first.
    noun_match.py          The likeness of a question's nouns to passages, of which the least speaks
                           against an answer.
    own_detail.py          The detail asked for, in what a person told an assistant: its topic is
                           there, and perhaps not it.
    own_memories.py        Memories before other passages where the question is about the person who
                           asks.
    own_row.py             The row of a list for the one whom a question names, in the place of the
                           whole list.
    present_statements.py  The newest of the statements that say what a question asks for, before
                           the older ones.
    question_type.py       The kind of answer that a question expects, and whether a sentence shows
                           that kind.
    sentence_ranking.py    The sentences of passages, ranked by how well they answer a question.
    source_lines.py        Lines of source code as they are quoted: whole ones, with what they open,
                           without imports.
    speaker_match.py       The match between the speakers of a conversation and the person in the
                           question.
    stated_value.py        The newest statement of what a question asks for, by the forms of both.
    statement_passage.py   The memory that a passage is of, and who told it; the passage of a
                           statement for another one.
    superseded.py          Superseded statements behind those that hold, and what has changed in the
                           words of an answer.
    surroundings.py        Surroundings: in running text a short quotation is given with the
                           sentences around it.

exact/
    code_answer.py         A question about source code answered exactly: definitions, callers,
                           tests, parameters, messages.
    code_question.py       The intent of a question about source code, by its words: a definition,
                           callers, tests, a text.
    definition_lookup.py   Definitions by name: functions, classes, methods, constants, options,
                           modules and files.
    source_order.py        The order of source files in an answer: source, then examples, then
                           tests, then prose.
    text_lookup.py         Texts found as they stand: an error message, a quoted string.
    usage_lookup.py        Usages of a name in code: every place where it stands, with the kind of
                           each.
    version_lookup.py      Versions: the one in which a name was added or removed, and the changes
                           of one.

grounding/
    answer_draft.py        An answer while it is made, with its citations, so that a stop loses
                           nothing.
    answer_end.py          The end of an answer in a model's words: its first paragraph, with its
                           code or list.
    answering_sentence.py  The one sentence of a quotation that answers best, as a quotation of its
                           own.
    attribution.py         The passages that carry an answer, and citations that have been read back
                           from the file.
    bearing_out.py         Bearing out: whether a sentence of a source says what a sentence of an
                           answer says.
    claim_marks.py         The marks behind the sentences of an answer, for people.
    claim_stream.py        A language model's words, cut into sentences as they come, each checked
                           and marked.
    compression.py         Compression: whether a sentence only says, in fewer words, what a text
                           says.
    declining.py           The words by which a language model says that the passages hold no
                           answer.
    facts.py               The facts of a sentence that can be looked up: names, numbers,
                           identifiers, quotations.
    number_words.py        The numbers in a text, in digits or words: 1,200, twelve hundred, £1.2k,
                           1990s, third.
    row_label.py           The label of a row in a list, such as the name in "- Ann: birthday 4
                           October".
    source_passage.py      A passage as a source of an answer: its sentences, with their terms and
                           their facts.
    source_words.py        The end of an answer that its best source does not bear: that source's
                           own words.
    wording.py             Wording: how a sentence of an answer agrees with one of a source beyond
                           the words they share.

metadata/
    byline.py              The author, the title and the date that the first page of a document
                           states.
    chapter_facts.py       Chapters and other parts of a document: how many there are, and their
                           list.
    dated_document.py      The documents that a phrase means by whose they are, what they are, and
                           of which time.
    document_answer.py     A question about a document itself, answered: its author, signers, title,
                           date and chapters.
    document_question.py   The question about a document itself, by its words: author, signers,
                           title, date, chapters.
    edge_sentence.py       The first or the last sentence of a document, or of one of its chapters.
    passage_chapter.py     The chapter, section or page where something stands: the place of the
                           best passage.
    signatures.py          The signatures under a document, such as "By: /s/ Ann Marl" with the name
                           and office below it.
    signers.py             Who signed a document, by the signatures under it; or that the document
                           of that time is not here.
    stated_facts.py        Author, title and date of a document: as its text states them, or else as
                           its metadata do.

prompt/
    answer_form.py         The form that a question asks its answer in, as one more sentence for a
                           language model.
    context_fit.py         Passages fitted into a model's window: fewer of them, then a shorter one,
                           then none.
    context_pack.py        The prompt for a question, packed for use with any other language model.
    passage_choice.py      What a language model is given of the passages that were recalled.
    prompt_context.py      The prompt of a language model: the best passages, packed within a token
                           budget.

question/
    phrases.py             The phrases of an English question: its names, and the nouns that it
                           speaks about.
    sentence_form.py       Sentence forms with gaps, `who wrote <DOC>`, each compiled when it is
                           first tried.
    word_classes.py        The words of an English question, by their class: closed lists, and the
                           frequent verbs.

request/
    ask_options.py         The options of a question: how it is recalled, and how the answer is
                           worded.
    filter_reading.py      The filter of a question, from options and from its words, read against
                           the names of a crystal.
    filter_words.py        The filter that the words of a question say: of which time, by whom, and
                           in which documents.
    prompt_template.py     The template of the user's message: text with {context} and {question}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.answering.answer import (
        answer_question,
        count_mentions,
    )
    from crystalcli.answering.broad.broad_question import (
        broad_intent,
    )
    from crystalcli.answering.conversation.understanding import (
        understand_question,
    )
    from crystalcli.answering.evidence.superseded import (
        changes_cited,
    )
    from crystalcli.answering.grounding.attribution import (
        is_quotations,
        quotation_line,
        quotation_lines,
        quotation_words,
    )
    from crystalcli.answering.grounding.claim_marks import (
        marked_text,
    )
    from crystalcli.answering.grounding.claim_stream import (
        REPETITION_PENALTY,
        STOP_STRINGS,
    )
    from crystalcli.answering.grounding.source_words import (
        without_source_end,
    )
    from crystalcli.answering.prompt.context_pack import (
        PackedContext,
        pack_context,
    )
    from crystalcli.answering.prompt.prompt_context import (
        chat_messages,
    )
    from crystalcli.answering.request.ask_options import (
        DEFAULT_FLOOR,
        MOST_IN_MIND,
        AskArguments,
        AskOptions,
        options_of,
    )
    from crystalcli.answering.request.filter_reading import (
        read_filter,
    )
    from crystalcli.answering.request.prompt_template import (
        DEFAULT_TEMPLATE,
        fill_template,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "answer": (
                "answer_question",
                "count_mentions",
            ),
            "broad.broad_question": ("broad_intent",),
            "conversation.understanding": ("understand_question",),
            "evidence.superseded": ("changes_cited",),
            "grounding.attribution": (
                "is_quotations",
                "quotation_line",
                "quotation_lines",
                "quotation_words",
            ),
            "grounding.claim_marks": ("marked_text",),
            "grounding.claim_stream": (
                "REPETITION_PENALTY",
                "STOP_STRINGS",
            ),
            "grounding.source_words": ("without_source_end",),
            "prompt.context_pack": (
                "PackedContext",
                "pack_context",
            ),
            "prompt.prompt_context": ("chat_messages",),
            "request.ask_options": (
                "AskArguments",
                "AskOptions",
                "DEFAULT_FLOOR",
                "MOST_IN_MIND",
                "options_of",
            ),
            "request.filter_reading": ("read_filter",),
            "request.prompt_template": (
                "DEFAULT_TEMPLATE",
                "fill_template",
            ),
        },
    )

__all__ = [
    "DEFAULT_FLOOR",
    "DEFAULT_TEMPLATE",
    "MOST_IN_MIND",
    "REPETITION_PENALTY",
    "STOP_STRINGS",
    "AskArguments",
    "AskOptions",
    "PackedContext",
    "answer_question",
    "broad_intent",
    "changes_cited",
    "chat_messages",
    "count_mentions",
    "fill_template",
    "is_quotations",
    "marked_text",
    "options_of",
    "pack_context",
    "quotation_line",
    "quotation_lines",
    "quotation_words",
    "read_filter",
    "understand_question",
    "without_source_end",
]
