//! One load of one integration: who works at it, for which app, and what is recorded in the end.

use std::time::Duration;

use fold::History;
use jiff::Timestamp;
use uuid::Uuid;

use super::{End, Loader, Work};
use crate::authomize::{Api, App, Transport, named, slug};
use crate::decide::shrunk;
use crate::emit::{Emission, Wanted};
use crate::event::Request;
use crate::failure::Failure;
use crate::gather::gather;
use crate::log;
use crate::record::{Full, Held, Record, UnderWay};
use crate::report::{MOST_NAMED, Outcome, Report};
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
        let gathered = gather(&self.loader.store, self.place(), &self.history, loaded, &self.carried).await?;
        let wanted = if self.all { Wanted::All } else { Wanted::Changed };
        let mut emission = Emission::new(&gathered.spill, wanted, self.factors_known());
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
        self.work.held.extend(shrunk(self.held.record.swept_items.as_ref(), &self.work.items));
        let record =
            Record { removals_pending: emission.removed, sequence: self.history.newest(), ..self.held.record.clone() };
        let report = self.report(&record, Outcome::Succeeded, false);
        Ok(Report { requests, bytes, duration_ms: self.loader.elapsed(self.began), ..report })
    }

    pub(super) async fn run(mut self, deadline: Timestamp) -> Result<Report, Failure> {
        let settings = &self.loader.settings;
        let secret = self.loader.secrets.read(&settings.secret_id).await?;
        let tenant = parse(&settings.secret_id, &secret, &settings.api_url)?;
        let host = tenant.url.origin().ascii_serialization();
        let transport = (self.loader.connect)(tenant)?;
        let mut api = Api::new(&transport, self.loader.clock.clone(), settings.pause, deadline);
        let left = Duration::try_from(deadline.duration_since((self.loader.clock)())).unwrap_or_default();
        // Whatever is under way then (a batch, an answer) is given up: the next invocation asks for it again.
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
                let go_on = self.held.record.disturbed_until.is_some_and(|until| until <= (self.loader.clock)());
                Ok(spent(self.report(&self.held.record, outcome, go_on)))
            }
            Err(End::TakenOver) => Ok(spent(self.report(&self.held.record, Outcome::Partial, true))),
            Err(End::OutOfTime) => {
                self.leave().await?;
                Ok(spent(self.report(&self.held.record, Outcome::Partial, true)))
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

    /// Nothing more is sent: whoever goes on need not wait for us.
    async fn leave(&mut self) -> Result<(), Failure> {
        let now = (self.loader.clock)();
        if let Some(under_way) = &mut self.held.record.under_way {
            under_way.until = now;
            self.held.write(&self.loader.store).await?;
        }
        Ok(())
    }

    async fn work(&mut self, api: &mut Api<'_, T>, host: &str, deadline: Timestamp) -> Result<(), End> {
        self.claim(host, deadline).await?;
        let app = self.app(api).await?;
        let under_way = self.held.record.under_way.clone().expect("it was claimed just now");
        let history = self.history.until(under_way.sequence);
        let loaded = self.held.record.sequence;
        self.pass(api, &app, &history, loaded, under_way.done).await?;
        let mut reached = history.newest();
        if self.all {
            reached = self.catch_up(api, &app, reached).await?;
            self.sweep(api, &app, reached).await?;
        } else if self.history.newest() > reached {
            // What an unfinished load had begun with is in; the newer manifests follow.
            let history = self.history.clone();
            self.pass(api, &app, &history, reached, u64::MAX).await?;
            reached = history.newest();
        }
        self.finish(api, reached).await
    }

    /// Takes over, whoever was at it: an unfinished load of the same kind goes on where it was.
    async fn claim(&mut self, host: &str, deadline: Timestamp) -> Result<(), End> {
        let now = (self.loader.clock)();
        let newest = self.history.newest();
        let record = &mut self.held.record;
        if record.api.as_deref() != Some(host) {
            // Another tenant holds nothing of what was posted.
            let fresh = Record { schema: record.schema, integration: record.integration.clone(), ..Record::default() };
            *record = Record { api: Some(host.to_owned()), ..fresh };
            self.all = true;
        }
        let fresh = UnderWay {
            loader: Uuid::new_v4().to_string(),
            until: deadline,
            sequence: newest,
            all: self.all,
            done: 0,
            mark: None,
            unplaced: false,
            refused: Vec::new(),
            refused_total: 0,
        };
        let before = record.under_way.take();
        if let Some(before) = before.as_ref().filter(|before| before.until > now) {
            record.disturbed_until = record.disturbed_until.max(Some(before.until));
        }
        let goes_on =
            before.filter(|before| before.sequence <= newest && before.sequence > 0 && before.all == self.all);
        record.under_way = Some(match goes_on {
            Some(before) => UnderWay { loader: fresh.loader, until: fresh.until, ..before },
            None => fresh,
        });
        self.save().await
    }

    pub(super) async fn save(&mut self) -> Result<(), End> {
        if self.held.write(&self.loader.store).await? { Ok(()) } else { Err(End::TakenOver) }
    }

    /// The integration's app; one that is not the one that was loaded before is loaded from the beginning.
    async fn app(&mut self, api: &mut Api<'_, T>) -> Result<App, End> {
        let integration = self.request.integration.clone();
        let shown = self.status.as_ref().filter(|status| status.integration == integration);
        let name =
            shown.map(|status| status.name.clone()).filter(|name| !name.is_empty()).unwrap_or(integration.clone());
        let apps = api.apps().await?;
        let known = apps.iter().find(|app| self.held.record.app_id.as_ref() == Some(&app.id));
        let anew = known.is_none();
        let app = match known.or_else(|| named(&apps, &name)) {
            Some(app) => app.clone(),
            None => {
                // The last look whether another loader is about to create it.
                self.save().await?;
                api.create_app(&name).await?
            }
        };
        let called = app.integration_name.as_deref().unwrap_or_default();
        if called != name && slug(called) != integration {
            self.doubts.push(format!("Authomize calls app {} {called:?}, not {name:?}", app.id));
        }
        let record = &mut self.held.record;
        if anew {
            self.all = true;
            let under_way = record.under_way.take().map(|under_way| UnderWay {
                sequence: self.history.newest(),
                all: true,
                done: 0,
                mark: None,
                ..under_way
            });
            let (api, integration) = (record.api.take(), record.integration.clone());
            *record = Record {
                schema: record.schema,
                integration,
                api,
                under_way,
                app_id: Some(app.id.clone()),
                ..Record::default()
            };
            self.save().await?;
        }
        Ok(app)
    }

    pub(super) fn factors_known(&self) -> bool {
        self.history.has_completed("factors")
    }

    async fn finish(&mut self, api: &Api<'_, T>, reached: u64) -> Result<(), End> {
        let now = (self.loader.clock)();
        let (prefix, integration) = (self.loader.settings.prefix.clone(), self.request.integration.clone());
        let mut history = self.history.until(reached);
        let sha256 = history.newest_sha256().map(str::to_owned);
        history.trim(reached, self.carried.sequence);
        log::keep(&self.loader.store, &prefix, &integration, &history).await?;
        let outcome = self.outcome();
        let (work, all) = (&self.work, self.all);
        let record = &mut self.held.record;
        let under_way = record.under_way.take().expect("a load is under way");
        record.sequence = reached;
        record.manifest_sha256 = sha256;
        record.loaded_at = Some(now);
        record.since = record.since.or(Some(now));
        record.outcome = word(outcome);
        record.items.clone_from(&work.items);
        if all {
            record.full = Some(Full { sequence: reached, at: now, requests: api.requests, bytes: api.bytes });
            record.held.clone_from(&work.held);
            record.refused = under_way.refused;
            record.refused_total = under_way.refused_total;
            record.removals_pending =
                if work.swept { work.removed } else { record.removals_pending.max(1) + work.removed };
            record.disturbed_until = record.disturbed_until.filter(|until| *until > self.began);
        } else {
            record.removals_pending += work.removed;
            record.refused.extend(under_way.refused);
            record.refused.truncate(MOST_NAMED);
            record.refused_total += under_way.refused_total;
        }
        if work.swept {
            record.swept_items = Some(work.items.clone());
        }
        self.save().await
    }

    fn outcome(&self) -> Outcome {
        let refused =
            self.held.record.under_way.as_ref().map_or(self.held.record.refused_total, |under| under.refused_total);
        match (refused > 0, self.work.held.is_empty() && self.work.gaps.is_empty()) {
            (true, _) => Outcome::Degraded,
            (false, false) => Outcome::Held,
            (false, true) => Outcome::Succeeded,
        }
    }

    fn report(&self, record: &Record, outcome: Outcome, go_on: bool) -> Report {
        let (refused, refused_total) = match &record.under_way {
            Some(under_way) => (under_way.refused.clone(), under_way.refused_total),
            None => (record.refused.clone(), record.refused_total),
        };
        Report {
            integration: record.integration.clone(),
            app_id: record.app_id.clone(),
            outcome,
            go_on,
            sequence: record.sequence,
            load: if self.all { "full" } else { "incremental" }.to_owned(),
            items: self.work.posted.clone(),
            refused,
            refused_total,
            left_out: self.work.left_out,
            removals_pending: record.removals_pending,
            swept: self.work.swept,
            held: self.work.held.iter().chain(self.work.gaps.iter().filter(|_| !self.all)).cloned().collect(),
            requests: 0,
            bytes: 0,
            duration_ms: 0,
        }
    }
}

fn word(outcome: Outcome) -> String {
    serde_json::to_value(outcome).ok().and_then(|word| word.as_str().map(str::to_owned)).unwrap_or_default()
}
