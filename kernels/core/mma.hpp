#pragma once
// What a warp can do beyond CUDA C++: bf16 mma, ldmatrix, cp.async. nvcc only.
//
// Host and device by declaration, so that bodies need no annotation; the host never calls them.
#include <kernels/core/machine.hpp>
#if defined(__CUDA_ARCH__)
#define LOOM_DEVICE(...) __VA_ARGS__
#else
#define LOOM_DEVICE(...)
#endif

namespace loom::warp {

/// Two bf16 in a word, `lo` in the low half.
HD std::uint32_t pack2([[maybe_unused]] float lo, [[maybe_unused]] float hi) {
  std::uint32_t r = 0;
  LOOM_DEVICE(asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(hi), "f"(lo));)
  return r;
}
HD float low(std::uint32_t v) { return __builtin_bit_cast(float, v << 16); }
HD float high(std::uint32_t v) { return __builtin_bit_cast(float, v & 0xffff0000U); }

HD std::uint32_t shared_address([[maybe_unused]] void const* p) {
  std::uint32_t r = 0;
  LOOM_DEVICE(r = static_cast<std::uint32_t>(__cvta_generic_to_shared(p));)
  return r;
}

/// Four 8x8 matrices of 16-bit words; lane l supplies the address of row l % 8 of matrix l / 8.
HD void load_matrices([[maybe_unused]] std::uint32_t (&r)[4],
                      [[maybe_unused]] std::uint32_t address) {
  LOOM_DEVICE(asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                           : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                           : "r"(address)
                           : "memory");)
}
/// The same, each matrix transposed.
HD void load_transposed([[maybe_unused]] std::uint32_t (&r)[4],
                        [[maybe_unused]] std::uint32_t address) {
  LOOM_DEVICE(asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                           : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                           : "r"(address)
                           : "memory");)
}

/// d += a (16 x 16) * b (16 x 8): bf16 in, fp32 sums. Lane l: rows l/4, l/4 + 8; columns 2(l%4),
/// 2(l%4) + 1.
HD void mma([[maybe_unused]] float (&d)[4], [[maybe_unused]] std::uint32_t const (&a)[4],
            [[maybe_unused]] std::uint32_t b0, [[maybe_unused]] std::uint32_t b1) {
  LOOM_DEVICE(asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, "
                           "{%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                           : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                           : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));)
}

struct alignas(16) Words {
  std::uint32_t x, y, z, w;
};
HD Words load_shared([[maybe_unused]] std::uint32_t address) {
  Words v{};
  LOOM_DEVICE(asm volatile("ld.shared.v4.u32 {%0,%1,%2,%3}, [%4];"
                           : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                           : "r"(address)
                           : "memory");)
  return v;
}

/// Copies 16 bytes to shared memory behind the thread's back; `valid` < 16 fills up with zeros.
HD void copy_async([[maybe_unused]] std::uint32_t to, [[maybe_unused]] void const* from) {
  LOOM_DEVICE(asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to), "l"(from)
                           : "memory");)
}
HD void copy_async([[maybe_unused]] std::uint32_t to, [[maybe_unused]] void const* from,
                   [[maybe_unused]] int valid) {
  LOOM_DEVICE(
      asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(valid)
                   : "memory");)
}
HD void commit_copies() { LOOM_DEVICE(asm volatile("cp.async.commit_group;" ::: "memory");) }
/// Waits until at most N of this thread's groups of copies are under way.
template <int N>
HD void wait_copies() {
  LOOM_DEVICE(asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");)
}

HD float exchange([[maybe_unused]] float v, [[maybe_unused]] int mask) {
  LOOM_DEVICE(v = __shfl_xor_sync(0xffffffffU, v, mask);)
  return v;
}
HD void sync_block() { LOOM_DEVICE(__syncthreads();) }
HD int thread() {
  int r = 0;
  LOOM_DEVICE(r = static_cast<int>(threadIdx.x);)
  return r;
}

}  // namespace loom::warp
