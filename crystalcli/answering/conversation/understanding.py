"""The understanding of a question after those before it: as asked, or rewritten to stand alone.

Knows: when a question is rewritten. Does not know: how.
"""

from __future__ import annotations

from collections.abc import Sequence

from crystalcli.answering.conversation.follow_up import find_lean
from crystalcli.answering.conversation.other_document import name_other_document
from crystalcli.answering.conversation.rule_rewrite import rewrite_by_rule
from crystalcli.datatypes import Turn
from crystalcli.lexical import ENGLISH, LANGUAGES, identify_language, question_language
from crystalcli.recall import CrystalReader

_MAX_LENGTH = 400  # characters; a longer question says all that it needs


def understand_question(question: str, history: Sequence[Turn], crystal: CrystalReader | None = None) -> str:
    """Rewrite a question that leans on those before it, so that it stands alone.

    Questions in other languages than English stay as they are.

    Args:
        question: The question.
        history: The turns before it, oldest first.
        crystal: The crystal, for "the other book"; None: its documents are not known.

    Returns:
        The question as it is understood: the same where it stands alone.
    """
    turns = [turn for turn in history if len(turn.read_as) <= _MAX_LENGTH]
    if not turns or not question.strip() or len(question) > _MAX_LENGTH:
        return question
    if not (_may_be_english(question) and _may_be_english(turns[-1].read_as)):
        return question
    if crystal is not None:
        question = name_other_document(question, turns, crystal)
    if find_lean(question, [turn.read_as for turn in turns], turns[-1].answer[:_MAX_LENGTH]) is None:
        return question
    return rewrite_by_rule(question, turns)


def _may_be_english(text: str) -> bool:
    """Tell whether a text is in English as far as one can tell."""
    others = [code for code in LANGUAGES if code != ENGLISH]
    return identify_language(text) in ("", ENGLISH) and question_language(text, others) == ""
