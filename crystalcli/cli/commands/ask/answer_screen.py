"""How an answer looks while it comes, as plain text: the evidence, the model's words, the sources that carry them.

What stands on the screen already is not shown again: a source that was quoted is named with its place alone.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.padding import Padding
from rich.text import Text

from crystalcli.answering.support import quoted
from crystalcli.cli.render.answer_view import is_quotations, words
from crystalcli.cli.render.inspect_view import above, location
from crystalcli.cli.terminal.output import harmless, output
from crystalcli.cli.terminal.word_wrap import Flow
from crystalcli.types import Answer, Citation

_WIDEST = 100  # columns: longer lines are hard to read
_BAR = "\N{BOX DRAWINGS LIGHT VERTICAL} "
_LONGEST_QUOTE = 400  # characters of evidence on a terminal; its source then has the whole


class Screen:
    """One answer in plain text. Lines are broken on a terminal only."""

    def __init__(self) -> None:
        self._console = output.console
        self._width = min(self._console.width, _WIDEST) if self._console.is_terminal else None
        self._flow = Flow(self._width)
        self._shown: set[tuple[str, int, int]] = set()
        self._spoke = False

    def evidence(self, cited: Iterable[Citation]) -> None:
        """The sentences that were found, each with its place, before anybody has said anything about them."""
        for citation in cited:
            quote = _quoted(citation)
            if self._width is not None and len(quote) > _LONGEST_QUOTE:
                quote = quote[:_LONGEST_QUOTE].rsplit(" ", 1)[0] + " …"
            else:
                self._shown.add((citation.path, citation.start, citation.end))
            self._barred(Text(quote))
            self._barred(Text.assemble((harmless(location(citation)), "cyan"), (above(citation), "dim italic")))
            output.write("\n")

    def text(self, piece: str) -> None:
        """A piece of the answer."""
        self._spoke = True
        output.write(self._flow.add(harmless(piece)))

    def end(self, answer: Answer) -> None:
        """What is left to say when the answer is whole, or was stopped."""
        if not self._spoke and not is_quotations(answer):
            self.text(words(answer))
        if self._spoke:
            output.write(self._flow.end() + "\n\n")
        if self._spoke or not answer.stopped:
            self._sources(answer.citations, " ".join(answer.text.split()) if self._spoke else "")

    def _sources(self, cited: Iterable[Citation], said: str) -> None:
        for citation in cited:
            shown = (citation.path, citation.start, citation.end) in self._shown
            head = Text(f"[{citation.number}] ", style="bold")
            head.append(harmless(location(citation)), style="cyan")
            head.append(above(citation), style="dim italic")
            if shown:
                head.append(", quoted above", style="dim")
            self._console.print(head)
            quote = _quoted(citation)
            if not shown and quote not in said:
                if self._width is None:
                    output.write(f"    {quote}\n")
                else:
                    style = "dim" if self._spoke else ""  # where nobody spoke, these are the answer
                    self._console.print(Padding(Text(quote, style=style), (0, 0, 0, 4)), width=self._width)

    def _barred(self, text: Text) -> None:
        """The text behind a bar, on as many lines as it takes."""
        if self._width is None:
            output.write(f"{_BAR}{text.plain}\n")
            return
        for line in text.wrap(self._console, max(10, self._width - len(_BAR)), overflow="fold"):
            self._console.print(Text.assemble((_BAR, "dim"), line), no_wrap=True, overflow="ignore", crop=False)


def _quoted(citation: Citation) -> str:
    return harmless(quoted(citation))
