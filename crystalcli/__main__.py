"""Make `python -m crystalcli` the `crystal` command."""

from crystalcli.cli import main

if __name__ == "__main__":
    main()
