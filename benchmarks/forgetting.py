"""The forgetting curve as a picture.

python benchmarks/forgetting.py [-o docs/forgetting.svg]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from chart import Line, line_chart

from crystalcli.neural_memory import Forgetting

PICTURE = Path(__file__).parent.parent / "docs" / "forgetting.svg"
LAST, STEPS = 8.0, 160  # half-lives that are drawn, and points of each line


def picture() -> str:
    """Draw the retention by age, in half-lives of a memory of importance 1."""
    curve = Forgetting.by_half_life(1.0)
    ages = [LAST * step / STEPS for step in range(STEPS + 1)]

    def of(importance: float) -> Line:
        return Line([(age, curve.retained(age, curve.initial(importance))) for age in ages])

    lines = {
        "importance 4": of(4.0),
        "importance 1": of(1.0),
        "importance 1, recalled at 1 and 3": Line(recalled(curve, ages, [1.0, 3.0])),
        "pinned": of(float("inf")),
        "exponential, for comparison": Line([(age, 0.5**age) for age in ages], dashed=True),
    }
    return line_chart(
        "What is left of a memory",
        lines,
        ("age, in half-lives", 0.0, LAST, 1.0),
        ("R = (1 + F·t/S)^-0.5", 0.0, 1.0, 0.25),
    )


def recalled(curve: Forgetting, ages: list[float], recalls: list[float]) -> list[tuple[float, float]]:
    """Return the retention of a memory that was recalled at some ages."""
    stability, last, points = curve.initial(1.0), 0.0, []
    waiting = list(recalls)
    for age in ages:
        if waiting and age >= waiting[0]:
            at = waiting.pop(0)
            points.append((at, curve.retained(at - last, stability)))
            stability, last = curve.strengthened(stability, at - last), at
        points.append((age, curve.retained(age - last, stability)))
    return points


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=PICTURE)
    parser.parse_args().output.write_text(picture(), encoding="utf-8")


if __name__ == "__main__":
    main()
