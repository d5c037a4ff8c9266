# What `cmake --install` leaves for strangers: libraries, headers, the CMake package `dreamloom`.
# Component `library` is all of that; component `driver` is the program with its recipes.
set(package "${CMAKE_INSTALL_LIBDIR}/cmake/dreamloom")
foreach(layer IN LISTS layers)
  set_target_properties(dreamloom_${layer} PROPERTIES
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION} INSTALL_RPATH "$ORIGIN")
  # One export a layer: what a layer needs is looked for only where that layer is wanted.
  install(TARGETS dreamloom_${layer} EXPORT dreamloom-${layer} COMPONENT library)
  install(EXPORT dreamloom-${layer} FILE dreamloom-${layer}.cmake NAMESPACE dreamloom::
    DESTINATION "${package}" COMPONENT library)
  install(DIRECTORY ${layer} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/dreamloom COMPONENT library
    FILES_MATCHING PATTERN *.hpp)
endforeach()
install(DIRECTORY "${generated}/kernels" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/dreamloom COMPONENT library)
install(FILES sim/c/dreamloom.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library)

include(CMakePackageConfigHelpers)
set(cuda_runtime Static)
if(cudart STREQUAL "cudart")
  set(cuda_runtime Shared)
endif()
configure_package_config_file(tools/cmake/dreamloomConfig.cmake.in dreamloomConfig.cmake
  INSTALL_DESTINATION "${package}")
write_basic_package_version_file(dreamloomConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/dreamloomConfig.cmake" "${PROJECT_BINARY_DIR}/dreamloomConfigVersion.cmake"
  tools/cmake/DreamloomLanes.cmake DESTINATION "${package}" COMPONENT library)
