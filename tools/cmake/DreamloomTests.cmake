# One test program a folder below tests/, one benchmark program for bench/.
# A test file named *_slow_test.cpp gets the label `slow` and stays out of the default run.
find_package(GTest REQUIRED)
find_package(Eigen3 REQUIRED NO_MODULE)  # references in double
include(GoogleTest)

set(test_environment "")
if(DREAMLOOM_EMULATED)
  # Two multiprocessors: persistent kernels go round more than once.
  set(test_environment "LD_LIBRARY_PATH=${DREAMLOOM_CUDART_DIR}" "CUEMU_NUM_SMS=2")
endif()

function(dreamloom_test_program name library)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE ${library} GTest::gtest_main Eigen3::Eigen)
  dreamloom_lane_flags(${name})
  # Two sets for all programs: what includes a checkpoint includes JSON.
  if(library MATCHES "kernels|sim")
    dreamloom_precompile(${name} tests <gtest/gtest.h>)
  else()
    dreamloom_precompile(${name} tests_with_json <gtest/gtest.h> <nlohmann/json.hpp>)
  endif()
  # The libraries are what is tested: their flags stay; a test's own code is compiled quickly.
  target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-O1>)
  target_compile_definitions(${name} PRIVATE
    # Under the emulator a device test that finds no device fails; elsewhere it is skipped.
    DREAMLOOM_DEVICE_REQUIRED=$<BOOL:${DREAMLOOM_EMULATED}>
    DREAMLOOM_SOURCE_DIR="${PROJECT_SOURCE_DIR}" DREAMLOOM_BINARY_DIR="${PROJECT_BINARY_DIR}")
  set(label "")
  if(name MATCHES "_slow$")
    set(label LABELS slow)
  endif()
  # PRE_TEST: listing tests at build time would run the program where it may not run.
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
    PROPERTIES ENVIRONMENT "${test_environment}" TIMEOUT 300 ${label})
endfunction()

file(GLOB_RECURSE tests CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}/tests" tests/*_test.cpp)
if(NOT DREAMLOOM_WITH_CUDA)
  list(FILTER tests EXCLUDE REGEX "_cuda_test\\.cpp$")
endif()
set(programs "")
foreach(test IN LISTS tests)
  get_filename_component(folder ${test} DIRECTORY)
  string(REPLACE "/" "_" program "test_${folder}")
  if(test MATCHES "_slow_test\\.cpp$")
    string(APPEND program "_slow")
  endif()
  list(APPEND programs ${program})
  list(APPEND sources_of_${program} "tests/${test}")
  if(test MATCHES "^kernels/")
    set(library_of_${program} dreamloom::kernels)
  elseif(test MATCHES "^sim/")
    set(library_of_${program} dreamloom::sim)
  elseif(test MATCHES "^learn/")
    set(library_of_${program} dreamloom::learn)
  else()
    set(library_of_${program} dreamloom::driver)
  endif()
endforeach()
list(REMOVE_DUPLICATES programs)
foreach(program IN LISTS programs)
  if(TARGET ${library_of_${program}})
    dreamloom_test_program(${program} ${library_of_${program}} ${sources_of_${program}})
  endif()
endforeach()
if(TARGET test_tools)
  add_dependencies(test_tools dreamloom)  # they run the program
endif()
if(DREAMLOOM_WITH_CUDA AND TARGET test_learn)
  # tests/learn/one_device_cuda_test.cpp counts the calls that a captured program must not make.
  foreach(call cudaStreamSynchronize cudaDeviceSynchronize cudaEventSynchronize cudaMalloc cudaFree cudaMemcpy
               cudaMemcpyAsync cudaLaunchKernel __cudaLaunchKernel cudaGraphLaunch)
    target_link_options(test_learn PRIVATE -Wl,--wrap=${call})
  endforeach()
endif()
# Bodies that only tests launch: tests/<folder>/*.cu, compiled twice like every kernel.
file(GLOB_RECURSE duals CONFIGURE_DEPENDS RELATIVE "${PROJECT_SOURCE_DIR}" tests/*.cu)
foreach(dual IN LISTS duals)
  get_filename_component(folder ${dual} DIRECTORY)
  string(REGEX REPLACE "^tests/" "" folder ${folder})
  string(REPLACE "/" "_" program "test_${folder}")
  if(TARGET ${program})
    dreamloom_add_dual_source(${program} "${PROJECT_SOURCE_DIR}" ${dual})
  endif()
endforeach()

# Strangers' projects against an installed copy of this build. Not under sanitizers: a stranger has none.
if(NOT DREAMLOOM_SANITIZE)
  set(embedding_environment "CXX=${CMAKE_CXX_COMPILER}" "CMAKE_GENERATOR=${CMAKE_GENERATOR}"
    "EMBEDDING_CUDA=${DREAMLOOM_WITH_CUDA_01}")
  if(DREAMLOOM_WITH_CUDA)
    list(APPEND embedding_environment "CUDACXX=${CMAKE_CUDA_COMPILER}")
  endif()
  if(DREAMLOOM_EMULATED)
    list(APPEND embedding_environment "EMBEDDING_LIBRARY_PATH=${DREAMLOOM_CUDART_DIR}" "CUEMU_NUM_SMS=2")
  endif()
  foreach(project install own_environment own_model own_kernel c_program)
    add_test(NAME Embedding.${project}
      COMMAND "${PROJECT_SOURCE_DIR}/tests/embedding/run" "${PROJECT_BINARY_DIR}" ${project})
    set_tests_properties(Embedding.${project} PROPERTIES TIMEOUT 300 SKIP_RETURN_CODE 77
      ENVIRONMENT "${embedding_environment}" FIXTURES_REQUIRED embedding)
  endforeach()
  set_tests_properties(Embedding.install PROPERTIES FIXTURES_REQUIRED "" FIXTURES_SETUP embedding)
endif()
