"""Messages in JSON exports of chats: lists of objects with an author, a text and a time.

Knows the names that exports give to authors, texts and times, the trees of ChatGPT, and the user
ids of Slack. JSON of another shape holds no conversations. Settings, reactions and identities are
left out.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from crystalcli.text.document.messages import ChatLog, Message, format_time, short_label

_AUTHORS = ("author", "from", "sender", "sender_name", "speaker", "user", "username", "user_name", "name", "role")
_TEXTS = ("text", "content", "message", "body", "value")
_TIMES = (
    "time", "timestamp", "timestamp_ms", "date", "ts", "created_at", "createdAt", "create_time", "iso", "datetime",
    "date_time", "sent_at",
)  # fmt: skip
_SESSION_TIMES = ("iso", "date_time", "datetime", "date", "time", "timestamp", "created_at", "create_time")
_TITLES = ("title", "name", "subject", "topic")
_NAMES = ("real_name", "display_name", "name", "nickname", "username", "full_name", "role", "email", "id")
# Authors of messages without a time: people and machines in logs of language models.
_ROLES = frozenset(
    ("user", "assistant", "system", "tool", "human", "gpt", "ai", "bot", "model", "developer", "function")
)
# Keys under which lists of messages stand.
_HOLDERS = re.compile(
    r"messages|chat_messages|turns|conversations?|dialog(?:ue)?s?|sessions?(?:_\d+)?|chats?|list|history|utterances|threads?"
)
_MAX_DEPTH = 8  # nested objects and lists
_SLACK_ID = re.compile(r"[UWB][A-Z0-9]{6,}")
_SLACK_LINK = re.compile(r"<([^<>|\s]+)(?:\|([^<>]*))?>")
_MIN_MESSAGE_SHARE = 0.5  # of the objects in a list; the others tell who joins and leaves


def find_conversations(data: object, users: Mapping[str, str] | None = None) -> list[ChatLog]:
    """Find the conversations in parsed JSON.

    Args:
        data: the whole export.
        users: names by user ids, for Slack.

    Returns:
        The conversations, in order; empty for other data.
    """
    return list(_find(data, "", "", users or {}, _MAX_DEPTH))


def chat_title(data: object) -> str:
    """Return the title of a whole export, or ""."""
    if not isinstance(data, dict):
        return ""
    channel = data.get("channel")
    return short_label(
        _first_text(data, _TITLES) or (_first_text(channel, _TITLES) if isinstance(channel, dict) else "")
    )


def slack_names(data: object) -> dict[str, str]:
    """Return names by user ids, from the parsed `users.json` of a Slack export."""
    users: dict[str, str] = {}
    for user in data if isinstance(data, list) else ():
        if isinstance(user, dict) and isinstance(user.get("id"), str):
            profile = user.get("profile")
            sources = (
                (profile, ("display_name",)),
                (user, ("real_name",)),
                (profile, ("real_name",)),
                (user, ("name",)),
            )
            names = (_first_text(source, keys) for source, keys in sources if isinstance(source, dict))
            users[user["id"]] = short_label(next(filter(None, names), user["id"]))
    return users


def _find(data: object, title: str, time: str, users: Mapping[str, str], depth: int) -> Iterator[ChatLog]:
    """Find the conversations in a part of an export.

    Args:
        data: the part.
        title: of the conversation around it, or "".
        time: of the session around it, for messages without a time of their own.
        users: names by user ids.
        depth: how many levels more are searched.
    """
    if depth == 0:
        return
    if isinstance(data, list):
        if messages := _messages(data, time, users):
            yield ChatLog(title, messages)
        else:
            for part in data:
                if isinstance(part, dict | list):
                    yield from _find(part, "", time, users, depth - 1)
    elif isinstance(data, dict):
        mapping = data.get("mapping")
        title = "" if depth == _MAX_DEPTH else _first_text(data, _TITLES)
        time = _first_time(data, _SESSION_TIMES) or time
        if isinstance(mapping, dict):
            branch = [_message(node, "", users) for node in _branch(mapping, data.get("current_node"))]
            if messages := tuple(message for message in branch if message is not None):
                yield ChatLog(_first_text(data, _TITLES), messages)
            return
        for key, value in data.items():
            if _HOLDERS.fullmatch(key) and isinstance(value, dict | list):
                session_time = format_time(data.get(f"{key}_date_time")) or time
                yield from _find(value, title, session_time, users, depth - 1)


def _branch(mapping: dict[str, Any], node: object) -> list[Any]:
    """Return the messages on one branch of ChatGPT's tree, in order.

    Args:
        mapping: the nodes by id.
        node: the id of the message shown last; for another value, the last message without an
            answer is taken.
    """
    if not isinstance(node, str) or node not in mapping:
        ends = (key for key, value in mapping.items() if isinstance(value, dict) and not value.get("children"))
        node = next(reversed(list(ends)), None)
    branch: list[Any] = []
    seen: set[str] = set()
    while isinstance(node, str) and node not in seen and isinstance(mapping.get(node), dict):
        seen.add(node)
        branch.append(mapping[node].get("message"))
        node = mapping[node].get("parent")
    return branch[::-1]


def _messages(data: list[Any], time: str, users: Mapping[str, str]) -> tuple[Message, ...]:
    """Return the messages of a list, oldest first; empty if the list mostly holds other data."""
    items = [item for item in data if isinstance(item, dict)]
    pairs = [(message, item) for item in items if (message := _message(item, time, users)) is not None]
    if not pairs or len(items) < len(data) or len(pairs) < _MIN_MESSAGE_SHARE * len(items):
        return ()
    if not all(message.time or _has_speaker(item) for message, item in pairs):
        return ()
    messages = [message for message, _ in pairs]
    times = [message.time for message in messages]
    is_newest_first = times[0] > times[-1] and times == sorted(times, reverse=True)
    return tuple(reversed(messages) if is_newest_first else messages)


def _has_speaker(data: dict[str, Any]) -> bool:
    """Tell whether an object names a speaker or a role, so that it is a message without a time."""
    return "speaker" in data or any(str(data.get(key, "")).lower() in _ROLES for key in ("role", "from", "sender"))


def _message(data: object, time: str, users: Mapping[str, str]) -> Message | None:
    """Return an object as a message, or None if it is other data."""
    if not isinstance(data, dict):
        return None
    author = next((name for key in _AUTHORS if (name := _name(data.get(key), users))), "")
    texts = (_text(data.get(key)) for key in _TEXTS)
    text = next(filter(None, texts), "")
    if not author or (not text and not any(isinstance(data.get(key), str | list) for key in _TEXTS)):
        return None
    if "sender_name" in data:
        author, text = _repair_latin_1(author), _repair_latin_1(text)
    if _SLACK_ID.fullmatch(str(data.get("user", ""))) and "ts" in data:
        text = _from_slack(text, users)
        profile = data.get("user_profile")
        if author == data["user"] and isinstance(profile, dict):
            author = short_label(_first_text(profile, _NAMES)) or author
    text = "\n".join(filter(None, (text.strip(), *_attached(data))))
    return Message(author, _first_time(data, _TIMES) or time, text) if text else None


def _name(value: object, users: Mapping[str, str]) -> str:
    if isinstance(value, dict):
        return short_label(_first_text(value, _NAMES))
    return short_label(users.get(value, value)) if isinstance(value, str) else ""


def _text(value: object, depth: int = 4) -> str:
    """Join text that is given in one piece, in parts, or in parts of parts."""
    if isinstance(value, str) or depth == 0:
        return value if isinstance(value, str) else ""
    if isinstance(value, list):
        parts = [_text(part, depth - 1) for part in value]
        is_prose = all(isinstance(part, str) or "type" in part for part in value if isinstance(part, str | dict))
        return ("" if is_prose else "\n").join(filter(None, parts))
    if isinstance(value, dict):
        return next((text for key in ("text", "parts", "value") if (text := _text(value.get(key), depth - 1))), "")
    return ""


def _attached(data: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each image, file or the like that came with a message."""
    if caption := _first_text(data, ("image_caption",)):
        yield f"[Image: {short_label(caption)}]"
    for key in ("attachments", "files", "photos", "videos"):
        files = data.get(key)
        for file in files if isinstance(files, list) else ():
            name = (
                _first_text(file, ("file_name", "filename", "name", "title", "uri")) if isinstance(file, dict) else ""
            )
            if name:
                yield f"[Attachment: {short_label(name)}]"


def _from_slack(text: str, users: Mapping[str, str]) -> str:
    """Replace Slack's marks for people and links by the words that Slack shows."""

    def shown(link: re.Match[str]) -> str:
        target, label = link[1], link[2] or ""
        if target[0] in "@#!":
            return ("@" if target[0] == "!" else target[0]) + (label or users.get(target[1:], target[1:]))
        return f"{label} ({target})" if label and label != target else target

    return html.unescape(_SLACK_LINK.sub(shown, text))


def _repair_latin_1(text: str) -> str:
    """Repair text from Messenger, whose exports write each byte of UTF-8 as a character."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _first_text(data: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((value for key in keys if isinstance(value := data.get(key), str) and value.strip()), "")


def _first_time(data: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((time for key in keys if (time := format_time(data.get(key)))), "")
