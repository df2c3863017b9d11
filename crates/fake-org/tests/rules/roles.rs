//! Admin roles, custom roles and resource sets.

use fake_org::{Client, NewApp, NewUser, Org, Targets};
use serde_json::{Value, json};

use crate::support::{CLIENT, get, org};

fn person(org: &mut Org, name: &str) -> String {
    org.create_user(NewUser::named(name, "X"))
}

fn column(list: &Value, key: &str) -> Vec<String> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|item| item[key].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn scoped_roles_have_the_same_id_for_everybody_and_list_their_targets() {
    let mut org = org();
    let (ada, bob, group) = (
        person(&mut org, "Ada"),
        person(&mut org, "Bob"),
        org.create_group("G"),
    );
    let app = org.create_app(NewApp::new("slack", "Slack", "SAML_2_0"));
    let targets = Targets {
        apps: vec![app.clone()],
        catalog: vec!["zoomus".into()],
        ..Targets::default()
    };
    let id = org.assign_role(&ada, "APP_ADMIN", &targets).unwrap();
    assert_eq!(
        (id.as_str(), org.assign_role(&bob, "APP_ADMIN", &targets)),
        ("IFIFAX2BIRGUSTQ", Some(id.clone()))
    );
    assert_eq!(org.assign_role(&ada, "APP_ADMIN", &targets), None);
    let path = format!("/api/v1/users/{ada}/roles/{id}/targets");
    let apps = get(&mut org, &format!("{path}/catalog/apps")).value();
    assert_eq!(
        (&apps[0]["id"], &apps[1]["name"], &apps[1]["id"]),
        (&json!(app), &json!("zoomus"), &Value::Null)
    );
    assert_eq!(get(&mut org, &format!("{path}/groups")).value(), json!([]));
    let expanded = get(
        &mut org,
        &format!("/api/v1/users/{ada}/roles?expand=targets/catalog/apps"),
    )
    .value();
    assert_eq!(expanded[0]["_embedded"]["targets"]["apps"], apps);
    org.delete_app(&app);
    assert_eq!(
        column(
            &get(&mut org, &format!("{path}/catalog/apps")).value(),
            "name"
        ),
        ["zoomus"]
    );
    org.assign_role(
        &group,
        "HELP_DESK_ADMIN",
        &Targets {
            groups: vec![group.clone()],
            ..Targets::default()
        },
    );
    let path = format!("/api/v1/groups/{group}/roles/JBCUYUC7IRCVGS27IFCE2SKO/targets/groups");
    assert_eq!(column(&get(&mut org, &path).value(), "id"), [group]);
}

#[test]
fn users_show_roles_of_their_groups_and_are_assignees_by_them() {
    let mut org = org();
    let (ada, bob, group) = (
        person(&mut org, "Ada"),
        person(&mut org, "Bob"),
        org.create_group("G"),
    );
    person(&mut org, "Nobody");
    org.assign_role(&bob, "SUPER_ADMIN", &Targets::default());
    org.assign_role(&group, "READ_ONLY_ADMIN", &Targets::default());
    org.add_member(&group, &ada);
    let roles = get(&mut org, &format!("/api/v1/users/{ada}/roles")).value();
    assert_eq!(
        (&roles[0]["assignmentType"], &roles[0]["type"]),
        (&json!("GROUP"), &json!("READ_ONLY_ADMIN"))
    );
    assert_eq!(
        get(&mut org, &format!("/api/v1/users/{bob}/roles")).value()[0]["assignmentType"],
        "USER"
    );
    let assignees = get(&mut org, "/api/v1/iam/assignees/users?limit=1").value();
    assert_eq!(column(&assignees["value"], "id"), [ada.as_str()]);
    let next = assignees["_links"]["next"]["href"].as_str().unwrap();
    assert!(
        next.starts_with("https://acme.okta.com/api/v1/iam/assignees/users?after="),
        "{next}"
    );
    let rest = get(&mut org, next.trim_start_matches("https://acme.okta.com")).value();
    assert_eq!(
        (column(&rest["value"], "id"), &rest["_links"]["next"]),
        (vec![bob], &Value::Null)
    );
    assert_eq!(org.state().role_assignments.len(), 2);
}

#[test]
fn custom_roles_are_bound_by_resource_sets() {
    let mut org = org();
    let (ada, group) = (person(&mut org, "Ada"), org.create_group("G"));
    let role = org.create_custom_role("Helper", &["okta.users.read", "okta.users.manage"]);
    let set = org.create_resource_set(
        "Some",
        &["/api/v1/users", &format!("/api/v1/groups/{group}")],
    );
    let id = org.assign_custom_role(&ada, &role, &set).unwrap();
    org.assign_custom_role(&group, &role, &set);
    let assigned = get(&mut org, &format!("/api/v1/users/{ada}/roles")).value()[0].clone();
    assert_eq!(
        (
            &assigned["type"],
            &assigned["role"],
            &assigned["resource-set"]
        ),
        (&json!("CUSTOM"), &json!(role), &json!(set))
    );
    let permissions = get(&mut org, &format!("/api/v1/iam/roles/{role}/permissions")).value();
    assert_eq!(
        column(&permissions["permissions"], "label"),
        ["okta.users.read", "okta.users.manage"]
    );
    let base = format!("/api/v1/iam/resource-sets/{set}");
    assert_eq!(
        get(&mut org, &format!("{base}/resources")).value()["resources"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        column(
            &get(&mut org, &format!("{base}/bindings")).value()["roles"],
            "id"
        ),
        [role.as_str()]
    );
    let members =
        get(&mut org, &format!("{base}/bindings/{role}/members")).value()["members"].clone();
    let links: Vec<&str> = members
        .as_array()
        .unwrap()
        .iter()
        .map(|member| member["_links"]["self"]["href"].as_str().unwrap())
        .collect();
    assert!(
        links.contains(&format!("https://acme.okta.com/api/v1/users/{ada}").as_str())
            && links.len() == 2,
        "{links:?}"
    );
    assert!(org.revoke_role(&ada, &id));
    assert!(org.delete_resource_set(&set));
    assert!(org.role_assignments(&group).is_empty());
    assert_eq!(
        get(&mut org, "/api/v1/iam/resource-sets").value()["resource-sets"],
        json!([])
    );
    assert_eq!(
        get(&mut org, "/api/v1/iam/roles/Helper").value()["id"],
        role
    );
}

#[test]
fn clients_hold_roles_too() {
    let mut org = org();
    org.add_client(Client::with_secret("0oaService", "x"));
    assert!(
        org.assign_role("0oaService", "READ_ONLY_ADMIN", &Targets::default())
            .is_some()
    );
    let role = get(&mut org, "/oauth2/v1/clients/0oaService/roles").value()[0].clone();
    assert_eq!(role["assignmentType"], "CLIENT");
    assert_eq!(
        get(&mut org, &format!("/oauth2/v1/clients/{CLIENT}/roles")).value(),
        json!([])
    );
    assert_eq!(
        get(&mut org, "/oauth2/v1/clients/0oaNobody/roles").status,
        404
    );
}
