"""An answer as plain text while it comes: evidence, the model's words, sources.

Nothing is shown twice: a source that was quoted before is named with its place alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.padding import Padding
from rich.text import Text

from crystalcli.answering import is_quotations, quotation_line, quotation_lines, without_source_end
from crystalcli.cli.render.answer_view import MAYBE, UNSURE, answer_text
from crystalcli.cli.render.place_text import format_headings, location_text, print_location_line
from crystalcli.cli.render.reading_view import age_marks, print_read_as, print_reading
from crystalcli.cli.terminal.output import output, sanitize
from crystalcli.cli.terminal.word_wrap import WordWrap
from crystalcli.datatypes import Answer, AnswerVerdict, Citation

_WIDEST = 100  # columns: longer lines are hard to read
_BAR = "\N{BOX DRAWINGS LIGHT VERTICAL} "
# Characters of evidence on a terminal, but for the first; its source then has the whole.
_LONGEST_QUOTE = 400


class AnswerScreen:
    """Writes one answer in plain text. Lines are broken on a terminal only."""

    def __init__(self) -> None:
        self._console = output.console
        self._width = min(self._console.width, _WIDEST) if self._console.is_terminal else None
        self._wrap = WordWrap(self._width)
        self._shown: set[tuple[str, int, int]] = set()
        self._quoted: list[Citation] = []  # shown, if only in part: no answer ends with them
        self._text = ""

    def show_read_as(self, question: str) -> None:
        """Write the question as it was understood."""
        print_read_as(question)

    def show_evidence(self, citations: Iterable[Citation]) -> None:
        """Write the sentences that were found, each with its place, before the model's words."""
        for number, citation in enumerate(citations):
            lines = _lines_of(citation)
            quote = lines or _quotation(citation)
            if self._width is not None and number > 0 and len(quote) > _LONGEST_QUOTE:
                quote = quote[:_LONGEST_QUOTE].rsplit("\n" if lines else " ", 1)[0].rstrip() + " …"
                self._quoted.append(citation)
            else:
                self.mark_shown([citation])
            for line in quote.splitlines():
                self._write_barred(Text(line))
            self._write_barred(
                Text.assemble(location_text(citation, "cyan"), (format_headings(citation), "dim italic"))
            )
            output.write("\n")

    def mark_shown(self, citations: Iterable[Citation]) -> None:
        """Take quotations as shown, so that their places alone are named."""
        for citation in citations:
            self._shown.add((citation.path, citation.start, citation.end))
            self._quoted.append(citation)

    def add_text(self, piece: str) -> None:
        """Write the next piece of the answer, unless it quotes a source that was shown."""
        if piece := without_source_end(piece, self._quoted):
            self._text += piece
            output.write(self._wrap.add(sanitize(piece)))

    def finish(self, answer: Answer) -> None:
        """Write the sources, after the text if it did not come in pieces."""
        print_reading(answer.reading)
        if not self._text and not is_quotations(answer):
            self.add_text(answer_text(answer))
        elif not self._text and answer.verdict is AnswerVerdict.MAYBE:
            output.write(f"{MAYBE}\n")
        if self._text:
            output.write(self._wrap.end() + "\n\n")
            if answer.model is not None and answer.verdict is AnswerVerdict.MAYBE:
                output.write(f"{UNSURE}\n\n")
        if self._text or not answer.stopped:
            # Of a list in order of time the older entries are as good as the newest.
            ages = age_marks(answer.citations) if not answer.portions else [""] * len(answer.citations)
            self._write_sources(answer.citations, ages, " ".join(self._text.split()))
        for line in answer.changes:
            output.write(f"changed: {sanitize(line)}\n")

    def _write_sources(self, citations: Sequence[Citation], ages: Sequence[str], text: str) -> None:
        for citation, age in zip(citations, ages, strict=True):
            shown = any(
                path == citation.path and start <= citation.start and citation.end <= end
                for path, start, end in self._shown
            )
            head = Text(f"[{citation.number}] ", style="bold")
            head.append_text(location_text(citation, "cyan"))
            head.append(format_headings(citation), style="dim italic")
            if citation.gone:
                head.append("  (the file is gone)", style="red")
            if age:
                head.append(f"  ({age})", style="dim")
            if citation.confidence is not None:
                head.append(f"  {citation.confidence:.0%} sure", style="dim")
            if shown:
                head.append(", quoted above", style="dim")
            print_location_line(head)
            quote = _quotation(citation)
            lines = _lines_of(citation)
            is_said = quote in text or (lines and " ".join(citation.quote.split()) in text)
            if lines and not shown and not is_said:
                self._write_lines(lines)
            elif not shown and not is_said:
                if self._width is None:
                    output.write(f"    {quote}\n")
                else:
                    style = "dim" if self._text else ""  # without a model these are the answer
                    self._console.print(Padding(Text(quote, style=style), (0, 0, 0, 4)), width=self._width)
            for line in () if shown else citation.when:
                output.write(f"    ({sanitize(line)})\n")

    def _write_lines(self, lines: str) -> None:
        """Write lines of code, lists or messages as they stand."""
        for line in lines.splitlines():
            if self._width is None or not line.strip():
                output.write(f"    {line}".rstrip() + "\n")
            else:
                self._console.print(Padding(Text(line), (0, 0, 0, 4)), width=self._width)

    def _write_barred(self, text: Text) -> None:
        """Write a text behind a bar, on as many lines as it takes."""
        if self._width is None:
            output.write(f"{_BAR}{text.plain}".rstrip() + "\n")
            return
        for line in text.wrap(self._console, max(10, self._width - len(_BAR)), overflow="fold"):
            self._console.print(Text.assemble((_BAR, "dim"), line), no_wrap=True, overflow="ignore", crop=False)


def _lines_of(citation: Citation) -> str:
    return "\n".join(map(sanitize, quotation_lines(citation).splitlines()))


def _quotation(citation: Citation) -> str:
    return sanitize(quotation_line(citation))
