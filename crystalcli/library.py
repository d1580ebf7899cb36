"""The Python door: `Crystal`, everything the command line can do, as methods.

from crystalcli import Crystal

with Crystal.create("shelf.crystal") as crystal:
    crystal.ingest(["books", "papers"])
    answer = crystal.ask("Who keeps the light?")
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, Self, TypeVar

from crystalcli import models
from crystalcli.answering.wishes import FLOOR
from crystalcli.errors import CrystalError, ModelMissingError, SourceError
from crystalcli.language_models import LANGUAGE_MODEL, is_named, meant, own, speaker
from crystalcli.memory.crystal import CrystalFile
from crystalcli.memory.encoders import find
from crystalcli.paths import expanded
from crystalcli.storage.store import Store

if TYPE_CHECKING:
    from crystalcli.answering.packed import Packed
    from crystalcli.answering.wishes import Wishes
    from crystalcli.memory.compact import CompactReport
    from crystalcli.memory.diff import Difference
    from crystalcli.memory.forecast import Forecast
    from crystalcli.memory.ingest import IngestReport
    from crystalcli.memory.merge import MergeReport
    from crystalcli.memory.repair import Repaired
    from crystalcli.text.choice import Choice
    from crystalcli.types import Answer, Citation, Progress, Speaker


class Crystal(CrystalFile):
    """One crystal, open. Made by `Crystal.create` or `Crystal.open`; a context manager."""

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        encoder: str | Path | Literal["auto"] | None = "auto",
        fetch: Callable[[str], Path | None] | None = None,
    ) -> Self:
        """A new crystal, open for writing.

        encoder: a folder with a model of the BERT family in Hugging Face's layout; "auto": what $CRYSTAL_ENCODER says, else the
        program's own, found here or fetched once; None does without. Where there are no weights the crystal is made from the
        lexical index alone, `lexical_only` says so, and a later ingest with weights makes the layers. fetch: how the program's
        own is found. Raises ModelMissingError or UsageError for a folder that holds no encoder.
        """
        target = Path(path)
        folder = _folder(encoder, {}, target, fetch)
        return cls(cls.create_store(target, folder), folder)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        writable: bool = False,
        encoder: str | Path | Literal["auto"] | None = "auto",
        fetch: Callable[[str], Path | None] | None = None,
    ) -> Self:
        """A crystal that exists; encoder and fetch as in `create`, and "auto" looks where the crystal says its encoder was.

        Raises NotACrystalError, DamagedCrystalError, NewerFormatError or EncoderMismatchError.
        """
        return _with_encoder(cls, Store.open(Path(path), writable=writable), encoder, fetch)

    def ingest(
        self,
        paths: Sequence[str | Path],
        progress: Callable[[Progress], None] | None = None,
        *,
        prune: bool = False,
        codebooks_from: Sequence[str | Path] = (),
        include: Sequence[str] | None = None,
        exclude: Sequence[str] | None = None,
        max_file_size: int | None = None,
        password: str = "",
    ) -> IngestReport:
        """Read files and folders into the crystal. Raises SourceError when a path does not exist.

        progress: told now and then how far it has come. prune: drop the documents whose files are gone. codebooks_from: files
        that the codebooks of an own encoder are learnt from, when it has none yet, instead of the text of the first ingest.
        include, exclude: patterns as in `.gitignore`, relative to each folder: read only what one of the first and none of the
        second matches; max_file_size: leave out what has more bytes, 0 for none. What is said is remembered for these folders and
        holds, all three together, until something else is said; with `exclude=[]` they are read as usual again.
        password: opens files that are encrypted.
        Layers that an earlier run without weights left out are made first. Raises ModelMissingError when the crystal has an
        encoder of its own and that is not here.
        """
        return self.bring_in(
            paths_of(paths),
            progress,
            prune=prune,
            codebooks_from=paths_of(codebooks_from),
            choice=choice_of(include, exclude, max_file_size),
            password=password,
        )

    def ingest_stream(
        self,
        stream: BinaryIO,
        name: str = "stdin",
        progress: Callable[[Progress], None] | None = None,
        *,
        max_file_size: int | None = None,
    ) -> IngestReport:
        """Read one document from a stream into the crystal, in place of the one that came under the same name before.

        Raises UsageError for a name that cannot be cited, SourceError when there is nothing to read or more than max_file_size
        bytes (by default 100 MB, 0 for any number).
        """
        from crystalcli.memory.piped import spooled
        from crystalcli.text.choice import LARGEST

        self._check_writable()
        with spooled(stream, name, LARGEST if max_file_size is None else max_file_size) as piped:
            return self.bring_in([], progress, piped=piped)

    def ask(
        self,
        question: str,
        *,
        k: int = 5,
        depth: int = 3,
        model: str | Path | Speaker | None = None,
        allow_remote: bool = False,
        max_tokens: int = 128,
        seed: int = 0,
        extractive: bool | None = None,
        broad: bool | None = None,
        strict: bool = False,
        floor: float = FLOOR,
        wishes: Wishes | None = None,
        on_text: Callable[[str], None] | None = None,
        on_evidence: Callable[[tuple[Citation, ...]], None] | None = None,
    ) -> Answer:
        """Recall, then answer from what was recalled, with citations.

        on_evidence is given the best sentences of what was recalled, before the model is opened; on_text receives the answer as it
        is written. An extractive answer is these sentences, and comes through on_text alone.

        model: a GGUF file, a folder in Hugging Face's layout, the URL of a local server, a name, or a model that is open
        (`library.speaker`), which keeps its weights from one question to the next; None: what $CRYSTAL_MODEL says, else the default
        one, which may be fetched. What was named is opened before anything is recalled. allow_remote: a server may be another
        machine. extractive: no model, the best sentences quoted; None: so where no model is named and strict is not asked for,
        since the program's own says the right words far less often. strict: a sentence with names or numbers that the passages do
        not have gives way to an extract. floor: how much must speak for an answer, from 0 (answer always) to 1; under it the answer
        has `answered` False and the nearest passages. broad: answer from the whole of a document, or of all, part by part; None:
        where the question asks for that.
        wishes: everything that may be chosen, in one; the single ones, but for the model, are not looked at then.
        Raises UsageError, ModelMissingError, and NotFoundError when nothing was recalled, or a document is not there.
        """
        from crystalcli.answering.ask import ask
        from crystalcli.answering.wishes import Wishes
        from crystalcli.lm.early import Early

        if wishes is None:
            wishes = Wishes(
                k=k,
                depth=depth,
                max_tokens=max_tokens,
                seed=seed,
                extractive=extractive,
                broad=broad,
                strict=strict,
                floor=floor,
            )
        wishes = wishes.settled(lambda: is_named(model))
        if wishes.extractive:
            return ask(self, question, wishes, speaker=speaker, on_text=on_text)  # which no extract needs
        early = Early(_opener(model, allow_remote))

        def shown(cited: tuple[Citation, ...]) -> None:
            early.begin()  # not sooner: the thread would hold up what brings the evidence
            if on_evidence is not None:
                on_evidence(cited)

        return ask(self, question, wishes, speaker=early, on_text=on_text, on_evidence=shown)

    def packed(
        self,
        question: str,
        wishes: Wishes | None = None,
        *,
        model: str | Path | Speaker | None = None,
        allow_remote: bool = False,
    ) -> Packed:
        """What `ask` would give a language model to answer from, for use with any other one; none is loaded, and none fetched.

        model: by whose vocabulary the budget is counted, and whose window bounds it; where none is named the program's own counts,
        or an estimate where that is not here, and nothing but the budget bounds it. allow_remote: as in `ask`.
        Raises UsageError, NotFoundError, and ModelMissingError for a model that is named and not there.
        """
        from crystalcli.answering.packed import packed
        from crystalcli.answering.wishes import Wishes

        wanted, named = wishes or Wishes(), is_named(model)
        if model is None or isinstance(model, str | Path):
            what = meant(model)
            if own(what) and models.locate(what) is None:
                return packed(self, question, wanted)
            model = speaker(what, allow_remote=allow_remote)
        return packed(self, question, wanted, model, bounded=named)

    @staticmethod
    def compact(path: str | Path, progress: Callable[[int, int], None] | None = None) -> CompactReport:
        """Give back the space of what no document of the crystal at `path`, which nobody has open for writing, refers to.

        progress: told tokens done and tokens in all.
        """
        from crystalcli.memory.compact import compact

        return compact(Path(path), progress)

    @staticmethod
    def merge(
        paths: Sequence[str | Path],
        output: str | Path,
        *,
        force: bool = False,
        progress: Callable[[int, int], None] | None = None,
    ) -> MergeReport:
        """Make a crystal at `output` of two or more; force: replace the one that is there; progress: as in `compact`.

        Raises EncoderMismatchError when their vectors are not comparable.
        """
        from crystalcli.memory.merge import merge

        return merge([Path(path) for path in paths], Path(output), force=force, progress=progress)

    @staticmethod
    def diff(one: str | Path, other: str | Path) -> Difference:
        """The documents and passages that only one of two crystals holds."""
        from crystalcli.memory.diff import diff

        return diff(Path(one), Path(other))

    @staticmethod
    def repair(
        path: str | Path,
        *,
        encoder: str | Path | Literal["auto"] | None = "auto",
        fetch: Callable[[str], Path | None] | None = None,
        backup: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> Repaired:
        """Make the damaged crystal at `path`, which nobody has open for writing, whole from what can be read of it.

        encoder, fetch: as in `open`, for layers that have to be made again; without one they wait for the next ingest.
        backup: keep the damaged file as NAME.crystal.damaged. progress: told bytes checked and bytes in all. A sound crystal
        stays as it is. Raises DamagedCrystalError when nothing can be read; the file is then as it was.
        """
        from crystalcli.memory.repair import repair

        place = Path(path)
        return repair(
            place, encoder=lambda meta, _: _folder(encoder, meta, place, fetch), backup=backup, progress=progress
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[str]:
        """The paths of the documents it holds."""
        return (document.path for document in self.documents() if document.chunks)


__all__ = ["LANGUAGE_MODEL", "Crystal", "choice_of", "fetched", "forecast", "paths_of", "read_into", "speaker"]
_AnyCrystal = TypeVar("_AnyCrystal", bound=Crystal)


def read_into(
    path: str | Path,
    encoder: str | Path | Literal["auto"] | None,
    fetch: Callable[[str], Path | None] | None = None,
    *,
    wait: float = 0.0,
    waiting: Callable[[str], None] | None = None,
) -> Crystal:
    """The crystal at `path`, open for writing: the one that is there, or a new one; encoder and fetch as in `Crystal.create`.

    wait: seconds to wait for another program that is writing it; waiting: told once, in a line, when it comes to that.
    """
    target, began = Path(path), time.monotonic()
    while True:
        left = max(0.0, wait - (time.monotonic() - began))
        existed = target.exists()
        try:
            if existed:
                store = Store.open(target, writable=True, wait=left, waiting=waiting)
                return _with_encoder(Crystal, store, encoder, fetch)
            folder = _folder(encoder, {}, target, fetch)
            return Crystal(Crystal.create_store(target, folder, left, waiting), folder)
        except CrystalError:
            if target.exists() == existed:  # else another program has just made it, or taken it away
                raise


def forecast(
    path: str | Path,
    paths: Sequence[str | Path],
    *,
    encoder: str | Path | Literal["auto"] | None = "auto",
    choice: Choice | None = None,
    password: str = "",
) -> Forecast:
    """What an ingest of `paths` into the crystal at `path`, which need not be there, would do; choice: see `choice_of`.

    password: opens files that are encrypted.

    Makes and changes nothing, and fetches no weights. Raises SourceError for a path that does not exist, and what opening the
    crystal raises.
    """
    from crystalcli.memory.encoders import chosen, opened
    from crystalcli.memory.forecast import forecast as look_ahead
    from crystalcli.text.asked import Options

    target, sources, options = Path(path), paths_of(paths), Options(password=password)
    if not target.exists():
        folder = _folder(encoder, {}, target, models.locate)
        return look_ahead(sources, target, None, chosen(folder, target.absolute().parent)[0], choice, options)
    with Store.open(target) as store, store.snapshot():
        meta = store.meta()
        folder = _folder(encoder, meta, target, models.locate)
        return look_ahead(sources, target, store, opened(meta, target, folder), choice, options)


def _with_encoder(
    made: type[_AnyCrystal],
    store: Store,
    encoder: str | Path | Literal["auto"] | None,
    fetch: Callable[[str], Path | None] | None,
) -> _AnyCrystal:
    """The crystal in an open store, which is closed when there is no encoder for it. made: `Crystal`, or a class of it."""
    try:
        folder = _folder(encoder, store.meta(), store.path, fetch)
    except BaseException:
        store.close()
        raise
    return made(store, folder)


def _folder(
    given: str | Path | None, meta: Mapping[str, str], path: Path, fetch: Callable[[str], Path | None] | None
) -> Path | None:
    """Where the encoder is, for the crystal at `path` with that `meta`."""
    if given == "auto":
        return find(meta, path.absolute().parent, fetch or fetched)
    return expanded(given) if given is not None else None


def fetched(name: str) -> Path | None:
    """The folder of a model's weights, fetched now if need be; None when they are not here and cannot be fetched."""
    try:
        return models.locate(name) or models.pull(name)
    except ModelMissingError:
        return None


def _opener(model: str | Path | Speaker | None, allow_remote: bool) -> Callable[[], Speaker]:
    """What gives the language model; the user's own is open already, crystal's own opens when it is asked."""
    if model is None or isinstance(model, str | Path):
        what = meant(model)
        if own(what):
            return lambda: speaker(what)
        model = speaker(what, allow_remote=allow_remote)
    opened = model
    return lambda: opened


def choice_of(
    include: Sequence[str] | None = None, exclude: Sequence[str] | None = None, max_file_size: int | None = None
) -> Choice | None:
    """What is to be read; None where nothing is said. Raises UsageError for a pattern or a size that is none."""
    if include is None and exclude is None and max_file_size is None:
        return None
    from crystalcli.text.choice import LARGEST, Choice

    largest = LARGEST if max_file_size is None else max_file_size
    return Choice(tuple(include or ()), tuple(exclude or ()), largest)


def paths_of(given: Sequence[str | Path]) -> list[Path]:
    """Paths as the user wrote them, `~` expanded. Raises SourceError for one that does not exist."""
    paths = [expanded(path) for path in given]
    for path in paths:
        if not path.exists():
            raise SourceError(f"{path} does not exist")
    return paths
