//! The cloud test as a whole: engine, programs, stack, paths, judge.

use crate::clock::Clock;
use crate::deploy::{
    AUDIENCE, Admin, Build, CODE_BUCKET, FUNCTIONS, Issuer, Stack, TENANT_CLAIM, pack,
};
use crate::drive::{self, PATHS, PROVIDER_KEY, Parts, Report, World, Wrong, wrong};
use crate::engine::{self, Engine, Source};
use crate::proxy::Proxy;
use crate::stay;
use lattice_model_server::{ModelServer, Options as ModelOptions};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The template, from the root of the repository.
pub const TEMPLATE: &str = "infra/template.yaml";
/// The stack's name.
const STACK: &str = "lattice-cloud-test";
/// The model behind every size.
const MODEL: &str = "test-model";

/// What is to be done.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Only these paths; all if there are none.
    pub paths: Vec<String>,
    /// Count what a step costs, and write it here.
    pub counts: Option<PathBuf>,
    /// Build the functions as they are deployed.
    pub release: bool,
    /// The template.
    pub template: PathBuf,
    /// Take the programs from here.
    pub programs: Option<PathBuf>,
}

/// The root of the repository.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.ancestors().nth(2);
    root.unwrap_or(package).to_owned()
}

/// Finds an engine, or starts one.
pub fn engine() -> Result<Engine, Wrong> {
    Engine::find().map_err(|error| Wrong::Found(error.to_string()))
}

/// Deploys, and keeps everything up for whoever wants to try something, until it is interrupted.
pub async fn stay(engine: &Engine, options: &Options, folder: &Path) -> Result<(), Wrong> {
    let (world, _) = deployed(engine, options).await?;
    stay::stay(&world, folder).await
}

/// Does it all on this engine.
pub async fn test(engine: &Engine, options: &Options) -> Result<Report, Wrong> {
    if let Some(unknown) = options
        .paths
        .iter()
        .find(|name| PATHS.iter().all(|path| path.name != **name))
    {
        let names: Vec<_> = PATHS.iter().map(|path| path.name).collect();
        return wrong(format!(
            "there is no path `{unknown}`; the paths are {}",
            names.join(", ")
        ));
    }
    if engine.source() == Source::Container {
        return wrong(
            "the paths need an engine that runs on this machine, where the proxy and the model server \
             can be reached; the suites can be run against a container",
        );
    }
    let (world, deployed_ms) = deployed(engine, options).await?;
    let paths = drive::drive(&world, &options.paths).await;
    let measured = match &options.counts {
        Some(_) => Some(drive::measure(&world).await?),
        None => None,
    };
    if let (Some(file), Some(measured)) = (&options.counts, &measured) {
        let text = serde_json::to_string_pretty(measured).unwrap_or_default();
        std::fs::write(root().join(file), text + "\n")
            .map_err(|error| Wrong::Io("the counts cannot be written", error))?;
    }
    Ok(Report {
        engine: format!("{} ({:?})", engine.endpoint(), engine.source()),
        deployed_ms,
        paths,
        verdict: drive::judge(&world).await?,
        measured,
    })
}

/// Everything that is driven, and how long its deployment took.
async fn deployed(engine: &Engine, options: &Options) -> Result<(World, u64), Wrong> {
    let root = root();
    let programs = match (&options.programs, options.release) {
        (Some(folder), _) => FUNCTIONS.map(|name| (name, folder.join(name))).to_vec(),
        (None, true) => Build::Release.run(&root)?,
        (None, false) => Build::Dev.run(&root)?,
    };
    let endpoint = engine.endpoint();
    let began = Instant::now();
    let world = world(endpoint, &root.join(&options.template), &programs).await?;
    let deployed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    eprintln!("   deployed in {deployed_ms} ms on {endpoint}");
    Ok((world, deployed_ms))
}

/// Deploys the template with everything around it.
async fn world(
    endpoint: &str,
    template: &Path,
    programs: &[(&'static str, PathBuf)],
) -> Result<World, Wrong> {
    let admin = Admin::new(endpoint)?;
    upload(&admin, programs).await?;
    let issuer = Issuer::start().await?;
    let models = ModelServer::start(ModelOptions::default())
        .await
        .map_err(|error| Wrong::Io("no model server", error))?;
    let secret = format!("{STACK}/provider-key");
    let known = [
        ("Stage", "dev".to_owned()),
        ("JwtIssuer", issuer.url().to_owned()),
        ("JwtAudience", AUDIENCE.to_owned()),
        ("JwtTenantClaim", TENANT_CLAIM.to_owned()),
        ("JwksUrl", issuer.keys_url()),
        ("Provider", "openai-compatible".to_owned()),
        ("ProviderBaseUrl", models.base_url()),
        ("ProviderKeySecret", secret.clone()),
        ("ModelSmall", MODEL.to_owned()),
        ("ModelMedium", MODEL.to_owned()),
        ("ModelLarge", MODEL.to_owned()),
        ("LogLevel", "info".to_owned()),
    ];
    let asked = json!({"Name": secret, "SecretString": PROVIDER_KEY, "ClientRequestToken": "0123456789012345678901234567890123"});
    admin.json("secretsmanager.CreateSecret", &asked).await?;
    let text = std::fs::read_to_string(template)
        .map_err(|error| Wrong::Io("the template cannot be read", error))?;
    let stack = Stack::deploy(&admin, STACK, &text, &known).await?;
    let proxy = Proxy::new(endpoint)?;
    for function in FUNCTIONS {
        let door = proxy.door(function).await;
        let door = door.map_err(|error| Wrong::Io("no door for a function", error))?;
        stack
            .change(function, &[("AWS_ENDPOINT_URL", Some(&door))])
            .await?;
    }
    let stream = programs.iter().find(|(name, _)| *name == "stream");
    let stream_program = stream.map(|(_, path)| path.clone()).unwrap_or_default();
    World::new(Parts {
        admin,
        stack,
        issuer,
        proxy,
        models,
        stream_program,
        clock: Clock::of_this_process(),
    })
    .await
}

/// Packs the programs and puts them where the template's functions are taken from.
async fn upload(admin: &Admin, programs: &[(&'static str, PathBuf)]) -> Result<(), Wrong> {
    let folder = tempfile::tempdir();
    let folder = folder.map_err(|error| Wrong::Io("no temporary folder", error))?;
    admin.put(&format!("/{CODE_BUCKET}"), Vec::new()).await?;
    for (function, program) in programs {
        let zip = pack(program, folder.path())?;
        admin
            .put(&format!("/{CODE_BUCKET}/{function}.zip"), zip)
            .await?;
    }
    Ok(())
}

/// The lane `cloud`: the adapters' suites, the test of `lattice doctor --stack` and the cloud test, on
/// one engine.
pub async fn check() -> Result<bool, Wrong> {
    let engine = engine()?;
    let mut suites = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    suites
        .args(["nextest", "run", "--locked", "--workspace"])
        .args(["--filterset", "package(lattice-cloud) or binary(doctor)"])
        .env(engine::ENDPOINT, engine.endpoint())
        .current_dir(root());
    let status = suites
        .status()
        .map_err(|error| Wrong::Io("cargo nextest", error))?;
    if !status.success() {
        return wrong("the suites failed; the failures are listed above by name");
    }
    // The build of all tests, of which this program is a part, has the functions too.
    let program = std::env::current_exe().map_err(|error| Wrong::Io("this program", error))?;
    let options = Options {
        template: TEMPLATE.into(),
        programs: program.parent().map(Path::to_owned),
        ..Options::default()
    };
    let report = test(&engine, &options).await?;
    eprint!("{}", report.table());
    Ok(report.holds())
}
