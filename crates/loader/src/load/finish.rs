//! The record and the report of a load.

use super::End;
use super::one::Load;
use crate::authomize::{Api, Transport};
use crate::failure::Failure;
use crate::log;
use crate::record::{Full, Record};
use crate::report::{MOST_NAMED, Outcome, Report};
use crate::secret::{Secrets, Tenant};
use crate::store::Store;

impl<S, V, C, T> Load<'_, S, V, C>
where
    S: Store,
    V: Secrets,
    C: Fn(Tenant) -> Result<T, Failure>,
    T: Transport,
{
    pub(super) async fn finish(&mut self, api: &Api<'_, T>, reached: u64) -> Result<(), End> {
        let now = (self.loader.clock)();
        let (prefix, integration) = (
            self.loader.settings.prefix.clone(),
            self.request.integration.clone(),
        );
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
            record.full = Some(Full {
                sequence: reached,
                at: now,
                requests: api.requests,
                bytes: api.bytes,
            });
            record.held.clone_from(&work.held);
            record.refused = under_way.refused;
            record.refused_total = under_way.refused_total;
            record.removals_pending = if work.swept {
                work.removed
            } else {
                record.removals_pending.max(1) + work.removed
            };
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

    pub(super) fn outcome(&self) -> Outcome {
        let refused = self
            .held
            .record
            .under_way
            .as_ref()
            .map_or(self.held.record.refused_total, |under| under.refused_total);
        match (
            refused > 0,
            self.work.held.is_empty() && self.work.gaps.is_empty(),
        ) {
            (true, _) => Outcome::Degraded,
            (false, false) => Outcome::Held,
            (false, true) => Outcome::Succeeded,
        }
    }

    pub(super) fn report(&self, record: &Record, outcome: Outcome, go_on: bool) -> Report {
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
            held: self
                .work
                .held
                .iter()
                .chain(self.work.gaps.iter().filter(|_| !self.all))
                .cloned()
                .collect(),
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
