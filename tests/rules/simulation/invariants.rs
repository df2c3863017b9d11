//! What has to be true after every run, and in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::case::Simulation;
use super::client::path_of;
use super::driver::Run;
use super::truth::{Difference, Key, known, uses};

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The invariant; shrinking keeps to it.
    pub rule: &'static str,
    pub text: String,
    pub at: String,
}

impl Violation {
    pub fn new(rule: &'static str, text: String) -> Self {
        Self {
            rule,
            text,
            at: String::new(),
        }
    }

    pub fn at(self, at: String) -> Self {
        Self { at, ..self }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rule, text, at } = self;
        write!(f, "not true: {rule}\n  {text}\n  at {at}")
    }
}

/// What is known before a run.
pub struct Before {
    sequence: u64,
    /// How many events the log holds.
    events: usize,
    /// The longest lag of the org's lists.
    lag: SignedDuration,
}

impl Before {
    pub fn of(simulation: &mut Simulation) -> Self {
        Self {
            sequence: simulation.bucket.sequence,
            events: simulation.world.uuids().len(),
            lag: SignedDuration::from_secs(simulation.world.lag_s()),
        }
    }
}

/// Records that a snapshot may lack without a doubt.
const MOST_SILENT: usize = 100;
/// A snapshot that lacks no more than one in so many of a stream's records is believed.
const LEAST_HELD_SHARE: usize = 5;
/// Records that a violation names.
const MOST_NAMED: usize = 5;
/// The largest cursor.
const MOST_BYTES: usize = 2_000_000;
/// Requests of one scope in a run beyond its pages.
const MOST_MORE: usize = 5;

/// After every run.
///
/// # Errors
/// The invariant that does not hold.
pub fn after_run(
    simulation: &mut Simulation,
    before: &Before,
    asked: &Run,
) -> Result<(), Violation> {
    let began_at = simulation.last.began_at;
    ends(simulation)?;
    nothing_live_is_forgotten(simulation, before, began_at)?;
    each_event_is_committed_once(simulation, before)?;
    requests_are_bounded(simulation)?;
    nothing_is_held_in_vain(simulation)?;
    if simulation.last.is_whole() && asked.kill.is_none() {
        told_changes_are_in_step(simulation, began_at)?;
        snapshots_are_young(simulation)?;
    }
    forget_what_is_in_step(simulation);
    Ok(())
}

fn broken(rule: &'static str, text: impl Into<String>) -> Result<(), Violation> {
    Err(Violation::new(rule, text.into()))
}

fn ends(simulation: &Simulation) -> Result<(), Violation> {
    let report = &simulation.last;
    if report.endless {
        let requests = report.requests.len();
        return broken(
            "a run ends",
            format!("{requests} requests, {} commits", report.commits),
        );
    }
    let does_nothing = report.requests.is_empty() && report.commits == 0;
    if !report.killed && report.go_on && does_nothing {
        return broken(
            "a run that says continue does something",
            format!("{report:?}"),
        );
    }
    let bytes = simulation.bucket.cursor_bytes;
    if bytes > MOST_BYTES {
        return broken("the cursor is small", format!("{bytes} bytes"));
    }
    Ok(())
}

/// A record that was there all the time, and that a reader had, is still there.
fn nothing_live_is_forgotten(
    simulation: &mut Simulation,
    before: &Before,
    began_at: Timestamp,
) -> Result<(), Violation> {
    if simulation.bucket.sequence == before.sequence {
        return Ok(());
    }
    let after = known(&simulation.bucket.reader);
    let before_it = std::mem::replace(&mut simulation.known, after);
    if simulation.is_accepted {
        return Ok(());
    }
    let (world, after) = (&simulation.world, &simulation.known);
    let was_away = |key: &Key| {
        let moved = world.moved.get(key);
        moved.is_some_and(|seen_at| *seen_at + before.lag >= began_at)
    };
    let lost: Vec<_> = before_it
        .difference(after)
        .filter(|key| world.truth.contains_key(*key) && !was_away(key))
        .collect();
    // A snapshot of an org that lies may lose a few.
    let is_few = |stream: &str| {
        let count =
            |keys: &mut dyn Iterator<Item = &Key>| keys.filter(|(of, _)| *of == stream).count();
        let held = count(&mut before_it.iter());
        count(&mut lost.iter().copied()) <= MOST_SILENT.max(held / LEAST_HELD_SHARE)
    };
    if lost
        .iter()
        .all(|(stream, _)| simulation.has_lied && is_few(stream))
    {
        return Ok(());
    }
    let some = lost.iter().take(MOST_NAMED);
    let some: Vec<_> = some.map(|(stream, id)| format!("{stream} {id}")).collect();
    broken(
        "nothing live is forgotten",
        format!("{} forgotten: {}", lost.len(), some.join(", ")),
    )
}

fn each_event_is_committed_once(
    simulation: &mut Simulation,
    before: &Before,
) -> Result<(), Violation> {
    let (reader, report) = (&simulation.bucket.reader, &simulation.last);
    if let Some(violation) = reader.violations.first() {
        return broken("each event is committed once", violation.to_string());
    }
    let is_off = simulation.bucket.settings.off.contains(&"activity");
    if is_off || !report.is_whole() || report.names("activity") {
        return Ok(());
    }
    let events = reader.records("activity");
    let uuids = simulation.world.uuids();
    if events.len() == uuids.len() {
        return Ok(());
    }
    let missing: Vec<_> = uuids[..before.events]
        .iter()
        .filter(|uuid| !events.contains_key(*uuid))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    broken("every event is committed", format!("{missing:?} are not"))
}

/// Of one path no more is asked than its pages, and a few again.
fn requests_are_bounded(simulation: &Simulation) -> Result<(), Violation> {
    let mut failed: BTreeMap<&str, usize> = BTreeMap::new();
    let mut pages: BTreeMap<&str, usize> = BTreeMap::new();
    let requests = &simulation.last.requests;
    for (target, is_page) in requests
        .iter()
        .filter(|(target, _)| !target.starts_with("/api/v1/logs"))
    {
        if *is_page {
            *pages.entry(target).or_default() += 1;
        } else {
            *failed.entry(path_of(target)).or_default() += 1;
        }
    }
    let most = failed
        .into_iter()
        .chain(pages)
        .max_by_key(|(_, count)| *count);
    match most {
        // Each round of a run may read anew what has changed meanwhile.
        Some((path, count)) if count > 1 + MOST_MORE + simulation.last.commits => broken(
            "requests of one scope are bounded",
            format!("{path} is asked {count} times in a run"),
        ),
        _ => Ok(()),
    }
}

/// Whether a stream lost the last of its records, or very many, and nothing told so: somebody has to accept that.
fn is_to_be_accepted(simulation: &Simulation, stream: &str) -> bool {
    let world = &simulation.world;
    // What an object in trouble has is not shown.
    let is_shown = |id: &str| {
        let hides = |part: &str| {
            world
                .troubles
                .iter()
                .any(|trouble| trouble.id.as_deref() == Some(part))
        };
        !id.split(':').any(hides)
    };
    let is_empty = !world
        .truth
        .keys()
        .any(|(of, id)| *of == stream && is_shown(id));
    let touched = world.touched.iter().filter(|((of, _), _)| *of == stream);
    // An event that is late tells nothing yet.
    let now = world.org.now();
    let silent = touched
        .filter(|(_, touch)| touch.is_removal && (!touch.is_told || touch.logged_at > now))
        .count();
    is_empty && silent > 0 || silent > MOST_SILENT
}

/// Streams are held only while the org lies.
fn nothing_is_held_in_vain(simulation: &Simulation) -> Result<(), Violation> {
    if simulation.has_lied {
        return Ok(());
    }
    let held = simulation.last.held.iter();
    let mut in_vain = held.filter(|(stream, _)| !is_to_be_accepted(simulation, stream));
    match in_vain.next() {
        None => Ok(()),
        Some((stream, why)) => broken(
            "nothing is held unless the org lies",
            format!("{stream}: {why}"),
        ),
    }
}

/// What an event told before the run is in step after it, unless the report names the stream.
fn told_changes_are_in_step(
    simulation: &mut Simulation,
    began_at: Timestamp,
) -> Result<(), Violation> {
    if simulation.is_accepted {
        return Ok(());
    }
    simulation.compare();
    let (world, report) = (&simulation.world, &simulation.last);
    let troubled: BTreeSet<&str> = world
        .troubles
        .iter()
        .filter_map(|trouble| trouble.id.as_deref())
        .collect();
    let is_excused = |difference: &&Difference| {
        let (stream, id) = &difference.key;
        let touch = world.touched.get(&difference.key);
        let is_to_come = touch.is_some_and(|touch| {
            !touch.is_told || touch.logged_at > began_at || touch.seen_at > began_at
        });
        let is_lie = simulation.has_lied && touch.is_none();
        is_to_come
            || is_lie
            || report.names(stream)
            || id.split(':').any(|part| troubled.contains(part))
    };
    let differing = simulation
        .differing
        .iter()
        .filter(|difference| !is_excused(difference));
    let differing: Vec<_> = differing.collect();
    match differing.first() {
        None => Ok(()),
        Some(first) => broken(
            "told changes are in step",
            format!("{} differ: {first}", differing.len()),
        ),
    }
}

fn snapshots_are_young(simulation: &Simulation) -> Result<(), Violation> {
    let (report, now) = (&simulation.last, simulation.world.now());
    let is_old = |(at, interval): &(Option<Timestamp>, SignedDuration)| {
        at.is_none_or(|at| now.duration_since(at) > *interval * 2)
    };
    let mut old = report
        .snapshots
        .iter()
        .filter(|(stream, age)| is_old(age) && !report.names(stream));
    match old.next() {
        None => Ok(()),
        Some((stream, (at, _))) => broken(
            "snapshots are young",
            format!("{stream} has one of {at:?}, now is {now}"),
        ),
    }
}

/// A record in step has no history any more that matters.
fn forget_what_is_in_step(simulation: &mut Simulation) {
    if simulation.world.touched.is_empty() {
        return;
    }
    simulation.compare();
    let differing: BTreeSet<_> = simulation
        .differing
        .iter()
        .map(|difference| &difference.key)
        .collect();
    let now = simulation.world.now();
    simulation.world.touched.retain(|key, touch| {
        differing.contains(key) || touch.logged_at > now || touch.seen_at > now
    });
}

/// Some days after the last fault, with nobody's help.
///
/// # Errors
/// The invariant that does not hold.
pub fn in_the_end(simulation: &mut Simulation) -> Result<(), Violation> {
    simulation.compare();
    let (report, reader) = (&simulation.last, &simulation.bucket.reader);
    let is_held =
        |stream: &str| report.held.contains_key(stream) && is_to_be_accepted(simulation, stream);
    let differing = simulation
        .differing
        .iter()
        .filter(|difference| !is_held(difference.key.0));
    let differing: Vec<_> = differing.collect();
    if let Some(first) = differing.first() {
        let (count, named) = (differing.len(), &report.named);
        return broken(
            "all is in step in the end",
            format!("{count} differ: {first}; {named:?}"),
        );
    }
    if !report.is_whole() || !report.partial.is_empty() {
        return broken(
            "nothing is left to do in the end",
            format!("{:?}", report.partial),
        );
    }
    if let Some((stream, why)) = report.held.iter().find(|(stream, _)| !is_held(stream)) {
        return broken("nothing is held in the end", format!("{stream}: {why}"));
    }
    if let Some((stream, why)) = report.named.first_key_value() {
        return broken("nothing fails in the end", format!("{stream}: {why}"));
    }
    let (happened, counted) = uses(reader);
    if happened != counted {
        return broken(
            "each use is counted once",
            format!("{counted} counted of {happened}"),
        );
    }
    Ok(())
}
