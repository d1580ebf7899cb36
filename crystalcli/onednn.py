"""How much oneDNN, which multiplies for torch, keeps: of each shape that it has met, code and room of its own.

It would keep 1,024 of them: 100 to 200 MB, since chunks and prompts have many lengths. Speed needs those of one pass through a model.
"""

from __future__ import annotations

import os

_VARIABLE, _SHAPES = "ONEDNN_PRIMITIVE_CACHE_CAPACITY", "64"


def keep_little() -> None:
    """To be called before torch first multiplies: from then on it does nothing. What the user has set stays."""
    os.environ.setdefault(_VARIABLE, _SHAPES)
