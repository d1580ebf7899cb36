"""Exports of chats: a paragraph for each message, and who wrote it when.

Knows which of the two kinds of exports a file is (text, JSON), and where Slack says who is who. JSON that turns out to hold no
messages is read as the code it is. Does not know what an export looks like inside (chat_json, chat_whatsapp).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from crystalcli.errors import SourceError
from crystalcli.text.document.line_index import piece_lines
from crystalcli.text.document.messages import ChatLog, write_messages
from crystalcli.text.formats.chats import chat_json, whatsapp
from crystalcli.text.formats.plain import decode_pieces
from crystalcli.text.formats.source_code import CodeReading
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.types import Landmark

_LARGEST = 256 << 20  # bytes of JSON, which is parsed whole
_LARGEST_LIST = 32 << 20  # bytes of `users.json`


class ChatReading:
    """A chat. JSON is parsed when its kind, its title or its pieces are request for, and not before."""

    def __init__(self, request: ReadRequest) -> None:
        self._request = request
        self._is_json = request.path.suffix.lower() == ".json"
        self._parsed: tuple[str, list[ChatLog]] | None = None

    @property
    def kind(self) -> str:
        """ "chat", or "code" for JSON without messages. Raises SourceError."""
        return "chat" if not self._is_json or self._conversations()[1] else "code"

    @property
    def title(self) -> str:
        """What the chat is called, or ""."""
        return self._conversations()[0] if self._is_json and self.kind == "chat" else ""

    def pieces(self) -> Iterator[str | Landmark]:
        """The messages, each after its landmark."""
        if self.kind == "code":
            yield from CodeReading(replace(self._request, kind="code")).pieces()
        elif self._is_json:
            yield from write_messages(self._conversations()[1])
        else:
            yield from write_messages(
                [ChatLog("", whatsapp.whatsapp_messages(lambda: piece_lines(decode_pieces(self._request))))]
            )

    def _conversations(self) -> tuple[str, list[ChatLog]]:
        if self._parsed is None:
            self._parsed = "", []
            if self._request.seen.fingerprint.size <= _LARGEST:
                data = _parsed("".join(decode_pieces(self._request)))
                found = chat_json.find_conversations(data, _people(self._request.path))
                self._parsed = chat_json.chat_title(data), found
        return self._parsed


def _people(path: Path) -> dict[str, str]:
    """Names by identities, where a file beside a Slack channel's folder, or in it, has them."""
    for folder in (path.parent.parent, path.parent):
        beside = folder / chat_json.PEOPLE
        try:
            if beside != path and beside.is_file() and beside.stat().st_size <= _LARGEST_LIST:
                return chat_json.slack_names(_parsed(beside.read_text("utf-8-sig")))
        except (OSError, ValueError, SourceError):
            continue
    return {}


def _parsed(text: str) -> object:
    """What the JSON says, or None where it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
