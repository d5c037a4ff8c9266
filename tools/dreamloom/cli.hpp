#pragma once
// The program behind main: reads the command line, runs one command, turns errors into one line.

namespace loom {

/// The exit status: 0; 2 for bad input (arguments, recipes, names, shapes); 1 for what fails at run
/// time; 128 + n when signal n ended a training run.
int run_program(int argc, char const* const* argv);

}  // namespace loom
