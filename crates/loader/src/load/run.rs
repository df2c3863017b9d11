//! One load of one integration, from its first request to its end.

use fold::History;
use jiff::Timestamp;

use super::posting::Course;
use super::{End, Ended, Loader, Next, Work};
use crate::authomize::{Api, Transport};
use crate::event::Request;
use crate::failure::Failure;
use crate::purge::{Reason, Removals};
use crate::record::Held;
use crate::report::{Outcome, Report};
use crate::secret::{Secrets, Tenant, parse};
use crate::status::Status;
use crate::store::Store;
use crate::usage::Carried;

/// One load of one integration.
pub(super) struct Load<'a, S, V, C> {
    pub(super) loader: &'a Loader<S, V, C>,
    pub(super) request: &'a Request,
    pub(super) held: Held,
    pub(super) history: History,
    pub(super) carried: Carried,
    pub(super) removals: Removals,
    pub(super) status: Option<Status>,
    pub(super) doubts: Vec<Reason>,
    pub(super) all: bool,
    pub(super) began: Timestamp,
    pub(super) deadline: Timestamp,
    pub(super) work: Work,
}

impl<S, V, C, T> Load<'_, S, V, C>
where
    S: Store,
    V: Secrets,
    C: Fn(Tenant) -> Result<T, Failure>,
    T: Transport,
{
    pub(super) fn place(&self) -> (&str, &str) {
        (&self.loader.settings.prefix, &self.request.integration)
    }

    pub(super) async fn run(mut self) -> Result<Ended, Failure> {
        let settings = &self.loader.settings;
        let clock = self.loader.clock.clone();
        let secret = self.loader.secrets.read(&settings.secret_id).await?;
        let tenant = parse(&settings.secret_id, &secret, &settings.api_url)?;
        let host = tenant.url.origin().ascii_serialization();
        let transport = (self.loader.connect)(tenant)?;
        let mut api = Api::new(&transport, clock.clone(), settings.pause, self.deadline);
        let left = clock.until(self.deadline);
        // A batch or an answer that is under way then is given up: the next invocation asks for it again.
        let work = tokio::time::timeout(left, Box::pin(self.work(&mut api, &host))).await;
        let ended = work.unwrap_or(Err(End::OutOfTime));
        let report = match ended {
            Ok(()) => self.finished(),
            Err(End::TakenOver) => self.report(Outcome::Partial, true),
            Err(End::OutOfTime) => {
                self.leave().await?;
                self.report(Outcome::Partial, true)
            }
            Err(End::Failed(failure)) => {
                if failure.kind == "AppGone" {
                    self.held.record.app_id = None;
                }
                self.leave().await?;
                return Err(failure);
            }
        };
        let report = Report {
            requests: api.requests,
            bytes: api.bytes,
            duration_ms: clock.elapsed_ms(self.began),
            ..report
        };
        let next = self.next(&report);
        Ok(Ended { report, next })
    }

    fn finished(&self) -> Report {
        let outcome = self.outcome(&self.reasons());
        let now = self.loader.clock.now();
        let disturbed = self.held.record.disturbed_until;
        let go_on = self.work.took_posted || disturbed.is_some_and(|until| until <= now);
        self.report(outcome, go_on)
    }

    fn next(&self, report: &Report) -> Next {
        if report.outcome == Outcome::Partial {
            Next::Nothing
        } else if self.work.took_posted {
            Next::PostAgain
        } else if !self.all && report.removals_pending > 0 {
            Next::PurgeIfDue
        } else {
            Next::Nothing
        }
    }

    /// Records that this loader sends nothing more: the next one need not wait for it.
    async fn leave(&mut self) -> Result<(), Failure> {
        let now = self.loader.clock.now();
        if let Some(under_way) = &mut self.held.record.under_way {
            under_way.until = now;
            self.held.write(&self.loader.store).await?;
        }
        Ok(())
    }

    async fn work(&mut self, api: &mut Api<'_, T>, host: &str) -> Result<(), End> {
        self.lease(host, self.deadline).await?;
        let app = self.app(api).await?;
        let history = self.history.until(self.under_way().sequence);
        let loaded = self.held.record.sequence;
        let id = &app.app_id;
        self.post(api, id, Course::Named, &history, loaded).await?;
        let mut reached = history.newest();
        if self.all {
            reached = self.catch_up(api, id, reached).await?;
            self.purge(api, &app, reached).await?;
        } else if self.history.newest() > reached {
            // The manifests of the unfinished load are in; the newer ones follow.
            let history = self.history.clone();
            self.post(api, id, Course::Newer, &history, reached).await?;
            reached = history.newest();
        }
        self.close(api, reached).await
    }
}
