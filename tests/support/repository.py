"""Where the repository's files lie, for tests at any depth."""

import os
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
SAMPLES = ROOT / "samples"
DOCS = ROOT / "docs"
GOLDEN = TESTS / "golden"


def environment(**changes: str) -> dict[str, str]:
    """This process's environment for a child that imports what this one can, `support` included."""
    path = os.pathsep.join([str(TESTS), *filter(None, sys.path)])
    return {**os.environ, "PYTHONPATH": path, **changes}
