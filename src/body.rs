//! An answer's text with the items of the list that it is: read through once, and shared by all
//! that is made of them.

use std::ops::Deref;
use std::sync::Arc;

use self_cell::self_cell;
use serde_json::value::RawValue;

/// JSON text, most often; cheap to clone.
#[derive(Debug, Clone)]
pub struct Body(Arc<Text>);

/// The items of a text that is a list; none of any other.
type List<'a> = Option<Vec<&'a RawValue>>;

self_cell!(
    struct Text {
        owner: String,
        #[covariant]
        dependent: List,
    }
    impl {Debug}
);

impl Body {
    /// Whether the text is JSON.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.list().is_some() || serde_json::from_str::<&RawValue>(self).is_ok()
    }

    /// The items of a text that is a list; none of any other.
    #[must_use]
    pub fn items(&self) -> Option<Vec<Item>> {
        Some((0..self.list()?.len()).map(|at| Item(Place::Listed(self.clone(), at))).collect())
    }

    /// The text as one value.
    ///
    /// # Errors
    /// Where it is no JSON.
    pub fn object(&self) -> serde_json::Result<Box<RawValue>> {
        serde_json::from_str(self)
    }

    fn list(&self) -> Option<&[&RawValue]> {
        self.0.borrow_dependent().as_deref()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self(Arc::new(Text::new(text, |text| {
            text.trim_start().starts_with('[').then(|| serde_json::from_str(text).ok()).flatten()
        })))
    }
}

impl Deref for Body {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.borrow_owner()
    }
}

/// One JSON value: an item of an answer, which shares its text, or one that was made.
#[derive(Debug, Clone)]
pub struct Item(Place);

#[derive(Debug, Clone)]
enum Place {
    Listed(Body, usize),
    Own(Box<RawValue>),
}

impl From<Box<RawValue>> for Item {
    fn from(value: Box<RawValue>) -> Self {
        Self(Place::Own(value))
    }
}

impl Deref for Item {
    type Target = RawValue;

    fn deref(&self) -> &RawValue {
        match &self.0 {
            Place::Listed(body, at) => body.list().expect("an item is of a list")[*at],
            Place::Own(value) => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Body {
        text.to_owned().into()
    }

    #[test]
    fn items_outlive_their_answer_and_share_its_text() {
        let list = body(r#" [{"id": "1"}, 2]"#);
        let place = list.as_bytes().as_ptr_range();
        let items = list.items().unwrap();
        drop(list);
        assert_eq!(items.iter().map(|item| item.get()).collect::<Vec<_>>(), [r#"{"id": "1"}"#, "2"]);
        assert!(items.iter().all(|item| place.contains(&item.get().as_ptr())));
    }

    #[test]
    fn only_a_list_has_items() {
        assert_eq!(body("[]").items().unwrap().len(), 0);
        for text in [r#"{"a": [1]}"#, "null", "", "[1", "[1] 2", "<html>"] {
            assert!(body(text).items().is_none(), "{text}");
        }
    }

    #[test]
    fn a_text_is_json_as_a_whole_or_not_at_all() {
        assert!([" [1] ", r#"{"a": 1}"#, "3"].into_iter().all(|text| body(text).is_json()));
        assert!(!["", "[1", "[1] 2", "{}{}", "<html>"].into_iter().any(|text| body(text).is_json()));
    }
}
