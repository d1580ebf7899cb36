"""Renders a conversation with the chat template that a model's file carries.

Knows: jinja2 templates over messages, and ChatML for files that carry none.
Does not know: tokens, weights, what the messages say.

The template is a program from outside. It runs in a sandbox (`sandbox.py`): it sees the messages
and a few strings, cannot reach Python objects behind them, and the size of what it makes and writes
is bounded.
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

_EXTRA_CHARACTERS = 65_536  # that a template may write beyond the messages
_MAX_REPEATS = 4  # of a message in the output

Message = Mapping[str, str]


def compile_template(source: str) -> Callable[[Sequence[Message], Mapping[str, object]], str]:
    """Compile a template.

    Args:
        source: The template, in jinja2's language.

    Returns:
        A function from messages and named values (`bos_token`, …) to the prompt, up to where the
        assistant begins. It raises CrystalError when the template refuses the messages, fails, or
        tries something that the sandbox forbids.

    Raises:
        CrystalError: The template cannot be parsed.
    """
    import jinja2
    from jinja2.ext import Extension

    from crystalcli.lm.chat.sandbox import Sandbox

    class Generation(Extension):
        """`{% generation %}`, which marks the assistant's text for training.

        Here it renders its content.
        """

        tags = {"generation"}  # noqa: RUF012  # as jinja2 declares it

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def refuse(message: object = "the template refuses these messages") -> None:
        raise jinja2.exceptions.TemplateError(str(message))

    environment = Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", Generation])
    environment.globals["raise_exception"] = refuse
    # A template that can do without the date gets none: the same question then has the same prompt.
    if "strftime_now is defined" not in source:
        environment.globals["strftime_now"] = lambda form: datetime.now().strftime(str(form))
    try:
        template = environment.from_string(source)
    except (jinja2.exceptions.TemplateError, RecursionError) as error:
        raise CrystalError(f"the model's chat template cannot be read: {_first_line(error)}") from None

    def render(messages: Sequence[Message], names: Mapping[str, object]) -> str:
        left = _EXTRA_CHARACTERS + _MAX_REPEATS * sum(len(text) for message in messages for text in message.values())
        pieces: list[str] = []
        try:
            # Copies: the template gets plain dictionaries whatever the caller's mappings are.
            copies = [dict(message) for message in messages]
            for piece in template.generate(messages=copies, add_generation_prompt=True, **names):
                pieces.append(piece)
                left -= len(piece)
                if left < 0:
                    raise CrystalError("the model's chat template writes without end")
        except CrystalError:
            raise
        except Exception as error:  # a program from outside may raise anything
            raise CrystalError(f"the model's chat template failed: {_first_line(error)}") from None
        return "".join(pieces)

    return render


def normalize_messages(messages: Iterable[Message]) -> list[dict[str, str]]:
    """Copy messages with `role` and `content` alone.

    Raises:
        UsageError: One of the two is missing or not a string.
    """
    plain = [{key: message.get(key, None) for key in ("role", "content")} for message in messages]
    if not all(isinstance(text, str) for message in plain for text in message.values()):
        raise UsageError("each message of a conversation needs a `role` and a `content`, both text")
    return [{key: str(text) for key, text in message.items()} for message in plain]


def unused_marker(texts: Iterable[str]) -> str:
    """Make a short string that appears in none of the texts."""
    joined = "\n".join(texts)
    marker = "\ue000"
    while marker in joined:
        marker += "\ue001"
    return marker


def _first_line(error: Exception) -> str:
    return ascii(str(error).strip().split("\n")[0][:200])
