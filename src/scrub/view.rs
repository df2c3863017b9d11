//! A text as it reads once it is decoded, each letter with the bytes of the text that it stands for: what is found
//! in a decoded address is cut from the encoded one.
//!
//! | encoding | example of `a@b` |
//! |---|---|
//! | percent, in either case, any number of times, `+` for a space | `a%40b`, `a%2540b`, `a%u0040b` |
//! | escapes of JSON, JavaScript and other languages | `a\u0040b`, `a\u{40}b`, `a\x40b`, `a\100b` |
//! | HTML entities | `a&#64;b`, `a&#x40;b`, `a&commat;b` |
//! | quoted-printable | `a=40b` |
//! | base64 of either alphabet, at any place of a longer text | `YUBi` |
//! | base32 | `MFAGE===` |
//! | hexadecimal | `614062` |
//! | UTF-16 in one of the last three | `YQBAAGIA` |

use std::ops::Range;

use super::decode::{
    Letter, Piece, Unpack, entity, escape, from_base32, from_base64, from_hex, hex, is_base32,
    is_base64, is_hex, percent,
};

/// Encodings around each other that are looked through.
const DEEPEST: usize = 5;
/// Views of one text at most.
const MOST_VIEWS: usize = 128;
/// A shorter run of letters is no packed text.
const SHORTEST_RUN: usize = 6;

/// A byte of a letter that is not put together yet.
struct Byte {
    byte: u8,
    start: usize,
    end: usize,
}

/// A text as it reads after some decoding.
#[derive(Debug, Clone)]
pub(super) struct View {
    letters: Vec<Letter>,
    /// Whether it was unpacked: what stands beside a word in it may be noise.
    is_packed: bool,
}

/// Calls `visit` with the text as it stands, and then with all that it may read as.
pub(super) fn every(text: &str, visit: &mut dyn FnMut(&View, bool)) {
    let plain = View::of(text);
    visit(&plain, true);
    let mut open: Vec<(View, usize)> = plain.decoded().map(|view| (view, 1)).collect();
    let mut seen = 0;
    while let Some((view, depth)) = open.pop() {
        visit(&view, false);
        seen += 1;
        let (is_packed, readable) = (view.is_packed, view.readable());
        if is_packed {
            // Letters of two bytes each: without the empty ones they read as one.
            visit(&readable, false);
        }
        if depth < DEEPEST && seen + open.len() < MOST_VIEWS {
            open.extend(readable.decoded().map(|view| (view, depth + 1)));
        }
    }
}

/// The text without what is encoded for addresses, once: `%2Fx` → `/x`; `None` if nothing is.
pub(super) fn unescaped(text: &str) -> Option<View> {
    View::of(text).unescaped()
}

/// One letter in small, as far as that is one letter.
pub(super) fn folded(letter: char) -> char {
    if letter.is_ascii() {
        letter.to_ascii_lowercase()
    } else {
        letter.to_lowercase().next().unwrap_or(letter)
    }
}

impl View {
    fn of(text: &str) -> Self {
        let letter = |(start, letter): (usize, char)| Letter {
            letter,
            start,
            end: start + letter.len_utf8(),
        };
        Self {
            letters: text.char_indices().map(letter).collect(),
            is_packed: false,
        }
    }

    /// As it reads.
    pub(super) fn text(&self) -> String {
        self.letters.iter().map(|letter| letter.letter).collect()
    }

    /// The bytes of the text that these bytes of [`Self::text`] stand for.
    pub(super) fn origin(&self, range: &Range<usize>) -> Range<usize> {
        let mut at = 0;
        let within = self.letters.iter().filter(|letter| {
            let start = at;
            at += letter.letter.len_utf8();
            range.contains(&start)
        });
        let (mut start, mut end) = (usize::MAX, 0);
        for letter in within {
            (start, end) = (start.min(letter.start), end.max(letter.end));
        }
        if start < end { start..end } else { 0..0 }
    }

    /// The bytes of the text that hold `wanted` (folded letters); as whole words alone if it is asked for.
    pub(super) fn find(
        &self,
        wanted: &[char],
        as_words: bool,
        found: &mut dyn FnMut(Range<usize>),
    ) {
        let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else {
            return;
        };
        let letters = &self.letters;
        let joins = |edge: &char, beside: Option<&Letter>| {
            let beside = beside.is_some_and(|letter| letter.letter.is_alphanumeric());
            as_words && !self.is_packed && edge.is_alphanumeric() && beside
        };
        let mut at = 0;
        while at + wanted.len() <= letters.len() {
            let end = at + wanted.len();
            let is_there = folded(letters[at].letter) == *first
                && letters[at..end]
                    .iter()
                    .zip(wanted)
                    .all(|(letter, wanted)| folded(letter.letter) == *wanted)
                && !joins(first, at.checked_sub(1).map(|before| &letters[before]))
                && !joins(last, letters.get(end));
            if is_there {
                found(letters[at].start..letters[end - 1].end);
            }
            at = if is_there { end } else { at + 1 };
        }
    }

    /// All that it may read as, decoded once.
    fn decoded(&self) -> impl Iterator<Item = Self> {
        let base64 = (0..4).filter_map(|skip| self.unpacked(skip, is_base64, &from_base64));
        let hex = (0..2).filter_map(|skip| self.unpacked(skip, is_hex, &from_hex));
        let base32 = (0..8).filter_map(|skip| self.unpacked(skip, is_base32, &from_base32));
        let escaped = [self.unescaped(), self.unquoted()];
        let packed = base32.chain(base64).chain(hex);
        packed.chain(escaped.into_iter().flatten())
    }

    /// Without the runs that are noise, if it was unpacked.
    fn readable(self) -> Self {
        if !self.is_packed {
            return self;
        }
        let is_text = |letter: &Letter| !letter.letter.is_control() && letter.letter != '\u{fffd}';
        let runs = self.letters.split(|letter| letter.letter == '\0');
        let readable = runs.filter(|run| run.iter().all(is_text));
        Self {
            letters: readable.flatten().copied().collect(),
            is_packed: true,
        }
    }

    fn unescaped(&self) -> Option<Self> {
        self.replaced(|letters| match letters.first()?.letter {
            '%' => percent(letters),
            '\\' => escape(letters),
            '&' => entity(letters),
            '+' => Some((1, Piece::Letter(' '))),
            _ => None,
        })
    }

    fn unquoted(&self) -> Option<Self> {
        self.replaced(|letters| {
            let break_at = |at: usize| letters.get(at).is_some_and(|letter| letter.letter == '\n');
            if letters[0].letter == '=' && break_at(1) {
                return Some((2, Piece::Nothing));
            }
            let byte = u8::try_from(hex(letters.get(1..3)?)?).ok()?;
            (letters[0].letter == '=').then_some((3, Piece::Byte(byte)))
        })
    }

    /// With what `decode` finds at the beginning of some letters in place of them; `None` if it finds nothing.
    fn replaced(&self, decode: impl Fn(&[Letter]) -> Option<(usize, Piece)>) -> Option<Self> {
        let (mut letters, mut bytes) = (Vec::new(), Vec::new());
        let (mut at, mut is_same) = (0, true);
        while let Some(letter) = self.letters.get(at) {
            let Some((length, piece)) = decode(&self.letters[at..]) else {
                put_together(&mut bytes, &mut letters);
                letters.push(*letter);
                at += 1;
                continue;
            };
            let (start, end) = (letter.start, self.letters[at + length - 1].end);
            match piece {
                Piece::Nothing => {}
                Piece::Byte(byte) => bytes.push(Byte { byte, start, end }),
                Piece::Letter(letter) => {
                    put_together(&mut bytes, &mut letters);
                    letters.push(Letter { letter, start, end });
                }
            }
            (at, is_same) = (at + length, false);
        }
        put_together(&mut bytes, &mut letters);
        let is_packed = self.is_packed;
        (!is_same).then_some(Self { letters, is_packed })
    }

    /// The bytes that its runs of packed letters hold, without the first `skip` letters of each.
    fn unpacked(&self, skip: usize, is_packed: fn(char) -> bool, unpack: &Unpack) -> Option<Self> {
        let runs = self
            .letters
            .chunk_by(|one, next| is_packed(one.letter) == is_packed(next.letter));
        let mut letters = Vec::new();
        for run in runs.filter(|run| run.len() >= SHORTEST_RUN && is_packed(run[0].letter)) {
            let Some(run) = run.get(skip..).filter(|run| !run.is_empty()) else {
                continue;
            };
            let packed: Vec<u8> = run.iter().map(|letter| letter.letter as u8).collect();
            let (unpacked, bits) = unpack(&packed);
            let byte = |(at, byte): (usize, u8)| Byte {
                byte,
                start: run[at * 8 / bits].start,
                end: run[(at * 8 + 7) / bits].end,
            };
            let mut bytes: Vec<Byte> = unpacked.into_iter().enumerate().map(byte).collect();
            put_together(&mut bytes, &mut letters);
            let end = run.last().map_or(0, |letter| letter.end);
            letters.push(Letter {
                letter: '\0',
                start: end,
                end,
            });
        }
        let is_packed = true;
        (!letters.is_empty()).then_some(Self { letters, is_packed })
    }
}

/// Bytes as letters; invalid UTF-8 is U+FFFD.
fn put_together(bytes: &mut Vec<Byte>, letters: &mut Vec<Letter>) {
    let plain: Vec<u8> = bytes.iter().map(|byte| byte.byte).collect();
    let mut at = 0;
    let mut push = |letter: char, length: usize| {
        let (start, end) = (bytes[at].start, bytes[at + length - 1].end);
        letters.push(Letter { letter, start, end });
        at += length;
    };
    for chunk in plain.utf8_chunks() {
        chunk
            .valid()
            .chars()
            .for_each(|letter| push(letter, letter.len_utf8()));
        if !chunk.invalid().is_empty() {
            push('\u{fffd}', chunk.invalid().len());
        }
    }
    bytes.clear();
}

#[cfg(test)]
mod tests {
    use base64::Engine;

    use super::*;
    use crate::scrub::decode::BASE64;

    fn found(text: &str, wanted: &str, as_words: bool) -> Vec<String> {
        let wanted: Vec<char> = wanted.chars().map(folded).collect();
        let mut found = Vec::new();
        every(text, &mut |view, _| {
            view.find(&wanted, as_words, &mut |cut| {
                found.push(text[cut].to_owned())
            });
        });
        found
    }

    #[test]
    fn what_is_found_decoded_is_told_as_it_stands_encoded() {
        for (text, expected) in [
            ("x a@b y", "a@b"),
            ("x?u=a%40b&y", "a%40b"),
            ("x?u=%2541%252540b&y", "%2541%252540b"),
            (r"say \u0061\u0040b!", r"\u0061\u0040b"),
            ("<a&#64;b>", "a&#64;b"),
            ("<a&commat;b>", "a&commat;b"),
            ("to: =61=40=62", "=61=40=62"),
            ("%u0061%u0040%u0062", "%u0061%u0040%u0062"),
            (r"say \141\100b!", r"\141\100b"),
            (r"say \u{61}\u{40}b!", r"\u{61}\u{40}b"),
            (r"say \U00000061@b!", r"\U00000061@b"),
            ("to: a=\n@=62", "a=\n@=62"),
        ] {
            assert!(
                found(text, "A@B", true).contains(&expected.to_owned()),
                "{text}"
            );
        }
        let pair = "\\ud83e\\udd80";
        assert!(found(&format!("🦀 {pair}"), "🦀", false).contains(&pair.to_owned()));
    }

    #[test]
    fn a_packed_text_is_found_wherever_it_begins() {
        for before in ["", "x", "xy", "xyz", "{\"a\":\""] {
            let packed = BASE64.encode(format!("{before}ada@acme.example{before}"));
            let text = format!("v=1.{packed}.x");
            assert!(!found(&text, "ada@acme.example", true).is_empty(), "{text}");
            let twice = BASE64.encode(&packed);
            assert!(
                !found(&twice, "ada@acme.example", true).is_empty(),
                "{twice}"
            );
        }
        let hex = hex::encode("ada@acme.example");
        let of_hex = found(&hex, "ada@acme.example", true);
        assert!(of_hex.iter().all(|found| *found == hex) && !of_hex.is_empty());
        // In Python: base64.b32encode(b"x ada@acme.example")
        let base32 = "PAQGCZDBIBQWG3LFFZSXQYLNOBWGK===";
        assert!(!found(base32, "ada@acme.example", true).is_empty());
        let utf_16: Vec<u8> = "ada@acme.example"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        for packed in [BASE64.encode(&utf_16), hex::encode(&utf_16)] {
            assert!(
                !found(&packed, "ada@acme.example", true).is_empty(),
                "{packed}"
            );
        }
    }

    #[test]
    fn a_word_is_no_part_of_another() {
        assert!(found("Annabel joanna Anna2", "anna", true).is_empty());
        assert_eq!(found("Dear Anna, ANNA!", "anna", true), ["Anna", "ANNA"]);
        assert_eq!(found("Annabel", "anna", false), ["Anna"]);
    }

    #[test]
    fn odd_texts_are_survived() {
        for text in [
            "%",
            "%u",
            "%4",
            "\\",
            "\\u12",
            "\\ud800\\u0041",
            "&",
            "&;",
            "&#;",
            "=",
            "=4",
            "%ff%fe",
            "%C3",
            "+",
            "é%C3é",
            "\\u{",
            "\\u{}",
            "\\u{61",
            "\\U0000",
            "\\777",
            "\\8",
            "=\n",
            "AAAAAA",
            "AAAAAAAA",
        ] {
            assert!(found(text, "anna", true).is_empty(), "{text}");
        }
    }
}
