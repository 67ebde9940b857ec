# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# actnet_toy_image(OUTPUT SOURCES... [INCLUDE folders...] [FLAGS flags...])
# Compiles kernels' CUDA text to an image for the toy device, as the compiler
# does for --target=…,toy. Needs clang 22, whatever compiles the rest.
if("${CMAKE_CXX_COMPILER_ID}" STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_GREATER_EQUAL 22)
  set(ACTNET_TOY_CLANG ${CMAKE_CXX_COMPILER})
else()
  find_program(ACTNET_TOY_CLANG clang++-22)
endif()
set(ACTNET_TOY_FOLDER ${CMAKE_CURRENT_LIST_DIR})

function(actnet_toy_image output)
  cmake_parse_arguments(ARG "" "" "INCLUDE;FLAGS" ${ARGN})
  file(STRINGS ${ACTNET_TOY_FOLDER}/flags.txt flags)
  set(includes)
  foreach(folder ${ARG_INCLUDE})
    list(APPEND includes -I ${folder})
  endforeach()
  file(GLOB headers ${ACTNET_TOY_FOLDER}/../cuda/*.h ${ACTNET_TOY_FOLDER}/../cuda/*.cuh)
  add_custom_command(OUTPUT ${output}
    COMMAND ${ACTNET_TOY_CLANG} ${flags} ${ARG_FLAGS}
      -include ${ACTNET_TOY_FOLDER}/device.h ${includes}
      -x c++ ${ARG_UNPARSED_ARGUMENTS} -o ${output}
    DEPENDS ${ARG_UNPARSED_ARGUMENTS} ${headers} ${ACTNET_TOY_FOLDER}/device.h ${ACTNET_TOY_FOLDER}/flags.txt
    VERBATIM)
endfunction()
