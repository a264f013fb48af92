//! The `sidestream` program: hands the command line over and turns the end into an exit code.

use std::process::ExitCode;

/// A slice is born on one thread and dies on another; this allocator is made for that (docs/benchmarks.md has what it saves).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    sidestream::cli::main()
}
