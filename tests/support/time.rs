//! One time for the function and its org.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fake_org::Org;
use jiff::{SignedDuration, Timestamp};
use okta_authomize::clock::Clock;
use okta_authomize::config::Config;
use okta_authomize::handler::{Handler, Invocation};
use okta_authomize::invocation::Report;
use okta_authomize::okta::http_client;
use serde_json::Value;
use tokio::task::{AbortHandle, yield_now};

use super::rig::Rig;

/// Where the org's time is stopped.
pub const START: &str = "2026-11-23T18:00:00Z";
const STEP: Duration = Duration::from_millis(20);
/// Looks at the sockets within a step: enough for several exchanges.
const LOOKS_A_STEP: usize = 20;

/// From now on the function's time is the org's, which stands until it is moved.
pub fn stop(rig: &mut Rig, settings: &[(&str, &str)]) {
    stop_apart(rig, settings, SignedDuration::ZERO);
}

/// As [`stop`], but the function's clock is fast by `ahead`.
pub fn stop_apart(rig: &mut Rig, settings: &[(&str, &str)], ahead: SignedDuration) {
    rig.org().set_now(START.parse().unwrap());
    let given = [
        ("BUCKET", "acme-okta"),
        ("SECRET_ID", "okta/acme"),
        ("RATE_LIMIT_SHARE", "100"),
        ("OKTA_ENDPOINT_URL", &rig.url),
    ];
    let setting = |name: &str| {
        settings
            .iter()
            .chain(&given)
            .find(|(key, _)| *key == name)
            .map(|(_, value)| *value)
    };
    let config = Config::read(|name| setting(name).map(str::to_owned)).unwrap();
    let org = Arc::clone(&rig.org);
    let clock = Clock::new(move || org.lock().unwrap().now() + ahead);
    let (store, secrets, backoff) = (
        rig.store.clone(),
        rig.secrets.clone(),
        Duration::from_millis(10),
    );
    rig.handler = Handler::new(
        config,
        clock,
        http_client().unwrap(),
        store,
        secrets,
        backoff,
    );
}

/// As [`stop`], but time flows, some hundred times as fast as elsewhere, until what is returned is dropped.
pub fn hurry(rig: &mut Rig, settings: &[(&str, &str)]) -> Flow {
    stop(rig, settings);
    flow(rig)
}

/// Lets a time that was stopped flow again.
pub fn flow(rig: &Rig) -> Flow {
    tokio::time::pause();
    Flow(tokio::spawn(run(Arc::clone(&rig.org))).abort_handle())
}

pub struct Flow(AbortHandle);

impl Drop for Flow {
    fn drop(&mut self) {
        self.0.abort();
        tokio::time::resume();
    }
}

async fn run(org: Arc<Mutex<Org>>) {
    loop {
        // While this task is awake, tokio's paused clock does not jump to the next timer by itself.
        for _ in 0..LOOKS_A_STEP {
            yield_now().await;
        }
        org.lock().unwrap().advance(STEP.try_into().unwrap());
        tokio::time::advance(STEP).await;
    }
}

/// Runs with a deadline by the org's time.
pub async fn ask(rig: &Rig, event: Value, time: SignedDuration) -> Report {
    let deadline: Timestamp = rig.org().now() + time;
    rig.handler
        .run(
            &event,
            &Invocation {
                request_id: "r-1".into(),
                deadline,
            },
        )
        .await
        .unwrap()
}
