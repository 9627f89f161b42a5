"""
An outage as a picture: SVG that takes the colours of the page that it stands in.

Nothing but text is written, without a date, so the same figures give the same file.
"""

from __future__ import annotations

from collections.abc import Sequence

WIDTH, HEIGHT, GAP = 440, 150, 44  # of one panel
LEFT, RIGHT = 40, 8
STEP = 5  # seconds that one point is the mean of
STYLE = """
    .careof-fleet { color: var(--color-foreground-primary, currentColor); display: block;\
 font-family: inherit; height: auto; margin: 1.5rem auto; max-width: 40rem; width: 100%; }
    .careof-fleet text { fill: currentColor; font-size: 13px; }
    .careof-fleet .title { font-size: 15px; font-weight: 600; }
    .careof-fleet .tick { font-size: 12px; opacity: .8; }
    .careof-fleet .axis { opacity: .35; stroke: currentColor; }
    .careof-fleet .dark { fill: currentColor; opacity: .1; }
    .careof-fleet .most { opacity: .7; stroke: currentColor; stroke-dasharray: 3 4; }
    .careof-fleet .asked { fill: none; stroke: var(--color-brand-primary, #2a6fdb);\
 stroke-linejoin: round; stroke-width: 1.5; }
"""


def drawn(
    panels: Sequence[tuple[str, Sequence[int]]],
    *,
    dark: tuple[float, float],
    capacity: float,
    title: str,
    description: str,
) -> str:
    """
    Requests a second of each of the *panels*, one below the other on the same scale.

    Args:
        dark: From when to when the endpoint was away, in seconds.
        capacity: What it can answer in a second.
    """
    seconds = min(len(asked) for _, asked in panels)
    means = [(name, _means(asked[:seconds])) for name, asked in panels]
    top = max(capacity, *(max(values) for _, values in means))
    top = 100 * -(-top // 100)
    height = len(panels) * (HEIGHT + GAP) + 22

    def x(second: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * second / seconds

    parts = [
        f'<svg class="careof-fleet" viewBox="0 0 {WIDTH} {height}" role="img"',
        '  aria-labelledby="careof-fleet-title careof-fleet-desc"',
        '  xmlns="http://www.w3.org/2000/svg">',
        f'  <title id="careof-fleet-title">{title}</title>',
        f'  <desc id="careof-fleet-desc">{description}</desc>',
        f"  <style>{STYLE}  </style>",
    ]
    for number, (name, values) in enumerate(means):
        floor = (number + 1) * (HEIGHT + GAP) - 14
        ceiling = floor - HEIGHT

        def y(value: float, floor: float = floor) -> float:
            return floor - HEIGHT * value / top

        points = " ".join(
            f"{x((index + 0.5) * STEP):.1f},{y(value):.1f}" for index, value in enumerate(values)
        )
        begin, end = map(x, dark)
        parts += [
            f'  <text class="title" x="{LEFT}" y="{ceiling - 10}">{name}</text>',
            f'  <path class="dark" d="M{begin:.1f} {ceiling}H{end:.1f}V{floor}H{begin:.1f}Z"/>',
            f'  <path class="axis" d="M{LEFT} {floor}H{WIDTH - RIGHT}"/>',
            f'  <path class="most" d="M{LEFT} {y(capacity):.1f}H{WIDTH - RIGHT}"/>',
            f'  <polyline class="asked" points="{points}"/>',
        ]
        parts += [
            f'  <text class="tick" x="{LEFT - 6}" y="{y(value) + 4:.1f}" text-anchor="end">'
            f"{value:.0f}</text>"
            for value in (0, capacity, top)
        ]
        parts += [
            f'  <text class="tick" x="{x(dark[0] + 60 * minute):.1f}" y="{floor + 15}"'
            f' text-anchor="middle">{minute}</text>'
            for minute in range(0, int((seconds - dark[0]) / 60) + 1, 5)
        ]
        if number == 0:
            parts.append(
                f'  <text class="tick" x="{(begin + end) / 2:.1f}" y="{ceiling + 16}"'
                ' text-anchor="middle">the endpoint is away</text>'
            )
        elif number == 1:  # where nothing crosses it
            parts.append(
                f'  <text class="tick" x="{WIDTH - RIGHT}" y="{y(capacity) - 6:.1f}"'
                ' text-anchor="end">what it can answer</text>'
            )
    parts.append(
        f'  <text class="tick" x="{WIDTH - RIGHT}" y="{height - 4}" text-anchor="end">'
        "requests a second, by minutes since it went away</text>"
    )
    return "\n".join([*parts, "</svg>", ""])


def _means(values: Sequence[int]) -> list[float]:
    return [
        sum(values[begin : begin + STEP]) / STEP
        for begin in range(0, len(values) - STEP + 1, STEP)
    ]
