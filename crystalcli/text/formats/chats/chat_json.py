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
from crystalcli.text.formats.chats.content_blocks import Said, parts_said, text_beside, without_placeholder
from crystalcli.text.formats.mail.mail_body import mail_body_text

# Keys in lower case and without underscores: senderName and sender_name are one.
_AUTHORS = (
    "author", "displayname", "from", "sendername", "sender", "speaker", "creator", "user", "username", "botprofile", "name", "role",
)  # fmt: skip
_TEXTS = ("text", "content", "message", "body", "contents", "value")
_TIMES = (
    "time", "timestamp", "timestampms", "date", "ts", "createdat", "createtime", "createddate", "createat", "iso", "datetime", "sentat",
    "sendtime", "originserverts", "originalarrivaltime", "createddatetime", "sentdatetime", "insertedat", "starttimestamp",
)  # fmt: skip
_SESSION_TIMES = ("iso", "date_time", "datetime", "date", "time", "timestamp", "created_at", "create_time")
_TITLES = ("title", "name", "subject", "topic", "threadName", "room_name", "displayName")
_NAMES = (
    "real_name",
    "display_name",
    "displayName",
    "name",
    "nickname",
    "username",
    "full_name",
    "role",
    "email",
    "id",
)
# Authors of messages without a time: people and machines in logs of language models.
_ROLES = frozenset((
    "user", "assistant", "system", "tool", "human", "gpt", "ai", "bot", "model", "developer", "function", "gemini",
))  # fmt: skip
# Authors of the fragments of a message of DeepSeek.
_FRAGMENTS = {"REQUEST": "user", "RESPONSE": "assistant", "THINK": "assistant (thoughts)"}
# Keys under which lists of messages stand.
_HOLDERS = re.compile(
    r"messages|chat_messages|turns|conversations?|dialog(?:ue)?s?|sessions?(?:_\d+)?|chats?|list|history|utterances|threads?"
    r"|MessageList|responses|data|value"
)
_WRAPPERS = ("response", "message", "post")  # keys of an object that is the message itself
_WRAPPED = frozenset(("role", "sender", "author", "user"))  # of which that object has one
_SERVICE = frozenset(("actor", "action"))  # keys of a message by the program, which has no text
_OWN_MESSAGE = frozenset(("id", "timestamp", "contents"))  # in Discord's package of one's own messages
_MAX_DEPTH = 8  # nested objects and lists
_SLACK_ID = re.compile(r"[UWB][A-Z0-9]{6,}")
_SLACK_LINK = re.compile(r"<([^<>|\s]+)(?:\|([^<>]*))?>")
_MATRIX_ID = re.compile(r"@([^:@\s]+):[\w.-]+\.\w+(?::\d+)?")
_SKYPE_ID = re.compile(r"\A\d{1,2}:(?:live:)?(?:\.cid\.)?")
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
    title = _first_text(data, _TITLES) or (_first_text(channel, _TITLES) if isinstance(channel, dict) else "")
    return short_label(_repair_latin_1(title) if "participants" in data else title)


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
        title = "" if depth == _MAX_DEPTH else _first_text(data, _TITLES) or title
        conversation = data.get("conversation")
        if isinstance(conversation, dict) and not title:
            title = _first_text(conversation, _TITLES)
        time = _first_time(data, _SESSION_TIMES) or time
        if isinstance(mapping, dict):
            branch = [_said(node, "", users) for node in _branch(mapping, data.get("current_node"))]
            if messages := tuple(message for said in branch for message in said or ()):
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
    if len(items) < len(data):
        return ()
    found = [(said, item) for item in items if (said := _said(item, time, users)) is not None]
    if len(found) < _MIN_MESSAGE_SHARE * len(items) or not any(said for said, _ in found):
        return ()
    if not all(message.time or _has_speaker(item) for said, item in found for message in said):
        return ()
    groups = [said for said, _ in found if said]
    times = [said[0].time for said in groups]
    is_newest_first = times[0] > times[-1] and times == sorted(times, reverse=True)
    return tuple(message for said in (reversed(groups) if is_newest_first else groups) for message in said)


def _has_speaker(data: dict[str, Any]) -> bool:
    """Tell whether an object names a speaker or a role, so that it is a message without a time."""
    return "speaker" in data or any(
        str(data.get(key, "")).lower() in _ROLES for key in ("role", "from", "sender", "type")
    )


def _said(data: object, time: str, users: Mapping[str, str]) -> tuple[Message, ...] | None:
    """Return the messages of an object: what is said, and calls of tools apart from it.

    Args:
        data: the object.
        time: of the session around it.
        users: names by user ids.

    Returns:
        The messages, none for a message without words; None for other data.
    """
    if not isinstance(data, dict):
        return None
    if "safeHtmlItem" in data and isinstance(data.get("title"), str):
        return _gemini_activity(data)
    data = _unwrapped(data)
    fields = {key.lower().replace("_", ""): value for key, value in reversed(data.items())}
    time = next((shown for key in _TIMES if (shown := _time(fields.get(key)))), "") or time
    if isinstance(fields.get("fragments"), list):
        return tuple(_fragments(fields["fragments"], time))
    author = _author(fields, users)
    if not author:
        is_service = fields.get("type") == "service" or not fields.keys().isdisjoint(_SERVICE)
        return () if is_service and time else None
    if not any(isinstance(fields.get(key), str | list | dict) for key in _TEXTS) and not (
        time and text_beside(data, "")
    ):
        return None
    replies = data.get("replies")
    answers = [_said(reply, "", users) or () for reply in replies] if isinstance(replies, list) else []
    return (*_message(data, fields, author, time, users), *(message for said in answers for message in said))


def _message(
    data: dict[str, Any], fields: dict[str, Any], author: str, time: str, users: Mapping[str, str]
) -> Iterator[Message]:
    """Yield the messages of an object whose author and time are known."""
    is_slack = "ts" in data and bool(
        _SLACK_ID.fullmatch(str(data.get("user", ""))) or "bot_id" in data or "subtype" in data
    )
    if is_slack:
        profile = data.get("user_profile")
        if author == data.get("user") and isinstance(profile, dict):
            author = short_label(_first_text(profile, _NAMES)) or author
    parts = _parts(fields)
    beside = text_beside(data, "\n".join(part.text for part in parts))
    if caption := _first_text(data, ("image_caption",)):
        beside.insert(0, f"[Image: {short_label(caption)}]")
    recipient = data.get("recipient")
    if isinstance(recipient, str) and recipient not in ("all", ""):  # ChatGPT's call of a tool
        parts = [part._replace(kind="call", tool=recipient) for part in parts]
    last = max((index for index, part in enumerate(parts) if part.kind == "text"), default=-1)
    if last < 0 and beside:
        parts, last = [*parts, Said("text", "", "", "")], len(parts)
    for index, part in enumerate(parts):
        text = without_placeholder(part.text)
        if "sender_name" in data:
            author, text, beside = _repair_latin_1(author), _repair_latin_1(text), list(map(_repair_latin_1, beside))
        if "messagetype" in fields or "originalarrivaltime" in fields or _is_page(fields.get("body")):
            text = mail_body_text(text)
        text = "\n".join(filter(None, (text.strip(), *(beside if index == last else ()))))
        if text := _from_slack(text, users) if is_slack else text:
            yield Message(speaker(author, part), time, text)


def _is_page(body: object) -> bool:
    """Tell whether the body of a message says that it is HTML."""
    return isinstance(body, dict) and body.get("contentType") == "html"


def speaker(author: str, part: Said, tool: str = "") -> str:
    """Return the author of a part of a message: a tool where it is called or answers.

    Args:
        author: of the message.
        part: the part.
        tool: the name of the tool that answers, or "".
    """
    if part.kind == "call":
        return f"{part.tool or 'tool'} (tool call)"
    if part.kind == "result":
        return f"{tool or 'tool'} (tool result)"
    return f"{author} (thoughts)" if part.kind == "thought" else author


def _parts(fields: dict[str, Any]) -> list[Said]:
    """Return the parts of a message's text."""
    content = fields.get("content")
    if (
        isinstance(content, list)
        and any(isinstance(block, dict) for block in content)
        and (parts := parts_said(content))
    ):
        return parts
    return next((parts for key in _TEXTS if (parts := parts_said(fields.get(key)))), [])


def _author(fields: dict[str, Any], users: Mapping[str, str]) -> str:
    """Return the author of a message, or ""."""
    for key in _AUTHORS:
        value = fields.get(key)
        if name := _name(value, users):
            is_tool = isinstance(value, dict) and value.get("role") == "tool"
            return f"{name} (tool result)" if is_tool and name != "tool" else name
    if str(fields.get("type", "")).lower() in _ROLES:
        return str(fields["type"])
    return "me" if fields.keys() >= _OWN_MESSAGE else ""


def _name(value: object, users: Mapping[str, str]) -> str:
    if isinstance(value, dict):
        inner = value.get("user")  # as Microsoft Graph names the sender of a message of Teams
        return short_label(
            _first_text(value, _NAMES) or (_first_text(inner, _NAMES) if isinstance(inner, dict) else "")
        )
    if not isinstance(value, str):
        return ""
    name = users.get(value, value)
    if matrix := _MATRIX_ID.fullmatch(name):
        return short_label(matrix[1])
    return short_label(_SKYPE_ID.sub("", name))


def _unwrapped(data: dict[str, Any]) -> dict[str, Any]:
    """Return the message inside an object that only wraps it, with the time of the wrapper."""
    for key in _WRAPPERS:
        inner = data.get(key)
        if isinstance(inner, dict) and not inner.keys().isdisjoint(_WRAPPED):
            return {**{name: value for name, value in data.items() if name != key and name != "type"}, **inner}
    return data


def _fragments(fragments: list[Any], time: str) -> Iterator[Message]:
    """Yield the parts of a message of DeepSeek, each with an author of its own."""
    for fragment in fragments:
        if isinstance(fragment, dict) and isinstance(text := fragment.get("content"), str) and text.strip():
            yield Message(_FRAGMENTS.get(str(fragment.get("type")), "assistant"), time, text.strip())


def _gemini_activity(data: dict[str, Any]) -> tuple[Message, ...]:
    """Return a question to Gemini and its answer, from Google's list of activities."""
    time = _first_time(data, ("time",))
    items = data.get("safeHtmlItem")
    pages = [item.get("html") for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    answer = "\n\n".join(mail_body_text(page) for page in pages if isinstance(page, str))
    question = Message("user", time, data["title"].removeprefix("Prompted ").strip())
    return (question, Message("Gemini", time, answer)) if answer.strip() else (question,)


def _time(value: object) -> str:
    """Return a time that may be wrapped, as databases export it."""
    for _ in range(3):
        if isinstance(value, dict):
            value = value.get("$date", value.get("$numberLong"))
    return format_time(value)


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
