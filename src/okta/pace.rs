//! Pacing to Okta's rate limits: a run uses its share of each bucket, spread over the window.
//! <https://developer.okta.com/docs/reference/rate-limits/>

use std::collections::HashMap;

use jiff::Timestamp;

use super::announced::Announced;
use super::bucket::{Bucket, Wait};

/// One bucket a rate-limit class.
#[derive(Debug)]
pub(super) struct Pace {
    share_percent: u32,
    buckets: HashMap<&'static str, Bucket>,
}

impl Pace {
    pub(super) fn new(share_percent: u32) -> Self {
        Self { share_percent, buckets: HashMap::new() }
    }

    /// Forgets waits that were asked for in an earlier run.
    pub(super) fn begin_run(&mut self, now: Timestamp) {
        self.buckets.values_mut().for_each(|bucket| bucket.begin_run(now));
    }

    /// When a request of this class may be sent: now, or later. A request whose time has come
    /// counts as sent. Of an unknown bucket one request at a time is tried.
    pub(super) fn take(&mut self, class: &'static str, now: Timestamp) -> Result<(), Wait> {
        let share_percent = self.share_percent;
        self.of(class).take(share_percent, now)
    }

    /// Notes what an answer announces.
    pub(super) fn note(&mut self, class: &'static str, announced: Announced, now: Timestamp) {
        self.of(class).note(announced, now);
    }

    /// Notes an answer that announces nothing.
    pub(super) fn note_nothing(&mut self, class: &'static str) {
        self.of(class).note_nothing();
    }

    /// Notes that a request has ended without an answer that tells of its bucket.
    pub(super) fn lose(&mut self, class: &'static str) {
        self.of(class).lose();
    }

    /// Notes that the bucket is empty until `until`.
    pub(super) fn close(&mut self, class: &'static str, until: Timestamp) {
        self.of(class).close(until);
    }

    fn of(&mut self, class: &'static str) -> &mut Bucket {
        self.buckets.entry(class).or_default()
    }
}

/// The bucket that a path counts against.
/// <https://developer.okta.com/docs/reference/rl-global-mgmt/>
#[must_use]
pub fn class_of(path: &str) -> &'static str {
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
        windows: Vec<Used>,
    }

    impl Okta {
        /// Okta's clock is fast by this much and a bit, so that nothing happens at whole seconds.
        const AHEAD_MS: i64 = 7 * 3_600_000 + 437;
        /// The first window is this old when the run begins.
        const OLD_MS: i64 = 23_437;

        /// One request at `ms` of the run's clock; the answer, and whether it is a refusal.
        fn serve(&mut self, ms: i64) -> (Announced, bool) {
            let elapsed_ms = ms + Self::OLD_MS;
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
            let ends_ms = (i64::try_from(number).unwrap() + 1) * MINUTE_MS - Self::OLD_MS;
            let reset = at(ends_ms + Self::AHEAD_MS);
            let date = Timestamp::from_second(at(ms + Self::AHEAD_MS).as_second()).unwrap();
            (Announced { limit: self.limit, remaining, reset, resets_in: reset.duration_since(date) }, is_refused)
        }

        fn add_others(&mut self, number: usize, elapsed_ms: i64) {
            let window = &mut self.windows[number];
            let new = (self.others)(self.limit, elapsed_ms, number) - window.others - window.others_refused;
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
            Self { share, at_once: 16, latency_ms: [0, 200], rng, counted_ms: Vec::new() }
        }

        fn latency(&mut self) -> i64 {
            self.rng.u64(self.latency_ms[0]..=self.latency_ms[1]).cast_signed() / 2
        }

        /// Runs for so many minutes; answers overtake each other.
        fn against(&mut self, okta: &mut Okta, minutes: i64) {
            let mut pace = Pace::new(self.share);
            let (mut sent, mut answers): (Vec<i64>, Vec<(i64, Announced, bool)>) = Default::default();
            let (mut ms, end_ms) = (0, minutes * MINUTE_MS);
            while ms < end_ms {
                for _ in sent.extract_if(.., |arrives| *arrives <= ms) {
                    self.counted_ms.push(ms);
                    let (announced, is_refused) = okta.serve(ms);
                    answers.push((ms + self.latency(), announced, is_refused));
                }
                for (_, announced, is_refused) in answers.extract_if(.., |(arrives, ..)| *arrives <= ms) {
                    pace.note("groups", announced, at(ms));
                    if is_refused {
                        pace.close("groups", at(ms) + announced.resets_in);
                    }
                }
                let mut turn = Ok(());
                while sent.len() + answers.len() < self.at_once && turn.is_ok() {
                    turn = pace.take("groups", at(ms));
                    sent.extend(turn.is_ok().then(|| ms + self.latency()));
                }
                let wake_ms = if let Err(Wait::Until(due)) = turn {
                    // Timers are by the millisecond, and never early.
                    due.duration_since(at(0)).as_micros().unsigned_abs().div_ceil(1_000).try_into().unwrap()
                } else {
                    end_ms
                };
                let under_way = sent.iter().copied().chain(answers.iter().map(|(arrives, ..)| *arrives));
                ms = under_way.chain([wake_ms]).min().unwrap_or(end_ms).max(ms);
            }
        }

        /// The most requests that Okta counted in any minute.
        fn most_in_a_minute(&mut self) -> usize {
            self.counted_ms.sort_unstable();
            let counted = &self.counted_ms;
            let within = |first: usize| counted[first..].partition_point(|ms| *ms < counted[first] + MINUTE_MS);
            (0..counted.len()).map(within).max().unwrap_or_default()
        }
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
        Okta { limit, others, windows: Vec::new() }
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
        for (share, limit) in [(50, 600), (50, 250), (100, 100), (100, 1200), (25, 60), (10, 50), (1, 20), (90, 33)] {
            for latency_ms in [[0, 0], [20, 20], [0, 200], [200, 200]] {
                let (mut okta, mut run) = (okta(limit, nobody), Run { latency_ms, ..Run::of(share) });
                run.against(&mut okta, 6);
                let (most, what) = ((limit * share / 100).max(1), format!("{share} % of {limit}, {latency_ms:?} ms"));
                assert!(okta.windows.iter().all(|window| window.own <= most), "{what}: {:?}", okta.windows);
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
                let (mut okta, mut run) = (okta(limit, nobody), Run { latency_ms, ..Run::of(share) });
                run.against(&mut okta, 6);
                // One that was long under way may slip into the minute of those behind it.
                let most = usize::try_from(limit * share / 100).unwrap() + late;
                assert!(run.most_in_a_minute() <= most, "{share} % of {limit}: {}", run.most_in_a_minute());
            }
        }
    }

    #[test]
    fn requests_are_spread_over_the_window() {
        let (mut okta, mut run) = (okta(600, nobody), Run::of(50));
        run.against(&mut okta, 6);
        let mut by_second = [0; 360];
        run.counted_ms.iter().for_each(|ms| by_second[usize::try_from(ms / 1_000).unwrap()] += 1);
        assert!(by_second[..2].iter().sum::<u32>() <= 25, "{by_second:?}");
        for ten in by_second[10..].chunks(10) {
            assert!((45..=50).contains(&ten.iter().sum::<u32>()), "{by_second:?}");
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
                    let (mut okta, mut run) = (okta(limit, others), Run { latency_ms, ..Run::of(share) });
                    run.against(&mut okta, 6);
                    let what = format!("{share} % of {limit}, pattern {number}, {latency_ms:?} ms: {:?}", okta.windows);
                    assert_eq!(total(&okta.windows, |window| window.refused + window.others_refused), 0, "{what}");
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
        let others: Pattern = |limit, ms, number| evenly(if number < 3 { 30 } else { 90 }, limit, ms);
        for (share, limit) in [(50, 600), (100, 600), (50, 100), (100, 100)] {
            let (mut okta, mut run) = (okta(limit, others), Run::of(share));
            run.against(&mut okta, 6);
            assert_eq!(total(&okta.windows, |window| window.refused + window.others_refused), 0, "{:?}", okta.windows);
        }
    }

    #[test]
    fn a_share_is_used_again_when_others_have_gone() {
        let others: Pattern = |limit, ms, number| evenly(if number < 2 { 90 } else { 0 }, limit, ms);
        for (share, limit) in [(50, 600), (100, 600), (100, 100), (50, 20)] {
            let (mut okta, mut run) = (okta(limit, others), Run::of(share));
            run.against(&mut okta, 6);
            assert!(whole(&okta, 3).iter().all(|window| window.own * 1_000 >= limit * share * 9), "{:?}", okta.windows);
        }
    }

    #[test]
    fn all_but_a_twentieth_of_what_others_use_at_the_end_of_every_window_is_left_to_them() {
        let others: Pattern = |limit, ms, _| evenly(60, limit, (ms - 50_000).max(0) * 6);
        for limit in [100, 600, 3_000] {
            let (mut okta, mut run) = (okta(limit, others), Run::of(50));
            run.against(&mut okta, 6);
            let refused = okta.windows.iter().map(|window| window.refused + window.others_refused).max();
            assert!(refused.unwrap() * 100 <= limit * 5, "{limit}: {:?}", okta.windows);
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
