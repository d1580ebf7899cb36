"""Writes a conversation down the way a model was taught to read it: with the template its file carries.

Knows: jinja2 templates over messages, and ChatML for files that carry none.
Does not know: tokens, weights, what the messages say.

The template is a program from outside. It runs in a sandbox (`sandbox.py`): it sees the messages and a few strings, cannot reach
Python objects behind them, and what it may make and write is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from crystalcli.errors import CrystalError, UsageError

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' "
    "+ '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
"""For a file without a template: each message between <|im_start|> and <|im_end|>."""

_EXTRA_CHARACTERS = 65_536  # that a template may write beyond what the messages hold
_MOST_REPEATS = 4  # of a message in what the template writes

Message = Mapping[str, str]


def compile_template(source: str) -> Callable[[Sequence[Message], Mapping[str, object]], str]:
    """A function from messages and named values (`bos_token`, …) to the prompt, up to where the assistant begins.

    Raises CrystalError when the template is not one; the function raises it when the template refuses the messages,
    fails, or tries what the sandbox forbids.
    """
    import jinja2
    from jinja2.ext import Extension

    from crystalcli.lm.chat.sandbox import Sandbox

    class Generation(Extension):
        """`{% generation %}`, by which training finds what the assistant says: here it is what stands in it."""

        tags = {"generation"}  # noqa: RUF012  # as jinja2 declares it

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def refuse(message: object = "the template refuses these messages") -> None:
        raise jinja2.exceptions.TemplateError(str(message))

    environment = Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", Generation])
    environment.globals["raise_exception"] = refuse
    if "strftime_now is defined" not in source:  # else it can do without, and the same question has the same prompt
        environment.globals["strftime_now"] = lambda form: datetime.now().strftime(str(form))
    try:
        template = environment.from_string(source)
    except (jinja2.exceptions.TemplateError, RecursionError) as error:
        raise CrystalError(f"the model's chat template cannot be read: {_line(error)}") from None

    def render(messages: Sequence[Message], names: Mapping[str, object]) -> str:
        room = _EXTRA_CHARACTERS + _MOST_REPEATS * sum(len(text) for message in messages for text in message.values())
        pieces: list[str] = []
        try:
            # Copies: the template gets plain dictionaries whatever the caller's mappings are.
            for piece in template.generate(messages=[dict(m) for m in messages], add_generation_prompt=True, **names):
                pieces.append(piece)
                room -= len(piece)
                if room < 0:
                    raise CrystalError("the model's chat template writes without end")
        except CrystalError:
            raise
        except Exception as error:  # whatever a program from outside may raise
            raise CrystalError(f"the model's chat template failed: {_line(error)}") from None
        return "".join(pieces)

    return render


def checked(messages: Iterable[Message]) -> list[dict[str, str]]:
    """The messages with `role` and `content` alone. Raises UsageError where one of them is missing or no text."""
    plain = [{key: message.get(key, None) for key in ("role", "content")} for message in messages]
    if not all(isinstance(text, str) for message in plain for text in message.values()):
        raise UsageError("each message of a conversation needs a `role` and a `content`, both text")
    return [{key: str(text) for key, text in message.items()} for message in plain]


def unused_mark(texts: Iterable[str]) -> str:
    """A short string that appears in none of the texts."""
    everything = "\n".join(texts)
    mark = "\ue000"
    while mark in everything:
        mark += "\ue001"
    return mark


def _line(error: Exception) -> str:
    return ascii(str(error).strip().split("\n")[0][:200])
