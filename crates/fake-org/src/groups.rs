//! `/api/v1/groups`: groups and their members.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use crate::filter::{Filter, Op};
use crate::message::Response;
use crate::org::Org;
use crate::paging::limit;
use crate::refusal::Refusal;
use crate::routes::Call;
use crate::table::Row;

const MAX_LIMIT: u64 = 10_000;
const MAX_MEMBERS: u64 = 1000;

/// A group object as the API shows it.
pub(crate) fn group_object(
    domain: &str,
    id: &str,
    kind: &str,
    profile: &Map<String, Value>,
    now: &str,
) -> Value {
    let class = if kind == "APP_GROUP" {
        "okta:windows_security_principal"
    } else {
        "okta:user_group"
    };
    let logo = "https://ok14static.oktacdn.com/assets/img/logos/groups/odyssey";
    json!({
        "id": id,
        "created": now,
        "lastUpdated": now,
        "lastMembershipUpdated": now,
        "objectClass": [class],
        "type": kind,
        "profile": profile,
        "_links": {
            "logo": [
                {"name": "medium", "href": format!("{logo}/okta-medium.png"), "type": "image/png"},
                {"name": "large", "href": format!("{logo}/okta-large.png"), "type": "image/png"},
            ],
            "users": {"href": format!("{domain}/api/v1/groups/{id}/users")},
            "apps": {"href": format!("{domain}/api/v1/groups/{id}/apps")},
        },
    })
}

/// `GET /api/v1/groups`
pub(crate) fn list(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let filter = filter(call)?;
    let words = call.query("q").map(str::to_lowercase);
    let at = org.position(call)?;
    let limit = limit(
        call,
        if words.is_some() { 300 } else { MAX_LIMIT },
        MAX_LIMIT,
    )?;
    let stats = call
        .query("expand")
        .is_some_and(|expand| expand.split(',').any(|part| part == "stats"));
    let rows = org.groups.after(at.place).filter(|(_, row)| {
        filter
            .as_ref()
            .is_none_or(|filter| filter.matches(&row.value))
            && words
                .as_ref()
                .is_none_or(|words| name(&row.value).to_lowercase().starts_with(words.as_str()))
    });
    let page = org.page(
        call,
        at,
        limit,
        rows.map(|(place, row)| (place, shown(org, row, stats))),
    );
    Ok(org.array(call, &page))
}

fn filter(call: &Call<'_>) -> Result<Option<Filter>, Refusal> {
    if let Some(text) = call.query("filter") {
        return Ok(Some(Filter::parse(text)?.only(filterable)?));
    }
    call.query("search").map(Filter::parse).transpose()
}

fn filterable(attribute: &str, op: Op) -> bool {
    match attribute {
        "lastUpdated" | "lastMembershipUpdated" => {
            matches!(op, Op::Eq | Op::Gt | Op::Ge | Op::Lt | Op::Le)
        }
        "id" | "type" => op == Op::Eq,
        _ => false,
    }
}

fn shown<'a>(org: &Org, row: &'a Row, stats: bool) -> Cow<'a, str> {
    if !stats {
        return Cow::Borrowed(row.text());
    }
    let mut group = row.value.clone();
    let streamed = org
        .streamed
        .as_ref()
        .filter(|streamed| streamed.group == row.id);
    let href = format!("{}/api/v1/groups/{}/stats", org.options.domain, row.id);
    group["_embedded"] = json!({"stats": {
        "usersCount": streamed.map_or(org.members.count(&row.id) as u64, |streamed| streamed.count),
        "appsCount": org.app_groups.parents(&row.id).count(),
        "groupPushMappingsCount": 0,
        "hasAdminPrivilege": org.assignments.count(&row.id) > 0,
        "_links": {"self": {"href": href}},
    }});
    Cow::Owned(group.to_string())
}

/// `GET /api/v1/groups/{id}`
pub(crate) fn one(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    Ok(Response::json(org.group_row(call.param(0))?.text()))
}

/// `GET /api/v1/groups/{id}/users`: whole user objects.
pub(crate) fn members(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let group = &org.group_row(call.param(0))?.id;
    let at = org.position(call)?;
    let limit = limit(call, MAX_MEMBERS, MAX_MEMBERS)?;
    if let Some(streamed) = org
        .streamed
        .as_ref()
        .filter(|streamed| streamed.group == *group)
    {
        let page = org.page(call, at, limit, streamed.users(at.place));
        return Ok(org.array(call, &page));
    }
    let rows = org
        .members
        .of(group)
        .into_iter()
        .flat_map(|table| table.after(at.place));
    let users = rows
        .filter_map(|(place, row)| Some((place, Cow::Borrowed(org.users.row(&row.id)?.text()))));
    let page = org.page(call, at, limit, users);
    Ok(org.array(call, &page))
}

pub(crate) fn name(group: &Value) -> &str {
    group["profile"]["name"].as_str().unwrap_or_default()
}

impl Org {
    pub(crate) fn group_row(&self, id: &str) -> Result<&Row, Refusal> {
        self.groups
            .row(id)
            .ok_or_else(|| Refusal::not_found(id, "UserGroup"))
    }

    /// A group's object as the API shows it.
    #[must_use]
    pub fn group(&self, id: &str) -> Option<&Value> {
        self.groups.get(id)
    }
}
