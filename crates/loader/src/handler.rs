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
/// `{"batchItemFailures": […], "loads": […], "failed": […]}` for a queue.
///
/// A message is done when its integration's load is finished; others come again, and end in the dead-letter queue.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>
///
/// # Errors
/// The event is not usable, or a load cannot go on; `LoadsFailed` if several cannot.
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
    let deadline = loader.deadline(deadline);
    match parse(event, prefix)? {
        Event::One(request) => loader
            .load(&request, deadline)
            .await
            .map(|report| answer(&report)),
        Event::Every => every(loader, deadline).await,
        Event::Queue(messages) => Ok(queue(loader, messages, deadline).await),
    }
}

/// A load that could not go on.
struct Failed {
    integration: String,
    failure: Failure,
}

impl Failed {
    fn log(integration: String, failure: Failure) -> Self {
        tracing::error!(
            integration,
            kind = failure.kind,
            error = failure.message,
            "the load cannot go on"
        );
        Self {
            integration,
            failure,
        }
    }

    fn answer(&self) -> Value {
        let Failure { kind, message } = &self.failure;
        json!({"integration": self.integration, "errorType": kind, "errorMessage": message})
    }
}

/// Loads every integration. One that fails costs itself; all that failed are named in the error.
async fn every<S, V, C, T>(loader: &Loader<S, V, C>, deadline: Timestamp) -> Result<Value, Failure>
where
    S: Store,
    V: Secrets,
    C: Fn(Tenant) -> Result<T, Failure>,
    T: Transport,
{
    let (mut loads, mut failed) = (Vec::new(), Vec::new());
    for integration in loader.integrations().await? {
        match loader
            .load(&Request::wake(integration.clone()), deadline)
            .await
        {
            Ok(report) => loads.push(answer(&report)),
            // A status without manifests is one of an integration that has only been checked.
            Err(failure) if failure.kind == "NothingCommitted" => {}
            Err(failure) => failed.push(Failed::log(integration, failure)),
        }
    }
    match failed.as_slice() {
        [] => Ok(json!({"loads": loads})),
        [
            Failed {
                integration,
                failure: Failure { kind, message },
            },
        ] => Err(Failure::new(
            kind,
            format!("integration {integration}: {message}"),
        )),
        several => {
            let each = several.iter().map(
                |Failed {
                     integration,
                     failure,
                 }| { format!("integration {integration}: {failure}") },
            );
            let each = each.collect::<Vec<_>>().join("; ");
            let (failed, all) = (several.len(), several.len() + loads.len());
            Err(Failure::new(
                "LoadsFailed",
                format!("{failed} of {all} integrations failed: {each}"),
            ))
        }
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
    let (mut loads, mut failed) = (Vec::new(), Vec::new());
    for (integration, ids) in by_integration {
        match loader
            .load(&Request::wake(integration.clone()), deadline)
            .await
        {
            Ok(report) => {
                if report.go_on {
                    failures.extend(ids);
                }
                loads.push(answer(&report));
            }
            Err(failure) => {
                failed.push(Failed::log(integration, failure).answer());
                failures.extend(ids);
            }
        }
    }
    let failures: Vec<Value> = failures
        .into_iter()
        .map(|id| json!({"itemIdentifier": id}))
        .collect();
    json!({"batchItemFailures": failures, "loads": loads, "failed": failed})
}

fn answer(report: &Report) -> Value {
    let told = to_value(report).expect("plain structs with text keys always serialize");
    tracing::info!(report = %told, outcome = ?report.outcome, "a load has ended");
    told
}
