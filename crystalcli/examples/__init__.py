"""Programs that show what a crystal does, each run by `python -m crystalcli.examples.NAME`. Nothing imports them."""
