//! The items that a load would send.

use std::collections::BTreeSet;

use super::run::Load;
use crate::authomize::{Api, Transport};
use crate::due::{Due, due};
use crate::event::{Mode, Request};
use crate::failure::Failure;
use crate::items::{Items, Wanted};
use crate::purge::{Census, Reason, Standing, shrunk};
use crate::record::Record;
use crate::report::{MOST_NAMED, Outcome, Refused, Report, count};
use crate::secret::{Secrets, Tenant, parse};
use crate::store::Store;

use super::posting::TOO_LARGE;

/// Lists of items and bytes that would be sent.
#[derive(Default, Clone, Copy)]
struct Volume {
    requests: u64,
    bytes: u64,
}

impl<S, V, C, T> Load<'_, S, V, C>
where
    S: Store,
    V: Secrets,
    C: Fn(Tenant) -> Result<T, Failure>,
    T: Transport,
{
    /// Folds the items that a load would post now, and asks Authomize, if it can be asked, for other items of the app. Nothing is
    /// sent there, and nothing is written.
    pub(super) async fn plan(mut self) -> Result<Report, Failure> {
        let mut volume = self.planned().await?;
        if !self.all && self.purge_follows() {
            self.all = true;
            let everything = self.planned().await?;
            volume.requests += everything.requests;
            volume.bytes += everything.bytes;
        }
        self.work.strangers = self.look_for_strangers().await;
        let mut reasons = self.doubts.clone();
        reasons.extend(self.work.gaps.iter().cloned());
        reasons.extend(shrunk(
            self.held.record.swept_items.as_ref(),
            &self.work.items,
        ));
        if let Some(items) = self.work.strangers.filter(|items| *items > 0) {
            reasons.push(Reason::Strangers { items });
        }
        let wishes = self.request.wishes;
        reasons.retain(|reason| !wishes.set_aside(reason));
        self.work.withheld = reasons;
        let newest = self.history.newest();
        self.held.record.sequence = newest;
        self.held.record.removals_pending = self.removals.len();
        let report = self.report(Outcome::Succeeded, false);
        Ok(Report {
            requests: volume.requests,
            bytes: volume.bytes,
            duration_ms: self.loader.clock.elapsed_ms(self.began),
            ..report
        })
    }

    async fn planned(&mut self) -> Result<Volume, Failure> {
        let history = self.history.clone();
        let pieces = self.pieces(&history, self.held.record.sequence).await?;
        let wanted = match self.all {
            true => Wanted::All,
            false => Wanted::Changed(self.held.record.behind.clone()),
        };
        let mut items = Items::new(&pieces.sorted, wanted);
        let mut volume = Volume::default();
        self.work.posted.clear();
        while let Some(batch) = items.next_batch()? {
            volume.requests += 1;
            volume.bytes += fold::body(&batch.items).len() as u64;
            count(&mut self.work.posted, batch.kind, batch.items.len() as u64);
        }
        let record = &mut self.held.record;
        record.refused_total = items.too_large.len() as u64;
        let too_large = items.too_large.iter().take(MOST_NAMED);
        let too_large = too_large.map(|(kind, item)| Refused::of(*kind, item, TOO_LARGE));
        record.refused = too_large.collect();
        self.removals
            .update(&items.removed, &items.defined, pieces.blurred);
        self.work.items = items.items;
        self.work.left_out = items.left_out;
        self.work.left_out_items = items.left_out_items;
        self.work.named = items.named;
        self.work.defined = items.defined;
        self.work.gaps = pieces.gaps;
        Ok(volume)
    }

    /// Whether the load would purge its removals at once.
    fn purge_follows(&self) -> bool {
        let record = Record {
            sequence: self.history.newest(),
            removals_pending: self.removals.len(),
            behind: BTreeSet::new(),
            under_way: None,
            ..self.held.record.clone()
        };
        let wake = Request {
            mode: Mode::Incremental,
            ..self.request.clone()
        };
        let interval = self.loader.settings.full_load_interval;
        let due = due(&record, &wake, record.sequence, self.began, interval);
        due == Due::PurgeIfSound && self.doubts.is_empty()
    }

    /// Items of the app that no load of this integration posted; `None` if Authomize cannot be asked.
    async fn look_for_strangers(&self) -> Option<u64> {
        let settings = &self.loader.settings;
        let secret = self.loader.secrets.read(&settings.secret_id).await.ok()?;
        let tenant = parse(&settings.secret_id, &secret, &settings.api_url).ok()?;
        let transport = (self.loader.connect)(tenant).ok()?;
        let deadline = self.deadline;
        let mut api = Api::new(
            &transport,
            self.loader.clock.clone(),
            settings.pause,
            deadline,
        );
        let Some(app) = self.find(&mut api, &self.app_name()).await.ok()? else {
            return Some(0);
        };
        let ours = self.ours();
        let mut census = Census::default();
        while let Some(kind) = census.next_kind() {
            let standing = |fingerprint| match ours.has(kind, fingerprint) {
                true => Standing::Ours,
                false => Standing::Stranger,
            };
            census.look(&mut api, &app.id, kind, standing).await.ok()?;
        }
        census.strangers()
    }
}
