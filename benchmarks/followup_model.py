"""The topic of a follow-up put into its sentence by a language model: an arm of `followups.py`.

    any drawbacks? (virtual machine)    Are there any drawbacks of a virtual machine?

Small models copy a follow-up when they are shown the conversation; with the topic beside the
question they do what is asked.

Knows: the prompt, and what a rewriting must keep and must not add. Does not know: whether a
question is a follow-up, or what its topic is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crystalcli.answering.conversation.follow_up import LeanMark, find_lean
from crystalcli.answering.grounding.facts import FactIndex, find_facts
from crystalcli.answering.question.phrases import stems
from crystalcli.answering.question.word_classes import WH, split_words
from crystalcli.datatypes import ChatModel, Sampling, Turn

_MAX_TOKENS = 40
_MAX_ADDED = 1  # content words that stand nowhere in the conversation
_SYSTEM = (
    "Write the question with its topic, which stands in brackets, as one complete question. Keep the words of the "
    "question. Do not answer."
)
_EXAMPLES = (
    ("What are the main types? (green tea, stress)", "What are the main types of green tea?"),
    ("Why was it closed? (old mill, river)", "Why was the old mill closed?"),
    ("any drawbacks? (virtual machine)", "Are there any drawbacks of a virtual machine?"),
    ("Which is the largest? (wooden ships, harbour)", "Which is the largest of the wooden ships in the harbour?"),
)
# Words of a follow-up that a rewriting may leave out.
_VAGUE = frozenset(
    stems("one ones other others another else more mean meant same about okay well like tell know please")
)
_LEANING = (LeanMark.OPENER, LeanMark.BARE, LeanMark.FRAGMENT, LeanMark.PRONOUN)


def rewrite_by_model(draft: str, question: str, turns: Sequence[Turn], model: ChatModel) -> str | None:
    """Let a language model put the topic of a follow-up into its sentence.

    Args:
        draft: The follow-up with its topic in brackets.
        question: The follow-up.
        turns: The turns before it, oldest first.
        model: The model.

    Returns:
        The rewriting; None where the guard rejects it.

    Raises:
        CrystalError: The model fails.
    """
    said = "".join(model.say(rewrite_messages(draft), Sampling(_MAX_TOKENS, stop=("\n",))))
    rewriting = " ".join(said.split()).strip('"“”')
    return rewriting if is_faithful(rewriting, question, turns) else None


def rewrite_messages(draft: str) -> list[dict[str, str]]:
    """Write the prompt for a rewriting.

    Args:
        draft: The follow-up with its topic in brackets.
    """
    messages = [{"role": "system", "content": _SYSTEM}]
    for example, rewriting in _EXAMPLES:
        messages += [{"role": "user", "content": example}, {"role": "assistant", "content": rewriting}]
    return [*messages, {"role": "user", "content": draft}]


def is_faithful(rewriting: str, question: str, turns: Sequence[Turn]) -> bool:
    """Tell whether a rewriting asks the same, with nothing from outside the conversation.

    It keeps the content words of the follow-up, in their order, and adds some of the conversation.
    It brings no name or number, and at most one other word, that stand nowhere there. It is a
    question where the follow-up is one, and leans on nothing more.

    Args:
        rewriting: The rewriting.
        question: The follow-up.
        turns: The turns before it.
    """
    own, new = stems(question), stems(rewriting)
    if not _in_order([stem for stem in own if stem not in _VAGUE], new) or set(new) <= set(own):
        return False
    if (_asks(question) and not _asks(rewriting)) or find_lean(rewriting) in _LEANING:
        return False
    texts = [question, *(text for turn in turns for text in (turn.question, turn.read_as, turn.answer))]
    added = set(new).difference(*map(stems, texts))
    conversation = FactIndex(texts)
    return len(added) <= _MAX_ADDED and all(conversation.holds(fact) for fact in find_facts(rewriting))


def _in_order(wanted: Sequence[str], found: Iterable[str]) -> bool:
    """Tell whether some words stand among others, in their order."""
    rest = iter(found)
    return all(word in rest for word in wanted)


def _asks(text: str) -> bool:
    """Tell whether a text is a question, by its mark or its first word."""
    first = next(iter(split_words(text)), None)
    return text.rstrip().endswith("?") or (first is not None and (first.base in WH or first.is_auxiliary))
