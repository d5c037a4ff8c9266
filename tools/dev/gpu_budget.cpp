// The GPU budget table: what ptxas and the PTX say about every kernel (see tools/gpu_budget).
#include <cuda_occupancy.h>
#include <cxxabi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;

struct Row {
  int threads = 0, registers = 0, static_shared = 0, dynamic_shared = 0, stack = 0, spills = 0;
  int occupancy = 0;  // per cent of the resident warps
  int vector_loads = 0, mma = 0, barriers = 0, doubles = 0;
};
using Key = std::pair<std::string, std::string>;  // kernel, architecture
using Table = std::map<Key, Row>;
struct Launch {
  int threads = 0, dynamic_shared = 0;
};
using Launches = std::map<std::string, Launch>;  // kernel -> its largest launch

[[noreturn]] void stop(std::string const& message) {
  std::cerr << "gpu_budget: " << message << '\n';
  std::exit(2);
}

std::string replaced(std::string text, std::string const& from, std::string const& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// "void loom::lane_kernel<loom::(anonymous namespace)::Symlog>(int, ...)" -> "lane_kernel<Symlog>"
std::string short_name(std::string name) {
  if (name.starts_with("void ")) name.erase(0, 5);
  name = replaced(name, "(anonymous namespace)::", "");
  name = replaced(name, "loom::", "");
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '<') ++depth;
    if (name[i] == '>') --depth;
    if (name[i] == '(' && depth == 0) return name.substr(0, i);
  }
  return name;
}

std::string demangled(std::string const& name) {
  int status = 0;
  char* const text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  std::string result = status == 0 ? text : name;
  std::free(text);
  return short_name(result);
}

// Kernels of the toolkit's own libraries are not ours to budget.
bool foreign(std::string const& kernel) {
  return kernel.starts_with("cub::") || kernel.starts_with("thrust::");
}

// dir is .../kernels/nn/adam.cu.o.budget; kernels are named by file and function.
std::string file_of(fs::path const& dir) {
  std::string name = dir.filename().string();
  return name.substr(0, name.find(".cu"));
}

std::string function_of(Key const& key) { return key.first.substr(key.first.find(": ") + 2); }

int number(std::string const& text) { return std::atoi(text.c_str()); }

void read_ptxas(fs::path const& dir, Table& table) {
  std::ifstream in(dir / "ptxas.log");
  if (!in) stop("cannot read " + (dir / "ptxas.log").string());
  static std::regex const entry(R"(Compiling entry function '([^']+)' for '(sm_\w+)')");
  static std::regex const frame(
      R"((\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads)");
  static std::regex const used(R"(Used (\d+) registers)");
  static std::regex const shared(R"((\d+) bytes smem)");
  Row* row = nullptr;
  std::smatch m;
  for (std::string line; std::getline(in, line);) {
    if (std::regex_search(line, m, entry)) {
      row = nullptr;
      if (foreign(demangled(m[1]))) continue;
      auto const [at, fresh] = table.try_emplace({file_of(dir) + ": " + demangled(m[1]), m[2]});
      if (!fresh) stop("two kernels are called " + at->first.first);
      row = &at->second;
    } else if (row && std::regex_search(line, m, frame)) {
      row->stack = std::max(row->stack, number(m[1]));
      row->spills = std::max(row->spills, number(m[2]) + number(m[3]));
    } else if (row && std::regex_search(line, m, used)) {
      row->registers = number(m[1]);
      if (std::regex_search(line, m, shared)) row->static_shared = number(m[1]);
    }
  }
}

void read_ptx(fs::path const& dir, fs::path const& ptx, Table& table) {
  std::ifstream in(ptx);
  static std::regex const entry(R"(\.entry\s+([\w$]+))");
  static std::regex const threads(R"(\.maxntid\s+(\d+)(?:,\s*(\d+))?(?:,\s*(\d+))?)");
  static std::regex const vector_load(R"(\bld\.global(\.\w+)*\.v4\b)");
  static std::regex const barrier(R"(\b(bar\.sync|barrier\.sync|bar\.warp\.sync)\b)");
  Row* row = nullptr;
  std::smatch m;
  for (std::string line; std::getline(in, line);) {
    if (std::regex_search(line, m, entry)) {
      row = nullptr;
      if (foreign(demangled(m[1]))) continue;
      auto const found = table.find({file_of(dir) + ": " + demangled(m[1]), ptx.stem().string()});
      if (found == table.end()) stop(ptx.string() + ": ptxas never saw " + m[1].str());
      row = &found->second;
    }
    if (!row) continue;
    if (std::regex_search(line, m, threads))
      row->threads = number(m[1]) * std::max(1, number(m[2])) * std::max(1, number(m[3]));
    row->vector_loads += std::regex_search(line, vector_load);
    row->mma += line.find("mma.sync") != std::string::npos;
    row->barriers += std::regex_search(line, barrier);
    row->doubles +=
        line.find(".f64") != std::string::npos && line.find(".reg") == std::string::npos;
    if (line == "}") row = nullptr;
  }
}

// Lines that CUEMU_TRACE=1 writes: "cuemu: launch #1 NAME grid (..) block (x,y,z) smem N: ...".
Launches read_launches(fs::path const& path) {
  std::ifstream in(path);
  if (!in) stop("cannot read " + path.string());
  static std::regex const launch(
      R"(cuemu: launch #\d+ (.*) grid \([^)]*\) block \((\d+),(\d+),(\d+)\) smem (\d+):)");
  Launches launches;
  std::smatch m;
  for (std::string line; std::getline(in, line);) {
    if (!std::regex_search(line, m, launch)) continue;
    Launch& most = launches[short_name(m[1])];
    most.threads = std::max(most.threads, number(m[2]) * number(m[3]) * number(m[4]));
    most.dynamic_shared = std::max(most.dynamic_shared, number(m[5]));
  }
  return launches;
}

// Resident warps per cent on the data-centre chip of that architecture.
int occupancy(std::string const& architecture, Row const& row) {
  cudaOccDeviceProp device{};
  int const capability = number(architecture.substr(3));
  device.computeMajor = capability / 10;
  device.computeMinor = capability % 10;
  device.maxThreadsPerBlock = 1024;
  device.maxThreadsPerMultiprocessor = 2048;
  device.regsPerBlock = device.regsPerMultiprocessor = 65536;
  device.warpSize = 32;
  device.sharedMemPerBlock = 48 * 1024;
  device.sharedMemPerMultiprocessor = (capability >= 90 ? 228 : 164) * 1024;
  device.sharedMemPerBlockOptin = device.sharedMemPerMultiprocessor - 1024;
  device.reservedSharedMemPerBlock = 1024;
  device.numSms = capability >= 90 ? 132 : 108;
  cudaOccFuncAttributes kernel{};
  kernel.maxThreadsPerBlock = 1024;
  kernel.numRegs = row.registers;
  kernel.sharedSizeBytes = static_cast<std::size_t>(row.static_shared);
  kernel.partitionedGCConfig = PARTITIONED_GC_OFF;
  kernel.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
  kernel.maxDynamicSharedSizeBytes = device.sharedMemPerBlockOptin;
  kernel.numBlockBarriers = 1;
  cudaOccDeviceState const state{};
  cudaOccResult result{};
  auto const status = cudaOccMaxActiveBlocksPerMultiprocessor(
      &result, &device, &kernel, &state, row.threads, static_cast<std::size_t>(row.dynamic_shared));
  if (status != CUDA_OCC_SUCCESS) stop("cuda_occupancy.h reports error " + std::to_string(status));
  int const warps = result.activeBlocksPerMultiprocessor * ((row.threads + 31) / 32);
  return warps * 100 / 64;
}

constexpr char kHead[] =
    "| kernel | architecture | threads | registers | static shared B | dynamic shared B | stack B "
    "| spills B "
    "| occupancy % | ld.global.v4 | mma.sync | barriers | f64 |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|---|\n";

void write_table(std::ostream& out, Table const& table, std::string const& compiler) {
  out << "# GPU budget\n\nMade by `tools/gpu_budget`, checked by `tools/gpu_budget --check`; "
         "compiler: "
      << compiler
      << ".\nDynamic shared memory is the largest that a test asks for. Occupancy: resident warps "
         "on an A100 "
         "(sm_80) and an\nH100 (sm_90). The last four columns count PTX instructions.\n\n"
      << kHead;
  for (auto const& [key, r] : table)
    out << "| `" << key.first << "` | " << key.second << " | " << r.threads << " | " << r.registers
        << " | " << r.static_shared << " | " << r.dynamic_shared << " | " << r.stack << " | "
        << r.spills << " | " << r.occupancy << " | " << r.vector_loads << " | " << r.mma << " | "
        << r.barriers << " | " << r.doubles << " |\n";
}

struct Committed {
  Table table;
  std::string compiler;
};

Committed read_table(fs::path const& path) {
  Committed committed;
  std::ifstream in(path);
  std::smatch m;
  static std::regex const compiler(R"(compiler: (.*)\.$)");
  static std::regex const row(R"(^\| `(.*)` \| (sm_\w+) \|(.*)\|$)");
  for (std::string line; std::getline(in, line);) {
    if (std::regex_search(line, m, compiler)) committed.compiler = m[1];
    if (!std::regex_search(line, m, row)) continue;
    Row& r = committed.table[{m[1], m[2]}];
    std::istringstream cells(replaced(m[3], "|", " "));
    cells >> r.threads >> r.registers >> r.static_shared >> r.dynamic_shared >> r.stack >>
        r.spills >> r.occupancy >> r.vector_loads >> r.mma >> r.barriers >> r.doubles;
    if (!cells) stop(path.string() + ": unreadable row for " + m[1].str());
  }
  return committed;
}

// What is wrong with the kernels themselves, whatever the table says.
int over_budget(Table const& table) {
  int wrong = 0;
  auto const complain = [&](Key const& key, int found, char const* what) {
    if (found == 0) return;
    std::cout << "gpu_budget: " << key.first << " (" << key.second << "): " << found << ' ' << what
              << " (needs 0)\n";
    ++wrong;
  };
  for (auto const& [key, r] : table) {
    complain(key, r.spills, "bytes of spills");
    complain(key, r.stack, "bytes of stack");
    complain(key, r.doubles, "double-precision instructions");
  }
  return wrong;
}

// Kernels that the emulator never saw: nothing is known of their memory accesses and barriers.
int unlaunched(Table const& table, Launches const& launches) {
  int wrong = 0;
  for (auto const& [key, r] : table) {
    if (launches.contains(function_of(key))) continue;
    std::cout << "gpu_budget: " << key.first << " (" << key.second << "): launched by no test\n";
    ++wrong;
  }
  return wrong;
}

// What got worse than the committed table, and what it lacks or has too much.
int regressions(Table const& table, Table const& committed) {
  int wrong = 0;
  auto const complain = [&](Key const& key, std::string const& what) {
    std::cout << "gpu_budget: " << key.first << " (" << key.second << "): " << what << '\n';
    ++wrong;
  };
  for (auto const& [key, now] : table) {
    auto const found = committed.find(key);
    if (found == committed.end()) {
      complain(key, "not in the table (run tools/gpu_budget and commit it)");
      continue;
    }
    Row const& then = found->second;
    if (now.registers > then.registers)
      complain(key, std::to_string(now.registers) +
                        " registers (table: " + std::to_string(then.registers) + ")");
    if (now.occupancy < then.occupancy)
      complain(key, "occupancy " + std::to_string(now.occupancy) +
                        " % (table: " + std::to_string(then.occupancy) + " %)");
  }
  std::set<std::string> compiled;  // architectures
  for (auto const& [key, now] : table) compiled.insert(key.second);
  for (auto const& [key, row] : committed)
    if (compiled.contains(key.second) && !table.contains(key))
      complain(key, "in the table, but gone (run tools/gpu_budget and commit it)");
  return wrong;
}

}  // namespace

// gpu_budget write|check TABLE COMPILER LAUNCHES|- DIRECTORY.budget...
int main(int argc, char** argv) {
  if (argc < 6) stop("usage: gpu_budget write|check TABLE COMPILER LAUNCHES|- DIRECTORY.budget...");
  std::string const mode = argv[1], compiler = argv[3], trace = argv[4];
  Committed const committed = read_table(argv[2]);
  Table table;
  for (int i = 5; i < argc; ++i) {
    read_ptxas(argv[i], table);
    for (auto const& file : fs::directory_iterator(argv[i]))
      if (file.path().extension() == ".ptx") read_ptx(argv[i], file.path(), table);
  }
  Launches const launches = trace == "-" ? Launches{} : read_launches(trace);
  for (auto& [key, row] : table) {
    if (auto const found = launches.find(function_of(key)); found != launches.end()) {
      row.dynamic_shared = found->second.dynamic_shared;
      if (row.threads == 0) row.threads = found->second.threads;
    } else if (auto const old = committed.table.find(key);
               trace == "-" && old != committed.table.end()) {
      row.dynamic_shared = old->second.dynamic_shared;
      if (row.threads == 0) row.threads = old->second.threads;
    }
    if (row.threads > 0) row.occupancy = occupancy(key.second, row);
  }
  int wrong = over_budget(table);
  if (trace != "-") wrong += unlaunched(table, launches);
  if (mode == "check") {
    if (committed.compiler == compiler)
      wrong += regressions(table, committed.table);
    else
      std::cout << "gpu_budget: the table was made by " << committed.compiler << ", this is "
                << compiler << ": registers and occupancy are not compared\n";
  } else {
    std::ofstream out(argv[2]);
    write_table(out, table, compiler);
    if (!out) stop(std::string("cannot write ") + argv[2]);
  }
  std::cout << "gpu_budget: " << table.size() << " kernels x architectures, " << wrong
            << " complaints\n";
  return wrong == 0 ? 0 : 1;
}
