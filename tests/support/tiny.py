"""The vocabulary of the small model that tests run, and its template."""

from __future__ import annotations

TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def spelling() -> list[str]:
    """GPT-2's character for each byte."""
    itself = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte) if byte in itself else chr(next(others)) for byte in range(256)]


def tiny_vocabulary() -> tuple[list[str], list[str], list[int]]:
    """Tokens, merges and token types: two control tokens, the 256 bytes, some merges. 272 in all."""
    merges = ["t h", "th e", "Ġ t", "Ġt he", "i n", "in g", "Ġ a", "a n", "an d", "Ġ Ġ", "ĠĠ ĠĠ", "1 2"]
    specials = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    made = [merge.replace(" ", "") for merge in merges]
    tokens = [*specials, *spelling(), *made, "<|spare|>"]
    return tokens, merges, [3] * 3 + [1] * (256 + len(made)) + [4]
