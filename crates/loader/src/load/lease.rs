//! The holder of a load.

use jiff::Timestamp;
use uuid::Uuid;

use super::End;
use super::run::Load;
use crate::authomize::Transport;
use crate::failure::Failure;
use crate::purge::{Evidence, Inquiry, Wishes};
use crate::record::{Record, UnderWay};
use crate::secret::{Secrets, Tenant};
use crate::store::Store;

impl<S, V, C, T> Load<'_, S, V, C>
where
    S: Store,
    V: Secrets,
    C: Fn(Tenant) -> Result<T, Failure>,
    T: Transport,
{
    /// Takes over, also from a loader that is at work: an unfinished load of the same kind goes on where it was.
    pub(super) async fn lease(&mut self, host: &str, deadline: Timestamp) -> Result<(), End> {
        let now = self.loader.clock.now();
        let newest = self.history.newest();
        let record = &mut self.held.record;
        if record.api.as_deref() != Some(host) {
            // Another tenant holds none of the posts.
            *record = Record {
                schema: record.schema,
                integration: record.integration.clone(),
                api: Some(host.to_owned()),
                ..Record::default()
            };
            self.all = true;
        }
        let before = record.under_way.take();
        if let Some(before) = before.as_ref().filter(|before| before.until > now) {
            record.disturbed_until = record.disturbed_until.max(Some(before.until));
        }
        let was_under_way = before.is_some();
        let goes_on = before.filter(|before| {
            before.sequence <= newest && before.sequence > 0 && before.all == self.all
        });
        // A load that was given up may have posted items that nobody remembers.
        record.abandoned |= was_under_way && goes_on.is_none();
        let wishes = self.request.wishes;
        let fresh = UnderWay {
            loader: Uuid::new_v4().to_string(),
            until: deadline,
            sequence: newest,
            all: self.all,
            done: 0,
            evidence: Evidence::after(record.newest_accepted),
            inquiry: Inquiry::default(),
            wishes,
            refused: Vec::new(),
            refused_total: 0,
        };
        record.under_way = Some(match goes_on {
            Some(before) => UnderWay {
                loader: fresh.loader,
                until: fresh.until,
                wishes: Wishes {
                    accept_shrink: before.wishes.accept_shrink || wishes.accept_shrink,
                    adopt: before.wishes.adopt || wishes.adopt,
                },
                ..before
            },
            None => fresh,
        });
        self.save().await
    }

    /// Writes the record, if no other loader has taken over.
    pub(super) async fn save(&mut self) -> Result<(), End> {
        if self.held.write(&self.loader.store).await? {
            Ok(())
        } else {
            Err(End::TakenOver)
        }
    }

    /// The load that is under way.
    pub(super) fn under_way(&self) -> &UnderWay {
        let under_way = self.held.record.under_way.as_ref();
        under_way.expect("a load has a lease from its first request to its end")
    }
}
