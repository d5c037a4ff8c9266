# dreamloom_fuzz: libFuzzer around the targets of tests/fuzz (tools/fuzz builds and runs it).
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  message(FATAL_ERROR "DREAMLOOM_FUZZ needs clang, whose libFuzzer it links (cmake --preset fuzz)")
endif()
add_executable(dreamloom_fuzz tests/fuzz/fuzz_main.cpp)
target_link_libraries(dreamloom_fuzz PRIVATE dreamloom::driver)
target_link_options(dreamloom_fuzz PRIVATE -fsanitize=fuzzer)
target_compile_definitions(dreamloom_fuzz PRIVATE DREAMLOOM_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
dreamloom_lane_flags(dreamloom_fuzz)
