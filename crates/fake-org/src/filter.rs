//! The filter language of `filter=` and `search=`: comparisons, `and`, `or`, `not`, parentheses.

use jiff::Timestamp;
use serde_json::Value;

use crate::refusal::Refusal;

/// A parsed filter.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Filter {
    Compare {
        attribute: String,
        op: Op,
        value: Value,
    },
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
}

/// A comparison's operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Eq,
    Ne,
    Gt,
    Ge,
    Lt,
    Le,
    Sw,
    Ew,
    Co,
    Pr,
}

impl Filter {
    /// Parses the text; 400 E0000031 where it is none.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        let tokens = tokens(text).ok_or_else(Refusal::bad_search)?;
        let mut parser = Parser { tokens, at: 0 };
        let filter = parser.or().ok_or_else(Refusal::bad_search)?;
        if parser.at == parser.tokens.len() {
            Ok(filter)
        } else {
            Err(Refusal::bad_search())
        }
    }

    /// 400 E0000031 unless every comparison is one that the endpoint supports.
    pub(crate) fn only(self, supported: impl Fn(&str, Op) -> bool + Copy) -> Result<Self, Refusal> {
        if self.all(supported) {
            Ok(self)
        } else {
            Err(Refusal::bad_search())
        }
    }

    fn all(&self, supported: impl Fn(&str, Op) -> bool + Copy) -> bool {
        match self {
            Self::Compare { attribute, op, .. } => supported(attribute, *op),
            Self::And(left, right) | Self::Or(left, right) => {
                left.all(supported) && right.all(supported)
            }
            Self::Not(inner) => inner.all(supported),
        }
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        match self {
            Self::And(left, right) => left.matches(object) && right.matches(object),
            Self::Or(left, right) => left.matches(object) || right.matches(object),
            Self::Not(inner) => !inner.matches(object),
            Self::Compare {
                attribute,
                op,
                value,
            } => reach(object, attribute)
                .into_iter()
                .any(|found| compare(found, *op, value)),
        }
    }
}

/// Every value at a dotted path; arrays on the way stand for each of their items.
fn reach<'a>(object: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![object];
    for key in path.split('.') {
        found = found
            .into_iter()
            .filter_map(|value| value.get(key))
            .flat_map(spread)
            .collect();
    }
    found
}

fn spread(value: &Value) -> Vec<&Value> {
    value
        .as_array()
        .map_or_else(|| vec![value], |items| items.iter().collect())
}

fn compare(found: &Value, op: Op, wanted: &Value) -> bool {
    use std::cmp::Ordering::{Greater, Less};
    match op {
        Op::Pr => !found.is_null() && found.as_str() != Some(""),
        Op::Eq => order(found, wanted) == Some(std::cmp::Ordering::Equal),
        Op::Ne => order(found, wanted) != Some(std::cmp::Ordering::Equal),
        Op::Gt => order(found, wanted) == Some(Greater),
        Op::Ge => order(found, wanted).is_some_and(|order| order != Less),
        Op::Lt => order(found, wanted) == Some(Less),
        Op::Le => order(found, wanted).is_some_and(|order| order != Greater),
        Op::Sw => texts(found, wanted).is_some_and(|(found, wanted)| found.starts_with(&wanted)),
        Op::Ew => texts(found, wanted).is_some_and(|(found, wanted)| found.ends_with(&wanted)),
        Op::Co => texts(found, wanted).is_some_and(|(found, wanted)| found.contains(&wanted)),
    }
}

fn order(found: &Value, wanted: &Value) -> Option<std::cmp::Ordering> {
    if let (Some(found), Some(wanted)) = (found.as_f64(), wanted.as_f64()) {
        return found.partial_cmp(&wanted);
    }
    if let (Some(found), Some(wanted)) = (found.as_bool(), wanted.as_bool()) {
        return Some(found.cmp(&wanted));
    }
    let (found, wanted) = texts(found, wanted)?;
    match (
        found.to_uppercase().parse::<Timestamp>(),
        wanted.to_uppercase().parse::<Timestamp>(),
    ) {
        (Ok(found), Ok(wanted)) => Some(found.cmp(&wanted)),
        _ => Some(found.cmp(&wanted)),
    }
}

/// Both as text without regard to case, as Okta compares.
fn texts(found: &Value, wanted: &Value) -> Option<(String, String)> {
    Some((
        found.as_str()?.to_lowercase(),
        wanted.as_str()?.to_lowercase(),
    ))
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Open,
    Close,
    Word(String),
    Text(String),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            ' ' => {}
            '(' => tokens.push(Token::Open),
            ')' => tokens.push(Token::Close),
            '"' => tokens.push(Token::Text(quoted(&mut chars)?)),
            first => {
                let mut word = String::from(first);
                while let Some(next) = chars.next_if(|next| !" ()\"".contains(*next)) {
                    word.push(next);
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Some(tokens)
}

fn quoted(chars: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut text = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(text),
            '\\' => text.push(chars.next()?),
            char => text.push(char),
        }
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

impl Parser {
    fn take(&mut self) -> Option<Token> {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned()
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Word(word)) if word.eq_ignore_ascii_case(wanted));
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Option<Filter> {
        let mut left = self.and()?;
        while self.take_word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        Some(left)
    }

    fn and(&mut self) -> Option<Filter> {
        let mut left = self.unary()?;
        while self.take_word("and") {
            left = Filter::And(Box::new(left), Box::new(self.unary()?));
        }
        Some(left)
    }

    fn unary(&mut self) -> Option<Filter> {
        if self.take_word("not") {
            return Some(Filter::Not(Box::new(self.unary()?)));
        }
        match self.take()? {
            Token::Open => {
                let inner = self.or()?;
                (self.take()? == Token::Close).then_some(inner)
            }
            Token::Word(attribute) => self.comparison(attribute),
            Token::Close | Token::Text(_) => None,
        }
    }

    fn comparison(&mut self, attribute: String) -> Option<Filter> {
        let Token::Word(op) = self.take()? else {
            return None;
        };
        let op = op_named(&op.to_ascii_lowercase())?;
        let value = match op {
            Op::Pr => Value::Null,
            _ => match self.take()? {
                Token::Text(text) => Value::String(text),
                Token::Word(word) => serde_json::from_str(&word).ok()?,
                Token::Open | Token::Close => return None,
            },
        };
        Some(Filter::Compare {
            attribute,
            op,
            value,
        })
    }
}

fn op_named(name: &str) -> Option<Op> {
    Some(match name {
        "eq" => Op::Eq,
        "ne" => Op::Ne,
        "gt" => Op::Gt,
        "ge" => Op::Ge,
        "lt" => Op::Lt,
        "le" => Op::Le,
        "sw" => Op::Sw,
        "ew" => Op::Ew,
        "co" => Op::Co,
        "pr" => Op::Pr,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::Filter;
    use serde_json::json;

    fn matches(filter: &str) -> bool {
        let user = json!({"status": "ACTIVE", "lastUpdated": "2026-01-02T00:00:00.000Z", "profile": {"login": "a@b.c", "tags": ["x", "y"]}});
        Filter::parse(filter).unwrap().matches(&user)
    }

    #[test]
    fn times_are_compared_as_times() {
        assert!(matches(r#"lastUpdated gt "2026-01-01T23:59:59Z""#));
        assert!(matches(r#"lastUpdated ge "2026-01-02T01:00:00+01:00""#));
        assert!(!matches(r#"lastUpdated lt "2026-01-02T00:00:00.000Z""#));
    }

    #[test]
    fn and_binds_closer_than_or_and_parentheses_closer_still() {
        assert!(matches(
            r#"status eq "ACTIVE" or status eq "X" and status eq "Y""#
        ));
        assert!(!matches(
            r#"(status eq "ACTIVE" or status eq "X") and status eq "Y""#
        ));
        assert!(matches(
            r#"not (status eq "X") and profile.tags eq "y" and profile.login pr"#
        ));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "status",
            "status eq",
            r#"status like "x""#,
            r#"status eq "x" and"#,
            r#"(status eq "x""#,
        ] {
            assert!(Filter::parse(text).is_err(), "{text}");
        }
    }
}
