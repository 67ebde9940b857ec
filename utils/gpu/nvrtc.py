# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles CUDA text with NVRTC, and packs modules as include/actnet/Package/CodeBundle.h does."""

import ctypes
import os
import pathlib
import struct

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAGIC = b"actnetB\1"


class Nvrtc:
    """NVRTC of ACTNET_NVRTC, or the one that the loader finds."""

    def __init__(self):
        self.library = ctypes.CDLL(os.environ.get("ACTNET_NVRTC", "libnvrtc.so.13"))
        self.headers = {f.name: f.read_text() for f in (ROOT / "kernels/cuda").iterdir()
                        if f.suffix in (".h", ".cuh")}
        major, minor = ctypes.c_int(), ctypes.c_int()
        self.call("nvrtcVersion", ctypes.byref(major), ctypes.byref(minor))
        self.version = f"NVRTC {major.value}.{minor.value}"

    def call(self, name, *arguments):
        status = getattr(self.library, name)(*arguments)
        if status:
            raise RuntimeError(f"{name}: NVRTC's error {status}")

    def fetch(self, program, what):
        size = ctypes.c_size_t()
        self.call(f"nvrtcGet{what}Size", program, ctypes.byref(size))
        text = ctypes.create_string_buffer(size.value)
        self.call(f"nvrtcGet{what}", program, text)
        return text.raw

    def compile(self, text, name, isa, relocatable=False):
        """The cubin for sm_N, the PTX for compute_N."""
        program = ctypes.c_void_p()
        count = len(self.headers)
        texts = (ctypes.c_char_p * count)(*[t.encode() for t in self.headers.values()])
        names = (ctypes.c_char_p * count)(*[n.encode() for n in self.headers])
        self.call("nvrtcCreateProgram", ctypes.byref(program), text.encode(), name.encode(),
                  count, texts, names)
        options = [f"--gpu-architecture={isa}", "--std=c++17"]
        if relocatable:  # what it calls may be elsewhere, and is no function of the host
            options += ["--relocatable-device-code=true", "--device-as-default-execution-space"]
        array = (ctypes.c_char_p * len(options))(*[o.encode() for o in options])
        try:
            if self.library.nvrtcCompileProgram(program, len(options), array):
                log = self.fetch(program, "ProgramLog").decode(errors="replace")
                raise RuntimeError(f"{name} for {isa}: {log}")
            return self.fetch(program, "PTX" if isa.startswith("compute_") else "CUBIN")
        finally:
            self.library.nvrtcDestroyProgram(ctypes.byref(program))


def bundle(entries):
    """A code bundle of (name, bytes)."""
    head = 16 + 32 * len(entries)
    body, table = bytearray(), bytearray()

    def place(data, alignment):
        body.extend(bytes(-(head + len(body)) % alignment))
        body.extend(data)
        return head + len(body) - len(data)

    for name, data in entries:
        table += struct.pack("<4Q", place(name.encode(), 1), len(name), place(data, 16), len(data))
    return MAGIC + struct.pack("<II", len(entries), 0) + bytes(table) + bytes(body)
