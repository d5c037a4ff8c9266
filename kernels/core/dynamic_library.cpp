#include <dlfcn.h>

#include <kernels/core/dynamic_library.hpp>
#include <kernels/core/error.hpp>
#include <utility>

namespace loom {

DynamicLibrary::DynamicLibrary(std::string who, char const* soname)
    : who_(std::move(who)), handle_(dlopen(soname, RTLD_NOW | RTLD_LOCAL)) {
  if (handle_ == nullptr)
    fail<IoError>(who_, ": ", dlerror(), " (install it or set LD_LIBRARY_PATH)");
}

void* DynamicLibrary::symbol(char const* name) const {
  void* const found = dlsym(handle_, name);
  if (found == nullptr) fail<IoError>(who_, ": ", dlerror());
  return found;
}

}  // namespace loom
