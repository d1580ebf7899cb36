"""Languages: which one a text is in, by its most frequent words, and how its words are stemmed.

English is the default and has the empty code: text in no known language, such as source code or
tables, is analyzed as English.

Knows: function words, names of stemmers. Does not know: terms, postings, files.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import islice
from typing import NamedTuple

ENGLISH = "en"
OTHER_SCRIPT = "und"  # the code of a language that is written in letters other than Latin
_WORDS_READ = 400  # of a text; more do not change the verdict
_LEAST_WORDS = 3  # different ones
_LEAST_SHARE = 0.08  # of a text's words: the lists hold 0.1 to 0.35 of running text
_WORD = re.compile(r"[^\W\d_]+")
# Marks behind so many others: to order them takes time by the square of their number.
_FURTHER_MARKS = re.compile(r"(?<=[^\w\s]{30})[^\w\s]+")


class Language(NamedTuple):
    """A language that words are stemmed in.

    Attributes:
        name: in English.
        stemmer: Snowball's name of it.
        function_words: the most frequent words, which say nothing of a text's topic.
    """

    name: str
    stemmer: str
    function_words: frozenset[str]


def _language(name: str, function_words: str) -> Language:
    return Language(name, name.lower(), frozenset(function_words.split()))


LANGUAGES = {
    ENGLISH: _language(
        "English",
        "a an and are as at be been but by can could did do does for from had has have he her him his how i if in "
        "into is it its me my no not of on or our she so such than that the their them then there these they this "
        "those to was we were what when where which who whom why will with would you your s t d ll m re ve don",
    ),
    "cs": _language("Czech", "a v se na je že s z do to o k i ve jako za by pro jsou si po které který ale při jeho"),
    "da": _language("Danish", "og i at det er en til af den på for med der de som ikke et han var har om jeg sig fra"),
    "de": _language(
        "German",
        "der die das und in den von zu mit sich des ist im dem nicht ein eine als auch es an auf für er hat dass sie "
        "nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch "
        "ich wir man wer was wo wann warum welche welcher welches",
    ),
    "es": _language(
        "Spanish",
        "de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha me sin sobre "
        "este ya entre cuando todo esta ser son qué quién cuál cómo cuándo dónde fue era",
    ),
    "fi": _language(
        "Finnish", "ja on ei se että oli hän mutta niin kuin joka jos en ovat myös tai kun sen hänen mitä olen ole"
    ),
    "fr": _language(
        "French",
        "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont l d qu s n c j m t "
        "avec son sa ses ou aux cette comme mais elle on été leur y je nous vous quel quelle où était",
    ),
    "hu": _language(
        "Hungarian", "a az és hogy nem is egy van meg de ez ha volt csak mint már azt ki el még vagy mi ezt lesz"
    ),
    "it": _language(
        "Italian",
        "di e il la che in a un per è del non una i le con da si della sono al lo dei l d ha come più anche gli nel alla "
        "ma o delle su dal dalla se suo sua ci questo era che chi quale quali",
    ),
    "nl": _language(
        "Dutch",
        "de het een van en in is dat op te zijn met voor die niet aan er om ook als maar dan bij nog uit door over ze wordt "
        "naar heeft hij was of ik we worden waar wie wat hoe welke werd deze",
    ),
    "no": _language(
        "Norwegian", "og i det er på en til som at av for med den de ikke et har han var jeg om fra seg ble"
    ),
    "pl": _language(
        "Polish", "i w na z się do nie to że jest o jak za po od przez są ale dla ten co tak tym jego czy lub"
    ),
    "pt": _language(
        "Portuguese",
        "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu sua ou "
        "ser quando muito há nos já está eu também só pelo pela isso",
    ),
    "ro": _language(
        "Romanian", "de și în a la cu nu o pe că se din care un este mai ca pentru să fi au prin al sau s lui fost ce"
    ),
    "ru": _language(
        "Russian",
        "и в не на что он с как это но по из у за от о же я так его она к до их для бы был была было были во со а или "
        "которые который чем кто где когда при после через до под уже только",
    ),
    "sv": _language(
        "Swedish", "och i att det som en på är av för med till den har de inte om ett han var men jag från så"
    ),
    "tr": _language(
        "Turkish", "ve bir bu da de için ile çok o olarak daha gibi en ne ki kadar sonra ama olan var mi ise"
    ),
}
"""The languages by their code (ISO 639-1)."""


def identify_language(text: str) -> str:
    """Tell which language a text is in.

    Returns:
        A code of LANGUAGES; OTHER_SCRIPT for most other text without Latin letters; "" where it is
        not clear, as in short texts, source code and tables.
    """
    lower = unicodedata.normalize("NFC", _FURTHER_MARKS.sub("", text.lower()))
    words = [match[0] for match in islice(_WORD.finditer(lower), _WORDS_READ)]
    if not words:
        return ""
    best, hits = _leading(words, LANGUAGES)
    if best and hits >= _LEAST_SHARE * len(words):
        distinct = LANGUAGES[best].function_words.intersection(words)
        # The names of variables are single letters, and repeat.
        if sum(not _is_letter(word) for word in distinct) >= _LEAST_WORDS:
            return best
    letters = "".join(words)
    if len(letters) >= 2 * _LEAST_WORDS and 2 * sum(letter > "\u024f" for letter in letters) > len(letters):
        return OTHER_SCRIPT
    return ""


def question_language(question: str, languages: Sequence[str]) -> str:
    """Tell in which of some languages a question is, by one word if need be.

    Args:
        question: the question.
        languages: codes, English not among them.

    Returns:
        One of the codes; "" for English, and where it is not clear.
    """
    best, _ = _leading(_WORD.findall(question.lower()), (ENGLISH, *languages))
    return best if best != ENGLISH else ""


def stored_code(language: str) -> str:
    """Return the code that texts of a language are stored with: "" for English and unknown ones."""
    return language if language in LANGUAGES and language != ENGLISH else ""


def _is_letter(word: str) -> bool:
    return len(word) == 1 and word.isascii()


def _leading(words: Iterable[str], languages: Iterable[str]) -> tuple[str, int]:
    """Find the language with the most function words among some, "" for a tie, and their number."""
    hits: Counter[str] = Counter()
    eligible = set(languages)
    by_word = _by_word()
    for word, count in Counter(words).items():
        for code in by_word.get(word, ()):
            if code in eligible:
                hits[code] += count
    (best, most), (_, second) = [*hits.most_common(2), ("", 0), ("", 0)][:2]
    return (best, most) if most > second else ("", most)


@cache
def _by_word() -> dict[str, tuple[str, ...]]:
    """Map each function word to the languages that have it."""
    languages: dict[str, tuple[str, ...]] = {}
    for code, language in LANGUAGES.items():
        for word in language.function_words:
            if _is_letter(word) and code != ENGLISH:
                continue
            languages[word] = (*languages.get(word, ()), code)
    return languages
