"""The documents: lines that end at column 100, links that lead somewhere, decisions that are in the index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]
COLUMNS = 100


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def without_code(text: str) -> Iterator[tuple[int, str]]:
    """Lines of a page with their numbers from 1, without fenced and indented code."""
    fenced = False
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced and not line.startswith("    "):
            yield number, line


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = [line.lstrip("#") for _, line in without_code(page.read_text(encoding="utf-8")) if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_lines_of_prose_end_at_column_100(page):
    lines = without_code(page.read_text(encoding="utf-8"))
    assert [(number, line) for number, line in lines if len(line) > COLUMNS and not line.startswith("|")] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_between_pages_lead_somewhere(page):
    text = "\n".join(line for _, line in without_code(page.read_text(encoding="utf-8")))
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_benchmarks_that_a_page_names_exist(page):
    scripts = set(re.findall(r"benchmarks/\w+\.py", page.read_text(encoding="utf-8")))
    assert [script for script in sorted(scripts) if not (ROOT / script).exists()] == []


def test_every_decision_is_in_the_index_and_dated():
    folder = ROOT / "docs" / "decisions"
    index = (folder / "README.md").read_text(encoding="utf-8")
    decisions = sorted(folder.glob("[0-9]*.md"))
    assert decisions
    for decision in decisions:
        number = decision.name[:3]
        heading, _, dated, *_ = decision.read_text(encoding="utf-8").splitlines()
        assert f"[{number}]({decision.name})" in index
        assert heading.startswith(f"# {number}: "), decision.name
        assert re.match(r"(Date: )?20\d\d-\d\d-\d\d", dated), decision.name
