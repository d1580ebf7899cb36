"""The rewriting of a follow-up by rules, so that it stands alone.

    "What did Ann say about the tent?", then "and Bob?"     What did Bob say about the tent?
    "Who kept the ledgers?", then "and before him?"         Who kept the ledgers before Mr Haddow?
    "What is a virtual machine?", then "any drawbacks?"     any drawbacks? (virtual machine)

A pronoun gives way to a noun only where that surely fits. Otherwise the topic stands in brackets
behind the question: search takes it in, and no grammar is bent.

Knows: forms of English questions. Does not know: models, crystals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from crystalcli.answering.conversation.antecedents import resolve_pronouns
from crystalcli.answering.conversation.follow_up import LeanMark, find_lean, is_fragment
from crystalcli.answering.conversation.topic import topic_phrases
from crystalcli.answering.question.phrases import noun_phrases, proper_names, stems
from crystalcli.answering.question.word_classes import AUXILIARIES, PREPOSITIONS, split_words
from crystalcli.datatypes import Turn

_MAX_TOPICS = 3  # phrases in brackets
_MAX_BARE = 4  # words of a question that is put behind the last one
_OPENER = re.compile(
    r"(?:(?:and|or|but|so|then|ok|okay)\b[ ,]+)*(?:(?:what|how) about\b|and\b|or\b|also\b)[ ,]*|(?:and|or|but|then|also)\b[ ,]+",
    re.IGNORECASE,
)
_CONJUNCTION = re.compile(r"(?:and|or|but|also)\b[ ,]+(?=\w+ \w)", re.IGNORECASE)  # before a clause
_BARE = re.compile(
    r"(?:and |but |so )?(?P<word>why|how|when|where)(?:['’]s that| is that| was that| so| not| exactly| come)?\W*$",
    re.IGNORECASE,
)
_ELSE = re.compile(r"(?:and |or )?(?P<word>who|what|where|when|which \w+) else\W*$", re.IGNORECASE)
_ORDINAL = re.compile(r"the (?:first|second|third|last|next|other|same)(?: ones?)?$", re.IGNORECASE)


def rewrite_by_rule(question: str, turns: Sequence[Turn]) -> str:
    """Rewrite a follow-up so that it stands alone.

    Args:
        question: The follow-up, which leans on the turns.
        turns: The turns before it, oldest first, at least one.

    Returns:
        The question as it is understood; unchanged where there is nothing to add.
    """
    question = " ".join(question.split())
    last = turns[-1].read_as
    if (bare := _BARE.match(question)) is not None:
        return _with_question_word(last, bare["word"])
    if (bare := _ELSE.match(question)) is not None:
        return _with_else(last, bare["word"])
    if find_lean(question) is LeanMark.BARE and len(question.split()) <= _MAX_BARE:
        return f"{last} {question[0].upper()}{question[1:]}"
    opener = _OPENER.match(question)
    rest = question[opener.end() :] if opener is not None else question
    if (opener is not None or question.endswith("?")) and is_fragment(rest):
        piece = resolve_pronouns(rest, turns).rstrip(" ?.!")
        if not _ORDINAL.match(piece) and (filled := _fill(last, piece)) is not None:
            return filled
        is_named = opener is None and bool(proper_names(f"is {rest}"))
        return question if is_named else _with_topic(question, turns)  # a name that is asked for by itself
    question = _CONJUNCTION.sub("", question, count=1)
    resolved = resolve_pronouns(question, turns)
    is_whole = resolved != question and find_lean(resolved) is not LeanMark.PRONOUN
    return resolved if is_whole else _with_topic(resolved, turns)


# --- the last question again, with another piece -------------------------------------------------


def _fill(last: str, piece: str) -> str | None:
    """Put a piece into the last question in the place of one like it; None without one."""
    words = split_words(piece)
    asked, bracket = split_topic(last)
    asked, tail = asked.rstrip(" ?.!"), "?" + bracket
    nouns = noun_phrases(asked)
    if words[0].lower in PREPOSITIONS:
        for noun in nouns:
            before = asked[: noun.start].rstrip(" “\"'‘«")
            if before.lower().endswith(f" {words[0].lower}"):
                return asked[: len(before) - len(words[0].text)] + piece + asked[noun.end :].lstrip("”\"'’»") + tail
        return f"{asked} {piece}{tail}"
    own = stems(piece)
    if not own:
        return None
    same_head = [noun for noun in nouns if noun.stems and noun.stems[-1] == own[-1]]
    found = noun_phrases(f"is {piece}")
    is_name = any(noun.is_name for noun in found)
    determiner = found[0].determiner if found else ""
    like = same_head or [noun for noun in nouns if (noun.is_name if is_name else noun.determiner == determiner != "")]
    if len(like) == 1 and len(found) <= 1 and like[0].stems != own:
        return asked[: like[0].start] + piece + asked[like[0].end :] + tail
    return None


def split_topic(question: str) -> tuple[str, str]:
    """Split the topic in brackets from a question that was rewritten.

    Args:
        question: The question.

    Returns:
        The question, and the bracket with the space before it; "" without one.
    """
    match = re.search(r" \([^()]*\)$", question)
    return (question[: match.start()], match[0]) if match is not None else (question, "")


def _with_question_word(last: str, word: str) -> str:
    """Ask the last question with another question word."""
    first, _, rest = last.partition(" ")
    word = word.capitalize()
    if first.lower() in ("why", "how", "when", "where") and rest.split(" ")[0].lower() in AUXILIARIES:
        return f"{word} {rest}"
    if first.lower() in AUXILIARIES:
        return f"{word} {last[0].lower()}{last[1:]}"
    return f"{re.sub(r' (?:Why|How|When|Where)[?]$', '', last)} {word}?"


def _with_else(last: str, word: str) -> str:
    """Ask the last question for something else."""
    if last.lower().startswith(f"{word.lower()} "):
        return f"{last[: len(word)]} else{last[len(word) :]}"
    return f"{last} {word.capitalize()} else?"


# --- the topic in brackets ------------------------------------------------------------------------


def _with_topic(question: str, turns: Sequence[Turn]) -> str:
    """Add the topic of the last questions in brackets."""
    own = set(stems(question))
    telling = [phrase for phrase in topic_phrases(turns) if not own.issuperset(phrase.stems)]
    chosen = ", ".join(phrase.bare for phrase in telling[:_MAX_TOPICS])
    return f"{question} ({chosen})" if chosen else question
