//! One load of one integration, from its plan or its first request to its end.

use std::time::Duration;

use fold::History;
use jiff::Timestamp;

use super::{End, Loader, Work};
use crate::authomize::{Api, Transport};
use crate::decide::shrunk;
use crate::emit::{Emission, Wanted};
use crate::event::Request;
use crate::failure::Failure;
use crate::gather::gather;
use crate::record::{Held, Record};
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
    pub(super) status: Option<Status>,
    pub(super) doubts: Vec<String>,
    pub(super) all: bool,
    pub(super) began: Timestamp,
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

    pub(super) async fn plan(mut self) -> Result<Report, Failure> {
        let loaded = self.held.record.sequence;
        let gathered = gather(
            &self.loader.store,
            self.place(),
            &self.history,
            loaded,
            &self.carried,
        )
        .await?;
        let wanted = if self.all {
            Wanted::All
        } else {
            Wanted::Changed
        };
        let mut emission = Emission::new(&gathered.spill, wanted);
        let (mut requests, mut bytes) = (0, 0);
        while let Some(batch) = emission.next_batch()? {
            requests += 1;
            bytes += fold::body(&batch.items).len() as u64;
            crate::report::count(&mut self.work.posted, batch.kind, batch.items.len() as u64);
        }
        self.work.items = emission.items.clone();
        self.work.left_out = emission.left_out;
        self.work.held = self.doubts.clone();
        self.work.held.extend(gathered.gaps);
        self.work.held.extend(shrunk(
            self.held.record.swept_items.as_ref(),
            &self.work.items,
        ));
        let record = Record {
            removals_pending: emission.removed,
            sequence: self.history.newest(),
            ..self.held.record.clone()
        };
        let report = self.report(&record, Outcome::Succeeded, false);
        Ok(Report {
            requests,
            bytes,
            duration_ms: self.loader.elapsed(self.began),
            ..report
        })
    }

    pub(super) async fn run(mut self, deadline: Timestamp) -> Result<Report, Failure> {
        let settings = &self.loader.settings;
        let secret = self.loader.secrets.read(&settings.secret_id).await?;
        let tenant = parse(&settings.secret_id, &secret, &settings.api_url)?;
        let host = tenant.url.origin().ascii_serialization();
        let transport = (self.loader.connect)(tenant)?;
        let mut api = Api::new(
            &transport,
            self.loader.clock.clone(),
            settings.pause,
            deadline,
        );
        let left =
            Duration::try_from(deadline.duration_since((self.loader.clock)())).unwrap_or_default();
        // A batch or an answer that is under way then is given up: the next invocation asks for it again.
        let work = tokio::time::timeout(left, Box::pin(self.work(&mut api, &host, deadline))).await;
        let ended = work.unwrap_or(Err(End::OutOfTime));
        let (loader, began) = (self.loader, self.began);
        let spent = |report: Report| Report {
            requests: api.requests,
            bytes: api.bytes,
            duration_ms: loader.elapsed(began),
            ..report
        };
        match ended {
            Ok(()) => {
                let outcome = self.outcome();
                let go_on = self
                    .held
                    .record
                    .disturbed_until
                    .is_some_and(|until| until <= (self.loader.clock)());
                Ok(spent(self.report(&self.held.record, outcome, go_on)))
            }
            Err(End::TakenOver) => Ok(spent(self.report(
                &self.held.record,
                Outcome::Partial,
                true,
            ))),
            Err(End::OutOfTime) => {
                self.leave().await?;
                Ok(spent(self.report(
                    &self.held.record,
                    Outcome::Partial,
                    true,
                )))
            }
            Err(End::Failed(failure)) => {
                if failure.kind == "AppGone" {
                    self.held.record.app_id = None;
                }
                self.leave().await?;
                Err(failure)
            }
        }
    }

    /// Records that this loader sends nothing more: the next one need not wait for it.
    async fn leave(&mut self) -> Result<(), Failure> {
        let now = (self.loader.clock)();
        if let Some(under_way) = &mut self.held.record.under_way {
            under_way.until = now;
            self.held.write(&self.loader.store).await?;
        }
        Ok(())
    }

    async fn work(
        &mut self,
        api: &mut Api<'_, T>,
        host: &str,
        deadline: Timestamp,
    ) -> Result<(), End> {
        self.claim(host, deadline).await?;
        let app = self.app(api).await?;
        let under_way = self
            .held
            .record
            .under_way
            .clone()
            .expect("it was claimed just now");
        let history = self.history.until(under_way.sequence);
        let loaded = self.held.record.sequence;
        self.pass(api, &app, &history, loaded, under_way.done)
            .await?;
        let mut reached = history.newest();
        if self.all {
            reached = self.catch_up(api, &app, reached).await?;
            self.sweep(api, &app, reached).await?;
        } else if self.history.newest() > reached {
            // The manifests of the unfinished load are in; the newer ones follow.
            let history = self.history.clone();
            self.pass(api, &app, &history, reached, u64::MAX).await?;
            reached = history.newest();
        }
        self.finish(api, reached).await
    }
}
