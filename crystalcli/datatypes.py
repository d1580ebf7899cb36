"""The data types that rooms exchange: documents, places, passages, answers.

Does not know files, models or databases. All offsets are character offsets (Python `str` indices)
into a document's text, half-open `[start, end)`. Lines and pages count from 1.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    # Arrays by element type. Docstrings give their shapes in brackets: int32 [tokens].
    IntArray = npt.NDArray[np.int32]  # token ids, and offsets in a chunk
    FloatArray = npt.NDArray[np.float32]  # vectors and scores
    Int64Array = npt.NDArray[np.int64]  # counts, and offsets in a document or a crystal
    UInt8Array = npt.NDArray[np.uint8]  # codes of vectors, and bytes
    UInt16Array = npt.NDArray[np.uint16]  # cells of BM25's table
    UInt64Array = npt.NDArray[np.uint64]  # sums of hashes
    Float16Array = npt.NDArray[np.float16]  # stored codebooks and vectors
    Float64Array = npt.NDArray[np.float64]  # sums and statistics

# Nodes of one layer for each node of the next: tokens to a unit, units to a cluster, clusters to an
# atom.
RATIOS = (10, 5, 2)

# The half-life by which dated messages lose score: in days, the usual one, or none.
HalfLife: TypeAlias = Literal["auto", "off"] | float


# --- sources and what is read from them -------------------------------------------------------


# The kinds of landmarks, and their labels.
LANDMARKS = (
    "page",  # the page's number as printed or counted
    "slide",  # its number
    "sheet",  # its name
    "row",  # the number to add to a line of the text for the row of the sheet
    "cell",  # its number in a notebook
    "time",  # of a subtitle: 00:12:31
    "message",  # its author and time: Ann, 2024-05-01 10:30
    "line",  # the number to add to a line of the text for the line of the file, if they differ
    "table",  # the names of a table's columns, joined by TABLE_JOINT, over the rows of a table in Markdown
    "heading",  # the headings above, outermost first, joined by HEADING_JOINT
    "definition",  # Class.method
)
# Landmarks that are no places: what a document states of itself, and what was read with a doubt.
FIELDS = (
    "author",  # names, joined by FIELD_JOINT
    "date",  # a day: 2026-08-17
    "tags",  # in lower case, joined by FIELD_JOINT
    "doubt",  # a reason code, `: `, and words for people; several joined by FIELD_JOINT
    "reader",  # the version of the reader that read it, in digits
)
HEADING_JOINT = " › "
FIELD_JOINT = "; "
TABLE_JOINT = " | "
# Kinds of documents that no file holds: what was told, and the turns of `crystal chat`.
MEMORY_KIND = "memory"
CONVERSATION_KIND = "conversation"
# Kinds of documents that keep the file's own text, so that its lines are the file's lines.
LINED = frozenset(("text", "markdown", "rst", "markup", "code"))
# Kinds whose places are said with their chapter.
BOOKS = frozenset(("text", "epub", "fb2", "mobi"))
# Kinds whose names are dates of what they say; the name of any other has to begin with its date.
# "report-2022-07-01.pdf" may speak of any time.
NOTES = frozenset(("markdown", "text", "rst", "markup", "chat", "mail", "memory", "conversation"))
# Kinds that the manual of a program is written in.
MANUALS = frozenset(("markdown", "rst"))
# Kinds that are cut at line ends only, and have whole lines as passages; all others are prose.
BY_LINES = frozenset(("code", "csv", "xlsx", "ods", "records"))


@dataclass(frozen=True, slots=True)
class Landmark:
    """A named place in a document, from a character to the next landmark of the same kind.

    Attributes:
        start: The character.
        kind: One of LANDMARKS or FIELDS.
        label: The name; "" ends the last landmark of the kind.
        depth: The number of definitions around the one that begins or ends here.
    """

    start: int
    kind: str
    label: str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The state of a file when it was read, to tell later whether it changed.

    Attributes:
        size: Bytes of the file.
        mtime_ns: Time of modification, in nanoseconds since the epoch.
        digest: SHA-256 over the file's bytes (32 bytes).
    """

    size: int
    mtime_ns: int
    digest: bytes


class Reading(Protocol):
    """One source opened for reading: its kind, its title, and its text in pieces."""

    @property
    def kind(self) -> str:
        """The kind of document: "text", "markdown", "code", "pdf", ... (docs/FORMATS.md)."""
        ...

    @property
    def title(self) -> str:
        """The title that the document gives itself, or ""."""
        ...

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield the text and its landmarks, in order. Call it once.

        Yields:
            Strings, joined the document's exact text, and Landmarks, each with the number of
            characters yielded before it as its `start`.

        Raises:
            SourceError: The source cannot be read; at the call, or while iterating.
        """
        ...


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive text of one document that the encoder reads at once, and its tokens.

    The chunks of a document, joined, are its exact text.

    Attributes:
        text: The text.
        ids: int32 [tokens], the encoder's token ids without special tokens.
        ends: int32 [tokens], the character in `text` after each token.
        context: The document's name and headings above it (`index.chunk_context`), or "".
        language: The code of its language (`lexical.identify_language`), "" where it is not clear.
    """

    text: str
    ids: IntArray
    ends: IntArray
    context: str = ""
    language: str = ""


class Tokenizer(Protocol):
    """A tokenizer for the encoder."""

    def tokenize(self, texts: Sequence[str]) -> list[tuple[IntArray, IntArray]]:
        """Tokenize texts.

        Returns:
            For each text: token ids, int32 [tokens], and the character after each, int32 [tokens].
        """
        ...


# --- states of files ------------------------------------------------------------------------------


class DocumentState(StrEnum):
    """The state of a document in the ledger (`source.state`, docs/FORMAT.md)."""

    DONE = "done"  # read to its end
    PARTIAL = "partial"  # an ingest was interrupted in it, or a repair found text missing
    SKIPPED = "skipped"  # not read; the reason says why
    FAILED = "failed"  # the last try to read it failed; text read before stays
    GONE = "gone"  # the file is no longer where it was; its text stays until it is pruned


class FileState(StrEnum):
    """The state of a document's file now, compared with the ledger (`crystal status`)."""

    SAME = "same"
    CHANGED = "changed"
    GONE = "gone"
    UNREADABLE = "unreadable"
    LEFT_OUT = "left_out"  # the file exists, and the folder's filters now leave it out
    NEW = "new"  # the ledger does not know the file


class Change(StrEnum):
    """A change that an ingest made to a document."""

    READ = "read"
    GONE = "gone"


class SkippedFile(NamedTuple):
    """A file that an ingest did not read.

    Attributes:
        path: Its name in the crystal.
        reason: The reason, in a few words.
        code: The same for programs, an `errors.Reason`.
    """

    path: str
    reason: str
    code: str


class DoubtfulFile(NamedTuple):
    """A file that an ingest read with a doubt.

    Attributes:
        path: Its name in the crystal.
        detail: The doubt, in a few words.
        code: The same for programs, an `errors.Reason`.
    """

    path: str
    detail: str
    code: str


# --- filters of a question ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallFilter:
    """A filter: the documents, times and people that a question is about. All conditions hold.

    Attributes:
        within: Names of documents, folders, or globs; a document is in when one of them matches.
        kinds: Kinds of documents.
        since: The first day.
        until: The last day.
        people: Names of authors of messages; "" for those that name none.
        tags: Tags, without `#`, of Markdown documents and of others that state them; all have to be
            there.
        by_content: True: only dates that are written in the text or in a name count, as for dates
            in a question. False: for a document without one the time of its file counts.
        present: Whether documents whose files are gone are left out.
        as_of: The day after which nothing counts, as if it were that day.
    """

    within: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    since: datetime.date | None = None
    until: datetime.date | None = None
    people: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    by_content: bool = False
    present: bool = False
    as_of: datetime.date | None = None

    @property
    def last_day(self) -> datetime.date | None:
        """The earlier of `until` and `as_of`; None without both."""
        return min((day for day in (self.until, self.as_of) if day is not None), default=None)

    def __bool__(self) -> bool:
        return self.selects or self.present

    @property
    def selects(self) -> bool:
        """True if it has a condition beside `present`."""
        return bool(self.within or self.kinds or self.people or self.tags or self.since or self.last_day)

    @property
    def asks_conversations(self) -> bool:
        """True if it may mean the conversations of `crystal chat`, which are left out otherwise."""
        return CONVERSATION_KIND in self.kinds or bool(self.within)

    def __str__(self) -> str:
        kinds = " and ".join(self.kinds)
        parts = [f"messages by {' or '.join(self.people)}"] if self.people else []
        parts += [f"of kind {kinds}"] if kinds else []
        parts += [f"in {' or '.join(self.within)}"] if self.within else []
        parts += [f"tagged {' and '.join(f'#{tag}' for tag in self.tags)}"] if self.tags else []
        if self.since is not None and self.since == self.until:
            parts.append(f"on {self.since}")
        else:
            parts += [f"since {self.since}"] if self.since is not None else []
            parts += [f"until {self.until}"] if self.until is not None else []
        parts += [f"as of {self.as_of}"] if self.as_of is not None else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class FilterReading:
    """The filter of a question, from options and from its words.

    `str(reading)` says what was read: "messages by Ann, since 2026-03-01".

    Attributes:
        recall_filter: The filter in force.
        options: The part of it that options say, which stays when the rest is dropped.
        read: The filter as it was read, also after the words' part was dropped.
        newest: Whether the question asks for the newest of what is dated.
        rest: The question without the words that were read as a filter.
        bare: Whether the rest says nothing that can be searched for, as in "What happened in
            August?".
        me: Who "I" and "my" are in the question: what that person said is preferred; "" where the
            question has no such word, or the crystal does not know.
    """

    recall_filter: RecallFilter = RecallFilter()
    options: RecallFilter = RecallFilter()
    read: RecallFilter = RecallFilter()
    newest: bool = False
    rest: str = ""
    bare: bool = False
    me: str = ""

    def __str__(self) -> str:
        return str(self.read)

    @property
    def from_words(self) -> bool:
        """True if any of the filter was read from the words of the question."""
        return self.read != self.options

    @property
    def dropped(self) -> bool:
        """True if what the words said was dropped, because nothing there answers."""
        return self.from_words and replace(self.recall_filter, present=self.options.present) == self.options

    @property
    def notice(self) -> str:
        """A line that says what was read, and whether it was dropped; "" where nothing was."""
        parts = [str(self)] * self.from_words + ["nothing there, looked everywhere"] * (
            self.from_words and self.dropped
        )
        parts += [f"“I” is {self.me}"] if self.me else []
        return f"read as: {'; '.join(parts)}" if parts else ""

    def searched_for(self, question: str) -> str:
        """Give the words to search for: what a filter says need not stand where it leads to."""
        return self.rest if self.from_words and not self.dropped and not self.bare else question

    def without_words(self) -> FilterReading:
        """Give the reading without what the words of the question said."""
        present = self.recall_filter.present
        return replace(self, recall_filter=replace(self.options, present=present), bare=False)

    def present_only(self) -> FilterReading:
        """Give the reading for documents whose files are still there."""
        return replace(self, recall_filter=replace(self.recall_filter, present=True))


# --- results --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Doubt:
    """A part of a document that may not be read as it was meant.

    Attributes:
        code: Why, for programs, an `errors.Reason`.
        detail: The same in a few words.
    """

    code: str
    detail: str

    @classmethod
    def parse(cls, label: str) -> tuple[Doubt, ...]:
        """Take the label of a landmark "doubt" apart."""
        parts = (part.partition(": ") for part in label.split(FIELD_JOINT))
        return tuple(cls(code, detail) for code, _, detail in parts if code)


@dataclass(frozen=True, slots=True)
class Document:
    """One document in the crystal's ledger.

    Attributes:
        path: The name that it is cited by.
        kind: As of a Reading.
        title: The title that it gives itself; None without one.
        state: A DocumentState.
        reason: The reason why it is not read, or not whole; None for a whole document.
        code: The same for programs, an `errors.Reason`.
        size: Bytes of the file.
        characters: Characters of the text that is stored.
        tokens: Tokens of the same.
        chunks: Chunks of the same.
        pages: Pages of a PDF; None for other kinds.
        author: The authors that it states; None without one.
        date: The day that it states, `2026-08-17`, or else that in its name; None without one.
        tags: The tags, keywords or subjects that it states.
        doubts: What was read with a doubt: the code and words of each.
    """

    path: str
    kind: str
    title: str | None
    state: str
    reason: str | None
    code: str | None
    size: int
    characters: int
    tokens: int
    chunks: int
    pages: int | None
    author: str | None = None
    date: str | None = None
    tags: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class Chapter:
    """The chapter of a document that a span lies in.

    `str(chapter)` says it in words: "ch. 36 The Quarter-Deck", "Letter IV".

    Attributes:
        number: Its number, from 1; None for a chapter without one.
        title: Its title; "" without one.
        label: Its heading as the document writes it, without those above.
        key: The word for it, in lower case, that stands before the number: "chapter", "letter",
            "scene"; "" without one.
    """

    number: int | None
    title: str
    label: str
    key: str = ""

    def __str__(self) -> str:
        if self.number is None or self.key not in ("", "chapter"):
            return self.label
        return f"ch. {self.number} {self.title}".rstrip()


@dataclass(frozen=True, slots=True)
class Place:
    """A span of a document, with its chapter, pages, lines and landmarks.

    `str(place)` says it in words: "p. 3", "lines 10-14", "ch. 36 The Quarter-Deck, line 6021".

    Attributes:
        path: The name of the document.
        start: The first character of the span, in the document's text.
        end: The character after the last.
        line_start: The first line, from 1: of the file if `has_lines`, else of the text as the
            crystal holds it.
        line_end: The last line.
        page_start: The first page, from 1; None for a document without pages.
        page_end: The last page; None likewise.
        kind: The document's kind.
        marks: The labels of the last landmarks before the span, by kind; of "row" and "line" the
            numbers.
        source: The absolute path of the file, as it was ingested; None where no file is there now:
            for members of archives, standard input, and files that were moved or deleted.
        chapter: The chapter that the span begins in; None without one, and in documents that have
            no chapters, such as mail and tables.
        crystal: The crystal that holds the document, where several are read as one; else None.
    """

    path: str
    start: int
    end: int
    line_start: int
    line_end: int
    page_start: int | None = None
    page_end: int | None = None
    kind: str = "text"
    marks: Mapping[str, str] = field(default_factory=dict)
    source: str | None = None
    chapter: Chapter | None = None
    crystal: str | None = None

    def __str__(self) -> str:
        within = self.within_chapter
        if self.kind not in BOOKS or self.chapter is None:
            return within
        return f"{self.chapter}, {within}" if within else str(self.chapter)

    @property
    def within_chapter(self) -> str:
        """The place in words, without the chapter: "p. 3", "lines 10-14"."""
        marks = self.marks
        if self.page_start is not None:
            last = self.page_start if self.page_end is None else self.page_end
            label = marks.get("page", "")
            number = _span(self.page_start, last)
            shown = f"{label} ({number})" if label and label != str(self.page_start) else number
            return f"{'p.' if last <= self.page_start else 'pp.'} {shown}"
        named = [f"{kind} {marks[kind]}" for kind in ("slide", "sheet", "cell") if marks.get(kind)]
        if row := marks.get("row"):
            named.append(f"{'rows' if '-' in row else 'row'} {row}")
        named += [marks[kind] for kind in ("message", "time") if marks.get(kind)]
        if not named and self.has_lines:
            named = [
                f"{'line' if self.line_end <= self.line_start else 'lines'} {_span(self.line_start, self.line_end)}"
            ]
        return ", ".join(named)

    @property
    def has_lines(self) -> bool:
        """True if line_start and line_end are lines of the file, which an editor can go to."""
        return self.kind in LINED or "line" in self.marks


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of a document that recall gives back.

    Attributes:
        place: The span, and where it stands.
        text: The document's text there.
        score: The score that it is ranked by.
        heading: The headings above it, outermost first; None without one.
        best: The span, in characters of the document, of the sentence that answers best.
        shares: The shares of layers, BM25, the document and the page in the score, for display
            only.
        recency: The part of the score that the age of a dated message took off: 0 or less.
        gone: Whether the file was gone at the last ingest.
        also: The other places of the same text.
        logit: The reranker's logit, above 0 where the passage seems to answer; None where it was
            not read.
        date: The day that its message, section or document is dated; None without a date.
        allowed: The parts that the filter lets through, in characters of the document; () for all.
    """

    place: Place
    text: str
    score: float
    heading: str | None = None
    best: tuple[int, int] = (0, 0)
    shares: Mapping[str, float] = field(default_factory=dict)
    recency: float = 0.0
    gone: bool = False
    also: tuple[Place, ...] = ()
    logit: float | None = None
    date: datetime.date | None = None
    allowed: tuple[tuple[int, int], ...] = ()

    @property
    def path(self) -> str:
        """The name of the document."""
        return self.place.path

    @property
    def text_with_place(self) -> str:
        """The text, the name of the document and the headings, for a look at their words."""
        return f"{self.text}\n{self.path}\n{self.heading or ''}"

    @property
    def source(self) -> str | None:
        """The absolute path of the file; None where no file is there now."""
        return self.place.source

    @property
    def start(self) -> int:
        """The first character, in the document's text."""
        return self.place.start

    @property
    def end(self) -> int:
        """The character after the last."""
        return self.place.end

    @property
    def allowed_inside(self) -> list[tuple[int, int]]:
        """The parts that the filter lets through, in characters of the passage; [] for all."""
        return [(start - self.start, end - self.start) for start, end in self.allowed]

    @property
    def best_text(self) -> str:
        """The text of the best sentence."""
        return self.text[self.best[0] - self.start : self.best[1] - self.start]


@dataclass(frozen=True, slots=True)
class Citation:
    """A quotation with its place.

    Attributes:
        number: The number by which an answer refers to it, from 1; 0 before it has one.
        place: The span of the quotation itself, not of the passage that it was found in.
        quote: The document's text there, read back from the crystal.
        heading: The headings above it, outermost first; None without one.
        confidence: The probability that it answers the question; None where that was not estimated.
        date: The day that its message, section or document is dated; None without a date.
        gone: Whether the file was gone at the last ingest.
        when: The days that its relative dates mean, `“on Thursday” is 17 September 2026`, where the
            question asks for a time.
    """

    number: int
    place: Place
    quote: str
    heading: str | None = None
    confidence: float | None = None
    date: datetime.date | None = None
    gone: bool = False
    when: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The name of the document."""
        return self.place.path

    @property
    def source(self) -> str | None:
        """The absolute path of the file; None where no file is there now."""
        return self.place.source

    @property
    def start(self) -> int:
        """The first character, in the document's text."""
        return self.place.start

    @property
    def end(self) -> int:
        """The character after the last."""
        return self.place.end


def headings_of(item: Passage | Citation) -> tuple[str, ...]:
    """Name the headings above a passage, as one string, and the definition around it.

    A book's chapter is named by its number in digits: `ch. 36 The Quarter-Deck`.
    """
    heading, chapter = item.heading or "", item.place.chapter
    if chapter is not None and item.place.kind in BOOKS:
        labels = heading.split(HEADING_JOINT)
        heading = HEADING_JOINT.join(str(chapter) if label == chapter.label else label for label in labels)
    return tuple(name for name in (heading, item.place.marks.get("definition", "")) if name)


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer, with its support.

    Attributes:
        text: The sentence.
        start: Its first character, in the answer's text.
        end: The character after its last.
        supported: Whether its names, numbers, identifiers and quotations are all in the question
            or in the cited passages.
        missing: Those that are not.
        citations: The numbers of the citations that carry it; () without a similar passage.
        replaces: The sentence that this quotation replaces in a strict answer; None otherwise.
        borne_out: Whether what is cited says so in these words. Otherwise the citations are the
            nearest, and it may put together what does not belong together.
        is_near: Whether what is cited has nearly all of these words.
    """

    text: str
    start: int
    end: int
    supported: bool
    missing: tuple[str, ...] = ()
    citations: tuple[int, ...] = ()
    replaces: str | None = None
    borne_out: bool = False
    is_near: bool = False

    def at(self, start: int) -> Claim:
        """Give the same sentence at another place."""
        return replace(self, start=start, end=start + len(self.text))


@dataclass(frozen=True, slots=True)
class Portion:
    """One part of a broad answer: a range of chapters, some files, or a place in a list.

    Attributes:
        label: The name of the part.
        text: The answer's text on that part.
        citation: The number of the Citation that carries it; None without one.
        count: The mentions there, in a list; None otherwise.
        headings: The titles of the first chapters of a part; empty without any.
    """

    label: str
    text: str
    citation: int | None
    count: int | None = None
    headings: tuple[str, ...] = ()


class AnswerVerdict(StrEnum):
    """The judgement of an answer, by its evidence."""

    ANSWERED = "answered"
    MAYBE = "maybe"  # what is quoted is the nearest, and may not answer
    NOT_HERE = "not here"  # the crystal does not seem to hold an answer


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """The answer to a question, with its sources. `str(answer)` is its text.

    Attributes:
        question: The question.
        text: The answer.
        citations: The quotations that carry it.
        passages: The passages that it was made from.
        model: The name of the language model that wrote it; None without one.
        extractive: Whether the text consists of quotations, without a model.
        tokens: Counts by name (`context`, `prompt`, `answer`), in the language model's tokens.
        seconds: Durations by name (`recall`, `first`, `total`).
        stopped: Whether it was stopped before its end; the text is the part until then.
        failure: The CrystalError that ended it; the text is the part until then.
        claims: The sentences of a model's answer, in order.
        verdict: The judgement. With NOT_HERE the text says so, and passages and citations are the
            nearest.
        evidence: The estimated probability, from 0 to 1, that the passages hold an answer; None if
            it was not estimated.
        portions: The parts of a broad answer; empty for any other.
        reading: The filter of the question, and whether it was dropped; None without one.
        read_as: The question as it was understood after those before it; None where it was not
            rewritten.
        changes: What has changed of the memories that are cited, each in a line with both dates.
    """

    question: str
    text: str
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    model: str | None = None
    extractive: bool = False
    tokens: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    stopped: bool = False
    failure: Exception | None = None
    claims: tuple[Claim, ...] = ()
    verdict: AnswerVerdict = AnswerVerdict.ANSWERED
    evidence: float | None = None
    portions: tuple[Portion, ...] = ()
    reading: FilterReading | None = None
    read_as: str | None = None
    changes: tuple[str, ...] = ()

    @property
    def turn(self) -> Turn:
        """The question and the answer, for the `history` of the next question."""
        document = self.citations[0].path if self.citations else ""
        return Turn(self.question, self.read_as or self.question, self.text, document)

    @property
    def answered(self) -> bool:
        """False when the crystal does not seem to hold an answer."""
        return self.verdict is not AnswerVerdict.NOT_HERE

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        text = self.text if len(self.text) <= 60 else f"{self.text[:60]}..."
        return f"<Answer to {self.question!r}: {text!r}, {len(self.citations)} citations>"


@dataclass(frozen=True, slots=True)
class Turn:
    """A question of a conversation, with its answer.

    `Answer.turn` makes it.

    Attributes:
        question: The question as it was asked.
        read_as: The question as it was understood, which stands alone.
        answer: The text of the answer; "" without one.
        document: The name of the document that the answer cites first; "" without one.
    """

    question: str
    read_as: str
    answer: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True)
class Sampling:
    """The rules by which a language model chooses tokens and stops.

    Attributes:
        max_tokens: Most tokens to generate.
        temperature: Divides the logits, up to 100; 0 always takes the likeliest token, so that the
            same prompt gives the same text.
        top_p: Share of the probability that the tokens to choose from must hold (nucleus
            sampling), above 0, up to 1.
        seed: Decides the choice when `temperature` is above 0.
        repetition_penalty: Divides the logits of tokens generated before, from 0.01 to 100; 1
            leaves them.
        stop: The text ends before the first of these strings.
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 0.95
    seed: int = 0
    repetition_penalty: float = 1.0
    stop: Sequence[str] = ()


class ChatModel(Protocol):
    """A language model for conversations, in this process or behind a server on this machine."""

    @property
    def name(self) -> str:
        """The model's name, in one line."""

    @property
    def context_length(self) -> int:
        """The most tokens of conversation and answer together."""

    def count(self, text: str) -> int:
        """Count the tokens of `text`; too many rather than too few if `estimates`."""

    def truncate(self, text: str, tokens: int) -> str:
        """Cut `text` after at most `tokens` tokens."""

    def prompt_size(self, messages: Sequence[Mapping[str, str]]) -> int:
        """Count the tokens of a conversation and its template, up to the model's next message."""

    @property
    def estimates(self) -> bool:
        """True if `count`, `truncate` and `prompt_size` estimate: the vocabulary is unknown."""

    def load(self) -> object:
        """Load the weights now, not at the first `say`; no effect for a server.

        Raises:
            CrystalError: The weights cannot be used.
        """

    def say(self, messages: Sequence[Mapping[str, str]], sampling: Sampling) -> Iterator[str]:
        """Generate the model's next message, in pieces of whole characters as they come.

        It ends with the model's own end, before the first stop string, or after
        `sampling.max_tokens` tokens.

        Args:
            messages: The conversation, each with `role` ("system", "user", "assistant") and
                `content`.
            sampling: How to choose the tokens and when to stop.

        Raises:
            UsageError: A value of `sampling` is out of range.
            CrystalError: The prompt and the answer exceed the context, or the model fails.
        """


def _span(first: int, last: int) -> str:
    return f"{first}" if last <= first else f"{first}-{last}"


# --- progress -----------------------------------------------------------------------------------


class Phase(StrEnum):
    """The phases of an ingest."""

    TEXT = "text"
    LAYERS = "layers"


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a command.

    Attributes:
        done: The finished amount, in `unit`.
        total: The whole amount.
        unit: "bytes", "tokens", "targets", "questions" or "parts".
        files: The files that an ingest has done.
        files_total: All files of the ingest.
        tokens: The tokens that an ingest has read.
        encoded_tokens: The tokens that it has encoded.
        current: The file that it reads; None outside of an ingest.
        phase: The phase of the ingest.
    """

    done: int
    total: int
    unit: str = "bytes"
    files: int = 0
    files_total: int = 0
    tokens: int = 0
    encoded_tokens: int = 0
    current: str | None = None
    phase: Phase = Phase.TEXT
