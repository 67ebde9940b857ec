/*===- main.c - a network inside a plain C program ------------------------===*/
/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception                    */
/*                                                                            */
/* The model is an object of this program; with actnet installed in PREFIX    */
/* (`cmake --install build --prefix PREFIX`):                                 */
/*                                                                            */
/*   actnet-compile model.onnx --emit=object -o model.o    (and model.h)      */
/*   cc main.c model.o -I. -IPREFIX/include -LPREFIX/lib -lactnet \           */
/*      -Wl,-rpath,PREFIX/lib -o embed                                        */
/*   ./embed                                                                  */
/*                                                                            */
/* It runs the first function on ones and prints what comes out.              */

#include "model.h"

#include <actnet/actnet.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { maxRank = 16 };

static void check(actnet_status status) {
  if (status == ACTNET_OK)
    return;
  fprintf(stderr, "embed: %s\n", actnet_error_text());
  exit(1);
}

static size_t bytesOf(actnet_dtype dtype) {
  switch (dtype) {
  case ACTNET_F64:
  case ACTNET_I64:
  case ACTNET_U64:
    return 8;
  case ACTNET_F32:
  case ACTNET_I32:
  case ACTNET_U32:
    return 4;
  case ACTNET_F16:
  case ACTNET_BF16:
  case ACTNET_I16:
  case ACTNET_U16:
    return 2;
  default:
    return 1;
  }
}

static size_t countOf(const int64_t *shape, int32_t rank) {
  size_t count = 1;
  for (int32_t i = 0; i < rank; ++i)
    count *= (size_t)shape[i];
  return count;
}

/* Allocates `count` elements of the type: ones where it is f32, else zeros. */
static void *makeOnes(actnet_dtype dtype, size_t count) {
  void *data = calloc(count + 1, bytesOf(dtype));
  if (!data) {
    fprintf(stderr, "embed: out of memory\n");
    exit(1);
  }
  if (dtype == ACTNET_F32)
    for (size_t i = 0; i < count; ++i)
      ((float *)data)[i] = 1;
  return data;
}

static void printTensor(const actnet_tensor_info *info, const int64_t *shape,
                        const void *data) {
  size_t count = countOf(shape, info->rank);
  printf("%s [", info->name);
  for (int32_t i = 0; i < info->rank; ++i)
    printf(i ? ", %lld" : "%lld", (long long)shape[i]);
  printf("]:");
  for (size_t i = 0; info->dtype == ACTNET_F32 && i < count && i < 8; ++i)
    printf(" %g", ((const float *)data)[i]);
  printf("\n");
}

int main(void) {
  actnet_program *program;
  actnet_session *session;
  check(actnet_open_memory(model_package, model_package_size, &program));
  check(actnet_create_session(program, NULL, &session));

  actnet_function_info function;
  check(actnet_describe_function(program, 0, &function));
  void **inputs = calloc((size_t)function.inputs + 1, sizeof *inputs);
  void **outputs = calloc((size_t)function.outputs + 1, sizeof *outputs);
  if (!inputs || !outputs)
    return 1;

  actnet_tensor_info info;
  int64_t shape[maxRank];
  for (int32_t i = 0; i < function.inputs; ++i) {
    check(actnet_describe_tensor(program, 0, ACTNET_INPUT, i, &info));
    if (info.rank > maxRank)
      return 1;
    /* The smallest shape that the model takes. */
    memcpy(shape, info.lower, (size_t)info.rank * sizeof *shape);
    inputs[i] = makeOnes(info.dtype, countOf(shape, info.rank));
    check(actnet_bind_input(session, 0, i, info.dtype, shape, info.rank,
                            inputs[i]));
  }
  for (int32_t i = 0; i < function.outputs; ++i) {
    check(actnet_describe_tensor(program, 0, ACTNET_OUTPUT, i, &info));
    if (info.rank > maxRank)
      return 1;
    check(actnet_output_shape(session, 0, i, shape));
    size_t count = countOf(shape, info.rank);
    outputs[i] = makeOnes(info.dtype, count);
    check(actnet_bind_output(session, 0, i, outputs[i],
                             count * bytesOf(info.dtype)));
  }

  check(actnet_run(session, 0));

  for (int32_t i = 0; i < function.outputs; ++i) {
    check(actnet_describe_tensor(program, 0, ACTNET_OUTPUT, i, &info));
    check(actnet_output_shape(session, 0, i, shape));
    printTensor(&info, shape, outputs[i]);
  }
  actnet_memory_info memory;
  check(actnet_memory(session, &memory));
  printf("memory promised: %lld bytes, observed: %lld bytes\n",
         (long long)memory.promised, (long long)memory.observed);

  for (int32_t i = 0; i < function.inputs; ++i)
    free(inputs[i]);
  for (int32_t i = 0; i < function.outputs; ++i)
    free(outputs[i]);
  free(inputs);
  free(outputs);
  actnet_destroy_session(session);
  actnet_close(program);
  return 0;
}
