//! S3, as far as the rest knows it: create if absent, replace if unchanged, put, get, list.

use std::fmt;
use std::future::Future;

pub use aws::Bucket;
use aws::{Expect, S3Trouble};
use bytes::Bytes;

/// Objects by key.
pub trait Store: Clone + Send + Sync + 'static {
    /// Creates an object unless there is one already.
    fn create(
        &self,
        key: &str,
        body: Bytes,
        kind: ContentType,
    ) -> impl Future<Output = Result<Creation, StoreError>> + Send;
    /// Writes an object, replacing an existing one.
    fn put(
        &self,
        key: &str,
        body: Bytes,
        kind: ContentType,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
    /// Writes an object in place of the version that was read, `None` for no object at all: [`Creation::Exists`] if
    /// there is another one by now, which stays as it is.
    fn replace(
        &self,
        key: &str,
        body: Bytes,
        kind: ContentType,
        read: Option<&Version>,
    ) -> impl Future<Output = Result<Creation, StoreError>> + Send;
    /// Reads an object with its version; `None` if there is none.
    fn read(
        &self,
        key: &str,
    ) -> impl Future<Output = Result<Option<(Bytes, Version)>, StoreError>> + Send;
    /// Reads an object, or `None` if there is none.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;
    /// Keys under `prefix` that sort after `after`, in order.
    fn list(
        &self,
        prefix: &str,
        after: &str,
    ) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;
}

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
pub enum ContentType {
    /// Gzip-compressed JSON Lines.
    Batch,
    /// A JSON document.
    Json,
    /// A page for people.
    Html,
}

impl ContentType {
    fn content_type(self) -> &'static str {
        match self {
            Self::Batch => "application/gzip",
            Self::Json => "application/json",
            Self::Html => "text/html; charset=utf-8",
        }
    }
}

/// Why the bucket refused.
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
            Self::Unreachable(text) => write!(
                f,
                "the bucket cannot be reached: {text}; the next run tries again; if it stays so, check, in a VPC, that its subnets reach S3 by an endpoint or a NAT gateway"
            ),
        }
    }
}

impl std::error::Error for StoreError {}

/// A condition that was not set cannot fail; if S3 says so all the same, it does not answer properly.
fn explain(trouble: S3Trouble) -> StoreError {
    match trouble {
        S3Trouble::Refused(text) => StoreError::Refused(text),
        S3Trouble::Unreachable(text) => StoreError::Unreachable(text),
        S3Trouble::Unexpected | S3Trouble::Conflict => {
            StoreError::Unreachable("a condition failed that was not set".to_owned())
        }
    }
}

impl Store for Bucket {
    async fn create(
        &self,
        key: &str,
        body: Bytes,
        kind: ContentType,
    ) -> Result<Creation, StoreError> {
        self.replace(key, body, kind, None).await
    }

    async fn replace(
        &self,
        key: &str,
        body: Bytes,
        kind: ContentType,
        read: Option<&Version>,
    ) -> Result<Creation, StoreError> {
        let expect = read.map_or(Expect::Absent, |Version(tag)| Expect::Tag(tag));
        match self.write(key, body, kind.content_type(), expect).await {
            Ok(_) => Ok(Creation::Created),
            Err(S3Trouble::Unexpected) => Ok(Creation::Exists),
            Err(S3Trouble::Conflict) => Ok(Creation::Conflict),
            Err(trouble) => Err(explain(trouble)),
        }
    }

    async fn put(&self, key: &str, body: Bytes, kind: ContentType) -> Result<(), StoreError> {
        self.write(key, body, kind.content_type(), Expect::Anything)
            .await
            .map(drop)
            .map_err(explain)
    }

    async fn read(&self, key: &str) -> Result<Option<(Bytes, Version)>, StoreError> {
        let object = self.fetch(key).await.map_err(explain)?;
        Ok(object.map(|object| (object.body, Version(object.tag))))
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        Ok(self.read(key).await?.map(|(body, _)| body))
    }

    async fn list(&self, prefix: &str, after: &str) -> Result<Vec<String>, StoreError> {
        self.keys(prefix, after).await.map_err(explain)
    }
}
