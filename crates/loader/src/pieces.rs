//! Batches → pieces, stream by stream, newest line first.

use fold::{Commit, History, Kind, Piece, Place, Scan, batch};
use futures_util::{StreamExt, stream};
use reader::{BatchEntry, batch_prefix, grows};

use crate::failure::Failure;
use crate::purge::Reason;
use crate::sorter::Sorter;
use crate::store::Store;
use crate::usage::Carried;

/// Batches that are fetched ahead.
const AHEAD: usize = 4;
/// Streams whose lines say nothing of any item.
const WITHOUT_ITEMS: [&str; 1] = ["activity"];
/// Gaps that are named at most.
const MOST_GAPS: usize = 20;

/// All that the log says of items.
pub struct Pieces {
    /// The pieces by kind and key.
    pub sorted: Sorter,
    /// Why it is not the whole state; empty if it is.
    pub gaps: Vec<Reason>,
    /// Whether something may have been removed that cannot be seen any more.
    pub blurred: bool,
}

/// The last load, as far as reading depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Loaded {
    /// Its newest manifest, 0 if there was none.
    pub sequence: u64,
    /// Whether another load was begun after it and given up: items that came and went since may have been posted.
    pub abandoned: bool,
}

/// Reads the pieces of the newest state.
///
/// # Errors
/// `ManifestDamaged`: a batch is not the one that its manifest names. As the store's.
pub async fn read(
    store: &impl Store,
    place: (&str, &str),
    history: &History,
    loaded: Loaded,
    carried: &Carried,
) -> Result<Pieces, Failure> {
    let mut pieces = Pieces {
        sorted: Sorter::new(),
        gaps: Vec::new(),
        blurred: false,
    };
    for (kind, piece) in carried.pieces() {
        pieces.sorted.add(
            kind,
            &Piece {
                touched: piece.place.0 > loaded.sequence,
                ..piece
            },
        )?;
    }
    for name in history
        .streams()
        .into_iter()
        .filter(|name| !WITHOUT_ITEMS.contains(name))
    {
        let range = Range::of(name, history, loaded, carried);
        pieces.stream(store, place, range).await?;
    }
    Ok(pieces)
}

/// The part of the log in which a stream is read.
#[derive(Clone, Copy)]
struct Range<'a> {
    name: &'a str,
    history: &'a History,
    loaded: Loaded,
    /// Where the newest state begins.
    now: u64,
    /// Where the state of the last load begins.
    oldest: u64,
}

impl<'a> Range<'a> {
    fn of(name: &'a str, history: &'a History, loaded: Loaded, carried: &Carried) -> Self {
        let now = match grows(name) {
            true => carried.sequence + 1,
            false => history.start(name, history.newest()),
        };
        let oldest = match grows(name) || loaded.sequence == 0 {
            true => now,
            false => now.min(history.start(name, loaded.sequence)),
        };
        Self {
            name,
            history,
            loaded,
            now,
            oldest,
        }
    }
}

impl Pieces {
    async fn stream(
        &mut self,
        store: &impl Store,
        place: (&str, &str),
        range: Range<'_>,
    ) -> Result<(), Failure> {
        let mut scan =
            Scan::new(range.name, range.loaded.sequence).with_passing(range.loaded.abandoned);
        let commits = range
            .history
            .commits()
            .iter()
            .rev()
            .take_while(|commit| commit.sequence >= range.oldest);
        let jobs: Vec<_> = commits
            .flat_map(|commit| jobs(commit, range.name))
            .collect();
        let fetched = stream::iter(jobs.into_iter().map(|(commit, entry)| async move {
            let stored = match entry {
                Some((_, entry)) => store.get(&entry.key).await?,
                None => None,
            };
            Ok::<_, Failure>((commit, entry, stored))
        }));
        let mut fetched = fetched.buffered(AHEAD);
        while let Some(job) = fetched.next().await {
            let (commit, entry, stored) = job?;
            let Some((ordinal, entry)) = entry else {
                scan.commit(commit);
                continue;
            };
            let Some(stored) = stored else {
                self.missing(&range, commit, entry);
                continue;
            };
            let (prefix, integration) = place;
            let expected = batch_prefix(prefix, integration, range.name);
            let text = match entry.key.starts_with(&expected) {
                true => batch::open(entry, &stored.body),
                false => Err(format!("does not lie under {expected}")),
            };
            let text = text.map_err(|problem| fold::Broken {
                key: entry.key.clone(),
                problem,
            })?;
            self.lines(&mut scan, (commit.sequence, *ordinal), entry, &text)?;
        }
        Ok(())
    }

    fn missing(&mut self, range: &Range<'_>, commit: &Commit, entry: &BatchEntry) {
        if grows(range.name) {
            // Expired batches of usage cost times of long ago.
        } else if commit.sequence >= range.now {
            let key = entry.key.clone();
            self.gap(Reason::BatchGone { key });
        } else {
            self.blurred = true;
        }
    }

    fn lines(
        &mut self,
        scan: &mut Scan<'_>,
        (sequence, ordinal): (u64, u32),
        entry: &BatchEntry,
        text: &[u8],
    ) -> Result<(), Failure> {
        for (number, line) in batch::lines(text) {
            match scan.line(Place(sequence, ordinal, number), line) {
                Ok(pieces) => self.add(pieces)?,
                Err(problem) => self.gap(Reason::LineUnreadable {
                    key: entry.key.clone(),
                    line: number,
                    problem,
                }),
            }
        }
        Ok(())
    }

    fn add(&mut self, pieces: Vec<(Kind, Piece)>) -> Result<(), Failure> {
        pieces
            .iter()
            .try_for_each(|(kind, piece)| self.sorted.add(*kind, piece))
    }

    fn gap(&mut self, gap: Reason) {
        if self.gaps.len() < MOST_GAPS {
            self.gaps.push(gap);
        }
    }
}

/// A commit itself, then its batches of a stream from the last to the first.
fn jobs<'a>(
    commit: &'a Commit,
    stream: &'a str,
) -> impl Iterator<Item = (&'a Commit, Option<&'a (u32, BatchEntry)>)> {
    let batches = commit
        .batches
        .iter()
        .rev()
        .filter(move |(_, entry)| entry.stream == stream);
    std::iter::once((commit, None)).chain(batches.map(move |entry| (commit, Some(entry))))
}
