//! Posting a state, catching up with what was committed meanwhile, and sweeping.

use fold::{History, Kind};

use super::End;
use super::one::Load;
use crate::authomize::{Api, App, Transport, placed};
use crate::decide::{NOTHING, shrunk};
use crate::emit::{Emission, Wanted};
use crate::failure::Failure;
use crate::gather::{Gathered, gather};
use crate::log;
use crate::post::Poster;
use crate::report::MOST_NAMED;
use crate::secret::{Secrets, Tenant};
use crate::status::{self, doubts};
use crate::store::Store;
use crate::usage::{Carried, Carrying};

/// Times that a full load looks for newer manifests before it sweeps.
const MOST_CATCH_UPS: u32 = 3;

impl<S, V, C, T> Load<'_, S, V, C>
where
    S: Store,
    V: Secrets,
    C: Fn(Tenant) -> Result<T, Failure>,
    T: Transport,
{
    /// Posts the state of a history: everything, or what has changed since manifest `loaded`. The first `done`
    /// requests were answered before; `u64::MAX` stands for a pass whose progress is not kept.
    pub(super) async fn pass(
        &mut self,
        api: &mut Api<'_, T>,
        app: &App,
        history: &History,
        loaded: u64,
        done: u64,
    ) -> Result<(), End> {
        let keeps = done != u64::MAX;
        let everything = self.all && keeps;
        let gathered = gather(
            &self.loader.store,
            self.place(),
            history,
            loaded,
            &self.carried,
        )
        .await?;
        let wanted = if everything {
            Wanted::All
        } else {
            Wanted::Changed
        };
        let mut emission = Emission::new(&gathered.spill, wanted);
        if everything {
            emission.carrying = Some(Carrying::new(history.newest()));
        }
        let mut poster = self.poster(api, app);
        let mut number = 0;
        while let Some(batch) = emission.next_batch()? {
            number += 1;
            if keeps && number <= done {
                continue;
            }
            poster.post(batch).await?;
            self.progress(&poster, if keeps { number } else { self.done() })
                .await?;
        }
        for (kind, item) in std::mem::take(&mut emission.too_large) {
            poster.refuse(kind, &item, "is larger than a request may be (1 MB)");
        }
        self.post_again(&mut poster, &gathered).await?;
        self.progress(&poster, if keeps { number } else { self.done() })
            .await?;
        for (kind, number) in std::mem::take(&mut poster.accepted) {
            *self.work.posted.entry(kind).or_default() += number;
        }
        let carrying = emission.carrying.take();
        // A removal in a pass after the first was posted after the mark: it waits for the next sweep.
        self.work.removed = if everything { 0 } else { self.work.removed }
            + u64::from(!everything) * emission.removed;
        self.work.removed += u64::from(gathered.blurred && !everything);
        self.work.left_out = emission.left_out;
        self.work.items = std::mem::take(&mut emission.items);
        self.work.gaps.extend(gathered.gaps);
        if let Some(carrying) = carrying {
            let (prefix, integration) = self.place();
            carrying
                .write(&self.loader.store, prefix, integration)
                .await?;
            self.carried = Carried::read(&self.loader.store, prefix, integration).await?;
        }
        Ok(())
    }

    fn poster<'p, 'q>(&self, api: &'p mut Api<'q, T>, app: &'p App) -> Poster<'p, 'q, T> {
        let under_way = self
            .held
            .record
            .under_way
            .as_ref()
            .expect("a load is under way");
        let mut poster = Poster::new(api, &app.id);
        poster.mark = under_way.mark.as_deref().and_then(placed);
        poster.unplaced = under_way.unplaced;
        poster.refused.clone_from(&under_way.refused);
        poster.refused_total = under_way.refused_total;
        poster
    }

    fn done(&self) -> u64 {
        self.held
            .record
            .under_way
            .as_ref()
            .map_or(0, |under_way| under_way.done)
    }

    /// Keeps the progress; another loader that has taken over is noticed by it before the next request.
    async fn progress(&mut self, poster: &Poster<'_, '_, T>, done: u64) -> Result<(), End> {
        let waiting = poster.waiting.len() as u64;
        if let Some(under_way) = &mut self.held.record.under_way {
            under_way.done = done;
            // With the offset of UTC, so that it can be placed again.
            under_way.mark = poster.mark.as_ref().map(|(_, text)| format!("{text}Z"));
            under_way.unplaced = poster.unplaced;
            under_way.refused = poster.refused.iter().take(MOST_NAMED).cloned().collect();
            // Items that wait to be posted again are lost with this process: they count as refused until they are in.
            under_way.refused_total = poster.refused_total + waiting;
        }
        self.save().await
    }

    /// Looks at what the waiting items refer to: posts it once more, then them.
    async fn post_again(
        &mut self,
        poster: &mut Poster<'_, '_, T>,
        gathered: &Gathered,
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
        let mut emission = Emission::new(&gathered.spill, Wanted::Keys(keys.collect()));
        while let Some(batch) = emission.next_batch()? {
            poster.post(batch).await?;
        }
        // Authomize may still be at work on what was accepted a moment ago.
        tokio::time::sleep(self.loader.settings.pause * 4).await;
        poster.post_waiting(waiting).await?;
        Ok(())
    }

    /// Posts what was committed meanwhile, so that the sweep takes nothing that a reader has by now.
    pub(super) async fn catch_up(
        &mut self,
        api: &mut Api<'_, T>,
        app: &App,
        mut reached: u64,
    ) -> Result<u64, End> {
        for _ in 0..MOST_CATCH_UPS {
            let (prefix, integration) = (
                self.loader.settings.prefix.as_str(),
                self.request.integration.as_str(),
            );
            let newer = log::newer(
                &self.loader.store,
                prefix,
                integration,
                self.history.newest(),
            )
            .await?;
            if newer.is_empty() && self.history.newest() == reached {
                return Ok(reached);
            }
            log::extend(
                &self.loader.store,
                prefix,
                integration,
                &mut self.history,
                &newer,
            )
            .await?;
            let history = self.history.clone();
            self.pass(api, app, &history, reached, u64::MAX).await?;
            reached = history.newest();
        }
        Ok(reached)
    }

    /// Deletes what was not posted since the mark, unless there is any doubt.
    pub(super) async fn sweep(
        &mut self,
        api: &mut Api<'_, T>,
        app: &App,
        reached: u64,
    ) -> Result<(), End> {
        let (prefix, integration) = self.place();
        let status = status::read(&self.loader.store, prefix, integration).await?;
        let newer = log::newer(&self.loader.store, prefix, integration, reached).await?;
        let under_way = self
            .held
            .record
            .under_way
            .clone()
            .expect("a load is under way");
        let mut held = std::mem::take(&mut self.doubts);
        held.retain(|doubt| doubt.starts_with("Authomize"));
        held.extend(doubts(
            status.as_ref(),
            &self.request.integration,
            &self.history,
        ));
        held.extend(self.work.gaps.iter().cloned());
        if under_way.refused_total > 0 {
            held.push(format!(
                "{} items were refused, so the load is not whole",
                under_way.refused_total
            ));
        }
        if !newer.is_empty() {
            held.push("the collector commits faster than this load catches up".to_owned());
        }
        if !self.request.accept_shrink {
            held.extend(shrunk(
                self.held.record.swept_items.as_ref(),
                &self.work.items,
            ));
        } else if self.work.items.is_empty() {
            held.push(NOTHING.to_owned());
        }
        let mark = under_way
            .mark
            .as_deref()
            .and_then(placed)
            .filter(|_| !under_way.unplaced);
        if mark.is_none() {
            held.push(
                "Authomize's answers have no acceptedTimestamp that can be placed".to_owned(),
            );
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
            let reason = format!(
                "Authomize refuses the sweep ({}); the next full load tries again",
                answer.status
            );
            self.work.held.push(reason);
        }
        Ok(())
    }
}
