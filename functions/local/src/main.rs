//! The binary `lattice`. All of it stands in the library, so that the kill harness can start the same
//! program.

fn main() -> std::process::ExitCode {
    lattice::main()
}
