# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the compiler's table of signatures with ONNX's operator schemas.

signatures.py SIGNATURES LIST: the table's source, and what --list-operators prints.
"""

import re
import sys

import onnx.defs

OLDEST, NEWEST, MANY = 7, 24, 2**31 - 1

text = " ".join(open(sys.argv[1]).read().split())
table = {}
for op, since, inputs, outputs, names in re.findall(
        r'\{"(\w+)", (\d+), (\w+), (\w+), "([^"]*)"\}', text):
    number = lambda n: MANY if n == "kMany" else int(n)
    table.setdefault(op, []).append((int(since), number(inputs), number(outputs), names.split()))

schemas = {}
for schema in onnx.defs.get_all_schemas_with_history():
    # What a later form took the place of is deprecated; models of its opset have it.
    if not schema.domain and (not schema.deprecated or schema.name == "GroupNormalization"):
        schemas.setdefault(schema.name, []).append(schema)


def at(entries, opset, since):
    """The entry that holds at an opset, the first one before there is any."""
    entries = sorted(entries, key=since)
    return ([e for e in entries if since(e) <= opset] or entries[:1])[-1]


listed = re.findall(r"^\| (\w+) \|", open(sys.argv[2]).read(), re.M)[1:]
assert set(listed) == set(table), set(listed) ^ set(table)
for op in listed:
    for opset in range(OLDEST, NEWEST + 1):
        s = at(schemas[op], opset, lambda schema: schema.since_version)
        ours = at(table[op], opset, lambda entry: entry[0])[1:]
        theirs = (s.max_input, s.max_output, sorted(s.attributes))
        assert ours == theirs, f"{op} {opset}: {ours}, the standard has {theirs}"
print(len(listed), "operators as in the standard")
