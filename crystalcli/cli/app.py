"""The program `crystal`: its Typer app, and `run`, which turns every outcome into an exit code.

A command's module is imported when the command is used, and everything heavy inside of the command,
so that `crystal --help` is instant.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, ClassVar

import typer

from crystalcli.cli.parsing.command_group import CommandGroup, is_usage_error, program_app
from crystalcli.cli.terminal.output import output
from crystalcli.errors import CrystalError

_COMMANDS = "crystalcli.cli.commands"


class CrystalCommands(CommandGroup):
    """The commands of `crystal`, in the order of their help."""

    modules: ClassVar = {
        "ingest": f"{_COMMANDS}.ingest_cmd",
        "watch": f"{_COMMANDS}.watch_cmd",
        "ask": f"{_COMMANDS}.ask.ask_cmd",
        "chat": f"{_COMMANDS}.ask.chat_cmd",
        "recall": f"{_COMMANDS}.recall_cmd",
        "remember": f"{_COMMANDS}.remember_cmd",
        "memories": f"{_COMMANDS}.memories_cmd",
        "profile": f"{_COMMANDS}.profile_cmd",
        "open": f"{_COMMANDS}.open_cmd",
        "serve": f"{_COMMANDS}.serve_cmd",
        "mcp": f"{_COMMANDS}.mcp_cmd",
        "eval": f"{_COMMANDS}.eval_cmd",
        "status": f"{_COMMANDS}.status_cmd",
        "inspect": f"{_COMMANDS}.inspect_cmd",
        "export": f"{_COMMANDS}.export_cmd",
        "forget": f"{_COMMANDS}.forget_cmd",
        "compact": f"{_COMMANDS}.compact_cmd",
        "merge": f"{_COMMANDS}.merge_cmd",
        "diff": f"{_COMMANDS}.diff_cmd",
        "verify": f"{_COMMANDS}.verify_cmd",
        "repair": f"{_COMMANDS}.repair_cmd",
        "models": f"{_COMMANDS}.models_cmd",
        "perplexity": f"{_COMMANDS}.perplexity_cmd",
        "help": f"{_COMMANDS}.help_cmd",
    }
    second_names: ClassVar = {"search": ("recall",), "list": ("inspect", "--documents")}


app = program_app(CrystalCommands)


def _print_version(wanted: bool) -> None:
    if wanted:
        from crystalcli import __version__

        output.write(f"crystal {__version__}\n")
        raise typer.Exit


@app.callback(
    epilog="""
        crystal ingest ~/papers  # Read a folder into memory.crystal, here.
        crystal ask who keeps the ledgers  # Ask a question.
        crystal help ask  # Read more about a command.
    """,
)
def crystal_group(
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Write nothing but errors to stderr.")] = False,
    version: Annotated[
        bool,
        typer.Option("-V", "--version", help="Print the version and exit.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Remember folders in one file, and answer questions from it with a small local model.

    `crystal ingest` reads documents into a crystal, `crystal ask` answers from it. Results are on
    stdout, everything else on stderr. With --json a failure is an object on stdout too, with its
    exit code and message under "error". `crystal help COMMAND` explains a command.
    """
    output.quiet = quiet


_STOPPED = "stopped; what was committed stays, and the same command goes on from there"
_INTERRUPTED = 130
# Messages of the system's allocator, of torch's (a plain RuntimeError), of the loader of libraries.
_NO_MEMORY = ("Cannot allocate memory", "can't allocate memory", "failed to map segment")


def run(arguments: list[str] | None = None, program: typer.Typer = app, name: str = "crystal") -> int:
    """Run one command line. Errors are one line on stderr, and with --json an object on stdout too.

    Args:
        arguments: words after the program's name; None for those of the process.
        program: the Typer app; another one than `crystal` behaves as it does.
        name: the program's name, for its help and messages.

    Returns:
        The exit code.
    """
    given = sys.argv[1:] if arguments is None else arguments
    if any(not argument.isascii() and _is_broken(argument) for argument in given):
        arguments = given = [_legible(argument) for argument in given]
    output.begin(given)
    debug = os.environ.get("CRYSTAL_DEBUG") == "1"
    try:
        result = typer.main.get_command(program).main(args=arguments, prog_name=name, standalone_mode=False)
        if result == _INTERRUPTED:  # Typer's way to pass on Ctrl-C that no command has answered
            return _stopped()
        return result if isinstance(result, int) else 0
    except CrystalError as error:
        if debug:
            raise
        return output.failure(str(error), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        return _stopped()
    # Typer raises it for shell completion, and when the reader of stdout has gone.
    except SystemExit as error:
        return error.code if "_CRYSTAL_COMPLETE" in os.environ and isinstance(error.code, int) else 0
    except BrokenPipeError:
        output.drop()
        return 0
    except MemoryError:
        return output.failure("out of memory", 1)
    except OSError as error:
        if debug:
            raise
        return output.failure(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", 1)
    except Exception as error:
        if is_usage_error(error):
            if debug and isinstance(error.__context__, CrystalError):
                raise
            return output.failure(_usage_message(error, name), getattr(error, "exit_code", 2))
        if debug:
            raise
        if any(words in str(error) for words in _NO_MEMORY):
            return output.failure("out of memory", 1)
        return output.failure(f"unexpected {type(error).__name__}: {error} (CRYSTAL_DEBUG=1 shows where)", 1)


def _is_broken(argument: str) -> bool:
    """Tell whether an argument holds bytes that are not valid in the system's encoding."""
    return any("\ud800" <= character <= "\udfff" for character in argument)


def _legible(argument: str) -> str:
    """Return an argument as text; the name of a file that exists stays as it is."""
    if not _is_broken(argument) or os.path.lexists(argument):
        return argument
    from crystalcli.text import decode_labelled

    return decode_labelled(argument.encode("utf-8", "surrogateescape"))


def _usage_message(error: Exception, name: str) -> str:
    """Write what is wrong with a command line, and where its command is explained."""
    message = error.format_message().strip()  # type: ignore[attr-defined]
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else name
    return f"{message}{'' if message.endswith(('.', '?', '!', ')')) else '.'} See `{path} --help`."


def _stopped() -> int:
    if sys.stderr.isatty():
        sys.stderr.write("\n")  # the terminal has shown ^C
    return output.failure(_STOPPED, _INTERRUPTED)
