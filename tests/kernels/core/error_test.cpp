#include <gtest/gtest.h>

#include <cstdint>
#include <kernels/core/error.hpp>
#include <limits>
#include <sstream>

namespace loom {
namespace {

template <class... Parts>
std::string streamed(Parts const&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

template <class... Parts>
void reads_as_streamed(Parts const&... parts) {
  EXPECT_EQ(concatenated({MessagePart(parts)...}), streamed(parts...));
}

TEST(Error, MessagesReadAsAStreamPrintsThem) {
  std::string const text = "a text";
  reads_as_streamed("word", text, std::string_view(text).substr(2), 'c', "");
  reads_as_streamed(0, ' ', -7, ' ', 7U, ' ', std::numeric_limits<std::int64_t>::min(), ' ',
                    std::numeric_limits<std::uint64_t>::max(), ' ', true, false);
  reads_as_streamed(0.1F, ' ', 1.0 / 3, ' ', 1e-9, ' ', -2.5e30F, ' ', 1e6, ' ', 123456.0, ' ', 0.0,
                    ' ', std::numeric_limits<float>::infinity());
  EXPECT_EQ(concatenated({}), "");
}

TEST(Error, RequireThrowsTheKindThatItNames) {
  require(true, "never said");
  try {
    require<IoError>(false, "file: holds ", 3, " (needs ", std::size_t{4}, ")");
    FAIL() << "nothing thrown";
  } catch (IoError const& error) {
    EXPECT_STREQ(error.what(), "file: holds 3 (needs 4)");
  }
  EXPECT_THROW(require(false, "sizes"), ShapeError);
  EXPECT_THROW(fail("anything"), Error);
}

}  // namespace
}  // namespace loom
