//! One load's story: what is due, who works at it, post, catch up, sweep, record.

use std::time::Duration;

use fold::{History, Kind};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::authomize::{Api, App, Clock, Stop, Transport, placed, slug};
use crate::decide::{Due, due, shrunk};
use crate::emit::{Emission, Wanted};
use crate::event::{Mode, Request};
use crate::failure::Failure;
use crate::gather::{Gathered, gather};
use crate::log;
use crate::post::Poster;
use crate::record::{Full, Held, Record, UnderWay};
use crate::report::{Counts, MOST_NAMED, Outcome, Report};
use crate::secret::{Secrets, Tenant, parse};
use crate::status::{self, Status, doubts};
use crate::store::Store;
use crate::usage::{Carried, Carrying};

/// Times that a full load looks for newer manifests before it sweeps.
const MOST_CATCH_UPS: u32 = 3;
/// Longest load, whatever its deadline.
const LONGEST_LOAD: SignedDuration = SignedDuration::from_mins(15);
/// Part of a load's time, and least and most of it, that is left for its last writes.
const MARGIN_SHARE: i32 = 10;
const LEAST_MARGIN: SignedDuration = SignedDuration::from_millis(500);
const MOST_MARGIN: SignedDuration = SignedDuration::from_secs(10);

/// Settings of a load.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Key prefix without a slash at either end.
    pub prefix: String,
    /// Where the token is kept.
    pub secret_id: String,
    /// The API's origin, unless the secret names one.
    pub api_url: url::Url,
    /// How often everything is posted again.
    pub full_load_interval: SignedDuration,
    /// Wait before the first repetition of a request.
    pub pause: Duration,
}

/// Brings integrations into Authomize.
pub struct Loader<S, V, C> {
    settings: Settings,
    store: S,
    secrets: V,
    connect: C,
    clock: Clock,
}

/// Why a load ended early without a failure.
enum End {
    Failed(Failure),
    /// The time is up.
    OutOfTime,
    /// Another loader has taken over.
    TakenOver,
}

impl From<Failure> for End {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::OutOfTime => Self::OutOfTime,
            Stop::Failed(failure) => Self::Failed(failure),
        }
    }
}

/// What a load has done so far.
#[derive(Default)]
struct Work {
    posted: Counts,
    items: Counts,
    left_out: u64,
    removed: u64,
    gaps: Vec<String>,
    held: Vec<String>,
    swept: bool,
}

impl<S, V, C, T> Loader<S, V, C>
where
    S: Store,
    V: Secrets,
    C: Fn(Tenant) -> Result<T, Failure>,
    T: Transport,
{
    /// A loader of everything below the prefix of this bucket.
    pub fn new(settings: Settings, store: S, secrets: V, connect: C, clock: Clock) -> Self {
        Self { settings, store, secrets, connect, clock }
    }

    /// Integrations that have a status.
    ///
    /// # Errors
    /// As the store's.
    pub async fn integrations(&self) -> Result<Vec<String>, Failure> {
        let below = format!("{}/status/", self.settings.prefix);
        let keys = self.store.list(&below, &below).await?;
        let names = keys.iter().filter_map(|key| key.strip_prefix(&below)?.strip_suffix(".json"));
        Ok(names.map(str::to_owned).collect())
    }

    /// Loads one integration, and ends before the deadline. What an incremental load found removed is swept at once
    /// if that is due.
    ///
    /// # Errors
    /// The load cannot go on; nothing was swept, and what was posted is recorded.
    pub async fn load(&self, request: &Request, deadline: Timestamp) -> Result<Report, Failure> {
        let first = self.load_once(request, deadline).await?;
        let finished = first.load == "incremental" && first.outcome != Outcome::Partial;
        if !finished || first.removals_pending == 0 || request.mode == Mode::Plan {
            return Ok(first);
        }
        let then = self.load_once(request, deadline).await?;
        let nothing = then.load == "none";
        Ok(Report {
            load: if nothing { first.load } else { then.load },
            items: if nothing { first.items } else { then.items },
            left_out: if nothing { first.left_out } else { then.left_out },
            requests: first.requests + then.requests,
            bytes: first.bytes + then.bytes,
            duration_ms: first.duration_ms + then.duration_ms,
            ..then
        })
    }

    async fn load_once(&self, request: &Request, deadline: Timestamp) -> Result<Report, Failure> {
        let began = (self.clock)();
        let deadline = self.last_request(began, deadline);
        let prefix = &self.settings.prefix;
        let held = Held::read(&self.store, prefix, &request.integration).await?;
        let newer = log::newer(&self.store, prefix, &request.integration, held.record.sequence).await?;
        let newest = newer.last().copied().unwrap_or(held.record.sequence);
        if newest == 0 {
            let message = format!(
                "integration {:?} has committed nothing below {prefix:?}: check its name and PREFIX",
                request.integration
            );
            return Err(Failure::new("NothingCommitted", message));
        }
        let due = match request.mode {
            Mode::Plan if held.record.full.is_some() => Due::Changes,
            Mode::Plan => Due::Everything,
            _ => due(&held.record, request, newest, began, self.settings.full_load_interval),
        };
        if due == Due::Nothing {
            return Ok(idle(&held.record, self.elapsed(began)));
        }
        let carried = Carried::read(&self.store, prefix, &request.integration).await?;
        let history = log::read(&self.store, prefix, &held.record, carried.sequence).await?;
        let status = status::read(&self.store, prefix, &request.integration).await?;
        let doubts = doubts(status.as_ref(), &request.integration, &history);
        let all = match due {
            Due::SweepIfSound => doubts.is_empty(),
            due => due == Due::Everything,
        };
        if due == Due::SweepIfSound && !all && newest == held.record.sequence {
            let report = idle(&held.record, self.elapsed(began));
            return Ok(Report { outcome: Outcome::Held, held: doubts, ..report });
        }
        let load =
            Load { loader: self, request, held, history, carried, status, doubts, all, began, work: Work::default() };
        if request.mode == Mode::Plan {
            return Box::pin(load.plan()).await;
        }
        Box::pin(load.run(deadline)).await
    }

    /// A deadline in the past, as local emulators send it, counts as the longest load.
    fn last_request(&self, began: Timestamp, deadline: Timestamp) -> Timestamp {
        let longest = began + LONGEST_LOAD;
        let deadline = if deadline <= began { longest } else { deadline.min(longest) };
        let margin = (deadline.duration_since(began) / MARGIN_SHARE).clamp(LEAST_MARGIN, MOST_MARGIN);
        deadline - margin
    }

    fn elapsed(&self, began: Timestamp) -> u64 {
        (self.clock)().duration_since(began).as_millis().try_into().unwrap_or_default()
    }
}

/// One load of one integration.
struct Load<'a, S, V, C> {
    loader: &'a Loader<S, V, C>,
    request: &'a Request,
    held: Held,
    history: History,
    carried: Carried,
    status: Option<Status>,
    doubts: Vec<String>,
    all: bool,
    began: Timestamp,
    work: Work,
}

impl<S, V, C, T> Load<'_, S, V, C>
where
    S: Store,
    V: Secrets,
    C: Fn(Tenant) -> Result<T, Failure>,
    T: Transport,
{
    fn place(&self) -> (&str, &str) {
        (&self.loader.settings.prefix, &self.request.integration)
    }

    async fn plan(mut self) -> Result<Report, Failure> {
        let loaded = self.held.record.sequence;
        let gathered = gather(&self.loader.store, self.place(), &self.history, loaded, &self.carried).await?;
        let wanted = if self.all { Wanted::All } else { Wanted::Changed };
        let mut emission = Emission::new(&gathered.spill, wanted, self.factors_known());
        let (mut requests, mut bytes) = (0, 0);
        while let Some(batch) = emission.next()? {
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

    async fn run(mut self, deadline: Timestamp) -> Result<Report, Failure> {
        let settings = &self.loader.settings;
        let secret = self.loader.secrets.read(&settings.secret_id).await?;
        let tenant = parse(&settings.secret_id, &secret, &settings.api_url)?;
        let host = tenant.url.origin().ascii_serialization();
        let transport = (self.loader.connect)(tenant)?;
        let mut api = Api::new(&transport, self.loader.clock.clone(), settings.pause, deadline);
        let ended = Box::pin(self.work(&mut api, &host, deadline)).await;
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

    async fn save(&mut self) -> Result<(), End> {
        if self.held.write(&self.loader.store).await? { Ok(()) } else { Err(End::TakenOver) }
    }

    /// The integration's app; one that is not the one that was loaded before is loaded from the beginning.
    async fn app(&mut self, api: &mut Api<'_, T>) -> Result<App, End> {
        let integration = self.request.integration.clone();
        let shown = self.status.as_ref().filter(|status| status.integration == integration);
        let name =
            shown.map(|status| status.name.clone()).filter(|name| !name.is_empty()).unwrap_or(integration.clone());
        let known = match &self.held.record.app_id {
            Some(id) => api.app(id).await?,
            None => None,
        };
        let anew = known.is_none();
        let app = match known {
            Some(app) => app,
            None => match api.find_app(&name).await? {
                Some(app) => app,
                None => {
                    // The last look whether another loader is about to create it.
                    self.save().await?;
                    api.create_app(&name).await?
                }
            },
        };
        let named = app.integration_name.as_deref().unwrap_or_default();
        if named != name && slug(named) != integration {
            self.doubts.push(format!("Authomize calls app {} {named:?}, not {name:?}", app.id));
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

    fn factors_known(&self) -> bool {
        self.history.has_completed("factors")
    }

    /// Posts the state of a history: everything, or what has changed since manifest `loaded`. The first `done`
    /// requests were answered before; `u64::MAX` stands for a pass whose progress is not kept.
    async fn pass(
        &mut self,
        api: &mut Api<'_, T>,
        app: &App,
        history: &History,
        loaded: u64,
        done: u64,
    ) -> Result<(), End> {
        let keeps = done != u64::MAX;
        let everything = self.all && keeps;
        let gathered = gather(&self.loader.store, self.place(), history, loaded, &self.carried).await?;
        let wanted = if everything { Wanted::All } else { Wanted::Changed };
        let mut emission = Emission::new(&gathered.spill, wanted, self.factors_known());
        if everything {
            emission.carrying = Some(Carrying::new(history.newest()));
        }
        let mut poster = self.poster(api, app);
        let mut number = 0;
        while let Some(batch) = emission.next()? {
            number += 1;
            if keeps && number <= done {
                continue;
            }
            poster.post(batch).await?;
            self.progress(&poster, if keeps { number } else { self.done() }).await?;
        }
        for (kind, item) in std::mem::take(&mut emission.too_large) {
            poster.refuse(kind, &item, "is larger than a request may be (1 MB)");
        }
        self.post_again(&mut poster, &gathered).await?;
        self.progress(&poster, if keeps { number } else { self.done() }).await?;
        for (kind, number) in std::mem::take(&mut poster.accepted) {
            *self.work.posted.entry(kind).or_default() += number;
        }
        let carrying = emission.carrying.take();
        // A removal in a pass after the first was posted after the mark: it waits for the next sweep.
        self.work.removed = if everything { 0 } else { self.work.removed } + u64::from(!everything) * emission.removed;
        self.work.removed += u64::from(gathered.blurred && !everything);
        self.work.left_out = emission.left_out;
        self.work.items = std::mem::take(&mut emission.items);
        self.work.gaps.extend(gathered.gaps);
        if let Some(carrying) = carrying {
            let (prefix, integration) = self.place();
            carrying.write(&self.loader.store, prefix, integration).await?;
            self.carried = Carried::read(&self.loader.store, prefix, integration).await?;
        }
        Ok(())
    }

    fn poster<'p, 'q>(&self, api: &'p mut Api<'q, T>, app: &'p App) -> Poster<'p, 'q, T> {
        let under_way = self.held.record.under_way.as_ref().expect("a load is under way");
        let mut poster = Poster::new(api, &app.id);
        poster.mark = under_way.mark.as_deref().and_then(placed).map(|(at, text)| (at, text));
        poster.unplaced = under_way.unplaced;
        poster.refused.clone_from(&under_way.refused);
        poster.refused_total = under_way.refused_total;
        poster
    }

    fn done(&self) -> u64 {
        self.held.record.under_way.as_ref().map_or(0, |under_way| under_way.done)
    }

    /// Keeps the progress; another loader that has taken over is noticed by it before the next request.
    async fn progress(&mut self, poster: &Poster<'_, '_, T>, done: u64) -> Result<(), End> {
        let waiting = poster.waiting.len() as u64;
        if let Some(under_way) = &mut self.held.record.under_way {
            under_way.done = done;
            // As an offset of UTC, so that it can be placed again.
            under_way.mark = poster.mark.as_ref().map(|(_, text)| format!("{text}Z"));
            under_way.unplaced = poster.unplaced;
            under_way.refused = poster.refused.iter().take(MOST_NAMED).cloned().collect();
            // What waits to be posted again is lost with this process: it counts as refused until it is in.
            under_way.refused_total = poster.refused_total + waiting;
        }
        self.save().await
    }

    /// Looks at what the waiting items refer to: posts it once more, then them.
    async fn post_again(&mut self, poster: &mut Poster<'_, '_, T>, gathered: &Gathered) -> Result<(), End> {
        let waiting = std::mem::take(&mut poster.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let keys = waiting.iter().flat_map(|(kind, item, ids)| {
            let referred = kind.references(item).iter().flat_map(|(_, kinds)| kinds.iter());
            referred.flat_map(|kind: &Kind| ids.iter().map(|id| (*kind, id.clone()))).collect::<Vec<_>>()
        });
        let mut emission = Emission::new(&gathered.spill, Wanted::Keys(keys.collect()), self.factors_known());
        while let Some(batch) = emission.next()? {
            poster.post(batch).await?;
        }
        // Authomize may still be at work on what was accepted a moment ago.
        tokio::time::sleep(self.loader.settings.pause * 4).await;
        poster.post_waiting(waiting).await?;
        Ok(())
    }

    /// Posts what was committed meanwhile, so that the sweep takes nothing that a reader has by now.
    async fn catch_up(&mut self, api: &mut Api<'_, T>, app: &App, mut reached: u64) -> Result<u64, End> {
        for _ in 0..MOST_CATCH_UPS {
            let (prefix, integration) = (self.loader.settings.prefix.as_str(), self.request.integration.as_str());
            let newer = log::newer(&self.loader.store, prefix, integration, self.history.newest()).await?;
            if newer.is_empty() && self.history.newest() == reached {
                return Ok(reached);
            }
            log::extend(&self.loader.store, prefix, integration, &mut self.history, &newer).await?;
            let history = self.history.clone();
            self.pass(api, app, &history, reached, u64::MAX).await?;
            reached = history.newest();
        }
        Ok(reached)
    }

    /// Deletes what was not posted since the mark, unless there is any doubt.
    async fn sweep(&mut self, api: &mut Api<'_, T>, app: &App, reached: u64) -> Result<(), End> {
        let (prefix, integration) = self.place();
        let status = status::read(&self.loader.store, prefix, integration).await?;
        let newer = log::newer(&self.loader.store, prefix, integration, reached).await?;
        let under_way = self.held.record.under_way.clone().expect("a load is under way");
        let mut held = std::mem::take(&mut self.doubts);
        held.retain(|doubt| doubt.starts_with("Authomize"));
        held.extend(doubts(status.as_ref(), &self.request.integration, &self.history));
        held.extend(self.work.gaps.iter().cloned());
        if under_way.refused_total > 0 {
            held.push(format!("{} items were refused, so the load is not whole", under_way.refused_total));
        }
        if !newer.is_empty() {
            held.push("the collector commits faster than this load catches up".to_owned());
        }
        if !self.request.accept_shrink {
            held.extend(shrunk(self.held.record.swept_items.as_ref(), &self.work.items));
        } else if self.work.items.is_empty() {
            held.push("no item at all was posted".to_owned());
        }
        let mark = under_way.mark.as_deref().and_then(placed).filter(|_| !under_way.unplaced);
        if mark.is_none() {
            held.push("Authomize's answers have no acceptedTimestamp that can be placed".to_owned());
        }
        let (Some((_, mark)), true) = (mark, held.is_empty()) else {
            self.work.held = held;
            return Ok(());
        };
        // The last look whether another loader has taken over.
        self.save().await?;
        let path = format!("/v2/apps/{}/data?modifiedBefore={mark}", app.id);
        let answer = api.call("DELETE", &path, None).await?;
        self.work.swept = (200..=299).contains(&answer.status);
        if !self.work.swept {
            self.work.held.push(format!("Authomize refuses the sweep ({})", answer.status));
        }
        Ok(())
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

/// The answer where there is nothing to do.
fn idle(record: &Record, duration_ms: u64) -> Report {
    let outcome = if record.refused_total > 0 {
        Outcome::Degraded
    } else if record.held.is_empty() {
        Outcome::Succeeded
    } else {
        Outcome::Held
    };
    Report {
        integration: record.integration.clone(),
        app_id: record.app_id.clone(),
        outcome,
        go_on: false,
        sequence: record.sequence,
        load: "none".to_owned(),
        items: Counts::new(),
        refused: record.refused.clone(),
        refused_total: record.refused_total,
        left_out: 0,
        removals_pending: record.removals_pending,
        swept: false,
        held: record.held.clone(),
        requests: 0,
        bytes: 0,
        duration_ms,
    }
}
