"""The neural_memory room.

argument_checks.py     What is given to a memory in tensors, or to a layer with one, checked first.
                       Knows nothing of what is remembered.
beam_search.py         The way down a pyramid in tensors: which nodes are looked at, and which of
                       them are given. Knows nothing of how they are scored.
checkpoint.py          A `MemoryCrystal` as named tensors, and these as a safetensors file. Nothing
                       is pickled, and nothing that is read is trusted.
forgetting_curve.py    How memories fade: a power law, in numpy and torch alike. Knows ages and
                       strengths, and nothing of what is remembered.
hook_checks.py         What the steps of a memory made, checked: a class of somebody's own may have
                       put others in their place.
memory_crystal.py      `MemoryCrystal`: the pyramid as a memory for any model's embeddings, in
                       tensors. Knows nothing of text or of crystal files.
memory_transformer.py  `InfiniteMemoryTransformer`: a transformer layer over windows, with a
                       `MemoryCrystal` of all windows before. Knows nothing of text.
node_store.py          Nodes of a layer, and layers that grow by them, in tensors. Knows nothing of
                       queries, or of how nodes are made.
"""
