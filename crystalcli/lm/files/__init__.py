"""Files that hold a model's weights.

gguf.py               the GGUF container
ggml_quants.py        ggml's block formats to tensors
safetensors_files.py  safetensors files and the JSON beside them, in Hugging Face's layout
tensor_source.py      what a decoder needs of either, as protocols
"""
