from crystalcli import Crystal

SHORT = (
    "# Says how deep it is under the keel.\n"
    "def sounding(rope, marks):\n"
    + "".join(f"    fathom_{i} = rope.length(marks[{i}]) + {i}\n" for i in range(8))
    + "    return fathom_7\n"
)
LONG = "def voyage(ship):\n" + "".join(f"    ship.sail(harbour_{i}, wind_{i}, lamp_{i})\n" for i in range(90))
SOURCE = f"import chart\n\n\n{LONG}\n\nclass Pilot:\n    def anchor(self):\n        return self.bell\n\n\n{SHORT}"


def made(tmp_path, files):
    folder = tmp_path / "files"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="")
    crystal = Crystal.create(tmp_path / "c.crystal", encoder=None)
    crystal.ingest([folder])
    return crystal


def test_a_short_definition_is_recalled_whole_and_named(tmp_path):
    with made(tmp_path, {"boat.py": SOURCE}) as crystal:
        for question in ("how deep under the keel", "fathom_6"):
            passage = crystal.recall(question, 1)[0]
            assert passage.text == SHORT.rstrip()
            assert passage.place.marks["definition"] == "sounding"
            assert passage.place.line_start == SOURCE[: SOURCE.index(SHORT)].count("\n") + 1


def test_of_a_long_definition_there_are_only_the_lines(tmp_path):
    with made(tmp_path, {"boat.py": SOURCE}) as crystal:
        passage = crystal.recall("harbour_50 wind_50", 1)[0]
        assert "harbour_50" in passage.text
        assert len(passage.text) < len(LONG) / 2
        assert passage.place.marks["definition"] == "voyage"


def test_lines_outside_of_definitions_stay_lines(tmp_path):
    with made(tmp_path, {"boat.py": SHORT + "\n" + "chart = 1\n" * 3}) as crystal:
        passage = crystal.recall("chart", 1)[0]
        assert "chart = 1" in passage.text


def test_no_line_of_a_definition_is_recalled_twice(tmp_path):
    with made(tmp_path, {"boat.py": "bell = 1\n" * 20 + SHORT + "bell = fathom_7\n" * 20}) as crystal:
        passages = crystal.recall("fathom_0 fathom_7 keel rope bell", 10)
        assert sum("return fathom_7" in passage.text for passage in passages) == 1
        assert sum("keel" in passage.text for passage in passages) == 1


def test_an_edited_definition_has_its_new_name(tmp_path):
    with made(tmp_path, {"boat.py": SOURCE}) as crystal:
        (tmp_path / "files" / "boat.py").write_text(SOURCE.replace("sounding", "lead_line"), newline="")
        crystal.ingest([tmp_path / "files"])
        assert crystal.recall("how deep under the keel", 1)[0].place.marks["definition"] == "lead_line"
