//! A bucket in memory, and what kills a loader at a chosen step.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use loader::authomize::{Answer, Call, Transport};
use loader::failure::Failure;
use loader::store::{Expect, Store, Tagged};
use tokio::sync::Notify;

/// Counts steps down; at zero the loader stops for ever, and whoever waits is told.
#[derive(Clone)]
pub struct Fuse(Arc<(AtomicI64, Notify)>);

impl Fuse {
    pub fn after(steps: i64) -> Self {
        Self(Arc::new((AtomicI64::new(steps), Notify::new())))
    }

    pub fn never() -> Self {
        Self::after(i64::MAX)
    }

    async fn step(&self) {
        if self.0.0.fetch_sub(1, Ordering::SeqCst) <= 0 {
            self.0.1.notify_one();
            std::future::pending::<()>().await;
        }
    }

    pub async fn blown(&self) {
        self.0.1.notified().await;
    }
}

pub type Objects = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

#[derive(Clone)]
pub struct Memory {
    pub objects: Objects,
    pub fuse: Fuse,
    /// Keys that were read, listed or written, in order.
    pub seen: Arc<Mutex<Vec<String>>>,
}

impl Memory {
    pub fn new(objects: Objects, fuse: Fuse) -> Self {
        Self {
            objects,
            fuse,
            seen: Arc::default(),
        }
    }

    fn see(&self, what: &str, key: &str) {
        self.seen.lock().unwrap().push(format!("{what} {key}"));
    }
}

fn tag(body: &[u8]) -> String {
    reader::sha256(body)
}

impl Store for Memory {
    async fn get(&self, key: &str) -> Result<Option<Tagged>, Failure> {
        self.fuse.step().await;
        self.see("get", key);
        let objects = self.objects.lock().unwrap();
        Ok(objects.get(key).map(|body| Tagged {
            body: body.clone().into(),
            tag: tag(body),
        }))
    }

    async fn put(
        &self,
        key: &str,
        body: Bytes,
        expect: Expect<'_>,
    ) -> Result<Option<String>, Failure> {
        self.fuse.step().await;
        assert!(key.contains("/loads/"), "the loader writes {key}");
        self.see("put", key);
        let written = {
            let mut objects = self.objects.lock().unwrap();
            let there = objects.get(key).map(|body| tag(body));
            let holds = match expect {
                Expect::Anything => true,
                Expect::Absent => there.is_none(),
                Expect::Tag(tag) => there.as_deref() == Some(tag),
            };
            if holds {
                objects.insert(key.to_owned(), body.to_vec());
            }
            holds.then(|| tag(&body))
        };
        self.fuse.step().await;
        Ok(written)
    }

    async fn list(&self, prefix: &str, after: &str) -> Result<Vec<String>, Failure> {
        self.fuse.step().await;
        self.see("list", prefix);
        let objects = self.objects.lock().unwrap();
        let keys = objects
            .keys()
            .filter(|key| key.starts_with(prefix) && key.as_str() > after);
        Ok(keys.cloned().collect())
    }
}

/// A transport that may be killed before a request, or before its answer; each request may take simulated time.
pub struct Killable<T> {
    pub inner: T,
    pub fuse: Fuse,
    pub clock_ms: Arc<AtomicI64>,
    pub request_ms: i64,
}

impl<T: Transport> Transport for Killable<T> {
    async fn send(&self, call: &Call) -> Result<Answer, String> {
        self.fuse.step().await;
        let answer = self.inner.send(call).await;
        self.clock_ms.fetch_add(self.request_ms, Ordering::SeqCst);
        self.fuse.step().await;
        answer
    }

    async fn send_into(
        &self,
        call: &Call,
        sink: &mut (dyn std::io::Write + Send),
    ) -> Result<Answer, String> {
        self.fuse.step().await;
        let answer = self.inner.send_into(call, sink).await;
        self.clock_ms.fetch_add(self.request_ms, Ordering::SeqCst);
        self.fuse.step().await;
        answer
    }
}
