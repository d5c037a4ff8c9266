#include <gtest/gtest.h>
#include <learn/core/atomic_file.hpp>
#include <learn/core/checkpoint.hpp>
#include <learn/core/crc32c.hpp>
#include <tests/device.hpp>
#include <tests/learn/core/scratch.hpp>

#include <cmath>
#include <limits>

namespace loom {
namespace {

Checkpoint sample() {
  Checkpoint c;
  c.put("policy/weights", std::vector<float>{1.5F, -2, std::nanf(""), 0, 1e-40F, 3}, {2, 3});
  c.put("seed", std::vector<std::uint64_t>{std::numeric_limits<std::uint64_t>::max()});
  c.put("flags", std::vector<std::uint8_t>{0, 1, 255});
  c.put("empty", std::vector<std::int32_t>{}, {0, 4});
  c.state()["env_steps"] = std::int64_t{1} << 60;
  c.state()["rate"] = 0.1;
  c.state()["name"] = "a \"quoted\" \\ line\n\"dreamloom.checksum\":\"crc32c:";
  return c;
}

/// Same tensors and state, to the bit.
bool equal(Checkpoint const& a, Checkpoint const& b) {
  return a.state() == b.state() &&
         std::equal(a.tensors().begin(), a.tensors().end(), b.tensors().begin(), b.tensors().end(),
                    [](auto const& x, auto const& y) {
                      return x.first == y.first && x.second.dtype == y.second.dtype &&
                             x.second.shape == y.second.shape && x.second.bytes == y.second.bytes;
                    });
}

/// A file of another writer: any header, any data, no checksum.
std::string file_of(std::string const& header, std::string const& data) {
  std::string length(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(header.size() >> (8 * i));
  return length + header + data;
}

std::string error_of(std::string const& file) {
  return message_of<IoError>([&] { Checkpoint::parse(file, "f"); });
}

TEST(Crc32c, EqualsThePublishedVectors) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283U);            // the catalogue's check value
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAU);  // RFC 3720, B.4
  EXPECT_EQ(crc32c(std::string(32, '\xFF')), 0x62A8AB43U);
  EXPECT_EQ(crc32c("456789", crc32c("123")), 0xE3069283U);
}

TEST(Checkpoint, ReadsBackWhatItWrote) {
  Scratch const scratch;
  sample().write(scratch / "a");
  Checkpoint const read = Checkpoint::read(scratch / "a");
  EXPECT_TRUE(equal(read, sample()));
  EXPECT_EQ(read.get<float>("policy/weights", {2, 3})[1], -2);
  EXPECT_EQ(read.state_at<std::int64_t>("env_steps"), std::int64_t{1} << 60);
  EXPECT_EQ(read_whole(scratch / "a"), sample().bytes());
  EXPECT_EQ(read.bytes(), sample().bytes());
}

TEST(Checkpoint, FillsBuffersAndViewsOfEveryExec) {
  Checkpoint const c = sample();
  for (Exec const& exec : every_exec()) {
    Buffer<float> buffer(exec, 6);
    c.get("policy/weights", buffer);
    Checkpoint again;
    again.put("policy/weights", buffer, {2, 3});
    EXPECT_EQ(again.tensor("policy/weights").bytes, c.tensor("policy/weights").bytes);
    Buffer<std::uint8_t> flags = zeros<std::uint8_t>(exec, 5);
    c.get("flags", exec, flags.out().slice(1, 3));
    EXPECT_EQ(download(flags), (std::vector<std::uint8_t>{0, 0, 1, 255, 0}));
  }
}

TEST(Checkpoint, ReadsFilesOfTheReferenceWriter) {
  Checkpoint const c =
      Checkpoint::read(DREAMLOOM_SOURCE_DIR "/tests/fixtures/files/reference.safetensors");
  EXPECT_EQ(c.tensors().size(), 5U);
  EXPECT_EQ(c.get<float>("weights", {2, 3}),
            (std::vector<float>{1.5F, -2.0F, 3.25F, 0.0F, 1e-20F, -1e20F}));
  EXPECT_EQ(c.get<std::int64_t>("steps", {2}),
            (std::vector<std::int64_t>{-(std::int64_t{1} << 62), 7}));
  EXPECT_EQ(c.get<std::uint8_t>("flags", {3}), (std::vector<std::uint8_t>{0, 1, 255}));
  EXPECT_EQ(c.get<double>("double"), std::vector<double>{0.1});
  EXPECT_TRUE(c.tensor("double").shape.empty());
  EXPECT_TRUE(c.get<std::int32_t>("empty", {0, 3}).empty());
  EXPECT_TRUE(c.state().empty());
}

TEST(Checkpoint, AlignsItsTensors) {
  std::string const file = sample().bytes();
  std::size_t header = 0;
  for (std::size_t i = 8; i-- > 0;) header = header << 8 | static_cast<unsigned char>(file[i]);
  EXPECT_EQ(header % 8, 0U);
  EXPECT_NE(file.find("\"data_offsets\":[0,8]"), file.npos);  // the 8-byte elements come first
}

TEST(Checkpoint, NoticesTheChangeOfAnyByte) {
  Checkpoint const original = sample();
  std::string const file = original.bytes();
  std::size_t refused = 0;
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (int const flip : {0x01, 0x20, 0x80, 0xFF}) {
      std::string damaged = file;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      try {
        EXPECT_TRUE(equal(Checkpoint::parse(damaged, "f"), original)) << "byte " << i;
      } catch (IoError const&) {
        ++refused;
      }
    }
  }
  // Only in the checksum's own name can a change go by: the file then has none, its contents are
  // whole.
  EXPECT_GT(refused, 4 * (file.size() - sizeof "dreamloom.checksum"));
}

TEST(Checkpoint, NoticesTruncationAtAnyLength) {
  std::string const file = sample().bytes();
  for (std::size_t n = 0; n < file.size(); ++n) {
    EXPECT_NE(error_of(file.substr(0, n)), "no error") << n << " bytes";
  }
  EXPECT_NE(error_of(file + "x"), "no error");
}

TEST(Checkpoint, SaysWhatIsWrongWithAFile) {
  std::string const file = sample().bytes();
  EXPECT_EQ(error_of(""), "f: truncated checkpoint: it has 0 bytes, not even a header's length");
  EXPECT_EQ(error_of(file.substr(0, file.size() - 1)).find("f: truncated checkpoint: tensor \""),
            0U);
  std::string damaged = file;
  damaged[file.size() - 1] ^= 1;
  EXPECT_EQ(error_of(damaged).find("f: not a usable checkpoint: its checksum is "), 0U);
  EXPECT_EQ(error_of("GIF89a, not a checkpoint"),
            "f: not a usable checkpoint: its header claims 2318334806574123335 bytes");
}

TEST(Checkpoint, RefusesHeadersThatLie) {
  std::string const ok = R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  ASSERT_EQ(error_of(file_of("{" + ok + "}", "1234")), "no error");
  struct Case {
    char const *header, *data, *error;
  } const cases[] = {
      {"", "", "its header is not JSON"},
      {"[]", "", "its header is not a JSON object"},
      {R"({"a":7})", "", R"(tensor "a" has no data_offsets)"},
      {R"({"a":{}})", "", R"(tensor "a" has no data_offsets)"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{}})", "1234",
       R"(its header has "a" twice)"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "1234",
       R"(tensor "a" has 4 bytes for shape (2))"},
      {R"({"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}})", "1234",
       R"(tensor "a" has a dtype that is not known)"},
      {R"({"a":{"dtype":"F32","shape":1,"data_offsets":[0,4]}})", "1234",
       R"(tensor "a" has no shape)"},
      {R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", "1234",
       R"(tensor "a" has a size that is none)"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", "1234",
       R"(tensor "a" ends before it begins)"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4.0]}})", "1234",
       R"(tensor "a" has a size that is none)"},
      // 2^62 x 4 bytes: 0 modulo 2^64
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", "",
       R"(tensor "a" has 0 bytes for shape (4611686018427387904))"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},
           "b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
       "1234", R"(tensor "b" overlaps another)"},
      {R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},
           "b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
       "1234", "its tensors leave a gap or overlap at byte 2"},
      {R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},
           "b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}})",
       "1234", "its tensors leave a gap or overlap at byte 1"},
      {R"({})", "1234", "its tensors take 0 bytes, the file holds 4"},
      {R"({"__metadata__":{"a":1}})", "", "its __metadata__ holds more than text"},
      {R"({"__metadata__":[]})", "", "its __metadata__ is not an object"},
      {R"({"__metadata__":{"dreamloom":"[1]"}})", "", "its state is not a JSON object"},
      {R"({"__metadata__":{"dreamloom.checksum": "crc32c:00000000"}})", "",
       "its checksum cannot be read"},
      {R"({"a":{"dtype":"F32","shape":[[[1]]],"data_offsets":[0,4]}})", "1234",
       "its header is nested too deeply"},
  };
  for (Case const& c : cases) {
    EXPECT_EQ(error_of(file_of(c.header, c.data)),
              std::string("f: not a usable checkpoint: ") + c.error);
  }
  EXPECT_EQ(
      error_of(file_of(
          R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551615]}})", "1234")),
      "f: truncated checkpoint: tensor \"a\" ends at byte 18446744073709551615 of 4");
  EXPECT_EQ(error_of(file_of(std::string(1000000, '['), "")),
            "f: not a usable checkpoint: its header is nested too deeply");
}

TEST(Checkpoint, NamesTheTensorThatDoesNotFit) {
  Checkpoint const c = Checkpoint::parse(sample().bytes(), "f");
  Buffer<float> buffer(Cpu{}, 5);
  EXPECT_EQ(message_of<IoError>([&] { c.get("policy/weights", buffer); }),
            "f: tensor \"policy/weights\" has 6 elements (needs 5)");
  EXPECT_EQ(message_of<IoError>([&] {
              c.get<float>("policy/weights", {3, 2});
            }),
            "f: tensor \"policy/weights\" has shape (2, 3) (needs (3, 2))");
  EXPECT_EQ(message_of<IoError>([&] { c.get<float>("flags"); }),
            "f: tensor \"flags\" is U8 (needs F32)");
  EXPECT_EQ(message_of<IoError>([&] { c.get<float>("none"); }), "f: has no tensor \"none\"");
  EXPECT_EQ(message_of<IoError>([&] { c.state_at<int>("none"); }),
            "f: state \"none\" is missing or of another type");
  EXPECT_EQ(message_of<IoError>([&] { c.state_at<int>("name"); }),
            "f: state \"name\" is missing or of another type");
}

TEST(Checkpoint, RefusesWhatItCouldNotReadBack) {
  Checkpoint c;
  EXPECT_EQ(message_of<ShapeError>([&] {
              c.put("a", std::vector<float>(3), {2, 2});
            }),
            "checkpoint: tensor \"a\" of shape (2, 2) F32 has 12 bytes");
  EXPECT_EQ(message_of<ShapeError>([&] { c.put("__metadata__", std::vector<float>(3)); }),
            "checkpoint: a tensor cannot be called \"__metadata__\"");
  c.state()["name"] = "\xFF";
  EXPECT_EQ(message_of<IoError>([&] { c.bytes(); }),
            "checkpoint: a name or text in the state is not UTF-8");
}

TEST(Checkpoint, LeavesTheOldFileWhenItCannotWrite) {
  Scratch const scratch;
  write_whole(scratch / "file", "");
  EXPECT_EQ(message_of<IoError>([&] { sample().write(scratch / "file/a"); }),
            (scratch / "file/a").string() + ": cannot write: Not a directory");
  EXPECT_EQ(message_of<IoError>([&] { Checkpoint::read(scratch / "none"); }),
            (scratch / "none").string() + ": cannot read: No such file or directory");
}

}  // namespace
}  // namespace loom
