"""Text to token ids and back.

vocabulary.py     the tokens of a model, of any kind
byte_level.py     byte-level vocabularies, through tiktoken
sentencepiece.py  SentencePiece vocabularies
from_gguf.py      the vocabulary of a GGUF file
from_hf.py        the vocabulary of a folder in Hugging Face's layout
"""
