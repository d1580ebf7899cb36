"""The nouns that travel between rooms. They hold data and know nothing of files, models or databases.

All offsets are character offsets (Python `str` indices) into a document's text, half-open `[start, end)`.
Lines and pages count from 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    IntArray = npt.NDArray[np.int32]
    FloatArray = npt.NDArray[np.float32]

# How dated messages lose by their age: by a half-life in days, by the usual one, or not at all.
Decay: TypeAlias = Literal["auto", "off"] | float


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
    context: what it stands in (`crystalcli.memory.contexts`), "" where nothing is said of that.
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


# --- what a crystal gives back ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Document:
    """One source as the crystal's ledger knows it.

    kind: as of a Reading. state: "done", "partial", "skipped", "failed" or "gone".
    size: bytes of the file; characters, tokens, chunks: of what is stored.
    """

    path: str
    kind: str
    title: str
    state: str
    reason: str
    size: int
    characters: int
    tokens: int
    chunks: int
    pages: int


class Somewhere:
    """What Place, Passage and Citation share: they stand somewhere in a document."""

    __slots__ = ()
    line_start: int
    line_end: int
    page_start: int
    page_end: int
    kind: str
    marks: Mapping[str, str]

    @property
    def place(self) -> str:
        """Where it stands, in the words of its kind: `p. 3`, `sheet Costs, row 12`, `lines 10-14`; "" where nothing says."""
        marks = self.marks
        if self.page_start:
            label = marks.get("page", "")
            number = _span(self.page_start, self.page_end)
            shown = f"{label} ({number})" if label and label != str(self.page_start) else number
            return f"{'p.' if self.page_end <= self.page_start else 'pp.'} {shown}"
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
class Place(Somewhere):
    """A span `[start, end)` of a document, in characters, and where a reader finds it.

    Lines are the file's where it has_lines, else those of its text as the crystal holds it; pages are 0 where there are none.
    kind: the document's. marks: labels of the landmarks that it stands under, by kind; of "row" and "line" the numbers.
    """

    path: str
    start: int
    end: int
    line_start: int
    line_end: int
    page_start: int = 0
    page_end: int = 0
    kind: str = "text"
    marks: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Passage(Somewhere):
    """A span of layer 0 that recall gives back, best first. Lines, pages, kind and marks as in Place.

    text is the document's text `[start, end)`; best is the span, also in document offsets, of the sentence
    that answers best. page_start and page_end are 0 where the document has no pages. shares says what
    layers, BM25, the document and the page gave to the score. gone: the file was no longer there at the last ingest. also: the other
    places where the same text stands.
    """

    path: str
    start: int
    end: int
    text: str
    score: float
    line_start: int
    line_end: int
    page_start: int = 0
    page_end: int = 0
    heading: str = ""
    best: tuple[int, int] = (0, 0)
    shares: Mapping[str, float] = field(default_factory=dict)
    gone: bool = False
    also: tuple[Place, ...] = ()
    kind: str = "text"
    marks: Mapping[str, str] = field(default_factory=dict)

    @property
    def best_text(self) -> str:
        """The text of the best sentence."""
        return self.text[self.best[0] - self.start : self.best[1] - self.start]


@dataclass(frozen=True, slots=True)
class Citation(Somewhere):
    """A quotation with its place: `quote` is the document's text `[start, end)`, read back from the crystal.

    Lines, pages, kind and marks as in Place, of the quotation and not of the passage it was found in. heading: those above it.
    """

    number: int
    path: str
    start: int
    end: int
    quote: str
    line_start: int
    line_end: int
    page_start: int = 0
    page_end: int = 0
    kind: str = "text"
    marks: Mapping[str, str] = field(default_factory=dict)
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A sentence of an answer, at `[start, end)` of its text, and what carries it.

    supported: whether the names, numbers, identifiers and quotations in it stand in the question or in the passages cited; missing:
    those that do not. citations: numbers of the citations that carry it; () where no passage says anything like it. replaces: the
    sentence that this quotation stands in place of, when the answer was to be strict.
    """

    text: str
    start: int
    end: int
    supported: bool
    missing: tuple[str, ...] = ()
    citations: tuple[int, ...] = ()
    replaces: str = ""

    def at(self, start: int) -> Claim:
        """The same at another place."""
        return replace(self, start=start, end=start + len(self.text))

    @property
    def mark(self) -> str:
        """What to show behind it: ` [1][2]`, ` [not in the sources: 1893]`."""
        numbers = "".join(f"[{number}]" for number in self.citations)
        missing = f"[not in the sources: {', '.join(self.missing)}]" if self.missing else ""
        return "".join(f" {part}" for part in (numbers, missing) if part)


@dataclass(frozen=True, slots=True)
class Portion:
    """What a broad answer says of one part of what was asked about: a stretch of chapters, some files, one place of a list.

    citation: the number of the Citation that carries it, 0 where it has none. count: mentions there, in a list; else 0.
    """

    label: str
    text: str
    citation: int
    count: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said, and on what grounds.

    model: the language model's name, "extractive", or "" where nobody answers. tokens: counts by name (`context`, `prompt`,
    `answer`), in the language model's tokens. seconds: durations by name (`recall`, `first`, `total`). stopped: whoever asked did
    not let it finish, and text is what was said so far. failure: the CrystalError that ended it, likewise. claims: the sentences
    that a model said, in order. answered: False when the crystal does not seem to hold an answer; passages and citations are the
    nearest it has then, and text says so. evidence: how likely it was, from 0 to 1, that the passages hold one; None where nobody
    looked. portions: of a broad answer, what it says part by part; of any other none.
    """

    question: str
    text: str
    citations: tuple[Citation, ...]
    passages: tuple[Passage, ...]
    model: str
    tokens: Mapping[str, int] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    stopped: bool = False
    failure: Exception | None = None
    claims: tuple[Claim, ...] = ()
    answered: bool = True
    evidence: float | None = None
    portions: tuple[Portion, ...] = ()

    @property
    def marked(self) -> str:
        """The text for people: each sentence with the numbers of the citations that carry it, or what in it stands in none."""
        pieces, position = [], 0
        for claim in self.claims:
            pieces += [self.text[position : claim.end], claim.mark]
            position = claim.end
        return "".join([*pieces, self.text[position:]])


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


class Speaker(Protocol):
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
    """How far an ingest has come. bytes_total is what the walk found; tokens counts what was read."""

    files: int
    files_total: int
    bytes: int
    bytes_total: int
    tokens: int
    encoded: int
    current: str
