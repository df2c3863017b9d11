//! The record and the report of a load.

use super::End;
use super::run::Load;
use crate::authomize::{Api, Transport};
use crate::due::purge_due_at;
use crate::failure::Failure;
use crate::log;
use crate::purge::{Again, Reason, Removals};
use crate::record::Full;
use crate::report::{Outcome, Refused, Report};
use crate::secret::{Secrets, Tenant};
use crate::store::Store;

impl<S, V, C, T> Load<'_, S, V, C>
where
    S: Store,
    V: Secrets,
    C: Fn(Tenant) -> Result<T, Failure>,
    T: Transport,
{
    /// Records a load that came to its end.
    pub(super) async fn close(&mut self, api: &Api<'_, T>, reached: u64) -> Result<(), End> {
        let (prefix, integration) = (
            self.loader.settings.prefix.clone(),
            self.request.integration.clone(),
        );
        let mut history = self.history.until(reached);
        let sha256 = history.newest_sha256().map(str::to_owned);
        history.trim(reached, self.carried.sequence);
        log::keep(&self.loader.store, &prefix, &integration, &history).await?;
        self.forget_purged();
        if self.held.record.removals_pending > 0 || !self.removals.is_empty() {
            let store = &self.loader.store;
            self.removals.write(store, &prefix, &integration).await?;
        }
        self.held.record.sequence = reached;
        self.held.record.manifest_sha256 = sha256;
        self.fill_record(api);
        self.save().await
    }

    /// Drops the removals that the purge took. Items removed after the mark, or may have been posted by another
    /// loader since, waits for the next one.
    fn forget_purged(&mut self) {
        let disturbed = self
            .held
            .record
            .disturbed_until
            .is_some_and(|until| until > self.began);
        let separates = self.under_way().evidence.separates(self.held.record.margin);
        if self.work.purged && separates && !disturbed {
            self.removals = Removals::default();
            let work = &self.work;
            self.removals
                .update(&work.removed_late, &work.defined, work.blurred_late);
        }
    }

    fn fill_record(&mut self, api: &Api<'_, T>) {
        let now = self.loader.clock.now();
        let reasons = self.reasons();
        let outcome = self.outcome(&reasons);
        self.work.recorded = Some(reasons.clone());
        let work = &self.work;
        let record = &mut self.held.record;
        let under_way = record.under_way.take().expect("a load is under way");
        record.loaded_at = Some(now);
        record.since = record.since.or(Some(now));
        record.outcome = word(outcome);
        record.items.clone_from(&work.items);
        record.abandoned = false;
        let whole = std::mem::replace(&mut record.behind, under_way.evidence.behind());
        record.held = reasons.iter().map(ToString::to_string).collect();
        record.removals_pending = self.removals.len();
        record.removals_since = match record.removals_pending {
            0 => None,
            _ => record.removals_since.or(Some(now)),
        };
        if self.all {
            record.full = Some(Full {
                sequence: record.sequence,
                at: now,
                requests: api.requests,
                bytes: api.bytes,
            });
            record.withheld.clone_from(&work.withheld);
            record.newest_unknown = under_way.evidence.is_unplaced();
            record.refused = under_way.refused;
            record.refused_total = under_way.refused_total;
            record.strangers = work.strangers.or(record.strangers);
            record.disturbed_until = record.disturbed_until.filter(|until| *until > self.began);
        } else {
            let anew = |refused: &Refused| whole.iter().any(|kind| kind.name() == refused.kind);
            record.refuse(under_way.refused, under_way.refused_total, anew);
        }
        if work.purged {
            record.swept_items = Some(work.items.clone());
        }
        if work.took_posted {
            record.margin = record.margin.widened();
            record.full = None;
        }
        record.purge_due_at = purge_due_at(record, self.loader.settings.full_load_interval);
    }

    /// Why deletions wait, and other problems at Authomize.
    pub(super) fn reasons(&self) -> Vec<Reason> {
        if let Some(recorded) = &self.work.recorded {
            return recorded.clone();
        }
        let mut reasons = self.work.withheld.clone();
        if !self.all {
            let record = &self.held.record;
            reasons.extend(self.work.gaps.iter().cloned());
            if let Some(under_way) = &record.under_way {
                reasons.extend(under_way.evidence.failures());
            }
            let lasting = record.withheld.iter();
            reasons.extend(lasting.filter(|why| why.again() != Again::Now).cloned());
            if !self.removals.is_empty() {
                reasons.extend(self.doubts.iter().cloned());
            }
        }
        reasons.sort();
        reasons.dedup();
        reasons
    }

    pub(super) fn outcome(&self, reasons: &[Reason]) -> Outcome {
        let record = &self.held.record;
        let refused = record
            .under_way
            .as_ref()
            .map_or(record.refused_total, |under_way| {
                let before = if self.all { 0 } else { record.refused_total };
                before + under_way.refused_total
            });
        if refused > 0 || reasons.iter().any(Reason::is_trouble) {
            Outcome::Degraded
        } else if reasons.is_empty() {
            Outcome::Succeeded
        } else {
            Outcome::Held
        }
    }

    pub(super) fn report(&self, outcome: Outcome, go_on: bool) -> Report {
        let record = &self.held.record;
        let (refused, refused_total) = match &record.under_way {
            Some(under_way) => (under_way.refused.clone(), under_way.refused_total),
            None => (record.refused.clone(), record.refused_total),
        };
        let reasons = self.reasons();
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
            left_out_items: self.work.left_out_items.clone(),
            removals_pending: record.removals_pending,
            purge_due_at: record.purge_due_at,
            strangers: self.work.strangers,
            swept: self.work.purged,
            held: reasons.iter().map(ToString::to_string).collect(),
            requests: 0,
            bytes: 0,
            duration_ms: 0,
        }
    }
}

fn word(outcome: Outcome) -> String {
    serde_json::to_value(outcome)
        .ok()
        .and_then(|word| word.as_str().map(str::to_owned))
        .unwrap_or_default()
}
