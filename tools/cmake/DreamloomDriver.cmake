# dreamloom::driver, everything behind the command line, and the program `dreamloom`.
find_package(fmt REQUIRED)
find_package(CLI11 REQUIRED)
find_package(tomlplusplus REQUIRED)
find_package(PNG REQUIRED)

file(GLOB driver_sources CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}"
  tools/dreamloom/*.cpp tools/media/*.cpp)
list(REMOVE_ITEM driver_sources tools/dreamloom/main.cpp)
add_library(dreamloom_driver STATIC ${driver_sources})
add_library(dreamloom::driver ALIAS dreamloom_driver)
target_link_libraries(dreamloom_driver PUBLIC dreamloom_learn
  PRIVATE fmt::fmt CLI11::CLI11 tomlplusplus::tomlplusplus PNG::PNG)
dreamloom_lane_flags(dreamloom_driver)
dreamloom_precompile(dreamloom_driver driver <fmt/format.h> <nlohmann/json.hpp>)
target_compile_definitions(dreamloom_driver PRIVATE
  DREAMLOOM_VERSION="${PROJECT_VERSION}" DREAMLOOM_ARCH="${DREAMLOOM_ARCH}"
  DREAMLOOM_RECIPES="${PROJECT_SOURCE_DIR}/tools/recipes")

add_executable(dreamloom tools/dreamloom/main.cpp)
target_link_libraries(dreamloom PRIVATE dreamloom_driver)
dreamloom_lane_flags(dreamloom)
set_target_properties(dreamloom PROPERTIES INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
install(TARGETS dreamloom COMPONENT driver)
install(DIRECTORY tools/recipes DESTINATION ${CMAKE_INSTALL_DATADIR}/dreamloom COMPONENT driver
  FILES_MATCHING PATTERN *.toml)
