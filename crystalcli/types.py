"""The nouns that travel between rooms. They hold data and know nothing of files, models or databases.

All offsets are character offsets (Python `str` indices) into a document's text, half-open `[start, end)`.
Lines and pages count from 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    IntArray = npt.NDArray[np.int32]
    FloatArray = npt.NDArray[np.float32]
    Int64Array = npt.NDArray[np.int64]
    UInt8Array = npt.NDArray[np.uint8]
    UInt16Array = npt.NDArray[np.uint16]
    UInt64Array = npt.NDArray[np.uint64]
    Float16Array = npt.NDArray[np.float16]
    Float64Array = npt.NDArray[np.float64]

# Nodes of one layer for each node of the next: tokens to a unit, units to a cluster, clusters to an atom.
RATIOS = (10, 5, 2)

# Tokens to a unit, units to a cluster, clusters to an atom.
RATIOS = (10, 5, 2)
# How dated messages lose by their age: by a half-life in days, by the usual one, or not at all.
HalfLife: TypeAlias = Literal["auto", "off"] | float


# --- sources and what is read from them -------------------------------------------------------


# The kinds of landmarks, and what their labels are.
LANDMARKS = (
    "page",  # the page's number as printed or counted
    "slide",  # its number
    "sheet",  # its name
    "row",  # what to add to the line of the text for the number of a sheet's row
    "cell",  # its number in a notebook
    "time",  # of a subtitle: 00:12:31
    "message",  # who wrote it and when: Ann, 2024-05-01 10:30
    "line",  # what to add to the line of the text for the line of the file, where the text is not the file's own
    "heading",  # the headings above, outermost first, joined by HEADING_JOINT
    "definition",  # Class.method
)
HEADING_JOINT = " › "
# Kinds of documents whose text is the file's own, so that its lines are the file's lines.
LINED = frozenset(("text", "markdown", "rst", "code"))
# Kinds that are cut at line ends alone, and whose passages are whole lines: the others are prose.
BY_LINES = frozenset(("code", "csv", "xlsx", "ods"))


@dataclass(frozen=True, slots=True)
class Landmark:
    """A place with a name inside a document: from character `start` on, until the next of its kind. Label "" ends the last one.

    kind: one of LANDMARKS. depth: of a definition that begins or ends here, how many others go on around it.
    """

    start: int
    kind: str
    label: str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a file's bytes were when it was read: enough to tell later whether it changed.

    size: bytes; mtime_ns: nanoseconds since the epoch; digest: 32 bytes of SHA-256 over the bytes.
    """

    size: int
    mtime_ns: int
    digest: bytes


class Reading(Protocol):
    """One source opened for reading: its kind, its title, and its text in pieces, in order.

    `pieces()` yields strings whose concatenation is the document's exact text, and Landmarks whose `start`
    is the number of characters yielded before them. It may be called once.
    Raises SourceError with one reason, at the call or while iterating, when the source cannot be read.
    """

    @property
    def kind(self) -> str:
        """What it is, in a word: "text", "markdown", "code", "pdf", ... (docs/FORMATS.md has all)."""
        ...

    @property
    def title(self) -> str:
        """What the document calls itself, or ""."""
        ...

    def pieces(self) -> Iterator[str | Landmark]:
        """The text and its landmarks, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Chunk:
    """What the encoder reads at once: consecutive text of one document and its tokens.

    ids: int32 [tokens], the encoder's token ids without special tokens; ends: int32 [tokens], the character
    offset inside `text` at which each token ends. Chunks of a document, joined, are its text, exactly.
    context: what it stands in (`crystalcli.index.chunk_context`), "" where nothing is said of that.
    """

    text: str
    ids: IntArray
    ends: IntArray
    context: str = ""


class Tokenizer(Protocol):
    """Cuts text into the encoder's tokens."""

    def tokenize(self, texts: Sequence[str]) -> list[tuple[IntArray, IntArray]]:
        """For each text: token ids, int32 [n], and the character offset at which each ends, int32 [n]."""
        ...


# --- what becomes of a file ----------------------------------------------------------------------


class DocumentState(StrEnum):
    """How far a file was read into a crystal, as its ledger says (`source.state`, docs/FORMAT.md)."""

    DONE = "done"  # to its end
    PARTIAL = "partial"  # an ingest was interrupted in it, or a repair found text missing
    SKIPPED = "skipped"  # not read; the reason says why
    FAILED = "failed"  # it could not be read the last time; what was read of it before stays
    GONE = "gone"  # the file is no longer where it was; its text stays until it is pruned


class FileState(StrEnum):
    """How the file of a document stands now, compared with the ledger (`crystal status`)."""

    SAME = "same"
    CHANGED = "changed"
    GONE = "gone"
    UNREADABLE = "unreadable"
    LEFT_OUT = "left_out"  # the file is there, and what is chosen now leaves it out
    NEW = "new"  # the ledger does not know the file


class Change(StrEnum):
    """What an ingest did with a document."""

    READ = "read"
    GONE = "gone"


class SkippedFile(NamedTuple):
    """A file that an ingest did not read.

    Attributes:
        path: its name in the crystal.
        reason: why, in a few words.
        code: the same for programs, an `errors.Reason`.
    """

    path: str
    reason: str
    code: str


# --- what a crystal gives back ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Document:
    """One source as the crystal's ledger knows it.

    Attributes:
        path: The name that it is cited by.
        kind: As of a Reading.
        title: The title that it gives itself; None without one.
        state: A DocumentState.
        reason: Why it is not read, or not whole; None where it is.
        code: The same for programs, an `errors.Reason`; None where it is whole.
        size: Bytes of the file.
        characters: Characters of the text that is stored.
        tokens: Tokens of the same.
        chunks: Chunks of the same.
        pages: Pages of a PDF; None for other kinds.
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


@dataclass(frozen=True, slots=True)
class Place:
    """A span of a document, and where a reader finds it. `str(place)` says it in words: "p. 3", "lines 10-14".

    Attributes:
        path: The name of the document.
        start: The first character of the span, in the document's text.
        end: The character after the last.
        line_start: The first line, from 1: of the file where `has_lines`, else of the text as the crystal holds it.
        line_end: The last line.
        page_start: The first page, from 1; None where the document has no pages.
        page_end: The last page; None likewise.
        kind: The document's kind.
        marks: The labels of the landmarks that the span stands under, by kind; of "row" and "line" the numbers.
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

    def __str__(self) -> str:
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
        """Whether line_start and line_end are lines of the file itself, which an editor can go to."""
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
        shares: The figures that layers, BM25, the document and the page gave to the score, for display alone.
        recency: The part of the score that the age of a dated message took off: 0 or less.
        gone: Whether the file was no longer there at the last ingest.
        also: The other places where the same text stands.
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

    @property
    def path(self) -> str:
        """The name of the document."""
        return self.place.path

    @property
    def start(self) -> int:
        """The first character, in the document's text."""
        return self.place.start

    @property
    def end(self) -> int:
        """The character after the last."""
        return self.place.end

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
    """

    number: int
    place: Place
    quote: str
    heading: str | None = None

    @property
    def path(self) -> str:
        """The name of the document."""
        return self.place.path

    @property
    def start(self) -> int:
        """The first character, in the document's text."""
        return self.place.start

    @property
    def end(self) -> int:
        """The character after the last."""
        return self.place.end


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer, and what supports it.

    Attributes:
        text: The sentence.
        start: Its first character, in the answer's text.
        end: The character after its last.
        supported: Whether the names, numbers, identifiers and quotations in it stand in the question or in the passages
            cited.
        missing: Those that do not.
        citations: The numbers of the citations that carry it; () where no passage says anything like it.
        replaces: The sentence that this quotation stands in place of, when the answer was to be strict; None otherwise.
    """

    text: str
    start: int
    end: int
    supported: bool
    missing: tuple[str, ...] = ()
    citations: tuple[int, ...] = ()
    replaces: str | None = None

    def at(self, start: int) -> Claim:
        """Give the same sentence at another place."""
        return replace(self, start=start, end=start + len(self.text))


@dataclass(frozen=True, slots=True)
class Portion:
    """One part of a broad answer: on a range of chapters, on some files, or one place of a list.

    Attributes:
        label: The name of the part.
        text: The words on it.
        citation: The number of the Citation that carries it; None without one.
        count: The mentions there, in a list; None otherwise.
    """

    label: str
    text: str
    citation: int | None
    count: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """The answer to a question, and its grounds. `str(answer)` is its text.

    Attributes:
        question: The question.
        text: The answer.
        citations: The quotations that carry it.
        passages: The passages that it was made from.
        model: The name of the language model that put it in words; None where none did.
        extractive: Whether the text is quotations, and no model spoke.
        tokens: Counts by name (`context`, `prompt`, `answer`), in the language model's tokens.
        seconds: Durations by name (`recall`, `first`, `total`).
        stopped: Whether it was stopped before its end; text is what was said so far.
        failure: The CrystalError that ended it, likewise.
        claims: The sentences that a model said, in order.
        answered: False when the crystal does not seem to hold an answer: passages and citations are the nearest it has
            then, and text says so.
        evidence: The estimated probability, from 0 to 1, that the passages hold an answer; None where it was not
            estimated.
        portions: The parts of a broad answer; empty for any other.
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
    answered: bool = True
    evidence: float | None = None
    portions: tuple[Portion, ...] = ()

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        text = self.text if len(self.text) <= 60 else f"{self.text[:60]}..."
        return f"<Answer to {self.question!r}: {text!r}, {len(self.citations)} citations>"


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a language model chooses its tokens, and when it stops.

    Attributes:
        max_tokens: Most tokens to generate.
        temperature: 0 takes the likeliest token always, so that the same prompt gives the same
            text; up to 100.
        top_p: Share of the probability that the tokens to choose from must hold (nucleus
            sampling), above 0, up to 1.
        seed: Decides the choice when `temperature` is above 0.
        repetition_penalty: Divides the logits of tokens generated before; 1 leaves them, from 0.01 to 100.
        stop: Strings before the first of which the text ends.
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 0.95
    seed: int = 0
    repetition_penalty: float = 1.0
    stop: Sequence[str] = ()


class ChatModel(Protocol):
    """A language model, wherever it runs: in this process, from whichever file, or behind a server on this machine."""

    @property
    def name(self) -> str:
        """What it is called, in one line."""

    @property
    def context_length(self) -> int:
        """How many tokens it can have before it, conversation and answer together."""

    def count(self, text: str) -> int:
        """How many tokens `text` has; for a model that keeps its vocabulary to itself, at least about as many."""

    def truncate(self, text: str, tokens: int) -> str:
        """A beginning of `text` of at most `tokens` tokens."""

    def prompt_size(self, messages: Sequence[Mapping[str, str]]) -> int:
        """How many tokens the conversation comes to, its template included, up to where the model is to speak."""

    @property
    def estimates(self) -> bool:
        """Whether `count`, `truncate` and `prompt_size` estimate, for want of the model's vocabulary."""

    def load(self) -> object:
        """Load the weights now, where there are any to load here; otherwise the first `say` loads them.

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


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a command has come.

    Attributes:
        done: The amount that is done, in `unit`.
        total: The whole amount.
        unit: "bytes", "tokens" or "targets".
        files: The files that an ingest has done.
        files_total: All files of the ingest.
        tokens: The tokens that an ingest has read.
        encoded_tokens: The tokens that it has encoded.
        current: The file that it reads; None outside of an ingest.
    """

    done: int
    total: int
    unit: str = "bytes"
    files: int = 0
    files_total: int = 0
    tokens: int = 0
    encoded_tokens: int = 0
    current: str | None = None
