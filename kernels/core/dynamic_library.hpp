#pragma once
// Libraries that are opened when they are first needed.
#include <string>

namespace loom {

/// A library opened on construction and kept open. Throws IoError, one line: who, what is missing,
/// what to do.
class DynamicLibrary {
 public:
  DynamicLibrary(std::string who, char const* soname);

  /// Type-checked against the header: bind(library.create, "cublasLtCreate").
  template <class Function>
  void bind(Function*& function, char const* name) const {
    function = reinterpret_cast<Function*>(symbol(name));
  }

 private:
  void* symbol(char const* name) const;
  std::string who_;
  void* handle_;
};

}  // namespace loom
