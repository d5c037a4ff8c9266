# Sets DREAMLOOM_WITH_CUDA. AUTO takes what CUDACXX or PATH shows; ON also tries the default prefix and insists.
set(DREAMLOOM_CUDA AUTO CACHE STRING "AUTO | ON | OFF")
set_property(CACHE DREAMLOOM_CUDA PROPERTY STRINGS AUTO ON OFF)
set(DREAMLOOM_CUDART_DIR "" CACHE PATH "Directory of the runtime library that the tests load (emulator)")
option(DREAMLOOM_EMULATED "Build for, and test under, the emulator in DREAMLOOM_CUDART_DIR" OFF)

if(DREAMLOOM_EMULATED AND NOT EXISTS "${DREAMLOOM_CUDART_DIR}/libcudart.so")
  message(FATAL_ERROR "cuda-emulated: DREAMLOOM_CUDART_DIR is '${DREAMLOOM_CUDART_DIR}' "
    "(set it, as environment or cache variable, to the directory that holds the emulator's libcudart.so)")
endif()

# In the cache, so that a project with dreamloom as a subdirectory sees it too.
set(DREAMLOOM_WITH_CUDA OFF CACHE INTERNAL "Built with CUDA")
if(DREAMLOOM_CUDA STREQUAL "OFF")
  message(STATUS "Dreamloom: CPU-only build (DREAMLOOM_CUDA=OFF)")
  return()
endif()
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX})
  # PATH only: find_program's defaults also search every system prefix.
  find_program(DREAMLOOM_NVCC nvcc PATHS ENV PATH NO_DEFAULT_PATH NO_CACHE)
  if(NOT DREAMLOOM_NVCC AND DREAMLOOM_CUDA STREQUAL "ON")
    find_program(DREAMLOOM_NVCC nvcc PATHS /usr/local/cuda/bin NO_CACHE)
  endif()
  if(DREAMLOOM_NVCC)
    set(CMAKE_CUDA_COMPILER "${DREAMLOOM_NVCC}")
  elseif(DREAMLOOM_CUDA STREQUAL "ON")
    message(FATAL_ERROR "DREAMLOOM_CUDA=ON, but there is no nvcc on PATH, in CUDACXX or in /usr/local/cuda/bin")
  else()
    message(STATUS "Dreamloom: CPU-only build (no nvcc on PATH or in CUDACXX)")
    return()
  endif()
endif()
if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
  set(CMAKE_CUDA_ARCHITECTURES 80 90)  # before enable_language, which would choose its own
endif()
set(DREAMLOOM_WITH_CUDA ON CACHE INTERNAL "Built with CUDA")
