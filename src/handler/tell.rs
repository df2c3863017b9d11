//! What the status object is told of a run.

use jiff::Timestamp;

use super::{Failure, Handler, Run, org_url};
use crate::authomize::rfc3339;
use crate::secret::Secrets;
use crate::status::{self, Status, Trouble};
use crate::store::{Store, StoreError};

impl<S: Store, V: Secrets> Handler<S, V> {
    pub(super) fn status_of(&self, run: &Run) -> Status {
        Status {
            schema: 1,
            integration: run.integration.slug.clone(),
            name: run.integration.name.clone(),
            org: Some(org_url(&run.integration)),
            owner: run.integration.owner.clone(),
            run: run.id.clone(),
            request_id: run.request_id.clone(),
            mode: run.mode.word().to_owned(),
            ..Status::default()
        }
    }

    pub(super) async fn tell_failure(&self, failure: &Failure, status: Status) {
        let now = self.clock.now();
        let error = Some(Trouble { kind: failure.kind.to_owned(), message: failure.message.clone() });
        if let Err(error) = self.tell(Status { outcome: "error".to_owned(), error, ..status }, now).await {
            tracing::warn!(%error, "the status object could not be written");
        }
    }

    /// Writes the status if it is news; what a failed run does not know is taken from the last one.
    pub(super) async fn tell(&self, mut status: Status, now: Timestamp) -> Result<(), StoreError> {
        let last = status::last(&self.store, &self.config.prefix, &status.integration).await?;
        status.updated_at = rfc3339(now);
        if status.outcome == "succeeded" {
            status.last_success_at = Some(status.updated_at.clone());
        } else if let Some(last) = &last {
            status.last_success_at.clone_from(&last.last_success_at);
        }
        if let Some(last) = last.as_ref().filter(|_| status.error.is_some()) {
            status.sequence = last.sequence;
            status.streams.clone_from(&last.streams);
            status.org = status.org.or_else(|| last.org.clone());
            if status.name.is_empty() {
                status.name.clone_from(&last.name);
            }
        }
        if status.is_news(last.as_ref(), now) {
            status.loads = status::loads(&self.store, &self.config.prefix, &status.integration).await;
            status::write(&self.store, &self.config.prefix, &status).await?;
        }
        Ok(())
    }
}
