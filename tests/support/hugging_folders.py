"""Small random models in Hugging Face's layout, saved by transformers itself, with vocabularies made by `tokenizers`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors, trainers

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\n\n</think>\n\n' }}{% endif %}{% endif %}"
)
LLAMA2 = "{{ bos_token }}{% for message in messages %}[INST] {{ message['content'].strip() }} [/INST]{% endfor %}"
TEXT = [
    "The keeper of the lighthouse at Oldhaven said that the lamp burns 14 litres of oil a night.",
    "What is the capital of France? The capital of France is Paris.",
    "def tide(age):\n    return (14.765 - age) % 14.765\n",
] * 3
FAMILIES = {
    "llama": (transformers.LlamaConfig, transformers.LlamaForCausalLM),
    "mistral": (transformers.MistralConfig, transformers.MistralForCausalLM),
    "qwen2": (transformers.Qwen2Config, transformers.Qwen2ForCausalLM),
    "qwen3": (transformers.Qwen3Config, transformers.Qwen3ForCausalLM),
    "smollm3": (transformers.SmolLM3Config, transformers.SmolLM3ForCausalLM),
    "gpt2": (transformers.GPT2Config, transformers.GPT2LMHeadModel),
}


def byte_level() -> transformers.PreTrainedTokenizerFast:
    """As GPT-2, SmolLM2 and Qwen have them; Qwen's normal form of Unicode, and thoughts that are no special token."""
    made = tokenizers.Tokenizer(models.BPE())
    made.normalizer = normalizers.NFC()
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    made.train_from_iterator(
        TEXT, trainers.BpeTrainer(vocab_size=320, special_tokens=special, initial_alphabet=alphabet)
    )
    made.add_tokens([tokenizers.AddedToken(name, normalized=False) for name in ("<think>", "</think>")])
    made.enable_truncation(8)
    made.enable_padding(length=30)
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|endoftext|>", chat_template=CHATML
    )


def sentencepiece(scheme: str = "") -> transformers.PreTrainedTokenizerFast:
    """As Llama 2 and Mistral have them: a space before each piece of text, or (scheme) before the first alone."""
    made = tokenizers.Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    if scheme:
        made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme=scheme, split=False)
    else:
        made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=special[:3])
    made.train_from_iterator([text.replace(" ", "▁") for text in TEXT], trainer)
    # Bytes are ordinary tokens, which a trainer cannot be told of.
    import json

    data = json.loads(made.to_str())
    vocabulary = data["model"]["vocab"]
    for name in special[3:]:
        vocabulary.setdefault(name, len(vocabulary))
    made = tokenizers.Tokenizer.from_str(json.dumps(data))
    made.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[("<s>", vocabulary["<s>"])])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token="<s>", eos_token="</s>", unk_token="<unk>", chat_template=LLAMA2
    )


def save(folder: Path, family: str, tokenizer: Any = None, shard: str = "", **changes: Any) -> Any:
    """A model of the family in `folder`, and the same in transformers, float32."""
    tokenizer = tokenizer or byte_level()
    config_class, model_class = FAMILIES[family]
    figures: dict[str, Any] = {
        "vocab_size": len(tokenizer) + 8,  # more rows than tokens, as models often have
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 256,
        "initializer_range": 0.3,
        "eos_token_id": tokenizer.eos_token_id,
        "bos_token_id": tokenizer.bos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
    }
    torch.manual_seed(3)
    model = model_class(config_class(**(figures | changes))).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("bias") or "norm" in name:  # transformers begins with all alike
                weight.add_(torch.randn_like(weight) * 0.2)
    model.save_pretrained(folder, **({"max_shard_size": shard} if shard else {}))
    tokenizer.save_pretrained(folder)
    return model
