"""Generator of the man pages and of docs/COMMANDS.md, from the Typer app itself.

python -m crystalcli.cli.reference            writes man/*.1 and docs/COMMANDS.md, here
python -m crystalcli.cli.reference --check    exits 1 when one is missing, old or left over

A folder as argument takes the place of the working folder.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

from crystalcli.cli.parsing.command_page import CommandPage, walk_commands
from crystalcli.errors import (
    CrystalError,
    ModelMissingError,
    NewerFormatError,
    NotACrystalError,
    NotFoundError,
    SourceError,
    StoppedError,
    UsageError,
)

_FAILURES = (
    (CrystalError, "something failed; with diff: the two crystals differ"),
    (UsageError, "the command line or the question is wrong"),
    (SourceError, "a source, a crystal or a memory file does not exist, or a source has nothing to read"),
    (NotACrystalError, "the file is not a crystal, or is damaged"),
    (NewerFormatError, "the crystal was made by a newer version"),
    (ModelMissingError, "model weights are missing and cannot be fetched"),
    (NotFoundError, "not found in this crystal"),
    (StoppedError, "stopped with Ctrl-C, or by the system"),
)
EXIT_CODES = (("0", "good"), *((str(kind.exit_code), meaning) for kind, meaning in _FAILURES))
ENVIRONMENT = (
    ("CRYSTAL_FILE", "The crystal to use when -c is not given."),
    ("CRYSTAL_MODELS", "The folder where model weights are kept. Default: the user's cache folder."),
    ("CRYSTAL_RERANKER", "The folder of the reranker, or off: passages keep their order, and come sooner."),
    ("CRYSTAL_ENCODER", "The folder of the encoder to use when --encoder is not given."),
    ("CRYSTAL_MODEL", "The language model to ask when --model is not given."),
    ("CRYSTAL_API_KEY", "The key of a model server; it is sent to the server of --model, and to no other."),
    ("CRYSTAL_PASSWORD", "The password for encrypted files when --password is not given."),
    ("CRYSTAL_OFFLINE", "1: never use the network, not even to fetch weights; servers on this machine may be asked."),
    (
        "CRYSTAL_HISTORY",
        "The file of the questions asked at the prompt; empty: none is kept. Default: in the user's data folder.",
    ),
    ("CRYSTAL_DEBUG", "1: show the whole traceback of an error."),
    ("NO_COLOR", "Set: no colours."),
)
_MAN, _COMMANDS = "man", "docs/COMMANDS.md"
_WIDTH = 100  # columns of docs
_COMPLETION = """\
`crystal --install-completion` switches on completion in bash, zsh, fish or PowerShell for good. For one
session of bash, type `eval "$(crystal --show-completion)"`. Commands, options, models and documents are
completed, and files everywhere else.
"""


def generated_files() -> dict[str, str]:
    """Generate the path, relative to the project, and the text of each file."""
    import typer

    from crystalcli.cli.app import app

    pages = list(walk_commands(typer.main.get_command(app), "crystal"))
    files = {f"{_MAN}/{page.path.replace(' ', '-')}.1": man_page(page) for page in pages}
    return {**files, _COMMANDS: commands_document(pages)}


def man_page(page: CommandPage) -> str:
    """Write a command's page in roff, as man(7) wants it."""
    from crystalcli import __version__

    name = page.path.replace(" ", "-")
    lines = [
        f'.TH "{name.upper()}" 1 "" "crystal {__version__}" "Crystal manual"',
        ".SH NAME",
        f"{_roff(name)} \\- {_roff(page.summary.rstrip('.'))}",
        ".SH SYNOPSIS",
        f".B {_roff(page.path)}",
        _roff(page.usage),
        ".SH DESCRIPTION",
    ]
    for number, paragraph in enumerate(page.paragraphs):
        lines += [*([".PP"] if number else []), _roff(paragraph)]
    for title, rows in (("ARGUMENTS", page.arguments), ("OPTIONS", page.options)):
        lines += [f".SH {title}"] if rows else []
        for declaration, text in rows:
            lines += [".TP", f".B {_roff(declaration)}", _roff(text)]
    for panel, commands in page.panels:
        lines.append(f".SH {panel.upper()}")
        for command, summary in commands:
            lines += [".TP", f".B {_roff(command)}", _roff(f"{summary} See {name}-{command}(1).")]
    if page.examples:
        lines.append(".SH EXAMPLES")
        for example in page.examples:
            lines += [".PP", _roff(example.purpose), ".PP", ".nf", f".RS\n{_roff(example.line)}\n.RE", ".fi"]
    if " " not in page.path:
        lines.append(".SH ENVIRONMENT")
        for variable, meaning in ENVIRONMENT:
            lines += [".TP", f".B {variable}", _roff(meaning)]
    lines.append(".SH EXIT STATUS")
    for code, meaning in EXIT_CODES:
        lines += [".TP", f".B {code}", _roff(meaning)]
    if " " in page.path:
        lines += [".SH SEE ALSO", "crystal(1)"]
    return "\n".join(lines) + "\n"


def commands_document(pages: Sequence[CommandPage]) -> str:
    """Write all pages as docs/COMMANDS.md."""
    program, *commands = pages
    parts = [
        "# Commands",
        _wrap("Generated by `python -m crystalcli.cli.reference`. `crystal help COMMAND` prints the same."),
        *program.paragraphs[:1],
    ]
    for panel, rows in program.panels:
        links = (f"- [`crystal {name}`](#crystal-{name}): {_markdown(summary)}" for name, summary in rows)
        parts.append(f"**{panel}**\n\n" + "\n".join(map(_wrap_item, links)))
    parts += [_wrap(_markdown(paragraph)) for paragraph in program.paragraphs[1:]]
    parts.append(_items(program.options))
    for page in commands:
        parts += [f"## {page.path}", f"```sh\n{page.path} {page.usage}\n```"]
        parts += [_wrap(_markdown(paragraph)) for paragraph in page.paragraphs]
        parts += [_items(rows) for _, rows in page.panels]
        parts += [_items(rows) for rows in (page.arguments, page.options) if rows]
        examples = "\n".join(f"# {example.purpose}\n{example.line}" for example in page.examples)
        parts += [f"```sh\n{examples}\n```"] if examples else []
    parts += ["## Completion", _wrap(_COMPLETION)]
    parts += ["## Environment", _items(ENVIRONMENT), "## Exit codes", _items(EXIT_CODES)]
    return "\n\n".join(parts) + "\n"


def _roff(text: str) -> str:
    """Escape backslashes, hyphens, and a control character at the beginning of a line."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return "\\&" + text if text.startswith((".", "'")) else text


def _markdown(text: str) -> str:
    """Escape a text outside of its code."""
    pieces = text.split("`")
    return "`".join(
        re.sub(r"([*_<\[])", r"\\\1", piece) if not index % 2 else piece for index, piece in enumerate(pieces)
    )


def _items(rows: Sequence[tuple[str, str]]) -> str:
    return "\n".join(_wrap_item(f"- `{name}`: {_markdown(text)}") for name, text in rows)


def _wrap_item(text: str) -> str:
    return _wrap(text, indent=2)


def _wrap(text: str, indent: int = 0) -> str:
    return textwrap.fill(
        " ".join(text.split()),
        _WIDTH,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def main(arguments: Sequence[str]) -> int:
    """Write the files, or with --check name those that are not what the program would write.

    Args:
        arguments: words of the command line.

    Returns:
        The exit code.
    """
    root = Path(next((word for word in arguments if not word.startswith("-")), "."))
    files = generated_files()
    old = {f"{_MAN}/{path.name}" for path in (root / _MAN).glob("*.1")}
    if "--check" in arguments:
        texts = {name: _read(root / name) for name in files.keys() | old}
        wrong = sorted(name for name, text in texts.items() if files.get(name) != text)
        if wrong:
            sys.stderr.write(f"out of date: {', '.join(wrong)}; run python -m crystalcli.cli.reference\n")
        return 1 if wrong else 0
    for name in old - files.keys():
        (root / name).unlink()
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return 0


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
