//! A gate before an org: requests and answers change on their way through it.

use std::sync::Arc;
use std::time::Duration;

use fake_org::{Request, Response};

use super::http::{self, Endpoint};
use super::rig::Rig;

/// From its next start on, the rig's function connects to the gate.
pub async fn before(
    rig: &mut Rig,
    inwards: impl Fn(&mut Request) + Send + Sync + 'static,
    outwards: impl Fn(&Request, &mut Response) + Send + Sync + 'static,
) -> Endpoint {
    let org = Arc::clone(&rig.org);
    let gate = http::serve(move |mut request: Request| {
        inwards(&mut request);
        let mut org = org.lock().unwrap();
        let mut response = org.answer(&request);
        let latency = Duration::from_millis(org.options.latency_ms);
        outwards(&request, &mut response);
        async move {
            if !latency.is_zero() {
                tokio::time::sleep(latency).await;
            }
            response
        }
    })
    .await;
    rig.url.clone_from(&gate.url);
    gate
}

/// Pages hold this many objects at most, and links say so: it makes a small org one of many pages.
pub async fn capping(rig: &mut Rig, most: u32) -> Endpoint {
    before(rig, move |request| cap(request, most), |_, _| ()).await
}

/// Asks for pages of this size, whatever was asked for.
pub fn cap(request: &mut Request, most: u32) {
    let pairs = request
        .query
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("limit="));
    let limit = format!("limit={most}");
    request.query = pairs.chain([limit.as_str()]).collect::<Vec<_>>().join("&");
}
