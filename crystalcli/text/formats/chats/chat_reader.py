"""Reader of chat exports: a paragraph for each message, with its author and time.

Knows which of the two kinds of exports a file is (text, JSON), and where Slack keeps the names of
its users. JSON without messages is read as source code. Does not know the inside of an export
(chat_json, whatsapp).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from crystalcli.datatypes import Landmark
from crystalcli.errors import SourceError
from crystalcli.text.document.messages import ChatLog, write_messages
from crystalcli.text.formats.chats import chat_json, whatsapp
from crystalcli.text.formats.plain import decode_lines, decode_pieces
from crystalcli.text.formats.source_code import CodeReading
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.sniff_messages import SLACK_USERS_FILE

_MAX_JSON_BYTES = 256 << 20  # of an export, which is parsed whole
_MAX_USERS_BYTES = 32 << 20  # of `users.json`


class ChatReading:
    """A chat; JSON is parsed when its kind, its title or its pieces are first read."""

    def __init__(self, request: ReadRequest) -> None:
        self._request = request
        self._is_json = request.path.suffix.lower() == ".json"
        self._parsed: tuple[str, list[ChatLog]] | None = None

    @property
    def kind(self) -> str:
        """The kind of document: "chat", or "code" for JSON without messages.

        Raises:
            SourceError: the file cannot be read.
        """
        return "chat" if not self._is_json or self._conversations()[1] else "code"

    @property
    def title(self) -> str:
        """The name of the chat, or ""."""
        return self._conversations()[0] if self._is_json and self.kind == "chat" else ""

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield the messages, each behind its landmark."""
        if self.kind == "code":
            yield from CodeReading(replace(self._request, kind="code")).pieces()
        elif self._is_json:
            yield from write_messages(self._conversations()[1])
        else:
            yield from write_messages([ChatLog("", whatsapp.whatsapp_messages(lambda: decode_lines(self._request)))])

    def _conversations(self) -> tuple[str, list[ChatLog]]:
        if self._parsed is None:
            self._parsed = "", []
            if self._request.seen.fingerprint.size <= _MAX_JSON_BYTES:
                data = _parse_json("".join(decode_pieces(self._request)))
                conversations = chat_json.find_conversations(data, _read_users(self._request.path))
                self._parsed = chat_json.chat_title(data), conversations
        return self._parsed


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
