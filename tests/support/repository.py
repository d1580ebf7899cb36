"""Where the repository's files lie, for tests at any depth."""

from pathlib import Path

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
SAMPLES = ROOT / "samples"
DOCS = ROOT / "docs"
GOLDEN = TESTS / "golden"
