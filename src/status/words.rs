//! Words for people: ages, times and numbers, and texts of anybody's making that must not spoil a page.

use jiff::{SignedDuration, Timestamp};
use unicode_segmentation::UnicodeSegmentation;

/// Longest grapheme that is shown, in characters: letters have a few marks, emoji of families eleven characters.
const GRAPHEME_CHARS: usize = 12;
/// Combining marks of one letter that are shown.
const MOST_MARKS: usize = 4;

/// A text as a page may show it: at most `most` graphemes, without control characters and those that turn the
/// direction of what comes after, and with few marks on a letter. Markup is the template's matter.
#[must_use]
pub fn shown(text: &str, most: usize) -> String {
    let mut shown = String::new();
    let mut graphemes = text
        .graphemes(true)
        .map(tamed)
        .filter(|grapheme| !grapheme.is_empty());
    for grapheme in graphemes.by_ref().take(most) {
        shown.push_str(&grapheme);
    }
    if graphemes.next().is_some() {
        shown.push('…');
    }
    shown
}

fn tamed(grapheme: &str) -> String {
    let mut marks = 0;
    let kept = grapheme.chars().take(GRAPHEME_CHARS).filter(|character| {
        let is_mark = is_mark(*character);
        marks += usize::from(is_mark);
        !(turns(*character) || is_mark && marks > MOST_MARKS)
    });
    kept.map(|character| {
        if character.is_control() || character == '\u{feff}' {
            ' '
        } else {
            character
        }
    })
    .collect()
}

/// Whether it is one of the blocks of marks that stand above or below the letter before.
fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Whether it changes the direction of text that follows.
/// <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>
fn turns(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// How long before `now` something was: `just now`, `2 minutes ago`, `3 days ago`.
#[must_use]
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(then).as_secs();
    if seconds < 60 {
        "just now".to_owned()
    } else {
        format!("{} ago", span(SignedDuration::from_secs(seconds)))
    }
}

/// A time span in its largest unit: `41 seconds`, `2 minutes`, `1 hour`, `3 days`.
#[must_use]
pub fn span(span: SignedDuration) -> String {
    let seconds = span.as_secs().max(0);
    let (count, unit) = match seconds {
        0..=119 if seconds < 60 => (seconds, "second"),
        0..=3_599 => (seconds / 60, "minute"),
        3_600..=86_399 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// `27 Nov 2026, 18:00 UTC`
#[must_use]
pub fn moment(at: Timestamp) -> String {
    at.strftime("%-d %b %Y, %H:%M UTC").to_string()
}

/// A number with a separator between thousands: `31,098`.
#[must_use]
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut parts: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .filter_map(|part| std::str::from_utf8(part).ok())
        .collect();
    parts.reverse();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_told_in_their_largest_unit() {
        let now: Timestamp = "2026-11-27T18:00:00Z".parse().unwrap();
        let told = |seconds| ago(now - SignedDuration::from_secs(seconds), now);
        let expected = [
            (-5, "just now"),
            (59, "just now"),
            (60, "1 minute ago"),
            (121, "2 minutes ago"),
            (3_600, "1 hour ago"),
            (90_000, "1 day ago"),
            (864_000, "10 days ago"),
        ];
        for (seconds, words) in expected {
            assert_eq!(told(seconds), words);
        }
        assert_eq!(span(SignedDuration::from_secs(1)), "1 second");
        assert_eq!(moment(now), "27 Nov 2026, 18:00 UTC");
    }

    #[test]
    fn thousands_are_separated() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (31_098, "31,098"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(number(count), text);
        }
    }

    #[test]
    fn text_that_would_turn_or_tower_is_tamed() {
        assert_eq!(shown("Ada\u{202e}moc.emca\u{2066}", 50), "Adamoc.emca");
        assert_eq!(
            shown(&format!("Z{}", "\u{301}".repeat(500)), 50),
            format!("Z{}", "\u{301}".repeat(4))
        );
        assert_eq!(shown("a\u{0}b\nc", 50), "a b c");
        assert_eq!(
            shown(&"é".repeat(10_000), 20),
            format!("{}…", "é".repeat(20))
        );
        assert_eq!(shown("👩‍👩‍👧‍👦 Zoë שלום", 50), "👩‍👩‍👧‍👦 Zoë שלום");
    }
}
