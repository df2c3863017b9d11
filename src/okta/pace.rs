//! Pacing to Okta's rate limits: a run uses its share of each bucket, spread over the window.
//! <https://developer.okta.com/docs/reference/rate-limits/>

use std::collections::HashMap;

use jiff::Timestamp;

use super::announced::Announced;
use super::bucket::{Counted, RateLimit, Wait};

/// The buckets of an org, and which paths count against which. Where two kinds of path begin together is a guess
/// ([`class_of`]); the answers tell which of them have a bucket of their own: one limit, and one window at a time.
#[derive(Debug)]
pub(super) struct Pace {
    share_percent: u32,
    buckets: Vec<RateLimit>,
    /// The bucket that each class is first taken to have.
    of_class: HashMap<&'static str, usize>,
    /// The buckets of kinds of path (see [`kind_of`]), as far as their answers have shown otherwise.
    of_kind: HashMap<String, usize>,
}

/// A request that may be sent.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Taken {
    /// The bucket that it counts against, as far as is known.
    pub(super) at: usize,
    /// The bucket's count at that moment.
    counted: Option<Counted>,
}

/// A rate limit as its answers last described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// The classes of paths that count against it (see `class_of`), else the kinds of path, separated by commas.
    pub paths: String,
    /// Requests per window.
    pub limit: u32,
    /// Those that remain of the window.
    pub remaining: u32,
    /// Those that the collector used of it.
    pub own: u32,
}

/// More buckets than any org has.
const MOST_BUCKETS: usize = 64;
/// More kinds of path than the streams have; those beyond count as their class.
pub(super) const MOST_KINDS: usize = 256;

impl Pace {
    pub(super) fn new(share_percent: u32) -> Self {
        Self {
            share_percent,
            buckets: Vec::new(),
            of_class: HashMap::new(),
            of_kind: HashMap::new(),
        }
    }

    /// Forgets waits that were asked for in an earlier run.
    pub(super) fn begin_run(&mut self, now: Timestamp) {
        self.buckets
            .iter_mut()
            .for_each(|bucket| bucket.begin_run(now));
    }

    /// When a request for this path may be sent: now, or later. A request whose time has come
    /// counts as sent, against the bucket that is given back. Of an unknown bucket one request at a time is tried; the
    /// first one of a kind does not queue behind those of another kind: its answer tells whether it has to.
    pub(super) fn take(&mut self, path: &str, now: Timestamp) -> Result<Taken, Wait> {
        let (at, kind) = (self.bucket_of(path), kind_of(path));
        let is_first = !self.of_kind.contains_key(&kind) && self.of_kind.len() < MOST_KINDS;
        self.buckets[at].take(self.share_percent, is_first, now)?;
        if is_first {
            self.of_kind.insert(kind, at);
        }
        let counted = self.buckets[at].counted();
        Ok(Taken { at, counted })
    }

    /// Whether a request for a path should be begun beside `of_limit` that count against its limit, as far as is known,
    /// and `of_kind` of its kind. The first of a kind is tried at once, alone; of a limit that makes requests wait one
    /// waits and no more, so that those of other limits have room; of any other there may be `most`.
    pub(super) fn has_room(
        &mut self,
        path: &str,
        (of_limit, of_kind): (usize, usize),
        most: usize,
        now: Timestamp,
    ) -> bool {
        let kind = kind_of(path);
        if !self.of_kind.contains_key(&kind) && self.of_kind.len() < MOST_KINDS {
            return of_kind == 0;
        }
        let at = self.bucket_of(path);
        let bucket = &self.buckets[at];
        if bucket.clone().take(self.share_percent, false, now).is_err() {
            return of_limit <= bucket.under_way();
        }
        of_limit < most
    }

    /// Notes the announcements of the answer to the request `taken`.
    pub(super) fn note(&mut self, path: &str, taken: Taken, announced: Announced, now: Timestamp) {
        let (at, current) = (taken.at, self.bucket_of(path));
        let bucket = &self.buckets[current];
        let is_apart = |counted| at == current && bucket.has_not_counted(counted, &announced);
        let own = if bucket.is_contradicted_by(&announced) {
            self.another_bucket(path, current, &announced)
        } else if taken.counted.is_some_and(is_apart) {
            self.new_bucket(path, current)
        } else {
            current
        };
        if own != at {
            self.buckets[at].hand_over();
            self.buckets[own].take_over();
        }
        self.buckets[own].note(announced, now);
        self.join_twins(own);
    }

    /// Counts against one bucket what has turned out to be one: its answers tell of the requests of all.
    fn join_twins(&mut self, own: usize) {
        let is_twin = |other: &usize| {
            *other != own && self.buckets[own].is_in_step_with(&self.buckets[*other])
        };
        let twins: Vec<usize> = (0..self.buckets.len()).filter(is_twin).collect();
        let is_one = |twins: &[usize]| {
            let twins: Vec<&RateLimit> = twins.iter().map(|twin| &self.buckets[*twin]).collect();
            !twins.is_empty() && self.buckets[own].has_counted(&twins)
        };
        let pairs = twins.iter().map(std::slice::from_ref);
        let joined = std::iter::once(&twins[..])
            .chain(pairs)
            .find(|twins| is_one(twins))
            .map(<[usize]>::to_vec);
        for twin in joined.unwrap_or_default() {
            let left = self.buckets[twin].leave();
            self.buckets[own].absorb(&left);
            let paths = self.of_class.values_mut().chain(self.of_kind.values_mut());
            paths.filter(|at| **at == twin).for_each(|at| *at = own);
        }
    }

    /// Notes an answer that announces nothing.
    pub(super) fn note_nothing(&mut self, at: usize) {
        self.buckets[at].note_nothing();
    }

    /// Notes that a request has ended without an answer about its bucket.
    pub(super) fn lose(&mut self, at: usize) {
        self.buckets[at].lose();
    }

    /// Notes that the path's bucket is empty until `until`.
    pub(super) fn close(&mut self, path: &str, until: Timestamp) {
        let at = self.bucket_of(path);
        self.buckets[at].close(until);
    }

    /// The bucket that a path counts against, as far as is known.
    pub(super) fn bucket_of(&mut self, path: &str) -> usize {
        if let Some(at) = self.of_kind.get(&kind_of(path)) {
            return *at;
        }
        *self.of_class.entry(class_of(path)).or_insert_with(|| {
            self.buckets.push(RateLimit::default());
            self.buckets.len() - 1
        })
    }

    /// The limits that answers have announced, in the order of their names; those that no path counts against any more are left
    /// out.
    pub(super) fn limits(&self) -> Vec<Limit> {
        let limit = |(at, bucket): (usize, &RateLimit)| {
            let (limit, remaining, own) = bucket.told()?;
            let classes = self
                .of_class
                .iter()
                .filter(|(_, own)| **own == at)
                .map(|(class, _)| (*class).to_owned());
            let kinds = self
                .of_kind
                .iter()
                .filter(|(_, own)| **own == at)
                .map(|(kind, _)| format!("/{kind}"));
            let mut paths: Vec<String> = classes.collect();
            paths.extend(kinds.filter(|_| paths.is_empty()).collect::<Vec<_>>());
            paths.sort_unstable();
            (!paths.is_empty()).then(|| Limit {
                paths: paths.join(", "),
                limit,
                remaining,
                own,
            })
        };
        let mut limits: Vec<_> = self.buckets.iter().enumerate().filter_map(limit).collect();
        limits.sort_by(|one, two| one.paths.cmp(&two.paths));
        limits
    }

    /// The bucket whose answers look like this one, which the bucket `at` cannot have given.
    fn another_bucket(&mut self, path: &str, at: usize, announced: &Announced) -> usize {
        let own = match self
            .buckets
            .iter()
            .position(|bucket| bucket.is_confirmed_by(announced))
        {
            Some(own) => own,
            None => return self.new_bucket(path, at),
        };
        self.of_kind.insert(kind_of(path), own);
        own
    }

    /// A bucket of the path's kind alone, if there may be one more beside the bucket `at`.
    fn new_bucket(&mut self, path: &str, at: usize) -> usize {
        if self.buckets.len() >= MOST_BUCKETS {
            return at;
        }
        self.buckets.push(RateLimit::default());
        let own = self.buckets.len() - 1;
        self.of_kind.insert(kind_of(path), own);
        own
    }
}

/// A path without its ids: paths of one kind count against one bucket.
pub(super) fn kind_of(path: &str) -> String {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    // Behind the API's name and version a collection and an id take turns; what is below `iam` is one further down.
    let first = if parts.get(2) == Some(&"iam") { 3 } else { 2 };
    let is_id = |at: usize| at > first && (at - first) % 2 == 1;
    let words = parts
        .iter()
        .take(MOST_PARTS)
        .enumerate()
        .map(|(at, part)| if is_id(at) { "*" } else { part });
    words.collect::<Vec<_>>().join("/")
}

/// Parts of a path that decide its kind.
const MOST_PARTS: usize = 10;

/// The class of a path: a first guess at the bucket that it counts against.
/// <https://developer.okta.com/docs/reference/rl-global-mgmt/>
pub(super) fn class_of(path: &str) -> &'static str {
    let path = path.split('?').next().unwrap_or_default();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        ["oauth2", "v1", "token"] => "token",
        ["oauth2", "v1", "clients", ..] => "clients",
        ["api", "v1", "apps", _] => "apps/id",
        ["api", "v1", "apps", ..] => "apps",
        ["api", "v1", "groups", _] => "groups/id",
        ["api", "v1", "groups", ..] => "groups",
        ["api", "v1", "users"] => "users",
        ["api", "v1", "users", _] => "users/id",
        ["api", "v1", "users", ..] => "users/id/*",
        ["api", "v1", "logs"] => "logs",
        ["api", "v1", "iam", ..] => "iam",
        ["api", "v1", "idps", ..] => "idps",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    /// How a window of the bucket was used.
    #[derive(Debug, Clone, Copy, Default)]
    struct Used {
        own: u32,
        others: u32,
        refused: u32,
        others_refused: u32,
    }

    /// Okta's side of one bucket: windows of a minute that end at whole seconds of a clock of its own.
    struct Okta {
        limit: u32,
        /// How many requests others have made by so many milliseconds of the window of that number.
        others: fn(u32, i64, usize) -> u32,
        /// The first window is this old when the run begins.
        old_ms: i64,
        windows: Vec<Used>,
    }

    impl Okta {
        /// Okta's clock is fast by this much and a bit, so that nothing happens at whole seconds.
        const AHEAD_MS: i64 = 7 * 3_600_000 + 437;

        /// One request at `ms` of the run's clock; the answer, and whether it is a refusal.
        fn serve(&mut self, ms: i64) -> (Announced, bool) {
            let elapsed_ms = ms + self.old_ms;
            let number = usize::try_from(elapsed_ms / MINUTE_MS).unwrap();
            while self.windows.len() <= number {
                if let Some(last) = self.windows.len().checked_sub(1) {
                    self.add_others(last, MINUTE_MS);
                }
                self.windows.push(Used::default());
            }
            self.add_others(number, elapsed_ms % MINUTE_MS);
            let window = &mut self.windows[number];
            let is_refused = window.own + window.others >= self.limit;
            if is_refused {
                window.refused += 1;
            } else {
                window.own += 1;
            }
            let remaining = self.limit - window.own - window.others;
            let ends_ms = (i64::try_from(number).unwrap() + 1) * MINUTE_MS - self.old_ms;
            let reset = at(ends_ms + Self::AHEAD_MS);
            let date = Timestamp::from_second(at(ms + Self::AHEAD_MS).as_second()).unwrap();
            (
                Announced {
                    limit: self.limit,
                    remaining,
                    reset,
                    resets_in: reset.duration_since(date),
                },
                is_refused,
            )
        }

        fn add_others(&mut self, number: usize, elapsed_ms: i64) {
            let window = &mut self.windows[number];
            let new = (self.others)(self.limit, elapsed_ms, number)
                - window.others
                - window.others_refused;
            let granted = new.min(self.limit - window.own - window.others);
            window.others += granted;
            window.others_refused += new - granted;
        }
    }

    /// A run with more work than it may do, and so many requests of it under way at once.
    struct Run {
        share: u32,
        at_once: usize,
        latency_ms: [u64; 2],
        rng: fastrand::Rng,
        /// When Okta counted each request.
        counted_ms: Vec<i64>,
    }

    impl Run {
        fn of(share: u32) -> Self {
            let rng = fastrand::Rng::with_seed(7);
            Self {
                share,
                at_once: 16,
                latency_ms: [0, 200],
                rng,
                counted_ms: Vec::new(),
            }
        }

        fn latency(&mut self) -> i64 {
            self.rng
                .u64(self.latency_ms[0]..=self.latency_ms[1])
                .cast_signed()
                / 2
        }

        /// Runs for so many minutes; answers overtake each other.
        fn against(&mut self, okta: &mut Okta, minutes: i64) {
            self.against_each(
                std::slice::from_mut(okta),
                &[("/api/v1/groups", 0)],
                minutes,
            );
        }

        /// As [`Run::against`], with work for several paths at once, each counted against the bucket of that number.
        fn against_each(&mut self, okta: &mut [Okta], paths: &[(&str, usize)], minutes: i64) {
            let mut pace = Pace::new(self.share);
            let mut lanes: Vec<Lane> = paths.iter().map(|_| Lane::default()).collect();
            let (mut ms, end_ms) = (0, minutes * MINUTE_MS);
            while ms < end_ms {
                let mut wake_ms = end_ms;
                for ((path, counted), lane) in paths.iter().zip(&mut lanes) {
                    let okta = &mut okta[*counted];
                    for (_, bucket) in lane.sent.extract_if(.., |(arrives, _)| *arrives <= ms) {
                        self.counted_ms.push(ms);
                        let (announced, is_refused) = okta.serve(ms);
                        lane.answers
                            .push((ms + self.latency(), bucket, announced, is_refused));
                    }
                    for (_, bucket, announced, is_refused) in
                        lane.answers.extract_if(.., |(arrives, ..)| *arrives <= ms)
                    {
                        pace.note(path, bucket, announced, at(ms));
                        if is_refused {
                            pace.close(path, at(ms) + announced.resets_in);
                        }
                    }
                    let mut turn = Ok(Taken::default());
                    while lane.sent.len() + lane.answers.len() < self.at_once && turn.is_ok() {
                        turn = pace.take(path, at(ms));
                        lane.sent
                            .extend(turn.iter().map(|bucket| (ms + self.latency(), *bucket)));
                    }
                    if let Err(Wait::Until(due)) = turn {
                        // Timers are by the millisecond, and never early.
                        let due_ms = due
                            .duration_since(at(0))
                            .as_micros()
                            .unsigned_abs()
                            .div_ceil(1_000);
                        wake_ms = wake_ms.min(due_ms.try_into().unwrap());
                    }
                }
                let sent = lanes
                    .iter()
                    .flat_map(|lane| lane.sent.iter().map(|(arrives, _)| *arrives));
                let answers = lanes
                    .iter()
                    .flat_map(|lane| lane.answers.iter().map(|(arrives, ..)| *arrives));
                let next_ms = sent.chain(answers).chain([wake_ms]).min().unwrap_or(end_ms);
                // News about one path may let another one go on.
                ms = if paths.len() > 1 {
                    next_ms.max(ms + 1)
                } else {
                    next_ms.max(ms)
                };
            }
        }

        /// The most requests that Okta counted in any minute.
        fn most_in_a_minute(&mut self) -> usize {
            self.counted_ms.sort_unstable();
            let counted = &self.counted_ms;
            let within = |first: usize| {
                counted[first..].partition_point(|ms| *ms < counted[first] + MINUTE_MS)
            };
            (0..counted.len()).map(within).max().unwrap_or_default()
        }
    }

    /// The requests of one path that are under way, with their buckets, and the answers that are.
    #[derive(Default)]
    struct Lane {
        sent: Vec<(i64, Taken)>,
        answers: Vec<(i64, Taken, Announced, bool)>,
    }

    fn nobody(_: u32, _: i64, _: usize) -> u32 {
        0
    }

    fn evenly(percent: u32, limit: u32, elapsed_ms: i64) -> u32 {
        u32::try_from(i64::from(limit * percent / 100) * elapsed_ms / MINUTE_MS).unwrap()
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000_000_000 + ms).unwrap()
    }

    fn okta(limit: u32, others: fn(u32, i64, usize) -> u32) -> Okta {
        Okta {
            limit,
            others,
            old_ms: 23_437,
            windows: Vec::new(),
        }
    }

    type Pattern = fn(u32, i64, usize) -> u32;

    /// The windows that were used from their first to their last millisecond.
    fn whole(okta: &Okta, first: usize) -> &[Used] {
        &okta.windows[first..okta.windows.len() - 1]
    }

    fn total(windows: &[Used], of: fn(&Used) -> u32) -> u32 {
        windows.iter().map(of).sum()
    }

    #[test]
    fn a_run_uses_its_share_and_not_more() {
        for (share, limit) in [
            (50, 600),
            (50, 250),
            (100, 100),
            (100, 1200),
            (25, 60),
            (10, 50),
            (1, 20),
            (90, 33),
        ] {
            for latency_ms in [[0, 0], [20, 20], [0, 200], [200, 200]] {
                let (mut okta, mut run) = (
                    okta(limit, nobody),
                    Run {
                        latency_ms,
                        ..Run::of(share)
                    },
                );
                run.against(&mut okta, 6);
                let (most, what) = (
                    (limit * share / 100).max(1),
                    format!("{share} % of {limit}, {latency_ms:?} ms"),
                );
                assert!(
                    okta.windows.iter().all(|window| window.own <= most),
                    "{what}: {:?}",
                    okta.windows
                );
                assert_eq!(total(&okta.windows, |window| window.refused), 0, "{what}");
                for window in whole(&okta, 1) {
                    assert!(window.own * 10 >= most * 9, "{what}: {window:?}");
                }
            }
        }
    }

    #[test]
    fn in_no_minute_whenever_it_begins_is_more_than_the_share_used() {
        for (share, limit) in [(50, 600), (50, 100), (100, 1200), (10, 50)] {
            for (latency_ms, late) in [([100, 100], 0), ([0, 200], 1)] {
                let (mut okta, mut run) = (
                    okta(limit, nobody),
                    Run {
                        latency_ms,
                        ..Run::of(share)
                    },
                );
                run.against(&mut okta, 6);
                // One that was long under way may slip into the minute of those behind it.
                let most = usize::try_from(limit * share / 100).unwrap() + late;
                assert!(
                    run.most_in_a_minute() <= most,
                    "{share} % of {limit}: {}",
                    run.most_in_a_minute()
                );
            }
        }
    }

    #[test]
    fn requests_are_spread_over_the_window() {
        let (mut okta, mut run) = (okta(600, nobody), Run::of(50));
        run.against(&mut okta, 6);
        let mut by_second = [0; 360];
        run.counted_ms
            .iter()
            .for_each(|ms| by_second[usize::try_from(ms / 1_000).unwrap()] += 1);
        assert!(by_second[..2].iter().sum::<u32>() <= 25, "{by_second:?}");
        for ten in by_second[10..].chunks(10) {
            assert!(
                (45..=50).contains(&ten.iter().sum::<u32>()),
                "{by_second:?}"
            );
        }
    }

    #[test]
    fn what_others_leave_is_used_and_nobody_is_refused() {
        let patterns: [(u32, Pattern); 6] = [
            (30, |limit, ms, _| evenly(30, limit, ms)),
            (60, |limit, ms, _| evenly(60, limit, ms)),
            (90, |limit, ms, _| evenly(90, limit, ms)),
            // All of it at once, when the window opens.
            (30, |limit, _, _| evenly(30, limit, MINUTE_MS)),
            (60, |limit, _, _| evenly(60, limit, MINUTE_MS)),
            (90, |limit, _, _| evenly(90, limit, MINUTE_MS)),
        ];
        for (number, (percent, others)) in patterns.into_iter().enumerate() {
            for (share, limit) in [(50, 600), (100, 600), (50, 3000), (50, 100), (100, 100)] {
                for latency_ms in [[0, 0], [20, 20], [0, 200]] {
                    let (mut okta, mut run) = (
                        okta(limit, others),
                        Run {
                            latency_ms,
                            ..Run::of(share)
                        },
                    );
                    run.against(&mut okta, 6);
                    let what = format!(
                        "{share} % of {limit}, pattern {number}, {latency_ms:?} ms: {:?}",
                        okta.windows
                    );
                    assert_eq!(
                        total(&okta.windows, |window| window.refused
                            + window.others_refused),
                        0,
                        "{what}"
                    );
                    let windows = whole(&okta, 1);
                    let each = (limit * share / 100).min(limit * (95 - percent) / 100);
                    // Where they come at once it takes a while to see that no more come.
                    let least = if number < 3 { 90 } else { 45 };
                    let fair = u32::try_from(windows.len()).unwrap() * each * least / 100;
                    assert!(total(windows, |window| window.own) >= fair, "{what}");
                }
            }
        }
    }

    #[test]
    fn nobody_is_refused_when_others_come_to_use_three_times_as_much() {
        let others: Pattern =
            |limit, ms, number| evenly(if number < 3 { 30 } else { 90 }, limit, ms);
        for (share, limit) in [(50, 600), (100, 600), (50, 100), (100, 100)] {
            let (mut okta, mut run) = (okta(limit, others), Run::of(share));
            run.against(&mut okta, 6);
            assert_eq!(
                total(&okta.windows, |window| window.refused
                    + window.others_refused),
                0,
                "{:?}",
                okta.windows
            );
        }
    }

    #[test]
    fn a_share_is_used_again_when_others_have_gone() {
        let others: Pattern =
            |limit, ms, number| evenly(if number < 2 { 90 } else { 0 }, limit, ms);
        for (share, limit) in [(50, 600), (100, 600), (100, 100), (50, 20)] {
            let (mut okta, mut run) = (okta(limit, others), Run::of(share));
            run.against(&mut okta, 6);
            assert!(
                whole(&okta, 3)
                    .iter()
                    .all(|window| window.own * 1_000 >= limit * share * 9),
                "{:?}",
                okta.windows
            );
        }
    }

    #[test]
    fn all_but_a_twentieth_of_what_others_use_at_the_end_of_every_window_is_left_to_them() {
        let others: Pattern = |limit, ms, _| evenly(60, limit, (ms - 50_000).max(0) * 6);
        for limit in [100, 600, 3_000] {
            let (mut okta, mut run) = (okta(limit, others), Run::of(50));
            run.against(&mut okta, 6);
            let refused = okta
                .windows
                .iter()
                .map(|window| window.refused + window.others_refused)
                .max();
            assert!(
                refused.unwrap() * 100 <= limit * 5,
                "{limit}: {:?}",
                okta.windows
            );
        }
    }

    #[test]
    fn limits_that_are_taken_for_one_are_each_used_as_if_they_were_alone() {
        // Both are guessed to be of one class.
        let paths = [("/api/v1/groups", 0), ("/api/v1/groups/00g1/users", 1)];
        assert_eq!(class_of(paths[0].0), class_of(paths[1].0));
        for (limits, old_ms) in [
            ([100, 500], [23_437, 5_100]),
            ([500, 100], [0, 59_000]),
            ([300, 300], [1_000, 31_000]),
            ([50, 3_000], [0, 0]),
        ] {
            for (share, latency_ms) in [(50, [0, 200]), (100, [20, 20]), (50, [0, 0])] {
                let both = || {
                    [0, 1].map(|at| Okta {
                        old_ms: old_ms[at],
                        ..okta(limits[at], nobody)
                    })
                };
                let (mut alone, mut together) = (both(), both());
                let run = || Run {
                    latency_ms,
                    ..Run::of(share)
                };
                alone.iter_mut().for_each(|okta| run().against(okta, 6));
                run().against_each(&mut together, &paths, 6);
                for (alone, together) in alone.iter().zip(&together) {
                    let what = format!(
                        "{share} % of {limits:?}, {latency_ms:?} ms: {:?} {:?}",
                        alone.windows, together.windows
                    );
                    assert_eq!(
                        total(&together.windows, |window| window.refused),
                        0,
                        "{what}"
                    );
                    let used =
                        [alone, together].map(|okta| total(&okta.windows, |window| window.own));
                    assert!(
                        used[1] * 4 >= used[0] * 3 && used[1] * 4 <= used[0] * 5,
                        "{used:?}: {what}"
                    );
                }
            }
        }
    }

    #[test]
    fn one_limit_that_is_taken_for_several_is_used_as_one() {
        let paths = [
            ("/api/v1/apps", 0),
            ("/api/v1/apps/0oa1", 0),
            ("/api/v1/idps", 0),
        ];
        for (share, limit) in [(50, 600), (50, 100), (25, 300), (100, 100)] {
            for latency_ms in [[0, 200], [20, 20]] {
                let (mut one, mut run) = (
                    [okta(limit, nobody)],
                    Run {
                        latency_ms,
                        ..Run::of(share)
                    },
                );
                run.against_each(&mut one, &paths, 6);
                let (windows, most) = (&one[0].windows, limit * share / 100);
                let what = format!("{share} % of {limit}, {latency_ms:?} ms: {windows:?}");
                assert_eq!(total(windows, |window| window.refused), 0, "{what}");
                // Until it shows that they are one, each takes its share.
                assert!(
                    windows[1..].iter().all(|window| window.own <= most),
                    "{what}"
                );
                assert!(
                    windows[1..windows.len() - 1]
                        .iter()
                        .all(|window| window.own * 4 >= most * 3),
                    "{what}"
                );
            }
        }
    }

    #[test]
    fn limits_that_look_alike_are_not_taken_for_one() {
        let paths = [("/api/v1/apps", 0), ("/api/v1/iam/roles", 1)];
        for latency_ms in [[0, 200], [20, 20], [0, 0]] {
            // The same limit, and windows that begin in the same instant.
            let (mut both, mut run) = (
                [okta(100, nobody), okta(100, nobody)],
                Run {
                    latency_ms,
                    ..Run::of(50)
                },
            );
            run.against_each(&mut both, &paths, 6);
            for okta in &both {
                assert_eq!(total(&okta.windows, |window| window.refused), 0);
                assert!(
                    whole(okta, 1).iter().all(|window| window.own >= 45),
                    "{latency_ms:?}: {:?}",
                    okta.windows
                );
            }
        }
    }

    #[test]
    fn a_path_without_its_ids_is_a_kind() {
        for (path, kind) in [
            ("/api/v1/users?limit=200", "api/v1/users"),
            ("/api/v1/users/00u1", "api/v1/users/*"),
            (
                "/api/v1/users/00u1/roles/ra1/targets/groups?limit=1",
                "api/v1/users/*/roles/*/targets/*",
            ),
            (
                "/api/v1/iam/resource-sets/iam1/bindings/cr01/members",
                "api/v1/iam/resource-sets/*/bindings/*/members",
            ),
            ("/oauth2/v1/clients/0oa1/roles", "oauth2/v1/clients/*/roles"),
            ("/oauth2/v1/token", "oauth2/v1/token"),
            ("/", ""),
        ] {
            assert_eq!(kind_of(path), kind, "{path}");
        }
    }

    #[test]
    fn paths_count_against_oktas_classes() {
        for (path, class) in [
            ("/api/v1/users?limit=200", "users"),
            ("/api/v1/users/00u1", "users/id"),
            ("/api/v1/users/00u1/roles", "users/id/*"),
            ("/api/v1/groups", "groups"),
            ("/api/v1/groups/00g1", "groups/id"),
            ("/api/v1/groups/00g1/users?limit=1", "groups"),
            ("/api/v1/logs?limit=1", "logs"),
            ("/oauth2/v1/token", "token"),
            ("/api/v1/iam/roles", "iam"),
            ("/api/v1/meta", "other"),
        ] {
            assert_eq!(class_of(path), class, "{path}");
        }
    }
}
