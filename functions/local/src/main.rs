//! The binary `lattice`. All of it stands in the library, so that the kill harness can start the same
//! program.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    lattice::main()
}
