"""Messages in the sessions of coding agents, as Claude Code and Codex keep them in lines of JSON.

Knows their records: what a user and the model say, calls of tools and their results, the work of
subagents. Records about the program itself hold no messages.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from crystalcli.text.document.messages import Message, format_time, short_label
from crystalcli.text.formats.chats.chat_json import speaker
from crystalcli.text.formats.chats.content_blocks import Said, parts_said

_CLAUDE_KEYS = frozenset(("sessionId", "parentUuid", "leafUuid"))
_CLAUDE_TYPES = frozenset(("user", "assistant", "system", "summary"))
_CODEX_TYPES = frozenset(("session_meta", "event_msg", "response_item", "turn_context", "compacted"))
_TITLES = ("summary", "aiTitle", "customTitle")
# Beginnings of texts that the program writes in the user's name.
_BY_PROGRAM = (
    "<environment_context>", "<user_instructions>", "<permissions instructions>", "# AGENTS.md instructions", "<system-reminder>",
    "<INSTRUCTIONS>", "<turn_aborted>",
)  # fmt: skip
_REMINDER = re.compile(r"<system-reminder>.*?</system-reminder>\s*", re.DOTALL)
_EVENTS = {"user_message": "user", "agent_message": "assistant"}
_CODEX_PARTS = frozenset((
    "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output", "reasoning",
))  # fmt: skip
_WAITING = 12  # texts of which the second record may still come


def is_agent_session(records: Iterable[object]) -> bool:
    """Tell whether some records are of a session, by the first ones."""
    return any(isinstance(record, dict) and (_is_claude(record) or _is_codex(record)) for record in records)


def record_title(record: object) -> str:
    """Return the title of a session if a record has it, or ""."""
    if not isinstance(record, dict) or "message" in record or "payload" in record:
        return ""
    return short_label(next((title for key in _TITLES if isinstance(title := record.get(key), str)), ""))


class AgentSession:
    """A session while it is read, record by record."""

    def __init__(self) -> None:
        self._tools: dict[str, str] = {}  # names of tools by the calls' identities
        # Codex writes a text twice, for the model and for the screen.
        self._waiting: dict[bool, deque[tuple[str, str]]] = {
            is_event: deque(maxlen=_WAITING) for is_event in (True, False)
        }

    def messages(self, record: object) -> Iterator[Message]:
        """Yield the messages of the next record."""
        if not isinstance(record, dict):
            return
        time = format_time(record.get("timestamp"))
        if isinstance(payload := record.get("payload"), dict):
            yield from self._codex(payload, time, is_event=record.get("type") == "event_msg")
        elif isinstance(message := record.get("message"), dict):
            if not record.get("isMeta"):
                yield from self._said(_role(record, message), message.get("content"), time)
        elif record.get("type") == "system" and isinstance(text := record.get("content"), str):
            yield from self._said("system", text, time)
        elif record.get("type") == "attachment" or "type" not in record:
            return
        else:  # Codex, as it wrote at first
            yield from self._codex(record, time, is_event=False)

    def _said(self, author: str, content: object, time: str) -> Iterator[Message]:
        for part in parts_said(content):
            if text := _REMINDER.sub("", part.text).strip():
                yield self._message(author, part._replace(text=text), time)
            elif part.kind == "call":
                yield self._message(author, part, time)

    def _message(self, author: str, part: Said, time: str) -> Message:
        if part.kind == "call" and part.identity:
            self._tools[part.identity] = part.tool
        return Message(speaker(author, part, self._tools.get(part.identity, "")), time, part.text)

    def _codex(self, item: dict[str, Any], time: str, *, is_event: bool) -> Iterator[Message]:
        """Yield the messages of an item of Codex."""
        kind = item.get("type")
        if is_event:
            author = _EVENTS.get(str(kind), "")
            if author and isinstance(text := item.get("message"), str):
                yield from self._once(author, text, time, is_event=True)
        elif kind == "message":
            role = str(item.get("role", ""))
            text = "\n".join(part.text for part in parts_said(item.get("content")))
            if role in ("user", "assistant") and not text.lstrip().startswith(_BY_PROGRAM):
                yield from self._once(role, text, time, is_event=False)
        elif kind == "local_shell_call" and isinstance(action := item.get("action"), dict):
            part = Said(
                "call", "shell", str(item.get("call_id") or ""), " ".join(map(str, action.get("command") or ()))
            )
            yield self._message("assistant", part, time)
        elif kind == "web_search_call" and isinstance(action := item.get("action"), dict):
            yield self._message("assistant", Said("call", "web search", "", str(action.get("query") or "")), time)
        else:
            yield from self._said("assistant", item if kind in _CODEX_PARTS else "", time)

    def _once(self, author: str, text: str, time: str, *, is_event: bool) -> Iterator[Message]:
        """Yield a text unless its other record has come already."""
        said = author, " ".join(text.split())
        if said in self._waiting[not is_event]:
            self._waiting[not is_event].remove(said)
        elif said[1]:
            self._waiting[is_event].append(said)
            yield Message(author, time, text.strip())


def _role(record: dict[str, Any], message: dict[str, Any]) -> str:
    """Return the author of a message; in the work of a subagent the agent is the user."""
    role = short_label(str(message.get("role") or record.get("type") or ""))
    if record.get("isSidechain"):
        return "subagent" if role == "assistant" else "assistant to subagent" if role == "user" else role
    return role


def _is_claude(record: dict[str, Any]) -> bool:
    return record.get("type") in _CLAUDE_TYPES and not _CLAUDE_KEYS.isdisjoint(record)


def _is_codex(record: dict[str, Any]) -> bool:
    is_first = "instructions" in record and "timestamp" in record and "id" in record
    return (record.get("type") in _CODEX_TYPES and "payload" in record) or is_first or "record_type" in record
