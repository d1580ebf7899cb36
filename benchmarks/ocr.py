"""OCR of scans: words in order, seconds a page and memory, beside tesseract.

    python benchmarks/ocr.py FILE.pdf... [--pages 3] [--dots 200] [--skew 0.7]

Pages of PDFs that have letters are drawn as a scanner would see them: grey, at so many dots an
inch, put down askew, blurred a little and with grains. They become a PDF of pictures, which is read
as `crystal ingest --ocr` reads it, and by tesseract where it is installed (one thread, as it comes,
pages as PNG). The truth is the text layer of the same page as Crystal reads it without OCR, without
running headers. PDFs without letters are read too: of them only time and memory are counted.

`words` is the share of the truth's words, without case and punctuation, that stand in the text in
the same order (difflib's matching blocks); `extra` the share of the text's words that do not.
Seconds are of the wall and of the processor, the start of the networks included.
"""

from __future__ import annotations

import argparse
import difflib
import io
import random
import re
import resource
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from common import machine
from PIL import Image, ImageChops, ImageFilter

from crystalcli.errors import SourceError
from crystalcli.text import ReadOptions, open_source
from crystalcli.text.source.worker_process import dismiss

FEWEST_WORDS = 150  # of a page that is chosen


def page_texts(path: Path, *, ocr: bool) -> dict[str, str]:
    """Read a PDF; give the text of each page by its label."""
    texts: dict[str, list[str]] = {}
    label = ""
    try:
        for piece in open_source(path, ReadOptions(ocr=ocr))[1].pieces():
            if isinstance(piece, str):
                texts.setdefault(label, []).append(piece)
            elif piece.kind == "page":
                label = piece.label
    except SourceError:
        return {}
    return {label: "".join(pieces) for label, pieces in texts.items()}


def words_of(text: str) -> list[str]:
    """Split a text into words without case and punctuation."""
    return re.findall(r"\w+", text.lower())


def in_order(truth: str, text: str) -> tuple[int, int, int]:
    """Count the words of the truth, of the text, and those that both have in the same order."""
    one, other = words_of(truth), words_of(text)
    blocks = difflib.SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    return len(one), len(other), sum(block.size for block in blocks)


def scan_of(path: Path, number: int, dots: int, skew: float, seed: int) -> Image.Image:
    """Draw a page as a scanner would see it."""
    import pypdfium2

    document = pypdfium2.PdfDocument(path)
    try:
        picture = document[number].render(scale=dots / 72).to_pil().convert("L")
    finally:
        document.close()
    chance = random.Random(seed)
    angle = chance.uniform(-skew, skew)
    picture = picture.rotate(angle, Image.Resampling.BICUBIC, fillcolor=255).filter(ImageFilter.GaussianBlur(0.6))
    grains = Image.frombytes("L", (256, 256), bytes(chance.randrange(0, 26) for _ in range(1 << 16)))
    noise = Image.new("L", picture.size)
    for x in range(0, picture.width, 256):
        for y in range(0, picture.height, 256):
            noise.paste(grains, (x, y))
    return ImageChops.subtract(picture, noise)


def children_seconds() -> float:
    """Sum the processor time of ended child processes, in seconds."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Read each file and print a row for each reader."""
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--pages", type=int, default=3)
    parser.add_argument("--dots", type=int, default=200)
    parser.add_argument("--skew", type=float, default=0.7)
    options = parser.parse_args()
    print(machine())
    totals: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in options.files:
            truths = page_texts(path, ocr=False)
            long = [
                label for label, text in truths.items() if len(words_of(text)) >= FEWEST_WORDS and label.isdecimal()
            ]
            step = max(1, len(long) // options.pages)
            chosen = long[::step][: options.pages]
            is_scan = not truths
            if not chosen and not is_scan:
                continue
            scan = path if is_scan else Path(folder, path.name)
            pictures: list[Image.Image] = []
            if not is_scan:
                labels = list(truths)
                pictures = [
                    scan_of(path, labels.index(label), options.dots, options.skew, number)
                    for number, label in enumerate(chosen)
                ]
                pictures[0].save(scan, "PDF", save_all=True, append_images=pictures[1:], resolution=options.dots)
            for reader in ("crystal", "tesseract"):
                if reader == "tesseract" and (is_scan or not shutil.which("tesseract")):
                    continue
                dismiss()
                began, before = time.monotonic(), children_seconds()
                if reader == "crystal":
                    read = list(page_texts(scan, ocr=True).values())
                else:
                    read = [tesseract(picture) for picture in pictures]
                wall = time.monotonic() - began
                dismiss()
                cpu = children_seconds() - before
                pages = len(read) if is_scan else len(chosen)
                row = totals.setdefault(reader, [0.0] * 6)
                counts = [0, 0, 0]
                for label, text in zip(chosen, read, strict=False):
                    counts = [sum(pair) for pair in zip(counts, in_order(truths[label], text), strict=True)]
                for index, value in enumerate((*counts, pages, wall, cpu)):
                    row[index] += value
                print(f"{path.name[:40]:40} {reader:9} {report(*counts, pages, wall, cpu)}", flush=True)
    for reader, row in totals.items():
        print(f"{'all':40} {reader:9} {report(*row)}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"largest child process: {peak:.0f} MB")
    if not shutil.which("tesseract"):
        print("tesseract is not installed")


def tesseract(picture: Image.Image) -> str:
    """Read a page with tesseract as it comes, in one thread."""
    data = io.BytesIO()
    picture.save(data, "PNG")
    command = ["tesseract", "stdin", "stdout", "-l", "eng"]
    done = subprocess.run(
        command, input=data.getvalue(), capture_output=True, check=True, env={"OMP_THREAD_LIMIT": "1"}
    )
    return done.stdout.decode()


def report(truth: float, text: float, same: float, pages: float, wall: float, cpu: float) -> str:
    """Format a row of the table."""
    found = f"words {same / truth:.3f} extra {1 - same / max(text, 1):.3f}" if truth else " " * 25
    pages = max(pages, 1)
    return f"{found} pages {pages:.0f} s/page {wall / pages:.2f} cpu {cpu / pages:.2f}"


if __name__ == "__main__":
    main()
