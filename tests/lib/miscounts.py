# SPDX-License-Identifier: MIT
"""Wrong counts, made in a private copy of a stopped machine's memory, for tools/lib/recount.py to
find: (what is planted, a pattern of the finding, who plants it).

A planter gets a Plant and returns True if the machine had something to plant it in. """
from ownership import PAGE, PTE_P, translate

FOREIGN, OWN, TYPE = "others' references", "its owner's references", "references of its type"


class Plant:
    """@ram: a private copy's; @counts: the Recount of the machine as it is."""

    def __init__(self, ram, owners, counts):
        self.ram, self.owners, self.image, self.counts = ram, owners, owners.image, counts

    def add(self, mfn, word, step):
        """@step to page_info.@word of frame @mfn."""
        va = (self.image["VA_FRAMETABLE"] + mfn * self.image["sizeof page_info"] +
              self.image["page_info." + word])
        at = translate(self.ram, self.owners.reference, va)
        self.ram.write(at, (self.ram.u64(at) + step).to_bytes(8, "little"))

    def lent(self, domid=None):
        """A frame that others than its owner, Domain @domid, hold."""
        return next((mfn for mfn, n in self.counts.foreign.items()
                     if n and domid in (None, self.counts.record[mfn][2])), None)

    def own(self, domid, kind):
        """A frame of Domain @domid's whose type is @kind, held by nobody else."""
        return next((mfn for (mfn, k), n in self.counts.typed.items()
                     if n and k == kind and self.counts.record[mfn][2] == domid and
                     not self.counts.foreign[mfn]), None)


def foreign_count(step):
    def plant(p):
        mfn = p.lent()
        if mfn is not None:
            p.add(mfn, "count_info", step * p.image["PGC_foreign_one"])
        return mfn is not None
    return plant


def own_count(domid, kind, word, step):
    """@word, "count_info" or "type_info", of a frame that p.own() finds."""
    def plant(p):
        mfn = p.own(domid, p.image[kind])
        if mfn is not None:
            p.add(mfn, word, step)
        return mfn is not None
    return plant


def entry_without_reference(p):
    """In an L1 of another domain's than the frame's."""
    mfn = p.lent()
    for table, (_, kind, owner, _) in p.counts.record.items():
        if mfn is None or kind & p.image["PGT_type_mask"] != p.image["PGT_l1"]:
            continue
        empty = [i for i, e in enumerate(p.ram.entries(table)) if not e & PTE_P]
        if (owner != p.counts.record[mfn][2] and kind & p.image["PGT_validated"] and
                kind & p.image["PGT_count_mask"] and empty):
            p.ram.write(table * PAGE + empty[0] * 8, (mfn << 12 | PTE_P).to_bytes(8, "little"))
            return True
    return False


MISCOUNTS = [
    ("others hold one reference more than the frame says", FOREIGN, foreign_count(-1)),
    ("a reference of others' that nobody holds", FOREIGN, foreign_count(1)),
    ("an entry of another domain's names a frame, and holds none", FOREIGN,
     entry_without_reference),
    ("dom0's frame has a reference too many", OWN, own_count(0, "PGT_writable", "count_info", 1)),
    ("a table of domain 1's has one too few", OWN, own_count(1, "PGT_l1", "count_info", -1)),
    ("a frame of domain 2's is writable once more than it says", TYPE,
     own_count(2, "PGT_writable", "type_info", -1)),
    ("a table of domain 2's counts a use that there is not", TYPE,
     own_count(2, "PGT_l4", "type_info", 1)),
]
