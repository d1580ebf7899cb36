"""Chats in the formats of today: what stands beside a text, photos without one, other programs, other languages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.readings import Read, read

FILLER = "The members talked about the boat house and its roof. " * 200


def read_json(tmp_path: Path, data: Any, name: str = "chat.json") -> Read:
    return read(tmp_path / name, json.dumps(data))


def labels(found: Read) -> list[str]:
    return [label for _, label in found.marks.get("message", [])]


# --- told by its keys, wherever they stand --------------------------------------------------------------


@pytest.mark.parametrize("before", [{"summary": FILLER}, {"contacts": {"list": [{"first": FILLER}] * 3}}])
def test_a_chat_is_told_by_keys_far_behind(tmp_path: Path, before: dict[str, Any]) -> None:
    said = [{"sender": "human", "created_at": "2026-05-05T09:00:00Z", "text": "How many oars do we own?"}]
    conversation = {"uuid": "1", "name": "Oars", **before, "chat_messages": said}
    found = read_json(tmp_path, [conversation])
    assert (found.kind, found.text) == ("chat", "[2026-05-05 09:00 UTC] human: How many oars do we own?\n\n")
    assert found.marks["heading"][0][1] == "Oars"


def test_photos_and_service_messages_are_messages_without_words(tmp_path: Path) -> None:
    base = {"type": "message", "date": "2026-05-05T09:00:00", "from": "Ida", "text": ""}
    messages = [
        {"type": "service", "date": "2026-05-05T08:59:00", "actor": "Ida", "action": "create_group", "text": ""},
        *({**base, "photo": f"photos/{n}.jpg"} for n in range(9)),
        {**base, "from": "Mo", "text": "The race is on 9 June."},
        {**base, "file": "files/map.pdf", "file_name": "map.pdf"},
        {**base, "poll": {"question": "Which day?", "answers": [{"text": "Friday", "voters": 2}, {"text": "Sunday"}]}},
        {**base, "contact_information": {"first_name": "Ruth", "phone_number": "5521"}},
    ]
    found = read_json(tmp_path, {"name": "Crew", "type": "private_group", "messages": messages})
    assert found.text == (
        "[2026-05-05 09:00] Mo: The race is on 9 June.\n\n[2026-05-05 09:00] Ida: [Attachment: map.pdf]\n\n"
        "[2026-05-05 09:00] Ida: Which day?\nFriday\nSunday\n\n[2026-05-05 09:00] Ida: Ruth\n5521\n\n"
    )
    assert labels(found)[0] == "Mo, 2026-05-05 09:00"


def test_objects_that_say_nothing_do_not_make_a_chat(tmp_path: Path) -> None:
    data = [{"user": "ann", "time": "2026-05-05T09:00:00", "action": "login", "n": n} for n in range(9)]
    found = read_json(tmp_path, [*data, {"user": "ann", "time": "2026-05-05T09:00:00", "error": "x"}])
    assert found.kind == "code"


# --- programs ---------------------------------------------------------------------------------------------

PROGRAMS: dict[str, tuple[Any, str, str]] = {
    "messenger of today": (
        {"participants": ["Ann", "Bo"], "threadName": "Ann_7", "messages": [
            {"isUnsent": False, "media": [], "senderName": "Ann", "text": "The key is in drawer six.", "timestamp": 1777971600000},
        ]}, "Ann, 2026-05-05 09:00 UTC", "The key is in drawer six.",
    ),
    "google chat": (
        {"messages": [{"creator": {"name": "Ann Ek", "email": "a@example.org"}, "text": "The key is in drawer six.",
                       "created_date": "Tuesday, May 5, 2026 at 9:00:07\u202fAM UTC"}]},
        "Ann Ek, 2026-05-05 09:00 UTC", "The key is in drawer six.",
    ),
    "element": (
        {"room_name": "Boats", "topic": "x", "messages": [
            {"type": "m.room.member", "sender": "@bo:example.org", "content": {"membership": "join"}, "origin_server_ts": 1777971000},
            {"type": "m.room.message", "sender": "@ann:example.org", "origin_server_ts": 1777971600000,
             "content": {"msgtype": "m.text", "body": "The key is in drawer six."}},
        ]}, "ann, 2026-05-05 09:00 UTC", "The key is in drawer six.",
    ),
    "discord's package": (
        [{"ID": 1, "Timestamp": "2026-05-05 09:00:00", "Contents": "The key is in drawer six.", "Attachments": ""}],
        "me, 2026-05-05 09:00", "The key is in drawer six.",
    ),
    "gemini": (
        [{"header": "Gemini Apps", "title": "Prompted Where is the key?", "time": "2026-05-05T09:00:00Z", "products": ["x"],
          "safeHtmlItem": [{"html": "<p>The key is in <b>drawer six</b>.</p>"}]}],
        "Gemini, 2026-05-05 09:00 UTC", "The key is in drawer six.",
    ),
    "gemini's command line": (
        {"sessionId": "s", "messages": [
            {"id": "1", "timestamp": "2026-05-05T08:59:00Z", "type": "user", "content": "Where is the key?"},
            {"id": "2", "timestamp": "2026-05-05T09:00:00Z", "type": "gemini", "content": "The key is in drawer six."},
        ]}, "gemini, 2026-05-05 09:00 UTC", "The key is in drawer six.",
    ),
    "grok": (
        {"conversations": [{"conversation": {"title": "Keys"}, "responses": [
            {"response": {"sender": "ASSISTANT", "message": "The key is in drawer six.",
                          "create_time": {"$date": {"$numberLong": "1777971600000"}}}},
        ]}]}, "ASSISTANT, 2026-05-05 09:00 UTC", "The key is in drawer six.",
    ),
    "deepseek": (
        [{"title": "Keys", "mapping": {"root": {"children": ["1"]}, "1": {"parent": "root", "children": [], "message": {
            "inserted_at": "2026-05-05T09:00:00", "fragments": [{"type": "RESPONSE", "content": "The key is in drawer six."}],
        }}}}],
        "assistant, 2026-05-05 09:00", "The key is in drawer six.",
    ),
    "teams": (
        {"conversations": [{"displayName": "Boats", "MessageList": [
            {"from": "8:live:ann", "displayName": "Ann", "originalarrivaltime": "2026-05-05T09:00:00Z", "messagetype": "RichText/Html",
             "content": "<p>The key is in <b>drawer six</b>.</p>"},
        ]}]}, "Ann, 2026-05-05 09:00 UTC", "The key is in drawer six.",
    ),
    "teams, as Microsoft Graph exports it": (
        {"value": [{"id": "1", "createdDateTime": "2026-05-05T09:00:00Z", "from": {"user": {"id": "7", "displayName": "Ann"}},
                    "body": {"contentType": "html", "content": "<p>The key is in <b>drawer six</b>.</p>"}}]},
        "Ann, 2026-05-05 09:00 UTC", "The key is in drawer six.",
    ),
    "mattermost": (
        [{"type": "post", "post": {"team": "t", "user": "ann", "message": "The key is in drawer six.", "create_at": 1777971600000}}],
        "ann, 2026-05-05 09:00 UTC", "The key is in drawer six.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_message_of(tmp_path: Path, program: str) -> None:
    data, label, text = PROGRAMS[program]
    found = read_json(tmp_path, data)
    assert found.kind == "chat"
    assert labels(found)[-1] == label
    assert found.text.split("\n\n")[-2].partition(": ")[2] == text


# --- what stands beside a text --------------------------------------------------------------------------------


def test_claude(tmp_path: Path) -> None:
    def message(sender: str, **more: Any) -> dict[str, Any]:
        return {"sender": sender, "created_at": "2026-05-05T09:00:00Z", "attachments": [], "files": [], **more}

    lost = "Here it is.\n```\nThis block is not supported on your current device yet.\n```"
    artifact = {"type": "tool_use", "name": "artifacts", "input": {"title": "Plan", "content": "Paint the mast white."}}
    cited = [{"type": "text", "text": "The mast is", "citations": []}, {"type": "text", "text": " nine metres tall."}]
    messages = [
        message("human", text="See this.", attachments=[{"file_name": "", "extracted_content": "The hull is of oak."}]),
        message("human", text="", attachments=[{"file_name": "log.txt", "extracted_content": "Leak at frame nine."}]),
        message("assistant", text=lost, content=[{"type": "text", "text": "Here it is."}, artifact]),
        message("assistant", text="x", content=cited),
        message("assistant", text="", content=[{"type": "thinking", "thinking": "Oak floats."}, {"type": "text", "text": "Yes."}]),
    ]  # fmt: skip
    found = read_json(tmp_path, [{"name": "Boat", "chat_messages": messages}])
    said = [paragraph.partition("] ")[2] for paragraph in found.text.strip().split("\n\n")]
    assert said == [
        "human: See this.\nThe hull is of oak.",
        "human: [Attachment: log.txt]\nLeak at frame nine.",
        "assistant: Here it is.",
        "artifacts (tool call): title: Plan\ncontent: Paint the mast white.",
        "assistant: The mast is nine metres tall.",
        "assistant (thoughts): Oak floats.",
        "assistant: Yes.",
    ]


def test_slack(tmp_path: Path) -> None:
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
        {"type": "text", "text": "Berth "}, {"type": "text", "text": "nine", "style": {"bold": True}},
        {"type": "text", "text": " is free."},
    ]}]}  # fmt: skip
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "Ticket 12 is closed."}}
    card = {
        "fallback": "On duty: Ruth",
        "text": "Ruth is on duty.",
        "color": "x",
        "fields": [{"title": "Phone", "value": "5521"}],
    }
    base = {"type": "message", "ts": "1777971600.000100", "text": ""}
    ann = {"user": "U0123456", "user_profile": {"real_name": "Ann"}}
    found = read_json(tmp_path, [
        {**base, "subtype": "bot_message", "username": "Pager", "attachments": [card]},
        {**base, "subtype": "bot_message", "username": "Tickets", "blocks": [section]},
        {**base, **ann, "files": [{"name": "n.txt", "mode": "snippet", "preview": "db, then web"}]},
        {**base, **ann, "text": "Berth nine is free.", "blocks": [rich]},
        {**base, **ann, "blocks": [rich]},
    ])  # fmt: skip
    assert [paragraph.partition("] ")[2] for paragraph in found.text.strip().split("\n\n")] == [
        "Pager: Ruth is on duty.\nPhone: 5521\nOn duty: Ruth",
        "Tickets: Ticket 12 is closed.",
        "Ann: [Attachment: n.txt]\ndb, then web",
        "Ann: Berth nine is free.",
        "Ann: Berth nine is free.",
    ]


def test_people_signs_and_links_in_slacks_rich_text(tmp_path: Path) -> None:
    words = [
        {"type": "text", "text": "Ask "},
        {"type": "user", "user_id": "U0123456"},
        {"type": "text", "text": " "},
        {"type": "emoji", "name": "wave"},
        {"type": "text", "text": ", see "},
        {"type": "link", "url": "https://tides.example", "text": "the tides"},
    ]
    rich = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": words}]}
    (tmp_path / "users.json").write_text(json.dumps([{"id": "U0123456", "profile": {"real_name": "Ann Marsh"}}]))
    message = {"type": "message", "ts": "1777971600.000100", "user": "U0123456", "text": "", "blocks": [rich]}
    found = read_json(tmp_path, [message, message])
    assert "Ann Marsh: Ask @Ann Marsh :wave:, see the tides (https://tides.example)" in found.text


def test_discord(tmp_path: Path) -> None:
    base = {"type": "Default", "timestamp": "2026-05-05T09:00:00+00:00", "content": "", "author": {"name": "bot"}}
    embed = {
        "title": "Upkeep",
        "description": "The mast comes down at six.",
        "fields": [{"name": "Lasts", "value": "an hour"}],
    }
    found = read_json(tmp_path, {"channel": {"name": "general"}, "messages": [
        {**base, "embeds": [embed], "attachments": []},
        {**base, "attachments": [{"id": "1", "url": "https://cdn.example/x", "fileName": "plan.pdf"}]},
        {**base, "forwardedMessage": {"content": "The winch is called Hekla.", "attachments": []}},
    ]})  # fmt: skip
    assert [paragraph.partition(": ")[2] for paragraph in found.text.strip().split("\n\n")] == [
        "Upkeep\nThe mast comes down at six.\nLasts: an hour", "[Attachment: plan.pdf]", "The winch is called Hekla.",
    ]  # fmt: skip


def test_chatgpt(tmp_path: Path) -> None:
    def node(content: Any, role: str = "assistant", **more: Any) -> dict[str, Any]:
        return {
            "author": {"role": role, **more.pop("author", {})},
            "create_time": 1777971600,
            "content": content,
            **more,
        }

    said = [
        node({"content_type": "user_editable_context", "user_profile": "I own a sloop.", "user_instructions": "Be brief."}, "user"),
        node({"content_type": "multimodal_text", "parts": [{"content_type": "image_asset_pointer"}, "What is it?"]}, "user"),
        node({"content_type": "code", "language": "python", "text": "print(7 * 6)"}, recipient="python"),
        node({"content_type": "execution_output", "text": "42"}, "tool", author={"name": "python"}),
        node({"content_type": "tether_quote", "title": "Sloops", "text": "A sloop has one mast."}, "tool", author={"name": "browser"}),
    ]  # fmt: skip
    mapping: dict[str, Any] = {"0": {"message": None, "parent": None, "children": ["1"]}}
    for number, message in enumerate(said, 1):
        children = [str(number + 1)] if number < len(said) else []
        mapping[str(number)] = {"message": message, "parent": str(number - 1), "children": children}
    found = read_json(tmp_path, [{"title": "Sloop", "mapping": mapping}])
    assert [paragraph.partition("] ")[2] for paragraph in found.text.strip().split("\n\n")] == [
        "user: I own a sloop.\nBe brief.",
        "user: What is it?",
        "python (tool call): print(7 * 6)",
        "python (tool result): 42",
        "browser (tool result): Sloops\nA sloop has one mast.",
    ]


# --- exports as text ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dates",
    [
        "13/5/24, 10:30 μ.μ. - |14/5/24, 9:05 π.μ. - ",
        "13/5/2024, 10:30 p. m. - |14/5/2024, 9:05 a. m. - ",
        "[2024/5/13 晚上10:30:11] |[2024/5/14 早上9:05:11] ",
        "2024/5/13 下午10:30 - |2024/5/14 凌晨9:05 - ",
        "[2024/5/13 午後10:30:11] |[2024/5/14 午前9:05:11] ",
        "١٣\u200f/٥\u200f/٢٠٢٤، ١٠:٣٠ م - |١٤\u200f/٥\u200f/٢٠٢٤، ٩:٠٥ ص - ",
        "[١٣\u200f/٥\u200f/٢٠٢٤، ١٠:٣٠:١٢ م] |[١٤\u200f/٥\u200f/٢٠٢٤، ٩:٠٥:١٢ ص] ",
        "13/5/2024, 10:30 अपराह्न - |14/5/2024, 9:05 पूर्वाह्न - ",
        "13.05.24 г., 22:30 ч. - |14.05.24 г., 9:05 ч. - ",
        "13/5/2567 22:30 - |14/5/2567 09:05 - ",
        "2024. 05. 13. 22:30 - |2024. 05. 14. 9:05 - ",
        "2024-05-13 22 h 30 - |2024-05-14 09 h 05 - ",
        "13.05.2024, 10:30 ÖS - |14.05.2024, 9:05 ÖÖ - ",
        "13/05/2024, 10:30 CH - |14/05/2024, 9:05 SA - ",
        "22:30, 13/5/2024 - |09:05, 14/5/2024 - ",
        "۱۳/۵/۲۰۲۴،\u200f ۲۲:۳۰ - |۱۴/۵/۲۰۲۴،\u200f ۹:۰۵ - ",
    ],
)
def test_dates_of_whatsapp_in_many_languages(tmp_path: Path, dates: str) -> None:
    first, second = dates.split("|")
    found = read(tmp_path / "a.txt", f"{first}Åsa: The crane is broken.\n{second}Olle L: At 9:15?\nReally?\n")
    assert found.kind == "chat"
    assert labels(found) == ["Åsa, 2024-05-13 22:30", "Olle L, 2024-05-14 09:05"]
    assert found.text.endswith("Olle L: At 9:15?\nReally?\n\n")


@pytest.mark.parametrize(
    ("dates", "day"),
    [
        ("3/1/25, 10:30 PM - |3/1/25, 10:31 PM - ", "2025-03-01"),
        ("3/1/25, 10:30 pm - |3/1/25, 10:31 pm - ", "2025-01-03"),
        ("3/1/25, 10:30 p. m. - |3/1/25, 10:31 p. m. - ", "2025-01-03"),
        ("৩/১/২৫, ১০:৩০ PM - |৩/১/২৫, ১০:৩১ PM - ", "2025-01-03"),
    ],
)
def test_the_month_comes_first_where_phones_write_so(tmp_path: Path, dates: str, day: str) -> None:
    first, second = dates.split("|")
    found = read(tmp_path / "a.txt", f"{first}Ann: The crane is broken.\n{second}Bo: At nine?\n")
    assert labels(found) == [f"Ann, {day} 22:30", f"Bo, {day} 22:31"]


TEXT_EXPORTS = {
    "line": "[LINE] Chat history with Mika\nSaved on: 2026/05/06 10:00\n\n2026/05/05(Tue)\n09:00\tMika\tThe key is in\n\ndrawer six.\n"
    "09:01\tMika changed the picture\n\n2026/05/06(Wed)\n08:30\tJo\tThanks.\n",
    "line in japanese": "[LINE] Mikaとのトーク履歴\n保存日時：2026/05/06 10:00\n\n"
    "2026/05/05(火)\n午前9:00\tMika\t\"The key is in\n\ndrawer six.\"\n"
    "午前9:01\tMikaが退出しました\n\n2026/05/06(水)\n午前8:30\tJo\tThanks.\n",
    "imessage": "May 05, 2026  9:00:33 AM (Read by you after 2 minutes)\nMika\nThe key is in\n\ndrawer six.\n\n"
    "May 06, 2026  8:30:01 AM\nJo\nThanks.\n\n",
    "kakao": "Ann 님과 카카오톡 대화\n저장한 날짜 : 2026-05-06 10:00:00\n\n--------------- 2026년 5월 5일 화요일 ---------------\n"
    "[Mika] [오전 9:00] The key is in\n\ndrawer six.\n"
    "--------------- 2026년 5월 6일 수요일 ---------------\n[Jo] [오전 8:30] Thanks.\n",
    "kakao on a phone": "2026년 5월 5일 오전 9:00, Mika : The key is in\n\ndrawer six.\n2026년 5월 6일 오전 8:30, Jo : Thanks.\n",
}  # fmt: skip


@pytest.mark.parametrize("program", TEXT_EXPORTS)
def test_text_of(tmp_path: Path, program: str) -> None:
    found = read(tmp_path / "Mika.txt", TEXT_EXPORTS[program])
    assert found.kind == "chat"
    assert (labels(found)[0], labels(found)[-1]) == ("Mika, 2026-05-05 09:00", "Jo, 2026-05-06 08:30")
    assert "Mika: The key is in\n\ndrawer six." in found.text
    assert found.text.endswith("Jo: Thanks.\n\n")


@pytest.mark.parametrize(
    "text",
    [
        "2026/05/05(Tue)\nWe met at nine.\n\n2026/05/06(Wed)\nRain.\n",
        "May 05, 2026  9:00:33 AM\n",
        "--- 2026 ---\n[a] [b] c\n",
        "10:30\tAnn\t5\n10:31\tBo\t6\n",
    ],
)
def test_notes_with_dates_stay_texts(tmp_path: Path, text: str) -> None:
    assert read(tmp_path / "a.txt", text).kind == "text"


def test_replies_stand_behind_their_message(tmp_path: Path) -> None:
    posts = [
        {
            "type": "post",
            "post": {
                "user": "ann",
                "message": f"Crane {number} is free.",
                "create_at": 1_740_000_000_000 + number,
                "replies": [{"user": "bo", "message": f"Crane {number} is mine.", "create_at": 1_740_000_060_000}],
            },
        }
        for number in range(3)
    ]
    found = read(tmp_path / "export.jsonl", "".join(json.dumps(post) + "\n" for post in posts))
    assert found.kind == "chat"
    assert (
        found.text.index("ann: Crane 1") < found.text.index("bo: Crane 1 is mine.") < found.text.index("ann: Crane 2")
    )


def test_messages_that_are_only_a_share_or_a_place_are_kept(tmp_path: Path) -> None:
    def broken(text: str) -> str:
        return text.encode().decode("latin-1")

    shared = {
        "participants": [{"name": broken("Jörg")}, {"name": "Ann"}],
        "messages": [
            {"sender_name": broken("Jörg"), "timestamp_ms": 1_740_000_000_000, "content": broken("Grüße")},
            {
                "sender_name": "Ann",
                "timestamp_ms": 1_740_000_001_000,
                "share": {"share_text": broken("A boat für 9 €")},
            },
            {"sender_name": "Ann", "timestamp_ms": 1_740_000_002_000, "photos": [{"uri": "photos/7.jpg"}]},
        ],
        "title": broken("Jörg"),
    }
    found = read(tmp_path / "message_1.json", json.dumps(shared))
    assert found.title == "Jörg"
    assert [part.split("] ", 1)[1] for part in found.text.strip().split("\n\n")] == [
        "Jörg: Grüße",
        "Ann: A boat für 9 €",
        "Ann: [Attachment: photos/7.jpg]",
    ]
    sent = {"type": "message", "date": "2025-05-01T10:00:00", "from": "Bo"}
    place = {**sent, "text": "", "location_information": {"latitude": 54.8}, "place_name": "Larne pier"}
    found = read(tmp_path / "result.json", json.dumps({"name": "C", "messages": [{**sent, "text": "Here"}, place]}))
    assert found.text.endswith("Bo: Larne pier\n\n")
