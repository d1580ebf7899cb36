"""The arms that `answers.py` compares: where passages come from, and what makes the answer."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import torch
from answer_sets import WITHIN, Question, write_corpus, write_document
from flat import FlatIndex
from own_words import own_claims

from crystalcli import Crystal, models
from crystalcli.answering.evidence import sentence_ranking
from crystalcli.answering.grounding import attribution
from crystalcli.answering.grounding.claim_stream import REPETITION_PENALTY, STOP_STRINGS
from crystalcli.answering.prompt import prompt_context
from crystalcli.answering.request.ask_options import AskOptions
from crystalcli.datatypes import Answer, Passage, Place, Sampling
from crystalcli.index.encoder import ENCODER
from crystalcli.lexical import terms
from crystalcli.library import LANGUAGE_MODEL, locate_or_fetch
from crystalcli.lm import LanguageModel

ARMS = ("closed", "bm25", "hybrid", "one each", "extractive", "crystal", "as given", "gold extractive", "gold")
_K = 5  # passages of each recall, as in `crystal ask`
_QUOTED = ("one each", "extractive", "gold extractive")
_TOKENS = 64  # tokens of an answer: known answers are short
_CLOSED = "Answer in one short sentence."  # the system prompt without passages


class Arms:
    """Crystals, flat indexes and the model, each opened when first needed."""

    def __init__(self, data: Path, keep: Path, model: Path | None) -> None:
        self._data, self._keep = data, keep
        self._named = model
        self._model: LanguageModel | None = None
        self._crystals: dict[str, Crystal] = {}
        self._flats: dict[str, FlatIndex] = {}
        self._said: tuple[tuple[str, str], Answer] | None = None  # the last question and its answer
        self._recalled: dict[tuple[str, str, str], list[Passage]] = {}
        path = keep / "recalled.jsonl"
        if path.exists():
            for line in path.read_text("utf-8").splitlines():
                row = json.loads(line)
                self._recalled[row["set"], row["qid"], row["by"]] = [_passage(each) for each in row["passages"]]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for crystal in self._crystals.values():
            crystal.close()

    def applies(self, arm: str, question: Question) -> bool:
        """Check that an arm applies to a question: not every question has a gold passage."""
        if arm == "as given" and question.choices:
            return False
        return not arm.startswith("gold") or bool(question.gold)

    def model_of(self, arm: str) -> str:
        """Return the name of the arm's model."""
        if arm in _QUOTED:
            return "extractive"
        return self._named.stem if self._named else LANGUAGE_MODEL

    def answer(self, arm: str, question: Question) -> tuple[str, str]:
        """Return an arm's answer (a label for multiple choice) and the text it was given."""
        if arm == "extractive":
            said = self.crystal(question).ask(question.text, extractive=True, broad=False, floor=0.0)
            return self._quoted(question, [" ".join(each.quote.split()) for each in said.citations])
        if arm in ("crystal", "as given") and not question.choices:
            said = self._ask(question)
            own = own_claims(said)
            text = said.text[: own[-1].end] if arm == "crystal" and own else said.text
            return text, "\n".join(each.quote for each in said.citations)
        passages = self._passages("crystal" if arm == "one each" else arm, question)
        if arm == "one each":
            return self._quoted(
                question, [" ".join(each.best_text.split()) for each in passages[: attribution.MAX_CITATIONS]]
            )
        if arm == "gold extractive":
            searcher = self.crystal(question).searcher()
            best = sentence_ranking.read_passages(searcher.encoder, searcher.prepare(question.text), passages).sentences
            return self._quoted(question, [" ".join(each.text.split()) for each in best[: attribution.MAX_CITATIONS]])
        if passages:
            prompt = prompt_context.build_prompt(question.text, passages, AskOptions(), self.model, self.model.count)
            taken, messages = prompt.passages, prompt.messages
        else:
            taken = []
            messages = [
                {"role": "system", "content": _CLOSED},
                {"role": "user", "content": f"Question: {question.text}"},
            ]
        read = "\n".join(each.text for each in taken)
        if question.choices:
            return self._likeliest(messages, question), read
        pieces = self.model.say(
            messages, Sampling(max_tokens=_TOKENS, repetition_penalty=REPETITION_PENALTY, stop=STOP_STRINGS)
        )
        return "".join(pieces).strip(), read

    @property
    def model(self) -> LanguageModel:
        """The language model."""
        if self._model is None:
            folder = models.locate(LANGUAGE_MODEL) or models.pull(LANGUAGE_MODEL)
            path = self._named or folder / models.catalogue_entry(LANGUAGE_MODEL).main
            # crystal's own engine: likelihoods are asked for
            self._model = LanguageModel.open(path, cache=models.converted_folder())
        return self._model

    def _ask(self, question: Question) -> Answer:
        key = (question.set, question.qid)
        if self._said is None or self._said[0] != key:
            said = self.crystal(question).ask(
                question.text, model=self.model, broad=False, floor=0.0, max_tokens=_TOKENS
            )
            self._said = key, said
        return self._said[1]

    # --- passages ---------------------------------------------------------------------------------

    def _passages(self, arm: str, question: Question) -> list[Passage]:
        if arm == "closed":
            return []
        if arm.startswith("gold"):
            return [Passage(Place("gold", 0, len(text), 1, 1), text, 1.0) for text in question.gold]
        key = (question.set, question.qid, arm)
        if key not in self._recalled:
            if arm == "crystal":
                found = self.crystal(question).recall(question.text, _K)
            else:
                flat = self._flat(question)
                scores = (flat.bm25 if arm == "bm25" else flat.fused)(question.text)
                found = flat.recall(scores, _K)
            self._recalled[key] = found
            row = {"set": key[0], "qid": key[1], "by": key[2], "passages": [asdict(each) for each in found]}
            with (self._keep / "recalled.jsonl").open("a", encoding="utf-8") as file:
                file.write(json.dumps(row, ensure_ascii=False, default=dict) + "\n")
        return self._recalled[key]

    def crystal(self, question: Question) -> Crystal:
        """Return the crystal for a question, ingesting it if it does not exist."""
        name = self._name(question)
        if name not in self._crystals:
            path = self._keep / f"{name}.crystal"
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                with Crystal(path, mode="write", encoder=locate_or_fetch(ENCODER)) as made:
                    made.ingest([self._files(question)])
            self._crystals[name] = Crystal.open(path)
        return self._crystals[name]

    def _flat(self, question: Question) -> FlatIndex:
        name = self._name(question)
        if name not in self._flats:
            encoder = locate_or_fetch(ENCODER)
            assert encoder is not None, "the encoder's weights are needed"
            self._flats[name] = FlatIndex(self._files(question), encoder, self._keep / f"{name}.npy")
        return self._flats[name]

    def _name(self, question: Question) -> str:
        return f"documents/{question.document.replace(':', '_')}" if question.set in WITHIN else "pool"

    def _files(self, question: Question) -> Path:
        if question.set in WITHIN:
            return write_document(self._data, question, self._keep / "documents")
        folder = self._keep / "files"
        if not folder.exists():
            write_corpus(self._data, folder)
        return folder

    # --- words ------------------------------------------------------------------------------------

    def _quoted(self, question: Question, quotes: list[str]) -> tuple[str, str]:
        if not question.choices:
            return "\n".join(quotes), "\n".join(quotes)
        weights = self.crystal(question).searcher().prepare("\n".join(text for _, text in question.choices)).idf
        said = {term for quote in quotes for term, _ in terms(quote)}

        def shared(text: str) -> float:
            own = {term for term, _ in terms(text)} & weights.keys()
            return sum(weights[term] for term in own & said) / (sum(weights[term] for term in own) or 1.0)

        return max(question.choices, key=lambda choice: shared(choice[1]))[0], "\n".join(quotes)

    @torch.inference_mode()
    def _likeliest(self, messages: list[dict[str, str]], question: Question) -> str:
        """Return the label of the choice whose tokens have the highest mean log-probability."""
        decoder = self.model.load()
        prompt = self.model.chat_prompt(messages)
        said = [(label, self.model._vocabulary.encode(text)) for label, text in question.choices]
        cache = decoder.cache(len(prompt) + max(len(ids) for _, ids in said))
        first = torch.log_softmax(decoder.forward(prompt, cache), -1)
        means = []
        for label, ids in said:
            cache.length = len(prompt)
            total = float(first[0, ids[0]])
            if len(ids) > 1:
                later = torch.log_softmax(decoder.forward(ids[:-1], cache, all_logits=True), -1)
                total += float(later.gather(1, torch.tensor(ids[1:])[:, None]).sum())
            means.append((total / len(ids), label))
        return max(means)[1]


def _passage(row: dict[str, Any]) -> Passage:
    return Passage(**{**row, "place": Place(**row["place"]), "best": tuple(row["best"]), "also": ()})
