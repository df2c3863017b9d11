//! Recorded objects are served as they were recorded.

use std::fs;

use fake_org::Loaded;
use serde_json::{Value, json};

use crate::support::{all, get, org};

#[test]
fn recorded_objects_are_served_value_by_value() {
    let directory = std::env::temp_dir().join(format!("fake-org-recorded-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let user = json!({"id": "00u1", "status": "ODD", "lastLogin": null, "profile": {"login": "a", "x": [1, null, "\u{e9}"]}, "_links": {"self": {"href": "https://elsewhere/x"}}});
    let files: [(&str, Vec<Value>); 6] = [
        (
            "users.jsonl",
            vec![json!({"id": "00u1", "status": "OLD"}), user.clone()],
        ),
        (
            "groups.jsonl",
            vec![json!({"id": "00g1", "profile": {"name": null}})],
        ),
        (
            "apps.jsonl",
            vec![json!({"id": "0oa1", "signOnMode": null})],
        ),
        (
            "app_groups.jsonl",
            vec![
                json!({"id": "00g9", "_links": {"app": {"href": "https://x/api/v1/apps/0oaGone"}}}),
            ],
        ),
        (
            "roles.jsonl",
            vec![
                json!({"id": "IFIFAX2BIRGUSTQ", "type": "APP_ADMIN", "_links": {"assignee": {"href": "https://x/api/v1/users/00uGone"}}}),
            ],
        ),
        (
            "role_targets.jsonl",
            vec![
                json!({"name": "facebook", "id": null}),
                json!({"id": "00g1"}),
            ],
        ),
    ];
    for (name, objects) in &files {
        let lines: Vec<String> = objects.iter().map(ToString::to_string).collect();
        fs::write(directory.join(name), lines.join("\n")).unwrap();
    }
    let mut org = org();
    let counts = org.load_recorded(&directory).unwrap();
    fs::remove_dir_all(&directory).unwrap();
    assert_eq!(
        counts["users.jsonl"],
        Loaded {
            read: 2,
            duplicates: 1
        }
    );
    assert_eq!(counts.len(), files.len());
    assert_eq!(get(&mut org, "/api/v1/users").value(), json!([user]));
    assert_eq!(org.state().memberships, ["00g1:00u1"]);
    assert_eq!(all(&mut org, "/api/v1/apps/0oa1/groups"), ["00g9"]);
    let path = "/api/v1/users/00u1/roles/IFIFAX2BIRGUSTQ/targets";
    assert_eq!(
        get(&mut org, &format!("{path}/catalog/apps")).value(),
        json!([{"name": "facebook", "id": null}])
    );
    assert_eq!(
        get(&mut org, &format!("{path}/groups")).value(),
        json!([{"id": "00g1"}])
    );
}
