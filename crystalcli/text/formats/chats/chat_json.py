"""Messages in JSON: lists of objects that say who, what and when, wherever in the exports of chats they stand.

Knows the names that such exports give to authors, texts and times, and the trees of ChatGPT. JSON of any other shape holds no
conversations. Of what is not a message (settings, reactions, identities) nothing is kept.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from crystalcli.text.document.messages import ChatLog, Message, format_time, short_label

PEOPLE = "users.json"  # the file of a Slack export that maps user ids to names
_AUTHORS = ("author", "from", "sender", "sender_name", "speaker", "user", "username", "user_name", "name", "role")
_TEXTS = ("text", "content", "message", "body", "value")
_TIMES = (
    "time", "timestamp", "timestamp_ms", "date", "ts", "created_at", "createdAt", "create_time", "iso", "datetime",
    "date_time", "sent_at",
)  # fmt: skip
_SESSION_TIMES = ("iso", "date_time", "datetime", "date", "time", "timestamp", "created_at", "create_time")
_TITLES = ("title", "name", "subject", "topic")
_NAMES = ("real_name", "display_name", "name", "nickname", "username", "full_name", "role", "email", "id")
# Who speaks where no time is told: machines, and what is called a speaker.
_ROLES = frozenset(
    ("user", "assistant", "system", "tool", "human", "gpt", "ai", "bot", "model", "developer", "function")
)
_HOLDERS = re.compile(
    r"messages|chat_messages|turns|conversations?|dialog(?:ue)?s?|sessions?(?:_\d+)?|chats?|list|history|utterances|threads?"
)
_DEPTH = 8
_SLACK_ID = re.compile(r"[UWB][A-Z0-9]{6,}")
_SLACK_LINK = re.compile(r"<([^<>|\s]+)(?:\|([^<>]*))?>")
_MOSTLY = 0.5  # of the objects in a list: the others are of those who join and leave


def find_conversations(data: object, people: Mapping[str, str] | None = None) -> list[ChatLog]:
    """Every conversation in what was parsed, in order; none where it is other data. people: names by identities, for Slack."""
    return list(_found(data, "", "", people or {}, _DEPTH))


def chat_title(data: object) -> str:
    """What the whole calls itself, or ""."""
    if not isinstance(data, dict):
        return ""
    channel = data.get("channel")
    return short_label(_first_text(data, _TITLES) or (_first_text(channel, _TITLES) if isinstance(channel, dict) else ""))


def slack_names(data: object) -> dict[str, str]:
    """Names by identities, from Slack's `users.json`."""
    found: dict[str, str] = {}
    for each in data if isinstance(data, list) else ():
        if isinstance(each, dict) and isinstance(each.get("id"), str):
            profile = each.get("profile")
            sources = (
                (profile, ("display_name",)),
                (each, ("real_name",)),
                (profile, ("real_name",)),
                (each, ("name",)),
            )
            names = (_first_text(source, keys) for source, keys in sources if isinstance(source, dict))
            found[each["id"]] = short_label(next(filter(None, names), each["id"]))
    return found


def _found(data: object, title: str, time: str, people: Mapping[str, str], depth: int) -> Iterator[ChatLog]:
    if depth == 0:
        return
    if isinstance(data, list):
        if messages := _messages(data, time, people):
            yield ChatLog(title, messages)
        else:
            for each in data:
                if isinstance(each, dict | list):
                    yield from _found(each, "", time, people, depth - 1)
    elif isinstance(data, dict):
        mapping = data.get("mapping")
        title = "" if depth == _DEPTH else _first_text(data, _TITLES)
        time = _first_time(data, _SESSION_TIMES) or time
        if isinstance(mapping, dict):
            branch = [_message(node, "", people) for node in _branch(mapping, data.get("current_node"))]
            if messages := tuple(each for each in branch if each is not None):
                yield ChatLog(_first_text(data, _TITLES), messages)
            return
        for key, value in data.items():
            if _HOLDERS.fullmatch(key) and isinstance(value, dict | list):
                told = format_time(data.get(f"{key}_date_time")) or time
                yield from _found(value, title, told, people, depth - 1)


def _branch(mapping: dict[str, Any], node: object) -> list[Any]:
    """The messages of ChatGPT's tree that lead to the one that was shown last, or to the last that has no answer."""
    if not isinstance(node, str) or node not in mapping:
        ends = (key for key, value in mapping.items() if isinstance(value, dict) and not value.get("children"))
        node = next(reversed(list(ends)), None)
    found: list[Any] = []
    seen: set[str] = set()
    while isinstance(node, str) and node not in seen and isinstance(mapping.get(node), dict):
        seen.add(node)
        found.append(mapping[node].get("message"))
        node = mapping[node].get("parent")
    return found[::-1]


def _messages(data: list[Any], time: str, people: Mapping[str, str]) -> tuple[Message, ...]:
    """The messages of a list that mostly holds such, in order of time where the list has the last of them first."""
    objects = [each for each in data if isinstance(each, dict)]
    pairs = [(message, each) for each in objects if (message := _message(each, time, people)) is not None]
    if not pairs or len(objects) < len(data) or len(pairs) < _MOSTLY * len(objects):
        return ()
    if not all(message.time or _is_speaker(each) for message, each in pairs):
        return ()
    found = [message for message, _ in pairs]
    times = [message.time for message in found]
    is_backward = times[0] > times[-1] and times == sorted(times, reverse=True)
    return tuple(reversed(found) if is_backward else found)


def _is_speaker(data: dict[str, Any]) -> bool:
    return "speaker" in data or any(str(data.get(key, "")).lower() in _ROLES for key in ("role", "from", "sender"))


def _message(data: object, time: str, people: Mapping[str, str]) -> Message | None:
    if not isinstance(data, dict):
        return None
    author = next((name for key in _AUTHORS if (name := _name(data.get(key), people))), "")
    texts = (_text(data.get(key)) for key in _TEXTS)
    text = next((each for each in texts if each), "")
    if not author or (not text and not any(isinstance(data.get(key), str | list) for key in _TEXTS)):
        return None
    if "sender_name" in data:
        author, text = _repaired(author), _repaired(text)
    if _SLACK_ID.fullmatch(str(data.get("user", ""))) and "ts" in data:
        text = _from_slack(text, people)
        profile = data.get("user_profile")
        if author == data["user"] and isinstance(profile, dict):
            author = short_label(_first_text(profile, _NAMES)) or author
    text = "\n".join(filter(None, (text.strip(), *_attached(data))))
    return Message(author, _first_time(data, _TIMES) or time, text) if text else None


def _name(value: object, people: Mapping[str, str]) -> str:
    if isinstance(value, dict):
        return short_label(_first_text(value, _NAMES))
    return short_label(people.get(value, value)) if isinstance(value, str) else ""


def _text(value: object, depth: int = 4) -> str:
    """Text in one piece, in parts, or in parts of parts."""
    if isinstance(value, str) or depth == 0:
        return value if isinstance(value, str) else ""
    if isinstance(value, list):
        parts = [_text(each, depth - 1) for each in value]
        is_prose = all(isinstance(each, str) or "type" in each for each in value if isinstance(each, str | dict))
        return ("" if is_prose else "\n").join(filter(None, parts))
    if isinstance(value, dict):
        return next((text for key in ("text", "parts", "value") if (text := _text(value.get(key), depth - 1))), "")
    return ""


def _attached(data: dict[str, Any]) -> Iterator[str]:
    """What came with a message, by its name."""
    if caption := _first_text(data, ("image_caption",)):
        yield f"[Image: {short_label(caption)}]"
    for key in ("attachments", "files", "photos", "videos"):
        held = data.get(key)
        for each in held if isinstance(held, list) else ():
            name = (
                _first_text(each, ("file_name", "filename", "name", "title", "uri")) if isinstance(each, dict) else ""
            )
            if name:
                yield f"[Attachment: {short_label(name)}]"


def _from_slack(text: str, people: Mapping[str, str]) -> str:
    """Slack's marks for people and links as they are shown."""

    def shown(link: re.Match[str]) -> str:
        target, label = link[1], link[2] or ""
        if target[0] in "@#!":
            return ("@" if target[0] == "!" else target[0]) + (label or people.get(target[1:], target[1:]))
        return f"{label} ({target})" if label and label != target else target

    return html.unescape(_SLACK_LINK.sub(shown, text))


def _repaired(text: str) -> str:
    """Messenger's exports write each byte of UTF-8 as a character of its own."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _first_text(data: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((value for key in keys if isinstance(value := data.get(key), str) and value.strip()), "")


def _first_time(data: dict[str, Any], keys: tuple[str, ...]) -> str:
    return next((told for key in keys if (told := format_time(data.get(key)))), "")
