//! An engine in a container: any image that speaks AWS's interfaces on port 4566, as LocalStack
//! does.

use super::{Engine, EngineError, Source};
use std::collections::HashMap;
use std::process::{Child, Command, Stdio};
use testcontainers::bollard::models::PortBinding;
use testcontainers::core::{IntoContainerPort, WaitFor};
use testcontainers::runners::SyncRunner;
use testcontainers::{Container, GenericImage, ImageExt, TestcontainersError};

/// The port on which such images serve.
const PORT: u16 = 4566;

/// Removes the container when nobody holds the other end of its input any more: nothing else would,
/// once this process was killed.
const WATCH: &str = r#"cat >/dev/null; exec docker rm --force --volumes "$1""#;

/// Starts a container; it need not answer yet.
pub(super) fn start(image: &str) -> Result<Engine, EngineError> {
    let failed = |reason: String| EngineError::Container {
        image: image.to_owned(),
        reason,
    };
    let named = image.to_owned();
    // The runner brings a runtime of its own, which must not begin inside of a test's.
    let started = std::thread::spawn(move || launch(&named)).join();
    let started = started.map_err(|_| failed("its starter panicked".to_owned()))?;
    let (container, port) = started.map_err(|error| failed(error.to_string()))?;
    let watch = watch(container.id()).map_err(|error| failed(format!("no watch: {error}")))?;
    // It outlives this value: the watch removes it.
    std::mem::forget(container);
    Ok(Engine {
        // Not what the runner calls its host: that may be an address of its own network.
        endpoint: format!("http://127.0.0.1:{port}"),
        source: Source::Container,
        log: None,
        watch: Some(watch),
    })
}

fn launch(image: &str) -> Result<(Container<GenericImage>, u16), TestcontainersError> {
    let (name, tag) = match image.rsplit_once(':') {
        // A registry's port has a path behind it.
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (image, "latest"),
    };
    let container = GenericImage::new(name, tag)
        .with_exposed_port(PORT.tcp())
        .with_wait_for(WaitFor::seconds(0))
        .with_host_config_modifier(|host| {
            let binding = PortBinding {
                host_ip: Some("127.0.0.1".to_owned()),
                host_port: None,
            };
            let bindings = HashMap::from([(format!("{PORT}/tcp"), Some(vec![binding]))]);
            host.port_bindings = Some(bindings);
            host.publish_all_ports = Some(false);
        })
        .start()?;
    let port = container.get_host_port_ipv4(PORT.tcp())?;
    Ok((container, port))
}

fn watch(id: &str) -> std::io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", WATCH, "watch", id])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}
