#pragma once
// Tests of every environment there is: TEST_P(EveryEnv, Claim), with GetParam() the environment. They are
// one test an environment, named by its file's stem, so each may be run, timed and mutated alone.
#include <gtest/gtest.h>

#include <ostream>
#include <sim/core/registry.hpp>

namespace loom {

class EveryEnv : public testing::TestWithParam<EnvEntry> {};

inline std::ostream& operator<<(std::ostream& out, EnvEntry const& e) { return out << e.stem; }

}  // namespace loom
