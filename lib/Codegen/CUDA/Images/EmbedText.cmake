# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# cmake -DOUTPUT=… -DFILES=… -DFUNCTION=… -P EmbedText.cmake
# Writes a C++ file that defines FUNCTION, which returns names and texts of the
# files.
set(text "#include \"actnet/Codegen/CUDA/KernelHeaders.h\"\n\nusing namespace actnet::cuda;\n\n")
string(APPEND text "static const KernelHeader files[] = {\n")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  file(READ ${file} content)
  string(APPEND text "{\"${name}\", R\"#actnet#(${content})#actnet#\"},\n")
endforeach()
string(APPEND text "};\n\nllvm::ArrayRef<KernelHeader> actnet::cuda::${FUNCTION}() { return files; }\n")
file(WRITE ${OUTPUT} "${text}")
