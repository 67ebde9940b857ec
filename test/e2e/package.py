# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Takes a package apart and seals it again, after include/actnet/Package/Container.h."""

import struct

HEADER = struct.Struct("<8sIIQQQQ")  # magic version sections bytes table tablesum headersum
ENTRY = struct.Struct("<32sQQQQ")    # name offset bytes checksum reserved
MASK = (1 << 64) - 1


def checksum(data):
    """The container's 64-bit checksum."""
    state = 0x243F6A8885A308D3

    def mix(state, word):
        value = state ^ (word * 0x9E3779B97F4A7C15 & MASK)
        value = (value << 29 | value >> 35) & MASK
        return value * 0xBF58476D1CE4E5B9 & MASK

    whole = len(data) // 8 * 8
    for (word,) in struct.iter_unpack("<Q", data[:whole]):
        state = mix(state, word)
    state = mix(state, int.from_bytes(data[whole:], "little"))
    state = mix(state, len(data))
    return state ^ state >> 31


def sections(package):
    """Returns {name: (offset, bytes)}."""
    _, _, count, _, table, _, _ = HEADER.unpack_from(package)
    found = {}
    for i in range(count):
        name, offset, size, _, _ = ENTRY.unpack_from(package, table + i * ENTRY.size)
        found[name.rstrip(b"\0").decode()] = (offset, size)
    return found


def seal(package, changed=(), **header):
    """Returns a copy with right checksums of the `changed` sections, the table and
    the header, whose fields (magic, version) can be given."""
    package = bytearray(package)
    magic, version, count, size, table, _, _ = HEADER.unpack_from(package)
    for i in range(count):
        at = table + i * ENTRY.size
        name, offset, length, old, reserved = ENTRY.unpack_from(package, at)
        if name.rstrip(b"\0").decode() in changed:
            old = checksum(package[offset:offset + length])
        ENTRY.pack_into(package, at, name, offset, length, old, reserved)
    tablesum = checksum(package[table:table + count * ENTRY.size])
    HEADER.pack_into(package, 0, header.get("magic", magic), header.get("version", version),
                     count, size, table, tablesum, 0)
    struct.pack_into("<Q", package, HEADER.size - 8, checksum(package[:HEADER.size - 8]))
    return bytes(package)
