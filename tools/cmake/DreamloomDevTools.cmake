# Programs behind the scripts in tools/; built only when asked for.
if(DREAMLOOM_WITH_CUDA)
  add_executable(gpu_budget EXCLUDE_FROM_ALL tools/dev/gpu_budget.cpp)
  target_include_directories(gpu_budget SYSTEM PRIVATE ${CUDAToolkit_INCLUDE_DIRS})
  target_compile_features(gpu_budget PRIVATE cxx_std_20)
endif()
