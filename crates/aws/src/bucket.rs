//! Objects in S3: get, list, and put under a condition.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;

use crate::cause::causes;

/// The longest that an object's body may take to arrive.
const LONGEST_BODY: Duration = Duration::from_secs(30);

/// An object with the tag of its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// The content as stored.
    pub body: Bytes,
    /// S3's `ETag`.
    pub tag: String,
}

/// The condition under which an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect<'a> {
    /// Nothing.
    Anything,
    /// There is no such object.
    Absent,
    /// Its version has this tag.
    Tag(&'a str),
}

/// Why the bucket refused. The text has place and cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum S3Trouble {
    /// It will not, until somebody changes something: no such bucket, no permission.
    Refused(String),
    /// It did not answer properly, repeatedly.
    Unreachable(String),
    /// The condition of a put does not hold: the object is there, or is another version by now.
    Unexpected,
    /// Somebody is writing the object at this moment: the same put again may succeed.
    Conflict,
}

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

    /// Reads an object, `None` if there is no such key.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
    ///
    /// # Errors
    /// [`S3Trouble::Refused`] and [`S3Trouble::Unreachable`].
    pub async fn fetch(&self, key: &str) -> Result<Option<Tagged>, S3Trouble> {
        let object = match self
            .client
            .get_object()
            .bucket(&self.name)
            .key(key)
            .send()
            .await
        {
            Ok(object) => object,
            Err(error) if error.code() == Some("NoSuchKey") => return Ok(None),
            Err(error) => return Err(self.explain(key, &error)),
        };
        // The SDK's own limits end where the body begins.
        let unreachable =
            |why: &str| S3Trouble::Unreachable(format!("s3://{}/{key}: {why}", self.name));
        let tag = object.e_tag.unwrap_or_default();
        match tokio::time::timeout(LONGEST_BODY, object.body.collect()).await {
            Ok(Ok(body)) => Ok(Some(Tagged {
                body: body.into_bytes(),
                tag,
            })),
            Ok(Err(error)) => Err(unreachable(&causes(&error))),
            Err(_) => Err(unreachable("the object did not arrive in time")),
        }
    }

    /// Writes an object and returns its new tag.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
    ///
    /// # Errors
    /// Every [`S3Trouble`]; nothing was written then, as far as S3 said so.
    pub async fn write(
        &self,
        key: &str,
        body: Bytes,
        content_type: &str,
        expect: Expect<'_>,
    ) -> Result<String, S3Trouble> {
        let request = self
            .client
            .put_object()
            .bucket(&self.name)
            .key(key)
            .content_type(content_type);
        let request = match expect {
            Expect::Anything => request,
            Expect::Absent => request.if_none_match("*"),
            Expect::Tag(tag) => request.if_match(tag),
        };
        match request.body(ByteStream::from(body)).send().await {
            Ok(written) => Ok(written.e_tag.unwrap_or_default()),
            Err(error) => Err(match (expect, status(&error)) {
                (Expect::Anything, _) => self.explain(key, &error),
                (_, Some(412)) => S3Trouble::Unexpected,
                (_, Some(409)) => S3Trouble::Conflict,
                // The object whose version was expected is gone. A bucket that is gone says so by its code.
                (Expect::Tag(_), Some(404)) if error.code() != Some("NoSuchBucket") => {
                    S3Trouble::Unexpected
                }
                _ => self.explain(key, &error),
            }),
        }
    }

    /// Keys under `prefix` that sort after `after`, in order.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html>
    ///
    /// # Errors
    /// [`S3Trouble::Refused`] and [`S3Trouble::Unreachable`].
    pub async fn keys(&self, prefix: &str, after: &str) -> Result<Vec<String>, S3Trouble> {
        let request = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(prefix)
            .start_after(after);
        let mut pages = request.into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| self.explain(prefix, &error))?;
            keys.extend(
                page.contents
                    .unwrap_or_default()
                    .into_iter()
                    .filter_map(|object| object.key),
            );
        }
        Ok(keys)
    }

    fn explain<E: ProvideErrorMetadata + std::error::Error + 'static>(
        &self,
        key: &str,
        error: &SdkError<E>,
    ) -> S3Trouble {
        let code = error
            .code()
            .map(|code| format!("{code}: "))
            .unwrap_or_default();
        let text = format!("s3://{}/{key}: {code}{}", self.name, causes(error));
        match status(error) {
            Some(status) if (300..500).contains(&status) && status != 408 && status != 429 => {
                S3Trouble::Refused(text)
            }
            _ => S3Trouble::Unreachable(text),
        }
    }
}

fn status<E>(error: &SdkError<E>) -> Option<u16> {
    error
        .raw_response()
        .map(|response| response.status().as_u16())
}
