#pragma once
// The one header that knows which machine this translation unit is compiled for.
//
// Every .cu file is compiled twice. nvcc turns a lane into a GPU thread and defines the Gpu
// overloads; g++ turns lanes into SIMD packs and defines the Cpu overloads. `Here` names whichever
// is being built.
#include <cstddef>
#include <cstdint>
#include <kernels/core/config.hpp>  // generated: DREAMLOOM_WITH_CUDA

static_assert(__cplusplus >= 202002L, "the C++20 flag did not reach this compiler");

#if defined(__CUDACC__)
#define HD __host__ __device__ __forceinline__
#else
#define HD inline __attribute__((always_inline))
#endif
// HD for what runs rarely: the CPU calls the one copy of it.
#if defined(__CUDACC__)
#define HD_RARE HD
#else
#define HD_RARE __attribute__((noinline))
#endif
#if defined(__CUDACC__)
#define LOOM_UNROLL _Pragma("unroll")
#define LOOM_NO_UNROLL _Pragma("unroll 1")
#else
#define LOOM_UNROLL _Pragma("GCC unroll 64")
#define LOOM_NO_UNROLL _Pragma("GCC unroll 1")
#endif

namespace loom {

class ThreadPool;

/// Runs on this machine's cores. Without a pool everything runs in the calling thread.
struct Cpu {
  ThreadPool* pool = nullptr;  ///< not owned; used by one calling thread at a time
  int lanes = 0;  ///< SIMD lanes of lane kernels: 0 the widest, 1 or 8; the bits are the same
};

/// Runs on one CUDA device, in order, on one stream (a cudaStream_t; null is the default stream).
struct Gpu {
  int device = 0;
  void* stream = nullptr;
};

#if defined(__CUDACC__)
using Here = Gpu;
#else
using Here = Cpu;
#endif

}  // namespace loom
