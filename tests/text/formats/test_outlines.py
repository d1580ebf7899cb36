"""Outlines, canvases and XML in UTF-16, as programs write them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.documents import read

OPML = (
    '<?xml version="1.0" encoding="{}"?><opml version="2.0"><head><title>Oil &amp; wicks</title></head><body>'
    '<outline text="Plan" _note="Buy oil&#10;&amp; rope"><outline text="Step &lt;b&gt;one&lt;/b&gt;, 2 &lt; 3"/></outline>'
    "</body></opml>"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
def test_an_outline_in_any_unicode_and_without_tags(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.opml"
    path.write_bytes(OPML.format("utf-8" if encoding == "utf-8" else "UTF-16").encode(encoding))
    found = read(path)
    assert found.title == "Oil & wicks"
    assert found.text == "Plan\nBuy oil\n& rope\n- Step one, 2 < 3\n"


def test_arrows_of_a_canvas_go_between_the_first_lines_of_cards(tmp_path: Path) -> None:
    cards = [
        {"id": "1", "type": "text", "text": "\n## Tide\nHigh at noon", "x": 0, "y": 0, "width": 9, "height": 9},
        {"id": "2", "type": "file", "file": "Lamp.md", "x": 20, "y": 0, "width": 9, "height": 9},
    ]
    path = tmp_path / "a.canvas"
    edges = [{"fromNode": "1", "toNode": "2", "label": "needs"}]
    path.write_text(json.dumps({"nodes": cards, "edges": edges}), encoding="utf-8")
    assert read(path).text.endswith("\n\nTide → [[Lamp.md]]: needs\n")


def test_attributes_and_counts_of_tasks_are_no_part_of_a_heading(tmp_path: Path) -> None:
    (tmp_path / "a.qmd").write_text("## Ice {#sec-ice .unnumbered}\n\n## Core {-}\n\n## Set {1, 2}\n", encoding="utf-8")
    (tmp_path / "a.org").write_text("* TODO Cores [1/2]\n** Ice [50%]\n** Room [12]\n", encoding="utf-8")
    assert read(tmp_path / "a.qmd").labels("heading") == ["Ice", "Core", "Set {1, 2}"]
    assert read(tmp_path / "a.org").labels("heading") == ["Cores", "Cores › Ice", "Cores › Room [12]"]
