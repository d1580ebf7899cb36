"""The language model room: a GGUF file, a folder or a server becomes a model that generates text.

Knows: formats of files, vocabularies, the Llama decoder, chat templates, the servers' protocol.
Does not know: documents, crystals, recall, prompts for answering, where model files come from.

The order of its folders is files, tokenizer, decoder, chat, server; each imports from those before
it. Importing the room costs milliseconds: torch, tiktoken and jinja2 are imported when a model
needs them.

decoder_process.py     A decoder in a process of its own, which starts while the caller does
                       something else.
faster_engine.py       The faster of two engines for one file: crystal's decoder or llama.cpp,
                       measured once.
llama_cpp_model.py     A language model in a GGUF file, run by llama.cpp: the extra
                       `crystalcli[llama]`.
local_model.py         A language model out of files, run by crystal's own decoder.
opener.py              Opens a language model: a GGUF file, a folder in Hugging Face's layout, or a
                       server.
preload.py             Opens and loads a language model in a thread, while the caller does something
                       else.
transformers_model.py  A language model of another family, run by transformers: the extra
                       `crystalcli[hf]`.

chat/
    chat_prompt.py         Encodes a conversation to the ids that a model was trained on.
    chat_template.py       Renders a conversation with the chat template that a model's file
                           carries.
    sandbox.py             A jinja2 environment for templates from outside.
    stream.py              The text that a language model generates, wherever it runs.

decoder/
    attention.py           Keys and values of earlier positions, and attention over them.
    config_hf.py           A decoder's configuration from the `config.json` of a folder in Hugging
                           Face's layout.
    decoder_config.py      A decoder's configuration, and its reading from the metadata of a GGUF
                           file.
    free_memory.py         The memory that this machine has free: what can be had without swapping.
    generation.py          Generation of the tokens that follow a prompt that has been read, with
                           the help of guesses.
    int8.py                Products in 8-bit integers, for CPUs that multiply those faster than
                           anything else.
    linear.py              Linear layers in the forms that are fastest to multiply, made from the
                           blocks of the file.
    llama.py               A decoder of the Llama family and its near relations (Qwen 2 and 3,
                           SmolLM 3).
    logprobs.py            Log-probabilities of given tokens under a decoder, without keeping a row
                           of logits for each.
    memory_budget.py       The memory budget: what a decoder takes in the form it will be used in,
                           and what is available.
    prefix_cache.py        Keys and values of the last prompt, for the next one that begins alike.
    prompt_lookup.py       Prompt lookup: guesses the next tokens by what followed the last ones
                           before (Saxena, 2023).
    rotary.py              Rotary positions: the frequency of each pair of a head, and the rotation.
    sampler.py             Chooses the next token from logits.
    tensor_loader.py       Loads the tensors of a decoder from a source.
    thread_tuner.py        The number of threads to compute with, tuned while computing.
    token_generator.py     Generates token ids from token ids: the weights of one model, loaded when
                           they are needed.
    wavefront.py           A prompt read by several threads: each takes parts of it through all
                           layers, one behind another.
    weight_cache.py        A cache of converted weights, so that the next start need not convert
                           them again.
    weight_only.py         Weight-only quantization: one byte a weight for few rows, for CPUs that
                           do not multiply bytes.

files/
    ggml_quants.py         Turns ggml's block formats into torch tensors.
    gguf.py                Reads GGUF files, versions 2 and 3: metadata, and the place of each
                           tensor.
    safetensors_files.py   Reads safetensors files through memory maps: one file, or several with an
                           index.
    tensor_source.py       The source of a decoder's weights, as protocols.

server/
    discovery.py           Discovery of a server's models: which it has, which is meant, how long
                           its context is.
    http_client.py         An HTTP client for one request and its answer, with a bound on
                           everything: time, size, redirects.
    server_model.py        A language model behind an OpenAI-compatible server: Ollama, llama.cpp,
                           LM Studio, vLLM.
    token_estimate.py      An estimate of a text's tokens for an unknown vocabulary: too many rather
                           than too few.
    url.py                 The address of a model server: a URL taken apart, and whether it is on
                           this machine.

tokenizer/
    byte_level.py          Byte-level byte-pair vocabularies, through tiktoken, from the tokens that
                           a GGUF file lists.
    from_gguf.py           The vocabulary of a GGUF file.
    from_hf.py             The vocabulary of a folder in Hugging Face's layout: `tokenizer.json`.
    sentencepiece.py       SentencePiece vocabularies with scores, as Llama 2, TinyLlama and Mistral
                           have them.
    vocabulary.py          A language model's tokens, of any kind: text to ids and back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.lm.decoder.free_memory import available_memory
    from crystalcli.lm.decoder_process import DecoderProcess
    from crystalcli.lm.local_model import LanguageModel
    from crystalcli.lm.opener import model_kind, open_model_at, starts_in_process
    from crystalcli.lm.preload import Preload
    from crystalcli.lm.server.http_client import ServerRefusedError
    from crystalcli.lm.server.token_estimate import estimate_tokens
    from crystalcli.lm.server.url import lacks_scheme

__all__ = [
    "DecoderProcess",
    "LanguageModel",
    "Preload",
    "ServerRefusedError",
    "available_memory",
    "estimate_tokens",
    "lacks_scheme",
    "model_kind",
    "open_model_at",
    "starts_in_process",
]

if not TYPE_CHECKING:
    __getattr__ = lazy_names(
        __name__,
        {
            "decoder.free_memory": ("available_memory",),
            "decoder_process": ("DecoderProcess",),
            "local_model": ("LanguageModel",),
            "opener": (
                "model_kind",
                "open_model_at",
                "starts_in_process",
            ),
            "preload": ("Preload",),
            "server.http_client": ("ServerRefusedError",),
            "server.token_estimate": ("estimate_tokens",),
            "server.url": ("lacks_scheme",),
        },
    )


def __dir__() -> list[str]:
    return sorted(__all__)
