//! The `sidestream` program: hands the command line over and turns the end into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    sidestream::cli::main()
}
