"""Maintenance: crystals checked, mended, merged, compacted, compared and taken apart.

The question it answers: is this crystal whole, and how is it made whole, smaller or one with another?

compact.py          Gives back the space of what no document refers to any more: the crystal written
                    anew, then put in its own place.
copier.py           Copies what lives in crystals into a new one: chunks with their hashes,
                    contexts, units and codes, and the documents made of them.
diff.py             What one crystal holds and another does not: documents, and the passages of
                    those that changed. Compares text, not vectors.
export.py           Writes documents back as files, and passages as rows. A crystal may come from
                    strangers: its names are not trusted.
forget.py           Takes documents out of a crystal's ledger. Their text is in the file's bytes
                    until it is compacted.
merge.py            Several crystals into a new one: their documents side by side, text that they
                    share stored once, nothing encoded again.
recover_segment.py  What can be kept of one segment of a damaged crystal: its chunks' texts, their
                    spans, and its codes where they still fit.
repair.py           Makes a damaged crystal whole again: everything that can be read goes into a new
                    file, which then takes its place.
selection.py        Which documents a person means by a name, a folder, a path or a glob.
term_checksum.py    Whether the lexical index says of every atom what its text says, in eight bytes
                    an atom.
verify.py           Whether a crystal holds together: every row, digest and pointer, from the file
                    through layers and postings to the documents.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.maintenance.compact import (
        CompactReport,
        CrystalSize,
        compact_crystal,
    )
    from crystalcli.maintenance.diff import (
        ChangedDocument,
        DiffPassage,
        DiffRename,
        DiffReport,
        diff_crystals,
    )
    from crystalcli.maintenance.export import (
        ExportReport,
        RefusedDocument,
        export_documents,
        passage_rows,
    )
    from crystalcli.maintenance.forget import (
        ForgetReport,
        forget_documents,
    )
    from crystalcli.maintenance.merge import (
        MergeReport,
        RenamedDocument,
        merge_crystals,
    )
    from crystalcli.maintenance.repair import (
        RepairReport,
        repair_crystal,
    )
    from crystalcli.maintenance.verify import (
        Problem,
        VerifyReport,
        verify_crystal,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "compact": (
                "CompactReport",
                "CrystalSize",
                "compact_crystal",
            ),
            "diff": (
                "ChangedDocument",
                "DiffPassage",
                "DiffRename",
                "DiffReport",
                "diff_crystals",
            ),
            "export": (
                "ExportReport",
                "RefusedDocument",
                "export_documents",
                "passage_rows",
            ),
            "forget": (
                "ForgetReport",
                "forget_documents",
            ),
            "merge": (
                "MergeReport",
                "RenamedDocument",
                "merge_crystals",
            ),
            "repair": (
                "RepairReport",
                "repair_crystal",
            ),
            "verify": (
                "Problem",
                "VerifyReport",
                "verify_crystal",
            ),
        },
    )

__all__ = [
    "ChangedDocument",
    "CompactReport",
    "CrystalSize",
    "DiffPassage",
    "DiffRename",
    "DiffReport",
    "ExportReport",
    "ForgetReport",
    "MergeReport",
    "Problem",
    "RefusedDocument",
    "RenamedDocument",
    "RepairReport",
    "VerifyReport",
    "compact_crystal",
    "diff_crystals",
    "export_documents",
    "forget_documents",
    "merge_crystals",
    "passage_rows",
    "repair_crystal",
    "verify_crystal",
]
