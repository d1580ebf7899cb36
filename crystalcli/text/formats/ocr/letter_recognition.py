"""Recognition of the letters in a picture (OCR): lines of text and where they stand.

By rapidocr with the networks of PP-OCR that its wheel carries (Cui et al., "PaddleOCR 3.0 Technical
Report", 2025): one finds lines, one reads them. Nothing is fetched: each network is named by its
file. The extra `crystalcli[ocr]` brings rapidocr.

A page that lies on its side or upside down is turned, and a page that was put onto the scanner at
an angle is straightened, so that lines are level.

Knows: pixels. Does not know: pages, files, the order in which lines are read.
"""

from __future__ import annotations

import math
import os
import statistics
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from crystalcli.errors import CrystalError

EXTRA = "rapidocr is not installed: pip install 'crystalcli[ocr]'"
LONGEST_SIDE = 1600  # pixels of a picture of a page; about 140 dots per inch of A4
_LEAST_SCORE = 0.5  # probability of a line's letters, on average
_EM = 0.82  # of the height of a line's box: a font's size
_BELOW = 0.25  # of the height of a line's box, under its base line
_BESIDE = 0.23  # ems of a line's box before its first letter, and behind its last
_WIDE_GAP = 0.8  # ems between words that may stand in two columns, at least
_SAME_SIZE = 0.27  # of the usual size, by which boxes of lines in one font differ
_TALL = 1.5  # height by width of a line that runs up or down
_LONG = 5.0  # width by height of a line whose slope is that of the page
_SURE = 0.85  # mean probability of letters that are not upside down
_MOST_SKEW = 15.0  # degrees
_MOST_THREADS = 4
_NETWORKS = {
    "Det": "PP-OCRv6_det_small.onnx",
    "Rec": "PP-OCRv6_rec_small.onnx",
}


class TextLine(NamedTuple):
    """A line of letters in a picture, or a part of one.

    Attributes:
        x0: left end, in pixels from the left.
        x1: right end.
        base: base line, in pixels from the top.
        size: about the size of its font, in pixels.
        text: its letters.
    """

    x0: float
    x1: float
    base: float
    size: float
    text: str


class PictureText(NamedTuple):
    """The text of a picture.

    Attributes:
        lines: its lines, in no order.
        width: width of the picture as it is read, in pixels.
        height: its height.
    """

    lines: list[TextLine]
    width: int
    height: int


def check_ocr_installed() -> None:
    """Check that pictures can be read.

    Raises:
        CrystalError: The extra is not installed.
    """
    if find_spec("rapidocr") is None:
        raise CrystalError(f"--ocr: {EXTRA}")


def read_picture(picture: NDArray[np.uint8]) -> PictureText:
    """Read the letters of a picture.

    Args:
        picture: Pixels in blue, green and red, uint8 [height, width, 3].
    """
    found = _found_in(picture)
    if _lies_on_its_side(found):
        picture = np.ascontiguousarray(np.rot90(picture))
        found = _found_in(picture)
    if found and _certainty(found) < _SURE:  # letters that are upside down are read as others
        turned = _found_in(np.ascontiguousarray(np.rot90(picture, 2)))
        if _letters_known(turned) > _letters_known(found):
            found = turned
    height, width = picture.shape[:2]
    return PictureText(_text_lines(found, width, height), width, height)


@cache
def _engine() -> Any:
    """Make the reader of this process; it keeps its networks."""
    import rapidocr

    folder = Path(rapidocr.__file__).parent / "models"
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    settings: dict[str, Any] = {f"{part}.model_path": str(folder / name) for part, name in _NETWORKS.items()}
    settings["Det.use_dilation"] = False  # which joins columns with a narrow gap
    settings["Global.log_level"] = "critical"
    settings["Global.text_score"] = _LEAST_SCORE
    settings["EngineConfig.onnxruntime.intra_op_num_threads"] = min(processors, _MOST_THREADS)
    return rapidocr.RapidOCR(params=settings)


class _Found(NamedTuple):
    """A line that was found.

    Attributes:
        box: its corners from the upper left one, float64 [4, 2].
        text: its letters.
        score: the probability of its letters, on average.
    """

    box: NDArray[np.float64]
    text: str
    score: float


def _found_in(picture: NDArray[np.uint8]) -> list[_Found]:
    """Find and read lines.

    The network that looks for lines upside down is left out: it turns long lines that are not.
    """
    result = _engine()(picture, use_det=True, use_cls=False, use_rec=True, return_word_box=True)
    if not len(result) or result.boxes is None:
        return []
    words = result.word_results if len(result.word_results) == len(result.txts) else [()] * len(result.txts)
    return [
        part
        for box, text, score, of_line in zip(result.boxes, result.txts, result.scores, words, strict=True)
        if text.strip()
        for part in _parted(_Found(np.asarray(box, dtype=np.float64), text, float(score)), of_line or ())
    ]


def _parted(line: _Found, words: Sequence[tuple[str, float, Any]]) -> list[_Found]:
    """Part a line at its wide gaps: it may go over two columns that stand close to one another.

    Args:
        line: the line.
        words: its words with their scores and corners, as far as they are known.
    """
    (left, _), (right, _) = line.box[:2]
    width, height = _extent(line.box)
    if width < height or right <= left:
        return [line._replace(text=" ".join(line.text.split()))]
    beside = _BESIDE * _EM * height
    cuts: list[tuple[int, float, float]] = []  # letter, and the ends of boxes around the gap before it
    at, end = 0, left
    for word, _, box in words:
        start = line.text.find(word, at)
        if start < 0 or box is None:
            break
        x0, x1 = min(point[0] for point in box), max(point[0] for point in box)
        if at and x0 - end > _WIDE_GAP * _EM * height:
            cuts.append((start, end + beside, x0 - beside))
        at, end = start + len(word), max(end, x1)
    parts = []
    starts = [(0, left), *((letter, x0) for letter, _, x0 in cuts)]
    ends = [*((letter, x1) for letter, x1, _ in cuts), (len(line.text), right)]
    for (first, x0), (last, x1) in zip(starts, ends, strict=True):
        if text := " ".join(line.text[first:last].split()):
            low, high = ((x - left) / (right - left) for x in (x0, x1))
            top, bottom = line.box[1] - line.box[0], line.box[2] - line.box[3]
            corners = [line.box[0] + low * top, line.box[0] + high * top]
            corners += [line.box[3] + high * bottom, line.box[3] + low * bottom]
            parts.append(_Found(np.array(corners), text, line.score))
    return parts


def _letters_known(found: Sequence[_Found]) -> float:
    return sum(line.score * len(line.text) for line in found)


def _certainty(found: Sequence[_Found]) -> float:
    """Return the mean probability of a letter."""
    return _letters_known(found) / sum(len(line.text) for line in found)


def _extent(box: NDArray[np.float64]) -> tuple[float, float]:
    """Give the width and height of a box along its own sides."""
    return math.dist(box[0], box[1]), math.dist(box[0], box[3])


def _lies_on_its_side(found: Sequence[_Found]) -> bool:
    """Tell whether most letters are in lines that run up or down."""
    letters = [(len(line.text), *_extent(line.box)) for line in found if len(line.text) > 2]
    tall = sum(count for count, width, height in letters if height > _TALL * width)
    return 2 * tall > sum(count for count, _, _ in letters)


def _text_lines(found: Sequence[_Found], width: int, height: int) -> list[TextLine]:
    """Make level lines, whose sizes are the same where they differ as boxes of one font do."""
    slopes = [
        math.atan2(line.box[1, 1] - line.box[0, 1], line.box[1, 0] - line.box[0, 0])
        for line in found
        if _extent(line.box)[0] > _LONG * _extent(line.box)[1]
    ]
    slope = statistics.median(slopes) if slopes else 0.0
    slope = slope if abs(math.degrees(slope)) < _MOST_SKEW else 0.0
    cosine, sine = math.cos(slope), math.sin(slope)
    middle = np.array([width / 2, height / 2])
    turn = np.array([[cosine, -sine], [sine, cosine]])
    level = [(line.box - middle) @ turn + middle for line in found]
    sizes = [_EM * _extent(box)[1] for box in level]
    letters = [size for size, line in zip(sizes, found, strict=True) for _ in line.text]
    usual = statistics.median(letters) if letters else 1.0
    out = []
    for box, size, line in zip(level, sizes, found, strict=True):
        base = float(box[2:, 1].mean()) - _BELOW * size / _EM
        size = usual if abs(size - usual) < _SAME_SIZE * usual else size
        x0, x1 = float(box[:, 0].min()), float(box[:, 0].max())
        beside = min(_BESIDE * size, (x1 - x0) / 4)
        out.append(TextLine(x0 + beside, x1 - beside, base, size, line.text))
    return out
