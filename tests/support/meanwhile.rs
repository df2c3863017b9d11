//! What happens to an org while it is read.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_org::Org;
use tokio::task::JoinHandle;

/// As soon as the org has answered `count` requests of `template`, `act` is done to it, once.
pub fn after(
    org: &Arc<Mutex<Org>>,
    template: &'static str,
    count: u64,
    act: impl FnOnce(&mut Org) + Send + 'static,
) -> JoinHandle<()> {
    let org = Arc::clone(org);
    tokio::spawn(async move {
        while org.lock().unwrap().counts().of(template) < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        act(&mut org.lock().unwrap());
    })
}
