# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes small ONNX files without any package: `models.py TEST FOLDER`.

TEST is Python itself, with its RUN and CHECK lines as comments. It sees the names
below; `model(NAME, ...)` writes FOLDER/NAME.onnx. Field numbers are onnx.proto's.
"""

import os
import struct
import sys

F32, I32, I64, STRING, BOOL = 1, 6, 7, 8, 9


def varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, value):
    """One field: an int is a varint, a float four bytes, else length and bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    if isinstance(value, float):
        return varint(number << 3 | 5) + struct.pack("<f", value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def fields(number, values):
    return b"".join(field(number, v) for v in values)


def tensor(name, dtype, dims, data=None, **external):
    """`data` are numbers, stored as raw bytes; `external` are location, offset, length."""
    out = fields(1, dims) + field(2, dtype) + field(8, name)
    if data is not None:
        out += field(9, struct.pack(f"<{len(data)}{ {F32: 'f', I32: 'i', I64: 'q'}[dtype]}", *data))
    for key, value in external.items():
        out += field(13, field(1, key) + field(2, str(value)))
    return out + (field(14, 1) if external else b"")


def attribute(name, value):
    if isinstance(value, bytes):
        return field(1, name) + field(5, value) + field(20, 4)
    if isinstance(value, list):
        return field(1, name) + fields(8, value) + field(20, 7)
    number, kind = {int: (3, 2), float: (2, 1), str: (4, 3)}[type(value)]
    return field(1, name) + field(number, value) + field(20, kind)


def node(op, inputs, outputs, name="", domain="", **attributes):
    """Inputs and outputs are names, separated by blanks."""
    return (fields(1, inputs.split(" ")) + fields(2, outputs.split()) + field(3, name)
            + field(4, op) + fields(5, [attribute(k, v) for k, v in attributes.items()])
            + (field(7, domain) if domain else b""))


def value(name, dtype=F32, shape=None):
    """A tensor's type; a dim is a number, a name, or None."""
    kind = field(1, dtype)
    if shape is not None:
        dims = [b"" if d is None else field(2 if isinstance(d, str) else 1, d) for d in shape]
        kind += field(2, fields(1, dims))
    return field(1, name) + field(2, field(1, kind))


def model(name, nodes, inputs, outputs, weights=(), opset=17, extra=b""):
    """Writes a model; `extra` are more bytes of its GraphProto."""
    graph = (fields(1, nodes) + field(2, "test") + fields(5, weights) + fields(11, inputs)
             + fields(12, outputs) + extra)
    with open(os.path.join(sys.argv[2], name + ".onnx"), "wb") as file:
        file.write(field(1, 8) + field(7, graph) + field(8, field(2, opset)))


if __name__ == "__main__":
    os.makedirs(sys.argv[2], exist_ok=True)
    with open(sys.argv[1]) as source:
        exec(compile(source.read(), sys.argv[1], "exec"))
