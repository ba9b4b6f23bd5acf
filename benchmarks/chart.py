"""The results as a picture: bars of one case, in SVG, readable on light and on dark pages."""

from __future__ import annotations

from xml.sax.saxutils import escape

from benchmarks.results import Results

WIDTH, LABELS, BAR, GAP = 720, 190, 20, 10
_TOP, _NUMBERS = 44, 110
_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-weight: 600; font-size: 15px }
.other { fill: #8c959f } .ours { fill: #1f7a4d }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .other { fill: #6e7681 } .ours { fill: #3fb97c }
}"""


def chart(results: Results, case: str) -> str:
    """Bars of the seconds that every client took in `case`, shortest first."""
    found = sorted(results.of(case), key=lambda m: m.seconds)
    height = _TOP + len(found) * (BAR + GAP) + GAP
    longest = max(m.seconds for m in found)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(case)}</title><style>{_STYLE}\n</style>",
        f'<text class="title" x="0" y="20">{escape(case[0].upper() + case[1:])}</text>',
    ]
    for at, measurement in enumerate(found):
        top = _TOP + at * (BAR + GAP)
        length = max(2.0, (WIDTH - LABELS - _NUMBERS) * measurement.seconds / longest)
        ours = "services84" in measurement.client or measurement.client == "SyncEmailAccount"
        ratio = results.against_raw(measurement)
        text = f"{measurement.seconds:.3g} s" + (f" ({ratio:.1f} × raw)" if ratio else "")
        parts += [
            f'<text x="{LABELS - 8}" y="{top + 15}" text-anchor="end">'
            f"{escape(measurement.client)}</text>",
            f'<rect class="{"ours" if ours else "other"}" x="{LABELS}" y="{top}" '
            f'width="{length:.1f}" height="{BAR}" rx="3"/>',
            f'<text x="{LABELS + length + 6:.1f}" y="{top + 15}">{text}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])
