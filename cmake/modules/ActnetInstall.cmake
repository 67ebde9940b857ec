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
  set_target_properties(${tools} PROPERTIES INSTALL_RPATH "${LLVM_LIBRARY_DIR}")
endif()
install(TARGETS ${tools} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

foreach(header actnet.h Graph.h Runtime.h)
  if(EXISTS ${PROJECT_SOURCE_DIR}/include/actnet/${header})
    install(FILES ${PROJECT_SOURCE_DIR}/include/actnet/${header}
      DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/actnet)
  endif()
endforeach()

if(TARGET actnet)
  install(TARGETS actnet EXPORT actnetTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
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
