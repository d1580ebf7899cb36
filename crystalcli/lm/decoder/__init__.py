"""Token ids to logits, and to the next token.

decoder_config.py  the configuration, and its reading from GGUF
config_hf.py       its reading from a folder in Hugging Face's layout
llama.py           the decoder
attention.py       attention and its cache
rotary.py          rotary positions
linear.py          linear layers in the fastest form
int8.py            linear layers in eight bits
tensor_loader.py   checked loading of tensors
weight_cache.py    converted weights, kept on disk
prefix_cache.py    the last prompt, kept in memory
sampler.py         the choice of the next token
prompt_lookup.py   guesses of the next tokens, copied from those before
generation.py      the tokens behind a prompt, guessed ones read several at a time
logprobs.py        log-probabilities of given tokens
thread_tuner.py    the number of threads
memory_budget.py   the memory that a model takes, and what is free
"""
