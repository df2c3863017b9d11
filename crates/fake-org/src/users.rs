//! `/api/v1/users`: people.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::filter::{Filter, Op};
use crate::message::Response;
use crate::org::Org;
use crate::paging::limit;
use crate::refusal::Refusal;
use crate::routes::Call;
use crate::table::Row;

const MAX_LIMIT: u64 = 200;

/// A user to create.
#[derive(Clone, Debug, PartialEq)]
pub struct NewUser {
    /// `STAGED`, `PROVISIONED`, `ACTIVE`, ….
    pub status: &'static str,
    /// `login`, `email`, `firstName`, `lastName` and whatever else.
    pub profile: Map<String, Value>,
}

impl NewUser {
    /// An active user `first.last@acme.com`.
    #[must_use]
    pub fn named(first: &str, last: &str) -> Self {
        let login = format!("{}.{}@acme.com", first.to_lowercase(), last.to_lowercase());
        let mut profile = Map::new();
        for (key, value) in [
            ("firstName", first),
            ("lastName", last),
            ("login", login.as_str()),
            ("email", login.as_str()),
        ] {
            profile.insert(key.into(), value.into());
        }
        Self {
            status: "ACTIVE",
            profile,
        }
    }

    /// Sets a profile attribute.
    #[must_use]
    pub fn with(mut self, attribute: &str, value: impl Into<Value>) -> Self {
        self.profile.insert(attribute.into(), value.into());
        self
    }

    /// Sets the status.
    #[must_use]
    pub fn status(mut self, status: &'static str) -> Self {
        self.status = status;
        self
    }
}

/// A user object as the API shows it.
pub(crate) fn user_object(domain: &str, id: &str, user: NewUser, now: &str) -> Value {
    let activated = !matches!(user.status, "STAGED");
    let password = !matches!(user.status, "STAGED" | "PROVISIONED");
    let when = |condition: bool| {
        if condition {
            Value::from(now)
        } else {
            Value::Null
        }
    };
    json!({
        "id": id,
        "status": user.status,
        "created": now,
        "activated": when(activated),
        "statusChanged": when(activated),
        "lastLogin": null,
        "lastUpdated": now,
        "passwordChanged": when(password),
        "type": {"id": "otyAcmeDefault000697"},
        "profile": user.profile,
        "credentials": {"password": {}, "emails": [{"value": user.profile.get("email"), "status": "VERIFIED", "type": "PRIMARY"}], "provider": {"type": "OKTA", "name": "OKTA"}},
        "_links": {"self": {"href": format!("{domain}/api/v1/users/{id}")}},
    })
}

/// `GET /api/v1/users`
pub(crate) fn list(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let wanted = wanted(call)?;
    let at = org.position(call)?;
    let default = if call.query("q").is_some() {
        10
    } else {
        MAX_LIMIT
    };
    let limit = limit(call, default, MAX_LIMIT)?;
    let omitted = omitted(call);
    if let Some(streamed) = &org.streamed {
        let users = streamed
            .users(at.place)
            .map(|(place, text)| (place, without(&omitted, text)));
        let page = org.page(call, at, limit, users);
        return Ok(org.array(call, &page));
    }
    if call.query("search").is_some() && call.query("sortBy").is_some() {
        return sorted(org, call, wanted, limit);
    }
    let rows = org
        .users
        .after(at.place)
        .filter(|(_, row)| wanted(&row.value));
    let texts = rows.map(|(place, row)| (place, without(&omitted, Cow::Borrowed(row.text()))));
    let page = org.page(call, at, limit, texts);
    Ok(org.array(call, &page))
}

/// Members that the request asks to leave out: `Content-Type: application/json; okta-response=omitCredentials`. The
/// links that `omitCredentialsLinks` leaves out are never there.
fn omitted(call: &Call<'_>) -> Vec<&'static str> {
    let media = call
        .request
        .header_value("content-type")
        .unwrap_or_default();
    let wanted = media
        .split(';')
        .find_map(|part| part.trim().strip_prefix("okta-response="))
        .unwrap_or_default();
    let wanted = wanted.trim_matches('"');
    let members = [
        ("omitCredentials", "credentials"),
        ("omitTransitioningToStatus", "transitioningToStatus"),
    ];
    let is_wanted = |(word, _): &(&str, &str)| wanted.split(',').any(|part| part == *word);
    members
        .into_iter()
        .filter(is_wanted)
        .map(|(_, member)| member)
        .collect()
}

fn without<'a>(members: &[&str], text: Cow<'a, str>) -> Cow<'a, str> {
    if members.is_empty() {
        return text;
    }
    let Ok(Value::Object(mut user)) = serde_json::from_str(&text) else {
        return text;
    };
    user.retain(|member, _| !members.contains(&member.as_str()));
    Value::Object(user).to_string().into()
}

type Wanted = Box<dyn Fn(&Value) -> bool>;

/// Which users a listing wants: all but deprovisioned ones, unless a filter or search says otherwise.
fn wanted(call: &Call<'_>) -> Result<Wanted, Refusal> {
    if let Some(text) = call.query("filter") {
        let filter = Filter::parse(text)?.only(filterable)?;
        return Ok(Box::new(move |user| filter.matches(user)));
    }
    if let Some(text) = call.query("search") {
        let filter = Filter::parse(text)?;
        return Ok(Box::new(move |user| filter.matches(user)));
    }
    let words = call.query("q").map(str::to_lowercase);
    Ok(Box::new(move |user| {
        user["status"] != "DEPROVISIONED"
            && words
                .as_ref()
                .is_none_or(|words| name_starts_with(user, words))
    }))
}

fn filterable(attribute: &str, op: Op) -> bool {
    match attribute {
        "lastUpdated" => matches!(op, Op::Eq | Op::Gt | Op::Ge | Op::Lt | Op::Le),
        "id" | "status" | "type.id" | "profile.login" | "profile.email" | "profile.firstName"
        | "profile.lastName" => op == Op::Eq,
        _ => false,
    }
}

fn name_starts_with(user: &Value, words: &str) -> bool {
    let text = |key: &str| {
        user["profile"][key]
            .as_str()
            .unwrap_or_default()
            .to_lowercase()
    };
    ["firstName", "lastName", "email"]
        .iter()
        .any(|key| text(key).starts_with(words))
}

/// A search's page in the order of one attribute; the place of a user is its rank.
fn sorted(
    org: &Org,
    call: &Call<'_>,
    wanted: impl Fn(&Value) -> bool,
    limit: u64,
) -> Result<Response, Refusal> {
    let at = org.position(call)?;
    let attribute = call.query("sortBy").unwrap_or("id").to_owned();
    let pointer = format!("/{}", attribute.replace('.', "/"));
    let key = |row: &Row| {
        row.value
            .pointer(&pointer)
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    let mut rows: Vec<&Row> = org.users.rows().filter(|row| wanted(&row.value)).collect();
    rows.sort_by_key(|row| key(row));
    if call
        .query("sortOrder")
        .is_some_and(|order| order.eq_ignore_ascii_case("desc"))
    {
        rows.reverse();
    }
    let ranked = (1_u64..).zip(rows).filter(|(rank, _)| *rank > at.place);
    let page = org.page(
        call,
        at,
        limit,
        ranked.map(|(rank, row)| (rank, Cow::Borrowed(row.text()))),
    );
    Ok(org.array(call, &page))
}

/// `GET /api/v1/users/{id}`, by id or login.
pub(crate) fn one(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    Ok(Response::json(
        without(&omitted(call), org.user_row(call.param(0))?.text().into()).as_ref(),
    ))
}

/// `GET /api/v1/users/{id}/groups`
pub(crate) fn groups(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let user = &org.user_row(call.param(0))?.id;
    let at = org.position(call)?;
    let groups = org
        .members
        .parents(user)
        .filter_map(|id| org.groups.row(id));
    let ranked = (1_u64..).zip(groups).filter(|(rank, _)| *rank > at.place);
    let page = org.page(
        call,
        at,
        MAX_LIMIT,
        ranked.map(|(rank, row)| (rank, Cow::Borrowed(row.text()))),
    );
    Ok(org.array(call, &page))
}

impl Org {
    pub(crate) fn user_row(&self, id_or_login: &str) -> Result<&Row, Refusal> {
        let by_login = || {
            self.users
                .rows()
                .find(|row| row.value["profile"]["login"] == id_or_login)
        };
        let row = self.users.row(id_or_login).or_else(by_login);
        row.ok_or_else(|| Refusal::not_found(id_or_login, "User"))
    }

    /// A user's object as the API shows it.
    #[must_use]
    pub fn user(&self, id: &str) -> Option<&Value> {
        self.users.get(id)
    }
}
