//! Role assignments of users, groups and clients, with their targets.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::apps::texts;
use crate::message::Response;
use crate::org::Org;
use crate::paging::limit;
use crate::refusal::Refusal;
use crate::routes::Call;

const TARGETS_LIMIT: u64 = 20;
const MAX_TARGETS: u64 = 200;
const ASSIGNEES_LIMIT: u64 = 100;

/// `GET /api/v1/users/{id}/roles`: direct assignments and those of the user's groups (`assignmentType: GROUP`).
pub(crate) fn of_user(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let user = org.user_row(call.param(0))?.id.clone();
    let mut roles = shown(org, call, &user, &user);
    for group in org.members.parents(&user) {
        roles.extend(shown(org, call, group, &user));
    }
    Ok(Response::json(Value::from(roles).to_string()))
}

/// `GET /api/v1/groups/{id}/roles`
pub(crate) fn of_group(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let group = org.group_row(call.param(0))?.id.clone();
    Ok(Response::json(
        Value::from(shown(org, call, &group, &group)).to_string(),
    ))
}

/// `GET /oauth2/v1/clients/{id}/roles`
pub(crate) fn of_client(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let client = call.param(0);
    if !org.apps.contains(client) && !org.credentials.clients.contains_key(client) {
        return Err(Refusal::not_found(client, "PublicClientApp"));
    }
    Ok(Response::json(
        Value::from(shown(org, call, client, client)).to_string(),
    ))
}

/// The assignments of one principal as another one sees them.
fn shown(org: &Org, call: &Call<'_>, principal: &str, viewer: &str) -> Vec<Value> {
    let rows = org
        .assignments
        .of(principal)
        .into_iter()
        .flat_map(crate::table::Table::rows);
    rows.map(|row| {
        let mut role = row.value.clone();
        if principal != viewer {
            role["assignmentType"] = "GROUP".into();
        }
        if let Some(kind) = call.query("expand").and_then(|expand| expand.strip_prefix("targets/")) {
            role["_embedded"] = json!({"targets": {kind.split('/').next_back().unwrap_or(kind): targets(org, principal, &row.id, kind)}});
        }
        role
    })
    .collect()
}

fn targets(org: &Org, principal: &str, assignment: &str, kind: &str) -> Vec<Value> {
    let wanted = if kind == "groups" { "group" } else { "app" };
    let rows = org
        .role_targets
        .of(&format!("{principal}:{assignment}"))
        .into_iter()
        .flat_map(crate::table::Table::rows);
    rows.filter(|row| row.value["kind"] == wanted)
        .map(|row| row.value["object"].clone())
        .collect()
}

/// `GET …/{principal}/roles/{assignment}/targets/groups`
pub(crate) fn target_groups(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    target_list(org, call, "groups")
}

/// `GET …/{principal}/roles/{assignment}/targets/catalog/apps`
pub(crate) fn target_apps(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    target_list(org, call, "catalog/apps")
}

fn target_list(org: &Org, call: &Call<'_>, kind: &str) -> Result<Response, Refusal> {
    let (principal, assignment) = (call.param(0), call.param(1));
    let holder = org
        .holder(principal, assignment)
        .ok_or_else(|| Refusal::not_found(assignment, "RoleAssignment"))?;
    let at = org.position(call)?;
    let texts: Vec<String> = targets(org, &holder, assignment, kind)
        .iter()
        .map(ToString::to_string)
        .collect();
    let rows = (1_u64..).zip(texts).filter(|(rank, _)| *rank > at.place);
    let page = org.page(
        call,
        at,
        limit(call, TARGETS_LIMIT, MAX_TARGETS)?,
        rows.map(|(rank, text)| (rank, text.into())),
    );
    Ok(org.array(call, &page))
}

/// `GET /api/v1/iam/assignees/users`: users with a role of their own or of a group.
pub(crate) fn assignees(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let at = org.position(call)?;
    let admins = org.admins();
    let rows = org
        .users
        .after(at.place)
        .filter(|(_, row)| admins.contains(row.id.as_str()));
    let objects = rows.map(|(place, row)| (place, assignee(org, &row.id).to_string().into()));
    let page = org.page(
        call,
        at,
        limit(call, ASSIGNEES_LIMIT, ASSIGNEES_LIMIT)?,
        objects,
    );
    org.object(call, "value", &page)
}

fn assignee(org: &Org, user: &str) -> Value {
    let href = format!("{}/api/v1/users/{user}", org.options.domain);
    json!({
        "id": user,
        "orn": format!("orn:okta:directory:{}:users:{user}", org.options.org_id),
        "_links": {"self": {"href": href}, "roles": {"href": format!("{href}/roles")}},
    })
}

/// `GET /api/v1/iam/resource-sets/{set}/bindings/{role}/members`
pub(crate) fn binding_members(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let (set, role) = (call.param(0), call.param(1));
    if !org.bindings.contains(set, role) {
        return Err(Refusal::not_found(role, "ResourceSetBinding"));
    }
    let at = org.position(call)?;
    let bound = org
        .assignments
        .tables()
        .flat_map(|(principal, table)| table.rows().map(move |row| (principal, row)));
    let bound =
        bound.filter(|(_, row)| row.value["resource-set"] == set && row.value["role"] == role);
    let ranked = (1_u64..).zip(bound).filter(|(rank, _)| *rank > at.place);
    let objects = ranked.map(|(rank, (principal, row))| {
        (rank, member(org, principal, &row.value).to_string().into())
    });
    let page = org.page(
        call,
        at,
        limit(call, ASSIGNEES_LIMIT, ASSIGNEES_LIMIT)?,
        objects,
    );
    org.object(call, "members", &page)
}

/// A binding's member: it names its principal by the link to it alone.
fn member(org: &Org, principal: &str, assignment: &Value) -> Value {
    let href = format!("{}{}", org.options.domain, principal_path(principal));
    json!({"id": assignment["id"], "created": assignment["created"], "lastUpdated": assignment["lastUpdated"], "_links": {"self": {"href": href}}})
}

/// The path of a user, group or client.
pub(crate) fn principal_path(id: &str) -> String {
    match id.get(..3) {
        Some("00u") => format!("/api/v1/users/{id}"),
        Some("00g") => format!("/api/v1/groups/{id}"),
        _ => format!("/oauth2/v1/clients/{id}"),
    }
}

/// `GET /api/v1/iam/resource-sets/{set}/bindings`
pub(crate) fn bindings(org: &Org, call: &Call<'_>) -> Result<Response, Refusal> {
    let set = call.param(0);
    if !org.resource_sets.contains(set) {
        return Err(Refusal::not_found(set, "ResourceSet"));
    }
    let at = org.position(call)?;
    let rows = org
        .bindings
        .of(set)
        .into_iter()
        .flat_map(|table| table.after(at.place));
    let page = org.page(
        call,
        at,
        limit(call, ASSIGNEES_LIMIT, ASSIGNEES_LIMIT)?,
        texts(rows),
    );
    org.object(call, "roles", &page)
}

impl Org {
    /// The holder of an assignment that a principal has: itself, or the group that it comes from.
    fn holder(&self, principal: &str, assignment: &str) -> Option<String> {
        let own = std::iter::once(principal).chain(self.members.parents(principal));
        own.into_iter()
            .find(|holder| self.assignments.contains(holder, assignment))
            .map(str::to_owned)
    }

    fn admins(&self) -> BTreeSet<&str> {
        let holders = self
            .assignments
            .tables()
            .filter(|(_, table)| table.len() > 0)
            .map(|(holder, _)| holder);
        let (groups, mut users): (BTreeSet<&str>, BTreeSet<&str>) =
            holders.partition(|holder| self.groups.contains(holder));
        for group in groups {
            users.extend(
                self.members
                    .of(group)
                    .into_iter()
                    .flat_map(crate::table::Table::ids),
            );
        }
        users
    }

    /// A principal's own role assignments as the API shows them.
    #[must_use]
    pub fn role_assignments(&self, principal: &str) -> Vec<Value> {
        let rows = self
            .assignments
            .of(principal)
            .into_iter()
            .flat_map(crate::table::Table::rows);
        rows.map(|row| row.value.clone()).collect()
    }
}
