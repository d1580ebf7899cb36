"""Maintenance: verify, repair, merge, compact, compare and export crystals.

The question it answers: is this crystal sound, and how is it repaired, made smaller or merged?

compact.py          Gives back the space of unreferenced chunks by writing the crystal anew.
copier.py           Copies documents, with their chunks and codes, into a new crystal.
diff.py             Compares two crystals by text: their documents and changed passages.
export.py           Writes documents back as files, and passages as rows.
forget.py           Removes documents from a crystal's ledger.
merge.py            Merges crystals into a new one; text that they share is stored once.
merged_ledger.py    The ledger of several crystals taken together, as a merge writes it.
multi_reader.py     Opens several crystals to be read as one, as their merge would be.
recover_segment.py  Recovers the readable chunks of one segment of a damaged crystal.
repair.py           Repairs a damaged crystal: all that can be read goes into a new file.
selection.py        Finds the documents that a name, a folder, a path or a glob selects.
term_checksum.py    Checks that postings and text agree on every atom, in eight bytes an atom.
verify.py           Verifies a crystal: every row, digest and pointer.
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
        merge_crystals,
    )
    from crystalcli.maintenance.merged_ledger import (
        RenamedDocument,
    )
    from crystalcli.maintenance.multi_reader import (
        crystal_files,
        open_several,
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
            "merged_ledger": ("RenamedDocument",),
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
                "merge_crystals",
            ),
            "multi_reader": (
                "crystal_files",
                "open_several",
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
    "crystal_files",
    "diff_crystals",
    "export_documents",
    "forget_documents",
    "merge_crystals",
    "open_several",
    "passage_rows",
    "repair_crystal",
    "verify_crystal",
]
