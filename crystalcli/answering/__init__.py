"""Answering: an answer from the nearest passages, or from the whole of a document.

The question it answers: what can be said to this question, and which sources carry it?

answer.py            A question answered: recall, judge whether an answer is there, then quote the
                     best sentences or let a model speak.

broad/
    broad_answer.py      A question about the whole of something answered: divide, choose from every
                         part, say each part, say all of it.
    broad_plan.py        What a broad question is about in this crystal: which documents, or parts
                         of them, and how they are to be gone through.
    broad_question.py    Whether a question asks for the whole of something, by its words alone:
                         what it is about, where all of X stands, how often.
    mentions_answer.py   Where a word or a phrase stands, everywhere: counted in the text that the
                         index points to, by chapter, page, file or function.

evidence/
    answerability.py     Whether what was recalled holds an answer at all: a few signs, weighed into
                         one figure, and the floor it has to reach.
    question_type.py     What a question asks for, by its words, and whether a sentence shows
                         something of that kind.
    sentence_ranking.py  Which sentences of the passages answer a question best.
    speaker_match.py     Whether what was found in a conversation is said by, or to, the one person
                         whom the question asks about.

grounding/
    answer_draft.py      An answer while it is made, piece by piece with its citations, so that a
                         stop loses nothing of it.
    attribution.py       What carries an answer: sentences of the passages, as citations that have
                         been read back from the file.
    claim_stream.py      What a language model says, sentence by sentence as it comes: each is
                         looked up when it is complete, and marked.
    facts.py             What a sentence states that can be looked up: names, numbers, identifiers,
                         and words in quotation marks.
    number_words.py      The numbers in a text, whatever they are written as: 1,200, twelve hundred,
                         £1.2k, 1990s, third, per cent.

prompt/
    context_fit.py       Fits passages into what a language model can have before it: fewer of them,
                         then less of the best one, then none at all.
    context_pack.py      What a language model would be given for a question, for use with any other
                         one. No model speaks here.
    prompt_context.py    What a language model is given: the best sentences with their neighbours,
                         packed into messages within a budget of its own tokens.

request/
    ask_options.py       The options of a question: how it is recalled, and who puts the answer in
                         words.
    prompt_template.py   The user's message as a template: plain text in which {context} and
                         {question} stand for what they say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.answering.answer import (
        answer_question,
    )
    from crystalcli.answering.broad.broad_question import (
        broad_intent,
    )
    from crystalcli.answering.grounding.attribution import (
        quotation_line,
    )
    from crystalcli.answering.grounding.claim_marks import (
        marked_text,
    )
    from crystalcli.answering.grounding.claim_stream import (
        REPETITION_PENALTY,
        STOP_STRINGS,
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
        AskArguments,
        AskOptions,
        options_of,
    )
    from crystalcli.answering.request.prompt_template import (
        DEFAULT_TEMPLATE,
        fill_template,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "answer": ("answer_question",),
            "broad.broad_question": ("broad_intent",),
            "grounding.attribution": ("quotation_line",),
            "grounding.claim_marks": ("marked_text",),
            "grounding.claim_stream": (
                "REPETITION_PENALTY",
                "STOP_STRINGS",
            ),
            "prompt.context_pack": (
                "PackedContext",
                "pack_context",
            ),
            "prompt.prompt_context": ("chat_messages",),
            "request.ask_options": (
                "AskArguments",
                "AskOptions",
                "DEFAULT_FLOOR",
                "options_of",
            ),
            "request.prompt_template": (
                "DEFAULT_TEMPLATE",
                "fill_template",
            ),
        },
    )

__all__ = [
    "DEFAULT_FLOOR",
    "DEFAULT_TEMPLATE",
    "REPETITION_PENALTY",
    "STOP_STRINGS",
    "AskArguments",
    "AskOptions",
    "PackedContext",
    "answer_question",
    "broad_intent",
    "chat_messages",
    "fill_template",
    "marked_text",
    "options_of",
    "pack_context",
    "quotation_line",
]
