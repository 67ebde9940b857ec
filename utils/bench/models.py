#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exports the seven models of the benchmark as ONNX files, with references.

    models.py [-o build/models] [MODEL ...]

Weights are random from a fixed seed. An untrained net barely looks at its
input, so agreement with it would mean nothing: batch-norm statistics therefore
come from two forward passes in training mode, affine parameters, biases and
heads are random, no weight tensor is zero, and the script fails unless the
outputs of two random inputs differ by a tenth of the largest output.

For each MODEL it writes, beside each other:

    MODEL.onnx              opset 20, batch dim N
    MODEL.ops.txt           the operators it uses: counts, attributes, types
    MODEL.nodes.txt         every node, in order
    MODEL/input_N.npy       a random input for N = 1, 3, 8
    MODEL/output_N.npy      onnxruntime's output for it
    MODEL/difference.npy    scalar: largest difference of the outputs of two
                            random inputs; check_models.py allows 1e-4 of it
    MODEL/zeros.npy         an input of the same shape as input_1, for warm-up

Needs utils/bench/requirements.txt.
"""

import argparse
import collections
import pathlib
import sys
import time

import numpy as np
import onnx
import onnxruntime as ort
import torch

BATCHES = (1, 3, 8)
TOKENS = 128
SEED = 2026


# --- the models ----------------------------------------------------------------

def vision(name):
    import torchvision
    return getattr(torchvision.models, name)(weights=None)


class Encoder(torch.nn.Module):
    """BERT-base in shape; takes token ids, gives the last hidden states."""

    def __init__(self):
        super().__init__()
        from transformers import BertConfig, BertModel
        self.model = BertModel(BertConfig(attn_implementation="sdpa"),
                               add_pooling_layer=False)

    def forward(self, input_ids):
        return self.model(input_ids=input_ids).last_hidden_state


class Decoder(torch.nn.Module):
    """GPT-2 in shape, without a cache; takes token ids, gives all logits.

    The causal mask is handed over ready-made. Without one, transformers looks
    for several sequences packed into one row, which exports as a dozen
    integer operators around GatherND: `gpt2_packed` is that file.
    """

    def __init__(self, packed=False):
        super().__init__()
        from transformers import GPT2Config, GPT2LMHeadModel
        self.model = GPT2LMHeadModel(GPT2Config(attn_implementation="sdpa"))
        mask = None if packed else torch.ones(1, 1, TOKENS, TOKENS, dtype=torch.bool).tril()
        self.register_buffer("mask", mask)

    def forward(self, input_ids):
        return self.model(input_ids=input_ids, attention_mask=self.mask,
                          use_cache=False).logits


MODELS = {
    "resnet50": lambda: vision("resnet50"),
    "mobilenet_v2": lambda: vision("mobilenet_v2"),
    "bert_base": Encoder,
    "densenet121": lambda: vision("densenet121"),
    "efficientnet_b0": lambda: vision("efficientnet_b0"),
    "vit_b_16": lambda: vision("vit_b_16"),
    "gpt2": Decoder,
}
EXTRA = {"gpt2_packed": lambda: Decoder(packed=True)}
TEXT = {"bert_base": 30522, "gpt2": 50257, "gpt2_packed": 50257}


def random_input(name, batch, generator):
    if name in TEXT:
        return generator.integers(0, TEXT[name], (batch, TOKENS)).astype(np.int64)
    return generator.standard_normal((batch, 3, 224, 224)).astype(np.float32)


def randomise(name, model, generator):
    """Makes every parameter matter and gives batch norms real statistics."""
    with torch.no_grad():
        for module in model.modules():
            weight = getattr(module, "weight", None)
            bias = getattr(module, "bias", None)
            is_norm = isinstance(module, (torch.nn.modules.batchnorm._BatchNorm,
                                          torch.nn.LayerNorm))
            if is_norm and weight is not None:
                weight.uniform_(0.6, 1.4)
            elif isinstance(module, torch.nn.Linear) and not weight.any():
                weight.normal_(0, 0.02)
            if isinstance(bias, torch.Tensor):
                bias.normal_(0, 0.1 if is_norm else 0.02)
            if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
                module.momentum = None  # the mean of all passes
        if isinstance(getattr(model, "classifier", None), torch.nn.Sequential):
            model.classifier[-1].weight.normal_(0, 0.05)
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(0, 0.02)
        if name not in TEXT:
            model.train()
            for _ in range(2):
                model(torch.from_numpy(random_input(name, 8, generator)))
    model.eval()


def export(name, model, path, generator):
    example = torch.from_numpy(random_input(name, 2, generator))
    argument = "input_ids" if name in TEXT else "image"
    output = "hidden" if name == "bert_base" else "logits"
    torch.onnx.export(
        model, (example,), str(path), dynamo=True, opset_version=20,
        input_names=[argument], output_names=[output],
        dynamic_shapes=({0: torch.export.Dim("N", min=1, max=65536)},),
        external_data=False, verbose=False)


# --- what was written ------------------------------------------------------------

def attribute_text(attribute):
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        value = value.decode()
    elif isinstance(value, onnx.TensorProto):
        kind = onnx.TensorProto.DataType.Name(value.data_type)
        value = f"{kind}{list(value.dims)}"
        array = onnx.numpy_helper.to_array(attribute.t)
        if array.size <= 8:
            value += f"={array.tolist()}"
    elif isinstance(value, onnx.GraphProto):
        value = f"graph of {len(value.node)} nodes"
    else:
        value = str(value)
    return f"{attribute.name}={value}"


def describe(model, folder, name):
    """Writes NAME.ops.txt and NAME.nodes.txt."""
    weights = {w.name: w for w in model.graph.initializer}
    kind = lambda w: f"{onnx.TensorProto.DataType.Name(w.data_type)}{list(w.dims)}"
    counts, uses = collections.Counter(), collections.defaultdict(collections.Counter)
    lines = []
    for node in model.graph.node:
        counts[node.op_type] += 1
        attributes = " ".join(attribute_text(a) for a in node.attribute)
        inputs = ", ".join("weight" if i in weights else ("-" if not i else "value")
                           for i in node.input)
        uses[node.op_type][f"({inputs}) {attributes}"] += 1
        shown = []
        for i in node.input:
            text = i or "-"
            if i in weights:
                w = weights[i]
                text += f":{kind(w)}"
                if int(np.prod(w.dims)) <= 8:
                    text += f"={onnx.numpy_helper.to_array(w).tolist()}"
            shown.append(text)
        lines.append(f"{', '.join(node.output)} = {node.domain or ''}{node.op_type}"
                     f"({', '.join(shown)}) {attributes}")
    opsets = ", ".join(f"{o.domain or 'ai.onnx'} {o.version}" for o in model.opset_import)
    with open(folder / f"{name}.ops.txt", "w") as out:
        print(f"{name}: ir {model.ir_version}, opset {opsets}, {len(model.graph.node)} nodes, "
              f"{len(weights)} initializers, {len(model.functions)} functions", file=out)
        types = collections.Counter(
            onnx.TensorProto.DataType.Name(w.data_type) for w in weights.values())
        print("initializers:", dict(types), file=out)
        for value in list(model.graph.input) + list(model.graph.output):
            dims = [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
            kind_ = onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type)
            print(f"value {value.name}: {kind_}{dims}", file=out)
        for op, count in counts.most_common():
            print(f"\n{op} x {count}", file=out)
            for text, times in uses[op].most_common():
                print(f"  {times:5d}  {text}", file=out)
    (folder / f"{name}.nodes.txt").write_text("\n".join(lines) + "\n")


def check_weights(model):
    for w in model.graph.initializer:
        array = onnx.numpy_helper.to_array(w)
        if array.dtype == np.float32 and array.size > 1 and not array.any():
            sys.exit(f"models.py: {w.name} {list(array.shape)} is all zero")


def references(name, path, generator):
    """Runs onnxruntime; returns how much two outputs differ, relatively."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 2
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    argument = session.get_inputs()[0].name
    run = lambda x: session.run(None, {argument: x})[0]
    folder = path.with_suffix("")
    folder.mkdir(exist_ok=True)
    for batch in BATCHES:
        x = random_input(name, batch, generator)
        y = run(x)
        np.save(folder / f"input_{batch}.npy", x)
        np.save(folder / f"output_{batch}.npy", y)
        if batch == 1:
            np.save(folder / "zeros.npy", np.zeros_like(x))
            other = run(random_input(name, batch, generator))
            difference = np.abs(y - other).max()
            np.save(folder / "difference.npy", difference)
            relative = difference / np.abs(y).max()
    return relative


def make(name, folder):
    start = time.time()
    torch.manual_seed(SEED)
    generator = np.random.default_rng(SEED)
    path = folder / f"{name}.onnx"
    model = (MODELS | EXTRA)[name]()
    randomise(name, model, generator)
    export(name, model, path, generator)
    written = onnx.load(str(path))
    describe(written, folder, name)
    check_weights(written)
    relative = references(name, path, generator)
    print(f"{name}: {path.stat().st_size / 1e6:.1f} MB, outputs of two inputs differ by "
          f"{relative:.2f} of the largest, {time.time() - start:.0f} s", flush=True)
    if relative < 0.1:
        sys.exit(f"models.py: {name} barely looks at its input")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("-o", "--output", type=pathlib.Path, default=pathlib.Path("build/models"))
    parser.add_argument("models", nargs="*", metavar="MODEL",
                        help=f"of {', '.join(MODELS)} (all of these if none is named), "
                             f"{', '.join(EXTRA)}")
    args = parser.parse_args()
    for name in args.models:
        if name not in MODELS | EXTRA:
            parser.error(f"no model '{name}'; there are {', '.join(MODELS | EXTRA)}")
    args.output.mkdir(parents=True, exist_ok=True)
    for name in args.models or MODELS:
        make(name, args.output)


if __name__ == "__main__":
    main()
