//! Posting a state, and catching up with commits made meanwhile.

use fold::{History, Kind};
use jiff::SignedDuration;

use super::End;
use super::run::Load;
use crate::authomize::{Api, Transport};
use crate::failure::Failure;
use crate::items::{Batch, Items, Wanted};
use crate::log;
use crate::pieces::{self, Loaded, Pieces};
use crate::poster::Poster;
use crate::purge::Reason;
use crate::report::MOST_NAMED;
use crate::secret::{Secrets, Tenant};
use crate::store::Store;
use crate::usage::Carrying;

/// Times that a full load looks for newer manifests before it purges.
const MOST_CATCH_UPS: u32 = 3;
/// A load that follows another so soon may have to wait for the sake of its mark.
const SOON: SignedDuration = SignedDuration::from_mins(1);
/// Why an item is not even sent.
pub(super) const TOO_LARGE: &str = "is larger than a request may be (1 MB)";

/// The place of a state among those that a load posts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Course {
    /// The state that the record names: it goes on after the requests that were answered.
    Named,
    /// A newer one. Its progress is not kept.
    Newer,
}

impl<S, V, C, T> Load<'_, S, V, C>
where
    S: Store,
    V: Secrets,
    C: Fn(Tenant) -> Result<T, Failure>,
    T: Transport,
{
    /// The state as of a history, compared with the last load or with another manifest.
    pub(super) async fn pieces(&self, history: &History, loaded: u64) -> Result<Pieces, Failure> {
        let loaded = Loaded {
            sequence: loaded,
            abandoned: self.held.record.abandoned,
        };
        pieces::read(
            &self.loader.store,
            self.place(),
            history,
            loaded,
            &self.carried,
        )
        .await
    }

    /// Posts the state of a history: everything, or the changes since manifest `loaded`.
    pub(super) async fn post(
        &mut self,
        api: &mut Api<'_, T>,
        app_id: &str,
        course: Course,
        history: &History,
        loaded: u64,
    ) -> Result<(), End> {
        let everything = self.all && course == Course::Named;
        let pieces = self.pieces(history, loaded).await?;
        let wanted = match (everything, course) {
            (true, _) => Wanted::All,
            (false, Course::Named) => Wanted::Changed(self.held.record.behind.clone()),
            (false, Course::Newer) => Wanted::Changed([].into()),
        };
        let mut items = Items::new(&pieces.sorted, wanted);
        if everything {
            items.carrying = Some(Carrying::new(history.newest()));
        }
        let mut poster = self.poster(api, app_id);
        let done = match course {
            Course::Named => self.under_way().done,
            Course::Newer => 0,
        };
        let mut number = 0;
        while let Some(batch) = items.next_batch()? {
            number += 1;
            if number <= done {
                continue;
            }
            if everything && number == 1 {
                self.stand_apart(&mut poster, &batch).await?;
            }
            poster.post(batch).await?;
            self.progress(&poster, course, number).await?;
        }
        for (kind, item) in std::mem::take(&mut items.too_large) {
            poster.refuse_once(kind, &item, TOO_LARGE);
        }
        self.post_again(&mut poster, &pieces).await?;
        self.progress(&poster, course, number).await?;
        for (kind, number) in std::mem::take(&mut poster.accepted) {
            *self.work.posted.entry(kind).or_default() += number;
        }
        let gaps = pieces.gaps.clone();
        self.posted(items, (gaps, pieces.blurred), course).await
    }

    /// Keeps the state, for the purge and the record.
    async fn posted(
        &mut self,
        items: Items<'_>,
        (gaps, blurred): (Vec<Reason>, bool),
        course: Course,
    ) -> Result<(), End> {
        self.removals
            .update(&items.removed, &items.defined, blurred);
        if course == Course::Newer {
            // It was posted after the mark.
            self.work.removed_late.unite(items.removed);
            self.work.blurred_late |= blurred;
        }
        self.work.named.unite(items.named);
        self.work.defined = items.defined;
        self.work.left_out = items.left_out;
        self.work.left_out_items = items.left_out_items;
        self.work.items = items.items;
        self.work.gaps.extend(gaps);
        if let Some(carrying) = items.carrying {
            let (prefix, integration) = self.place();
            let written = carrying.write(&self.loader.store, prefix, integration);
            self.carried = written.await?;
        }
        Ok(())
    }

    fn poster<'p, 'q>(&self, api: &'p mut Api<'q, T>, app_id: &'p str) -> Poster<'p, 'q, T> {
        let under_way = self.under_way();
        let mut poster = Poster::new(api, app_id, under_way.evidence.clone());
        poster.refused.clone_from(&under_way.refused);
        poster.refused_total = under_way.refused_total;
        poster
    }

    /// Waits until earlier posts and those of now have times that a purge can distinguish.
    async fn stand_apart(&self, poster: &mut Poster<'_, '_, T>, first: &Batch) -> Result<(), End> {
        let record = &self.held.record;
        let certain =
            !record.abandoned && !record.newest_unknown && record.disturbed_until.is_none();
        let since = record
            .loaded_at
            .map(|at| self.loader.clock.now().duration_since(at));
        let soon = since.is_some_and(|since| since < SOON);
        if certain && !(soon && record.newest_accepted.is_some()) {
            return Ok(());
        }
        if let Some(now) = poster.probe(first).await?
            && let Some(wait) = poster.evidence.separation(now, certain)
        {
            poster.wait(wait).await;
        }
        Ok(())
    }

    /// Keeps the progress; another loader that has taken over is noticed by it before the next request.
    async fn progress(
        &mut self,
        poster: &Poster<'_, '_, T>,
        course: Course,
        number: u64,
    ) -> Result<(), End> {
        let waiting = poster.waiting.len() as u64;
        let record = &mut self.held.record;
        record.newest_accepted = poster.evidence.latest();
        record.newest_unknown |= poster.evidence.is_unplaced();
        if let Some(under_way) = &mut record.under_way {
            if course == Course::Named {
                under_way.done = number;
            }
            under_way.evidence = poster.evidence.clone();
            under_way.refused = poster.refused.iter().take(MOST_NAMED).cloned().collect();
            // Items that wait to be posted again are lost with this process: they count as refused until they are in.
            under_way.refused_total = poster.refused_total + waiting;
        }
        self.save().await
    }

    /// Posts the references of the waiting items once more, then the items.
    async fn post_again(
        &mut self,
        poster: &mut Poster<'_, '_, T>,
        pieces: &Pieces,
    ) -> Result<(), End> {
        let waiting = std::mem::take(&mut poster.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let keys = waiting.iter().flat_map(|(kind, item, ids)| {
            let referred = kind
                .references(item)
                .iter()
                .flat_map(|(_, kinds)| kinds.iter());
            referred
                .flat_map(|kind: &Kind| ids.iter().map(|id| (*kind, id.clone())))
                .collect::<Vec<_>>()
        });
        let wanted = Wanted::Keys(keys.collect());
        let mut items = Items::new(&pieces.sorted, wanted);
        while let Some(batch) = items.next_batch()? {
            poster.post(batch).await?;
        }
        // Authomize may still be at work on items accepted a moment ago.
        self.loader
            .clock
            .sleep(self.loader.settings.pause * 4)
            .await;
        poster.post_waiting(waiting).await?;
        Ok(())
    }

    /// Posts commits made meanwhile, so that the purge takes nothing that a reader has by now.
    pub(super) async fn catch_up(
        &mut self,
        api: &mut Api<'_, T>,
        app_id: &str,
        mut reached: u64,
    ) -> Result<u64, End> {
        let prefix = self.loader.settings.prefix.as_str();
        let integration = self.request.integration.as_str();
        let store = &self.loader.store;
        for _ in 0..MOST_CATCH_UPS {
            let newer = log::newer(store, prefix, integration, self.history.newest()).await?;
            if newer.is_empty() && self.history.newest() == reached {
                return Ok(reached);
            }
            log::extend(store, prefix, integration, &mut self.history, &newer).await?;
            let history = self.history.clone();
            self.post(api, app_id, Course::Newer, &history, reached)
                .await?;
            reached = history.newest();
        }
        Ok(reached)
    }
}
