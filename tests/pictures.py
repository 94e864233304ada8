"""What a reader of a picture sees: its words, and which of them reach over the edge."""

from __future__ import annotations

from typing import Any

import matplotlib.text


def drawn(axes: Any) -> str:
    """Draw, which warns of missing glyphs, and return all text."""
    axes.figure.canvas.draw()
    return "\n".join(text.get_text() for text in axes.findobj(matplotlib.text.Text) if text.get_visible())


def cut_off(axes: Any) -> list[str]:
    """Texts that reach over the edge of the picture."""
    figure = axes.figure
    figure.canvas.draw()
    page = figure.bbox.padded(1.0)
    texts = [text for text in axes.findobj(matplotlib.text.Text) if text.get_visible() and text.get_text()]
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts]
    return [text for text, box in boxes if not (page.contains(*box.min) and page.contains(*box.max))]
