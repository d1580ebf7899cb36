import re
import time
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.repository import ROOT

from crystalcli.datatypes import Landmark
from crystalcli.text.chunking.chunker import cut_chunks
from crystalcli.text.formats.definitions import find_definitions
from crystalcli.text.formats.grammars import GRAMMARS, detect_language
from crystalcli.text.formats.source_code import MAX_PARSED_BYTES
from crystalcli.text.readers import open_source
from crystalcli.vectors import default_tokenizer

# Of each language: the name of a file, its text, and the labels with the text that their landmarks stand before.
SOURCES = {
    "python": (
        "a.py",
        "import os\n\n# says what it is\n@dec(\n    1,\n)\nasync def f():\n    def inner():\n        pass\n    return 1\n\n\n"
        'class A:\n    x = 1\n\n    @property\n    def é(self):\n        """ü"""\n\n    def z(self): ...\n\nx = 3\n',
        [
            ("f", "# says"),
            ("f.inner", "    def inner"),
            ("f", "    return 1"),
            ("A", "class A"),
            ("A.é", "    @prop"),
            ("A.z", "    def z"),
            ("", "\nx = 3"),
        ],
    ),
    "javascript": (
        "a.js",
        "Foo.prototype.bar = function () {\n  return 1;\n};\nclass Q {\n  #p = () => 1;\n  run() {}\n}\nfunction* gen() {}\n",
        [
            ("Foo.prototype.bar", "Foo.pro"),
            ("Q", "class Q"),
            ("Q.#p", "  #p"),
            ("Q.run", "  run"),
            ("Q", "}\nfunction"),
            ("gen", "function*"),
        ],
    ),
    "typescript": (
        "a.ts",
        "const fs = require('fs');\n/** doc */\nexport default class A<T> {\n  // says\n  static async m(a: string): void {\n"
        "    const inner = (z) => {\n      return z;\n    };\n  }\n}\ninterface I {\n  a: 1;\n}\n"
        "export const routes = router({\n  list: query(() => 1),\n  run: function () {\n    return 2;\n  },\n});\n",
        [
            ("A", "/** doc"),
            ("A.m", "  // says"),
            ("A.m.inner", "    const inner"),
            ("A.m", "  }\n}\ninterface"),
            ("A", "}\ninterface"),
            ("I", "interface"),
            ("routes", "export const routes"),
            ("routes.run", "  run"),
            ("routes", "});"),
        ],
    ),
    "tsx": (
        "a.tsx",
        "export const Card = ({ title }: Props) => <div>{title}</div>;\nfunction App() {\n  return <Card title='a' />;\n}\n",
        [("Card", "export const Card"), ("App", "function App")],
    ),
    "go": (
        "a.go",
        "package p\n\n// Run runs.\nfunc (s *Server[T]) Run() {}\n\ntype A struct{}\n\nfunc F() {}\n",
        [("Server.Run", "// Run"), ("A", "type A"), ("F", "func F")],
    ),
    "rust": (
        "a.rs",
        "/// A.\n#[derive(Debug)]\npub struct A<T>(T);\n\n"
        "impl<T> Show for A<T> {\n    fn fmt(&self) {}\n}\n\nmod m {\n    pub fn f() {}\n}\n",
        [
            ("A", "/// A"),
            ("A", "impl"),
            ("A::fmt", "    fn fmt"),
            ("A", "}\n\nmod"),
            ("", "\nmod m"),
            ("m::f", "    pub fn"),
            ("", "}\n"),
        ],
    ),
    "c": (
        "a.c",
        "/* License */\n\n/* doc of f\n * more */\nstatic char **f(int a, struct foo *b)\n{\n    return 0;\n}\n"
        "typedef struct node {\n    int a;\n} node_t;\nstruct foo { int a; };  // tail\nint x;\n",
        [("f", "/* doc"), ("node_t", "typedef"), ("foo", "struct foo {"), ("", "int x")],
    ),
    "cpp": (
        "a.cpp",
        "namespace a::b {\n// doc\ntemplate <typename T>\nclass Foo : public Bar {\n public:\n  ~Foo() { x(); }\n"
        "  int *get(int a) const { return p; }\n};\n}\nint Foo::other(int z) {\n  return z;\n}\n",
        [
            ("a::b::Foo", "// doc"),
            ("a::b::Foo::~Foo", "  ~Foo"),
            ("a::b::Foo::get", "  int *get"),
            ("a::b::Foo", "};\n}"),
            ("", "}\nint Foo"),
            ("Foo::other", "int Foo"),
        ],
    ),
    "java": (
        "A.java",
        "package a;\n\n/** Doc */\n@Foo\npublic class A<T> {\n"
        "    /** m */\n    @Override\n    public void m(int a) {}\n\n    A() {}\n}\n",
        [("A", "/** Doc"), ("A.m", "    /** m"), ("A.A", "    A()"), ("A", "}\n")],
    ),
    "csharp": (
        "A.cs",
        "namespace N.M {\n/// <summary>doc</summary>\n[Attr]\npublic class G : H {\n  public int P { get; set; }\n"
        "  public void M<T>() {\n    int Local() => 1;\n  }\n}\n}\n",
        [
            ("G", "/// <summary"),
            ("G.P", "  public int P"),
            ("G.M", "  public void M"),
            ("G.M.Local", "    int Local"),
            ("G.M", "  }\n}"),
            ("G", "}\n}"),
            ("", "}\n"),
        ],
    ),
    "ruby": (
        "a.rb",
        "# doc\nmodule M\n  class A::B < C\n    # doc of m\n    def m(a)\n      a\n    end\n\n    def self.s; end\n  end\nend\n",
        [
            ("M", "# doc\nmodule"),
            ("M::A::B", "  class"),
            ("M::A::B::m", "    # doc of m"),
            ("M::A::B::s", "    def self"),
            ("M::A::B", "  end\nend"),
            ("M", "end\n"),
        ],
    ),
    "php": (
        "a.php",
        "<?php\n/** doc */\n#[Attr]\nfinal class I extends J {\n  public function m($a) {}\n}\nfunction top() {}\n",
        [("I", "/** doc"), ("I::m", "  public function"), ("I", "}\nfunction"), ("top", "function top")],
    ),
    "bash": (
        "a.sh",
        "#!/bin/sh\n\n# doc\nfoo() {\n  bar\n}\nfunction baz {\n  :\n}\nfoo\n",
        [("foo", "# doc"), ("baz", "function baz"), ("", "foo\n")],
    ),
}


def read(path) -> tuple[str, list[Landmark]]:
    """The text and the landmarks; each landmark stands where it says."""
    _, reading = open_source(path)
    text, marks = "", []
    for piece in reading.pieces():
        if isinstance(piece, Landmark):
            assert piece.start == len(text)
            marks.append(piece)
        else:
            text += piece
    return text, marks


def test_every_grammar_has_an_example():
    with (ROOT / "pyproject.toml").open("rb") as file:
        extra = tomllib.load(file)["project"]["optional-dependencies"]["grammars"]
    modules = {re.match(r"[\w-]+", line)[0].replace("-", "_") for line in extra}  # test_more_grammars.py has these
    assert SOURCES.keys() == {language for language, grammar in GRAMMARS.items() if grammar.package not in modules}


@pytest.mark.parametrize("language", SOURCES)
def test_definitions_have_landmarks(language, tmp_path):
    name, source, expected = SOURCES[language]
    (tmp_path / name).write_text(source, encoding="utf-8", newline="")
    text, marks = read(tmp_path / name)
    assert detect_language(tmp_path / name, source) == language
    assert text == source
    found = [(mark.label, text[mark.start :]) for mark in marks]
    assert [label for label, _ in found] == [label for label, _ in expected]
    for (_, after), (label, beginning) in zip(found, expected, strict=True):
        assert after.startswith(beginning), label
    assert {mark.kind for mark in marks} == {"definition"}


def test_depth_counts_the_definitions_around():
    text = "class A:\n    def m(self):\n        def g(): ...\n\n    def n(self): ...\n\ndef f(): ...\n"
    assert [(mark.label, mark.depth) for mark in find_definitions(text, "python")] == [
        ("A", 0),
        ("A.m", 1),
        ("A.m.g", 2),
        ("A.n", 1),
        ("f", 0),
    ]


@pytest.mark.parametrize(
    ("name", "text", "language"),
    [
        ("x.h", "struct a { int b; };\n", "c"),
        ("x.h", "#pragma once\nnamespace a {}\n", "cpp"),
        ("run", "#!/usr/bin/env python3\n", "python"),
        ("run", "#!/usr/bin/env -S node\n", "javascript"),
        ("run", "#!/bin/sh -e\n", "bash"),
        ("run", "#!\n", ""),
        ("Gemfile", "", "ruby"),
        ("a.json", "{}", ""),
        ("a.yaml", "a: 1", ""),
    ],
)
def test_language_of_a_file(tmp_path, name, text, language):
    assert detect_language(tmp_path / name, text) == language


snippets = st.lists(
    st.one_of(
        st.sampled_from([text for _, text, _ in SOURCES.values()]),
        st.text(alphabet="abc(){}[]<>;:,=\"'`\n\r\t #/*\\é𝒳defclassfn", max_size=60),
    ),
    max_size=5,
).map("".join)


@settings(max_examples=60, deadline=None)
@given(snippets, st.sampled_from(sorted(GRAMMARS)))
def test_any_text_has_landmarks_in_order_and_the_same_each_time(text, language):
    marks = find_definitions(text, language)
    starts = [mark.start for mark in marks]
    assert starts == sorted(set(starts))
    assert all(0 <= start < len(text) for start in starts)
    assert all(mark.depth >= 0 and mark.label == mark.label.strip() for mark in marks)
    assert marks == find_definitions(text, language)


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_the_text_stays_as_it_is(tmp_path, newline, encoding):
    source = "x = 'é'\n\ndef f():\n    return 'ü'\n\n\ndef g(): ...\n".replace("\n", newline)
    (tmp_path / "a.py").write_text(source, encoding=encoding, newline="")
    text, marks = read(tmp_path / "a.py")
    assert text == source
    assert [text[mark.start :].split("(")[0] for mark in marks if mark.kind == "definition"] == ["def f", "def g"]


def test_a_large_file_is_read_without_definitions(tmp_path):
    source = "def f():\n    return 1\n\n" * (MAX_PARSED_BYTES // 20)
    (tmp_path / "a.py").write_text(source, newline="")
    text, marks = read(tmp_path / "a.py")
    assert text == source
    assert marks == []


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "(" * 300_000),
        ("javascript", "function f(){" * 20_000),
        ("cpp", "a<" * 4_000),
        ("rust", "m!(" + ";" * 300_000 + ")"),
        ("bash", "$(" * 50_000),
    ],
)
def test_what_is_hard_to_parse_takes_no_long_time(language, text):
    began = time.thread_time()
    find_definitions(text, language)
    assert time.thread_time() - began < 12


def test_deep_nesting_has_short_labels():
    marks = find_definitions(
        "".join("  " * depth + f"class C{depth}:\n" for depth in range(60)) + "  " * 60 + "x", "python"
    )
    assert max(len(mark.label.split(".")) for mark in marks) == 8


# --- chunks ---------------------------------------------------------------------------------------


def chunks_of(pieces) -> list[str]:
    return [chunk.text for chunk in cut_chunks(pieces, default_tokenizer(), code=True)]


def pieces_of(text: str, step: int = 10_000) -> list[str | Landmark]:
    """A text with the landmarks of its definitions, in pieces of at most `step` characters."""
    found: list[str | Landmark] = []
    start = 0
    for mark in (*find_definitions(text, "python"), None):
        end = len(text) if mark is None else mark.start
        found += [text[at : min(at + step, end)] for at in range(start, end, step)]
        found += [] if mark is None else [mark]
        start = end
    return found


def functions(count: int) -> str:
    """Functions whose bodies have paragraphs, and lines at the margin that look like definitions and are none."""
    body = "    a = a + b\n\n    c = a * b\n" * 4
    said = '    text = """\ndef not_one(a):\nclass NorThis:\n"""\n'
    return "".join(f"def function_{i}(a, b):\n{said}{body}    return a\n" for i in range(count))


def test_chunks_end_where_definitions_do():
    text = functions(60)
    chunks = chunks_of(pieces_of(text))
    assert "".join(chunks) == text
    assert len(chunks) > 20
    assert all(re.match(r"def function_\d", chunk) for chunk in chunks)
    assert any(not re.match(r"def function_\d", chunk) for chunk in chunks_of([text]))  # by its look alone


def test_methods_are_better_places_than_blocks():
    body = "        a = a + b\n\n        c = a * b\n" * 5
    text = "class A:\n" + "".join(f"    def method_{i}(self, a, b):\n{body}" for i in range(30))
    assert all(chunk.lstrip().startswith(("def method_", "class A")) for chunk in chunks_of(pieces_of(text)))


@settings(max_examples=40, deadline=None)
@given(snippets, st.integers(1, 400))
def test_the_size_of_the_pieces_does_not_matter(text, step):
    found = chunks_of(pieces_of(text, step))
    assert "".join(found) == text
    assert found == chunks_of(pieces_of(text))


def test_an_edit_moves_only_the_cuts_around_it():
    text = functions(200)
    before = set(chunks_of(pieces_of(text)))
    for at in (0, text.index("def function_100"), len(text)):
        edited = text[:at] + "def new_one(x):\n    return x\n" + text[at:]
        new = set(chunks_of(pieces_of(edited))) - before
        assert 1 <= len(new) <= 6
