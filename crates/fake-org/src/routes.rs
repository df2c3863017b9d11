//! The endpoints: path template, scope, rate-limit class and what answers.

use crate::limits::Class;
use crate::message::{Request, Response};
use crate::org::Org;
use crate::refusal::Refusal;
use crate::{apps, factors, groups, iam, idps, logs, roles, users};

/// A route's handler.
pub(crate) type Handler = fn(&Org, &Call<'_>) -> Result<Response, Refusal>;

/// One endpoint.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) template: &'static str,
    /// Without one, anybody may ask.
    pub(crate) scope: Option<&'static str>,
    pub(crate) class: Class,
    pub(crate) handler: Handler,
}

const fn route(
    template: &'static str,
    scope: &'static str,
    class: Class,
    handler: Handler,
) -> Route {
    Route {
        template,
        scope: Some(scope),
        class,
        handler,
    }
}

const USERS: &str = "okta.users.read";
const GROUPS: &str = "okta.groups.read";
const APPS: &str = "okta.apps.read";
const ROLES: &str = "okta.roles.read";
const IDPS: &str = "okta.idps.read";
const LOGS: &str = "okta.logs.read";

/// Path of the token endpoint, the only one that is asked by POST.
pub(crate) const TOKEN_PATH: &str = "/oauth2/v1/token";

static ROUTES: &[Route] = &[
    Route {
        template: "/.well-known/okta-organization",
        scope: None,
        class: Class::Other,
        handler: organization,
    },
    route("/api/v1/users", USERS, Class::Users, users::list),
    route("/api/v1/users/{id}", USERS, Class::User, users::one),
    route(
        "/api/v1/users/{id}/groups",
        USERS,
        Class::UserParts,
        users::groups,
    ),
    route(
        "/api/v1/users/{id}/factors",
        USERS,
        Class::UserParts,
        factors::list,
    ),
    route(
        "/api/v1/users/{id}/roles",
        ROLES,
        Class::UserParts,
        roles::of_user,
    ),
    route(
        "/api/v1/users/{id}/roles/{role}/targets/groups",
        ROLES,
        Class::UserParts,
        roles::target_groups,
    ),
    route(
        "/api/v1/users/{id}/roles/{role}/targets/catalog/apps",
        ROLES,
        Class::UserParts,
        roles::target_apps,
    ),
    route("/api/v1/groups", GROUPS, Class::Groups, groups::list),
    route("/api/v1/groups/{id}", GROUPS, Class::Group, groups::one),
    route(
        "/api/v1/groups/{id}/users",
        GROUPS,
        Class::Groups,
        groups::members,
    ),
    route(
        "/api/v1/groups/{id}/apps",
        GROUPS,
        Class::Groups,
        apps::of_group,
    ),
    route(
        "/api/v1/groups/{id}/roles",
        ROLES,
        Class::Groups,
        roles::of_group,
    ),
    route(
        "/api/v1/groups/{id}/roles/{role}/targets/groups",
        ROLES,
        Class::Groups,
        roles::target_groups,
    ),
    route(
        "/api/v1/groups/{id}/roles/{role}/targets/catalog/apps",
        ROLES,
        Class::Groups,
        roles::target_apps,
    ),
    route("/api/v1/apps", APPS, Class::Apps, apps::list),
    route("/api/v1/apps/{id}", APPS, Class::App, apps::one),
    route("/api/v1/apps/{id}/users", APPS, Class::Apps, apps::users),
    route(
        "/api/v1/apps/{id}/users/{user}",
        APPS,
        Class::Apps,
        apps::user,
    ),
    route("/api/v1/apps/{id}/groups", APPS, Class::Apps, apps::groups),
    route(
        "/api/v1/apps/{id}/groups/{group}",
        APPS,
        Class::Apps,
        apps::group,
    ),
    route(
        "/oauth2/v1/clients/{id}/roles",
        ROLES,
        Class::Clients,
        roles::of_client,
    ),
    route(
        "/oauth2/v1/clients/{id}/roles/{role}/targets/groups",
        ROLES,
        Class::Clients,
        roles::target_groups,
    ),
    route(
        "/oauth2/v1/clients/{id}/roles/{role}/targets/catalog/apps",
        ROLES,
        Class::Clients,
        roles::target_apps,
    ),
    route(
        "/api/v1/iam/assignees/users",
        ROLES,
        Class::Iam,
        roles::assignees,
    ),
    route("/api/v1/iam/roles", ROLES, Class::Iam, iam::roles),
    route("/api/v1/iam/roles/{id}", ROLES, Class::Iam, iam::role),
    route(
        "/api/v1/iam/roles/{id}/permissions",
        ROLES,
        Class::Iam,
        iam::permissions,
    ),
    route(
        "/api/v1/iam/resource-sets",
        ROLES,
        Class::Iam,
        iam::resource_sets,
    ),
    route(
        "/api/v1/iam/resource-sets/{id}",
        ROLES,
        Class::Iam,
        iam::resource_set,
    ),
    route(
        "/api/v1/iam/resource-sets/{id}/resources",
        ROLES,
        Class::Iam,
        iam::resources,
    ),
    route(
        "/api/v1/iam/resource-sets/{id}/bindings",
        ROLES,
        Class::Iam,
        roles::bindings,
    ),
    route(
        "/api/v1/iam/resource-sets/{id}/bindings/{role}/members",
        ROLES,
        Class::Iam,
        roles::binding_members,
    ),
    route("/api/v1/idps", IDPS, Class::Idps, idps::list),
    route("/api/v1/idps/{id}", IDPS, Class::Idps, idps::one),
    route("/api/v1/idps/{id}/users", IDPS, Class::Idps, idps::users),
    route(
        "/api/v1/idps/{id}/credentials/keys",
        IDPS,
        Class::Idps,
        idps::keys_of_one,
    ),
    route(
        "/api/v1/idps/credentials/keys",
        IDPS,
        Class::Idps,
        idps::keys,
    ),
    route("/api/v1/logs", LOGS, Class::Logs, logs::list),
];

/// A request on its route.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) route: &'static Route,
    params: Vec<String>,
    query: Vec<(String, String)>,
}

impl<'a> Call<'a> {
    /// The route of a path; later routes with literal segments win over earlier ones with `{…}`.
    pub(crate) fn find(request: &'a Request) -> Option<Self> {
        let segments: Vec<&str> = request.path.split('/').collect();
        let route = ROUTES
            .iter()
            .rev()
            .find(|route| fits(route.template, &segments))?;
        let wanted = route.template.split('/');
        let params = wanted
            .zip(&segments)
            .filter(|(wanted, _)| wanted.starts_with('{'));
        let params = params.map(|(_, found)| decode(found)).collect();
        let query = form_urlencoded::parse(request.query.as_bytes())
            .into_owned()
            .collect();
        Some(Self {
            request,
            route,
            params,
            query,
        })
    }

    /// The n-th `{…}` of the template.
    pub(crate) fn param(&self, n: usize) -> &str {
        self.params.get(n).map_or("", String::as_str)
    }

    /// A query parameter; an empty one counts as absent, as Okta takes it.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn queries(&self) -> &[(String, String)] {
        &self.query
    }
}

fn fits(template: &str, segments: &[&str]) -> bool {
    let mut wanted = template.split('/');
    let fit = segments.iter().all(|found| {
        wanted.next().is_some_and(|wanted| {
            wanted == *found || (wanted.starts_with('{') && !found.is_empty())
        })
    });
    fit && wanted.next().is_none()
}

fn decode(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment)
        .decode_utf8_lossy()
        .into_owned()
}

fn organization(org: &Org, _: &Call<'_>) -> Result<Response, Refusal> {
    let domain = &org.options.domain;
    let body = serde_json::json!({
        "id": org.options.org_id,
        "cell": "ok14",
        "_links": {"organization": {"href": domain}},
        "pipeline": "idx",
        "settings": {"analyticsCollectionEnabled": false, "bugReportingEnabled": true, "omEnabled": false},
    });
    Ok(Response::json(body.to_string()))
}
