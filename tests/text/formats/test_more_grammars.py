"""Definitions in the languages of the extra `grammars`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from crystalcli.datatypes import Landmark
from crystalcli.text.readers import open_source

SOURCES = {
    "lamp.kt": (
        "package sea\n\n/** Burns. */\n@Serializable\nclass Lamp(val oil: Int) {\n    fun burn(night: Int): Int {\n        return 14\n"
        "    }\n\n    constructor(x: String) : this(1)\n}\n\nobject Harbour {\n    fun tide() = 2\n}\n\nfun String.rope(): Int = 90\n",
        {"Lamp": "/** Burns. */", "Lamp.burn": "fun burn", "Lamp.constructor": "constructor", "Harbour": "object Harbour",
         "Harbour.tide": "fun tide", "rope": "fun String.rope"},
    ),
    "lamp.swift": (
        "/// Burns.\nclass Lamp: Thing {\n    init(oil: Int) { self.oil = oil }\n    func burn(_ night: Int) -> Int { 14 }\n}\n\n"
        "protocol Light {\n    func on()\n}\n\nextension Lamp {\n    func off() {}\n}\n",
        {"Lamp": "/// Burns.", "Lamp.init": "init(", "Lamp.burn": "func burn", "Light": "protocol", "Light.on": "func on",
         "Lamp.off": "func off"},
    ),
    "lamp.scala": (
        "package sea\n\n/** Burns. */\nclass Lamp(oil: Int) extends Thing {\n  def burn(night: Int): Int = 14\n}\n\n"
        "object Harbour {\n  def tide(): Int = 2\n}\n\ntrait Light {\n  def on(): Unit\n}\n\nenum Kind:\n  case A, B\n",
        {"Lamp": "/** Burns. */", "Lamp.burn": "def burn", "Harbour": "object", "Harbour.tide": "def tide", "Light": "trait",
         "Light.on": "def on", "Kind": "enum Kind"},
    ),
    "lamp.lua": (
        "-- Burns.\nlocal function lamp(oil)\n  return 14\nend\n\nfunction Harbour.tide(x)\n  return 2\nend\n\n"
        "function Harbour:keep()\nend\n\nM.rope = function()\n  return 90\nend\n\nlocal x = 1\n",
        {"lamp": "-- Burns.", "Harbour.tide": "function Harbour.tide", "Harbour:keep": "function Harbour:keep", "M.rope": "M.rope ="},
    ),
    "lamp.sql": (
        "-- Lamps.\nCREATE TABLE harbour.lamp (id INT PRIMARY KEY, oil INT);\n\nCREATE VIEW tides AS SELECT * FROM harbour.lamp;\n\n"
        "CREATE FUNCTION burn(n INT) RETURNS INT AS $$ SELECT 14; $$ LANGUAGE sql;\n\nCREATE INDEX by_oil ON lamp (oil);\n"
        "SELECT 1;\n",
        {"harbour.lamp": "-- Lamps.", "tides": "CREATE VIEW", "burn": "CREATE FUNCTION", "by_oil": "CREATE INDEX"},
    ),
    "lamp.dart": (
        "/// Burns.\n@immutable\nclass Lamp extends Thing {\n  Lamp(this.oil);\n  Lamp.of(this.oil);\n\n  int burn(int night) {\n"
        "    return 14;\n  }\n\n  int get level => 1;\n}\n\nmixin Light on Thing {\n  void on() {}\n}\n\nint tide() => 2;\n",
        {"Lamp": "/// Burns.", "Lamp.Lamp": "Lamp(", "Lamp.Lamp.of": "Lamp.of", "Lamp.burn": "int burn", "Lamp.level": "int get",
         "Light": "mixin", "Light.on": "void on", "tide": "int tide"},
    ),
    "lamp.ex": (
        'defmodule Harbour.Lamp do\n  use Thing\n\n  @doc "Burns."\n  def burn(night) do\n    night + 14\n  end\n\n'
        "  defp tide(x) when x > 1, do: 2\nend\n\ndefprotocol Light do\n  def on(x)\nend\n",
        {"Harbour.Lamp": "defmodule", "Harbour.Lamp.burn": '@doc "Burns."', "Harbour.Lamp.tide": "defp tide", "Light": "defprotocol",
         "Light.on": "def on"},
    ),
    "lamp.zig": (
        'const std = @import("std");\n\n/// Burns.\npub const Lamp = struct {\n    oil: u32,\n\n    pub fn burn(self: *Lamp) u32 {\n'
        '        return 14;\n    }\n};\n\nfn tide() u32 {\n    return 2;\n}\n\ntest "it burns" {}\n',
        {"Lamp": "/// Burns.", "Lamp.burn": "pub fn burn", "tide": "fn tide", "it burns": "test"},
    ),
    "lamp.jl": (
        'module Harbour\n\n"Burns."\nstruct Lamp <: Thing\n    oil::Int\nend\n\nfunction burn(l::Lamp, n)\n'
        "    x = 14\n    return x\nend\n\n"
        "tide(x) = 2\n\nBase.show(io::IO, l::Lamp) = print(io, 1)\n\nend\n",
        {"Harbour": "module", "Harbour.Lamp": '"Burns."', "Harbour.burn": "function burn", "Harbour.tide": "tide(x)",
         "Harbour.Base.show": "Base.show"},
    ),
    "lamp.R": (
        "#' Burns.\nlamp <- function(oil, n = 2) {\n  rope <- function(i) i\n  lapply(oil, FUN = function(i) i)\n  14\n}\n\n"
        'tide = \\(x) 2\n\n`%+%` <- function(a, b) a\n\nsetClass("Harbour", representation(depth = "numeric"))\n'
        'setMethod("show", "Harbour", function(object) cat(1))\n\n'
        'Boat <- R6::R6Class("Boat",\n  public = list(\n    oil = 1,\n    sail = function(n) {\n      n\n    }\n  )\n)\n\nx <- 3\n',
        {"lamp": "#' Burns.", "lamp.rope": "rope <-", "tide": "tide =", "%+%": "`%+%`", "Harbour": "setClass",
         "show": "setMethod", "Boat": "Boat <-", "Boat.sail": "sail ="},
    ),
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def cache_of_grammars(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what semble-grammars unpacks out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEMBLE_GRAMMARS_CACHE_DIR", str(tmp_path_factory.mktemp("grammars")))
        yield


@pytest.mark.parametrize("name", SOURCES)
def test_definitions_are_found_with_what_stands_above_them(tmp_path, name):
    text, expected = SOURCES[name]
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    pieces = list(open_source(path)[1].pieces())
    assert "".join(piece for piece in pieces if isinstance(piece, str)) == text
    begins: dict[str, str] = {}
    for mark in pieces:
        if isinstance(mark, Landmark) and mark.kind == "definition" and mark.label:
            begins.setdefault(mark.label, text[mark.start :].lstrip())
    assert list(begins) == list(expected)
    for label, beginning in expected.items():
        assert begins[label].startswith(beginning), label


def test_without_the_extra_such_files_are_read_by_lines(tmp_path):
    path = tmp_path / "lamp.lua"
    path.write_text(SOURCES["lamp.lua"][0], encoding="utf-8")
    program = (
        "import sys; sys.modules['tree_sitter_lua'] = None; from pathlib import Path;"
        "from crystalcli.text.readers import open_source;"
        f"print(list(open_source(Path({str(path)!r}))[1].pieces()) == [{SOURCES['lamp.lua'][0]!r}])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_a_grammar_that_cannot_be_unpacked_leaves_the_text(tmp_path, monkeypatch):
    path = tmp_path / "lamp.R"
    path.write_text(SOURCES["lamp.R"][0], encoding="utf-8")
    monkeypatch.setenv("SEMBLE_GRAMMARS_CACHE_DIR", str(path))
    program = (
        "from pathlib import Path; from crystalcli.text.readers import open_source;"
        f"print(list(open_source(Path({str(path)!r}))[1].pieces()) == [{SOURCES['lamp.R'][0]!r}])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
