//! A bucket in memory that can be told to fail.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use okta_authomize::store::{ContentType, Creation, Store, StoreError, Version};

/// What is done to the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Create,
    Put,
    Get,
    List,
}

/// What happens instead.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It is refused and has no effect.
    Refused,
    /// It has its effect, but the answer is lost.
    AnswerLost,
    /// Somebody is creating it at this moment.
    Conflict,
}

type Decide = Box<dyn FnMut(Act, &str) -> Option<Fault> + Send>;

#[derive(Clone, Default)]
pub struct Memory {
    pub objects: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    decide: Arc<Mutex<Option<Decide>>>,
}

impl Memory {
    /// From now on `decide` says what goes wrong.
    pub fn fail(&self, decide: impl FnMut(Act, &str) -> Option<Fault> + Send + 'static) {
        *self.decide.lock().unwrap() = Some(Box::new(decide));
    }

    pub fn heal(&self) {
        *self.decide.lock().unwrap() = None;
    }

    pub fn keys(&self, prefix: &str) -> Vec<String> {
        self.objects
            .lock()
            .unwrap()
            .keys()
            .filter(|key| key.starts_with(prefix))
            .cloned()
            .collect()
    }

    pub fn json(&self, key: &str) -> serde_json::Value {
        let objects = self.objects.lock().unwrap();
        let body = objects
            .get(key)
            .unwrap_or_else(|| panic!("there is no {key} among {:?}", objects.keys()));
        serde_json::from_slice(body).unwrap()
    }

    pub fn remove(&self, key: &str) {
        self.objects
            .lock()
            .unwrap()
            .remove(key)
            .unwrap_or_else(|| panic!("there is no {key}"));
    }

    pub fn write(&self, key: &str, body: &[u8]) {
        self.objects
            .lock()
            .unwrap()
            .insert(key.to_owned(), body.to_vec());
    }

    /// What happens instead of the act, and the error that it answers with.
    fn fault(&self, act: Act, key: &str) -> (Option<Fault>, StoreError) {
        let fault = self
            .decide
            .lock()
            .unwrap()
            .as_mut()
            .and_then(|decide| decide(act, key));
        let error = match fault {
            Some(Fault::Refused) => StoreError::Refused(format!("{act:?} {key}: 403")),
            _ => StoreError::Unreachable(format!("{act:?} {key}: the connection was reset")),
        };
        (fault, error)
    }
}

fn version(body: &[u8]) -> Version {
    Version(reader::sha256(body))
}

impl Store for Memory {
    async fn create(&self, key: &str, body: Bytes, _: ContentType) -> Result<Creation, StoreError> {
        let (fault, error) = self.fault(Act::Create, key);
        match fault {
            Some(Fault::Refused) => return Err(error),
            Some(Fault::Conflict) => return Ok(Creation::Conflict),
            _ => {}
        }
        let mut objects = self.objects.lock().unwrap();
        let there = objects.contains_key(key);
        if !there {
            objects.insert(key.to_owned(), body.to_vec());
        }
        match fault {
            // The SDK repeats a request whose answer was lost, and meets its own object.
            Some(Fault::AnswerLost) => Ok(Creation::Exists),
            _ => Ok(if there {
                Creation::Exists
            } else {
                Creation::Created
            }),
        }
    }

    async fn put(&self, key: &str, body: Bytes, _: ContentType) -> Result<(), StoreError> {
        let (fault, error) = self.fault(Act::Put, key);
        if let Some(Fault::Refused) = fault {
            return Err(error);
        }
        self.write(key, &body);
        if fault.is_some() { Err(error) } else { Ok(()) }
    }

    async fn replace(
        &self,
        key: &str,
        body: Bytes,
        _: ContentType,
        read: Option<&Version>,
    ) -> Result<Creation, StoreError> {
        let (fault, error) = self.fault(Act::Put, key);
        match fault {
            Some(Fault::Refused) => return Err(error),
            Some(Fault::Conflict) => return Ok(Creation::Conflict),
            _ => {}
        }
        let mut objects = self.objects.lock().unwrap();
        if objects.get(key).map(|body| version(body)).as_ref() != read {
            return Ok(Creation::Exists);
        }
        objects.insert(key.to_owned(), body.to_vec());
        if fault.is_some() {
            Err(error)
        } else {
            Ok(Creation::Created)
        }
    }

    async fn read(&self, key: &str) -> Result<Option<(Bytes, Version)>, StoreError> {
        Ok(self
            .get(key)
            .await?
            .map(|body| (body.clone(), version(&body))))
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        match self.fault(Act::Get, key) {
            (Some(_), error) => Err(error),
            (None, _) => Ok(self
                .objects
                .lock()
                .unwrap()
                .get(key)
                .cloned()
                .map(Bytes::from)),
        }
    }

    async fn list(&self, prefix: &str, after: &str) -> Result<Vec<String>, StoreError> {
        match self.fault(Act::List, prefix) {
            (Some(_), error) => Err(error),
            (None, _) => Ok(self
                .keys(prefix)
                .into_iter()
                .filter(|key| key.as_str() > after)
                .collect()),
        }
    }
}
