"""Questions about a document itself, told from those about what it says, by their words."""

from __future__ import annotations

import pytest

from crystalcli.answering.metadata.document_question import DocumentFact, DocumentQuestion, document_question


@pytest.mark.parametrize(
    ("question", "fact", "document"),
    [
        ("Who wrote The Harbour Lamp?", DocumentFact.AUTHOR, "The Harbour Lamp"),
        ("who is the author of it", DocumentFact.AUTHOR, "it"),
        ("By whom was The Harbour Lamp written?", DocumentFact.AUTHOR, "The Harbour Lamp"),
        ("Who's the author?", DocumentFact.AUTHOR, ""),
        ("Could you tell me who wrote this book?", DocumentFact.AUTHOR, "this book"),
        ("The Harbour Lamp's author", DocumentFact.AUTHOR, "The Harbour Lamp"),
        ("Who signed the lease?", DocumentFact.SIGNER, "the lease"),
        ("who has signed Marl's 10-K", DocumentFact.SIGNER, "Marl's 10-K"),
        ("By whom was the lease signed?", DocumentFact.SIGNER, "the lease"),
        ("Whose are the signatures under the lease?", DocumentFact.SIGNER, "the lease"),
        ("What is the title of the tide paper?", DocumentFact.TITLE, "the tide paper"),
        ("what is this book called?", DocumentFact.TITLE, "this book"),
        ("When was the tide paper published?", DocumentFact.DATE, "the tide paper"),
        ("In which year did the tide paper come out?", DocumentFact.DATE, "the tide paper"),
        ("How many chapters does The Harbour Lamp have?", DocumentFact.COUNT, "The Harbour Lamp"),
        ("how many pages are there in the tide paper", DocumentFact.COUNT, "the tide paper"),
        ("Tell me how many chapters there are in The Harbour Lamp", DocumentFact.COUNT, "The Harbour Lamp"),
        ("number of words in notes.md", DocumentFact.COUNT, "notes.md"),
        ("How long is The Harbour Lamp?", DocumentFact.COUNT, "The Harbour Lamp"),
        ("What is the first sentence of chapter 2 of The Harbour Lamp?", DocumentFact.FIRST, "chapter 2 of The Harbour Lamp"),
        ("In The Harbour Lamp, what is the first line of chapter 2?", DocumentFact.FIRST, "chapter 2 of The Harbour Lamp"),
        ("quote the last sentence of it", DocumentFact.LAST, "it"),
        ("With which words does The Harbour Lamp end?", DocumentFact.LAST, "The Harbour Lamp"),
        ("How does The Harbour Lamp begin?", DocumentFact.FIRST, "The Harbour Lamp"),
        ("table of contents", DocumentFact.CONTENTS, ""),
        ("What chapters does The Harbour Lamp have?", DocumentFact.CONTENTS, "The Harbour Lamp"),
        ("list the chapters of The Harbour Lamp", DocumentFact.CONTENTS, "The Harbour Lamp"),
        ("Which chapter of the novel is called The Ferry?", DocumentFact.HEADING, "the novel"),
    ],
)  # fmt: skip
def test_several_wordings_ask_for_the_same(question, fact, document):
    asked = document_question(question)
    assert asked is not None
    assert (asked.fact, asked.document) == (fact, document)


@pytest.mark.parametrize(
    ("question", "unit", "document", "subject"),
    [
        ("In which chapter does Minna find the key?", "chapter", "", "Minna find the key"),
        ("Which chapter is the one where Minna finds the key?", "chapter", "", "Minna finds the key"),
        ("In The Harbour Lamp, on which page is the ferry lost?", "page", "The Harbour Lamp", "the ferry lost"),
        ("Which page of the tide paper explains the moon's pull?", "page", "the tide paper", "the moon's pull"),
        ("the chapter where Minna finds the key", "chapter", "", "Minna finds the key"),
        ("Where in The Harbour Lamp does Minna find the key?", "", "The Harbour Lamp", "Minna find the key"),
    ],
)
def test_the_words_for_the_place_are_no_part_of_what_is_looked_for(question, unit, document, subject):
    assert document_question(question) == DocumentQuestion(DocumentFact.PLACE, document, unit, subject)


@pytest.mark.parametrize(
    "question",
    [
        "How many pages did he tear out?",
        "How many children do Minna and Josiah have?",
        "How many letters did Minna write?",
        "How many words did she say?",
        "Which chapters mention Minna?",
        "Which page did he tear out?",
        "When was the bridge built?",
        "When was Minna born?",
        "What is the name of the ship?",
        "What is Minna called by her brother?",
        "What were the last words of the keeper?",
        "How long is the pier?",
        "How does the keeper die?",
        "Who wrote?",
        "In The Harbour Lamp, who wrote the letter to Minna?",
        "",
        "x" * 1000,
    ],
)
def test_ordinary_questions_are_left_alone(question):
    asked = document_question(question)
    # "Minna" has to be the name of a document before such a question is taken for one about it.
    assert asked is None or (asked.fact is DocumentFact.TITLE and asked.document.startswith("Minna"))


def test_the_office_of_a_signer_is_told_from_the_document():
    asked = document_question("Which chief financial officer signed the lease?")
    assert asked == DocumentQuestion(DocumentFact.SIGNER, "the lease", "", "chief financial officer")
