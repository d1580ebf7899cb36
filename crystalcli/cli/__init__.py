"""The command line. Nothing heavy is imported before a command runs.

Floors, from the top: `app` (the Typer app and `run`) and `reference` (man pages and docs) over
`commands`; these over `render` and `options`; these over `parsing` and `terminal`.

app.py               The program `crystal`: its Typer app, and `run`, which turns every outcome into
                     an exit code.
reference.py         Generator of the man pages and of docs/COMMANDS.md, from the Typer app itself.

commands/
    compact_cmd.py       `crystal compact`: the space of forgotten text given back.
    diff_cmd.py          `crystal diff`: the difference between two crystals.
    eval_cmd.py          `crystal eval`: recall and answers measured on one's own questions.
    export_cmd.py        `crystal export`: documents back into files, or passages as JSON lines.
    forget_cmd.py        `crystal forget`: documents out of the crystal.
    help_cmd.py          `crystal help`: the help of a command by its name.
    ingest_cmd.py        `crystal ingest`: files and folders into the crystal, or a dry run of it.
    inspect_cmd.py       `crystal inspect`: the layers of a crystal, its documents, its memory.
    layer_worker.py      The worker that `crystal ingest --background` leaves: makes layers at low
                         priority, then ends.
    layers_run.py        Layers made by a command: here, with a bar, or by a worker in the
                         background.
    mcp_cmd.py           `crystal mcp`: the crystal as tools of assistants, by the Model Context
                         Protocol.
    memories_cmd.py      `crystal memories`: what was told, listed, edited, pinned and forgotten.
    merge_cmd.py         `crystal merge`: one crystal of several.
    models_cmd.py        `crystal models`: the weights that crystal fetches, and language models of
                         one's own by name.
    open_cmd.py          `crystal open`: a source of the last answer in an editor, or in the
                         system's viewer.
    perplexity_cmd.py    `crystal perplexity`: the language model with memory and without.
    profile_cmd.py       `crystal profile`: what people have said of themselves.
    ray_run.py           An ingest over Ray as a command: its bar, its report, and what a stop
                         leaves.
    recall_cmd.py        `crystal recall`: the passages that answer a question best, for one
                         question or many.
    remember_cmd.py      `crystal remember`: a sentence or a note into the crystal.
    repair_cmd.py        `crystal repair`: a sound file from a damaged one.
    serve_cmd.py         `crystal serve`: pages in the browser to ask the crystal, search it, and
                         read what it holds.
    status_cmd.py        `crystal status`: the crystal beside the folders that it was made from.
    verify_cmd.py        `crystal verify`: is the file whole?
    watch_cmd.py         `crystal watch`: a crystal that follows its folders.

commands/ask/
    answer_screen.py     An answer as plain text while it comes: evidence, the model's words,
                         sources.
    ask_cmd.py           `crystal ask`: one question with its answer and sources, or a prompt for
                         many.
    ask_session.py       A session of `crystal ask`: one crystal, one set of options, one format of
                         answers.
    chat_cmd.py          `crystal chat`: the prompt for many questions, as a command of its own.
    model_offer.py       The offer to fetch a language model that answers, where none is on this
                         machine.
    question_history.py  History of questions at the prompt, in a file of the user's own, a line for
                         each question.
    repl.py              The prompt of `crystal ask` and `crystal chat`: questions typed one after
                         the other.

options/
    command_input.py     Input of commands beside their options: questions, texts in files, a piped
                         document.
    completion.py        Values that a shell completes: documents of the crystal, names of models,
                         names of commands.
    crystal_options.py   Options that several commands share, the crystal they name, and its
                         encoder's weights.
    filter_options.py    Options that select the files of a folder, for `ingest` and `watch`.
    model_options.py     The option that names a language model, and the model that it names.
    user_files.py        Files of the user's own: the history of questions, and the sources of the
                         last answer.
    where_options.py     Options that say where and when to look, for `recall` and `ask`.

parsing/
    command_group.py     Typer's command and group with this program's help, late loading and
                         advice.
    command_page.py      Description of one command: usage, text, options, examples. Help, man pages
                         and docs show it.
    help_text.py         A command's help as plain text of any width: lines are wrapped, and none is
                         cut.

render/
    answer_view.py       Views of answers, and of the context of a model, as Markdown and as data.
    check_view.py        Views of status, verify and repair: text for people, dictionaries for
                         programs.
    dry_run_view.py      View of a dry run of an ingest: text for people, a dictionary for programs.
    evaluation_view.py   View of the figures of `crystal eval`: text for people, a dictionary for
                         programs.
    ingest_view.py       View of an ingest: text for people, a dictionary for programs.
    inspect_view.py      Views of a crystal, its documents and its memory: text for people,
                         dictionaries for programs.
    markdown_escape.py   Escapes that make Markdown show any text as it is, without heading, link or
                         HTML.
    memory_view.py       Views of memories: text for people, dictionaries for programs.
    model_view.py        Views of models: the weights that crystal fetches and the user's own, side
                         by side.
    move_view.py         Views of export, merge, forget, compact and diff: text for people,
                         dictionaries for programs.
    perplexity_view.py   View of the figures of `crystal perplexity`: text for people, a dictionary
                         for programs.
    place_text.py        Places, in words that an editor or a reader can follow.
    plain_table.py       Tables of results: columns side by side without borders.
    profile_view.py      Views of profiles: text for people, dictionaries for programs.
    reading_view.py      Views of how a question was read, and its filter: a line for people, a
                         dictionary for programs.
    recall_view.py       Views of recalled passages: text for people, dictionaries for programs.
    watch_view.py        View of a batch of `crystal watch`: a line for people, a line of JSON for
                         programs.

terminal/
    humanize.py          Figures and names for people: bytes, counts, seconds, names in one line.
    output.py            The one owner of the terminal: results on stdout, everything else on
                         stderr.
    progress.py          Progress on stderr, drawn only on a terminal: bars, and one line that goes
                         away.
    stop_signals.py      Signals that stop a long command: Ctrl-C, and those of a system that goes
                         down.
    word_wrap.py         Word wrap of text that comes in pieces.
"""

from __future__ import annotations

import contextlib


def main() -> None:
    """Run the `crystal` command and exit with its code."""
    import atexit
    import os
    import signal
    import sys
    import threading

    from crystalcli.errors import StoppedError

    try:
        from crystalcli.cli.terminal.stop_signals import handle_interrupts

        handle_interrupts()
        from crystalcli.cli.app import run

        code = run()
    # Before there was anything to stop, or a second one while the first was answered.
    except KeyboardInterrupt:
        code = StoppedError.exit_code
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is said and done
    # A thread that still loads a model has no reader any more, and cannot be interrupted. Torch
    # takes 0.4 s to be taken apart, object by object. And after an interrupt inside of `exec`, as
    # an import of torch has them, `python -m` would end as killed by it, though it was answered.
    is_loading = threading.active_count() > 1
    if is_loading or "torch" in sys.modules or code == StoppedError.exit_code:
        if not is_loading:
            atexit._run_exitfuncs()
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
