//! Objects of the bucket: get, list, and put under a condition.

use std::future::Future;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use aws::S3Trouble;
pub use aws::{Bucket, Expect, Tagged};
use bytes::Bytes;
use reader::{Directory, Objects};

use crate::failure::Failure;

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
    fn list(
        &self,
        prefix: &str,
        after: &str,
    ) -> impl Future<Output = Result<Vec<String>, Failure>> + Send;
}

impl From<S3Trouble> for Failure {
    fn from(trouble: S3Trouble) -> Self {
        match trouble {
            S3Trouble::Refused(text) => Self::new(
                "BucketRefused",
                format!(
                    "the bucket denied access ({text}): check BUCKET, and that the role allows s3:ListBucket on it, s3:GetObject on data/, manifests/, status/, heads/ and loads/, and s3:PutObject on loads/"
                ),
            ),
            S3Trouble::Unreachable(text) => Self::new(
                "BucketUnreachable",
                format!(
                    "the bucket did not answer ({text}); usually transient, the next invocation retries"
                ),
            ),
            S3Trouble::Unexpected | S3Trouble::Conflict => Self::new(
                "BucketUnreachable",
                "the bucket says that a condition failed which was not set; the next invocation retries",
            ),
        }
    }
}

impl Store for Bucket {
    async fn get(&self, key: &str) -> Result<Option<Tagged>, Failure> {
        Ok(self.fetch(key).await?)
    }

    async fn put(
        &self,
        key: &str,
        body: Bytes,
        expect: Expect<'_>,
    ) -> Result<Option<String>, Failure> {
        let content_type = if key.ends_with(".json") {
            "application/json"
        } else {
            "application/gzip"
        };
        match self.write(key, body, content_type, expect).await {
            Ok(tag) => Ok(Some(tag)),
            // Another write in progress is another writer.
            Err(S3Trouble::Unexpected | S3Trouble::Conflict) if expect != Expect::Anything => {
                Ok(None)
            }
            Err(trouble) => Err(trouble.into()),
        }
    }

    async fn list(&self, prefix: &str, after: &str) -> Result<Vec<String>, Failure> {
        Ok(self.keys(prefix, after).await?)
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
        Self {
            root,
            writing: Arc::default(),
        }
    }

    fn tagged(&self, key: &str) -> Result<Option<Tagged>, Failure> {
        let body = self
            .open()?
            .get(key)
            .map_err(|error| self.unreadable(key, &*error))?;
        Ok(body.map(|body| Tagged {
            tag: reader::sha256(&body),
            body: body.into(),
        }))
    }

    fn open(&self) -> Result<Directory, Failure> {
        Directory::open(&self.root).map_err(|error| self.unreadable("", &error))
    }

    fn unreadable(&self, key: &str, error: &dyn std::error::Error) -> Failure {
        Failure::new(
            "BucketRefused",
            format!("{}: {error}", self.root.join(key).display()),
        )
    }

    fn write(&self, key: &str, body: &[u8]) -> std::io::Result<()> {
        let path = self.root.join(key);
        if !Path::new(key)
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
        {
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

    async fn put(
        &self,
        key: &str,
        body: Bytes,
        expect: Expect<'_>,
    ) -> Result<Option<String>, Failure> {
        let _writing = self
            .writing
            .lock()
            .expect("nothing panics while it holds this lock");
        let there = self.tagged(key)?.map(|there| there.tag);
        let holds = match expect {
            Expect::Anything => true,
            Expect::Absent => there.is_none(),
            Expect::Tag(tag) => there.as_deref() == Some(tag),
        };
        if !holds {
            return Ok(None);
        }
        self.write(key, &body)
            .map_err(|error| self.unreadable(key, &error))?;
        Ok(Some(reader::sha256(&body)))
    }

    async fn list(&self, prefix: &str, after: &str) -> Result<Vec<String>, Failure> {
        let mut keys = self
            .open()?
            .list(prefix)
            .map_err(|error| self.unreadable(prefix, &*error))?;
        keys.retain(|key| key.as_str() > after);
        keys.sort();
        Ok(keys)
    }
}
