//! The templates as JSON.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::moto;

/// A template of the project, its short forms (`!Ref`) in their long form.
pub fn template(file: &str) -> Value {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let project = package
        .ancestors()
        .find(|folder| folder.join("Makefile").exists())
        .unwrap_or(package);
    let mut command = Command::new(moto::python());
    let read = command
        .args(["-B", "-m", "deploy.template", file])
        .current_dir(project)
        .output()
        .unwrap();
    assert!(
        read.status.success(),
        "{file}: {}",
        String::from_utf8_lossy(&read.stderr)
    );
    serde_json::from_slice(&read.stdout).unwrap()
}

/// The resources of a type, by their name in the template.
pub fn of_type<'a>(template: &'a Value, kind: &str) -> Vec<(&'a str, &'a Value)> {
    let resources = template["Resources"].as_object().unwrap();
    let of_type = resources
        .iter()
        .filter(|(_, resource)| resource["Type"] == kind);
    of_type
        .map(|(name, resource)| (name.as_str(), &resource["Properties"]))
        .collect()
}

/// The lines of a log that are JSON, as CloudWatch sees them.
pub fn lines(log: &str) -> Vec<Value> {
    log.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}
