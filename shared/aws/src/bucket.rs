//! The bucket: bytes under names, whole.

use crate::error::{BUCKET, Resource};
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectError;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_runtime_api::client::result::SdkError;
use lattice_model::Hash;
use lattice_ports::PortError;

/// The bucket.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    client: Client,
    name: String,
}

impl Bucket {
    pub(crate) fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    fn resource(&self) -> Resource<'_> {
        Resource {
            port: BUCKET,
            name: &self.name,
            setting: "LATTICE_BUCKET",
        }
    }

    /// Writes an object, also over one that is the same: what is written begins its time anew, so a
    /// lifecycle rule that removes old objects never takes what a young run needs.
    pub(crate) async fn put(&self, place: &str, body: Vec<u8>) -> Result<(), PortError> {
        let put = self.client.put_object().bucket(&self.name).key(place);
        let sent = put.body(ByteStream::from(body)).send().await;
        sent.map_err(|error| self.resource().error(&error))?;
        Ok(())
    }

    /// Reads an object; `None` if there is none.
    pub(crate) async fn get(&self, place: &str) -> Result<Option<Vec<u8>>, PortError> {
        let get = self.client.get_object().bucket(&self.name).key(place);
        let output = match get.send().await {
            Ok(output) => output,
            Err(SdkError::ServiceError(error))
                if matches!(error.err(), GetObjectError::NoSuchKey(_)) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(self.resource().error(&error)),
        };
        let body = output.body.collect().await.map_err(|error| {
            let reason = format!("`{place}` broke off: {error}");
            self.resource().unavailable(reason)
        })?;
        Ok(Some(body.to_vec()))
    }

    /// Reads what is named by its hash, and checks that it is.
    pub(crate) async fn named(
        &self,
        what: &str,
        place: &str,
        hash: Hash,
        help: &str,
    ) -> Result<Vec<u8>, PortError> {
        let Some(body) = self.get(place).await? else {
            return Err(PortError::Missing {
                port: BUCKET,
                name: format!("{what} {hash}"),
                help: help.to_owned(),
            });
        };
        named_rightly(what, hash, &body)?;
        Ok(body)
    }
}

/// The bytes are those that the hash names.
pub(crate) fn named_rightly(what: &str, name: Hash, body: &[u8]) -> Result<(), PortError> {
    let real = Hash::of(body);
    if real == name {
        return Ok(());
    }
    let (name, real) = (name.short(), real.short());
    Err(crate::error::corrupt(
        BUCKET,
        format!("the {what} `{name}` hashes to `{real}`"),
    ))
}
