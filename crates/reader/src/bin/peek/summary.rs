//! The summary: streams, newest manifests, verdict.

use std::fmt;

use bytesize::ByteSize;
use comfy_table::{CellAlignment, Table, presets};
use reader::{BatchEntry, ENTITY_STREAMS, GROWING_STREAMS, Manifest, State, Stream, grows};

pub struct Summary<'a> {
    pub state: &'a State,
    /// How many manifests to list.
    pub newest: usize,
}

impl fmt::Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.title(f)?;
        writeln!(f, "\n{}", lines_of(&streams(self.state)))?;
        let unseen: Vec<&str> = known()
            .filter(|name| !self.state.streams.contains_key(*name))
            .collect();
        if !unseen.is_empty() {
            writeln!(f, "\nnot seen: {}", unseen.join(", "))?;
        }
        writeln!(
            f,
            "\n{}",
            lines_of(&manifests(&self.state.manifests, self.newest))
        )?;
        let older = self.state.manifests.len().saturating_sub(self.newest);
        if older > 0 {
            writeln!(
                f,
                "and {} older (--manifests {})",
                counted(older as u64),
                self.state.manifests.len()
            )?;
        }
        self.gaps(f)?;
        self.verdict(f)
    }
}

impl Summary<'_> {
    fn title(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(newest) = self.state.manifests.last() else {
            return writeln!(f, "no manifest could be read");
        };
        write!(f, "{} of {}", newest.integration, newest.org)?;
        if let Some(owner) = &newest.owner {
            write!(f, ", owned by {owner}")?;
        }
        writeln!(f)
    }

    fn gaps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for manifest in &self.state.manifests {
            if let Some(gap) = &manifest.gap {
                let (from, to) = (&gap.from, &gap.to);
                writeln!(
                    f,
                    "\nmanifest {}: no System Log from {from} to {to}",
                    manifest.sequence
                )?;
            }
        }
        Ok(())
    }

    fn verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let State {
            violations,
            manifests,
            streams,
            ..
        } = self.state;
        if !violations.is_empty() {
            writeln!(
                f,
                "\nBROKEN: {}",
                several(violations.len() as u64, "violation")
            )?;
            return violations
                .iter()
                .try_for_each(|violation| writeln!(f, "  {violation}"));
        }
        let batches = streams.values().map(|stream| stream.batches).sum();
        let lines = streams
            .values()
            .map(|stream| stream.upserts + stream.deletes)
            .sum();
        let manifests = several(manifests.len() as u64, "manifest");
        let (batches, lines) = (several(batches, "batch"), several(lines, "line"));
        writeln!(
            f,
            "\nsound: {manifests} in an unbroken chain; {batches} and {lines} as committed"
        )
    }
}

fn known() -> impl Iterator<Item = &'static str> {
    ENTITY_STREAMS.into_iter().chain(GROWING_STREAMS)
}

/// The contract's order first, then streams that it did not name when this was written.
fn streams(state: &State) -> Table {
    let mut table = table(&[
        "stream",
        "records",
        "upserts",
        "deletes",
        "forgotten",
        "batches",
        "size",
    ]);
    align_right(&mut table, 1..=6);
    let seen = known().filter_map(|name| Some((name, state.streams.get(name)?)));
    let others = state
        .streams
        .iter()
        .map(|(name, stream)| (name.as_str(), stream));
    for (name, stream) in seen.chain(others.filter(|(name, _)| known().all(|known| known != *name)))
    {
        table.add_row(stream_row(name, stream));
    }
    table
}

fn stream_row(name: &str, stream: &Stream) -> Vec<String> {
    let taken_away = |count| {
        if grows(name) {
            "-".to_owned()
        } else {
            counted(count)
        }
    };
    vec![
        name.to_owned(),
        counted((stream.records.len() + stream.repeated.len()) as u64),
        counted(stream.upserts),
        taken_away(stream.deletes),
        taken_away(stream.forgotten),
        counted(stream.batches),
        size(stream.bytes),
    ]
}

fn manifests(all: &[Manifest], newest: usize) -> Table {
    let mut table = table(&[
        "manifest",
        "committed (UTC)",
        "mode",
        "run",
        "batches",
        "lines",
        "size",
        "completes",
    ]);
    align_right(&mut table, 0..=0);
    align_right(&mut table, 4..=6);
    for manifest in all.iter().rev().take(newest) {
        let total = |count: fn(&BatchEntry) -> u64| manifest.batches.iter().map(count).sum();
        table.add_row([
            manifest.sequence.to_string(),
            manifest.committed_at.strftime("%F %T").to_string(),
            manifest.mode.clone(),
            manifest.run.clone(),
            counted(manifest.batches.len() as u64),
            counted(total(|batch| batch.records)),
            size(total(|batch| batch.bytes)),
            completes(manifest),
        ]);
    }
    table
}

/// Streams whose snapshot the manifest completes, and how many scoped ones, e.g. `users, 3 parts`.
fn completes(manifest: &Manifest) -> String {
    let complete = || {
        manifest
            .snapshots
            .iter()
            .filter(|snapshot| snapshot.complete)
    };
    let whole = complete().filter(|snapshot| snapshot.scope.is_none());
    let whole: Vec<&str> = whole.map(|snapshot| snapshot.stream.as_str()).collect();
    let parts = complete()
        .filter(|snapshot| snapshot.scope.is_some())
        .count() as u64;
    let parts = (parts > 0).then(|| several(parts, "part"));
    let all: Vec<&str> = whole.into_iter().chain(parts.as_deref()).collect();
    all.join(", ")
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table
}

fn align_right(table: &mut Table, columns: impl IntoIterator<Item = usize>) {
    for column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn lines_of(table: &Table) -> String {
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n")
}

fn size(bytes: u64) -> String {
    ByteSize::b(bytes).display().si().to_string()
}

fn several(count: u64, noun: &str) -> String {
    let ending = match (count, noun) {
        (1, _) => "",
        (_, "batch") => "es",
        _ => "s",
    };
    format!("{} {noun}{ending}", counted(count))
}

/// `1234567` as `1,234,567`.
pub fn counted(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    String::from_utf8_lossy(&groups.join(&b","[..])).into_owned()
}
