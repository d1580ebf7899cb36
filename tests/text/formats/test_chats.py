"""Chats: the exports of several programs become one paragraph a message; other data stays what it was."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.readings import Read, read

from crystalcli.text.readers import kind_of_file

relaxed = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
ANN, BOB = "[2024-05-01 10:30] Ann: The ferry leaves at six.", "[2024-05-01 10:31] Bob: Don't be late."
BOTH = f"{ANN}\n\n{BOB}\n\n"


def read_json(tmp_path: Path, data: Any, name: str = "chat.json") -> Read:
    return read(tmp_path / name, json.dumps(data))


# --- WhatsApp ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("01/05/2024, 10:30 - Ann: ", "01/05/2024, 10:31 - Bob: "),
        ("[01/05/2024, 10:30:12] Ann: ", "\u200e[01/05/2024, 10:31:00] Bob: "),
        ("01.05.24, 10:30 - Ann: ", "01.05.24, 10:31 - Bob: "),
        ("[01.05.24, 10:30:12] Ann: ", "[01.05.24, 10:31:12] Bob: "),
        ("5/1/24, 10:30 AM - Ann: ", "5/1/24, 10:31 AM - Bob: "),
        ("[5/1/24, 10:30:00\u202fAM] Ann: ", "[5/1/24, 10:31:00\u202fAM] Bob: "),
        ("01/05/2024 à 10:30 - Ann: ", "01/05/2024 à 10:31 - Bob: "),
        ("1/5/24 10:30 - Ann: ", "1/5/24 10:31 - Bob: "),
        ("2024-05-01, 10:30 - Ann: ", "2024-05-01, 10:31 - Bob: "),
        ("2024/05/01, 10:30 - Ann: ", "2024/05/01, 10:31 - Bob: "),
        ("1-5-2024, 10:30 - Ann: ", "1-5-2024, 10:31 - Bob: "),
        ("01.05.24, 10:30 Uhr - Ann: ", "01.05.24, 10:31 Uhr - Bob: "),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_whatsapp(tmp_path: Path, first: str, second: str, newline: str) -> None:
    lines = [first + "The ferry leaves at six.", second + "Don't be late."]
    found = read(tmp_path / "WhatsApp Chat.txt", newline.join(lines) + newline)
    assert (found.kind, found.text) == ("chat", BOTH)
    assert [label for _, label in found.marks["message"]] == ["Ann, 2024-05-01 10:30", "Bob, 2024-05-01 10:31"]


def test_lines_that_go_on_and_lines_of_the_program(tmp_path: Path) -> None:
    found = read(
        tmp_path / "a.txt",
        "31.12.23, 23:59 - Messages and calls are end-to-end encrypted.\n"
        "31.12.23, 23:59 - Ann Lee: \u200eFirst\n\nsecond: line\n- third\n"
        "01.01.24, 00:00 - +49 170 1234567: <Media omitted>\n"
        "01.01.24, 12:01 - Ann created group \u201cTrip: Rome\u201d\n",
    )
    assert found.text == (
        "[2023-12-31 23:59] Messages and calls are end-to-end encrypted.\n\n"
        "[2023-12-31 23:59] Ann Lee: First\n\nsecond: line\n- third\n\n"
        "[2024-01-01 00:00] +49 170 1234567: <Media omitted>\n\n"
        "[2024-01-01 12:01] Ann created group \u201cTrip: Rome\u201d\n\n"
    )
    assert [label for _, label in found.marks["message"]] == [
        "2023-12-31 23:59", "Ann Lee, 2023-12-31 23:59", "+49 170 1234567, 2024-01-01 00:00", "2024-01-01 12:01",
    ]  # fmt: skip


WAYS = {
    "{d:02}/{m:02}/{y}, {H:02}:{M:02} - ": True,
    "{m}/{d}/{s:02}, {h}:{M:02} {half} - ": False,
    "[{m}/{d}/{s:02}, {H:02}:{M:02}:00] ": False,
}


@relaxed
@given(
    st.lists(st.datetimes(datetime(2015, 1, 1), datetime(2025, 12, 31)), min_size=40, max_size=40),
    st.sampled_from(sorted(WAYS)),
)
def test_the_order_of_day_and_month_is_found_in_the_file(tmp_path: Path, times: list[datetime], way: str) -> None:
    times = sorted(times)
    lines = [
        way.format(
            d=at.day,
            m=at.month,
            y=at.year,
            s=at.year % 100,
            H=at.hour,
            h=(at.hour + 11) % 12 + 1,
            M=at.minute,
            half="PM" if at.hour > 11 else "AM",
        )
        + "Ann: x"
        for at in times
    ]
    found = read(tmp_path / "a.txt", "\n".join(lines))
    if any(at.day > 12 for at in times) or len({(at.month, at.day) for at in times}) > 30:
        assert [label for _, label in found.marks["message"]] == [f"Ann, {at:%Y-%m-%d %H:%M}" for at in times]


@pytest.mark.parametrize(
    "dates",
    [
        "13-05-2024 22:30 - |14-05-2024 09:05 - ",
        "2024-05-13 22:30 - |2024-05-14 09:05 - ",
        "[2024-05-13 22:30:11] |[2024-05-14 09:05:11] ",
        "2024/05/13 22:30 - |2024/05/14 09:05 - ",
        "2024/5/13 下午10:30 - |2024/5/14 上午9:05 - ",
        "2024. 5. 13. 오후 10:30 - |2024. 5. 14. 오전 9:05 - ",
        "13/5/2024 à 22:30 - |14/5/2024 à 09:05 - ",
        "13.5.2024 klo 22.30 - |14.5.2024 klo 9.05 - ",
    ],
)
def test_dates_as_phones_in_other_countries_write_them(tmp_path: Path, dates: str) -> None:
    first, second = dates.split("|")
    found = read(tmp_path / "a.txt", f"{first}Åsa: The crane is broken.\n{second}Olle L: Is it?\nReally?\n")
    assert found.kind == "chat"
    assert [label for _, label in found.marks["message"]] == ["Åsa, 2024-05-13 22:30", "Olle L, 2024-05-14 09:05"]


@pytest.mark.parametrize(
    "text",
    [
        "2024-05-01 10:30 - worker: started\n2024-05-01 10:31 - worker: stopped\n",
        "2024-05-01 10:30 - worker: started\n2024-05-01 10:31 - db.pool: stopped\n",
        "2024-05-01 10:30:12 - Worker: started\n2024-05-01 10:31:12 - Pool: stopped\n",
        "[2024-05-01 10:30:12] app.ERROR: full\n[2024-05-01 10:30:13] Disk: stopped\n",
        "[2024-05-01 10:30:12] INFO: started\n[2024-05-01 10:30:13] INFO: stopped\n",
        "1/5/24, 10:30 - a walk\nThen home.\n",
        "Minutes\n01/05/2024, 10:30 - Ann: hello\n",
    ],
)
def test_other_texts_with_dates_stay_texts(tmp_path: Path, text: str) -> None:
    found = read(tmp_path / "a.txt", text)
    assert (found.kind, found.text) == ("text", text)


# --- JSON -------------------------------------------------------------------------------------------

MESSAGES = [("Ann", "2024-05-01T10:30:00", "The ferry leaves at six."), ("Bob", "2024-05-01 10:31", "Don't be late.")]


@pytest.mark.parametrize("author", ["author", "from", "sender", "user", "name", "speaker", "username"])
@pytest.mark.parametrize(
    ("text", "when"),
    [("text", "time"), ("content", "timestamp"), ("message", "date"), ("body", "ts"), ("text", "created_at")],
)
@pytest.mark.parametrize("inside", ["", "messages", "conversation"])
def test_lists_of_messages(tmp_path: Path, author: str, text: str, when: str, inside: str) -> None:
    data = [{author: who, when: at, text: said, "id": 1} for who, at, said in MESSAGES]
    found = read_json(tmp_path, {"title": "Trip", inside: data} if inside else data)
    assert (found.kind, found.title, found.text) == ("chat", "Trip" if inside else "", BOTH)
    assert found.marks == {"message": [(ANN[:24], "Ann, 2024-05-01 10:30"), (BOB[:24], "Bob, 2024-05-01 10:31")]}


def test_times_in_seconds_and_milliseconds_are_utc(tmp_path: Path) -> None:
    for at in (
        1714559400,
        1714559400.5,
        1714559400000,
        "1714559400.000100",
        "2024-05-01T10:30:00Z",
        "2024-05-01T10:30:00.123+00:00",
    ):
        found = read_json(tmp_path, [{"author": {"name": "Ann"}, "content": "Hello", "timestamp": at}])
        assert found.text == "[2024-05-01 10:30 UTC] Ann: Hello\n\n"


def test_the_last_message_first(tmp_path: Path) -> None:
    data = [
        {"sender_name": who, "timestamp_ms": 1714559400000 + n * 60_000, "content": text}
        for n, (who, text) in enumerate([("Ann", "Ã¼ber"), ("Bob", "two")])
    ]
    found = read_json(tmp_path, {"participants": [], "messages": data[::-1]})
    assert found.text == "[2024-05-01 10:30 UTC] Ann: über\n\n[2024-05-01 10:31 UTC] Bob: two\n\n"


def test_sessions_with_a_time_of_their_own(tmp_path: Path) -> None:
    turns = [
        {"dia_id": "D1:1", "speaker": "Ann", "text": "Look!", "image_caption": "a photo of a ferry"},
        {"speaker": "Bob", "text": "Nice."},
    ]
    found = read_json(
        tmp_path,
        {"title": "Ann & Bob", "speakers": ["Ann", "Bob"], "sessions": [
            {"session_id": "S1", "date_time": "11:53 am on 23 March, 2023", "iso": "2023-03-23T11:53:00", "turns": turns},
            {"session_id": "S2", "date_time": "noon on 24 March", "turns": turns[1:]},
        ]},
    )  # fmt: skip
    assert found.title == "Ann & Bob"
    assert found.text == (
        "[2023-03-23 11:53] Ann: Look!\n[Image: a photo of a ferry]\n\n"
        "[2023-03-23 11:53] Bob: Nice.\n\n[noon on 24 March] Bob: Nice.\n\n"
    )
    flat = {"qa": [], "conversation": {"speaker_a": "Ann", "session_1_date_time": "1:00 pm", "session_1": turns[1:]}}
    assert read_json(tmp_path, flat).text == "[1:00 pm] Bob: Nice.\n\n"


def test_chatgpt(tmp_path: Path) -> None:
    def node(name: str, parent: str | None, role: str, parts: list[Any], children: list[str]) -> dict[str, Any]:
        message = {
            "author": {"role": role},
            "create_time": 1714559400.5,
            "content": {"content_type": "text", "parts": parts},
        }
        return {"id": name, "message": message, "parent": parent, "children": children}

    mapping = {
        "root": {"id": "root", "message": None, "parent": None, "children": ["a"]},
        "a": node("a", "root", "user", ["When does it leave?"], ["b", "c"]),
        "b": node("b", "a", "assistant", ["At five."], []),
        "c": node("c", "a", "assistant", ["At six.", {"asset_pointer": "x"}], []),
    }
    data = [
        {"title": "Ferry", "create_time": 1.0, "mapping": mapping, "current_node": "c"},
        {"title": "Empty", "mapping": {}},
    ]
    found = read_json(tmp_path, data, "conversations.json")
    assert (
        found.text
        == "[2024-05-01 10:30 UTC] user: When does it leave?\n\n[2024-05-01 10:30 UTC] assistant: At six.\n\n"
    )
    assert found.marks["heading"] == [("[2024-05-01 10:30 UTC] u", "Ferry")]


def test_claude(tmp_path: Path) -> None:
    messages = [
        {
            "uuid": "1",
            "sender": "human",
            "created_at": "2024-05-01T10:30:00.000000Z",
            "text": "Read this.",
            "content": [],
            "attachments": [{"file_name": "a.txt"}],
        },
        {
            "uuid": "2",
            "sender": "assistant",
            "created_at": "2024-05-01T10:31:00Z",
            "text": "",
            "content": [{"type": "text", "text": "Done."}],
        },
    ]
    found = read_json(
        tmp_path,
        [
            {"uuid": "0", "name": "Reading", "chat_messages": messages},
            {"uuid": "9", "name": "", "chat_messages": messages[1:]},
        ],
    )
    assert found.text == (
        "[2024-05-01 10:30 UTC] human: Read this.\n[Attachment: a.txt]\n\n"
        "[2024-05-01 10:31 UTC] assistant: Done.\n\n[2024-05-01 10:31 UTC] assistant: Done.\n\n"
    )
    assert [label for _, label in found.marks["heading"]] == ["Reading", ""]


def test_telegram_and_discord(tmp_path: Path) -> None:
    messages = [
        {"id": 1, "type": "service", "date": "2024-05-01T10:29:00", "actor": "Ann", "action": "create_group"},
        {
            "id": 2,
            "type": "message",
            "date": "2024-05-01T10:30:00",
            "from": "Ann",
            "text": ["The ", {"type": "bold", "text": "ferry"}, " leaves at six."],
        },
    ]
    assert read_json(tmp_path, {"name": "Trip", "type": "personal_chat", "messages": messages}).text == ANN + "\n\n"
    both = {"chats": {"list": [{"name": "Trip", "messages": messages}]}}
    assert read_json(tmp_path, both).marks["heading"] == [(ANN[:24], "Trip")]
    discord = {"guild": {"name": "G"}, "channel": {"name": "general"}, "messages": [
        {"type": "Default", "timestamp": "2024-05-01T10:30:00.1+02:00", "content": "The ferry.", "author": {"name": "ann1"}},
    ]}  # fmt: skip
    found = read_json(tmp_path, discord)
    assert (found.title, found.text) == ("general", "[2024-05-01 10:30] ann1: The ferry.\n\n")


def test_slack(tmp_path: Path) -> None:
    users = [
        {"id": "U0123456", "name": "ann1", "profile": {"display_name": "Ann", "real_name": "Ann Lee"}},
        {"id": "U0234567", "name": "bob", "real_name": "Bob Ray", "profile": {"display_name": ""}},
    ]
    messages = [
        {
            "type": "message",
            "user": "U0123456",
            "text": "<@U0234567> see <https://x.test|this> &amp; that",
            "ts": "1714559400.000100",
        },
        {"type": "message", "user": "U0234567", "text": "", "ts": "1714559460.0", "files": [{"name": "map.pdf"}]},
        {
            "type": "message",
            "user": "U9999999",
            "user_profile": {"real_name": "Eve"},
            "text": "Hi",
            "ts": "1714559520.0",
        },
    ]
    (tmp_path / "users.json").write_text(json.dumps(users))
    found = read_json(tmp_path, messages, "general/2024-05-01.json")
    assert found.text == (
        "[2024-05-01 10:30 UTC] Ann: @Bob Ray see this (https://x.test) & that\n\n"
        "[2024-05-01 10:31 UTC] Bob Ray: [Attachment: map.pdf]\n\n[2024-05-01 10:32 UTC] Eve: Hi\n\n"
    )
    assert read(tmp_path / "users.json", json.dumps(users)).kind == "code"
    (tmp_path / "users.json").write_text("damaged")
    assert "U0123456: @U0234567 see" in read_json(tmp_path, messages, "general/2024-05-01.json").text


@pytest.mark.parametrize(
    "data",
    [
        [{"name": "Ann", "text": "no time"}],
        {"name": "package", "version": "1.0", "author": "Ann", "content": "x", "files": ["a"]},
        {"name": "x", "settings": [{"author": "Ann", "text": "t", "time": "2024-05-01 10:30"}]},
        [{"author": "Ann", "text": "one", "time": "2024-05-01"}, 1, 2],
        {"messages": {"name": "greeting", "text": "Hello"}},
        {"role": "user", "content": "alone"},
        [{"from": "a", "text": 5, "time": 7}],
    ],
)
def test_other_data_stays_code(tmp_path: Path, data: Any) -> None:
    found = read_json(tmp_path, data)
    assert (found.kind, found.text, found.marks) == ("code", json.dumps(data), {})


@pytest.mark.parametrize(
    "text",
    [
        '[{"author": "a", "text": "b"',
        "[" * 100_000 + '"author": "text":',
        '{"user": 1, "text": NaN, "n": ' + "1" * 5000 + "}",
    ],
)
def test_what_only_begins_like_a_chat_stays_code(tmp_path: Path, text: str) -> None:
    found = read(tmp_path / "a.json", text)
    assert (found.kind, found.text) == ("code", text)


def test_the_name_and_the_beginning_decide() -> None:
    message = b'[{"user": "a", "text": "b"}]'
    assert kind_of_file(Path("a.json"), message) == "json"
    assert kind_of_file(Path("a.json"), b"# not JSON") == "code"
    assert kind_of_file(Path("a.yaml"), message) == "code"
    assert kind_of_file(Path("a.txt"), message) == "text"


KEYS = "messages author text time mapping message parent content parts sessions user ts role".split()  # noqa: SIM905
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=25,
)


@relaxed
@given(trees)
def test_any_data_is_a_chat_or_code(tmp_path: Path, data: Any) -> None:
    found = read_json(tmp_path, {"user": "x", "text": data, "messages": data})
    assert found.kind in ("chat", "code")
