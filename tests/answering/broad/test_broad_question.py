"""Which questions are taken as broad, by their words alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.repository import SAMPLES

from crystalcli.answering.broad.broad_question import broad_intent, is_generic, split_pairs

# What is asked, and what it is taken for: kind, subject, within, unit.
BROAD = [
    ("What is this book about?", ("about", "", "", "")),
    ("what's it all about", ("about", "", "", "")),
    ("What is Moby Dick about?", ("about", "Moby Dick", "", "")),
    ("So what was The Moonstone mainly about?", ("about", "The Moonstone", "", "")),
    ("What are these documents about?", ("about", "", "", "")),
    ("What does this paper discuss?", ("about", "", "", "")),
    ("What do my notes cover?", ("about", "", "", "")),
    ("Summarize the book.", ("about", "", "", "")),
    ("Please summarise chapter 12 of Emma", ("about", "chapter 12 of Emma", "", "")),
    ("Can you sum up the report in three sentences?", ("about", "", "", "")),
    ("Give me a short summary of Frankenstein.", ("about", "Frankenstein", "", "")),
    ("Write a brief overview of the repository", ("about", "", "", "")),
    ("I'd like to have an outline of the handbook", ("about", "the handbook", "", "")),
    ("TL;DR of meeting-notes.md", ("about", "meeting-notes.md", "", "")),
    ("Overview of the authentication code", ("about", "the authentication code", "", "")),
    ("Summary: War and Peace", ("about", "War and Peace", "", "")),
    ("The whole story in a nutshell?", ("about", "", "", "")),
    ("How is this project organized?", ("about", "", "", "")),
    ("How is the codebase structured?", ("about", "", "", "")),
    ("What is in this folder?", ("about", "", "", "")),
    ("What are the main themes of the novel?", ("about", "", "", "")),
    ("What are the main themes of Dorian Gray?", ("about", "Dorian Gray", "", "")),
    ("List the key findings of the report", ("about", "", "", "")),
    ("Describe the most important characters in War and Peace", ("about", "War and Peace", "", "")),
    ("Who are the main characters in Emma?", ("about", "Emma", "", "")),
    ("What is the plot of this story?", ("about", "", "", "")),
    ("Explain the architecture of the library", ("about", "", "", "")),
    ("What themes run through the collection?", ("about", "", "", "")),
    ("What happens in chapter 3?", ("about", "chapter 3", "", "")),
    ("Tell me about Siddhartha", ("about", "Siddhartha", "", "")),
    ("Which chapters mention Queequeg?", ("list", "Queequeg", "", "heading")),
    ("Which chapters of Moby Dick mention the white whale?", ("list", "white whale", "Moby Dick", "heading")),
    ("List the chapters in which Ahab appears", ("list", "Ahab", "", "heading")),
    ("List all chapters that mention “the Pequod”.", ("list", "the Pequod", "", "heading")),
    ("In which files is url_for used?", ("list", "url_for", "", "document")),
    ("In what chapters does Starbuck appear in Moby Dick?", ("list", "Starbuck", "Moby Dick", "heading")),
    ("What files import json?", ("list", "json", "", "document")),
    ("Show me every function that uses open_source", ("list", "open_source", "", "definition")),
    ("On which pages is the Treaty of Ghent mentioned?", ("list", "Treaty of Ghent", "", "page")),
    ("Find all references to Minna in the story", ("list", "Minna", "", "")),
    ("List every mention of the word ledger", ("list", "ledger", "", "")),
    ("Where does Queequeg appear?", ("list", "Queequeg", "", "")),
    ("Where is stream_with_context used?", ("list", "stream_with_context", "", "")),
    ("Where in the book is Rokovoko mentioned?", ("list", "Rokovoko", "", "")),
    ("Where is the class Blueprint used in docs?", ("list", "Blueprint", "docs", "")),
    ("Which documents talk about Napoleon?", ("list", "Napoleon", "", "document")),
    ("Which messages mention the invoice?", ("list", "invoice", "", "message")),
    ("How often is Napoleon mentioned?", ("count", "Napoleon", "", "")),
    ("How many times does Ahab appear in Moby Dick?", ("count", "Ahab", "Moby Dick", "")),
    ("How many mentions of Minna are there?", ("count", "Minna", "", "")),
    ("How many chapters mention the doubloon?", ("count", "doubloon", "", "heading")),
    ("Count the occurrences of TODO", ("count", "TODO", "", "")),
    ("In how many files is deprecated used?", ("count", "deprecated", "", "document")),
    ("What does the book say about whiteness?", ("topic", "whiteness", "", "")),
    ("What is said about the tides in these notes?", ("topic", "tides", "", "")),
    ("List all the ships that the Pequod meets", ("topic", "ships that the Pequod meets", "", "")),
    ("What are the different kinds of whales in the book?", ("topic", "kinds of whales", "", "")),
    ("How does Ahab change over the course of the novel?", ("topic", "How does Ahab change", "", "")),
    ("Enumerate the names of the crew", ("topic", "names of the crew", "", "")),
    ("What is written about the ferry?", ("topic", "ferry", "", "")),
]
FACTUAL = [
    "Who was the agent of the curing company?",
    "What is she worried about?",
    "What did Dave recently start a blog about?",
    "What was different about the north wind?",
    "How many letters has Joanna received?",
    "When was the treaty signed?",
    "Why does the professor mention shoelaces?",
    "How does Andrew feel about his sister?",
    "What is the main cause of death in the neonatal period of calves?",
    "How many people live in Oldhaven?",
    "Where is the ledger kept?",
    "What happened to the ferry?",
    "Which chapter comes after the first?",
    "how to sort a list in alphabetic order python",
    "what is the name of the main artery which takes blood from the heart to the body",
    "who wrote the theme song to law and order",
    "List.append or list.extend?",
    "What was the book made of?",
    "Is the story true?",
    "What are the treatments for What I need to know about Hepatitis B ?",
    "What is the difference between a file and a folder?",
    "Remove the summary from the list of tests",
    "How often does the ferry leave?",
    "What book does Anna read about the war?",
    "What does the keeper say to Marta?",
    "How does the build work?",
    "How is session handling implemented?",
    "Explain how blueprint registration works in flask",
    "How does Queue.join know that all tasks are done?",
    "",
    "?",
    "about",
    "summary",
]


@pytest.mark.parametrize(("question", "wanted"), BROAD, ids=[question for question, _ in BROAD])
def test_broad_questions_are_taken_for_what_they_are(question, wanted):
    intent = broad_intent(question)
    assert intent is not None
    within = intent.within if intent.subject else ""  # of what has no subject it is "this book", or "it"
    assert (intent.kind, intent.subject, within, intent.unit) == wanted
    assert intent.subject or is_generic(intent.within)


def test_there_are_sixty_of_them():
    assert len({question for question, _ in BROAD}) >= 60


@pytest.mark.parametrize("question", FACTUAL)
def test_questions_for_a_fact_are_not(question):
    assert broad_intent(question) is None


def test_the_questions_of_the_samples_are_not():
    lines = (SAMPLES / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    taken = [question for question in (json.loads(line)["question"] for line in lines) if broad_intent(question)]
    assert taken == []


def test_letter_case_white_space_and_the_question_mark_do_not_matter():
    for question, wanted in BROAD:
        intent = broad_intent(f"  {question.rstrip('?.').replace(' ', '  ')} ??")
        assert intent is not None
        assert (intent.kind, intent.unit) == (wanted[0], wanted[3])
        loud = broad_intent(question.upper())
        assert loud is not None and loud.kind == wanted[0]


@given(st.text(max_size=400))
def test_any_text_has_an_answer(text):
    intent = broad_intent(text)
    assert intent is None or intent.kind in ("about", "compare", "topic", "list", "count")
    assert intent is None or intent.subject or intent.kind in ("about", "compare")


def test_lists_need_no_model():
    assert broad_intent("Which chapters mention Queequeg?").needs_no_model
    assert broad_intent("How often is Napoleon mentioned?").needs_no_model
    assert not broad_intent("What is this book about?").needs_no_model
    assert broad_intent("Who keeps the ledgers?") is None


@pytest.mark.parametrize(
    "phrase", ["this book", "the whole repository", "it", "my notes", "these papers", "all of them", "the codebase"]
)
def test_documents_without_a_name(phrase):
    assert is_generic(phrase)


@pytest.mark.parametrize("phrase", ["Moby Dick", "the ledger", "this keeper", "the second chapter", "notebook"])
def test_documents_with_a_name(phrase):
    assert not is_generic(phrase)


@pytest.mark.parametrize(
    ("question", "sure"),
    [
        ("How often is Napoleon mentioned in Emma?", True),
        ("Which chapters of Emma mention Napoleon?", True),
        ("Where does Napoleon appear?", True),
        ("Where does Napoleon appear in Russia?", False),  # that may be a book, or a country
        ("How many times did plague occur in Venice?", False),
        ("Where is a simple gear train used in real life?", False),
        ("What is Emma about?", True),
        ("What happens in Emma?", False),  # or in Paris
    ],
)
def test_words_that_leave_it_open_whether_a_text_is_meant(question, sure):
    intent = broad_intent(question)
    assert intent is not None and intent.sure is sure


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Compare Emma and Pride and Prejudice", [("Emma", "Pride and Prejudice"), ("Emma and Pride", "Prejudice")]),
        ("What is the main difference between Emma and Dracula?", [("Emma", "Dracula")]),
        ("How do Emma and Dracula differ?", [("Emma", "Dracula")]),
        ("How is Emma different from Dracula?", [("Emma", "Dracula")]),
        ("What do Emma and Dracula have in common", [("Emma", "Dracula")]),
        ("a.txt vs b.txt", [("a.txt", "b.txt")]),
        ("Give me a comparison of Emma with Dracula.", [("Emma", "Dracula")]),
        ("Compare the two books", []),
    ],
)
def test_the_names_of_a_comparison(question, names):
    intent = broad_intent(question)
    assert intent is not None and intent.kind == "compare" and not intent.sure
    assert split_pairs(intent.subject) == names
