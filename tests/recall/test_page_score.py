"""The page score, compared with a count over the whole document, and recall by it."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from crystalcli import Crystal
from crystalcli.errors import DamagedCrystalError
from crystalcli.index.atom_spans import run_atom_spans
from crystalcli.index.index_reader import IndexReader
from crystalcli.lexical import bm25
from crystalcli.recall.page_score import PAGE_WEIGHT, page_scores
from crystalcli.recall.searcher import Searcher
from crystalcli.storage.store import Store

WORDS = "rope anchor lantern harbour beacon tide mooring ferry pilot cargo ballast keel".split()  # noqa: SIM905 - a list would take a page
QUESTIONS = [
    "rope of the harbour beacon",
    "When does the pilot take the ferry out?",
    "keel17 and keel18",
    "nothing at all",
]


def write_pdf(path: Path, pages: list[str]) -> Path:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_font("helvetica", size=8)
    pdf.set_auto_page_break(False)
    for text in pages:
        pdf.add_page()
        pdf.multi_cell(0, 3, text, align="L")
    pdf.output(str(path))
    return path


def prose(seed: int, words: int) -> str:
    draw = random.Random(seed)
    some = draw.sample(WORDS, 4)
    return " ".join(f"{draw.choice(some)}{draw.choice(['', '', f'{seed}.'])}" for _ in range(words))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PDF of several runs, with short and long pages and some that come twice, a second one, and a text."""
    folder = tmp_path_factory.mktemp("pages")
    pages = [prose(seed, 30 if seed % 5 == 0 else 700) for seed in range(60)]
    write_pdf(folder / "long.pdf", [*pages, *pages[1:5]])
    write_pdf(folder / "short.pdf", [prose(100, 500), prose(101, 40)])
    (folder / "other.txt").write_text(prose(102, 900), encoding="utf-8")
    with Crystal.create(folder / "m.crystal", encoder=None) as crystal:
        crystal.ingest([folder / name for name in ("long.pdf", "short.pdf", "other.txt")])
    return folder / "m.crystal"


def places(index: IndexReader) -> list[tuple[int, int, int, int]]:
    """For each place of an atom of a PDF, in order: the atom, its document's id, and where its text begins and ends there."""
    atom_places = []
    for source in index.store.sources():
        for run in index.store.runs_of(source.id) if source.kind == "pdf" else ():
            last = run.first_chunk + run.chunks - 1
            for atom in range(index.first_atom(run.first_chunk), int(index.nesting.atoms[last + 1])):
                place = index.place(atom)
                before, _ = index.before(run, place.chunk)
                atom_places.append((atom, source.id, before + place.start, before + place.end))
    return atom_places


def pages_of(index: IndexReader) -> tuple[dict[int, tuple[int, int]], list[tuple[int, tuple[int, int]]]]:
    """For each atom its document's id and the page, from 1, of its first middle; and every page that each touches."""
    page_of: dict[int, tuple[int, int]] = {}
    touched = []
    for atom, source, start, end in places(index):
        first, middle, last = (
            index.store.landmark_count(source, "page", at) for at in (start, (start + end) // 2, end - 1)
        )
        page_of.setdefault(atom, (source, middle))
        touched += [(atom, (source, page)) for page in range(first, last + 1)]
    return page_of, touched


def expected(index: IndexReader, question: str, atoms: list[int]) -> list[float]:
    """The scores of `atoms`, counted atom by atom over all pages."""
    query = Searcher(index, None, None).prepare(question)
    page_of, touched = pages_of(index)
    looked_at = {page_of[atom] for atom in atoms}
    lengths = dict.fromkeys(looked_at, 0)
    counts = {term: dict.fromkeys(looked_at, 0) for term in query.idf}
    frequencies = {
        (term, atom): frequency
        for term, parts in query.postings.items()
        for part in parts
        for piece in part.pieces()
        for atom, frequency in zip(piece.atoms.tolist(), piece.frequencies.tolist(), strict=True)
    }
    for atom, page in touched:
        if page in looked_at:
            lengths[page] += int(index.lengths[atom])
            for term in query.idf:
                counts[term][page] += frequencies.get((term, atom), 0)
    mean = sum(lengths.values()) / len(lengths)
    scores = {}
    for page in looked_at:
        norm = bm25.K1 * (1 - bm25.B + bm25.B * lengths[page] / mean)
        gains = [
            idf * counts[term][page] * (bm25.K1 + 1) / (counts[term][page] + norm) for term, idf in query.idf.items()
        ]
        scores[page] = PAGE_WEIGHT * sum(gains) / max(sum(query.idf.values()), 1e-6)
    middle = sum(scores[page_of[atom]] for atom in atoms) / len(atoms)
    return [scores[page_of[atom]] - middle for atom in atoms]


def test_an_atom_is_where_its_text_is(path):
    with Store.open(path) as store:
        index = IndexReader(store)
        where = places(index)
        runs = [run for source in store.sources() if source.kind == "pdf" for run in store.runs_of(source.id)]
        assert len(runs) > 3
        seen = []
        for run in runs:
            spans = np.stack(run_atom_spans(index, run), 1).tolist()
            seen += [(atom, run.source, *span) for atom, *span in spans]
        assert seen == where
        assert len({atom for atom, *_ in where}) < len(where)  # some pages come twice


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_a_page_gives_its_bm25_less_the_mean(path, question, step):
    with Store.open(path) as store:
        index = IndexReader(store)
        source_of = {atom: source for atom, source, *_ in places(index)}
        atoms = sorted(source_of)[::step]
        scores = page_scores(
            index,
            Searcher(index, None, None).prepare(question),
            np.array(atoms),
            np.array([source_of[atom] for atom in atoms]),
        )
        assert scores.dtype == np.float32
        assert scores.tolist() == pytest.approx(expected(index, question, atoms), abs=1e-5)
        assert scores.sum() == pytest.approx(0, abs=1e-4)
        if step == 1 and question != "nothing at all":
            assert scores.max() > 0.05


def test_pages_are_read_where_they_are_asked_for_alone(path, monkeypatch):
    with Store.open(path) as store:
        index = IndexReader(store)
        query = Searcher(index, None, None).prepare(QUESTIONS[0])
        (source,) = [source.id for source in store.sources() if source.path == "long.pdf"]
        atom = index.first_atom(store.runs_of(source)[1].first_chunk) + 5
        read = []
        monkeypatch.setattr(
            "crystalcli.recall.page_score.run_atom_spans",
            lambda index, run: read.append(run) or run_atom_spans(index, run),
        )
        assert page_scores(index, query, np.array([atom]), np.array([source])).tolist() == [
            0.0
        ]  # nothing to compete with
        assert 1 <= len(read) <= 2 < len(store.runs_of(source))


def test_no_atoms_are_given_nothing(path):
    with Store.open(path) as store:
        index = IndexReader(store)
        none = np.zeros(0, np.int64)
        assert page_scores(index, Searcher(index, None, None).prepare("rope"), none, none).tolist() == []


def test_an_atom_that_its_document_does_not_hold_is_damage(path):
    with Store.open(path) as store:
        index = IndexReader(store)
        text = next(source.id for source in store.sources() if source.path == "other.txt")
        atom = places(index)[0][0]
        with pytest.raises(DamagedCrystalError, match="no run of a document holds chunk"):
            page_scores(index, Searcher(index, None, None).prepare("rope"), np.array([atom]), np.array([text]))


def rows(total: int) -> str:
    """Rows that no other table has: equal ones are stored once, for the first page."""
    return "\n".join(
        f"Region {n}    {(n * 37 + total) % 91}.{n % 10}    {n * total % 87}.{n * 7 % 10}" for n in range(1, 60)
    )


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Path:
    """Two pages with like tables far from what they are tables of, and a text that holds one of them."""
    folder = tmp_path_factory.mktemp("reports")
    pages = [f"{subject}\n\n{rows(total)}\nTotal    {total}    {total + 3}" for subject, total in TABLES.items()]
    write_pdf(folder / "report.pdf", pages)
    (folder / "notes.txt").write_text(pages[0], encoding="utf-8")
    with Crystal.create(folder / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([folder / "report.pdf", folder / "notes.txt"])
    return folder / "m.crystal"


TABLES = {
    "Lanterns lit along the northern coast": 4120,
    "Ferries that left the southern harbour": 5230,
    "Ropes sold to pilots and to their widows": 6340,
}


@pytest.mark.parametrize("depth", [2, 3])
@pytest.mark.parametrize(("subject", "number"), [(subject, n) for n, subject in enumerate(TABLES, 1)])
def test_a_table_is_given_what_stands_at_the_head_of_its_page(reports, encoder_folder, subject, number, depth):
    with Crystal.open(reports, encoder=encoder_folder) as crystal:
        recall, question = crystal.searcher(), f"{subject}: the total of all regions?"
        ranked = recall.rank(recall.prepare(question), depth, 300)
        page_of = {atom: page for atom, (_, page) in pages_of(recall.shelf)[0].items()}
        passages = crystal.recall(question, 30, depth=depth)
    on_it = [scored.signals["page"] for scored in ranked if page_of.get(scored.atom) == number]
    # The end of the page before is in one atom with the head of this one.
    others = set(range(1, len(TABLES) + 1)) - {number, number - 1}
    elsewhere = [scored.signals["page"] for scored in ranked if page_of.get(scored.atom) in others]
    assert min(len(on_it), len(elsewhere)) > 2
    assert min(on_it) > 0 > max(elsewhere)
    assert all("page" not in scored.signals for scored in ranked if scored.atom not in page_of)
    for passage in passages:
        shares = sum(share for name, share in passage.shares.items() if name != "atom")
        assert shares == pytest.approx(passage.score, abs=1e-4)


def test_atoms_alone_know_no_pages(reports, encoder_folder):
    with Crystal.open(reports, encoder=encoder_folder) as crystal:
        assert all("page" not in passage.shares for passage in crystal.recall("the total of all regions", 30, depth=1))


def test_what_the_page_gives_stays_when_atoms_are_encoded_again(reports, encoder_folder):
    with Crystal.open(reports, encoder=encoder_folder) as crystal:
        recall, question = crystal.searcher(), "Ropes sold to pilots: the total?"
        before = {scored.atom: scored.signals.get("page") for scored in recall.rank(recall.prepare(question), 3, 24)}
        again = crystal.recall(question, 5, reencode=20)
    kept = [passage.shares["page"] for passage in again if "page" in passage.shares]
    assert kept
    assert set(kept) <= set(before.values())
