"""Languages by their function words, and terms stemmed by language."""

from __future__ import annotations

import pytest

from crystalcli.lexical import OTHER_SCRIPT, identify_language, query_forms, query_terms, stored_code, terms, terms_in
from crystalcli.lexical.languages import LANGUAGES, question_language

TEXTS = {
    "en": "The keeper of the lighthouse writes in the ledger what he has seen, and nobody reads it.",
    "cs": "Město leží na řece a jeho obyvatelé se živí hlavně rybolovem, který je v kraji starý.",
    "da": "Byen ligger ved åen, og indbyggerne lever af fiskeri, som er gammelt, men det giver ikke længere noget.",
    "de": "Der Wärter des Leuchtturms schreibt in das Buch, was er gesehen hat, und niemand liest es.",
    "es": "El farero escribe en el libro lo que ha visto por la noche, y nadie lo lee cuando amanece.",
    "fi": "Kaupunki on joen varrella, ja sen asukkaat ovat kalastajia, mutta kalaa ei enää ole kuin vähän.",
    "fr": "Le gardien du phare écrit dans le registre ce qu'il a vu, et personne ne le lit.",
    "hu": "A város a folyó mellett van, és az itt lakók halászatból élnek, de ez már nem hoz hasznot.",
    "it": "Il guardiano del faro scrive nel registro quello che ha visto, e nessuno lo legge più.",
    "nl": "De wachter van de vuurtoren schrijft in het boek wat hij heeft gezien, en niemand leest het.",
    "no": "Byen ligger ved elven, og innbyggerne lever av fiske, som er gammelt, men ikke gir noe lenger fra seg.",
    "pl": "Miasto leży nad rzeką i jego mieszkańcy żyją z rybołówstwa, które jest stare, ale nie przynosi zysku.",
    "pt": "O faroleiro escreve no livro o que viu durante a noite, e não há quem o leia quando amanhece.",
    "ro": "Orașul este pe malul râului și locuitorii trăiesc din pescuit, care nu mai aduce un câștig.",
    "ru": "Смотритель маяка пишет в книге, что он видел ночью, но её никто не читает.",
    "sv": "Staden ligger vid ån och invånarna lever av fiske, som är gammalt men inte ger något längre.",
    "tr": "Şehir nehrin kıyısında ve halk balıkçılık ile geçinir, ama bu iş artık bir kazanç için yeterli değil.",
}


@pytest.mark.parametrize("code", LANGUAGES)
def test_a_sentence_in_each_language(code):
    assert identify_language(TEXTS[code]) == code
    # A million marks on one letter are ordered in the time of a few: else this takes hours.
    assert identify_language(TEXTS[code] + " A" + "\u0301\u0302\u0323" * 300_000) == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 2 3 4 5",
        "land;de;es;it\n1;2;3;4\n" * 20,
        "def parse(record):\n    return {key: value for key, value in record.items() if value}\n",
        "Kapitel 3",
        "de de de de",
        "id,price,qty\nA17,9.50,3\nB22,1.20,8\n",
    ],
)
def test_no_foreign_language_where_it_is_not_clear(text):
    assert identify_language(text) in ("", "en")


def test_other_scripts_are_noted_but_not_stored():
    for text in ("这个城市位于河边，居民主要以捕鱼为生。", "Η πόλη βρίσκεται στον ποταμό και οι κάτοικοί της ψαρεύουν"):
        assert identify_language(text) == OTHER_SCRIPT
    assert stored_code(OTHER_SCRIPT) == stored_code("en") == stored_code("") == ""
    assert stored_code("de") == "de"


def test_the_language_of_a_question_by_a_word():
    assert question_language("Wer besitzt die Mühle?", ["de", "fr"]) == "de"
    assert question_language("Où est le moulin ?", ["de", "fr"]) == "fr"
    assert question_language("Who has the mill?", ["de", "fr"]) == ""
    assert question_language("Mühle", ["de", "fr"]) == ""


def test_terms_follow_the_language():
    assert [term for term, _ in terms("Die alten Häuser", "de")] == ["alt", "haus"]
    assert [term for term, _ in terms("den gamla stadens hus", "sv")] == ["gaml", "stad", "hus"]
    # English stop words are left out of every text: a quotation would make them rare and weighty.
    assert [term for term, _ in terms("the Haus", "de")] == ["haus"]
    assert list(terms("The old houses")) == list(terms("The old houses", ""))


def test_forms_of_a_question():
    question = "Wo stehen die alten Häuser?"
    assert query_forms(question, []) == {term: (term,) for term in query_terms(question)}
    forms = query_forms(question, ["de", "fr"])
    assert list(forms) == ["wo", "stehen", "die", "alten", "häuser"]
    assert "haus" in forms["häuser"] and "häuser" in forms["häuser"]
    assert forms["wo"] == forms["die"] == ()  # stop words in the question's own language
    assert terms_in("Ein Haus am Bach", forms, ["de", "fr"]) == {"häuser"}
    assert query_forms("gamla hus", ["sv", "de"])["gamla"] == ("gamla", "gaml")
