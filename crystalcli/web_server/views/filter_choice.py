"""Filter that the parameters of an address choose: a folder, a kind, days.

Knows: parameters. Does not know: which documents there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from crystalcli.datatypes import RecallFilter
from crystalcli.errors import UsageError
from crystalcli.web_server.handling.ledger_cache import LedgerRow
from crystalcli.web_server.handling.page_request import PageRequest


@dataclass(frozen=True, slots=True)
class FilterChoice:
    """The choices of a filter.

    Attributes:
        folder: A folder or a document; "" for all.
        kind: A kind of documents; "" for all.
        since: The first day, as it stands in the address; "" for none.
        until: The last day likewise.
    """

    folder: str = ""
    kind: str = ""
    since: str = ""
    until: str = ""

    @property
    def parameters(self) -> dict[str, str]:
        """The parameters of an address with these choices."""
        return {"in_": self.folder, "kind": self.kind, "since": self.since, "until": self.until}

    def __bool__(self) -> bool:
        return any(self.parameters.values())

    def days(self) -> tuple[date | None, date | None]:
        """Parse the first and the last day.

        Raises:
            UsageError: One is none.
        """
        return _day_of("since", self.since), _day_of("until", self.until)

    def recall_filter(self) -> RecallFilter | None:
        """Make the filter for recall; None where nothing is chosen.

        Raises:
            UsageError: A day is none.
        """
        if not self:
            return None
        since, until = self.days()
        return RecallFilter(
            within=(self.folder,) if self.folder else (),
            kinds=(self.kind,) if self.kind else (),
            since=since,
            until=until,
        )

    def admits(self, row: LedgerRow, *, without: str = "") -> bool:
        """Tell whether a document is among the chosen ones.

        Args:
            row: The document.
            without: A choice that is left aside: "in", "kind" or "date".
        """
        if self.folder and without != "in" and self.folder not in (row.document.path, *row.folders):
            return False
        if self.kind and without != "kind" and row.document.kind != self.kind:
            return False
        if without == "date" or not (self.since or self.until):
            return True
        since, until = self.days()
        return row.day is not None and (since is None or row.day >= since) and (until is None or row.day <= until)


def filter_choice(page: PageRequest) -> FilterChoice:
    """Read the choices from the address."""
    folder = page.text("in").strip("/")
    return FilterChoice(folder, page.text("kind"), page.text("since"), page.text("until"))


def _day_of(name: str, text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name}: expected a day such as 2026-03-14, got {text!r:.40}") from None
