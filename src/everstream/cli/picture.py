"""What a terminal shows, as an SVG file that needs nothing from elsewhere."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console, RenderableType
from rich.terminal_theme import TerminalTheme

__all__ = ["PICTURE_WIDTH", "save_picture"]

PICTURE_WIDTH = 99
"""Columns of a picture."""

_CHARACTER_RATIO = 0.602  # width to height in DejaVu Sans Mono, Menlo and most others

_FRAME = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, SFMono-Regular, Menlo, "DejaVu Sans Mono", "Liberation Mono", monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
}}
.{unique_id}-title {{ font: bold 17px system-ui, sans-serif; opacity: 0.7; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect width="{terminal_width}" height="{terminal_height}"/>
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix" xml:space="preserve">
{matrix}
</g>
</g>
</svg>
"""
"""rich's own frame names fonts on a server of somebody else."""

_THEME = TerminalTheme(
    (13, 17, 23),
    (214, 221, 229),
    [
        (72, 79, 88),
        (255, 123, 114),
        (63, 185, 80),
        (210, 153, 34),
        (88, 166, 255),
        (188, 140, 255),
        (57, 197, 207),
        (177, 186, 196),
    ],
    [
        (45, 51, 59),
        (255, 161, 152),
        (86, 211, 100),
        (227, 179, 65),
        (121, 192, 255),
        (210, 168, 255),
        (86, 212, 221),
        (240, 246, 252),
    ],
)


def save_picture(path: Path, title: str, *parts: RenderableType) -> None:
    """Saves what a terminal would show.

    Args:
        path: The SVG file.
        title: What stands in the window's bar.
        parts: What is shown, one below the other.
    """
    console = Console(
        record=True, width=PICTURE_WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    for part in parts:
        console.print(part, highlight=False)
    console.print()
    svg = console.export_svg(
        title=title,
        theme=_THEME,
        code_format=_FRAME,
        font_aspect_ratio=_CHARACTER_RATIO,
        unique_id="demo",
    )
    # Whatever the font's width, lines of characters stay joined.
    svg = svg.replace(' textLength="', ' lengthAdjust="spacingAndGlyphs" textLength="')
    path.write_text(svg, "utf-8")
