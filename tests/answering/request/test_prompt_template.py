from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.answering import marked_text, quotation_line, quotation_words
from crystalcli.answering.prompt import prompt_context
from crystalcli.answering.request import prompt_template
from crystalcli.answering.request.ask_options import AskOptions
from crystalcli.datatypes import AnswerVerdict
from crystalcli.errors import NotFoundError, UsageError
from crystalcli.library import Crystal
from crystalcli.lm import LanguageModel, estimate_tokens

texts = st.text(st.sampled_from("{}contextquestion \n%$\\"))


@given(texts, texts, texts, texts, texts)
def test_each_name_is_filled_in_once_and_all_else_stays(before, between, after, passages, question):
    before, between, after = (
        each.replace("{context}", "").replace("{question}", "") for each in (before, between, after)
    )
    template = f"{before}{{context}}{between}{{question}}{after}"
    wanted = f"{before}{passages}{between}{question.strip()}{after}"
    assert prompt_template.fill_template(template, passages, question) == wanted


@pytest.mark.parametrize(
    ("template", "missing"),
    [
        ("", "{context} and {question} go$"),
        ("{context}", "{question} goes"),
        ("{question} {Context} { context }", "{context} goes"),
        ("{{context}", "{question} goes"),
    ],
)
def test_a_template_says_where_both_go(template, missing):
    with pytest.raises(UsageError, match=missing):
        AskOptions(template=template)


def test_the_usual_message_is_a_template_like_any_other(crystal):
    prompt_template.check_template(prompt_template.DEFAULT_TEMPLATE)
    found = crystal.recall("Who keeps the ledgers?", 3)
    taken, user = prompt_context.pack_passages("Who keeps the ledgers?", found, len, 10**6)
    _, body = prompt_context.pack_passages("Who keeps the ledgers?", found, len, 10**6, "{context}")
    assert taken == list(found)
    assert user == f"{body}\n\nQuestion: Who keeps the ledgers?"


@pytest.mark.parametrize(
    ("system", "roles"), [(None, ["system", "user"]), ("Be brief.", ["system", "user"]), ("", ["user"])]
)
def test_the_system_message_can_be_replaced_or_left_out(system, roles):
    found = prompt_context.chat_messages("Hello", system)
    assert [message["role"] for message in found] == roles
    assert found[-1]["content"] == "Hello"
    if system:
        assert found[0]["content"] == system


def test_what_a_model_would_be_given(crystal, language_model):
    question = "Who keeps the ledgers?"
    model = language_model
    for budget in (200, 900):
        packed = crystal.pack_context(question, AskOptions(k=8, budget=budget), model=language_model)
        assert packed.tokens == model.count(packed.context) <= budget + 10
        assert packed.counted_by == model.name
        for number, passage in enumerate(packed.passages, 1):
            assert f"[{number}] {passage.path}, {passage.place}:\n" in packed.context
        assert packed.user == f"{packed.context}\n\nQuestion: {question}"
        assert packed.system == prompt_context.SYSTEM
    own = crystal.pack_context(question, AskOptions(system="", template="Q: {question}\nC: {context}"))
    assert (own.system, own.user) == (None, f"Q: {question}\nC: {own.context}")
    with pytest.raises(UsageError, match="budget: expected 1 token or more"):
        AskOptions(budget=0)
    with pytest.raises(UsageError, match="empty"):
        crystal.pack_context(" ")


@dataclass
class Listening:
    """A model that can take so much, and keeps what it was given."""

    model: LanguageModel
    context_length: int
    given: list[dict[str, str]] = field(default_factory=list)

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)

    def say(self, messages, sampling):
        self.given = messages
        return self.model.say(messages, sampling)


@dataclass
class Scripted(Listening):
    """A model that says what it is told to, token by token."""

    words: str = ""

    def say(self, messages, sampling):
        yield from self.words


@pytest.mark.parametrize("words", ["The passages do not say.", "There is no mention of the surplus money at all."])
def test_a_model_that_finds_no_answer_leaves_the_quotations(crystal, language_model, words):
    question = "In whose name did Mr Haddow bank the surplus dues?"
    quoted = crystal.ask(question, extractive=True)
    model = Scripted(language_model, 8192, words=words)
    heard: list[str] = []
    answer = crystal.ask(question, AskOptions(floor=0.0), model=model, on_text=heard.append)
    assert heard == []
    assert (answer.text, answer.citations) == (quoted.text, quoted.citations)
    assert (answer.model, answer.extractive, answer.verdict) == (None, True, AnswerVerdict.MAYBE)
    assert answer.evidence < quoted.evidence
    refused = crystal.ask(question, AskOptions(floor=quoted.evidence), model=model)
    assert refused.verdict is AnswerVerdict.NOT_HERE
    assert refused.citations == quoted.citations


def test_an_answer_with_a_fact_that_no_passage_has_is_not_sure(crystal, language_model):
    question = "Why may detergent not be used on an oil spill in the harbour?"
    quoted = crystal.ask(question, extractive=True)
    assert quoted.verdict is AnswerVerdict.ANSWERED
    for words, verdict in (
        ("Detergent may not be used, since it makes the sheen go away and the damage worse.", AnswerVerdict.ANSWERED),
        ("It frightens the gulls away.", AnswerVerdict.MAYBE),
        ("It was forbidden in Saskatoon in 1961.", AnswerVerdict.MAYBE),
    ):
        model = Scripted(language_model, 8192, words=words)
        answer = crystal.ask(question, AskOptions(floor=0.0), model=model)
        said, *source = answer.text.split("\n\n", 1)
        assert (said, answer.verdict) == (words, verdict)
        (end,) = source  # it ends with the source's own words, or with the sentence that answers best
        if verdict is AnswerVerdict.MAYBE:
            assert end.endswith(f": {quotation_line(quoted.citations[0])}")
        else:
            assert end.partition(": “")[2].removesuffix("”") in quotation_words(quoted.citations[0])
        assert answer.citations[: len(quoted.citations)] == quoted.citations


def test_an_answer_in_words_of_its_own_ends_with_the_sentence_that_answers(tmp_path, language_model):
    (tmp_path / "yards.txt").write_text(
        "The total backlog of the yards at the end of 2022 was 404 boats, and 377 boats at the end of 2021.\n"
    )
    (tmp_path / "north.txt").write_text(
        "North: the total backlog of the yards there fell to 19 boats at the end of 2022, from 20 boats in 2021.\n"
    )
    question = "How did the total backlog of the yards change from the end of 2021 to the end of 2022?"
    with Crystal.create(tmp_path / "yards.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path / "yards.txt", tmp_path / "north.txt"])
        for words, is_quoted in (
            ("The total backlog of the yards was not 19 boats at the end of 2022.", True),
            ("The total backlog of the yards was not 404 boats at the end of 2022.", False),
        ):
            model = Scripted(language_model, 8192, words=words)
            answer = crystal.ask(question, AskOptions(floor=0.0), model=model)
            assert (answer.claims[0].is_near, answer.claims[0].borne_out) == (True, False)
            assert ("In yards.txt, line 1: “The total backlog" in answer.text) is is_quoted
            assert answer.verdict is AnswerVerdict.ANSWERED


@pytest.mark.parametrize(
    ("options", "length"),
    [
        (AskOptions(max_tokens=2), 8192), (AskOptions(k=2, max_tokens=2, budget=120, system="Be brief."), 8192),
        (AskOptions(max_tokens=20), 220), (AskOptions(max_tokens=20), 130),
    ],
)  # fmt: skip
def test_what_is_packed_is_what_a_model_is_given(crystal, language_model, options, length):
    question = "In whose name did Mr Haddow bank the surplus dues?"
    listening = Listening(language_model, length)
    crystal.ask(question, options, model=listening)
    packed = crystal.pack_context(question, options, model=listening)
    assert listening.given == prompt_context.chat_messages(packed.user, packed.system)
    assert all(each.start <= each.best[0] < each.best[1] <= each.end for each in packed.passages)


def test_more_passages_come_in_where_there_is_room(crystal, language_model):
    question = "In whose name did Mr Haddow bank the surplus dues?"
    packed = crystal.pack_context(question, AskOptions(k=12, budget=5000), model=language_model)
    recalled = crystal.recall(question, 12)
    assert len(packed.passages) == 12
    assert sorted(each.path for each in packed.passages) == sorted(each.path for each in recalled)
    assert {each.path for each in packed.passages[:5]} == {each.path for each in recalled[:5]}


def test_only_a_model_that_is_named_bounds_what_is_packed(crystal, language_model, monkeypatch):
    monkeypatch.delenv("CRYSTAL_MODEL", raising=False)
    options = AskOptions(k=20, max_tokens=8000, budget=900)
    assert crystal.pack_context("Who keeps the ledgers?", options).tokens > 500
    assert crystal.pack_context("Who keeps the ledgers?", options, model=language_model).tokens < 192


@pytest.mark.parametrize(
    ("options", "named", "extractive"),
    [
        (AskOptions(), False, True),
        (AskOptions(), True, False),
        (AskOptions(strict=True), False, False),
        (AskOptions(system=""), False, False),
        (AskOptions(template="{context}{question}"), False, False),
        (AskOptions(extractive=True, strict=True), True, True),
        (AskOptions(extractive=False), False, False),
        (AskOptions(k=2, floor=0.0, broad=True), False, True),
    ],
)
def test_a_model_speaks_where_one_is_wanted(options, named, extractive):
    assert options.with_defaults(lambda: named).extractive is extractive


def test_nothing_is_packed_where_nothing_is_recalled(tmp_path):
    with (
        Crystal.create(tmp_path / "m.crystal", encoder=None) as empty,
        pytest.raises(NotFoundError, match="nothing in"),
    ):
        empty.pack_context("x")


def test_an_estimate_is_seldom_too_low(crystal, language_model):
    model = language_model
    passages = crystal.recall("What does the tide gauge record?", 20)
    shares = sorted(estimate_tokens(passage.text) / model.count(passage.text) for passage in passages)
    assert shares[0] > 0.8
    assert shares[2] >= 1
    assert shares[-1] < 2.1
    assert estimate_tokens("") == 0


def test_the_model_is_asked_with_the_users_own_words(crystal, language_model):
    options = AskOptions(
        system="You repeat words.", template="{context}\nRepeat this: {question}", max_tokens=12, budget=60
    )
    own = crystal.ask("high water", options, model=language_model)
    usual = crystal.ask("high water", AskOptions(max_tokens=12, budget=60), model=language_model)
    assert own.text != usual.text
    assert own.tokens["prompt"] != usual.tokens["prompt"]


def test_ctrl_c_ends_an_answer_that_may_be_stopped(crystal, language_model):
    heard: list[str] = []

    def hear(piece: str) -> None:
        heard.append(piece)
        if len(heard) == 2:
            raise KeyboardInterrupt

    question = "In whose name did Mr Haddow bank the surplus dues?"
    whole = crystal.ask(question, model=language_model, max_tokens=20)
    part = crystal.ask(question, AskOptions(max_tokens=20, stoppable=True), model=language_model, on_text=hear)
    assert (whole.stopped, part.stopped) == (False, True)
    assert marked_text(part).startswith(heard[0].strip())
    assert whole.text.startswith(part.text)
    assert part.citations
    assert all(crystal.verified(citation) for citation in part.citations)
    heard.clear()
    with pytest.raises(KeyboardInterrupt):
        crystal.ask(question, model=language_model, max_tokens=20, on_text=hear)


def test_evidence_comes_before_the_model_is_opened(crystal, language_model):
    order: list[str] = []
    crystal.ask(
        "Who keeps the ledgers?",
        model=language_model,
        max_tokens=4,
        on_evidence=lambda cited: order.extend(citation.path for citation in cited),
        on_text=lambda piece: order.append("said"),
    )
    quoted = crystal.ask("Who keeps the ledgers?", extractive=True).citations
    assert order[:3] == [citation.path for citation in quoted]
    assert set(order[3:]) == {"said"}
