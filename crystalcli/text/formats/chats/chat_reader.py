"""Reader of chats and of records: exports as text or JSON, sessions of agents, lines of JSON.

Knows which of these a file is, and where Slack keeps the names of its users. JSON without messages
is read as source code, lines of it as records. Does not know the inside of an export (chat_json,
agent_session, whatsapp, text_chats).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

from crystalcli.datatypes import Landmark
from crystalcli.errors import SourceError
from crystalcli.text.document.messages import ChatLog, Message, write_messages
from crystalcli.text.formats.chats import agent_session, chat_json, text_chats, whatsapp
from crystalcli.text.formats.chats.json_lines import json_lines, parse_record, write_records
from crystalcli.text.formats.personal.keep_note import is_keep_note, keep_title, write_keep_note
from crystalcli.text.formats.plain import decode_lines, decode_pieces
from crystalcli.text.formats.source_code import CodeReading
from crystalcli.text.source.file_bytes import HEAD_BYTES, open_bytes
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.sniff_messages import JSON_SUFFIXES, SLACK_USERS_FILE, has_message_keys
from crystalcli.text.source.text_logs import text_log_kind

_MAX_JSON_BYTES = 256 << 20  # of an export, which is parsed whole
_MAX_USERS_BYTES = 32 << 20  # of `users.json`
_MAX_NOTE_BYTES = 4 << 20  # of a note of Google Keep
_KEY_BYTES = 1 << 20  # at the beginning, in which the keys of messages stand
_FIRST_RECORDS = 100  # by which lines of JSON are told apart


class ChatReading:
    """A chat, or JSON of another kind, parsed when its kind, title or pieces are first read."""

    def __init__(self, request: ReadRequest) -> None:
        self._request = request
        self._suffix = request.path.suffix.lower()

    @property
    def kind(self) -> str:
        """The kind of document.

        It is "chat", "notes" for a note of Google Keep, "records" for lines of JSON, or else "code"
        or "text".

        Raises:
            SourceError: the file cannot be read.
        """
        if self._suffix not in JSON_SUFFIXES or self._is_session or self._conversations[1]:
            return "chat"
        if self._note is not None:
            return "notes"
        return "records" if self._is_lines else "code" if self._suffix == ".json" else "text"

    @property
    def title(self) -> str:
        """The name of the chat, or ""."""
        if self._is_session:
            return self._session_title
        if self._note is not None:
            return keep_title(self._note)
        return self._conversations[0] if self._suffix in JSON_SUFFIXES and self.kind == "chat" else ""

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield the messages, each behind its landmark, or the records."""
        if self._is_session:
            yield from write_messages([ChatLog(self.title, self._session_messages())])
        elif self._note is not None:
            yield from write_keep_note(self._note)
        elif self.kind in ("code", "text"):
            yield from CodeReading(replace(self._request, kind=self.kind)).pieces()
        elif self.kind == "records":
            yield from write_records(self._lines())
        elif self._suffix in JSON_SUFFIXES:
            yield from write_messages(self._conversations[1])
        else:
            yield from write_messages([ChatLog("", self._text_messages())])

    def _text_messages(self) -> Iterator[Message]:
        head = [line for line in islice(decode_lines(self._request), 200) if line.strip()]
        kind = text_log_kind(head)
        if kind == "whatsapp":
            return whatsapp.whatsapp_messages(lambda: decode_lines(self._request))
        return text_chats.text_chat_messages(decode_lines(self._request), kind)

    def _lines(self) -> Iterator[tuple[int, str]]:
        return json_lines(decode_pieces(self._request))

    @cached_property
    def _first_records(self) -> list[object]:
        return [parse_record(line) for _, line in islice(self._lines(), _FIRST_RECORDS)]

    @cached_property
    def _is_lines(self) -> bool:
        """Whether the file has a record in each line, as a file called .json may have too."""
        if self._suffix == ".json":
            first, newline, _ = self._request.seen.head.partition(b"\n")
            if not newline or not first.rstrip().endswith(b"}"):
                return False
            return len(self._first_records) > 1 and all(isinstance(record, dict) for record in self._first_records)
        return any(isinstance(record, dict | list) for record in self._first_records)

    @cached_property
    def _is_session(self) -> bool:
        """Whether the file is a session of an agent."""
        return self._suffix in JSON_SUFFIXES and self._is_lines and agent_session.is_agent_session(self._first_records)

    @cached_property
    def _note(self) -> dict[str, Any] | None:
        """The note that a file of Google Keep holds; None for other files."""
        seen = self._request.seen
        if (
            self._suffix != ".json"
            or seen.fingerprint.size > _MAX_NOTE_BYTES
            or b"TimestampUsec" not in self._beginning
        ):
            return None
        data = _parse_json("".join(decode_pieces(self._request)))
        return data if isinstance(data, dict) and is_keep_note(data) else None

    def _session_messages(self) -> Iterator[Message]:
        session = agent_session.AgentSession()
        for _, line in self._lines():
            yield from session.messages(parse_record(line))

    @cached_property
    def _session_title(self) -> str:
        lines = (line for _, line in self._lines() if len(line) < 1000 and ("summary" in line or "Title" in line))
        return next(filter(None, (agent_session.record_title(parse_record(line)) for line in lines)), "")

    @cached_property
    def _conversations(self) -> tuple[str, list[ChatLog]]:
        """The title and the conversations of JSON; none where it has no messages."""
        if self._request.seen.fingerprint.size > _MAX_JSON_BYTES or not self._has_message_keys():
            return "", []
        text = "".join(decode_pieces(self._request))
        if self._is_lines:
            data: object = [parse_record(line) for line in text.split("\n") if line.strip()]
        else:
            data = _parse_json(text)
        return chat_json.chat_title(data), chat_json.find_conversations(data, _read_users(self._request.path))

    def _has_message_keys(self) -> bool:
        return self._request.seen.encoding.startswith(("utf-16", "utf-32")) or has_message_keys(self._beginning)

    @cached_property
    def _beginning(self) -> bytes:
        seen = self._request.seen
        if seen.fingerprint.size <= HEAD_BYTES:
            return seen.head
        with open_bytes(self._request.path) as (stream, _):
            return stream.read(_KEY_BYTES)


def _read_users(path: Path) -> dict[str, str]:
    """Return names by user ids, from a `users.json` above or in a Slack channel's folder."""
    for folder in (path.parent.parent, path.parent):
        users = folder / SLACK_USERS_FILE
        try:
            if users != path and users.is_file() and users.stat().st_size <= _MAX_USERS_BYTES:
                return chat_json.slack_names(_parse_json(users.read_text("utf-8-sig")))
        except (OSError, ValueError, SourceError):
            continue
    return {}


def _parse_json(text: str) -> object:
    """Parse JSON; None if it is invalid."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
