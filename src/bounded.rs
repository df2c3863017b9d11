//! A bucket for what is left of a run: no call outlasts it, so that the run ends in words and not by Lambda's hand.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use crate::clock::Clock;
use crate::store::{ContentType, Creation, Store, StoreError, Version};

/// A bucket whose calls end by a time.
#[derive(Debug, Clone)]
pub struct Bounded<S> {
    store: S,
    clock: Clock,
    until: Timestamp,
}

impl<S: Store> Bounded<S> {
    /// The bucket `store` until then.
    pub fn new(store: S, clock: Clock, until: Timestamp) -> Self {
        Self {
            store,
            clock,
            until,
        }
    }

    async fn within<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let left = self.until.duration_since(self.clock.now());
        let left = Duration::try_from(left).unwrap_or_default();
        tokio::time::timeout(left, call).await.unwrap_or_else(|_| {
            let text = "it did not answer in the time that was left of the run";
            Err(StoreError::Unreachable(text.to_owned()))
        })
    }
}

impl<S: Store> Store for Bounded<S> {
    async fn create(
        &self,
        key: &str,
        body: Bytes,
        kind: ContentType,
    ) -> Result<Creation, StoreError> {
        self.within(self.store.create(key, body, kind)).await
    }

    async fn put(&self, key: &str, body: Bytes, kind: ContentType) -> Result<(), StoreError> {
        self.within(self.store.put(key, body, kind)).await
    }

    async fn replace(
        &self,
        key: &str,
        body: Bytes,
        kind: ContentType,
        read: Option<&Version>,
    ) -> Result<Creation, StoreError> {
        self.within(self.store.replace(key, body, kind, read)).await
    }

    async fn read(&self, key: &str) -> Result<Option<(Bytes, Version)>, StoreError> {
        self.within(self.store.read(key)).await
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        self.within(self.store.get(key)).await
    }

    async fn list(&self, prefix: &str, after: &str) -> Result<Vec<String>, StoreError> {
        self.within(self.store.list(prefix, after)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;
    use std::time::Instant;

    /// A bucket that never answers.
    #[derive(Debug, Clone)]
    struct Silent;

    impl Store for Silent {
        async fn create(&self, _: &str, _: Bytes, _: ContentType) -> Result<Creation, StoreError> {
            pending().await
        }
        async fn put(&self, _: &str, _: Bytes, _: ContentType) -> Result<(), StoreError> {
            pending().await
        }
        async fn replace(
            &self,
            _: &str,
            _: Bytes,
            _: ContentType,
            _: Option<&Version>,
        ) -> Result<Creation, StoreError> {
            pending().await
        }
        async fn read(&self, _: &str) -> Result<Option<(Bytes, Version)>, StoreError> {
            pending().await
        }
        async fn get(&self, _: &str) -> Result<Option<Bytes>, StoreError> {
            pending().await
        }
        async fn list(&self, _: &str, _: &str) -> Result<Vec<String>, StoreError> {
            pending().await
        }
    }

    #[tokio::test]
    async fn no_call_outlasts_the_run() {
        let now = Timestamp::UNIX_EPOCH;
        for left_ms in [40, -1_000] {
            let until = now + jiff::SignedDuration::from_millis(left_ms);
            let store = Bounded::new(Silent, Clock::new(move || now), until);
            let began = Instant::now();
            let kind = ContentType::Json;
            let told = [
                store.create("k", Bytes::new(), kind).await.err(),
                store.put("k", Bytes::new(), kind).await.err(),
                store.replace("k", Bytes::new(), kind, None).await.err(),
                store.read("k").await.err(),
                store.get("k").await.err(),
                store.list("k", "").await.err(),
            ];
            assert!(
                told.iter()
                    .all(|error| matches!(error, Some(StoreError::Unreachable(_)))),
                "{told:?}"
            );
            assert!(began.elapsed() < Duration::from_secs(10));
        }
    }
}
