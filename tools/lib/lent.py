# SPDX-License-Identifier: MIT
"""Why may a domain map a frame of another's? Answered from the hypervisor's records: the mapper's
grant handles, the granter's pins, who is the control domain, and which domains are static.

A handle is written behind the entry that it stands for, and goes before the pin does; the pin comes
first and goes last. So what has no handle yet, or any more, has a pin. """
import struct

SHARE, HANDLE, CONTROL = "declared share", "grant handle", "control domain"


class Lent:
    """@owners: an Owners. Tables are read when they are asked about."""

    def __init__(self, owners):
        self.owners, self.image = owners, owners.image
        self.handles, self.pins = {}, {}

    def why(self, mapper, mfn, owner, writable):
        """SHARE, HANDLE or CONTROL: what allows Domain @mapper to map frame @mfn, which is domain
        number @owner's, @writable or not; None: nothing does."""
        granter = self.owners.domains.get(owner)
        found = self._handles_of(mapper).get((mfn, owner)) or granter and self._pins_of(
            granter).get((mfn, mapper.domid))
        if found and found[0] >= writable:
            return SHARE if self._is_declared(mapper, granter, found[1]) else HANDLE
        return CONTROL if mapper.privileged and granter else None

    def _is_declared(self, mapper, granter, ref):
        """By the references that a boot's description gives out, between two that it describes."""
        first = self.image["STATIC_FIRST_REF"]
        return bool(mapper.static and granter and granter.static and
                    first <= ref < first + 2 * self.image["STATIC_OWN_SHARES"])

    def _field(self, base, name, size=8):
        return self.owners.field(base, name, size)

    def _handles_of(self, domain):
        """{(frame, granter's number): (may be written, reference)}"""
        if domain.domid not in self.handles:
            self.handles[domain.domid] = self._read_handles(domain.grants) if domain.grants else {}
        return self.handles[domain.domid]

    def _read_handles(self, table):
        found, image, size = {}, self.image, self.image["sizeof grant_handle"]
        array = self._field(table, "grant_table.handles")
        count = self._field(table, "grant_table.nr_handles", 4) if array else 0
        data = self.owners.bytes_at(array, count * size)
        for at in range(0, count * size, size):
            flags, = struct.unpack_from("<H", data, at + image["grant_handle.flags"])
            if not flags & image["GNTTAB_MAPPED"]:
                continue
            mfn, = struct.unpack_from("<Q", data, at + image["grant_handle.mfn"])
            ref, = struct.unpack_from("<I", data, at + image["grant_handle.ref"])
            granter, = struct.unpack_from("<H", data, at + image["grant_handle.granter"])
            self._add(found, (mfn, granter), not flags & image["GNTMAP_readonly"], ref)
        return found

    def _pins_of(self, domain):
        """{(frame, mapper's number): (may be written, reference)}"""
        if domain.domid not in self.pins:
            self.pins[domain.domid] = self._read_pins(domain.grants) if domain.grants else {}
        return self.pins[domain.domid]

    def _read_pins(self, table):
        found, image, size = {}, self.image, self.image["sizeof grant_pins"]
        refs = image["GNTTAB_REFS_PER_FRAME"]
        for frame in range(self._field(table, "grant_table.nr_frames", 4)):
            array = self.owners.number(table + image["grant_table.pins"] + 8 * frame)
            data = self.owners.bytes_at(array, refs * size) if array else b""
            for i in range(len(data) // size):
                readers, writers = (struct.unpack_from("<I", data, i * size + image[name])[0]
                                    for name in ("grant_pins.readers", "grant_pins.writers"))
                mfn, = struct.unpack_from("<I", data, i * size + image["grant_pins.mfn"])
                user, = struct.unpack_from("<H", data, i * size + image["grant_pins.domid"])
                if readers or writers:
                    self._add(found, (mfn, user), bool(writers), frame * refs + i)
        return found

    @staticmethod
    def _add(found, key, writable, ref):
        found[key] = max(found.get(key, (False, ref)), (writable, ref), key=lambda f: f[0])
