# Flags and the two compilations of a .cu file. Used by this build and, installed, by strangers'.

# Same bits everywhere: contraction off in both compilers. ISA: one for the whole program.
function(dreamloom_lane_flags target)
  target_compile_features(${target} PRIVATE cxx_std_20)
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:CXX>:-march=${DREAMLOOM_ARCH};-ffp-contract=off;-fno-math-errno;-fno-trapping-math;-Wno-psabi>"
    # CMake 3.25 knows no C++20 for nvcc: the flag goes in by hand, and CUDA_STANDARD stays unset.
    "$<$<COMPILE_LANGUAGE:CUDA>:-std=c++20;-fmad=false;-lineinfo;-Xcompiler=-ffp-contract=off;-Xcudafe=--diag_suppress=esa_on_defaulted_function_ignored>"
    "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Xptxas --warn-on-spills,--warn-on-local-memory-usage,--warn-on-double-precision-use>")
  if(DREAMLOOM_WERROR)
    target_compile_options(${target} PRIVATE
      # g++ 12 reports false uninitialised reads in its own AVX-512 headers and false overlaps in std::string (105651).
      "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Werror;-Wno-uninitialized;-Wno-maybe-uninitialized;-Wno-restrict>"
      # No -Wpedantic here: nvcc's generated code is full of GNU line markers.
      "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Werror,-Wno-unknown-pragmas>"
      "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Werror all-warnings>"
      "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Xptxas --warning-as-error>")
  endif()
endfunction()

# Compiles base/path.cu as C++ through a one-line stub and, in a CUDA build, as CUDA.
function(dreamloom_add_dual_source target base path)
  get_filename_component(stem ${path} NAME_WE)
  string(REGEX REPLACE "\\.cu$" ".cpp" stub "${CMAKE_CURRENT_BINARY_DIR}/stubs/${target}/${path}")
  file(CONFIGURE OUTPUT "${stub}" CONTENT "#include \"${base}/${path}\"\n" @ONLY)
  set(sources "${stub}")
  if(DREAMLOOM_WITH_CUDA)
    list(APPEND sources "${base}/${path}")
  endif()
  target_sources(${target} PRIVATE ${sources})
  # Source properties hold in one directory only: name the target's.
  set_property(SOURCE ${sources} TARGET_DIRECTORY ${target} APPEND PROPERTY COMPILE_DEFINITIONS LOOM_STEM=${stem})
endfunction()

# The text of a generated registry: one X(stem) a file; `header` turns each into an extern entry.
function(dreamloom_registry_text out header table)
  set(each "")
  foreach(stem IN LISTS ARGN)
    string(APPEND each " \\\n  X(${stem})")
  endforeach()
  set(${out} "#define LOOM_TABLE ${table}\n#define LOOM_EACH(X)${each}\n#include <${header}>\n" PARENT_SCOPE)
endfunction()

# dreamloom_add_environment(my_env.cu ...): every executable of this project that links
# dreamloom::sim gets the environments. Object files go straight into the executable, so an
# archive cannot lose them; libraries in between get nothing, so nothing is there twice.
function(dreamloom_add_environment)
  if(DREAMLOOM_WITH_CUDA AND NOT CMAKE_CUDA_COMPILER_LOADED)
    message(FATAL_ERROR "dreamloom_add_environment: this dreamloom runs on CUDA too, and the language CUDA is not "
      "enabled (needs CXX in project() before find_package(dreamloom), or CUDA)")
  endif()
  if(NOT TARGET dreamloom_out_of_tree)
    add_library(dreamloom_out_of_tree OBJECT "${CMAKE_BINARY_DIR}/dreamloom/registry.cpp")
    set_target_properties(dreamloom_out_of_tree PROPERTIES POSITION_INDEPENDENT_CODE ON)
    get_target_property(include dreamloom::sim INTERFACE_INCLUDE_DIRECTORIES)
    target_include_directories(dreamloom_out_of_tree SYSTEM PRIVATE ${include})
    dreamloom_lane_flags(dreamloom_out_of_tree)
    get_target_property(sim dreamloom::sim ALIASED_TARGET)  # where dreamloom is a subdirectory of the project
    if(NOT sim)
      set(sim dreamloom::sim)
    endif()
    set_property(TARGET ${sim} APPEND PROPERTY INTERFACE_SOURCES
      "$<BUILD_INTERFACE:$<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:$<TARGET_OBJECTS:dreamloom_out_of_tree>>>")
  endif()
  foreach(source IN LISTS ARGN)
    dreamloom_add_dual_source(dreamloom_out_of_tree "${CMAKE_CURRENT_SOURCE_DIR}" ${source})
    get_filename_component(stem ${source} NAME_WE)
    set_property(GLOBAL APPEND PROPERTY DREAMLOOM_OUT_OF_TREE ${stem})
  endforeach()
  get_property(stems GLOBAL PROPERTY DREAMLOOM_OUT_OF_TREE)
  dreamloom_registry_text(text sim/core/registry_table.hpp out_of_tree ${stems})
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/dreamloom/registry.cpp" CONTENT "${text}" @ONLY)
endfunction()
