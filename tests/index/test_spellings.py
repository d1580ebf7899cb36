from __future__ import annotations

from crystalcli import Crystal


def test_a_name_is_found_in_the_accents_that_the_text_has(tmp_path, encoder_folder):
    (tmp_path / "a.txt").write_text("Old Mr. Dólokhov kept the ferry, and Dólokhov rang the bell.", encoding="utf-8")
    (tmp_path / "b.txt").write_text("The baker had a lamp in the window. Rene swept the floor.", encoding="utf-8")
    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([tmp_path])
        assert crystal.recall("What did Dolokhov keep?")[0].shares["bm25"] > 0
        assert crystal.recall("What did René sweep?")[0].path == "b.txt"
        with crystal.snapshot():
            searcher = crystal.searcher()
            terms, query = searcher.terms, searcher.prepare("What did Dolokhov keep?")
            assert "dolokhov" in query.terms_in("Old Mr. Dólokhov kept the ferry.")
            forms, postings = terms.look_up("dolokhov lamp qwert")
            assert forms["dolokhov"] == ("dolokhov", "dólokhov") and postings["dolokhov"]
            assert forms["lamp"] == ("lamp",) and postings["qwert"] == []
