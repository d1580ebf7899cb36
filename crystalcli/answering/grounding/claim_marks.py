"""The marks behind the sentences of an answer, for people.

Knows: claims and their text. Does not know: how a claim was checked.
"""

from __future__ import annotations

from crystalcli.answering.grounding.answer_end import FENCE
from crystalcli.datatypes import Answer, Claim


def claim_mark(claim: Claim) -> str:
    """Format the mark to show behind a claim.

    ` [1][2]` for what the sources bear out, ` [cf. 1]` for what should be compared with them,
    ` [not borne out: 1893]` for facts that they do not have, or "".
    """
    see = "" if claim.borne_out else "cf. "
    numbers = "".join(f"[{see}{number}]" for number in claim.citations)
    missing = f"[not borne out: {', '.join(claim.missing)}]" if claim.missing else ""
    space = "\n" if claim.text.endswith(FENCE) else " "  # a mark behind a fence would open it again
    return "".join(f"{space}{part}" for part in (numbers, missing) if part)


def marked_text(answer: Answer) -> str:
    """Give the text of an answer with the mark of each claim behind it."""
    pieces, position = [], 0
    for claim in answer.claims:
        pieces += [answer.text[position : claim.end], claim_mark(claim)]
        position = claim.end
    return "".join([*pieces, answer.text[position:]])
