"""Parsing of command lines: what Typer lacks.

Groups that load commands late, help in panels, wrong usage.
"""
