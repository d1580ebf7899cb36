"""Programs that show a crystal at work, and that nothing imports.

Each is run by `python -m crystalcli.examples.NAME`.

asking.py            One question asked of the model alone, of recall, and of both together.
board.py             Progress of the reading: a live board at a terminal, else lines.
books.py             The text that the example reads: books or the project's own text.
infinite_context.py  A book read through a window of 512 tokens, and asked about later.
picture.py           Two charts as a PNG: perplexity, and memory, over the tokens read.
planted.py           A sentence that no model can know, put into a text, and the question that asks
                     for it.
reading.py           The reading: a text streams through a small window into a crystal.
results.py           The results of the reading, for people and for programs.
schedule.py          The schedule of measurements, so that a run keeps to its time.
story.py             The story that ships with the package, for the example without a book.
"""
