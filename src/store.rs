//! S3, as far as the rest knows it: create if absent, replace if unchanged, put, get, list.

use std::fmt;
use std::future::Future;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use crate::cause::causes;

/// Objects by key.
pub trait Store: Clone + Send + Sync + 'static {
    /// Creates an object unless there is one already.
    fn create(&self, key: &str, body: Bytes, kind: Kind) -> impl Future<Output = Result<Creation, StoreError>> + Send;
    /// Writes an object, replacing what was there.
    fn put(&self, key: &str, body: Bytes, kind: Kind) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Writes an object in place of the version that was read, `None` for no object at all: [`Creation::Exists`] if
    /// there is another one by now, which stays as it is.
    fn replace(
        &self,
        key: &str,
        body: Bytes,
        kind: Kind,
        read: Option<&Version>,
    ) -> impl Future<Output = Result<Creation, StoreError>> + Send;
    /// Reads an object with its version; `None` if there is none.
    fn read(&self, key: &str) -> impl Future<Output = Result<Option<(Bytes, Version)>, StoreError>> + Send;
    /// Reads an object, or `None` if there is none.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;
    /// Keys under `prefix` that sort after `after`, in order.
    fn list(&self, prefix: &str, after: &str) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;
}

/// The longest that an object's body may take to arrive.
const LONGEST_BODY: Duration = Duration::from_secs(30);

/// The version of an object: S3's `ETag`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(pub String);

/// The outcome of a [`Store::create`] or [`Store::replace`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// The object is there now.
    Created,
    /// There was one already, or another one; it is as it was.
    Exists,
    /// Somebody is writing it at this moment: try again.
    Conflict,
}

/// Content type of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Gzip-compressed JSON Lines.
    Batch,
    /// A JSON document.
    Json,
    /// A page for people.
    Html,
}

impl Kind {
    fn content_type(self) -> &'static str {
        match self {
            Self::Batch => "application/gzip",
            Self::Json => "application/json",
            Self::Html => "text/html; charset=utf-8",
        }
    }
}

/// Why the bucket did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// It will not, until somebody changes something: no such bucket, no permission.
    Refused(String),
    /// It did not answer properly, repeatedly.
    Unreachable(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(text) => write!(
                f,
                "the bucket denied access ({text}): check BUCKET, and that the function's role allows s3:ListBucket on it and s3:GetObject and s3:PutObject under PREFIX; if it is encrypted with a KMS key, kms:GenerateDataKey and kms:Decrypt on that key, which must be enabled"
            ),
            Self::Unreachable(text) => write!(f, "the bucket cannot be reached: {text}"),
        }
    }
}

impl std::error::Error for StoreError {}

/// A bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    client: Client,
    name: String,
}

impl Bucket {
    /// The bucket of this name.
    #[must_use]
    pub fn new(client: Client, name: String) -> Self {
        Self { client, name }
    }

    fn explain<E: ProvideErrorMetadata + std::error::Error + 'static>(
        &self,
        key: &str,
        error: &SdkError<E>,
    ) -> StoreError {
        let code = error.code().map(|code| format!("{code}: ")).unwrap_or_default();
        let text = format!("s3://{}/{key}: {code}{}", self.name, causes(error));
        match status(error) {
            Some(status) if (300..500).contains(&status) && status != 408 && status != 429 => StoreError::Refused(text),
            _ => StoreError::Unreachable(text),
        }
    }
}

fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

impl Store for Bucket {
    async fn create(&self, key: &str, body: Bytes, kind: Kind) -> Result<Creation, StoreError> {
        self.replace(key, body, kind, None).await
    }

    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
    async fn replace(
        &self,
        key: &str,
        body: Bytes,
        kind: Kind,
        read: Option<&Version>,
    ) -> Result<Creation, StoreError> {
        let request = self.client.put_object().bucket(&self.name).key(key).content_type(kind.content_type());
        let request = match read {
            None => request.if_none_match("*"),
            Some(Version(tag)) => request.if_match(tag),
        };
        match request.body(ByteStream::from(body)).send().await {
            Ok(_) => Ok(Creation::Created),
            Err(error) => match status(&error) {
                Some(412) => Ok(Creation::Exists),
                Some(409) => Ok(Creation::Conflict),
                // The object that was read is gone: a missing bucket has another code.
                Some(404) if read.is_some() && error.code() == Some("NoSuchKey") => Ok(Creation::Exists),
                _ => Err(self.explain(key, &error)),
            },
        }
    }

    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>
    async fn put(&self, key: &str, body: Bytes, kind: Kind) -> Result<(), StoreError> {
        let request = self.client.put_object().bucket(&self.name).key(key).content_type(kind.content_type());
        let sent = request.body(ByteStream::from(body)).send().await;
        sent.map(drop).map_err(|error| self.explain(key, &error))
    }

    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
    async fn read(&self, key: &str) -> Result<Option<(Bytes, Version)>, StoreError> {
        let object = match self.client.get_object().bucket(&self.name).key(key).send().await {
            Ok(object) => object,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(self.explain(key, &error)),
        };
        let version = Version(object.e_tag.unwrap_or_default());
        // The SDK's own limits end where the body begins.
        let unreachable = |why: &str| StoreError::Unreachable(format!("s3://{}/{key}: {why}", self.name));
        match tokio::time::timeout(LONGEST_BODY, object.body.collect()).await {
            Ok(Ok(body)) => Ok(Some((body.into_bytes(), version))),
            Ok(Err(error)) => Err(unreachable(&causes(&error))),
            Err(_) => Err(unreachable("the object did not arrive in time")),
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.read(key).await?.map(|(body, _)| body))
    }

    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>
    async fn list(&self, prefix: &str, after: &str) -> Result<Vec<String>, StoreError> {
        let request = self.client.list_objects_v2().bucket(&self.name).prefix(prefix).start_after(after);
        let mut pages = request.into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.explain(prefix, &error))?;
            keys.extend(page.contents.unwrap_or_default().into_iter().filter_map(|object| object.key));
        }
        Ok(keys)
    }
}
