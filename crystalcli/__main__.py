"""`python -m crystalcli` is `crystal`."""

from crystalcli.cli import main

if __name__ == "__main__":
    main()
