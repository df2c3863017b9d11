//! From items to request bodies, within Authomize's limits.

use serde_json::{Map, Value};

/// Items of a request at most (Authomize's `New…ListRequestSchema`: 1 to 10,000).
const MOST_ITEMS: usize = 10_000;
/// Bytes of a request's body at most (the API's documentation: 1 MB).
const MOST_BYTES: usize = 1_000_000;

const HEAD: &[u8] = b"{\"data\":[";
const TAIL: &[u8] = b"]}";

/// The body of a request: `{"data": [item, …]}`.
#[must_use]
pub fn body(items: &[Map<String, Value>]) -> Vec<u8> {
    let mut body = HEAD.to_vec();
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            body.push(b',');
        }
        body.extend_from_slice(&text(item));
    }
    body.extend_from_slice(TAIL);
    body
}

fn text(item: &Map<String, Value>) -> Vec<u8> {
    serde_json::to_vec(item).expect("a map of JSON values with text keys always serializes")
}

/// Items of one kind on their way into requests.
#[derive(Debug, Default)]
pub struct Pack {
    items: Vec<Map<String, Value>>,
    bytes: usize,
}

/// The effect of an item that was added.
#[derive(Debug, PartialEq)]
pub enum Added {
    /// There is room for more.
    Kept,
    /// The request without it is full; the item begins the next one.
    Full(Vec<Map<String, Value>>),
    /// The item alone is larger than a request may be.
    TooLarge(Map<String, Value>),
}

impl Pack {
    /// Adds an item.
    pub fn add(&mut self, item: Map<String, Value>) -> Added {
        let bytes = text(&item).len() + 1;
        let room = MOST_BYTES - HEAD.len() - TAIL.len();
        if bytes > room {
            return Added::TooLarge(item);
        }
        let full = self.items.len() == MOST_ITEMS || self.bytes + bytes > room;
        let before = if full { self.take() } else { Vec::new() };
        self.bytes += bytes;
        self.items.push(item);
        if full {
            Added::Full(before)
        } else {
            Added::Kept
        }
    }

    /// The items that have not filled a request yet; empty if there are none.
    pub fn take(&mut self) -> Vec<Map<String, Value>> {
        self.bytes = 0;
        std::mem::take(&mut self.items)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(length: usize) -> Map<String, Value> {
        json!({"uniqueId": "x".repeat(length)})
            .as_object()
            .unwrap()
            .clone()
    }

    #[test]
    fn no_request_has_more_items_or_bytes_than_the_api_takes() {
        for length in [1, 100, 40_000, 999_000] {
            let (mut pack, mut requests) = (Pack::default(), Vec::new());
            for _ in 0..20_001 * 100 / (100 + length) {
                if let Added::Full(items) = pack.add(item(length)) {
                    requests.push(items);
                }
            }
            requests.push(pack.take());
            for items in &requests {
                assert!(
                    (1..=MOST_ITEMS).contains(&items.len()) && body(items).len() <= MOST_BYTES,
                    "{length}"
                );
            }
        }
    }

    #[test]
    fn an_item_that_no_request_holds_is_given_back() {
        let mut pack = Pack::default();
        assert!(matches!(pack.add(item(1_000_000)), Added::TooLarge(_)));
        assert!(pack.take().is_empty());
    }
}
