//! The bootstrap as a process.

#[test]
fn without_its_settings_it_names_each_of_them_and_ends() {
    lattice_runtime::names_what_is_not_set(env!("CARGO_BIN_EXE_signal").as_ref());
}
