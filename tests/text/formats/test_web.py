"""Web pages: what is kept of them, in which order, and on which line of the file it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.documents import read

from crystalcli.errors import SourceError
from crystalcli.text.readers import kind_of_file, open_source

PAGE = """<!DOCTYPE html>
<html><head><title>The  ferry &mdash; timetable</title><script>var x = "<p>hidden</p>";</script>
<style>p { color: red }</style></head>
<body>
<header class="masthead"><a href="/">Home</a> The Company</header>
<nav><ul><li><a href="a">Routes</a></li><li><a href="b">Prices</a></li></ul></nav>
<div id="content">
<h1>Winter <em>timetable</em></h1>
<p>The ferry leaves
at six,<br>not at seven. It&nbsp;costs 5&nbsp;&euro;.</p>
<h2>Prices</h2>
<ul><li>adults<ul><li>with a bicycle</li></ul></li><li>children</li></ul>
<ol start="3"><li>third<li>fourth</ol>
<table><tr><th>Year</th><th>Fare</th></tr>
<tr><td>2020</td><td>1,200</td></tr></table>
<pre>
def fare():
    return 5  # exact
</pre>
<h3>Small print</h3><p hidden>never shown</p>
<p>Dogs travel free.</p>
<h2>Ways<a href="#ways">¶</a></h2>
<p>By sea.</p>
</div>
<footer>Copyright the Company</footer>
</body></html>
"""
READ = """Winter timetable

The ferry leaves at six,
not at seven. It costs 5 €.

Prices

- adults
  - with a bicycle
- children

3. third
4. fourth

Year | Fare
Year: 2020; Fare: 1,200

def fare():
    return 5  # exact

Small print

Dogs travel free.

Ways

By sea.
"""


@pytest.fixture
def file(tmp_path: Path):
    def make(content: str | bytes, name: str = "page.html") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def test_a_page_as_it_reads(file) -> None:
    found = read(file(PAGE))
    assert (found.kind, found.title) == ("html", "The ferry — timetable")
    assert found.text == READ
    assert found.labels("heading") == [
        "Winter timetable",
        "Winter timetable › Prices",
        "Winter timetable › Prices › Small print",
        "Winter timetable › Ways",
    ]


@pytest.mark.parametrize(
    "words",
    [
        "The ferry leaves",
        "adults",
        "with a bicycle",
        "children",
        "third",
        "2020",
        "def fare",
        "return 5",
        "Dogs",
        "By sea",
    ],
)
def test_lines_are_those_of_the_file(file, words: str) -> None:
    line = PAGE[: PAGE.index(words)].count("\n") + 1
    assert read(file(PAGE)).at(words)["line"] == str(line)


def test_what_makes_a_page() -> None:
    assert kind_of_file(Path("a.htm")) == kind_of_file(Path("a.xhtml")) == "html"
    for head in (b"<!doctype HTML>", b"\xef\xbb\xbf\n <html lang=en>", b'<?xml version="1.0"?>\n<!-- x --><html>'):
        assert kind_of_file(Path("saved"), head) == "html"
        assert kind_of_file(Path("saved.txt"), head) == "html"
    assert kind_of_file(Path("notes.txt"), b"<p>a note") == "text"
    assert kind_of_file(Path("a.py"), b"<html>") == "code"


def test_main_is_read_and_nothing_else(file) -> None:
    text = "The main text goes on for a while. " * 8
    page = f"<body><div>before</div><main><header><h1>Top</h1></header><p>{text}</p><aside>a note</aside></main><p>after</p></body>"
    found = read(file(page))
    assert found.text.startswith("Top\n\nThe main text")
    assert "a note" in found.text
    assert "before" not in found.text
    assert "after" not in found.text


def test_a_page_of_nothing_but_links_is_read_whole(file) -> None:
    links = "".join(f'<li><a href="{n}">Harbour number {n}</a></li>' for n in range(30))
    assert "Harbour number 17" in read(file(f"<body><ul>{links}</ul></body>")).text
    long = "<p>" + "A long text about harbours. " * 30 + "</p>"
    assert "Harbour number 17" not in read(file(f"<body><ul>{links}</ul>{long}</body>")).text


def test_an_element_with_most_of_the_text_is_no_aside(file) -> None:
    page = '<body><div class="with-sidebar"><p>' + "Everything is in here. " * 30 + "</p></div><p>x</p></body>"
    assert read(file(page)).text.startswith("Everything is in here.")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("<meta charset=koi8-r><p>Паром уходит".encode("koi8-r"), "Паром уходит"),
        (
            '<meta http-equiv=Content-Type content="text/html; charset=Shift_JIS"><p>港の船'.encode("shift_jis"),
            "港の船",
        ),
        ("<meta charset=iso-8859-1><p>“Zoë”".encode("cp1252"), "“Zoë”"),
        ("<meta charset=iso-8859-1><p>It says so, but is UTF-8: Zoë".encode(), "It says so, but is UTF-8: Zoë"),
        ("<p>Zoë".encode("utf-16"), "Zoë"),
        ("\ufeff<p>Zoë".encode(), "Zoë"),
        ("<meta charset=iso-2022-jp><p>港".encode("iso-2022-jp"), "港"),
        (b"<meta charset=nonsense><p>caf\xe9", "café"),
        (b"<meta charset=rot13><p>caf\xe9", "café"),
    ],
)
def test_charsets(file, data: bytes, text: str) -> None:
    assert read(file(data)).text == text + "\n"


def test_xhtml_closes_its_elements(file) -> None:
    page = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><title/><script src="a"/><p>Seen&nbsp;it.</p></html>'
    assert read(file(page)).text == "Seen it.\n"
    assert read(file(page.replace("</p>", ""))).text == "Seen it.\n"  # not well-formed: as browsers read it


def test_layout_tables_are_blocks(file) -> None:
    cell = "<td><p>" + "One column of the page. " * 20 + "</p><p>Its second paragraph.</p></td>"
    found = read(file(f"<body><table><tr>{cell}<td>side</td></tr></table></body>")).text
    assert "\nIts second paragraph.\n" in found


@pytest.mark.parametrize(
    "page", ["<html></html>", "<p> </p>", "<script>x</script>", "<!-- only this -->", '<img src="a">']
)
def test_pages_without_text(file, page: str) -> None:
    _, reading = open_source(file(page))
    assert reading.title == ""
    with pytest.raises(SourceError, match=r"^no text in it$"):
        list(reading.pieces())


def test_deep_nesting_is_refused_and_hurts_no_one(file) -> None:
    with pytest.raises(SourceError, match=r"^nested too deeply$"):
        read(file("<p>before</p>" + "<div>" * 200_000 + "x"))
    assert read(file("<div>" * 2000 + "deep enough" + "</b>" * 2000)).text == "deep enough\n"


def test_entities_of_its_own_are_not_put_in(file) -> None:
    bomb = '<!DOCTYPE html [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    path = file(
        f'<?xml version="1.0"?>{bomb}]><html xmlns="http://www.w3.org/1999/xhtml"><body><p>&i; seen</p></body></html>'
    )
    assert len(read(path).text) < 100_000
    path = file(
        '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/hostname">]><html><body><p>[&x;] seen</p></body></html>'
    )
    assert read(path).text.count("seen") == 1


def test_a_page_that_changes(file) -> None:
    path = file(PAGE)
    _, reading = open_source(path)
    path.write_text(PAGE.replace("Dogs", "Cats"))
    with pytest.raises(SourceError, match=r"^changed while it was being read$"):
        list(reading.pieces())


tags = st.sampled_from("p div ul ol li table tr td th pre h1 h2 br nav main article a sup math title script".split())  # noqa: SIM905
parts = st.one_of(
    tags.map(lambda tag: f"<{tag}>"),
    tags.map(lambda tag: f"</{tag}>"),
    st.text(max_size=8),
    st.sampled_from(["\n", "&amp;", "<!--", "-->", "é"]),
)


@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(parts, max_size=40))
def test_any_tags_in_any_order(file, soup: list[str]) -> None:
    text = "<html>" + "".join(soup).replace("\0", "")
    try:
        found = read(file(text.encode("utf-8", "replace")))
    except SourceError as error:
        assert str(error) in ("no text in it", "empty")
    else:
        lines = text.count("\n") + text.count("\r") + 1
        for mark in found.marks:
            if mark.kind == "line" and mark.label:
                assert 1 <= found.text.count("\n", 0, mark.start) + 1 + int(mark.label) <= lines


def test_a_main_element_that_is_not_read_is_no_main_text(tmp_path: Path) -> None:
    page = "<!DOCTYPE html><body><noscript><main>Turn it on.</main></noscript><p>The lamp burns fourteen litres of oil.</p></body>"
    (tmp_path / "a.html").write_text(page)
    assert read(tmp_path / "a.html").text == "The lamp burns fourteen litres of oil.\n"


# --- what a section holds, not what it is called --------------------------------------------------

LONG = "<p>" + "The lamp is trimmed at dusk, and again at midnight, by the keeper who has the watch. " * 8 + "</p>"


@pytest.mark.parametrize(
    "page",
    [
        "<!DOCTYPE html><title>T</title><main><h1>Lamp</h1><p>The lamp is lit.</main>",
        "<meta charset=utf-8><title>T</title><section><h1>Lamp</h1></section><p>The lamp is lit.",
        "<html><head><title>T</title><article><h1>Lamp</h1>The lamp is lit.</article></html>",
        "<title>T</title><my-app><h1>Lamp</h1></my-app>The lamp is lit.",
    ],
)
def test_a_page_whose_head_does_not_end(file, page: str) -> None:
    assert read(file(page)).text == "Lamp\n\nThe lamp is lit.\n"


@pytest.mark.parametrize(
    "section",
    [
        '<section id="navigation"><h2>By night</h2><p>Steer for the red light.</p></section>',
        '<div id="promotions"><h3>Mates</h3><p>Two were made masters.</p></div>',
        '<div class="shared-costs"><h2>Costs</h2><p>Each boat pays a third.</p></div>',
        '<div class="related"><p>The mole at Bale is of the same age.</p></div>',
        '<p class="social">Twelve families live on the quay.</p>',
        '<div class="cookie-notice"><h2>Ship\'s biscuit</h2><p>It keeps for two years.</p></div>',
        '<aside class="footnote"><p>So the log of 1811 has it.</p></aside>',
        '<section><header><h2>Stores</h2></header><p>Oil for a winter.</p></section>',
    ],
)  # fmt: skip
def test_a_section_with_words_of_its_own_is_content(file, section: str) -> None:
    words = read(file(f"<body><h1>The light</h1>{LONG}{section}</body>")).text
    assert all(line in words for line in html_lines(section))


def html_lines(section: str) -> list[str]:
    return [line for line in re.sub(r"<[^>]*>", "\n", section).split("\n") if line]


@pytest.mark.parametrize(
    "section",
    [
        '<div id="related"><h3>See also</h3><a href="a">The mole at Bale</a> <a href="b">Lights of the north</a></div>',
        '<div class="share">Share this page</div>',
        '<div class="cookie-banner"><p>We use cookies to make your visit as good as it can be.</p></div>',
        '<ul class="breadcrumbs"><li><a href="/">Home</a></li><li>Lights</li></ul>',
        '<div class="sidebar"><a href="x">All lights of the coast</a></div>',
    ],
)
def test_boilerplate_stays_out(file, section: str) -> None:
    words = read(file(f"<body><h1>The light</h1>{LONG}{section}</body>")).text
    assert not any(line.strip() in words for line in html_lines(section) if line.strip())


# --- letters that are not where they seem to be ---------------------------------------------------


def test_questions_in_buttons_are_headings(file) -> None:
    page = (
        f"<main><h1>Questions</h1>{LONG}<h2><button>May I anchor here?</button></h2><div>Only on sand.</div>"
        '<button aria-expanded="false">Where is the key kept?</button><p>With the baker.</p>'
        '<button>Send</button><button aria-controls="m">Menu</button></main>'
    )
    found = read(file(page))
    assert found.at("Only on sand.")["heading"] == "Questions › May I anchor here?"
    assert found.at("With the baker.")["heading"].endswith(" › Where is the key kept?")
    assert "Send" not in found.text
    assert "Menu" not in found.text


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ('E = mc<sup>2</sup> and 10<sup>-3</sup> of it', "E = mc² and 10⁻³ of it"),
        ("revenue<sup>12</sup> rose<sup><a href='#n'>3</a></sup>", "revenue [12] rose [3]"),
        ('<math><msup><mi>x</mi><mrow><mi>n</mi><mo>+</mo><mn>1</mn></mrow></msup></math>', "x^(n+1)"),
        ("<math><mfrac><mn>1</mn><mrow><mn>2</mn><mi>g</mi></mrow></mfrac></math>", "1/2g"),
        ('<span class="k"><math><semantics><msup><mi>v</mi><mn>3</mn></msup><annotation>v^3</annotation></semantics></math></span>'
         '<span aria-hidden="true"><span>v</span><span>3</span></span> knots', "v³ knots"),
        ('so <script type="math/tex">a \\le b</script> holds', "so a \\le b holds"),
        ('<img src="o.png" alt="T">hree boats', "Three boats"),
        ('<span aria-hidden="true">T</span>hree boats', "Three boats"),
        ('<img src="o.png" alt="A chart">Three boats', "Three boats"),
        ('Close <span aria-hidden="true">×</span>', "Close"),
    ],
)  # fmt: skip
def test_letters_of_formulas_and_initials(file, part: str, text: str) -> None:
    assert read(file(f"<p>{part}</p>")).text == text + "\n"
    assert read(file(f"<table><tr><td>a<td>{part}</table>")).text == f"a | {text}\n"


def test_bookmarks_have_their_addresses(file) -> None:
    links = "".join(f'<DT><A HREF="https://light{n}.example.org/log">Light {n}</A>\n' for n in range(9))
    found = read(
        file(f"<!DOCTYPE NETSCAPE-Bookmark-file-1>\n<TITLE>B</TITLE><DL><p><DT><H3>North</H3><DL><p>{links}</DL></DL>")
    )
    assert found.at("Light 4 (https://light4.example.org/log)")["heading"] == "North"
