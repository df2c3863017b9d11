//! `/_fake/…`: what a program that only has HTTP may ask of the fake itself. Not counted, not limited.

use serde_json::{Value, json};

use crate::faults::Failure;
use crate::message::{Request, Response};
use crate::org::Org;

/// Answers a request under `/_fake/`; `None` for all others.
pub(crate) fn answer(org: &mut Org, request: &Request) -> Option<Response> {
    let action = request.path.strip_prefix("/_fake/")?;
    org.live();
    Some(match (request.method.as_str(), action) {
        ("GET", "counts") => json_of(&org.counts),
        ("GET", "state") => json_of(&org.state()),
        ("POST", "reset-counts") => {
            org.reset_counts();
            json_of(&json!({}))
        }
        ("POST", "burst") => {
            org.burst();
            json_of(&json!({}))
        }
        ("POST", "fail") => match plan(org, &request.body) {
            Some(()) => json_of(&json!({})),
            None => Response::new(
                400,
                "text/plain",
                "expected {\"match\": \"GET /path\", \"times\": 1, \"failure\": {\"status\": 500}}",
            ),
        },
        _ => Response::new(
            404,
            "text/plain",
            "unknown: counts, state, reset-counts, fail, burst",
        ),
    })
}

fn json_of(value: &impl serde::Serialize) -> Response {
    serde_json::to_vec(value).map_or_else(
        |error| Response::new(500, "text/plain", error.to_string()),
        Response::json,
    )
}

fn plan(org: &mut Org, body: &[u8]) -> Option<()> {
    let plan: Value = serde_json::from_slice(body).ok()?;
    let failure = failure(&plan["failure"])?;
    org.fail(
        plan["match"].as_str()?,
        plan["times"].as_u64().unwrap_or(1),
        failure,
    );
    Some(())
}

/// `"reset"`, `"truncate"`, `"not_json"`, `{"html": 502}`, `{"stall_ms": 100}`, `{"status": 500, "body": {…}}` or
/// `{"rate_limited": {"limit": 0, "reset_in_seconds": 60}}`.
fn failure(plan: &Value) -> Option<Failure> {
    match plan.as_str() {
        Some("reset") => return Some(Failure::Reset),
        Some("truncate") => return Some(Failure::Truncate),
        Some("not_json") => return Some(Failure::NotJson),
        _ => {}
    }
    let status = |value: &Value| value.as_u64().and_then(|status| u16::try_from(status).ok());
    if let Some(limited) = plan.get("rate_limited") {
        let reset_in_seconds = limited["reset_in_seconds"].as_i64().unwrap_or(60);
        return Some(Failure::RateLimited {
            limit: limited["limit"].as_u64().unwrap_or(1),
            reset_in_seconds,
        });
    }
    if let Some(html) = plan.get("html") {
        return status(html).map(Failure::Html);
    }
    if let Some(ms) = plan["stall_ms"].as_u64() {
        return Some(Failure::Stall(ms));
    }
    status(&plan["status"]).map(|status| Failure::Status(status, plan["body"].to_string()))
}
