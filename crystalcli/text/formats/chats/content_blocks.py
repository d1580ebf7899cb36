"""Content of a message in the exports of chats: texts, calls of tools, and their results.

Knows the blocks of language models' messages, and the places beside a message's text where programs
keep more of it: attachments, embeds, polls, pasted files. Does not know authors and times.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from crystalcli.text.document.messages import short_label

MAX_RESULT_LENGTH = 4_000  # characters of a tool's result; of a longer one both ends are kept
_MAX_DEPTH = 8  # nested blocks
_CALLS = frozenset(("tool_use", "server_tool_use", "mcp_tool_use", "function_call", "custom_tool_call", "tool-call"))
_RESULTS = frozenset(
    ("tool_result", "function_call_output", "custom_tool_call_output", "mcp_tool_result", "tool-result")
)
_THOUGHTS = frozenset(("thinking", "reasoning", "thoughts", "reasoning_recap"))
# Keys of texts, in the order in which they are read; the others hold settings, identities, numbers.
_SAID = (
    "title", "pretext", "header", "name", "question", "text", "plain_text", "description", "summary", "content", "body", "value",
    "parts", "answers", "options", "fields", "elements", "blocks", "embeds", "sections", "thoughts", "result", "output",
    "extracted_content", "preview", "fallback", "footer", "transcript", "user_profile", "user_instructions", "model_set_context",
    "caption", "share_text", "message", "file", "data", "first_name", "last_name", "phone_number",
)  # fmt: skip
# Keys beside a message's text under which it goes on.
_BESIDE = (
    "attachments", "files", "attached_files", "media", "photos", "videos", "audio_files", "gifs", "embeds", "blocks", "poll",
    "contact_information", "forwardedMessage", "forwarded_message", "share", "quoted_message", "artifacts",
    "place_name", "address",
)  # fmt: skip
_FILE_NAMES = ("file_name", "fileName", "filename", "original_name", "export_name", "uri")
_NO_TITLES = ("name", "title")  # of a file, whose name is told otherwise
# Parts of Slack's rich text whose elements are the words of one line.
_SECTIONS = frozenset(("rich_text_section", "rich_text_quote", "rich_text_preformatted"))
_DATA = re.compile(r"data:[\w/+.-]*;base64,\S*|[A-Za-z0-9+/=_-]{400,}")
_NOT_WORDS = re.compile(r"[\W_]+")
_LOST = re.compile(r"\n*```\nThis block is not supported on your current device yet\.\n```\n*")


class Said(NamedTuple):
    """A part of a message.

    Attributes:
        kind: "text", "thought", "call" or "result".
        tool: the name of the tool that is called; else "".
        identity: of the call, which its result repeats; or "".
        text: what is said.
    """

    kind: str
    tool: str
    identity: str
    text: str


def parts_said(content: object, depth: int = _MAX_DEPTH) -> list[Said]:
    """Return the parts of a message's content, in order.

    Args:
        content: a text, or blocks of it.
        depth: how many levels more are looked at.
    """
    if isinstance(content, str):
        return [Said("text", "", "", content)] if content else []
    if isinstance(content, list):
        if _is_inline(content):
            return parts_said("".join(_inline_text(part) for part in content))
        return _joined([said for part in content for said in parts_said(part, depth - 1)]) if depth else []
    if not isinstance(content, dict) or not depth:
        return []
    kind = content.get("type") or content.get("content_type")
    if kind in _CALLS:
        given = next((content[key] for key in ("input", "arguments", "args") if key in content), "")
        identity = str(content.get("call_id") or content.get("id") or "")
        return [Said("call", short_label(str(content.get("name", ""))), identity, call_text(given))]
    if kind in _RESULTS:
        output = _output(next((content[key] for key in ("content", "output", "result") if key in content), ""))
        identity = str(content.get("tool_use_id") or content.get("call_id") or "")
        return [
            Said("result", "", identity, cut_result("\n".join(part.text for part in parts_said(output, depth - 1))))
        ]
    if kind in _THOUGHTS:
        text = next(
            filter(None, (said_text(content.get(key)) for key in ("thinking", "summary", "thoughts", "content"))), ""
        )
        return [Said("thought", "", "", text)] if text else []
    if kind in ("image", "input_image", "image_url"):
        return [Said("text", "", "", "[Image]")]
    text = said_text(content, depth)
    return [Said("text", "", "", text)] if text else []


def said_text(value: object, depth: int = _MAX_DEPTH) -> str:
    """Return all text in a part of an export, a line for each piece; data in base64 is left out."""
    return "\n".join(dict.fromkeys(_lines(value, depth)))


def text_beside(data: dict[str, Any], text: str) -> list[str]:
    """Return what a message says beside its text, and the names of its files.

    Args:
        data: the message.
        text: its text, which is not repeated.
    """
    said: list[str] = []
    known = _letters(text)
    for key in _BESIDE:
        for part in _as_list(data.get(key)):
            for line in _beside_lines(part):
                letters = _letters(line)
                if letters and letters not in known:
                    said.append(line)
                    known += letters
    if isinstance(data.get("file"), str):  # Telegram's
        said.append(f"[Attachment: {short_label(str(data.get('file_name') or data['file']))}]")
    return said


def call_text(given: object) -> str:
    """Return what a tool is called with: a line for each argument."""
    if isinstance(given, str):
        try:
            parsed = json.loads(given)
        except (ValueError, RecursionError):
            return _without_data(given)
        return call_text(parsed) if isinstance(parsed, dict) else _without_data(given)
    if not isinstance(given, dict):
        return "" if given is None else _without_data(json.dumps(given, ensure_ascii=False))
    shown = (
        (key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for key, value in given.items()
    )
    return "\n".join(f"{key}: {_without_data(value)}" for key, value in shown)


def cut_result(text: str) -> str:
    """Return the result of a tool, without its middle if it is long."""
    text = _without_data(text)
    if len(text) <= MAX_RESULT_LENGTH:
        return text
    head, tail = MAX_RESULT_LENGTH * 3 // 4, MAX_RESULT_LENGTH // 4
    return f"{text[:head]}\n[{len(text) - head - tail:,} characters left out]\n{text[-tail:]}"


def without_placeholder(text: str) -> str:
    """Return a text without the words that Claude's export writes in place of a block."""
    return _LOST.sub("\n", text).strip() if "not supported on your current device" in text else text


def _output(value: object) -> object:
    """Return the output of a tool, which may be JSON that holds the output."""
    if isinstance(value, str) and value.startswith('{"output":'):
        try:
            return json.loads(value)["output"]
        except (ValueError, RecursionError):
            return value
    return value


def _beside_lines(part: object) -> Iterator[str]:
    if isinstance(part, str):
        if part and not part.startswith(("http://", "https://", "data:")):
            yield part
        return
    if not isinstance(part, dict):
        return
    name = next((name for key in _FILE_NAMES if isinstance(name := part.get(key), str) and name.strip()), "")
    is_file = bool(name) or any(
        key in part for key in ("mimetype", "file_size", "fileSizeBytes", "mode", "extracted_content")
    )
    if is_file:
        name = name or next(
            (title for key in _NO_TITLES if isinstance(title := part.get(key), str) and title.strip()), ""
        )
        if name:
            yield f"[Attachment: {short_label(name)}]"
        part = {key: value for key, value in part.items() if key not in _NO_TITLES}
    elif not any(key in part for key in _SAID if key not in _NO_TITLES):
        if label := next(
            (title for key in _NO_TITLES if isinstance(title := part.get(key), str) and title.strip()), ""
        ):
            yield f"[Attachment: {short_label(label)}]"
        return
    if text := said_text(part):
        yield text


def _lines(value: object, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        if text := _without_data(value).strip("\n"):
            yield text
    elif isinstance(value, list) and depth:
        if _is_inline(value):
            yield from _lines("".join(_inline_text(part) for part in value), depth)
            return
        for part in value:
            yield from _lines(part, depth - 1)
    elif isinstance(value, dict) and depth:
        if isinstance(name := value.get("name") or value.get("title"), str) and isinstance(
            said := value.get("value"), str
        ):
            yield f"{name}: {said}"  # a field
            return
        if value.get("type") in _SECTIONS:
            yield from _lines("".join(map(_inline_text, _as_list(value.get("elements")))), depth)
            return
        for key in _SAID:
            yield from _lines(value.get(key), depth - 1)


def _is_inline(parts: list[Any]) -> bool:
    """Tell whether the parts of a list are the words of one text, as Telegram writes it."""
    has_words = any(isinstance(part, str) for part in parts)
    return has_words and all(isinstance(part, str) or (isinstance(part, dict) and "type" in part) for part in parts)


def _inline_text(part: Any) -> str:
    if isinstance(part, str):
        return part
    kind, text, url = part.get("type"), part.get("text"), part.get("url")
    if kind == "user" and isinstance(part.get("user_id"), str):
        return f"<@{part['user_id']}>"  # as Slack names people in its texts
    if kind == "emoji" and isinstance(part.get("name"), str) and not isinstance(text, str):
        return f":{part['name']}:"
    if kind == "link" and isinstance(text, str) and isinstance(url, str) and text != url:
        return f"{text} ({url})"
    return next((str(part[key]) for key in ("text", "url", "name", "user_id") if isinstance(part.get(key), str)), "")


def _joined(said: list[Said]) -> list[Said]:
    """Join texts that follow each other: a text is cut into blocks where it cites something."""
    parts: list[Said] = []
    for part in said:
        last = parts[-1] if parts else None
        if last is None or last.kind != "text" or part.kind != "text":
            parts.append(part)
            continue
        goes_on = (
            last.text[-1:].isspace() or part.text[:1].isspace() or part.text[:1].islower() or part.text[:1] in ",.;:!?)"
        )
        parts[-1] = last._replace(text=last.text + ("" if goes_on else "\n") + part.text)
    return parts


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _letters(text: str) -> str:
    return _NOT_WORDS.sub("", text).lower()


def _without_data(text: str) -> str:
    return _DATA.sub("[…]", text) if len(text) >= 400 else text
