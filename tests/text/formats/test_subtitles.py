"""Subtitles: running text with times, tags gone, who speaks kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.readings import read

from crystalcli.errors import SourceError

relaxed = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

SRT = """1
00:00:01,000 --> 00:00:04,000
<i>The ferry</i> leaves

2
00:00:04,100 --> 00:00:06,000
{\\an8}at six. Don&#39;t be
late.

3
00:12:31,000 --> 00:12:33,000
- Who keeps the ledger?
- Marta does.

4
01:02:03,500 --> 01:02:05,000
ANN: <font color="red">No</font>.
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_cues_become_sentences_with_times(tmp_path: Path, newline: str) -> None:
    found = read(tmp_path / "film.srt", SRT.replace("\n", newline))
    assert found.kind == "subtitles"
    assert found.text == ("The ferry leaves at six. Don't be late.\n- Who keeps the ledger?\n- Marta does.\nANN: No.\n")
    assert found.marks["time"] == [
        ("The ferry leaves at six.", "00:00:01"),
        ("- Who keeps the ledger?", "00:12:31"),
        ("ANN: No.", "01:02:03"),
    ]


def test_web_subtitles(tmp_path: Path) -> None:
    found = read(
        tmp_path / "film.VTT",
        "WEBVTT - a film\n\nSTYLE\n::cue { color: red }\n\nNOTE nothing\nto read\n\nintro\n00:01.000 --> 00:03.000 align:start\n"
        "<v.loud Ann Lee>So <c.yellow>we</c> went.</v>\n\n00:03.000 --> 00:05.000\n<v Bob>Where <00:04.000>to?\n",
    )
    assert found.text == "Ann Lee: So we went.\nBob: Where to?\n"
    assert found.marks["time"] == [("Ann Lee: So we went.", "00:00:01"), ("Bob: Where to?", "00:00:03")]


def test_what_automatic_captions_show_again_stands_once(tmp_path: Path) -> None:
    cues = ["so today", "so today\nwe talk about", "we talk about\ntides and", "tides and"]
    content = "".join(f"\n00:00:{n:02}.000 --> 00:00:{n + 1:02}.000\n{cue}\n" for n, cue in enumerate(cues))
    assert read(tmp_path / "a.vtt", "WEBVTT\n" + content).text == "so today we talk about tides and\n"


def test_a_long_stretch_without_a_full_stop_has_times(tmp_path: Path) -> None:
    cues = [f"\n{n}\n00:{n // 60:02}:{n % 60:02},000 --> 00:{n // 60:02}:{n % 60:02},900\nword{n}\n" for n in range(65)]
    labels = [label for _, label in read(tmp_path / "a.srt", "".join(cues)).marks["time"]]
    assert labels == ["00:00:00", "00:00:10", "00:00:20", "00:00:30", "00:00:40", "00:00:50", "00:01:00"]


def test_no_empty_lines_between_the_cues(tmp_path: Path) -> None:
    content = "1\n00:00:01,000 --> 00:00:02,000\nOne.\n2\n00:00:02,000 --> 00:00:03,000\nTwo.\n"
    assert read(tmp_path / "a.srt", content).text == "One. Two.\n"


def test_a_file_without_cues(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no subtitles in it"):
        read(tmp_path / "a.srt", "Nothing of the kind.\n")


@relaxed
@given(st.lists(st.sampled_from(["1", "00:00:01,000 --> 00:00:02,000", "", "text", "<b", "- a", "{\\x"])))
def test_anything_is_text_or_none(tmp_path: Path, lines: list[str]) -> None:
    try:
        found = read(tmp_path / "a.srt", "WEBVTT\n" + "\n".join(lines))
    except SourceError as error:
        assert str(error) == "no subtitles in it"
    else:
        assert "-->" not in found.text
