"""Views of profiles: text for people, dictionaries for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from crystalcli.cli.render.place_text import format_location
from crystalcli.cli.terminal.humanize import single_line
from crystalcli.cli.terminal.output import output, sanitize
from crystalcli.memories import StatementGroup

if TYPE_CHECKING:
    from crystalcli.memories import ProfileLine, ProfileReport

_MOST_PEOPLE = 12  # that are named below a profile


def print_profile(report: ProfileReport, limit: int) -> None:
    """Print a profile, group by group, each line with its date and place.

    Args:
        report: the profile.
        limit: lines of each group at most; 0 for all.
    """
    for group in StatementGroup:
        lines = report.of_group(group)
        if not lines:
            continue
        output.console.print(Text(group.value, style="bold"))
        for line in lines[: limit or None]:
            _print_line(line)
        if limit and len(lines) > limit:
            output.console.print(Text(f"  … {len(lines) - limit} more; --limit 0 for all", style="dim"))
        output.write("\n")
    if not report.lines:
        output.note("nothing that is yours says anything of you" + _advice(report))
    others = [f"{name or 'you'} ({count})" for name, count in report.people.items() if _is_other(report, name)]
    if others:
        more = f", and {len(others) - _MOST_PEOPLE} more" if len(others) > _MOST_PEOPLE else ""
        output.note(f"others: {', '.join(others[:_MOST_PEOPLE])}{more}")


def profile_json(report: ProfileReport, limit: int) -> dict[str, Any]:
    """Make the same for programs."""
    groups = {group.value: report.of_group(group) for group in StatementGroup}
    return {
        "name": report.name or None,
        "me": report.me or None,
        "groups": {name: [_line_json(line) for line in lines[: limit or None]] for name, lines in groups.items()},
        "counts": {name: len(lines) for name, lines in groups.items()},
        "people": [{"name": name or None, "count": count} for name, count in report.people.items()],
    }


def _print_line(line: ProfileLine) -> None:
    text = Text("  " + sanitize(single_line(line.quote)))
    notes = [str(line.citation.date)] if line.citation.date is not None else []
    notes += [f"for {line.planned}"] if line.planned is not None and str(line.planned) not in line.quote else []
    notes += [f"said {line.times} times"] if line.times > 1 else []
    notes.append(sanitize(format_location(line.citation)))
    text.append("  " + ", ".join(notes), style="dim")
    output.console.print(text, soft_wrap=True)
    for older in line.before:
        when = f" ({older.citation.date})" if older.citation.date is not None else ""
        output.console.print(
            Text(f"    before: {sanitize(single_line(older.quote))}{when}", style="dim"), soft_wrap=True
        )


def _line_json(line: ProfileLine) -> dict[str, Any]:
    citation = line.citation
    return {
        "quote": citation.quote,
        "person": line.person or None,
        "date": None if citation.date is None else citation.date.isoformat(),
        "path": citation.path,
        "start": citation.start,
        "end": citation.end,
        "place": str(citation.place),
        "times": line.times,
        "planned": None if line.planned is None else line.planned.isoformat(),
        "before": [_line_json(older) for older in line.before],
    }


def _is_other(report: ProfileReport, name: str) -> bool:
    return name not in {line.person for line in report.lines}


def _advice(report: ProfileReport) -> str:
    return "" if report.me else "; `crystal profile --me NAME` says who you are in chats and mails"
