"""A book streams through a window of 512 tokens: what leaves it is remembered, and asked for 100,000 tokens later.

    python -m crystalcli.examples.infinite_context [BOOK] [--out PICTURE.png] [--tokens N] [--seed N]

Knows: the order of things. The text is in `books` and `story`, the reading in `reading`, the sentence that is put in in `planted`, the
question in `asking`; `board` and `picture` show it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from crystalcli.cli.app import run
from crystalcli.cli.output import output
from crystalcli.cli.shared import PATH, fetch, json_option
from crystalcli.errors import CrystalError, StoppedError
from crystalcli.paths import unwritable

NAME = "python -m crystalcli.examples.infinite_context"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("book", metavar="[BOOK]...", nargs=-1, type=PATH)
@click.option(
    "--out", metavar="PICTURE.png", type=PATH, default=Path("infinite_context.png"), show_default=True,
    help="Where the picture goes; one that is there is replaced.",
)  # fmt: skip
@click.option(
    "--tokens", metavar="N", type=click.IntRange(min=1), default=100_000, show_default=True,
    help="How many tokens after the sentence it is asked for; fewer where the text ends.",
)  # fmt: skip
@click.option("--seed", metavar="N", default=0, show_default=True, help="Which sentence is put into the text.")
@click.option(
    "--minutes", metavar="N", type=click.FloatRange(min=0.0), default=2.0, show_default=True,
    help="About how long it may take: where the machine is slow the model is measured less often.",
)  # fmt: skip
@click.option("--model", metavar="NAME|FILE|DIR", help="The language model, as for `crystal perplexity`.")
@json_option
def infinite_context(
    book: tuple[Path, ...], out: Path, tokens: int, seed: int, minutes: float, model: str | None, as_json: bool
) -> None:
    """Read a book through a window of 512 tokens, remember what leaves it, and ask for a sentence 100,000 tokens later.

    A sentence that no model can know is put into the text near its beginning. Then the text is read: every token of it goes through
    the window and, behind it, into a crystal. In up to 24 places, spread evenly, the language model foresees the next 128 tokens, with
    what is recalled and without; it does not read the text between them, which would take it many minutes. At the end it is asked
    for the sentence: with its window alone, and with what is recalled.

    BOOK is a file or a folder of any kind that crystal reads; several are read one after the other. Without one the story that ships
    with the program is read, and behind it the program's own code, since the story has fewer than 100,000 tokens; in the source tree,
    the samples, the documentation and the code.

    The picture needs matplotlib: pip install 'crystalcli[examples]'.
    """
    began = time.monotonic()
    from crystalcli.cli.render import one_line
    from crystalcli.cli.speaking import judging
    from crystalcli.cli.stopping import stoppable
    from crystalcli.cli.waiting import Waiting
    from crystalcli.examples import picture, results
    from crystalcli.examples.asking import ask_three_ways
    from crystalcli.examples.board import watching
    from crystalcli.examples.books import own_texts, prepare
    from crystalcli.examples.reading import WINDOW, State, check, read, warmed
    from crystalcli.library import paths_of
    from crystalcli.memory.encoders import ENCODER
    from crystalcli.memory.past import Past
    from crystalcli.memory.perplexity import text_of
    from crystalcli.memory.recalling import RecallingModel

    drawing = picture.drawable()
    if drawing and (reason := unwritable(out)):
        raise CrystalError(f"cannot write the picture to {out}: {reason}")
    if not drawing:
        output.note("there will be no picture: pip install 'crystalcli[examples]' brings what draws it")
    state, waiting = State(0), Waiting()
    try:
        with stoppable():
            texts = [(path.name, text_of(paths_of([str(path)])).text) for path in book] or own_texts()
            opened = judging(model)
            encoder = fetch(ENCODER)
            prepared = prepare(texts, opened, tokens, seed)
            check(prepared.ids, tokens if prepared.behind == tokens else None)
            with Past(encoder) as past:
                reader = RecallingModel(opened, past, window=WINDOW)
                if not as_json:
                    results.beginning(prepared, opened.name)
                waiting.say("loading the models …")
                cost = warmed(reader, prepared.ids)
                waiting.clear()
                with watching() as show:
                    for state in read(reader, prepared.ids, 60 * minutes, began, cost):
                        show(state)
                waiting.say("asking …")
                window = opened.data(prepared.ids[-WINDOW:]).decode("utf-8", "ignore")
                answered = ask_three_ways(opened, prepared.fact, window, past.path, encoder, prepared.text)
    except KeyboardInterrupt:
        raise StoppedError(f"stopped after {state.tokens:,} tokens; nothing is kept of them") from None
    finally:
        waiting.clear()
    failure, drawn = None, None
    if drawing:
        try:
            picture.draw(state, list(zip(prepared.names, prepared.starts, strict=True)), out)
            drawn = out
        except CrystalError as error:  # the disk is full: what was measured is told all the same
            failure = error
    if as_json:
        output.json("infinite_context", results.as_json(prepared, state, answered, opened.name, drawn))
    else:
        results.ending(prepared, state, answered, opened.name)
        output.write(f"{time.monotonic() - began:.0f} s, {time.process_time():.0f} s of processors\n")
        if drawn is not None:
            output.write(f"{one_line(str(drawn))}\n")
    if failure is not None:
        raise failure


if __name__ == "__main__":
    sys.exit(run(command=infinite_context, name=NAME))
