#include <tools/dreamloom/cli.hpp>

int main(int argc, char** argv) { return loom::run_program(argc, argv); }
