"""Tools on their own: schemas that every client can use, and arguments that are checked in sentences."""

from __future__ import annotations

import json

import pytest

from crystalcli.errors import UsageError
from crystalcli.mcp_server.document_tools import READ
from crystalcli.mcp_server.search_tool import SEARCH
from crystalcli.mcp_server.toolbox import Toolbox
from crystalcli.vectors import default_tokenizer

MOST_TOKENS = 1_500


def test_parameters_are_flat_and_without_unions():
    for tool in Toolbox(write=True).tools.values():
        assert set(tool.input_schema) == {"type", "properties", "required"}
        for schema in tool.input_schema["properties"].values():
            assert set(schema) == {"type", "description"}
            assert schema["type"] in ("string", "integer")


def test_all_descriptions_together_are_short():
    tools = [(tool.name, tool.description, tool.input_schema) for tool in Toolbox(write=True).tools.values()]
    ((ids, _),) = default_tokenizer().tokenize([json.dumps(tools)])
    assert len(ids) < MOST_TOKENS


def test_defaults_are_filled_in_and_other_forms_of_a_value_are_taken():
    checked = SEARCH.check({"question": 7, "k": "3", "kind": ["pdf", "mail"], "since": None})
    assert checked == {
        "question": "7", "k": 3, "in": "", "kind": "pdf, mail", "since": "", "until": "", "person": ""
    }  # fmt: skip
    assert SEARCH.check({"question": "x", "k": 3.0})["k"] == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (None, "search needs question: The question, in the user's words."),
        ({"question": "x", "knd": "pdf"}, "search has no argument 'knd'; nearest: kind"),
        ({"query": "x"}, "search has no argument 'query'; it takes question, k, in, kind, since, until, person"),
        ({"question": "x", "k": "many"}, "search: k has to be an integer, got 'many'"),
        ({"question": "x", "k": True}, "search: k has to be an integer, got True"),
        ({"question": "x", "k": 2.5}, "search: k has to be an integer, got 2.5"),
        ({"question": {"text": "x"}}, "search: question has to be a string, got {'text': 'x'}"),
        ({"question": "x", "in": [1]}, r"search: in has to be a string, got \[1\]"),
    ],
)
def test_wrong_arguments_are_told_in_a_sentence(arguments, message):
    with pytest.raises(UsageError, match=f"^{message}$"):
        SEARCH.check(arguments)


def test_a_number_that_is_none_is_no_integer():
    for value in (float("nan"), float("inf")):
        with pytest.raises(UsageError, match="at has to be an integer"):
            READ.check({"path": "x", "at": value})


def test_tools_that_write_are_offered_only_when_asked_for():
    assert "remember" not in Toolbox(write=False).tools
    with pytest.raises(UsageError, match="remember is not offered: this server was started without --write"):
        Toolbox(write=False).find("remember")
    assert Toolbox(write=True).find("remember").writes
    with pytest.raises(UsageError, match="there is no tool 'serach'; nearest: search"):
        Toolbox(write=True).find("serach")
    with pytest.raises(UsageError, match=r"there is no tool 'zzz'; there are search, read, outline, list, mentions$"):
        Toolbox(write=False).find("zzz")
