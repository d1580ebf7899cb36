"""The retrieval_lm room.

continuations.py    Which chunks go on in the chunk that is stored behind them: what stands side by
                    side need not be of one text, nor of any.
copy_mixture.py     How likely a token is, by a model and by what followed earlier in the text,
                    together.
ngrams.py           What followed, earlier in a text, the tokens that were just read.
perplexity.py       How well a language model foresees held-back pieces of a text, with what it
                    recalls of the text before them and without.
recalling_model.py  A language model that reads text of any length: a window of it, and before the
                    window what it recalls of the text behind it.
text_memory.py      Text that was read, as a crystal that grows behind the reader, and what of it is
                    like the text that is being read.
"""
