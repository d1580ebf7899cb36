"""The layers of a crystal as bands of cells: documents, sections, atoms, clusters and units.

cell_groups.py      Groups of neighbouring nodes, so that a band has a bounded number of cells.
document_layers.py  The layers of a document, or of a span of it.
layer_view.py       Views of layers: a scope, its bands of cells, and what a question lit in them.
light.py            The light of cells: how far the score of each stands out for a question.
lit_passages.py     The passages that a question found, each with the scores on the way down to it.
shelf_layers.py     The layers of many documents: those of a folder, or all.
telling_words.py    Telling words of texts beside one another, as short labels.
view_builder.py     Builder of views of layers.
"""
