//! Objects of the bucket: get, list, and put under a condition.

use std::future::Future;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use reader::{Directory, Objects};

use crate::failure::Failure;

/// An object with the tag of its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// The content as stored.
    pub body: Bytes,
    /// S3's `ETag`.
    pub tag: String,
}

/// What must hold for an object to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect<'a> {
    /// Nothing.
    Anything,
    /// There is no such object.
    Absent,
    /// Its version has this tag.
    Tag(&'a str),
}

/// A bucket, or something like one.
pub trait Store: Clone + Send + Sync + 'static {
    /// Reads an object, `None` if there is no such key.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Tagged>, Failure>> + Send;
    /// Writes an object and returns its new tag, or `None` if the expectation does not hold.
    fn put(
        &self,
        key: &str,
        body: Bytes,
        expect: Expect<'_>,
    ) -> impl Future<Output = Result<Option<String>, Failure>> + Send;
    /// Keys under `prefix` that sort after `after`, in order.
    fn list(&self, prefix: &str, after: &str) -> impl Future<Output = Result<Vec<String>, Failure>> + Send;
}

/// A bucket in S3.
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
    ) -> Failure {
        let text = format!("s3://{}/{key}: {}", self.name, DisplayErrorContext(error));
        match status(error) {
            Some(status) if (300..500).contains(&status) && status != 408 && status != 429 => Failure::new(
                "BucketRefused",
                format!(
                    "the bucket denied access ({text}): check BUCKET, and that the role allows s3:ListBucket on it, s3:GetObject on data/, manifests/, status/, heads/ and loads/, and s3:PutObject on loads/"
                ),
            ),
            _ => Failure::new(
                "BucketUnreachable",
                format!("the bucket did not answer ({text}); usually transient, the next invocation retries"),
            ),
        }
    }
}

fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error.raw_response().map(|response| response.status().as_u16())
}

impl Store for Bucket {
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
    async fn get(&self, key: &str) -> Result<Option<Tagged>, Failure> {
        let object = match self.client.get_object().bucket(&self.name).key(key).send().await {
            Ok(object) => object,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(self.explain(key, &error)),
        };
        let tag = object.e_tag.unwrap_or_default();
        let body = object.body.collect().await.map_err(|error| {
            Failure::new("BucketUnreachable", format!("s3://{}/{key} broke off: {error}", self.name))
        })?;
        Ok(Some(Tagged { body: body.into_bytes(), tag }))
    }

    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
    async fn put(&self, key: &str, body: Bytes, expect: Expect<'_>) -> Result<Option<String>, Failure> {
        let mut request = self.client.put_object().bucket(&self.name).key(key).body(ByteStream::from(body));
        match expect {
            Expect::Anything => {}
            Expect::Absent => request = request.if_none_match("*"),
            Expect::Tag(tag) => request = request.if_match(tag),
        }
        match request.send().await {
            Ok(written) => Ok(Some(written.e_tag.unwrap_or_default())),
            // 404: the object whose version was expected is gone. 409: another write is in progress.
            Err(error) if expect != Expect::Anything && matches!(status(&error), Some(404 | 409 | 412)) => Ok(None),
            Err(error) => Err(self.explain(key, &error)),
        }
    }

    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>
    async fn list(&self, prefix: &str, after: &str) -> Result<Vec<String>, Failure> {
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

/// A directory with a copy of the bucket: keys are relative paths. For `make load`; conditions hold within this
/// process only.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    writing: Arc<Mutex<()>>,
}

impl Folder {
    /// The directory at this path.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        Self { root, writing: Arc::default() }
    }

    fn tagged(&self, key: &str) -> Result<Option<Tagged>, Failure> {
        let body = self.open()?.get(key).map_err(|error| self.unreadable(key, &*error))?;
        Ok(body.map(|body| Tagged { tag: reader::sha256(&body), body: body.into() }))
    }

    fn open(&self) -> Result<Directory, Failure> {
        Directory::open(&self.root).map_err(|error| self.unreadable("", &error))
    }

    fn unreadable(&self, key: &str, error: &dyn std::error::Error) -> Failure {
        Failure::new("BucketRefused", format!("{}: {error}", self.root.join(key).display()))
    }

    fn write(&self, key: &str, body: &[u8]) -> std::io::Result<()> {
        let path = self.root.join(key);
        if !Path::new(key).components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(std::io::Error::other("is no key"));
        }
        let folder = path.parent().unwrap_or(&self.root);
        std::fs::create_dir_all(folder)?;
        let mut file = tempfile::NamedTempFile::with_prefix_in(".", folder)?;
        std::io::Write::write_all(&mut file, body)?;
        file.persist(path)?;
        Ok(())
    }
}

impl Store for Folder {
    async fn get(&self, key: &str) -> Result<Option<Tagged>, Failure> {
        self.tagged(key)
    }

    async fn put(&self, key: &str, body: Bytes, expect: Expect<'_>) -> Result<Option<String>, Failure> {
        let _writing = self.writing.lock().expect("nothing panics while it holds this lock");
        let there = self.tagged(key)?.map(|there| there.tag);
        let holds = match expect {
            Expect::Anything => true,
            Expect::Absent => there.is_none(),
            Expect::Tag(tag) => there.as_deref() == Some(tag),
        };
        if !holds {
            return Ok(None);
        }
        self.write(key, &body).map_err(|error| self.unreadable(key, &error))?;
        Ok(Some(reader::sha256(&body)))
    }

    async fn list(&self, prefix: &str, after: &str) -> Result<Vec<String>, Failure> {
        let mut keys = self.open()?.list(prefix).map_err(|error| self.unreadable(prefix, &*error))?;
        keys.retain(|key| key.as_str() > after);
        keys.sort();
        Ok(keys)
    }
}
