# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a model whose names are no identifiers, and one whose dims differ by a blank."""

import sys

import onnx
from onnx import TensorProto, helper


def write(path, *nodes):
    """One Relu a node: the names of its input and output, and their dims."""
    inputs, outputs = ([helper.make_tensor_value_info(node[i], TensorProto.FLOAT, node[2])
                        for node in nodes] for i in (0, 1))
    graph = helper.make_graph([helper.make_node("Relu", [a], [b]) for a, b, _ in nodes], "names",
                              inputs, outputs)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)],
                                ir_version=8), path)


write(sys.argv[1], ("x=1", "y=2", ["batch size", 4]))
write(sys.argv[2], ("x", "y", ["a b", 3]), ("z", "w", ["a_b", 2]))
