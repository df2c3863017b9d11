//! Deleting items in Authomize that were not posted.

use super::End;
use super::run::Load;
use crate::authomize::{Api, Stop, Transport, Trouble};
use crate::failure::Failure;
use crate::log;
use crate::purge::{Case, Evidence, Inquiry, Ours, Reason, Standpoint, Warrant, Witness, holds};
use crate::secret::{Secrets, Tenant};
use crate::status::{self, doubts};
use crate::store::Store;

/// Looks for an item after a purge. Authomize may still be at work on items accepted a moment ago.
const LOOKS: u32 = 3;

impl<S, V, C, T> Load<'_, S, V, C>
where
    S: Store,
    V: Secrets,
    C: Fn(Tenant) -> Result<T, Failure>,
    T: Transport,
{
    /// Deletes items that were not posted since the mark, unless there is any reason against it.
    pub(super) async fn purge(
        &mut self,
        api: &mut Api<'_, T>,
        app: &Standpoint,
        reached: u64,
    ) -> Result<(), End> {
        let under_way = self.under_way();
        let evidence = under_way.evidence.clone();
        let mut inquiry = under_way.inquiry.clone().resumed(reached, &evidence);
        if inquiry.sent().is_none() {
            let warrant = self.warrant(api, app, &evidence, &mut inquiry, reached);
            let warrant = match warrant.await? {
                Ok(warrant) => warrant,
                Err(reasons) => {
                    self.work.withheld = reasons;
                    return Ok(());
                }
            };
            // The last look whether another loader has taken over.
            self.keep(&inquiry).await?;
            inquiry.send(self.delete(api, app, &warrant).await?);
            self.keep(&inquiry).await?;
        }
        self.work.strangers = inquiry.census().strangers();
        match inquiry.sent().and_then(|sent| sent.trouble.clone()) {
            None => self.work.purged = true,
            Some(trouble) => self.work.withheld.push(Reason::PurgeFailed { trouble }),
        }
        for witness in inquiry.to_see() {
            if !self.holds(api, app, witness).await? {
                self.work.took_posted = true;
                self.work.withheld.push(Reason::TookPosted);
                break;
            }
            inquiry.saw(witness);
            self.keep(&inquiry).await?;
        }
        Ok(())
    }

    async fn keep(&mut self, inquiry: &Inquiry) -> Result<(), End> {
        if let Some(under_way) = &mut self.held.record.under_way {
            under_way.inquiry = inquiry.clone();
        }
        self.save().await
    }

    async fn warrant(
        &mut self,
        api: &mut Api<'_, T>,
        app: &Standpoint,
        evidence: &Evidence,
        inquiry: &mut Inquiry,
        reached: u64,
    ) -> Result<Result<Warrant, Vec<Reason>>, End> {
        let bucket = self.bucket_doubts(reached).await?;
        let wishes = self.under_way().wishes;
        let suit = evidence.weigh(Case {
            bucket,
            app,
            items: &self.work.items,
            before: self.held.record.swept_items.as_ref(),
            wishes,
            margin: self.held.record.margin,
        });
        let suit = match suit {
            Ok(suit) => suit,
            Err(reasons) => return Ok(Err(reasons)),
        };
        while let Some(kind) = inquiry.census().next_kind() {
            let ours = self.ours();
            let standing = |fingerprint| evidence.standing(&ours, kind, fingerprint);
            let census = inquiry.census_mut();
            census.look(api, &app.app_id, kind, standing).await?;
            self.keep(inquiry).await?;
        }
        let census = inquiry.census();
        self.work.strangers = census.strangers();
        Ok(suit.decide(census, evidence, app, wishes))
    }

    /// The items that this loader posted, or would.
    pub(super) fn ours(&self) -> Ours<'_> {
        Ours {
            defined: &self.work.defined,
            named: &self.work.named,
            removals: &self.removals,
        }
    }

    /// Doubts about the collector's state, and about the part that was read.
    async fn bucket_doubts(&self, reached: u64) -> Result<Vec<Reason>, Failure> {
        let (prefix, integration) = self.place();
        let status = status::read(&self.loader.store, prefix, integration).await?;
        let newer = log::newer(&self.loader.store, prefix, integration, reached).await?;
        let mut reasons = doubts(status.as_ref(), integration, &self.history);
        reasons.extend(self.work.gaps.iter().cloned());
        reasons.extend((!newer.is_empty()).then_some(Reason::CollectorFaster));
        Ok(reasons)
    }

    /// Sends the purge; `Some` if Authomize did not do it.
    async fn delete(
        &self,
        api: &mut Api<'_, T>,
        app: &Standpoint,
        warrant: &Warrant,
    ) -> Result<Option<Trouble>, Stop> {
        let (id, before) = (&app.app_id, warrant.before());
        let path = format!("/v2/apps/{id}/data?modifiedBefore={before}");
        match api.call("DELETE", &path, None).await {
            Ok(answer) if (200..=299).contains(&answer.status) => Ok(None),
            Ok(answer) => Ok(Some(Trouble::Status {
                status: answer.status,
            })),
            Err(Stop::Endpoint { trouble, .. }) => Ok(Some(trouble)),
            Err(stop) => Err(stop),
        }
    }

    /// Whether an item that was posted just now is there, as far as Authomize shows it.
    async fn holds(
        &self,
        api: &mut Api<'_, T>,
        app: &Standpoint,
        witness: Witness,
    ) -> Result<bool, Stop> {
        let (kind, fingerprint) = witness.item();
        for look in 1..=LOOKS {
            match holds(api, &app.app_id, kind, fingerprint).await? {
                Some(true) => return Ok(true),
                Some(false) if look < LOOKS => api.pause(2_u32.pow(look)).await,
                Some(false) => {}
                None => {
                    tracing::warn!(kind = kind.name(), "Authomize does not show what is left");
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }
}
