"""Text of an HTML tree, block by block: paragraphs, headings, lists, tables, preformatted text.

Knows what the elements of HTML mean for reading. Does not know which part of a page is worth
reading (main_content), nor where the page is from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from lxml import etree

from crystalcli.text.document.composer import LINE, PARAGRAPH, Composer, clean_text, one_line, tidy_lines
from crystalcli.text.document.markup import Element, attribute, local_name, parse_html
from crystalcli.text.document.outline import Outline, heading_label
from crystalcli.text.formats.web.html_tables import is_data_table, table_lines
from crystalcli.text.formats.web.html_text import (
    BLOCKS,
    HEADINGS,
    REPLACED,
    element_text,
    is_label,
    is_silent,
    replacing_text,
)

_LISTS = frozenset(("ul", "ol", "menu", "dir"))
_EXACT = frozenset(("pre", "listing", "xmp"))
_TIGHT = frozenset(("li", "dt", "dd"))  # follow one another without an empty line
_PERMALINK_SIGNS = frozenset(("§", "¶", "#", "🔗", "⚓"))
_WHITESPACE = re.compile(r"[ \t\r\n\f]+")
_MAX_PAGE_NUMBER = 20  # characters
_LABEL_LEVEL = 7  # of a button that opens a section, below all headings
_MAX_ADDRESS = 500  # characters
LAST_LINE = 65_534  # libxml2 counts lines in 16 bits


class HtmlBlocks:
    """Writer of the blocks of a tree into a composer.

    Attributes:
        outline: the headings so far.
    """

    def __init__(
        self,
        composer: Composer,
        *,
        outline: Outline | None = None,
        leave_out: Callable[[Element], bool] = lambda _: False,
        anchors: Mapping[str, str] | None = None,
        is_chapter: bool = False,
        counts_lines: bool = False,
        shows_links: bool = False,
    ) -> None:
        """Make a writer.

        Args:
            composer: where the blocks are written.
            outline: the headings before the tree. None: it begins without.
            leave_out: decides which elements are not read, with all that is in them.
            anchors: the heading paths that begin at elements with these ids.
            is_chapter: a heading from outside begins where the tree does, so that the tree's first
                heading repeats it.
            counts_lines: set "line" landmarks.
            shows_links: write the address of a link behind it.
        """
        self._composer = composer
        self.outline = outline or Outline()
        self._leave_out = leave_out
        self._anchors = anchors or {}
        self._counts_lines = counts_lines
        self._shows_links = shows_links
        self._parts: list[str] = []  # of the block that is being collected
        self._line = self._first_line = 0  # of the file, now and where the block begins; 0: unknown
        self._lists: list[int] = []  # number of the last item of each open list; -1: not numbered
        self._prefix = ""
        self._exact = 0  # open elements with preformatted text
        self._gap = PARAGRAPH
        self._heading = 0  # level of the open heading; 0: none is open
        self._label: Element = None  # the open element that is a heading without being named so
        self._landmarks: list[tuple[str, str]] = []  # for the next block
        self._under_anchor = is_chapter  # a heading from outside was set, and no text yet

    def write(self, root: Element) -> Iterator[None]:
        """Write the tree's text, and yield after every element.

        It does not recurse, since a tree may be deep.
        """
        walker = etree.iterwalk(root, events=("start", "end"))
        skipped: Element = None
        for event, element in walker:
            name = local_name(element)
            if event == "start":
                if name in REPLACED:
                    before = self._parts[-1] if self._parts else ""
                    if (text := replacing_text(element, name, before)) is not None:
                        self._text(text)
                        walker.skip_subtree()
                        skipped = element
                        continue
                if (
                    (name not in BLOCKS and is_silent(element, name))
                    or self._leave_out(element)
                    or self._is_page(element)
                    or is_permalink(element)
                ):
                    if name in BLOCKS:
                        self._flush()
                    walker.skip_subtree()  # its "end" event still comes
                    skipped = element
                    continue
                self._start(element, name)
                if name == "table" and is_data_table(element):
                    self._rows(element)
                    walker.skip_subtree()
                else:
                    self._text(element.text)
            else:
                if element is not skipped:
                    self._end(element, name)
                if element is not root:
                    self._text(element.tail)
            yield
        self._flush()

    def _start(self, element: Element, name: str) -> None:
        line = element.sourceline or 0
        self._line = line if line <= LAST_LINE else 0
        if name in BLOCKS:
            self._flush()
            # The first block of an item keeps the gap of the item.
            if name not in _TIGHT and not self._prefix:
                self._gap = PARAGRAPH
        for key in ("id", "name") if self._anchors else ():
            identity = str(element.get(key) or "")
            if identity and (label := self._anchors.get(identity)) is not None:
                self._landmarks.append(("heading", label))
                self.outline = Outline(label)
                self._under_anchor = True
        if name in _LISTS:
            start = str(element.get("start") or "1")
            self._lists.append(int(start) - 1 if name == "ol" and re.fullmatch(r"-?\d{1,6}", start) else -1)
            self._gap = LINE if len(self._lists) > 1 else PARAGRAPH
        elif name == "li":
            indent = "  " * max(0, len(self._lists) - 1)
            is_numbered = bool(self._lists) and self._lists[-1] >= 0
            if is_numbered:
                self._lists[-1] += 1
            self._prefix = f"{indent}{self._lists[-1]}. " if is_numbered else f"{indent}- "
        elif name in _EXACT:
            self._exact += 1
        elif name in HEADINGS:
            self._heading = HEADINGS[name]
        elif name == "button" and not self._heading and is_label(element):
            self._flush()
            self._label, self._heading, self._gap = element, _LABEL_LEVEL, PARAGRAPH
        elif name in ("div", "p", "span") and element.get("role") == "heading":
            self._flush()
            self._label = element
            level = str(element.get("aria-level") or "2")
            self._heading = int(level) if level in "123456" else 2
        elif name == "br":
            self._parts.append("\n")
        elif name == "a" and attribute(element, "type") == "noteref":
            self._parts.append("[")

    def _is_page(self, element: Element) -> bool:
        """Tell whether an element begins a page of the printed book, and note its landmark.

        The number of the page is not text.
        """
        if attribute(element, "type") != "pagebreak" and element.get("role") != "doc-pagebreak":
            return False
        text = one_line(element_text(element))
        label = one_line(str(element.get("title") or element.get("aria-label") or text))
        if len(text) > _MAX_PAGE_NUMBER or not label:
            return False
        self._landmarks.append(("page", heading_label(label)))
        return True

    def _end(self, element: Element, name: str) -> None:
        if name == "a" and attribute(element, "type") == "noteref":
            self._parts.append("]")
        if name in BLOCKS:
            self._flush()
            self._gap = LINE if name in _TIGHT else PARAGRAPH
        if name in _LISTS and self._lists:
            self._lists.pop()
            self._gap = LINE if self._lists else PARAGRAPH
        elif name == "li":
            self._prefix = ""
        elif name in _EXACT:
            self._exact -= 1
        elif name in HEADINGS:
            self._heading = 0
        elif element is self._label:
            self._flush()
            self._heading, self._gap = 0, PARAGRAPH
        elif name == "a" and self._shows_links and (address := str(element.get("href") or ""))[:4] == "http":
            self._parts.append(f" ({address[:_MAX_ADDRESS]})")

    def _text(self, text: str | None) -> None:
        if not text:
            return
        if text.strip() and not any(part.strip() for part in self._parts):
            self._first_line = self._line + text[: len(text) - len(text.lstrip())].count("\n") if self._line else 0
            if self._exact and not "".join(self._parts).strip("\n"):
                self._first_line = self._line + (len(text) - len(text.lstrip("\n")))
        if self._line:
            self._line += text.count("\n")
        self._parts.append(text if self._exact else _WHITESPACE.sub(" ", text))

    def _flush(self) -> None:
        """Write the block that was collected."""
        raw, self._parts = "".join(self._parts), []
        text = clean_text(raw) if self._exact else tidy_lines(raw)
        if not text.strip():
            return
        composer = self._composer
        composer.begin_block(self._gap)
        if self._heading:
            self._enter_heading(heading_label(text))
        self._set_marks()
        if not self._exact:
            text = text.strip()
            if self._prefix:
                text = self._prefix + text.replace("\n", "\n" + " " * len(self._prefix))
                self._prefix = ""
        composer.write_block(text, self._gap)
        self._gap = PARAGRAPH

    def _enter_heading(self, label: str) -> None:
        if not label:
            return
        if self._under_anchor or self.outline.innermost.lower() == label.lower():
            self._under_anchor = False  # the text repeats the heading that the contents name
            return
        self._landmarks.append(("heading", self.outline.enter(self._heading, label)))

    def _set_marks(self) -> None:
        for kind, label in self._landmarks:
            self._composer.mark(kind, label)
        self._landmarks = []
        if not self._heading:
            self._under_anchor = False
        if self._counts_lines:
            self._composer.mark_line(self._first_line)

    def _rows(self, table: Element) -> None:
        """Write a table row by row, each row with the names of its columns."""
        for row, text in table_lines(table, self._leave_out):
            if text:
                self._composer.begin_block(self._gap)
                line = row.sourceline or 0
                self._first_line = line if line <= LAST_LINE else 0
                self._set_marks()
                self._composer.write_block(text, self._gap)
                self._gap = LINE
        self._gap = PARAGRAPH


def fragment_text(page: str) -> str:
    """Return the text of a piece of HTML, block by block.

    Raises:
        SourceError: it is nested too deeply.
    """
    root, composer = parse_html(page), Composer()
    for _ in HtmlBlocks(composer).write(root) if root is not None else ():
        pass
    return "".join(piece for piece in composer.drain() if isinstance(piece, str))


def is_permalink(element: Element) -> bool:
    """Tell whether an element is the sign beside a heading that links to the heading itself."""
    return (
        local_name(element) == "a"
        and str(element.get("href") or "").startswith("#")
        and one_line(element_text(element)) in _PERMALINK_SIGNS
    )
