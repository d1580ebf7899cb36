"""Facts of a second made year, in other words and about other things, to judge rules on.

They were written before the code that reads changes in free words, and that code is not tuned to
them. Beside the facts are notes that come near one and change nothing: another person's rent, an
offer that was not taken, a price that was paid once.

Each fact has its question, its values, its first statement, and later statements of which each
change takes one by lot.
"""

from __future__ import annotations

import random
from collections.abc import Callable

TOWNS = ("Averham", "Brockton", "Cardale", "Dunmere", "Eskby", "Farlow", "Girthon", "Hexwold", "Inverlay", "Jarrowby")
SURNAMES = ("Abara", "Brandt", "Castel", "Dimitrov", "Eriksen", "Falk", "Grieve", "Hollis", "Ibsen", "Jansen")
GIVEN = ("Olga", "Pavel", "Quentin", "Rosa", "Stefan", "Tilda", "Ugo", "Vera", "Wanda", "Xenia")
DAYS_OF_WEEK = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "April", "May", "July", "August", "September", "November", "December")


def _day(c: random.Random) -> str:
    return f"{c.randrange(1, 28)} {c.choice(MONTHS)}"


def _time(c: random.Random) -> str:
    return f"{c.randrange(6, 12)}:{c.choice(('05', '10', '20', '40', '50'))}"


HELD_OUT_FACTS: list[tuple[str, Callable[[random.Random], str], tuple[str, ...]]] = [
    (
        "How much is my car insurance?",
        lambda c: f"{c.randrange(300, 900)} pounds",
        (
            "The car insurance comes to {v} a year.",
            "Renewed the car insurance, it went up to {v}.",
            "Haggled with the insurer: the car will be covered for {v} instead.",
            "Switched car insurance, and the new one charges {v}.",
        ),
    ),
    (
        "On which day is my choir practice?",
        lambda c: c.choice(DAYS_OF_WEEK),
        (
            "Choir practice takes place on {v} evenings.",
            "Choir has been shifted to {v}.",
            "The hall is taken, so we sing on {v} now instead.",
            "From next month choir practice is every {v}.",
        ),
    ),
    (
        "Which school does my son go to?",
        lambda c: f"{c.choice(TOWNS)} {c.choice(('Primary', 'Academy', 'College'))}",
        (
            "My son goes to {v}.",
            "We took our son out of his school, he is at {v} now.",
            "My son has changed schools and attends {v}.",
            "First week at the new school for my son: {v} seems fine.",
        ),
    ),
    (
        "What is my daughter's shoe size?",
        lambda c: str(c.randrange(24, 40)),
        (
            "My daughter wears shoes in size {v}.",
            "My daughter has outgrown her shoes, she needs size {v} now.",
            "Bought boots for my daughter: her feet are a {v} by now.",
            "Shoe size of my daughter: {v}.",
        ),
    ),
    (
        "Which bank am I with?",
        lambda c: f"{c.choice(SURNAMES)} {c.choice(('Bank', 'Savings', 'Trust'))}",
        (
            "I bank with {v}.",
            "Closed the account there; my bank is {v} from now on.",
            "I have switched banks and am with {v}.",
            "All my money has gone over to {v}, better interest.",
        ),
    ),
    (
        "Who is my manager?",
        lambda c: f"{c.choice(GIVEN)} {c.choice(SURNAMES)}",
        (
            "I report to {v}, who is my manager.",
            "{v} is going to be my manager, starting today.",
            "Reorganisation again, I report to {v} now.",
            "My manager left, {v} has stepped in.",
        ),
    ),
    (
        "When is my thesis due?",
        _day,
        (
            "The thesis is due on {v}.",
            "Got an extension, the thesis deadline is {v} now.",
            "The faculty has put the thesis deadline back to {v}.",
            "Bad news, the thesis has to be in by {v}.",
        ),
    ),
    (
        "How many bee hives do I have?",
        lambda c: f"{c.randrange(2, 60)} hives",
        (
            "I keep {v} of bees.",
            "Split the colonies, which makes {v}.",
            "Lost some bees over winter and am down to {v}.",
            "With the swarm from the orchard I have {v} now.",
        ),
    ),
    (
        "What dose of thyroxine do I take?",
        lambda c: f"{c.randrange(1, 40) * 5} micrograms",
        (
            "I take {v} of thyroxine in the morning.",
            "The thyroxine was increased to {v}.",
            "Blood test back, down to {v} of thyroxine.",
            "She wants me on {v} of thyroxine instead.",
        ),
    ),
    (
        "When does my alarm go off?",
        _time,
        (
            "My alarm goes off at {v}.",
            "Set the alarm to {v}, no more running.",
            "I changed the alarm: {v} it is.",
            "The alarm rings at {v} these days.",
        ),
    ),
    (
        "Where does our book club meet?",
        lambda c: f"{c.choice(SURNAMES)}'s {c.choice(('Cafe', 'Tavern', 'Tearoom'))}",
        (
            "The book club meets at {v}.",
            "Book club has found another place, {v}.",
            "It was too loud there, so the book club meets in {v} now.",
            "The book club moved over to {v}.",
        ),
    ),
    (
        "What is my parking space?",
        lambda c: f"{c.choice('ABCDEFG')}{c.randrange(10, 99)}",
        (
            "My parking space is {v}.",
            "They have given me a different parking space, {v}.",
            "I park in {v} from today.",
            "Parking was renumbered and my space is now called {v}.",
        ),
    ),
    (
        "What is my savings target?",
        lambda c: f"{c.randrange(20, 300) * 100} pounds",
        (
            "My savings target for this year is {v}.",
            "I have lowered the savings target to {v}.",
            "Savings going well, so I set the target at {v}.",
            "Let us be realistic: {v} in savings is what I aim for now.",
        ),
    ),
    (
        "Which language am I learning?",
        lambda c: c.choice(("Welsh", "Finnish", "Basque", "Korean", "Latin", "Danish", "Hindi", "Greek", "Malay")),
        (
            "I am learning {v} in the evenings.",
            "Gave that language up, I am learning {v} now.",
            "Started on {v} instead, a language with better songs.",
            "Swapped my language course for {v}.",
        ),
    ),
    (
        "What is the gate code of my allotment?",
        lambda c: f"{c.randrange(1000, 9999)}",
        (
            "The allotment gate has the code {v}.",
            "New gate code at the allotment: {v}.",
            "Somebody gave the allotment code away, so it was reset to {v}.",
            "The allotment gate opens with {v} as of today.",
        ),
    ),
    (
        "Who cuts my hair?",
        lambda c: f"{c.choice(GIVEN)} {c.choice(SURNAMES)}",
        (
            "{v} cuts my hair.",
            "Found someone else for my hair, {v}.",
            "I get my hair cut by {v} now.",
            "No longer happy with my hairdresser, so I went over to {v}.",
        ),
    ),
    (
        "How far do I run each week?",
        lambda c: f"{c.randrange(10, 80)} km",
        (
            "I run {v} each week.",
            "I am up to {v} of running a week.",
            "Because of the knee I run only {v} now.",
            "The training plan says {v} a week from here on.",
        ),
    ),
    (
        "When does my passport expire?",
        lambda c: f"{_day(c)} {c.randrange(2027, 2037)}",
        (
            "My passport expires on {v}.",
            "The new passport has come, it is valid until {v}.",
            "Renewed the passport, good until {v}.",
            "Looked again: the passport runs out on {v}.",
        ),
    ),
    (
        "Where do I keep the spare key?",
        lambda c: (
            f"the {c.choice(('blue', 'red', 'green', 'tin', 'clay'))} {c.choice(('pot', 'box', 'jar', 'drawer', 'boot'))}"
        ),
        (
            "The spare key is in {v}.",
            "I have hidden the spare key in {v} now.",
            "Moved the spare key, it lies in {v}.",
            "Spare key: no longer there, look in {v}.",
        ),
    ),
    (
        "What is my mortgage rate?",
        lambda c: f"{c.randrange(1, 7)}.{c.randrange(10, 99)} %",
        (
            "The mortgage runs at {v}.",
            "Fixed the mortgage again, this time at {v}.",
            "The mortgage rate has gone up to {v}.",
            "Refinanced the mortgage with another lender at {v}.",
        ),
    ),
]
NEAR = (  # each comes near a fact, and changes none
    "My neighbour pays {k} pounds for his car insurance.",
    "Paid {k} pounds to have the car washed and waxed.",
    "Choir sang at the wedding on {d} and it went well.",
    "{n} told me that her son goes to {t} Academy.",
    "Looked at shoes in size {k} for the neighbour's boy.",
    "{s} Bank has sent me an offer again, straight into the bin.",
    "Lunch with {n} {s}, who used to be my manager years ago.",
    "Handed a draft of chapter {k} of the thesis in on {d}.",
    "Sold {k} jars of honey at the market.",
    "Read that the gate at {t} was built in {y}.",
    "The alarm of the car next door went off at {h}.",
    "We read a novel by {s} in the book club.",
    "Somebody had parked on the grass near {t}.",
    "Spent {k} pounds of the savings on the roof.",
    "{n} speaks Portuguese and some Polish.",
    "{n} {s} came by with photographs of her hair.",
    "Ran {k} minutes along the canal and saw a heron.",
    "Showed my passport at the border on {d}.",
    "Found a key in the grass near {t}.",
    "{n} says that her mortgage is at {k} %.",
    "If I moved to {t} I would miss the canal.",
    "Perhaps I will change the bank next year.",
)
HELD_OUT_NOTES = (
    "Fog in the morning, then sun.",
    "Long talk with {n} on the phone about nothing much.",
    "Tea with {n} {s} in {t}, home by {h}.",
    "Planted {k} onions behind the shed.",
    "A letter from {n} with a picture of {t}.",
    "{k} pages of the thesis read, most of them dull.",
    "The kettle broke, a new one cost {k} pounds.",
    "Train to {t} was late by {k} minutes.",
    "Watched {n} play chess against {n2}.",
    "Slept badly, up since {h}.",
)


def fill_note(note: str, chance: random.Random) -> str:
    """Fill a note in with names, numbers, places and times by lot."""
    n, n2 = chance.sample(GIVEN, 2)
    return note.format(
        n=n,
        n2=n2,
        s=chance.choice(SURNAMES),
        t=chance.choice(TOWNS),
        k=chance.randrange(3, 70),
        d=_day(chance),
        h=_time(chance),
        y=chance.randrange(1800, 1990),
    )
