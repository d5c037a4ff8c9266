# Headers of others, parsed once for a program or layer instead of once a file, where they are half of the time. Ours stay
# out: touching one must not rebuild everything.
set(precompiled <algorithm> <array> <atomic> <chrono> <cmath> <cstdint> <cstring> <exception> <filesystem> <functional>
  <limits> <map> <memory> <numeric> <optional> <random> <sstream> <stdexcept> <string> <string_view> <thread>
  <type_traits> <utility> <variant> <vector>)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  list(PREPEND precompiled <immintrin.h>)
endif()

# For presets cuda-emulated, asan and tsan. The others compile every file by itself, which shows that it includes what it
# uses, and keep the warnings that are off below. Not with ccache, which keeps no file that reads these unless its user has told it to.
set(precompile OFF)
if(DREAMLOOM_PRECOMPILE AND PROJECT_IS_TOP_LEVEL AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT DREAMLOOM_LINT
   AND NOT CMAKE_CXX_COMPILER_LAUNCHER MATCHES "ccache")
  set(precompile ON)
endif()

# dreamloom_precompile(target set header ...): the headers above and these. The first target of a set compiles them, the
# others, whose flags must be the same, read them.
function(dreamloom_precompile target set)
  get_property(owner GLOBAL PROPERTY dreamloom_precompiled_${set})
  if(precompile AND owner)
    target_precompile_headers(${target} REUSE_FROM ${owner})
  elseif(precompile)
    target_precompile_headers(${target} PRIVATE ${precompiled} ${ARGN})
    set_property(GLOBAL PROPERTY dreamloom_precompiled_${set} ${target})
  endif()
  if(precompile)  # g++ 12 sees false overflows in a precompiled std::string
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-Wno-stringop-overflow;-Wno-stringop-overread;-Wno-array-bounds>)
  endif()
endfunction()
