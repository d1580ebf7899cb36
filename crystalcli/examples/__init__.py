"""Programs that show what a crystal does, each run by `python -m crystalcli.examples.NAME`. Nothing imports them.

asking.py            One question asked in three ways: of the model with its window alone, of
                     recall, and of the model with the passages recalled.
board.py             The reading on the screen: a board that is drawn again and again at a terminal,
                     a line for each stride elsewhere.
books.py             The text that the example reads: books that were named, or the project's own,
                     one after the other, with a sentence put in.
infinite_context.py  A book streams through a window of 512 tokens: what leaves it is remembered,
                     and asked for 100,000 tokens later.
picture.py           Two charts as a PNG: perplexity, and memory, over the tokens read. Needs
                     matplotlib, the extra `examples`.
planted.py           A sentence that no model can know, put into a text, and the question that asks
                     for it.
reading.py           A text streams through a small window; what leaves it is crystallized; along
                     the way the model is measured.
results.py           The results of the reading, for people and for programs.
schedule.py          The places where the model is measured while a text is read, so that a run
                     takes about as long as it may on any machine.
story.py             The story that ships with the package, so that the example runs without a book.
"""
