//! Lets the real clients judge the exports.
mod documents;
mod mcp;
mod mock;

type Failure = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().map(String::as_str) == Some("mcp-server") { return Ok(mcp::serve()?); }
    let mock = mock::Mock::start(8377).await?;
    let me = std::env::current_exe()?.display().to_string();
    let all = documents::all(&me, &format!("{}/mcp", mock.url()))?;
    for (name, document) in all.iter().filter(|(n, _)| n == "everything") {
        for t in lattice_export::Target::ALL {
            let e = lattice_export::export(document, *t).map_err(|p| format!("{name}: {p:?}"))?;
            for (p, b) in e.files { let f = std::path::Path::new("/tmp/y2c/ex2").join(t.word()).join(p); std::fs::create_dir_all(f.parent().unwrap())?; std::fs::write(f, b)?; }
            println!("{} {:?}", e.launch, e.warnings.len());
        }
    }
    loop { tokio::time::sleep(std::time::Duration::from_millis(300)).await;
      for (p, b) in mock.take() { use std::io::Write; let mut f = std::fs::OpenOptions::new().create(true).append(true).open("/tmp/y2c/mock.log")?; writeln!(f, "{}", serde_json::json!([p, b]))?; } }
}
