//! Small charts as numbers for inline SVG: nothing in here is anybody's text.

/// Width and height of a line's chart in its own units; the page stretches it.
const LINE: (f64, f64) = (120.0, 28.0);
/// Room around a line, so that its stroke is not cut.
const MARGIN: f64 = 2.0;

/// A line over days, for an SVG of 120 × 28.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Line {
    /// `points` of a polyline, empty where fewer than two days are known.
    pub points: String,
    /// The newest point.
    pub last: Option<(String, String)>,
}

/// A bar of a chart of 100 units' height.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// Left edge.
    pub x: String,
    /// Upper edge.
    pub y: String,
    /// Width.
    pub width: String,
    /// Height.
    pub height: String,
}

/// The line through the known values; a value that is missing is as the one before.
#[must_use]
pub fn line(values: &[Option<u64>]) -> Line {
    let first = values
        .iter()
        .position(Option::is_some)
        .unwrap_or(values.len());
    let mut last = 0;
    let filled: Vec<u64> = values[first..]
        .iter()
        .map(|value| {
            last = value.unwrap_or(last);
            last
        })
        .collect();
    let (Some(lowest), Some(highest)) = (filled.iter().min(), filled.iter().max()) else {
        return Line::default();
    };
    let step = (LINE.0 - 2.0 * MARGIN) / float(values.len().saturating_sub(1).max(1) as u64);
    let place = |(at, value): (usize, &u64)| {
        let x = MARGIN + step * float((first + at) as u64);
        let share = if highest == lowest {
            0.5
        } else {
            float(value - lowest) / float(highest - lowest)
        };
        (
            format!("{x:.1}"),
            format!("{:.1}", LINE.1 - MARGIN - share * (LINE.1 - 2.0 * MARGIN)),
        )
    };
    let places: Vec<_> = filled.iter().enumerate().map(place).collect();
    let points = if places.len() < 2 {
        String::new()
    } else {
        joined(&places)
    };
    Line {
        points,
        last: places.last().cloned(),
    }
}

fn joined(places: &[(String, String)]) -> String {
    places
        .iter()
        .map(|(x, y)| format!("{x},{y}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Bars side by side, each as wide as one unit but for a gap, the highest `height` units high.
#[must_use]
pub fn bars(values: &[u64], highest: u64, height: f64) -> Vec<Bar> {
    let bar = |(at, value): (usize, &u64)| {
        // A bar of anything at all is seen.
        let tall = if *value == 0 {
            0.0
        } else {
            (height * float(*value) / float(highest.max(1))).max(1.5)
        };
        Bar {
            x: format!("{:.2}", float(at as u64) + 0.1),
            y: format!("{:.1}", height - tall),
            width: "0.80".to_owned(),
            height: format!("{tall:.1}"),
        }
    };
    values.iter().enumerate().map(bar).collect()
}

/// A share in percent, at most 100.
#[must_use]
pub fn percent(part: u64, whole: u64) -> u64 {
    (part.saturating_mul(100) / whole.max(1)).min(100)
}

#[expect(clippy::cast_precision_loss, reason = "a chart shows no 53 bits")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_begins_where_something_is_known_and_bridges_what_is_missing() {
        let drawn = line(&[None, Some(10), None, Some(20)]);
        assert_eq!(drawn.points, "40.7,26.0 79.3,26.0 118.0,2.0");
        assert_eq!(drawn.last, Some(("118.0".into(), "2.0".into())));
        assert_eq!(line(&[]), Line::default());
        assert_eq!(line(&[None, None]), Line::default());
        assert_eq!(line(&[None, Some(7)]).points, "");
    }

    #[test]
    fn a_constant_line_is_in_the_middle() {
        assert_eq!(line(&[Some(5), Some(5)]).points, "2.0,14.0 118.0,14.0");
    }

    #[test]
    fn a_bar_of_something_is_seen_beside_a_high_one() {
        let drawn = bars(&[0, 1, 1_000_000], 1_000_000, 100.0);
        assert_eq!(
            drawn
                .iter()
                .map(|bar| bar.height.as_str())
                .collect::<Vec<_>>(),
            ["0.0", "1.5", "100.0"]
        );
        assert_eq!(bars(&[0], 0, 100.0)[0].height, "0.0");
        assert_eq!(
            (percent(1, 0), percent(3, 4), percent(9, 4)),
            (100, 75, 100)
        );
    }
}
