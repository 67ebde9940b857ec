# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The C API of include/actnet/actnet.h for the benchmarks, through ctypes."""

import ctypes as c
import pathlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
DTYPES = [np.float32, np.float64, np.float16, None, np.int8, np.int16, np.int32, np.int64,
          np.uint8, np.uint16, np.uint32, np.uint64, np.bool_]
NO_TRANSFERS = 1


class Error(Exception):
    pass


class _FunctionInfo(c.Structure):
    _fields_ = [("name", c.c_char_p), ("inputs", c.c_int32), ("outputs", c.c_int32)]


class _TensorInfo(c.Structure):
    _fields_ = [("name", c.c_char_p), ("dtype", c.c_int), ("rank", c.c_int32),
                ("extents", c.POINTER(c.c_char_p)), ("lower", c.POINTER(c.c_int64)),
                ("upper", c.POINTER(c.c_int64))]


class _DimBound(c.Structure):
    _fields_ = [("name", c.c_char_p), ("lower", c.c_int64), ("upper", c.c_int64)]


class _Options(c.Structure):
    _fields_ = [("struct_size", c.c_size_t), ("device", c.c_char_p), ("isa", c.c_char_p),
                ("threads", c.c_int32), ("in_flight", c.c_int32),
                ("dims", c.POINTER(_DimBound)), ("num_dims", c.c_int32), ("step", c.c_int32),
                ("profile", c.c_int32), ("notice", c.c_void_p), ("user", c.c_void_p),
                ("deadline", c.c_double)]


class Session:
    """One program with one session; runs function 0 on numpy arrays."""

    def __init__(self, package, threads=0, in_flight=1, isa=None, dims=None,
                 library=ROOT / "build/lib/libactnet.so"):
        self._lib = c.CDLL(str(library))
        self._lib.actnet_error_text.restype = c.c_char_p
        self._program, self._session = c.c_void_p(), c.c_void_p()
        self._call("open_file", str(package).encode(), c.byref(self._program))
        bounds = [_DimBound(k.encode(), low, high) for k, (low, high) in (dims or {}).items()]
        options = _Options(
            struct_size=c.sizeof(_Options), threads=threads, in_flight=in_flight,
            isa=isa.encode() if isa else None,
            dims=(_DimBound * len(bounds))(*bounds), num_dims=len(bounds))
        self._call("create_session", self._program, c.byref(options), c.byref(self._session))
        info = _FunctionInfo()
        self._call("describe_function", self._program, 0, c.byref(info))
        self.outputs = info.outputs
        self._kept = {}

    def _call(self, name, *args):
        if getattr(self._lib, f"actnet_{name}")(*args):
            raise Error(self._lib.actnet_error_text().decode())

    def bind_input(self, index, array):
        array = np.ascontiguousarray(array)
        self._kept["input", index] = array
        shape = (c.c_int64 * array.ndim)(*array.shape)
        self._call("bind_input", self._session, 0, index, DTYPES.index(array.dtype.type), shape,
                   array.ndim, array.ctypes.data_as(c.c_void_p))

    def bind_outputs(self):
        """Binds and returns an array for each output, sized for the bound inputs."""
        arrays = []
        for index in range(self.outputs):
            info = _TensorInfo()
            self._call("describe_tensor", self._program, 0, 1, index, c.byref(info))
            shape = (c.c_int64 * max(1, info.rank))()
            self._call("output_shape", self._session, 0, index, shape)
            array = np.zeros(tuple(shape[:info.rank]), DTYPES[info.dtype])
            self._call("bind_output", self._session, 0, index,
                       array.ctypes.data_as(c.c_void_p), c.c_size_t(array.nbytes))
            self._kept["output", index] = array
            arrays.append(array)
        return arrays

    def run(self):
        self._call("run", self._session, 0)

    def run_no_transfers(self):
        """Runs on what the one slot of the ring holds from the last run."""
        job = c.c_uint64()
        self._call("submit", self._session, 0, c.c_uint32(NO_TRANSFERS), c.byref(job))
        self._call("wait", self._session, job)

    def close(self):
        self._lib.actnet_destroy_session(self._session)
        self._lib.actnet_close(self._program)
