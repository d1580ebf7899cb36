"""An answer as plain text while it comes: evidence, the model's words, sources.

Nothing is shown twice: a source that was quoted before is named with its place alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.padding import Padding
from rich.text import Text

from crystalcli.answering import quotation_line
from crystalcli.cli.render.answer_view import answer_text, is_quotations
from crystalcli.cli.render.place_text import format_headings, format_location
from crystalcli.cli.terminal.output import output, sanitize
from crystalcli.cli.terminal.word_wrap import WordWrap
from crystalcli.datatypes import Answer, Citation

_WIDEST = 100  # columns: longer lines are hard to read
_BAR = "\N{BOX DRAWINGS LIGHT VERTICAL} "
_LONGEST_QUOTE = 400  # characters of evidence on a terminal; its source then has the whole


class AnswerScreen:
    """Writes one answer in plain text. Lines are broken on a terminal only."""

    def __init__(self) -> None:
        self._console = output.console
        self._width = min(self._console.width, _WIDEST) if self._console.is_terminal else None
        self._wrap = WordWrap(self._width)
        self._shown: set[tuple[str, int, int]] = set()
        self._has_text = False

    def show_evidence(self, citations: Iterable[Citation]) -> None:
        """Write the sentences that were found, each with its place, before the model's words."""
        for citation in citations:
            quote = _quotation(citation)
            if self._width is not None and len(quote) > _LONGEST_QUOTE:
                quote = quote[:_LONGEST_QUOTE].rsplit(" ", 1)[0] + " …"
            else:
                self.mark_shown([citation])
            self._write_barred(Text(quote))
            self._write_barred(
                Text.assemble((sanitize(format_location(citation)), "cyan"), (format_headings(citation), "dim italic"))
            )
            output.write("\n")

    def mark_shown(self, citations: Iterable[Citation]) -> None:
        """Take quotations as shown, so that their places alone are named."""
        self._shown.update((citation.path, citation.start, citation.end) for citation in citations)

    def add_text(self, piece: str) -> None:
        """Write the next piece of the answer."""
        self._has_text = True
        output.write(self._wrap.add(sanitize(piece)))

    def finish(self, answer: Answer) -> None:
        """Write the sources, after the text if it did not come in pieces."""
        if not self._has_text and not is_quotations(answer):
            self.add_text(answer_text(answer))
        if self._has_text:
            output.write(self._wrap.end() + "\n\n")
        if self._has_text or not answer.stopped:
            self._write_sources(answer.citations, " ".join(answer.text.split()) if self._has_text else "")

    def _write_sources(self, citations: Iterable[Citation], text: str) -> None:
        for citation in citations:
            shown = (citation.path, citation.start, citation.end) in self._shown
            head = Text(f"[{citation.number}] ", style="bold")
            head.append(sanitize(format_location(citation)), style="cyan")
            head.append(format_headings(citation), style="dim italic")
            if shown:
                head.append(", quoted above", style="dim")
            self._console.print(head)
            quote = _quotation(citation)
            if not shown and quote not in text:
                if self._width is None:
                    output.write(f"    {quote}\n")
                else:
                    style = "dim" if self._has_text else ""  # without a model these are the answer
                    self._console.print(Padding(Text(quote, style=style), (0, 0, 0, 4)), width=self._width)

    def _write_barred(self, text: Text) -> None:
        """Write a text behind a bar, on as many lines as it takes."""
        if self._width is None:
            output.write(f"{_BAR}{text.plain}\n")
            return
        for line in text.wrap(self._console, max(10, self._width - len(_BAR)), overflow="fold"):
            self._console.print(Text.assemble((_BAR, "dim"), line), no_wrap=True, overflow="ignore", crop=False)


def _quotation(citation: Citation) -> str:
    return sanitize(quotation_line(citation))
