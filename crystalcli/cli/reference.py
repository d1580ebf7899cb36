"""Writes the man pages from the program itself:

python -m crystalcli.cli.reference man            writes man/crystal.1 and one page for each command
python -m crystalcli.cli.reference man --check    exits 1 when a page is missing, old or left over
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

EXIT_CODES = (
    ("0", "good"),
    ("1", "something failed; with diff: the two crystals differ"),
    ("2", "the command line or the question is wrong"),
    ("3", "a source cannot be read, or there was nothing to read"),
    ("4", "the file is not a crystal, or is damaged"),
    ("5", "the crystal was made by a newer version"),
    ("6", "model weights are missing and cannot be fetched"),
    ("7", "not found in this crystal"),
    ("130", "stopped with Ctrl-C, or by the system"),
)
ENVIRONMENT = (
    ("CRYSTAL_FILE", "The crystal to use when -c is not given."),
    ("CRYSTAL_MODELS", "The folder where model weights are kept. Default: the user's cache folder."),
    ("CRYSTAL_ENCODER", "The folder of the encoder to use when --encoder is not given."),
    ("CRYSTAL_MODEL", "The language model to ask when --model is not given."),
    ("CRYSTAL_API_KEY", "The key that a model server wants; it is sent to the server of --model, and nowhere else."),
    ("CRYSTAL_OFFLINE", "1: never use the network, not even to fetch weights; servers on this machine may be asked."),
    (
        "CRYSTAL_HISTORY",
        "The file that keeps the questions asked at the prompt; empty: none. Default: in the user's data folder.",
    ),
    ("CRYSTAL_DEBUG", "1: show the whole traceback of an error."),
    ("NO_COLOR", "Set: no colours."),
)


def pages() -> dict[str, str]:
    """Every page's file name and text."""
    from crystalcli.cli.app import app

    return {f"{name.replace(' ', '-')}.1": _page(name, command) for name, command in _walk("crystal", app)}


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """The command and all below it."""
    yield name, command
    for sub, child in sorted(getattr(command, "commands", {}).items()):
        yield from _walk(f"{name} {sub}", child)


def _page(name: str, command: Any) -> str:
    from crystalcli import __version__

    context = command.make_context(name, [], resilient_parsing=True)
    parameters = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    options = [parameter for parameter in parameters if parameter.param_type_name == "option"]
    children = sorted(getattr(command, "commands", {}).items())
    help_text = (command.help or "").strip()
    lines = [
        f'.TH "{name.replace(" ", "-").upper()}" 1 "" "crystal {__version__}" "Crystal manual"',
        ".SH NAME",
        f"{_escape(name.replace(' ', '-'))} \\- {_escape(help_text.splitlines()[0].rstrip('.') if help_text else name)}",
        ".SH SYNOPSIS",
        f".B {_escape(name)}",
        _escape(" ".join(command.collect_usage_pieces(context))),
        ".SH DESCRIPTION",
        *(".PP" if not line.strip() else _escape(line.strip()) for line in help_text.splitlines()),
    ]
    if options:
        lines.append(".SH OPTIONS")
        for each in options:
            record = each.get_help_record(context)
            if record is not None:
                lines += [".TP", f".B {_escape(record[0])}", _escape(record[1].strip())]
    if children:
        lines.append(".SH COMMANDS")
        for sub, child in children:
            first = (child.help or "").strip().splitlines()
            lines += [
                ".TP",
                f".B {_escape(sub)}",
                _escape(first[0] if first else "") + f" See {_escape(f'{name}-{sub}'.replace(' ', '-'))}(1).",
            ]
    if name == "crystal":
        lines.append(".SH ENVIRONMENT")
        for key, value in ENVIRONMENT:
            lines += [".TP", f".B {key}", _escape(value)]
    lines.append(".SH EXIT STATUS")
    for code, meaning in EXIT_CODES:
        lines += [".TP", f".B {code}", _escape(meaning)]
    if name != "crystal":
        lines += [".SH SEE ALSO", "crystal(1)"]
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    """Text as roff takes it: backslashes and hyphens escaped, no line that begins with a control character."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return "\\&" + text if text.startswith((".", "'")) else text


def main(arguments: list[str]) -> int:
    """Write the pages, or say which ones are not what the program would write."""
    folder = Path(next((each for each in arguments if not each.startswith("-")), "man"))
    wanted = pages()
    if "--check" in arguments:
        here = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.1")}
        wrong = sorted(name for name in wanted.keys() | here.keys() if wanted.get(name) != here.get(name))
        if wrong:
            sys.stderr.write(f"out of date: {', '.join(wrong)}; run python -m crystalcli.cli.reference {folder}\n")
        return 1 if wrong else 0
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.1"):
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
