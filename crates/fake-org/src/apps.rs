//! `/api/v1/apps`: applications and who may use them.

use std::borrow::Cow;

use serde_json::{Value, json};

use crate::filter::{Filter, Op};
use crate::message::Response;
use crate::org::Org;
use crate::paging::limit;
use crate::refusal::Refusal;
use crate::routes::Call;
use crate::table::{Relation, Row};

const MAX_LIMIT: u64 = 200;
const DEFAULT_LIMIT: u64 = 20;
const MAX_APP_USERS: u64 = 500;

/// `GET /api/v1/apps`
pub(crate) fn list(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let at = org.position(call)?;
    let filter = call.query("filter").map(Filter::parse).transpose()?;
    let filter = filter.map(|filter| filter.only(filterable)).transpose()?;
    let words = call.query("q").map(str::to_lowercase);
    let rows = org.apps.after(at.place).filter(|(_, row)| {
        filter
            .as_ref()
            .is_none_or(|filter| matches(org, filter, row))
            && words
                .as_ref()
                .is_none_or(|words| label(&row.value).to_lowercase().starts_with(words.as_str()))
    });
    let user = expanded_user(call);
    let rows = rows.map(|(place, row)| (place, shown(org, row, user)));
    let page = org.page(call, at, limit(call, DEFAULT_LIMIT, MAX_LIMIT)?, rows);
    Ok(org.array(call, &page))
}

/// The user whose app users are embedded: `expand=user/{id}` counts only beside the filter for the same user.
fn expanded_user<'a>(call: &'a Call<'_>) -> Option<&'a str> {
    let user = call.query("expand")?.strip_prefix("user/")?;
    (call.query("filter")? == format!("user.id eq \"{user}\"")).then_some(user)
}

fn shown<'a>(org: &Org, row: &'a Row, user: Option<&str>) -> Cow<'a, str> {
    let Some(assigned) = user.and_then(|user| org.app_users.get(&row.id, user)) else {
        return Cow::Borrowed(row.text());
    };
    let mut app = row.value.clone();
    app["_embedded"] = json!({ "user": assigned });
    Cow::Owned(app.to_string())
}

fn filterable(attribute: &str, op: Op) -> bool {
    let known = [
        "id",
        "status",
        "name",
        "credentials.signing.kid",
        "settings.slo.enabled",
        "user.id",
        "group.id",
    ];
    op == Op::Eq && known.contains(&attribute)
}

fn matches(org: &Org, filter: &Filter, row: &Row) -> bool {
    let assigned = |relation: &Relation| -> Vec<Value> {
        relation
            .children(&row.id)
            .into_iter()
            .map(|id| json!({ "id": id }))
            .collect()
    };
    let mut app = row.value.clone();
    app["user"] = assigned(&org.app_users).into();
    app["group"] = assigned(&org.app_groups).into();
    filter.matches(&app)
}

/// `GET /api/v1/apps/{id}`
pub(crate) fn one(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    Ok(Response::json(org.app_row(call.param(0))?.text()))
}

/// `GET /api/v1/apps/{id}/users`
pub(crate) fn users(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    children(org, call, &org.app_users, limit(call, 50, MAX_APP_USERS)?)
}

/// `GET /api/v1/apps/{id}/users/{user}`
pub(crate) fn user(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    child(org, call, &org.app_users, "AppUser")
}

/// `GET /api/v1/apps/{id}/groups`
pub(crate) fn groups(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let least = DEFAULT_LIMIT;
    children(
        org,
        call,
        &org.app_groups,
        limit(call, DEFAULT_LIMIT, MAX_LIMIT)?.max(least),
    )
}

/// `GET /api/v1/apps/{id}/groups/{group}`
pub(crate) fn group(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    child(org, call, &org.app_groups, "GroupAppAssignment")
}

/// `GET /api/v1/groups/{id}/apps`
pub(crate) fn of_group(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let group = &org.group_row(call.param(0))?.id;
    let at = org.position(call)?;
    let rows = org
        .apps
        .after(at.place)
        .filter(|(_, row)| org.app_groups.contains(&row.id, group));
    let page = org.page(
        call,
        at,
        limit(call, DEFAULT_LIMIT, MAX_LIMIT)?,
        texts(rows),
    );
    Ok(org.array(call, &page))
}

fn children(
    org: &Org,
    call: &Call<'_>,
    relation: &Relation,
    limit: u64,
) -> Result<Response, Refusal> {
    let app = &org.app_row(call.param(0))?.id;
    let at = org.position(call)?;
    let rows = relation
        .of(app)
        .into_iter()
        .flat_map(|table| table.after(at.place));
    let page = org.page(call, at, limit, texts(rows));
    Ok(org.array(call, &page))
}

fn child(org: &Org, call: &Call<'_>, relation: &Relation, kind: &str) -> Result<Response, Refusal> {
    let (app, child) = (&org.app_row(call.param(0))?.id, call.param(1));
    let row = relation.of(app).and_then(|table| table.row(child));
    Ok(Response::json(
        row.ok_or_else(|| Refusal::not_found(child, kind))?.text(),
    ))
}

/// Rows as a page takes them.
pub(crate) fn texts<'a>(
    rows: impl Iterator<Item = (u64, &'a Row)>,
) -> impl Iterator<Item = (u64, Cow<'a, str>)> {
    rows.map(|(place, row)| (place, Cow::Borrowed(row.text())))
}

pub(crate) fn label(app: &Value) -> &str {
    app["label"]
        .as_str()
        .or_else(|| app["name"].as_str())
        .unwrap_or_default()
}

impl Org {
    pub(crate) fn app_row(&self, id: &str) -> Result<&Row, Refusal> {
        self.apps
            .row(id)
            .ok_or_else(|| Refusal::not_found(id, "AppInstance"))
    }

    /// An app's object as the API shows it.
    #[must_use]
    pub fn app(&self, id: &str) -> Option<&Value> {
        self.apps.get(id)
    }

    /// An app group's object as the API shows it.
    #[must_use]
    pub fn app_group(&self, app: &str, group: &str) -> Option<&Value> {
        self.app_groups.get(app, group)
    }

    /// An app user's object as the API shows it.
    #[must_use]
    pub fn app_user(&self, app: &str, user: &str) -> Option<&Value> {
        self.app_users.get(app, user)
    }
}
