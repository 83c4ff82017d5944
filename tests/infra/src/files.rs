//! Where things lie in the repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// The root of the repository.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let above = here.parent().and_then(|tests| tests.parent());
    above.map_or(here.clone(), PathBuf::from)
}

/// The names of the pages in `docs/runbooks`, without their ending; the list of them is no page.
pub fn runbooks() -> BTreeSet<String> {
    let folder = fs::read_dir(root().join("docs/runbooks"));
    let names = folder.into_iter().flatten().flatten();
    let names = names.map(|file| file.file_name().to_string_lossy().into_owned());
    names
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .filter(|name| name != "README")
        .collect()
}
