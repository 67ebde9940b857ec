# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The few functions with which every folder declares its libraries, programs
# and tests. The runtime half (actnet_add_library) never sees LLVM's include
# folders; the compiler half (actnet_add_mlir_library) shares one precompiled
# header, which turns 7 s a file into 2 s.

set(ACTNET_WARNINGS -Wall -Wextra -Wno-unused-parameter)

# actnet_add_library(NAME sources... LINK libraries...)
# A static library of the runtime half.
function(actnet_add_library name)
  cmake_parse_arguments(ARG "" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_compile_options(${name} PRIVATE ${ACTNET_WARNINGS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# actnet_add_mlir_library(NAME sources... LINK libraries... DEPENDS targets...)
# A static library of the compiler half.
function(actnet_add_mlir_library name)
  cmake_parse_arguments(ARG "" "" "LINK;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  actnet_use_mlir(${name})
  target_link_libraries(${name} PUBLIC ${ARG_LINK})
  if(ARG_DEPENDS)
    add_dependencies(${name} ${ARG_DEPENDS})
  endif()
endfunction()

# Gives a target MLIR's headers (as system headers), its shared libraries and
# the precompiled header, which is built once.
function(actnet_use_mlir name)
  target_include_directories(${name} SYSTEM PUBLIC ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
  target_compile_options(${name} PRIVATE ${ACTNET_WARNINGS} -fno-exceptions)
  separate_arguments(definitions NATIVE_COMMAND ${LLVM_DEFINITIONS})
  target_compile_definitions(${name} PRIVATE ${definitions})
  target_link_libraries(${name} PUBLIC MLIR LLVM)
  get_target_property(type ${name} TYPE)
  if(type STREQUAL EXECUTABLE)
    # CMake would compile a program with -fPIE, which doesn't go with the
    # precompiled header of the libraries.
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE -fPIC)
  endif()
  if(NOT name STREQUAL ACTNETMLIRHeaders)
    if(NOT TARGET ACTNETMLIRHeaders)
      file(WRITE ${CMAKE_BINARY_DIR}/pch/headers.cpp "")
      add_library(ACTNETMLIRHeaders OBJECT ${CMAKE_BINARY_DIR}/pch/headers.cpp)
      actnet_use_mlir(ACTNETMLIRHeaders)
      target_precompile_headers(ACTNETMLIRHeaders PRIVATE
        ${PROJECT_SOURCE_DIR}/cmake/modules/MLIRHeaders.h)
    endif()
    target_precompile_headers(${name} REUSE_FROM ACTNETMLIRHeaders)
  endif()
endfunction()

# actnet_add_unittest(NAME sources... LINK libraries... [MLIR])
# A GoogleTest program, known to ctest under its name.
function(actnet_add_unittest name)
  cmake_parse_arguments(ARG "MLIR" "" "LINK" ${ARGN})
  find_package(GTest REQUIRED)
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  if(ARG_MLIR)
    actnet_use_mlir(${name})
  else()
    target_compile_options(${name} PRIVATE ${ACTNET_WARNINGS})
  endif()
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gtest GTest::gmock GTest::gtest_main)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin/test)
  add_test(NAME ${name} COMMAND ${name})
endfunction()
