# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What `cmake --install` puts into a prefix: the tools, libactnet, the public
# headers, and the package that find_package(actnet) finds. Included last, when
# the targets are there.

include(CMakePackageConfigHelpers)
set(ACTNET_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/actnet)

# actnet-runner is the front of every compiled program: the compiler looks for it
# beside itself.
set(tools)
foreach(tool actnet-compile actnet-opt actnet-run actnet-runner actnet-runner-toy)
  if(TARGET ${tool})
    list(APPEND tools ${tool})
  endif()
endforeach()
if(ACTNET_BUILD_COMPILER)
  # libMLIR and libLLVM lie outside of the loader's path.
  set_target_properties(actnet-compile actnet-opt PROPERTIES
    INSTALL_RPATH "${LLVM_LIBRARY_DIR}")
endif()
# The demo builds a part only: said in one line, before anything is copied.
foreach(target ${tools} actnet actnet-graph)
  if(TARGET ${target})
    install(CODE "if(NOT EXISTS \"$<TARGET_FILE:${target}>\")
  message(FATAL_ERROR \"${target} is not built: run `cmake --build ${PROJECT_BINARY_DIR}` first\")
endif()")
  endif()
endforeach()
install(TARGETS ${tools} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# libactnet is the C API and what runs programs, libactnet-graph the compiler
# behind the C++ graph API.
set(libraries)
foreach(library actnet actnet-graph)
  if(TARGET ${library})
    list(APPEND libraries ${library})
  endif()
endforeach()
set(headers actnet.h)
if(TARGET actnet-graph)
  list(APPEND headers Graph.h Runtime/Base/Status.h)
endif()
foreach(header ${headers})
  get_filename_component(folder actnet/${header} DIRECTORY)
  install(FILES ${PROJECT_SOURCE_DIR}/include/actnet/${header}
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/${folder})
endforeach()

if(TARGET actnet)
  install(TARGETS ${libraries} EXPORT actnetTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
    INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  install(EXPORT actnetTargets NAMESPACE actnet:: DESTINATION ${ACTNET_CMAKE_DIR})
  configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/actnetConfig.cmake.in
    ${PROJECT_BINARY_DIR}/actnetConfig.cmake INSTALL_DESTINATION ${ACTNET_CMAKE_DIR}
    PATH_VARS CMAKE_INSTALL_BINDIR)
  write_basic_package_version_file(${PROJECT_BINARY_DIR}/actnetConfigVersion.cmake
    COMPATIBILITY SameMinorVersion)
  install(FILES ${PROJECT_BINARY_DIR}/actnetConfig.cmake
    ${PROJECT_BINARY_DIR}/actnetConfigVersion.cmake DESTINATION ${ACTNET_CMAKE_DIR})
endif()
