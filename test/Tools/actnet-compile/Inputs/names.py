# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a model whose names are no identifiers."""

import sys

import onnx
from onnx import TensorProto, helper

x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch size", 4])
        for name in ("x=1", "y=2"))
graph = helper.make_graph([helper.make_node("Relu", [x.name], [y.name])], "names", [x], [y])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8),
          sys.argv[1])
