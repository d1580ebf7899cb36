"""Lines of JSON: sessions of agents and chats as messages, other records as a line each."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.readings import Read, read

from crystalcli.text.formats.chats.content_blocks import MAX_RESULT_LENGTH


def read_lines(tmp_path: Path, records: list[Any], name: str = "session.jsonl") -> Read:
    return read(tmp_path / name, "".join(json.dumps(record) + "\n" for record in records))


def said(found: Read) -> list[str]:
    return [text.partition("] ")[2] for text in found.text.strip().split("\n\n[")] if found.text else []


def claude(kind: str, content: Any, minute: int = 0, **more: Any) -> dict[str, Any]:
    time = f"2026-05-05T09:{minute:02}:00.000Z"
    return {
        "type": kind,
        "sessionId": "s",
        "parentUuid": None,
        "timestamp": time,
        "message": {"role": kind, "content": content},
        **more,
    }


def test_a_session_of_claude_code(tmp_path: Path) -> None:
    call = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "make tide", "timeout": 5}}
    picture = {"type": "image", "source": {"type": "base64", "data": "iVBOR" * 400}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "2 errors\nÄ"}, picture]}
    found = read_lines(tmp_path, [
        {"type": "file-history-snapshot", "snapshot": {"message": "no"}},
        claude("user", "Why does the tide build fail?\n<system-reminder>\nnothing\n</system-reminder>"),
        claude("user", "<local-command-stdout></local-command-stdout>", isMeta=True),
        claude("assistant", [{"type": "thinking", "thinking": "The log may tell."}, {"type": "text", "text": "I look."}, call], 1),
        claude("user", [result], 2),
        claude("user", "Look for leaks.", 3, isSidechain=True),
        claude("assistant", [{"type": "text", "text": "None."}], 4, isSidechain=True),
        {"type": "system", "content": "Conversation compacted", "timestamp": "2026-05-05T09:05:00Z", "sessionId": "s"},
        {"type": "summary", "summary": "Mend the tide build", "leafUuid": "x"},
    ])  # fmt: skip
    assert (found.kind, found.title) == ("chat", "Mend the tide build")
    assert found.marks["heading"][0][1] == "Mend the tide build"
    assert found.text.startswith("[2026-05-05 09:00 UTC] user: Why does the tide build fail?\n\n[2026-05-05 09:01 UTC]")
    assert said(found)[1:] == [
        "assistant (thoughts): The log may tell.",
        "assistant: I look.",
        "Bash (tool call): command: make tide\ntimeout: 5",
        "Bash (tool result): 2 errors\nÄ\n[Image]",
        "assistant to subagent: Look for leaks.",
        "subagent: None.",
        "system: Conversation compacted",
    ]
    assert found.marks["message"][3][1] == "Bash (tool call), 2026-05-05 09:01 UTC"


def codex(kind: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"timestamp": "2026-05-05T09:00:00.000Z", "type": kind, "payload": payload}


def test_a_session_of_codex(tmp_path: Path) -> None:
    def item(role: str, text: str) -> dict[str, Any]:
        return codex(
            "response_item", {"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]}
        )

    output = json.dumps({"output": "ok\nÄ", "metadata": {"exit_code": 0}})
    records = [
        codex("session_meta", {"id": "1", "cwd": "/w", "instructions": None}),
        item("developer", "Obey."),
        item("user", "<environment_context>\n</environment_context>"),
        item("user", "Rename the table."),
        codex("event_msg", {"type": "user_message", "message": "Rename the table."}),
        codex("event_msg", {"type": "agent_reasoning", "text": "**Thinking**"}),
        codex("response_item", {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Thinking"}]}),
        codex("response_item", {"type": "function_call", "name": "shell", "call_id": "c", "arguments": '{"command": ["ls", "-l"]}'}),
        codex("response_item", {"type": "function_call_output", "call_id": "c", "output": output}),
        codex("event_msg", {"type": "agent_message", "message": "Done."}),
        item("assistant", "Done."),
        codex("event_msg", {"type": "token_count", "info": {}}),
        item("user", "Done."),
    ]  # fmt: skip
    found = read_lines(tmp_path, records, "rollout-2026-05-05.jsonl")
    assert found.kind == "chat"
    assert said(found) == [
        "user: Rename the table.",
        "assistant (thoughts): Thinking",
        'shell (tool call): command: ["ls", "-l"]',
        "shell (tool result): ok\nÄ",
        "assistant: Done.",
        "user: Done.",
    ]


def test_a_session_of_codex_of_before(tmp_path: Path) -> None:
    found = read_lines(tmp_path, [
        {"id": "1", "timestamp": "2026-05-05T09:00:00Z", "instructions": None},
        {"record_type": "state"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Rename it."}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Done."}]},
    ])  # fmt: skip
    assert (found.kind, found.text) == ("chat", "user: Rename it.\n\nassistant: Done.\n\n")


def test_a_long_result_keeps_both_ends(tmp_path: Path) -> None:
    text = "first " + "x " * 20_000 + " last"
    result = {"type": "tool_result", "tool_use_id": "t", "content": text}
    found = read_lines(tmp_path, [claude("user", "Go."), claude("user", [result])])
    assert "tool (tool result): first x x" in found.text
    assert found.text.rstrip().endswith(" last")
    assert "characters left out]" in found.text
    assert len(found.text) < MAX_RESULT_LENGTH + 200


@pytest.mark.parametrize("name", ["flat.jsonl", "flat.ndjson", "flat.json"])
@pytest.mark.parametrize("nested", [False, True])
def test_lines_of_messages_are_a_chat(tmp_path: Path, name: str, nested: bool) -> None:
    messages = [
        {"role": "user", "content": "Which resin?"},
        {"role": "assistant", "content": "Größe SR 8100.\nTwo cans."},
    ]
    found = read_lines(tmp_path, [{"messages": messages}, {"messages": messages}] if nested else messages, name)
    text = "user: Which resin?\n\nassistant: Größe SR 8100.\nTwo cans.\n\n"
    assert (found.kind, found.text) == ("chat", text * (2 if nested else 1))


def test_other_records_are_a_line_each(tmp_path: Path) -> None:
    records = [
        {"boat": {"name": "Wren", "length": 9.2}, "tags": ["a", "b"], "note": "Größe\nneu", "none": None, "ok": True},
        [1, 2],
    ]
    content = "\n".join(map(json.dumps, records)) + "\n\n{broken\n" + json.dumps({"id": 7}) + "\n"
    found = read(tmp_path / "boats.jsonl", content)
    assert (found.kind, found.title) == ("records", "")
    assert (
        found.text == "boat.name: Wren; boat.length: 9.2; tags: a, b; note: Größe neu; ok: true\n1, 2\n{broken\nid: 7\n"
    )
    assert [label for _, label in found.marks["row"]] == ["0", "1"]


def test_lines_of_other_things_stay_text(tmp_path: Path) -> None:
    for name, text in (("a.jsonl", "no JSON\nat all\n"), ("b.jsonl", "{not\n{this\n")):
        assert (read(tmp_path / name, text).kind, read(tmp_path / name, text).text) == ("text", text)
    pretty = json.dumps({"a": [{"b": 1}]}, indent=1)
    assert read(tmp_path / "c.json", pretty).kind == "code"


def test_a_line_may_be_long(tmp_path: Path) -> None:
    found = read_lines(tmp_path, [claude("user", "x" * 3_000_000 + " end"), claude("assistant", "Yes.", 1)])
    assert found.kind == "chat"
    assert found.text.endswith(" end\n\n[2026-05-05 09:01 UTC] assistant: Yes.\n\n")
