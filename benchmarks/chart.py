"""Line charts as SVG without a library: a chart in docs/ is text that a diff can show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

WIDTH, HEIGHT = 860, 400
LEFT, RIGHT, TOP, BOTTOM = 64, 270, 44, 52  # the labels of the lines are at the right
COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#555555",
    "#cc79a7",
)  # Okabe and Ito's palette, safe for colour-blind readers


class Line(NamedTuple):
    """A line of a chart: points (x, y), x rising; dashed for a baseline."""

    points: Sequence[tuple[float, float]]
    dashed: bool = False


def line_chart(
    title: str,
    lines: Mapping[str, Line],
    x: tuple[str, float, float, float],
    y: tuple[str, float, float, float] = ("", 0.0, 1.0, 0.25),
) -> str:
    """Draw an SVG picture.

    `x` and `y` give the label of an axis, its range, and the distance of its ticks.
    """
    (x_name, x_first, x_last, x_step), (y_name, y_first, y_last, y_step) = x, y

    def across(value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - x_first) / (x_last - x_first)

    def down(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - y_first) / (y_last - y_first)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="24" font-size="16">{escape(title)}</text>',
    ]
    for mark in marks(y_first, y_last, y_step):
        at = down(mark)
        parts.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{mark:g}</text>')
    for mark in marks(x_first, x_last, x_step):
        at = across(mark)
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{mark:g}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle:g}" y="{HEIGHT - 12}" text-anchor="middle">{escape(x_name)}</text>')
    parts.append(
        f'<text transform="translate(18 {HEIGHT / 2:g}) rotate(-90)" text-anchor="middle">{escape(y_name)}</text>'
    )
    for index, (name, line) in enumerate(lines.items()):
        colour = COLOURS[index % len(COLOURS)]
        path = "L".join(f"{across(a):.1f} {down(b):.1f}" for a, b in line.points)
        dash = ' stroke-dasharray="6 5"' if line.dashed else ""
        parts.append(f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>')
        at = TOP + 16 + 20 * index
        parts.append(f'<path d="M{WIDTH - RIGHT + 16} {at - 4}h28" stroke="{colour}" stroke-width="2"{dash}/>')
        parts.append(f'<text x="{WIDTH - RIGHT + 52}" y="{at}">{escape(name)}</text>')
    parts.append("</svg>\n")
    return "\n".join(parts)


def marks(first: float, last: float, step: float) -> list[float]:
    """Return the ticks of an axis."""
    return [round(first + index * step, 9) for index in range(int((last - first) / step + 1e-9) + 1)]
