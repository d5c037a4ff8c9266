#include <tools/dreamloom/child_process.hpp>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <kernels/core/error.hpp>
#include <sstream>

namespace loom {
namespace {

constexpr char const* kProgram = "/proc/self/exe";
constexpr std::string_view kComplaint = "dreamloom: ";

/// Between fork and exec: system calls only, another thread may have held a lock.
[[noreturn]] void become(char* const* arguments, int messages, pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent) _exit(128 + SIGTERM);  // it died before prctl
  int const null = ::open("/dev/null", O_RDWR);
  bool const connected = null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
                         dup2(null, STDOUT_FILENO) >= 0 && dup2(messages, STDERR_FILENO) >= 0;
  if (connected) execv(kProgram, arguments);
  _exit(127);
}

}  // namespace

ChildProcess::ChildProcess(std::vector<std::string> const& arguments) : messages_(std::tmpfile()) {
  require<IoError>(messages_ != nullptr, "temporary file: ", std::strerror(errno));
  std::vector<std::string> words{"dreamloom"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  pointers.reserve(words.size() + 1);
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  int const messages = fileno(messages_.get());
  pid_t const parent = getpid();
  id_ = fork();
  if (id_ == 0) become(pointers.data(), messages, parent);
  require<IoError>(id_ > 0, "process: ", std::strerror(errno));
}

ChildProcess::~ChildProcess() {
  if (status_) return;
  ::kill(id_, SIGKILL);
  waitpid(id_, nullptr, 0);
}

void ChildProcess::send(int signal) const {
  if (!status_) ::kill(id_, signal);
}

std::optional<int> ChildProcess::poll() {
  int status = 0;
  if (!status_ && waitpid(id_, &status, WNOHANG) == id_) {
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  return status_;
}

std::string ChildProcess::complaint() const {
  // Read from the start; its position is shared with the child, which appends no more.
  std::string text, line, found;
  char piece[4096];
  std::rewind(messages_.get());
  while (std::size_t const n = std::fread(piece, 1, sizeof piece, messages_.get())) {
    text.append(piece, n);
  }
  std::istringstream lines(text);
  while (std::getline(lines, line)) {
    if (line.rfind(kComplaint, 0) == 0) found = line.substr(kComplaint.size());
  }
  return found;
}

}  // namespace loom
