//! The `geodes` binary: hands its arguments to the library and exits with the documented code.

#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    geodes::cli::main()
}
