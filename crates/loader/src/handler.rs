//! An invocation: one load, every integration's, or a queue's messages.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json, to_value};

use crate::authomize::Transport;
use crate::event::{Event, Request, parse};
use crate::failure::Failure;
use crate::load::Loader;
use crate::report::Report;
use crate::secret::{Secrets, Tenant};
use crate::store::Store;

/// Answers an invocation: the report, `{"loads": […]}` for the schedule, or
/// `{"batchItemFailures": […], "loads": […]}` for a queue.
///
/// A message is done when its integration's load is finished; others come again, and end in the dead-letter queue.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
///
/// # Errors
/// The event is not usable, or the load of a single integration cannot go on.
pub async fn handle<S, V, C, T>(
    loader: &Loader<S, V, C>,
    prefix: &str,
    event: &Value,
    deadline: Timestamp,
) -> Result<Value, Failure>
where
    S: Store,
    V: Secrets,
    C: Fn(Tenant) -> Result<T, Failure>,
    T: Transport,
{
    match parse(event, prefix)? {
        Event::One(request) => loader
            .load(&request, deadline)
            .await
            .map(|report| answer(&report)),
        Event::Every => {
            let mut loads = Vec::new();
            let mut failed = None;
            for integration in loader.integrations().await? {
                match loader.load(&Request::wake(integration), deadline).await {
                    Ok(report) => loads.push(answer(&report)),
                    // A status without manifests is one of an integration that has only been checked.
                    Err(failure) if failure.kind == "NothingCommitted" => {}
                    Err(failure) => failed = failed.or(Some(failure)),
                }
            }
            failed.map_or(Ok(json!({"loads": loads})), Err)
        }
        Event::Queue(messages) => Ok(queue(loader, messages, deadline).await),
    }
}

async fn queue<S, V, C, T>(
    loader: &Loader<S, V, C>,
    messages: Vec<(String, Result<String, String>)>,
    deadline: Timestamp,
) -> Value
where
    S: Store,
    V: Secrets,
    C: Fn(Tenant) -> Result<T, Failure>,
    T: Transport,
{
    let mut failures = Vec::new();
    let mut by_integration: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (id, integration) in messages {
        match integration {
            Ok(integration) => by_integration.entry(integration).or_default().push(id),
            Err(problem) => {
                tracing::error!(message_id = id, problem, "a message is not usable");
                failures.push(id);
            }
        }
    }
    let mut loads = Vec::new();
    for (integration, ids) in by_integration {
        match loader.load(&Request::wake(integration), deadline).await {
            Ok(report) => {
                if report.go_on {
                    failures.extend(ids);
                }
                loads.push(answer(&report));
            }
            Err(failure) => {
                tracing::error!(
                    kind = failure.kind,
                    error = failure.message,
                    "the load cannot go on"
                );
                failures.extend(ids);
            }
        }
    }
    let failures: Vec<Value> = failures
        .into_iter()
        .map(|id| json!({"itemIdentifier": id}))
        .collect();
    json!({"batchItemFailures": failures, "loads": loads})
}

fn answer(report: &Report) -> Value {
    let told = to_value(report).expect("plain structs with text keys always serialize");
    tracing::info!(report = %told, outcome = ?report.outcome, "a load has ended");
    told
}
