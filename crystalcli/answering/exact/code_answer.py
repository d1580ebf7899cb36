"""A question about source code answered exactly: definitions, callers, tests, parameters, messages.

Lists are complete: source before examples, tests and prose. No language model speaks here.

Knows: intents, definitions, usages. Does not know: ranking; another question is left to recall.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby, islice

from crystalcli.answering.exact.code_question import (
    CALLERS,
    DEFINITION,
    PARAMETER,
    RELEASE,
    TESTS,
    TEXT,
    VALUE,
    VERSION,
    CodeIntent,
)
from crystalcli.answering.exact.definition_lookup import CodeDefinition, find_assignments, find_code_definitions
from crystalcli.answering.exact.source_order import (
    EXAMPLE,
    PROSE,
    SOURCE,
    TEST,
    is_code,
    readable_sources,
    source_rank,
    sources_in_scope,
)
from crystalcli.answering.exact.text_lookup import TextPlace, find_text
from crystalcli.answering.exact.usage_lookup import (
    CALL,
    IMPORT,
    MENTION,
    RAISE,
    SUBCLASS,
    Usage,
    find_usages,
    word_pattern,
)
from crystalcli.answering.exact.version_lookup import find_release, find_versions
from crystalcli.answering.grounding import attribution
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.datatypes import MANUALS, Answer, DocumentState, Passage, Portion
from crystalcli.index import IndexReader
from crystalcli.overview import documents_with
from crystalcli.recall import CrystalReader
from crystalcli.storage import SourceRow, has_landmarks

MAX_DEFINITIONS = 5  # that are quoted; more of one name are listed
MAX_TEXTS = 3  # places of a message that are quoted
MAX_QUOTED = 20  # places of a list whose first line is quoted
_MAX_LINE = 120  # characters of a line of code in a list
_NEAREST = 3  # names that are offered for one that is missing
_LEAST_LIKE = 0.5  # similarity of such a name, by `difflib`
_MIN_CODE = 0.3  # share of the documents with a plain word that are code, for it to be a name
# Kinds of usages that a verb means; every other verb means all.
_KINDS = {"call": (CALL,), "invoke": (CALL,), "instantiate": (CALL,), "raise": (RAISE,), "throw": (RAISE,), "import": (IMPORT,),
          "subclass": (SUBCLASS,), "inherit": (SUBCLASS,), "extend": (SUBCLASS,)}  # fmt: skip
_ANY = (CALL, RAISE, IMPORT, SUBCLASS, MENTION)
_DONE = {CALL: "called", RAISE: "raised", IMPORT: "imported", SUBCLASS: "subclassed"}
_RANKS = {SOURCE: "source", EXAMPLE: "examples", TEST: "tests", PROSE: "documents"}


def answer_code_question(crystal: CrystalReader, draft: AnswerDraft, intents: Sequence[CodeIntent]) -> Answer | None:
    """Answer a question about source code from definitions and the text as it stands.

    Args:
        crystal: The crystal, open for reading.
        draft: The answer to fill.
        intents: What the question may ask of source code (`code_question.code_intents`).

    Returns:
        The answer; None without intents, or where the question names nothing that the
        crystal holds, unless the name can be nothing but code: then a refusal.

    Raises:
        DamagedCrystalError: A part that is read is damaged.
    """
    if not intents:
        return None
    with crystal.snapshot():
        if not has_landmarks(crystal.shelf.store, "definition"):
            return None
        return _CodeAnswerer(crystal, draft).answer(intents)


class _CodeAnswerer:
    """Answers the intents of one question.

    Args:
        crystal: The crystal, inside a snapshot.
        draft: The answer to fill.
    """

    def __init__(self, crystal: CrystalReader, draft: AnswerDraft) -> None:
        self._crystal = crystal
        self._shelf: IndexReader = crystal.shelf
        self._draft = draft
        self._sources = readable_sources(self._shelf)

    def answer(self, intents: Sequence[CodeIntent]) -> Answer | None:
        """Answer the first intent that can be answered."""
        for intent in intents:
            sources = sources_in_scope(self._sources, intent.scope)
            if not sources and re.fullmatch(r"[\w.:]+", intent.scope):  # a class, and no file or folder
                intent, sources = replace(intent, name=f"{intent.scope}.{intent.name}", scope=""), self._sources
            if sources and self._answer_one(intent, sources):
                self._draft.seconds_to_passages = self._draft.seconds_to_text
                return self._draft.answer()
        first = intents[0]
        if first.kind not in (TEXT, RELEASE) and first.looks_like_code and first.sure and not self._stands(first.name):
            return self._refuse(first.name)
        return None

    def _answer_one(self, intent: CodeIntent, sources: Sequence[SourceRow]) -> bool:
        """Answer an intent; False where there is nothing to say."""
        if intent.kind == TEXT:
            return self._answer_text(intent, sources)
        if intent.kind == RELEASE:
            self._quote(find_release(self._shelf, intent.name, sources)[:MAX_TEXTS])
            return bool(self._draft.citations)
        if not intent.looks_like_code and not intent.sure and not self._is_name(intent.name):
            return False
        if intent.kind in (DEFINITION, VALUE):
            return self._answer_definition(intent, sources)
        if intent.kind == PARAMETER:
            return self._answer_parameter(intent, sources)
        definitions = find_code_definitions(self._shelf, intent.name, self._sources)
        if not definitions and not intent.looks_like_code:
            return False
        if intent.kind == VERSION:
            return self._answer_version(intent, definitions, sources)
        if intent.kind == CALLERS:
            return self._answer_callers(intent, definitions, sources)
        return intent.kind == TESTS and self._answer_tests(intent, definitions, sources)

    # --- definitions ------------------------------------------------------------------------------

    def _answer_definition(self, intent: CodeIntent, sources: Sequence[SourceRow]) -> bool:
        """Quote the definitions of a name, the first with its docstring."""
        definitions: list[CodeDefinition] = []
        if intent.kind == VALUE:
            definitions = find_assignments(self._shelf, intent.name, sources)
        definitions = definitions or find_code_definitions(self._shelf, intent.name, sources)
        if not definitions:
            return False
        lines = []
        for number, definition in enumerate(definitions[:MAX_DEFINITIONS]):
            cited = self._cite(definition.source, *(definition.signature_span if number else definition.quote_span))
            if cited is not None:
                citation = self._draft.citations[cited - 1]
                lines.append(f"{attribution.quotation_line(citation)} [{cited}]")
        rest = definitions[MAX_DEFINITIONS:]
        if rest:
            lines.append(f"{len(rest):,} more of this name, in {_listed({each.source.path for each in rest})}")
        self._draft.say("\n".join(lines))
        return bool(lines)

    def _answer_version(
        self, intent: CodeIntent, definitions: Sequence[CodeDefinition], sources: Sequence[SourceRow]
    ) -> bool:
        """Quote what tells the version in which a name was added or removed."""
        name = self._searched_name(intent.name, definitions)
        usages = self._usages(name, definitions, sources)
        self._quote(islice(find_versions(self._shelf, intent.verb, definitions, usages), MAX_TEXTS))
        return bool(self._draft.citations)

    def _answer_parameter(self, intent: CodeIntent, sources: Sequence[SourceRow]) -> bool:
        """Quote what the docstring of a function says of a parameter, then the signature."""
        for definition in find_code_definitions(self._shelf, intent.name, sources):
            signature = self._shelf.span_text(definition.source, *definition.signature_span)
            span = _parameter_span(definition, intent.parameter)
            if span is None and word_pattern(intent.parameter).search(signature) is None:
                continue
            spans = [definition.signature_span] if span is None else [span, definition.signature_span]
            numbers = [self._cite(definition.source, *each) for each in spans]
            lines = [
                f"{attribution.quotation_line(self._draft.citations[number - 1])} [{number}]"
                for number in numbers
                if number is not None
            ]
            self._draft.say("\n".join(lines))
            return bool(lines)
        return False

    # --- lists ------------------------------------------------------------------------------------

    def _answer_callers(
        self, intent: CodeIntent, definitions: Sequence[CodeDefinition], sources: Sequence[SourceRow]
    ) -> bool:
        """List where a name is used: what was asked for first, in source before tests and prose."""
        name = self._searched_name(intent.name, definitions)
        usages = self._usages(name, definitions, sources)
        if not usages:
            return self._say_unused(intent, name, definitions)
        wanted = next((kinds for verb, kinds in _KINDS.items() if intent.verb.startswith(verb)), _ANY)
        in_code = [usage for usage in usages if source_rank(usage.source) != PROSE]
        asked = [usage for usage in in_code if usage.kind in wanted] or in_code or usages
        done = next((_DONE[kind] for kind in wanted if wanted != _ANY and asked[0].kind == kind), "used")
        listed = {(usage.source.id, usage.start) for usage in asked}
        others = [usage for usage in usages if (usage.source.id, usage.start) not in listed]
        more = f"; it also stands {_format_counts(others)}" if others else ""
        self._draft.say(f"`{name}` is {done} {_format_counts(asked)}{more}:\n")
        self._say_groups([*asked, *others])
        return True

    def _answer_tests(
        self, intent: CodeIntent, definitions: Sequence[CodeDefinition], sources: Sequence[SourceRow]
    ) -> bool:
        """List the tests that use a name, or else those of what calls it."""
        name = self._searched_name(intent.name, definitions)
        usages = self._usages(name, definitions, sources)
        in_tests = [
            replace(usage, label=_test_label(usage.label)) for usage in usages if source_rank(usage.source) == TEST
        ]
        if in_tests:
            named = _named_after(name, in_tests)
            in_tests.sort(key=lambda usage: (usage.label not in named, usage.label == ""))
            inside = [usage for usage in in_tests if usage.kind != IMPORT] or in_tests
            tests = len({(usage.source.id, usage.label) for usage in inside})
            self._draft.say(f"`{name}` is used in {tests:,} {'place' if tests == 1 else 'places'} of the tests:\n")
            self._say_groups(inside, keep_order=True)
            return True
        if not definitions:
            return False
        callers = {_last_part(usage.label): usage for usage in usages if usage.label and usage.kind == CALL}
        self._draft.say(f"No test names `{name}`.")
        for caller, usage in list(callers.items())[:_NEAREST]:
            found = [
                each
                for each in self._usages(caller, [], [source for source in sources if source_rank(source) == TEST])
                if each.kind == CALL
            ]
            if found:
                self._draft.say(f"\n\n`{usage.label}` calls it, which is used {_format_counts(found)}:\n")
                self._say_groups(found)
        self._cite(definitions[0].source, *definitions[0].signature_span)
        return True

    def _say_unused(self, intent: CodeIntent, name: str, definitions: Sequence[CodeDefinition]) -> bool:
        """Say that a defined name is used nowhere."""
        if not definitions:
            return False
        scope = f" in {intent.scope}" if intent.scope else ""
        self._draft.say(f"`{name}` is used nowhere else{scope}; it is only defined:\n")
        for definition in definitions[:MAX_DEFINITIONS]:
            number = self._cite(definition.source, *definition.signature_span)
            self._draft.say(f"\n- {definition.source.path} › {definition.label}{f' [{number}]' if number else ''}")
        return True

    def _say_groups(self, usages: Iterable[Usage], *, keep_order: bool = False) -> None:
        """Add a list of usages, a line for each definition that has any, source first."""
        if not keep_order:
            usages = sorted(usages, key=lambda usage: (source_rank(usage.source), usage.kind == IMPORT))
        for _, together in groupby(usages, key=lambda usage: (usage.source.id, usage.label)):
            group = list(together)
            first = group[0]
            number = None
            if len(self._draft.citations) < MAX_QUOTED:
                start = first.line_start + len(_margin(self._line(first)))
                number = self._cite(first.source, start, first.line_end)
            name = f"{first.source.path} › {first.label}" if first.label else first.source.path
            lines = list(dict.fromkeys(usage.line for usage in group))
            shown = first.text if len(first.text) <= _MAX_LINE else f"{first.text[:_MAX_LINE]}…"
            text = f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}: `{shown}`"
            self._draft.say(f"\n- {name}, {text}{f' [{number}]' if number else ''}")
            self._draft.portions.append(Portion(name, text, number, len(group)))

    def _line(self, usage: Usage) -> str:
        return self._shelf.span_text(usage.source, usage.line_start, usage.line_end)

    def _usages(self, name: str, definitions: Sequence[CodeDefinition], sources: Sequence[SourceRow]) -> list[Usage]:
        """Find the usages of a name, without its definitions, in order of their documents."""
        defined = {(definition.source.id, definition.header) for definition in definitions}
        ordered = sorted(sources, key=lambda source: (source_rank(source), source.path))
        return list(find_usages(self._shelf, name, ordered, defined))

    def _searched_name(self, name: str, definitions: Sequence[CodeDefinition]) -> str:
        """Give the word to search for: of a dotted name its last part, if it is defined here."""
        return definitions[0].name if definitions and definitions[0].label != definitions[0].source.path else name

    # --- texts ------------------------------------------------------------------------------------

    def _answer_text(self, intent: CodeIntent, sources: Sequence[SourceRow]) -> bool:
        """Quote the places of a message, with the lines around them."""
        code = [source for source in sources if is_code(source)]
        # A question that is itself the text is a question after all, unless all of it stands there.
        is_question = intent.name == " ".join(self._draft.question.split())
        places = find_text(self._shelf, intent.name, code, whole=is_question)
        if not places and (intent.sure or is_question):
            manuals = [source for source in sources if source.kind in MANUALS]
            places = find_text(self._shelf, intent.name, manuals, whole=is_question)
        self._quote(places[:MAX_TEXTS])
        return bool(self._draft.citations)

    def _quote(self, places: Iterable[TextPlace]) -> None:
        """Answer with places as they stand."""
        lines = []
        for place in places:
            number = self._cite(place.source, place.start, place.end)
            if number is not None:
                lines.append(f"{attribution.quotation_line(self._draft.citations[number - 1])} [{number}]")
        if lines:
            self._draft.say("\n".join(lines))

    # --- names that are missing -------------------------------------------------------------------

    def _stands(self, name: str) -> bool:
        """Tell whether a name, or its last part, stands anywhere in the crystal."""
        last = name if name.startswith("-") else re.split(r"\.|::|/", name)[-1]
        for source in documents_with(self._shelf, last, self._sources):
            if word_pattern(last).search(self._shelf.span_text(source)):
                return True
        return "/" in name or any(source.path.endswith(name) for source in self._sources)

    def _refuse(self, name: str) -> Answer:
        """Say that a name stands nowhere, with the definitions of the nearest names."""
        rows = self._shelf.store.rows("SELECT DISTINCT label FROM landmark WHERE kind = 'definition'")
        names = sorted({_last_part(str(label)) for (label,) in rows})
        nearest = difflib.get_close_matches(re.split(r"\.|::", name)[-1], names, _NEAREST, _LEAST_LIKE)
        for near in nearest:
            for definition in find_code_definitions(self._shelf, near, self._sources)[:1]:
                self._cite(definition.source, *definition.signature_span)
        self._draft.seconds_to_passages = self._draft.seconds()
        return self._draft.refusal(f"not in this crystal: `{name}` stands nowhere in it", self._draft.citations)

    def _is_name(self, word: str) -> bool:
        """Tell whether a plain word is a name: it stands in code often enough."""
        documents = documents_with(self._shelf, word, self._sources)
        code = sum(source.kind == "code" for source in documents)
        return code > 0 and code >= _MIN_CODE * len(documents)

    # --- citations --------------------------------------------------------------------------------

    def _cite(self, source: SourceRow, start: int, end: int) -> int | None:
        """Cite a span of a document; give its number."""
        if end <= start:
            return None
        citation = self._crystal.cite(source.path, start, end)
        is_gone = source.state == DocumentState.GONE
        self._draft.passages.append(
            Passage(citation.place, citation.quote, 1.0, citation.heading, (start, end), gone=is_gone)
        )
        return self._draft.cite(citation)


def _parameter_span(definition: CodeDefinition, parameter: str) -> tuple[int, int] | None:
    """Find what the text of a definition says of a parameter: its entry in the docstring."""
    word = re.escape(parameter)
    offset = definition.signature_span[1] - definition.start
    body = definition.text[offset:]
    entry = re.compile(
        rf"^[ \t]*(?::(?:param|parameter|kwparam|keyword|kwarg|argument|arg|key)\b[^\n:]* {word}:|@param (?:\{{[^}}]*\}} )?{word}\b|"
        rf"[*`]{{0,2}}{word}[*`]{{0,2}}(?: \([^)\n]*\))?(?: *:(?: |$)| -- | - ))",
        re.MULTILINE,
    )
    match = entry.search(body)
    if match is None:
        return None
    margin = _margin(match[0])
    end = _line_end(body, match.start())
    while end < len(body):  # lines that are indented more belong to the entry, empty ones before them too
        rest = body[end:].lstrip("\n")
        if not rest or len(_margin(rest.partition("\n")[0]).expandtabs()) <= len(margin.expandtabs()):
            break
        end = _line_end(body, len(body) - len(rest))
    start = definition.start + offset
    return start + match.start() + len(margin), start + len(body[:end].rstrip())


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _test_label(label: str) -> str:
    """Cut a label after the test in it, of which functions inside are parts."""
    match = re.match(r"(?:.*?(?:\.|::))??test\w*(?=\.|::|\Z)", label)
    return match[0] if match is not None else label


def _named_after(name: str, usages: Iterable[Usage]) -> set[str]:
    """Select the tests called after a name, as `test_redirect_location` is after `redirect`."""
    parts = {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)}
    return {
        usage.label
        for usage in usages
        if parts and parts <= {part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", usage.label)}
    }


def _format_counts(usages: Sequence[Usage]) -> str:
    """Format "in 2 places of the source and 1 of the tests"."""
    counts = [(rank, sum(source_rank(usage.source) == rank for usage in usages)) for rank in _RANKS]
    parts = [f"{count:,} {'time' if count == 1 else 'times'} in {_RANKS[rank]}" for rank, count in counts if count]
    return ", ".join(parts)


def _last_part(label: str) -> str:
    return re.split(r"\.|::", label)[-1]


def _listed(paths: set[str]) -> str:
    """List a few paths, and how many more there are."""
    ordered = sorted(paths)
    more = f" and {len(ordered) - MAX_DEFINITIONS:,} more files" if len(ordered) > MAX_DEFINITIONS else ""
    return ", ".join(ordered[:MAX_DEFINITIONS]) + more


def _margin(line: str) -> str:
    """Give the white space at the beginning of a line."""
    return line[: len(line) - len(line.lstrip())]
