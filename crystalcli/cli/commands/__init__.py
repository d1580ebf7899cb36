"""The commands of `crystal`, one a file: parse, call one function of the library, render."""
