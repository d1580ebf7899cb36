import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalcli.text.chunking.boundaries import find_boundaries, sentence_spans
from crystalcli.text.chunking.chunker import MAX_CHUNK_TOKENS, MIN_CHUNK_TOKENS, cut_chunks
from crystalcli.text.chunking.unwrap import unwrap_lines
from crystalcli.vectors import default_tokenizer

PARAGRAPH = (
    "Call me a taxi, said Mr. Brown. The driver, who came from St. Ives, did not laugh! Why should he? "
    "It was 4.30 in the morning and e.g. nobody else was about.\n\n"
)

texts = st.text(
    alphabet=st.one_of(st.sampled_from("abcDEF .,!?\n\n\t\"'(){}#-_0123"), st.characters(blacklist_categories=["Cs"])),
    max_size=3000,
)


def chunks_of(text: str, step: int = 1000, code: bool = False) -> list:
    return list(cut_chunks((text[i : i + step] for i in range(0, len(text), step)), default_tokenizer(), code=code))


@settings(max_examples=150, deadline=None)
@given(texts, st.booleans(), st.integers(1, 700))
def test_chunks_joined_are_the_text_and_fit_the_encoder(text, code, step):
    found = chunks_of(text, step, code)
    assert "".join(chunk.text for chunk in found) == text
    for chunk in found:
        assert len(chunk.ids) == len(chunk.ends) <= MAX_CHUNK_TOKENS
        assert all(a <= b for a, b in zip(chunk.ends, chunk.ends[1:], strict=False))
        assert len(chunk.ends) == 0 or chunk.ends[-1] <= len(chunk.text)


@settings(max_examples=60, deadline=None)
@given(texts, st.integers(1, 500))
def test_the_size_of_the_pieces_read_does_not_matter(text, step):
    assert [c.text for c in chunks_of(text, step)] == [c.text for c in chunks_of(text, 10_000)]


def numbered_paragraphs(count: int) -> str:
    return "".join(f"{i}. " + PARAGRAPH for i in range(count))


def test_long_text_in_small_pieces_is_cut_as_in_one():
    text = numbered_paragraphs(3000)
    whole = [c.text for c in chunks_of(text, len(text))]
    assert [c.text for c in chunks_of(text, 777)] == whole
    sizes = [len(c.ids) for c in chunks_of(text, 4096)]
    assert min(sizes[:-1]) >= MIN_CHUNK_TOKENS
    assert max(sizes) <= MAX_CHUNK_TOKENS


def test_an_edit_changes_only_the_chunks_around_it():
    text = numbered_paragraphs(1500)
    before = {c.text for c in chunks_of(text)}
    for at in (0, len(text) // 3, len(text) // 2, len(text) - 10):
        edited = text[:at] + "Something new stands here. " + text[at:]
        new = {c.text for c in chunks_of(edited)} - before
        assert 1 <= len(new) <= 6


def test_chunks_end_at_sentence_ends():
    for chunk in chunks_of(numbered_paragraphs(200))[:-1]:
        assert chunk.text.rstrip()[-1] in ".!?"


def test_code_is_cut_before_definitions():
    functions = [
        f"def function_{i}(a, b):\n" + "".join(f"    a = a + b * {j}\n" for j in range(12)) + "    return a\n\n\n"
        for i in range(40)
    ]
    found = chunks_of("".join(functions), code=True)
    assert len(found) > 5
    assert all(chunk.text.startswith("def function_") for chunk in found)


def test_a_line_without_any_place_to_cut_is_still_cut():
    for text in ("x" * 100_000, "word " * 40_000, "é" * 5000 + " " * 100_000 + "end"):
        found = chunks_of(text, 5000)
        assert "".join(c.text for c in found) == text
        assert max(len(c.ids) for c in found) <= MAX_CHUNK_TOKENS
        assert max(len(c.text) for c in found) <= 1 << 16


def test_sentences_know_abbreviations_initials_and_wrapped_lines():
    text = 'Mr. A. B. Smith lives at No. 4. He said: "Go!" and went.\nNext line'
    assert [text[a:b] for a, b in sentence_spans(text)] == [
        "Mr. A. B. Smith lives at No. 4.",
        'He said: "Go!" and went.',
        "Next line",
    ]
    wrapped = "It is a truth universally acknowledged, that a single man in\npossession of a good fortune, must be in want of a wife.\n"
    assert len(sentence_spans(wrapped)) == 1


@pytest.mark.parametrize(
    "sentences",
    [
        ["雪が降った。", "船は来なかった！", "「もう遅い。」と母は言った。", "（本当に？）", "誰も知らない。"],
        ["“走吧。”", "他说完就走了。", "门关上了！？", "没有人回答……"],
        ["दीपक बुझ गया।", "नाव कल आएगी॥", "कौन आएगा?"],
        ["چراغ بجھ گیا۔", "کون آئے گا؟", "کل۔"],
        ["Ճրագը մարեց։", "Ով կգա։"],
        ["መብራቱ ጠፋ።", "ማን ይመጣል፧"],
        ["មីនា។", "ចត។"],
        ["ལྡེ་མིག་འོག་ན་ཡོད།", "གྲུ་སང་ཉིན་ཡོང་།"],
        ["ꦏꦸꦚ꧀ꦕꦶ꧉", "ꦥꦿꦲꦸ꧉"],
    ],
)
@pytest.mark.parametrize("space", ["", " "])
def test_sentences_end_in_every_script(sentences: list[str], space: str):
    text = space.join(sentences) if "?" not in "".join(sentences) else " ".join(sentences)
    assert [text[low:high] for low, high in sentence_spans(text)] == sentences


def test_turns_of_a_conversation_are_sentences_of_their_own():
    text = "Ann: I went to the support group yesterday and it was so powerful\nBob: Wow\n"
    assert len(sentence_spans(text)) == 2


@given(texts, st.booleans())
@settings(max_examples=150, deadline=None)
def test_boundaries_rise_and_end_at_the_end(text, code):
    ends = [boundary.end for boundary in find_boundaries(text, code)]
    assert ends == sorted(ends)
    assert not text or ends[-1] == len(text)


ROWS = """Berth 7 | Tern | 12.5 m | paid until 30 June | needs a longer stern line
Berth 8 | Auk | 9.0 m | paid until 31 July | to be moved before the regatta
Berth: 9; Hull: Ruff. A yawl; Length: 14.0 m; Note: sails at dawn. Back by noon
Berth: 10; Hull: Knot. A sloop; Length: 8.5 m; Note: laid up. Keys at the office
"""
LOG = """2031-05-02T04:00:07Z WARN  pump.Gauge - sluice 4 reports no level since noon
2031-05-02T04:00:09Z WARN  pump.Gauge - sluice 5 reports no level since noon
May  2 04:00:11 holm pump[77]: The sluice was opened by hand, as no level came
May  2 04:01:12 holm pump[77]: The sluice was closed again by the keeper himself
[ERROR] 04:02:13 Lost the gauge of the upper basin, and no other one is near
[ERROR] 04:03:14 Lost the gauge of the lower basin, and no other one is near
"""
ALIGNED = """Tern        red hull, white deck     Ann of the upper harbour    12.5
Auk         blue hull, teak deck     Bo of the lower harbour      9.0
K17 the yawl that sails on Sundays only, with four guests at the most
K18 the sloop that sails on Mondays only, with six guests at the most
"""
CODE = """draught_of_hull = waterline_length_in_metres * block_coefficient(hull)
lead_of_keel = ballast_in_tonnes / (density_of_lead - density_of_water)
righting_arm(hull, angle_in_degrees=30, centre_of_gravity_in_metres=0.4)
"""
PROSE = """The keeper, who had been at the light since the year of the great flood,
never went down to the harbour, and the boats that came in the summer
of 1911 were the last that he saw. He wrote of them in his book; they
are in it as "twelve came, and 9 went". No other book of the kind is known,
and Mr. Hale (who has read it) calls it dull -- a fair word, all in all.
"""


def test_rows_and_code_are_lines_whatever_their_length() -> None:
    for text in (ROWS, LOG, ALIGNED, CODE):
        assert [text[start:end] for start, end in sentence_spans(text)] == text.splitlines()
        assert "".join(unwrap_lines(text, "text")) == text
    for chunk in chunks_of(ROWS * 40):
        assert chunk.text.endswith("\n")


def test_wrapped_prose_is_joined_across_its_lines() -> None:
    sentences = [PROSE[start:end] for start, end in sentence_spans(PROSE)]
    assert [sentence.split()[0] for sentence in sentences] == ["The", "He", "No"]
    assert "".join(unwrap_lines(PROSE, "text")) == PROSE.rstrip().replace("\n", " ") + "\n"
